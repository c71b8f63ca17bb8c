"""Commands are imported when they are wanted, and not before."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

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

# What few syncs need.
SPARED = (
    "alembic",
    "apscheduler",
    "authlib",
    "cryptography",
    "prometheus_client",
    "rapidfuzz",
    "rich",
    "starlette",
    "uvicorn",
)

# What a sync needs once a request failed, or a connection speaks that protocol.
PERHAPS = (
    "tenacity",
    "tasksync.connectors.capsule.v1_connector",
    "tasksync.connectors.capsule.v2_connector",
)


@pytest.mark.parametrize("place", COMMANDS, ids=lambda place: place.name)
def test_every_command_is_where_it_should_be(place: Place) -> None:
    """Each one that is listed loads, and has a help of its own, with examples, behind -h as well."""
    done = CliRunner().invoke(app, [place.name, "-h"])
    assert done.exit_code == 0, done.output
    assert f"Usage: tasksync {place.name}" in done.output.replace("root", "tasksync")


@pytest.mark.parametrize("place", COMMANDS, ids=lambda place: place.name)
@pytest.mark.parametrize("columns", [80, 120])
def test_a_help_fits_the_terminal(place: Place, columns: int) -> None:
    """Prose is broken where the terminal ends, and nowhere before, wherever the source breaks it; examples stay
    indented, one a line. Of a group, so is the help of each of its commands.
    """
    parts = [[part] for part in getattr(place.load(), "commands", {})]
    for name in ([], *parts):
        done = CliRunner().invoke(app, [place.name, *name, "--help"], env={"COLUMNS": str(columns)})
        lines = [line[1:].rstrip() for line in done.output.partition("╭")[0].splitlines()]
        text, _, examples = "\n".join(lines).partition("\nExample")
        for line, following in pairwise(text.splitlines()):
            if line and following:
                assert len(f"{line} {following.split()[0]}") > columns - 2, line
        shown = [line for line in examples.splitlines()[1:] if line]
        is_group = bool(parts) and not name
        assert bool(shown) != is_group, text
        assert all(line.startswith("  ") for line in shown), shown


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


def test_a_sync_imports_only_what_every_sync_needs(tmp_path: Path) -> None:
    """A `sync --once` imports what a daemon, a sign-in or a migration needs only where it needs it itself, and the
    garbage collector leaves alone what it has imported.
    """
    (tmp_path / "config.yaml").write_text(
        "connections:\n  office: {type: onlyoffice, url: 'http://127.0.0.1:9', token: sandbox}\nretry: {tries: 1}\n",
        encoding="utf-8",
    )
    program = (
        "import gc, json, sys\n"
        "sys.argv = ['tasksync', 'sync', '--once', '--json']\n"
        "from tasksync.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        f"    spared = [name for name in {SPARED!r} if name in sys.modules]\n"
        "    print(json.dumps([end.code, spared, gc.get_freeze_count() > 50_000]))\n"
    )
    found = []
    for _ in ("makes the mirror", "finds it as it should be"):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    # Port 9 is nobody's, so both are to be tried again.
    assert found == [[1, ["alembic"], True], [1, [], True]]


def test_a_sync_starts_without_what_it_may_not_need() -> None:
    """What tries again, and each protocol of a CRM that has several, are imported when they are wanted."""
    program = (
        "import sys\n"
        "import tasksync.cli.sync\n"
        "from tasksync.connectors.manifest import discover\n"
        "discover()\n"
        f"print([name for name in {PERHAPS!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["check", "--help"], ["check", "--offline"]])
def test_the_collector_rests_when_a_command_has_ended(arguments: list[str]) -> None:
    """However a command ends, what is left is not gone over before it goes with the process."""
    program = (
        "import gc, sys\n"
        f"sys.argv = ['tasksync', '--config', 'nowhere.yaml', *{arguments!r}]\n"
        "from tasksync.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    print(gc.isenabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
