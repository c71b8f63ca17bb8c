"""`tasksync map`: who and what is the same in several CRMs, and what is missing for that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from tasksync.bootstrap.mirrors import reading
from tasksync.cli import show
from tasksync.cli.entries import Entries, Entry, as_yaml
from tasksync.cli.likely import Likely, likely
from tasksync.cli.sync import prepare
from tasksync.config import Config
from tasksync.config.correspondences import TYPES
from tasksync.core.directory import Referent
from tasksync.core.record import REFERRING
from tasksync.core.reference import PERSON, parse
from tasksync.engine.surveying import OpenGap, Row, Said, Survey, survey


def map_(
    context: typer.Context,
    *,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Print entries for the config: what has names that are much alike.")
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False,
) -> None:
    """Show which people, contacts, opportunities and cases are the same in several CRMs, and what is missing.

    A gap is somebody or something that tasks have and that a CRM could show, were it known there. Such tasks are synced
    without it, and put right once it is known. Below the gaps stands what to write into the config. --suggest prints
    entries for what is probably the same, as YAML: look at them before you use them.

    Shows what was known at the last sync. Reads only, and needs no CRM. Ends with 0 whatever it shows.

    Examples:
      tasksync map
      tasksync map --suggest > more.yaml
      tasksync map --json | jq '.gaps[] | select(.tasks > 10)'
    """
    config, _ = prepare(context)
    said = _said(config)
    with reading(config) as unit:
        found = survey(unit, said)
    entries = Entries(found, said)
    proposed = likely(entries.all) if suggest else None
    if json_:
        typer.echo(json.dumps(_as_json(found, entries, said, proposed), ensure_ascii=False))
    elif proposed is not None:
        typer.echo(_suggestions(proposed))
    else:
        _print(found, entries, said, config.path)


def _said(config: Config) -> Said:
    return Said(
        groups={group.name: group.connections for group in config.groups},
        kinds=config.sync.kinds,
        same=config.correspondences,
        categories={settings.name: settings.categories for settings in config.connections},
    )


def _suggestions(proposed: Sequence[Likely]) -> str:
    if not proposed:
        return "# Nothing has names that are alike enough."
    return as_yaml((one.entry, f"{' / '.join(one.entry.labels)}: alike by {one.alike} %") for one in proposed)


def _why(gap: OpenGap) -> str:
    """Why it is a gap, and what is known of that."""
    where = gap.gap.connection
    if gap.known is not None:
        return f"it is {gap.known}: the next sync puts it right"
    if gap.case is not None:
        return f"it is not in {where}: tasksync explain {gap.case}"
    if gap.shape in REFERRING:
        type_ = parse(gap.gap.value).type
        return _why_nobody(gap) if type_ == PERSON else _why_nothing(gap, type_)
    if gap.said is not None:
        return f"the config says {gap.said}: the next sync puts it right, if {where} has such a category"
    return f"{where} has no category of this name"


def _why_nobody(gap: OpenGap) -> str:
    where, source = gap.gap.connection, parse(gap.gap.value).connection
    if gap.said is not None:
        return f"the config says {gap.said}, but nobody in {where} has that address or id, or more than one"
    if not gap.sought:
        return f"the people of {where} are not known yet"
    if gap.referent is None:
        return f"{source} does not list anybody of that id"
    if not gap.referent.emails:
        return f"{source} tells no e-mail address"
    return f"nobody in {where} has the same e-mail address, or more than one"


def _why_nothing(gap: OpenGap, type_: str) -> str:
    where = gap.gap.connection
    if type_ not in TYPES:
        return f"{where} has nothing of the type {type_}"
    if not gap.sought:
        return f"it was not looked for in {where} yet: the next sync does"
    return f"nothing in {where} is it by address, name or contact, or more than one"


def _called(gap: OpenGap) -> str:
    """What people call the value."""
    return gap.gap.value if gap.referent is None or not gap.referent.name else gap.referent.name


# --- as JSON ---


def _as_json(found: Survey, entries: Entries, said: Said, proposed: Sequence[Likely] | None) -> dict[str, Any]:
    return {
        "people": [_row(row, said.groups[row.group]) for row in found.people],
        "links": [{"type": _type(row), **_row(row, said.groups[row.group])} for row in _shared(found.links)],
        "gaps": [
            {
                "connection": gap.gap.connection,
                "field": gap.gap.field,
                "value": gap.gap.value,
                "name": _called(gap),
                "tasks": gap.tasks,
                "record": gap.gap.record_id,
                "why": _why(gap),
                "write": _entry(entries.closing(gap)),
            }
            for gap in found.gaps
        ],
        **(
            {}
            if proposed is None
            else {"suggestions": [{**(_entry(one.entry) or {}), "alike": one.alike} for one in proposed]}
        ),
    }


def _row(row: Row, connections: Sequence[str]) -> dict[str, Any]:
    return {"group": row.group, "members": {name: _member(row.members.get(name)) for name in connections}}


def _member(referent: Referent | None) -> dict[str, Any] | None:
    if referent is None:
        return None
    return {"id": parse(referent.reference).id, "name": referent.name, "emails": list(referent.emails)}


def _entry(entry: Entry | None) -> dict[str, Any] | None:
    """What to write, and what the entry of the config says in whose place it goes."""
    if entry is None:
        return None
    return {"section": entry.section, "entry": entry.content, "replaces": dict(entry.kept) or None}


def _type(row: Row) -> str:
    return next(iter(row.members.values())).type


def _shared(rows: Iterable[Row]) -> list[Row]:
    """Those that more than one connection is known to have. The others are gaps, or of no concern."""
    return [row for row in rows if len(row.members) > 1]


# --- for people ---


def _print(found: Survey, entries: Entries, said: Said, path: Path) -> None:
    out = show.console()
    for group, connections in said.groups.items():
        of_group = "" if len(said.groups) == 1 else f" of group {group}"
        _print_rows(out, f"People{of_group}", connections, [row for row in found.people if row.group == group])
        linked = [row for row in _shared(found.links) if row.group == group]
        _print_rows(out, f"Contacts, opportunities and cases{of_group}", connections, linked, "type")
    if not found.gaps:
        out.print(Text("There is no gap: whoever and whatever tasks refer to is known wherever it can be shown."))
        return
    made = show.table("Gaps: not shown there, because it is not known there", "in", "field", "value", "tasks", "why")
    for gap in found.gaps:
        why = show.whole(_why(gap))
        made.add_row(gap.gap.connection, gap.gap.field, show.brief(_named(gap)), str(gap.tasks), why)
    out.print(made)
    closing = {id(entry): (entry, f"{_called(gap)}") for gap in found.gaps if (entry := entries.closing(gap))}
    if closing:
        out.print(Text(f"To close gaps, fill in the dots (or take out what is not there) and write into {path}:"))
        # Not through the table's console: that would wrap lines that are to be copied.
        typer.echo(as_yaml(closing.values()))


def _print_rows(out: Console, title: str, connections: Sequence[str], rows: Sequence[Row], *more: str) -> None:
    if not rows:
        return
    made = show.table(title, *more, *connections)
    for row in rows:
        cells = [_cell(row.members.get(name)) for name in connections]
        made.add_row(*([_type(row)] if more else []), *cells)
    out.print(made)


def _cell(referent: Referent | None) -> str:
    if referent is None:
        return "-"
    told = f"<{referent.emails[0]}>" if referent.emails else parse(referent.reference).id
    return show.brief(f"{referent.name} {told}".strip())


def _named(gap: OpenGap) -> str:
    called = _called(gap)
    return called if called == gap.gap.value else f"{called} ({gap.gap.value})"
