"""The program: its commands, and what becomes of errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tasksync import __version__
from tasksync.cli.backup import backup
from tasksync.cli.check import check
from tasksync.cli.demo import demo
from tasksync.cli.explain import explain
from tasksync.cli.history import conflicts, history
from tasksync.cli.holds import holds
from tasksync.cli.link import link, unlink
from tasksync.cli.login import login
from tasksync.cli.map import map_
from tasksync.cli.outbox import outbox
from tasksync.cli.restore import restore
from tasksync.cli.sandbox import sandbox
from tasksync.cli.status import status
from tasksync.cli.sync import sync
from tasksync.errors import TasksyncError

_EPILOG = """Exit codes: 0 in step; 1 something failed and will be tried again; 2 usage or config;
3 another tasksync has this mirror; 4 something is held for a person; 5 a connection needs new credentials."""

app = typer.Typer(
    name="tasksync",
    help="Keeps tasks in step between the CRM systems a firm uses. Try it with: tasksync demo",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 (typer calls it so)
    if wanted:
        typer.echo(f"tasksync {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="PATH",
            help="The configuration. If not given: $TASKSYNC_CONFIG, ./config.yaml, /etc/tasksync/config.yaml.",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 (its callback does it)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that come before the command."""
    context.obj = config


app.command()(sync)
app.command()(check)
app.command()(login)
app.command()(demo)
app.command()(sandbox)
app.command()(status)
app.command()(backup)
app.add_typer(holds, name="holds")
app.command("map")(map_)
app.command()(conflicts)
app.command()(history)
app.command()(explain)
app.command()(restore)
app.command()(link)
app.command()(unlink)
app.add_typer(outbox, name="outbox")


def main() -> None:
    """Run the command of `sys.argv`. An operator's mistake gets a sentence and an exit code, never a traceback."""
    try:
        app()
    except TasksyncError as error:
        typer.echo(f"tasksync: {error}", err=True)
        sys.exit(error.exit_code)
