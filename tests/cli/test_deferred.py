"""Commands are imported when they are wanted, and not before."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from tasksync.cli.app import COMMANDS, app
from tasksync.cli.deferred import Place

# What takes long to import, and what none of the help needs.
SLOW = (
    "sqlalchemy",
    "sqlmodel",
    "httpx",
    "pydantic",
    "structlog",
    "uvicorn",
    "starlette",
    "prometheus_client",
    "authlib",
)


@pytest.mark.parametrize("place", COMMANDS, ids=lambda place: place.name)
def test_every_command_is_where_it_should_be(place: Place) -> None:
    """Each one that is listed loads, and has a help of its own, with examples, behind -h as well."""
    done = CliRunner().invoke(app, [place.name, "-h"])
    assert done.exit_code == 0, done.output
    assert f"Usage: tasksync {place.name}" in done.output.replace("root", "tasksync")


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["--version"], 0), ([], 2)])
def test_the_list_of_commands_imports_none_of_them(arguments: list[str], code: int) -> None:
    """Help and the version come without what only a command needs."""
    program = (
        "import json, sys\n"
        f"sys.argv = ['tasksync', *{arguments!r}]\n"
        "from tasksync.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        f"    print(json.dumps([end.code, [name for name in {SLOW!r} if name in sys.modules]]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [code, []]
