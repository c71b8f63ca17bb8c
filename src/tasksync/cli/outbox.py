"""`tasksync outbox`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from tasksync.bootstrap.mirrors import reading, writing
from tasksync.cli import forms, show
from tasksync.cli.sync import prepare
from tasksync.engine.desk import discard, left_out
from tasksync.engine.desk import retry as send_again
from tasksync.ports import Queued, Unit

outbox = typer.Typer(
    name="outbox",
    help="What the CRMs still have to get. Begin with: tasksync outbox list",
    no_args_is_help=True,
    add_completion=False,
)

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="As tasksync outbox list shows them.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


@outbox.command("list")
def list_(context: typer.Context, *, json_: Json = False) -> None:
    """List the operations that wait, in the order in which they are sent.

    pending: sent by the next sync. sending, unknown: sent, and the answer is not known; the next sync finds out. held:
    a person has to decide (tasksync holds list). dropped: not sent until the task changes.

    Reads only, needs no CRM, and does not wait for a sync that is running.

    Examples:
      tasksync outbox list
      tasksync outbox list --json | jq '.operations[] | select(.state == "held")'
    """
    config, _ = prepare(context)
    with reading(config) as unit:
        found = [_as_json(queued, state) for queued, state in _states(unit)]
    if json_:
        typer.echo(json.dumps({"operations": found}, ensure_ascii=False))
        return
    out = show.console()
    if not found:
        out.print(Text("Nothing waits."))
        return
    made = show.table("", "id", "connection", "action", "task", "record", "state", "tries", "last sent", "why")
    for one in found:
        names = ("id", "connection", "action", "title", "record", "state", "attempts", "attempted_at")
        made.add_row(*(show.brief(one[name]) for name in names), show.whole(one["error"]))
    out.print(made)


@outbox.command()
def retry(context: typer.Context, ids: Ids, *, json_: Json = False) -> None:
    """Send operations that are held, or were dropped, again with the next sync; their holds go.

    Needs no CRM.

    Examples:
      tasksync outbox retry 12
      tasksync outbox retry 12 13 && tasksync sync --once
    """
    config, around = prepare(context)
    with writing(config, around, command="tasksync outbox retry") as (unit, _):
        done = send_again(unit, ids)
    _tell(done, "the next sync sends it", "pending", json_=json_)


@outbox.command()
def drop(context: typer.Context, ids: Ids, *, json_: Json = False) -> None:
    """Do not send operations, nor what else waits for the same task in the same CRM.

    The task stays as it is in that CRM, or is not created there, until it changes somewhere: then tasksync works out
    anew what that CRM has to get. The other CRMs get theirs. To undo it: tasksync outbox retry.

    Needs no CRM.

    Examples:
      tasksync outbox drop 12
      tasksync outbox drop 12 13
    """
    config, around = prepare(context)
    with writing(config, around, command="tasksync outbox drop") as (unit, now):
        done = discard(unit, ids, now)
    _tell(done, "it is not sent until the task changes", "dropped", json_=json_)


def _states(unit: Unit) -> list[tuple[Queued, str]]:
    queue = unit.queue()
    dropped = left_out(unit, queue)
    return [(queued, "dropped" if queued.id in dropped else str(queued.state)) for queued in queue]


def _as_json(queued: Queued, state: str) -> dict[str, Any]:
    operation = queued.operation
    return {
        "id": queued.id,
        "connection": operation.connection,
        "action": str(operation.action),
        "record": operation.record_id,
        "title": operation.title,
        "fields": forms.plain(operation.values),
        "state": state,
        "attempts": queued.attempts,
        "attempted_at": forms.iso_or_none(queued.attempted_at),
        "error": queued.error,
    }


def _tell(done: Sequence[Queued], means: str, state: str, *, json_: bool) -> None:
    if json_:
        found = [{"id": one.id, "record": one.operation.record_id, "state": state} for one in done]
        typer.echo(json.dumps({"operations": found}, ensure_ascii=False))
        return
    out = show.console()
    for one in done:
        operation = one.operation
        what = f"{operation.action} {show.brief(operation.title)} in {operation.connection}"
        out.print(Text(f"{one.id} {what}: {means}."))
