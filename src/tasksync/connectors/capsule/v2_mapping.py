"""v2: task objects <-> fields, and the lenses. Pure.

A due time is wall clock, and whose is not documented (protocols/capsule.md, 4.1, [UNK]); the page's rule is followed:
the zone of the task's owner, unless the connection is configured with a zone, which then holds for all tasks. Within
the hour that the end of daylight saving repeats, a wall clock names two instants, of which Capsule can only show one
(we read the first). A lens does not know whose task it looks at, so it goes by all zones in use:

* an instant that is the second of its pair in *every* zone in use has no form anywhere and shows as the first: with one
  zone, or with several that change together as those of the EU do, what is read back is exactly what the lens showed;
* any other instant shows as itself, because the owner of some task can have it. Should the owner of just this task
  not, then the server's answer is an hour earlier than what was sent. That is an answer that differs, as for any value
  a server changes, and no edit: it becomes the shadow.

With that both lens laws hold for every instant that any owner's task can show.

A new owner reads the same wall clock as another instant. When we hand a task on, its due time is therefore written
again, by the clock of the new owner (`write_update`): it stays the instant that it was, and the answer shows no change
that nobody made, but for the hour a year that the new owner's clock cannot show. When a person hands it on in Capsule,
the instant does change, as everybody who looks at the task can see: that is their edit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from tasksync.connectors.capsule.mapping import (
    Unreadable,
    body_lens,
    category_lens,
    headline,
    parse_day,
    parse_instant,
    parse_zone,
    plain,
    title_lens,
)
from tasksync.connectors.capsule.references import TABLES, assignee_lens, link_of, links_lens, number, person_of, refer
from tasksync.connectors.categories import NO_ALIASES
from tasksync.core.lens import KEEP, Lens, Shown, same, whole_seconds
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import PERSON, Counterpart

_CLOCK = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}))?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """Whose wall clock a due time is: that of its owner, by user id; `own` for all others and for new tasks."""

    own: ZoneInfo
    owners: Mapping[int, ZoneInfo] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, task: Mapping[str, Any]) -> ZoneInfo:
        """The zone of a task object."""
        owner = task.get("owner")
        found = owner.get("id") if isinstance(owner, dict) else None
        return self.owners.get(found, self.own) if isinstance(found, int) else self.own

    @property
    def in_use(self) -> tuple[ZoneInfo, ...]:
        """Each once, `own` first."""
        return tuple(dict.fromkeys((self.own, *self.owners.values())))


def lenses(
    categories: Iterable[str], zones: Zones, counterpart: Counterpart, *, aliases: Mapping[str, str] = NO_ALIASES
) -> Mapping[str, Lens]:
    """By field. `aliases` are those of `find_category`."""
    found = (
        title_lens(),
        body_lens(),
        _due_lens(zones.in_use),
        same("done"),
        category_lens(categories, aliases),
        assignee_lens(counterpart),
        links_lens(counterpart),
    )
    return {lens.field: lens for lens in found}


def _due_lens(zones: tuple[ZoneInfo, ...]) -> Lens:
    def show(value: Value) -> Shown:
        if isinstance(value, datetime):
            moment = whole_seconds(value)
            try:
                locals_ = [moment.astimezone(zone) for zone in zones]
            except OverflowError:  # at the ends of the calendar, where some zone has no such day
                return KEEP
            return locals_[0].replace(fold=0).astimezone(UTC) if all(local.fold for local in locals_) else moment
        return value if isinstance(value, date) else KEEP

    return Lens(field="due", show=show, required=True)


def read_task(task: Any, zones: Zones, connection: str) -> Observation:
    """What a task object says, with references of `connection`. Its payload is the object. A key that is absent tells
    nothing of its field, since the server sends all keys, nulls included (protocols/capsule.md, 3.3, [REC]). Raises
    `Unreadable`.
    """
    external_id = object_id(task)
    try:
        return Observation(
            external_id=external_id,
            values=_values(task, zones, connection),
            modified=stamp(task, "updatedAt"),
            created=stamp(task, "createdAt"),
            completed=stamp(task, "completedAt"),
            payload=task,
        )
    except Unreadable as error:
        raise Unreadable(f"task {external_id}: {error}") from None


def object_id(found: Any) -> str:
    """The id of a task, a case or anything else, as text. Raises `Unreadable`."""
    if not isinstance(found, dict):
        raise Unreadable("something that is no object")
    number = found.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise Unreadable(f"an object with the id {number!r}")
    return str(number)


def _values(task: Mapping[str, Any], zones: Zones, connection: str) -> dict[str, Value]:
    if "description" not in task or "status" not in task:
        raise Unreadable("it has no description or no status")
    values: dict[str, Value] = {
        "title": headline(text_in(task, "description") or ""),
        # PENDING: not completed, but no longer relevant (3.3, [OD]).
        "done": text_in(task, "status") == "COMPLETED",
    }
    if "detail" in task:
        values["body"] = plain(text_in(task, "detail") or "")
    if "category" in task:
        values["category"] = _category(task["category"])
    if "dueOn" in task and "dueTime" in task:
        values["due"] = _due(task, zones.of(task))
    return values | _assignees(task, connection) | _links(task, connection)


def _assignees(task: Mapping[str, Any], connection: str) -> dict[str, Value]:
    """A task without an owner, or with one who was deleted, tells nothing: that is nobody's choice."""
    owner = task.get("owner")
    if not isinstance(owner, dict) or not isinstance(owner.get("id"), int) or owner.get("deleted") is True:
        return {}
    return {"assignees": (refer(connection, PERSON, object_id(owner)),)}


