"""`tasksync link` and `tasksync unlink`."""

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
from tasksync.engine.linking import DeskContext, Linked
from tasksync.engine.linking import link as link_tasks
from tasksync.engine.unlinking import Unlinked
from tasksync.engine.unlinking import unlink as unlink_task

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def link(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="RECORD", help="Its id, or CONNECTION:EXTERNAL_ID.")],
    others: Annotated[list[str], typer.Argument(metavar="OTHER...", help="The same; also one that is held.")],
    *,
    json_: Json = False,
) -> None:
    """Say that tasks are one and the same. The next sync brings them in step.

    For look-alikes that are held (tasksync holds list), and for tasks that nobody could know to be one. Of two values
    the later stays, and one that is filled in before one that is empty; the other is in the history. No task is
    deleted: two of one CRM cannot be linked. To take it back: tasksync unlink.

    Needs no CRM.

    Examples:
      tasksync link office:1234 capsule:77
      tasksync link 5f0c2ad1e6b39a47 capsule:77 advisers:3b1c
    """
    config, around = prepare(context)
    with writing(config, around, command="tasksync link") as (unit, now):
        done = link_tasks(unit, [reference, *others], desk_context(config, now))
    if json_:
        typer.echo(json.dumps(_linked(done), ensure_ascii=False))
        return
    out = show.console()
    out.print(Text(f"{show.brief(title(done.record))} is one task now (record {done.record.id}), with:"))
    for name in done.names:
        out.print(Text(f"  {name}"))
    for one in done.revisions:
        out.print(Text(f"{one.field}: {show.brief(one.new)} stays, {show.brief(one.old)} is in the history"))
    _say_waiting(done.waiting)


def unlink(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="CONNECTION:EXTERNAL_ID", help="The task as it is in one CRM.")],
    *,
    json_: Json = False,
) -> None:
    """Say that a task was taken for another one: it becomes a task of its own, with the values that it has there.

    The next sync creates the other one there again, and this one everywhere else. They are not matched again. What
    the other one was before, should its values have come from this one: tasksync history, and tasksync restore.

    Needs no CRM.

    Examples:
      tasksync unlink capsule:77
      tasksync unlink capsule:77 && tasksync sync --once --dry-run
    """
    config, around = prepare(context)
    with writing(config, around, command="tasksync unlink") as (unit, now):
        done = unlink_task(unit, reference, desk_context(config, now))
    if json_:
        typer.echo(json.dumps(_unlinked(done), ensure_ascii=False))
        return
    out = show.console()
    out.print(Text(f"{reference}: {show.brief(title(done.founded))} is a task of its own (record {done.founded.id})."))
    _say_waiting(done.founded_waiting)
    out.print(Text(f"{show.brief(title(done.left))} (record {done.left.id}) goes on without it."))
    _say_waiting(done.left_waiting)


def desk_context(config: Config, now: datetime) -> DeskContext:
    """What the desk knows from the config."""
    return DeskContext(
        groups={group.name: group.connections for group in config.groups},
        horizon=now - config.sync.completed_horizon,
        now=now,
        run=new_id(),
        new_id=new_id,
        configured=config.correspondences,
    )


def _say_waiting(connections: tuple[str, ...]) -> None:
    if connections:
        show.console().print(Text(f"  The next sync looks at {', '.join(connections)}, and writes what differs."))


def _linked(done: Linked) -> dict[str, Any]:
    return {
        "record": done.record.id,
        "title": title(done.record),
        "linked": list(done.names),
        "superseded": [
            {
                "field": one.field,
                "old": forms.jsonable(one.old),
                "new": forms.jsonable(one.new),
            }
            for one in done.revisions
        ],
        "connections": list(done.waiting),
    }


def _unlinked(done: Unlinked) -> dict[str, Any]:
    return {
        "record": done.founded.id,
        "title": title(done.founded),
        "connection": done.replica.connection,
        "external_id": done.replica.external_id,
        "connections": list(done.founded_waiting),
        "left": {"record": done.left.id, "title": title(done.left), "connections": list(done.left_waiting)},
    }
