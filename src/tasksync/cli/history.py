"""`tasksync history` and `tasksync conflicts`: what a record was, and what was decided between two edits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from tasksync.bootstrap.mirrors import reading
from tasksync.cli import forms, show
from tasksync.cli.sync import prepare
from tasksync.core.record import KINDS, Record, Replica
from tasksync.engine.desk import find
from tasksync.errors import WrongUsage
from tasksync.ports import Conflict, Revision

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many, the newest.")]


def history(
    context: typer.Context,
    *,
    reference: Annotated[
        str | None, typer.Argument(metavar="RECORD", help="Its id, or CONNECTION:EXTERNAL_ID.", show_default=False)
    ] = None,
    deleted: Annotated[bool, typer.Option("--deleted", help="List the records that were deleted.")] = False,
    limit: Limit = 50,
    json_: Json = False,
) -> None:
    """Show a task as it is, where it is, and every value it had: when it was replaced, by whom, and why.

    Times are UTC; one that a CRM does not tell is estimated, and marked with a ~. --limit is for --deleted.

    Reads only, needs no CRM, and does not wait for a sync that is running.

    Examples:
      tasksync history office:1234
      tasksync history 5f0c2ad1e6b39a47 --json | jq .revisions
      tasksync history --deleted
    """
    if (reference is not None) is deleted:
        raise WrongUsage("Name one RECORD, or ask for --deleted. See: tasksync history --help")
    config, _ = prepare(context)
    with reading(config) as unit:
        if reference is None:
            records = unit.deleted_records(limit)
            _show_deleted(records, json_=json_)
            return
        record = find(unit, reference)
        replicas, revisions = unit.replicas_of([record.id])[record.id], unit.revisions(record.id)
    if json_:
        typer.echo(json.dumps(_as_json(record, replicas, revisions), ensure_ascii=False))
    else:
        _print(record, replicas, revisions)


def conflicts(context: typer.Context, *, limit: Limit = 50, json_: Json = False) -> None:
    """List fields that were edited in two CRMs at once, the newest first: which edit won, and which is in the history.

    Times are UTC; one that a CRM does not tell is estimated, and marked with a ~.

    Reads only, needs no CRM, and does not wait for a sync that is running.

    Examples:
      tasksync conflicts --limit 10
      tasksync restore RECORD --field body     brings the other one back
    """
    config, _ = prepare(context)
    with reading(config) as unit:
        found = unit.conflicts(limit)
        records = unit.records({one.record_id for one in found})
    if json_:
        lines = [_conflict(one, records[one.record_id]) for one in found]
        typer.echo(json.dumps({"conflicts": lines}, ensure_ascii=False))
    else:
        _print_conflicts(found, records)


def title(record: Record) -> str:
    """What people call it."""
    return str(record.value(KINDS[record.kind].label) or "")


def _show_deleted(records: Sequence[Record], *, json_: bool) -> None:
    if json_:
        found = [
            {"record": one.id, "title": title(one), "deleted_at": forms.iso_or_none(one.deleted_at)} for one in records
        ]
        typer.echo(json.dumps({"records": found}, ensure_ascii=False))
        return
    out = show.console()
    if not records:
        out.print(Text("No record was deleted."))
        return
    made = show.table("Deleted; tasksync restore RECORD brings one back", "deleted", "record", "task")
    for one in records:
        made.add_row(show.brief(one.deleted_at), one.id, show.brief(title(one)))
    out.print(made)


def _as_json(record: Record, replicas: Mapping[str, Replica], revisions: Iterable[Revision]) -> dict[str, Any]:
    return {
        "record": record.id,
        "kind": record.kind,
        "group": record.group,
        "deleted_at": forms.iso_or_none(record.deleted_at),
        "values": {
            name: {
                "value": forms.jsonable(version.value),
                "at": forms.iso(version.at),
                "estimated": version.estimated,
                "connection": version.connection,
                "external_id": version.external_id or None,
            }
            for name, version in record.versions.items()
        },
        "replicas": {
            name: {"external_id": one.external_id, "gone_at": forms.iso_or_none(one.gone_at)}
            for name, one in replicas.items()
        },
        "revisions": [
            {
                "field": one.field,
                "old": forms.jsonable(one.old),
                "new": forms.jsonable(one.new),
                "at": forms.iso(one.at),
                "estimated": one.estimated,
                "connection": one.connection,
                "reason": one.reason,
            }
            for one in revisions
        ],
    }


def _print(record: Record, replicas: Mapping[str, Replica], revisions: Sequence[Revision]) -> None:
    out = show.console()
    out.print(Text(show.brief(title(record)), style="bold"))
    deleted = "" if record.deleted_at is None else f", deleted {forms.iso(record.deleted_at)}"
    out.print(Text(f"record {record.id} of group {record.group}{deleted}"))
    for name, one in replicas.items():
        gone = "" if one.gone_at is None else f", not seen there since {forms.iso(one.gone_at)}"
        out.print(Text(f"in {name}: {one.external_id}{gone}"))
    now = show.table("As it is", "field", "value", "since", "from")
    for name in (spec.name for spec in KINDS[record.kind].fields if spec.name in record.versions):
        version = record.versions[name]
        now.add_row(
            name, show.whole(version.value), show.dated(version.at, estimated=version.estimated), version.connection
        )
    out.print(now)
    if not revisions:
        out.print(Text("Nothing of it was ever replaced."))
        return
    before = show.table("What it was, oldest first", "replaced", "field", "was", "became", "by", "why")
    for row in revisions:
        when = show.dated(row.at, estimated=row.estimated)
        before.add_row(when, row.field, show.whole(row.old), show.whole(row.new), row.connection, row.reason)
    out.print(before)


def _conflict(one: Conflict, record: Record) -> dict[str, Any]:
    return {
        "record": one.record_id,
        "title": title(record),
        "field": one.field,
        "winner": {
            "value": forms.jsonable(one.winner),
            "connection": one.winner_connection,
            "at": forms.iso(one.winner_at),
        },
        "loser": {
            "value": forms.jsonable(one.loser),
            "connection": one.loser_connection,
            "at": forms.iso(one.loser_at),
        },
        "estimated": one.estimated,
        "seen_at": forms.iso(one.seen_at),
    }


def _print_conflicts(found: Sequence[Conflict], records: Mapping[str, Record]) -> None:
    out = show.console()
    if not found:
        out.print(Text("No conflict so far."))
        return
    made = show.table("The later edit won; the other is kept", "seen", "record", "task", "field", "won", "lost")
    for one in found:
        won_at, lost_at = (show.dated(at, estimated=one.estimated) for at in (one.winner_at, one.loser_at))
        won = f"{show.brief(one.winner)} ({one.winner_connection}, {won_at})"
        lost = f"{show.brief(one.loser)} ({one.loser_connection}, {lost_at})"
        name = show.brief(title(records[one.record_id]))
        made.add_row(show.brief(one.seen_at), one.record_id, name, one.field, won, lost)
    out.print(made)