def _links(task: Mapping[str, Any], connection: str) -> dict[str, Value]:
    """One link is all that there can be; that there is none is known when all keys are there."""
    for type_, key in TABLES.items():
        if task.get(key) is not None:
            if not isinstance(task[key], dict):
                raise Unreadable(f"its {key} is no object")
            return {"links": (refer(connection, type_, object_id(task[key])),)}
    return {"links": ()} if all(key in task for key in TABLES.values()) else {}


def _category(found: Any) -> str | None:
    if found is None:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        raise Unreadable("its category has no name")
    return plain(found["name"]) or None


def _due(task: Mapping[str, Any], zone: ZoneInfo) -> date | datetime | None:
    written, clock = text_in(task, "dueOn"), text_in(task, "dueTime")
    if written is None:
        return None
    day = parse_day(written)
    if clock is None:
        return day
    try:
        return datetime.combine(day, _wall_clock(clock), tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise Unreadable(f"{written} {clock} is no moment in UTC") from None


def _wall_clock(written: str) -> time:
    found = _CLOCK.fullmatch(written)
    if found:
        try:
            return time(int(found[1]), int(found[2]), int(found[3] or 0))
        except ValueError:
            pass
    raise Unreadable(f"{written!r} is no time of day")


def stamp(found: Mapping[str, Any], key: str) -> datetime | None:
    """The instant under a key; None when there is none. Raises `Unreadable`."""
    written = text_in(found, key)
    return None if written is None else parse_instant(written)


def text_in(found: Mapping[str, Any], key: str) -> str | None:
    """The text under a key; None when there is none. Raises `Unreadable` for what is no text."""
    value = found.get(key)
    if value is None or isinstance(value, str):
        return value
    raise Unreadable(f"its {key} is no text")


def write_create(values: Values, zones: Zones, category_ids: Mapping[str, int]) -> dict[str, Any]:
    """A task object with `values`, as far as they say anything; a task without an owner becomes the token's user's
    (protocols/capsule.md, 3.3, [LIVE]). Raises as `write_task` does.
    """
    task = write_task(values, zones.of(_owner(values)), category_ids)
    return {key: value for key, value in task.items() if value is not None}


def write_update(before: Observation, changes: Values, zones: Zones, category_ids: Mapping[str, int]) -> dict[str, Any]:
    """A task object that sets `changes`, the due time by the clock of whoever will be the owner. Raises as `write_task`
    does.
    """
    task = before.payload or {}
    old, new = zones.of(task), zones.of({**task, **_owner(changes)})
    if new is not old and "due" not in changes:
        due = _due_lens(zones.in_use).get(before.values.get("due"))
        changes = {**changes, **({"due": due} if isinstance(due, datetime) else {})}
    return write_task(changes, new, category_ids)


def write_task(values: Values, zone: ZoneInfo, category_ids: Mapping[str, int]) -> dict[str, Any]:
    """A task object that sets `values` and nothing else; null clears. A link is moved by null for the other two (3.4,
    [LIVE]). The state is not among what it writes. Raises `LookupError`, which names it, for what the account does not
    have.
    """
    task: dict[str, Any] = _owner(values)
    if "links" in values:
        link = link_of(values["links"])
        task |= {key: {"id": link[1]} if link is not None and link[0] == key else None for key in TABLES.values()}
    if "title" in values:
        task["description"] = headline(str(values["title"]))
    if "body" in values:
        task["detail"] = plain(str(values["body"] or "")) or None
    if "category" in values:
        name = values["category"]
        task["category"] = None if name is None else {"id": _category_id(str(name), category_ids)}
    moment = values.get("due")
    if isinstance(moment, datetime):
        local = whole_seconds(moment).astimezone(zone)
        task |= {"dueOn": local.date().isoformat(), "dueTime": local.time().isoformat()}
    elif isinstance(moment, date):
        task |= {"dueOn": moment.isoformat(), "dueTime": None}
    return task


def _owner(values: Values) -> dict[str, Any]:
    person = person_of(values.get("assignees"))
    return {} if person is None else {"owner": {"id": number(person)}}


def _category_id(name: str, ids: Mapping[str, int]) -> int:
    if name not in ids:
        raise LookupError(f"task category {name!r}")
    return ids[name]


def read_categories(found: Iterable[Any]) -> dict[str, int]:
    """Ids by name, in the CRM's order; of two with the same name the first. Raises `Unreadable`."""
    ids: dict[str, int] = {}
    for category in found:
        if not isinstance(category, dict) or not isinstance(category.get("name"), str):
            raise Unreadable("a category without a name")
        ids.setdefault(plain(category["name"]), int(object_id(category)))
    return ids


def read_zones(found: Iterable[Any], own: ZoneInfo) -> Zones:
    """The zones of the users in a list of users. One without a zone we know counts as being in `own`. Raises
    `Unreadable`.
    """
    owners: dict[int, ZoneInfo] = {}
    for user in found:
        if not isinstance(user, dict):
            raise Unreadable("a user that is no object")
        zone = parse_zone(user.get("timezone"))
        if zone is not None:
            owners[int(object_id(user))] = zone
    return Zones(own=own, owners=owners)
