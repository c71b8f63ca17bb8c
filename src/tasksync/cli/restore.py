"""`tasksync restore`."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from tasksync.bootstrap.mirrors import writing
from tasksync.bootstrap.surroundings import new_id
from tasksync.cli import forms, show
from tasksync.cli.history import title
from tasksync.cli.sync import prepare
from tasksync.config import Config
from tasksync.core.record import require_utc
from tasksync.engine.desk import find
from tasksync.engine.restore import Restored
from tasksync.engine.restore import restore as restore_record
from tasksync.errors import WrongUsage


def restore(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="RECORD", help="Its id, or CONNECTION:EXTERNAL_ID.")],
    *,
    field: Annotated[str | None, typer.Option("--field", metavar="FIELD", help="Only this, such as body.")] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="As it was then: ISO 8601 with a zone, such as 2026-03-01T09:00Z."),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Bring back what was overwritten, or a task that was deleted. The next sync sends it to all CRMs.

    Without --at: the last replaced value of every field, or of --field; of a deleted task, the task as it was last. An
    edit like any other: what it replaces is in the history, and an edit that a person makes later wins over it.

    Needs no CRM.

    Examples:
      tasksync restore office:1234 --field body
      tasksync restore 5f0c2ad1e6b39a47 --at 2026-03-01T09:00+01:00
      tasksync history --deleted
    """
    then = None if at is None else _instant(at)
    config, around = prepare(context)
    with writing(config, around, command="tasksync restore") as (unit, now):
        if then is not None and then < now - config.sync.keep_history:
            raise WrongUsage(
                f"--at: the history goes back to {forms.iso(now - config.sync.keep_history)} (sync.keep_history), so "
                "nothing tells how it was then. Nothing was changed."
            )
        record = find(unit, reference)
        was_deleted = record.deleted_at is not None
        done = restore_record(
            unit,
            record,
            connections=_connections(config, record.group),
            horizon=now - config.sync.completed_horizon,
            now=now,
            run=new_id(),
            field=field,
            at=then,
        )
    if json_:
        typer.echo(json.dumps(_as_json(done, was_deleted=was_deleted), ensure_ascii=False))
    else:
        _print(done)


def _instant(text: str) -> datetime:
    try:
        return require_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise WrongUsage(
            f"--at: {text!r} is no time with a zone. Write it as 2026-03-01T09:00Z, or 2026-03-01T09:00+01:00."
        ) from None


def _connections(config: Config, group: str) -> tuple[str, ...]:
    for one in config.groups:
        if one.name == group:
            return one.connections
    raise WrongUsage(
        f"The record belongs to the group {group!r}, which {config.path} does not have any more, so nobody would get "
        "it. Nothing was changed."
    )


def _as_json(done: Restored, *, was_deleted: bool) -> dict[str, Any]:
    return {
        "record": done.record.id,
        "title": title(done.record),
        "brought_back": was_deleted,
        "restored": {
            one.field: {"old": forms.jsonable(one.old), "new": forms.jsonable(one.new)}
            for one in done.revisions
            if one.field != "deleted"
        },
        "connections": list(done.waiting) if done.revisions else [],
    }


def _print(done: Restored) -> None:
    out = show.console()
    name = f"{show.brief(title(done.record))} (record {done.record.id})"
    if not done.revisions:
        out.print(Text(f"{name} is so already; nothing was changed."))
        return
    out.print(Text(f"{name} was restored:"))
    for one in done.revisions:
        if one.field == "deleted":
            out.print(Text("  it is not deleted any more"))
        else:
            out.print(Text(f"  {one.field}: {show.brief(one.old)} -> {show.brief(one.new)}"))
    if done.waiting:
        out.print(Text(f"The next sync sends it to {', '.join(done.waiting)}, as far as they differ."))
    else:
        out.print(Text("No connection is there to get it."))
