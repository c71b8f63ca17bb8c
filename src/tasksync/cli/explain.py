"""`tasksync explain`."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tasksync.bootstrap.mirrors import reading
from tasksync.cli import forms, show
from tasksync.cli.history import title
from tasksync.cli.link import desk_context
from tasksync.cli.sync import prepare
from tasksync.core.record import KINDS, Value, identical
from tasksync.engine.explaining import Explanation, Place, Standing
from tasksync.engine.explaining import explain as explain_record

_STYLES = {
    Standing.IN_STEP: "green",
    Standing.WAITING: "yellow",
    Standing.HELD: "yellow",
    Standing.GONE: "red",
    Standing.LEFT_OUT: "red",
}


def explain(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="RECORD", help="Its id, or CONNECTION:EXTERNAL_ID.")],
    *,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Show why a task is as it is: who wrote each value and when, what each CRM shows of it, what waits and what is
    held there and why, and what was superseded last.

    A CRM is shown as it was when it was last read. Times are UTC; one that a CRM does not tell is estimated, and
    marked with a ~. All earlier values: tasksync history.

    Reads only, needs no CRM, and does not wait for a sync that is running.

    Examples:
      tasksync explain office:1234
      tasksync explain 5f0c2ad1e6b39a47 --json | jq .connections.capsule.why
    """
    config, around = prepare(context)
    with reading(config) as unit:
        found = explain_record(unit, reference, desk_context(config, around.clock.now()))
    if json_:
        typer.echo(json.dumps(_as_json(found), ensure_ascii=False))
    else:
        _print(found)


# --- as JSON ---


def _as_json(found: Explanation) -> dict[str, Any]:
    record = found.record
    return {
        "record": record.id,
        "kind": record.kind,
        "group": record.group,
        "title": title(record),
        "deleted_at": forms.iso_or_none(record.deleted_at),
        "linked_with": found.became,
        "fields": {name: _field(found, name) for name in _names(found)},
        "connections": {place.connection: _place(place) for place in found.places},
        "waiting": [
            {
                "id": queued.id,
                "connection": queued.operation.connection,
                "action": str(queued.operation.action),
                "fields": forms.plain(queued.operation.values),
                "state": "dropped" if queued.id in found.dropped else str(queued.state),
                "attempts": queued.attempts,
                "attempted_at": forms.iso_or_none(queued.attempted_at),
                "error": queued.error,
            }
            for queued in found.queue
        ],
        "holds": [
            {
                "id": hold.id,
                "connection": hold.connection,
                "reason": str(hold.reason),
                "since": forms.iso(hold.since),
                "message": hold.message,
                "decision": None if hold.decision is None else str(hold.decision),
            }
            for hold in found.holds
        ],
        "superseded": [
            {
                "field": one.field,
                "old": forms.jsonable(one.old),
                "new": forms.jsonable(one.new),
                "at": forms.iso(one.at),
                "estimated": one.estimated,
                "connection": one.connection,
                "reason": one.reason,
            }
            for one in found.revisions
        ],
    }


def _field(found: Explanation, name: str) -> dict[str, Any]:
    version = found.record.versions[name]
    return {
        "value": forms.jsonable(version.value),
        "at": forms.iso(version.at),
        "estimated": version.estimated,
        "connection": version.connection,
        "external_id": version.external_id or None,
        "shown": {place.connection: _shown(place, name) for place in found.places if place.replica is not None},
    }


def _shown(place: Place, name: str) -> dict[str, Any]:
    """What the connection shows of the field; `value` is missing where it does not tell."""
    shadow = {} if place.replica is None else place.replica.shadow
    told = {"value": forms.jsonable(shadow[name])} if name in shadow else {}
    waits = {"waiting": forms.jsonable(place.wanted[name])} if name in place.wanted else {}
    return {**told, **waits}


def _place(place: Place) -> dict[str, Any]:
    replica = place.replica
    return {
        "standing": str(place.standing),
        "why": place.why,
        "external_id": None if replica is None else replica.external_id,
        "seen_at": None if replica is None else forms.iso(replica.seen_at),
        "gone_at": None if replica is None else forms.iso_or_none(replica.gone_at),
        "candidates": [f"{place.connection}:{one}" for one in place.candidates],
    }


def _names(found: Explanation) -> list[str]:
    return [spec.name for spec in KINDS[found.record.kind].fields if spec.name in found.record.versions]


# --- for people ---


def _print(found: Explanation) -> None:
    out, record = show.console(), found.record
    out.print(Text(show.brief(title(record)), style="bold"))
    deleted = "" if record.deleted_at is None else f", deleted {forms.iso(record.deleted_at)}"
    if found.became is None:
        out.print(Text(f"record {record.id} of group {record.group}{deleted}"))
    else:
        out.print(Text(f"record {record.id}, which a person linked with another one: tasksync explain {found.became}"))
    _print_fields(out, found)
    for place in found.places:
        where = "" if place.replica is None else f" as {place.replica.external_id}"
        state = Text(str(place.standing), style=_STYLES.get(place.standing, ""))
        out.print(Text.assemble((place.connection, "bold"), f"{where}: ", state, f". {show.whole(place.why)}"))
        if place.candidates:
            named = ", ".join(f"{place.connection}:{one}" for one in place.candidates)
            out.print(Text(f"    may be one of {named}: tasksync link {record.id} {place.connection}:..."))
    if found.revisions:
        made = show.table("Superseded, the latest first", "replaced", "field", "was", "became", "by", "why")
        for one in found.revisions:
            when = show.dated(one.at, estimated=one.estimated)
            made.add_row(when, one.field, show.brief(one.old), show.brief(one.new), one.connection, one.reason)
        out.print(made)


def _print_fields(out: Console, found: Explanation) -> None:
    places = [place for place in found.places if place.replica is not None]
    made = show.table("", "field", "value", "since", "from", *(f"in {place.connection}" for place in places))
    for name in _names(found):
        version = found.record.versions[name]
        since = show.dated(version.at, estimated=version.estimated)
        cells = [_cell(place, name, version.value) for place in places]
        made.add_row(name, show.brief(version.value), since, version.connection, *cells)
    out.print(made)


def _cell(place: Place, name: str, value: Value) -> str:
    """What a connection shows of a field: nothing, the same, or what is there and what waits to be."""
    shadow = {} if place.replica is None else place.replica.shadow
    if name not in shadow:
        cell = "not shown"
    else:
        cell = "the same" if identical(shadow[name], value) else show.brief(shadow[name])
    return f"{cell} -> {show.brief(place.wanted[name])}" if name in place.wanted else cell
