"""The program: its commands, and what becomes of errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tasksync import __version__
from tasksync.cli.deferred import Place, group_of
from tasksync.errors import TasksyncError

_EPILOG = (
    "Exit codes: 0 in step; 1 something failed and will be tried again; 2 usage or config; 3 another tasksync has "
    "this mirror; 4 something is held for a person; 5 a connection needs new credentials."
)

COMMANDS = (
    Place(
        "sync", "tasksync.cli.sync:sync", "Keep the tasks of all connections in step: until it is stopped, or --once."
    ),
    Place("check", "tasksync.cli.check:check", "Check the configuration, and what each connection can do."),
    Place("login", "tasksync.cli.login:login", "Sign a connection in by OAuth2."),
    Place("demo", "tasksync.cli.demo:demo", "Show the main job, on simulated CRMs."),
    Place("sandbox", "tasksync.cli.sandbox:sandbox", "Run simulated CRMs, for trying out a configuration."),
    Place("status", "tasksync.cli.status:status", "Show the last sync, and how each connection stands."),
    Place("holds", "tasksync.cli.holds:holds", "What a person has to decide."),
    Place("map", "tasksync.cli.map:map_", "Show who and what is the same in several CRMs, and what is missing."),
    Place("conflicts", "tasksync.cli.history:conflicts", "List fields that were edited in two CRMs at once."),
    Place("history", "tasksync.cli.history:history", "Show a task, where it is, and every value it had."),
    Place("explain", "tasksync.cli.explain:explain", "Show why a task is as it is."),
    Place("restore", "tasksync.cli.restore:restore", "Bring back what was overwritten, or a task that was deleted."),
    Place("link", "tasksync.cli.link:link", "Say that tasks are one and the same."),
    Place("unlink", "tasksync.cli.link:unlink", "Say that a task was taken for another one."),
    Place("outbox", "tasksync.cli.outbox:outbox", "What the CRMs still have to get."),
    Place("backup", "tasksync.cli.backup:backup", "Copy the mirror to a file, also while tasksync runs."),
)

app = typer.Typer(
    cls=group_of(*COMMANDS),
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


def run() -> None:
    """Run the command of `sys.argv`. Raises nothing but `SystemExit` for what an operator can mend."""
    try:
        app()
    except TasksyncError as error:
        typer.echo(f"tasksync: {error}", err=True)
        sys.exit(error.exit_code)
