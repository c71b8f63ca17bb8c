"""`tasksync sync`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Annotated, Any

import typer

from tasksync.bootstrap.garbage import staying
from tasksync.bootstrap.surroundings import Surroundings, surroundings
from tasksync.bootstrap.syncing import sync_once
from tasksync.cli import forms
from tasksync.config import Config, load_config
from tasksync.engine.report import CycleReport, PlannedWrite
from tasksync.errors import ExitCode, WrongUsage

_EPILOG = """\
Without --once it goes on until it is stopped: each connection is polled every poll_every, and what one shows is sent
to the others at once. SIGTERM and Ctrl-C stop it (a second one at once), SIGHUP reads the configuration again, and
SIGUSR1 syncs now.

Examples:
  tasksync sync                             as a service, or in a container
  tasksync sync --once --dry-run            what would be written where
  tasksync sync --once                      one cycle, as from cron
  tasksync sync --once --only office        without the other connections
  tasksync sync --once --json | jq .holds   for scripts; logs go to stderr"""


def sync(
    context: typer.Context,
    *,
    once: Annotated[bool, typer.Option("--once", help="One cycle, then exit.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done. Writes nothing, not even the mirror.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CONNECTION", help="Poll and push only this connection. May be repeated."),
    ] = None,
    allow_deletes: Annotated[
        bool, typer.Option("--allow-deletes", help="Carry out deletions beyond max_deletes, this time.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Keep the tasks of all configured connections in step."""
    if not once:
        _refuse_alone(**{"--dry-run": dry_run, "--only": bool(only), "--allow-deletes": allow_deletes, "--json": json_})
        raise typer.Exit(int(_stay(context)))
    with staying():
        config, around = prepare(context)
    report = asyncio.run(
        sync_once(
            config,
            around,
            only=only or (),
            dry_run=dry_run,
            allow_deletes=allow_deletes,
            # As the first process of a container it would not end otherwise.
            stop_at=(signal.SIGTERM,),
        )
    )
    if json_:
        typer.echo(json.dumps(as_json(report), ensure_ascii=False))
    else:
        # What draws tables is a tenth of a run in which nothing changed, and scripts do without.
        from tasksync.cli import show  # noqa: PLC0415

        show.report(report)
    raise typer.Exit(int(report.exit_code))


sync.__doc__ = f"{sync.__doc__}\n\n{_EPILOG}"


def _refuse_alone(**given: bool) -> None:
    """What is about one cycle makes no sense for all that follow."""
    for option, wanted in given.items():
        if wanted:
            raise WrongUsage(f"{option} is about one cycle: give --once as well.")


def _stay(context: typer.Context) -> ExitCode:
    # Until the daemon heeds them, they would end it. What they ask for, a start does anyway.
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    with staying():
        # Only the daemon needs a web server, a scheduler and metrics.
        from tasksync.bootstrap.daemon import run_daemon  # noqa: PLC0415

        config, around = prepare(context)
    file = config.path
    return asyncio.run(run_daemon(config, lambda: load_config(file, os.environ), around))


def prepare(context: typer.Context) -> tuple[Config, Surroundings]:
    """The configuration that the command line names, and a log as it wants it."""
    config = load_config(context.obj, os.environ)
    around = surroundings(config.log)
    for warning in config.warnings:
        around.log.warning("config_doubtful", warning=warning)
    return config, around


def as_json(report: CycleReport) -> dict[str, Any]:
    """The object of design.md section 8."""
    plan = {} if report.plan is None else {"plan": [_planned(one) for one in report.plan]}
    return {**report.summary(), **plan}


def _planned(planned: PlannedWrite) -> dict[str, Any]:
    return {
        "connection": planned.connection,
        "action": str(planned.action),
        "record": planned.record,
        "external_id": planned.external_id,
        "title": planned.title,
        "fields": forms.plain(planned.fields),
    }
