"""`tasksync status`."""

from __future__ import annotations

import json
from collections import Counter
from typing import Annotated, Any

import typer
from rich.text import Text

from tasksync.bootstrap.health import health
from tasksync.bootstrap.mirrors import reading
from tasksync.cli import forms, show
from tasksync.cli.sync import prepare
from tasksync.config import Config
from tasksync.errors import ExitCode
from tasksync.ports import OperationState, Unit


def status(
    context: typer.Context,
    *,
    health_: Annotated[
        bool, typer.Option("--health", help="Only whether the daemon is well: exit code 0, or 1 if it is not.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Show the last sync, and for each connection: its account, when it was last read, what waits and what is held,
    and how many people, categories or links of tasks it does not know.

    Reads only, needs no CRM, and does not wait for a sync that is running. Ends with 0 whatever it shows, but for
    --health, which is for the health check of a container.

    Examples:
      tasksync status
      tasksync status --json | jq .last_run.exit_code
      tasksync status --health
    """
    config, _ = prepare(context)
    if health_:
        raise typer.Exit(int(_tell_health(config, as_json=json_)))
    with reading(config) as unit:
        found = _as_json(config, unit)
    if json_:
        typer.echo(json.dumps(found, ensure_ascii=False))
    else:
        _print(found)


def _tell_health(config: Config, *, as_json: bool) -> ExitCode:
    well, said = health(config)
    typer.echo(json.dumps({"healthy": well, "message": said}, ensure_ascii=False) if as_json else said)
    return ExitCode.IN_STEP if well else ExitCode.RETRY


def _as_json(config: Config, unit: Unit) -> dict[str, Any]:
    # By name and kind, and "task" comes last: what is told of a connection is told of its tasks.
    known = {state.name: state for state in unit.connections()}
    waiting = Counter(queued.operation.connection for queued in unit.queue() if queued.state is not OperationState.HELD)
    open_ = [hold for hold in unit.holds() if hold.decision is None]
    held = Counter(hold.connection for hold in open_)
    gaps = Counter(gap.connection for gap in unit.gaps())
    configured = [settings.name for settings in config.connections]
    connections = {}
    for name in [*configured, *sorted(known.keys() - set(configured))]:
        state = known.get(name)
        connections[name] = {
            "configured": name in configured,
            "account": None if state is None else state.identity,
            "met_at": None if state is None else forms.iso_or_none(state.met_at),
            "polled_at": None if state is None else forms.iso_or_none(state.polled_at),
            "waiting": waiting[name],
            "held": held[name],
            "gaps": gaps[name],
        }
    last = next(iter(unit.runs(1)), None)
    run = (
        None
        if last is None
        else {
            "run": last.id,
            "started_at": forms.iso(last.started_at),
            "finished_at": forms.iso(last.finished_at),
            "exit_code": last.exit_code,
        }
    )
    return {"last_run": run, "connections": connections, "holds": len(open_), "gaps": gaps.total()}


def _print(found: dict[str, Any]) -> None:
    out = show.console()
    last = found["last_run"]
    if last is None:
        out.print(Text("No sync has finished yet."))
    else:
        outcome = show.OUTCOMES.get(ExitCode(last["exit_code"]), "")
        out.print(Text(f"Last sync: {last['finished_at']}, exit code {last['exit_code']}. {outcome}"))
    made = show.table("", "connection", "account", "joined", "last read in full", "waiting", "held", "gaps")
    for name, one in found["connections"].items():
        shown = name if one["configured"] else f"{name} (not in the config any more)"
        times = (show.brief(one["met_at"]), show.brief(one["polled_at"]))
        counts = (str(one[name]) for name in ("waiting", "held", "gaps"))
        made.add_row(shown, show.brief(one["account"]), *times, *counts)
    out.print(made)
    if found["holds"]:
        out.print(Text("Held for a person: tasksync holds list"))
    if found["gaps"]:
        out.print(Text("Gaps, where somebody or something is not known in a CRM: tasksync map"))
