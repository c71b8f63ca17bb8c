"""`tasksync holds`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from tasksync.bootstrap.mirrors import reading, writing
from tasksync.cli import forms, show
from tasksync.cli.sync import prepare
from tasksync.core.record import KINDS, NOTHING, Values
from tasksync.engine.desk import approve as approve_holds
from tasksync.engine.desk import drop as drop_holds
from tasksync.ports import Decision, Hold, HoldReason, Unit

_MEANS = {
    HoldReason.DELETIONS: (
        "the next sync deletes them everywhere else",
        "the next sync creates them again where they vanished",
    ),
    HoldReason.AMBIGUOUS: (
        "the next sync copies it as a task of its own",
        "it is left alone: neither matched nor copied",
    ),
    HoldReason.REFUSED: ("the next sync sends it again", "it is not sent there until it changes"),
    HoldReason.DEFAULT_NEEDED: ("the next sync sends it again", "it is not sent there until it changes"),
    HoldReason.DUPLICATE: (
        "the next sync creates it once more; what was found is new",
        "it is not created there; what was found is new",
    ),
    HoldReason.OSCILLATING: ("the next sync writes it again", "it is left as it is there"),
}

holds = typer.Typer(
    name="holds",
    help="What a person has to decide: deletions in bulk, look-alikes, tasks that a CRM refuses. Begin with: "
    "tasksync holds list",
    no_args_is_help=True,
    add_completion=False,
)

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="As tasksync holds list shows them.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@holds.command("list")
def list_(context: typer.Context, *, json_: Json = False) -> None:
    """List what is held, and what was decided of it that no sync has acted on yet.

    Reads only, needs no CRM, and does not wait for a sync that is running.

    Examples:
      tasksync holds list
      tasksync holds list --json | jq '.holds[] | select(.decision == null)'
    """
    config, _ = prepare(context)
    with reading(config) as unit:
        found = unit.holds()
        titles = _titles(unit, found)
    if json_:
        typer.echo(json.dumps({"holds": [_as_json(hold, titles[hold.id]) for hold in found]}, ensure_ascii=False))
    else:
        _print(found, titles)


@holds.command()
def approve(context: typer.Context, ids: Ids, *, json_: Json = False) -> None:
    """Let it be done: what was held is sent, deleted, or copied by the next sync.

    deletions: carried out everywhere else. Look-alikes: each of these is a task of its own, and copied. Refused, or
    a default was needed: sent again. Possible duplicates: created once more. Written to and fro: written again.

    Needs no CRM.

    Examples:
      tasksync holds approve 3
      tasksync holds approve 3 4 5 && tasksync sync --once
    """
    config, around = prepare(context)
    with writing(config, around, command="tasksync holds approve") as (unit, now):
        done = approve_holds(unit, ids, now)
        titles = _titles(unit, done)
    _tell(done, titles, Decision.APPROVED, json_=json_)


@holds.command()
def drop(context: typer.Context, ids: Ids, *, json_: Json = False) -> None:
    """Let it not be done.

    deletions: the tasks are created again where they vanished. Look-alikes: left alone, neither matched nor copied.
    Refused, or a default was needed: not sent there until the task changes. Possible duplicates: not created there.
    Written to and fro: left as it is there.

    Needs no CRM.

    Examples:
      tasksync holds drop 3
      tasksync holds drop 3 4 5 && tasksync sync --once
    """
    config, around = prepare(context)
    with writing(config, around, command="tasksync holds drop") as (unit, _):
        done = drop_holds(unit, ids)
        titles = _titles(unit, done)
    _tell(done, titles, Decision.DROPPED, json_=json_)


def _titles(unit: Unit, found: Sequence[Hold]) -> Mapping[int | None, str]:
    """What the tasks behind the holds are called, by the hold's id; empty for a connection as a whole."""
    records = unit.records({hold.record_id for hold in found if hold.record_id is not None})
    wanted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for hold in found:
        if hold.external_id is not None:
            wanted[hold.connection, hold.kind].append(hold.external_id)
    replicas = {place: unit.replicas(*place, ids) for place, ids in wanted.items()}
    titles: dict[int | None, str] = {}
    for hold in found:
        values: Values = NOTHING
        if hold.record_id is not None and hold.record_id in records:
            values = records[hold.record_id].values
        elif hold.external_id is not None:
            replica = replicas[hold.connection, hold.kind].get(hold.external_id)
            values = NOTHING if replica is None else replica.shadow
        titles[hold.id] = str(values.get(KINDS[hold.kind].label) or "")
    return titles


def _as_json(hold: Hold, title: str) -> dict[str, Any]:
    return {
        "id": hold.id,
        "connection": hold.connection,
        "kind": hold.kind,
        "reason": str(hold.reason),
        "record": hold.record_id,
        "external_id": hold.external_id,
        "title": title,
        "since": forms.iso(hold.since),
        "message": hold.message,
        "decision": None if hold.decision is None else str(hold.decision),
    }


def _print(found: Sequence[Hold], titles: Mapping[int | None, str]) -> None:
    out = show.console()
    if not found:
        out.print(Text("Nothing is held."))
        return
    for hold in found:
        decided = "" if hold.decision is None else f", {hold.decision}: {_means(hold, hold.decision)}"
        head = f"  {hold.reason}, since {forms.iso(hold.since)}{decided}"
        out.print(Text.assemble((f"{hold.id:>4}  ", "bold"), (hold.connection, "bold"), head))
        about = _about(hold, titles[hold.id])
        if about:
            out.print(Text(f"      {about}"))
        out.print(Text(f"      {show.whole(hold.message)}"))
    if any(hold.decision is None for hold in found):
        out.print(Text("\nDecide with: tasksync holds approve ID...   or: tasksync holds drop ID..."))


def _about(hold: Hold, title: str) -> str:
    if hold.record_id is not None:
        return f"{show.brief(title)} (record {hold.record_id})"
    return "" if hold.external_id is None else f"{show.brief(title)} ({hold.connection}:{hold.external_id})"


def _tell(done: Iterable[Hold], titles: Mapping[int | None, str], decision: Decision, *, json_: bool) -> None:
    if json_:
        found = [{**_as_json(hold, titles[hold.id]), "decision": str(decision)} for hold in done]
        typer.echo(json.dumps({"holds": found}, ensure_ascii=False))
        return
    out = show.console()
    for hold in done:
        about = _about(hold, titles[hold.id]) or str(hold.reason)
        out.print(Text(f"{hold.id} {hold.connection}, {about}: {decision}; {_means(hold, decision)}."))


def _means(hold: Hold, decision: Decision) -> str:
    approved, dropped = _MEANS[hold.reason]
    return approved if decision is Decision.APPROVED else dropped
