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
from tasksync.core.lens import KEEP, Lens, Shown, same, whole_seconds
from tasksync.core.record import Observation, Value, Values

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


def lenses(categories: Iterable[str], zones: Zones) -> Mapping[str, Lens]:
    """By field."""
    found = (title_lens(), body_lens(), _due_lens(zones.in_use), same("done"), category_lens(categories))
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


def read_task(task: Any, zones: Zones) -> Observation:
    """What a task object says. Its payload is the object. A key that is absent tells nothing of its field, since the
    server sends all keys, nulls included (protocols/capsule.md, 3.3, [REC]). Raises `Unreadable`.
    """
    if not isinstance(task, dict):
        raise Unreadable("something in place of a task that is no object")
    external_id = object_id(task)
    try:
        return Observation(
            external_id=external_id,
            values=_values(task, zones),
            modified=_stamp(task, "updatedAt"),
            created=_stamp(task, "createdAt"),
            completed=_stamp(task, "completedAt"),
            payload=task,
        )
    except Unreadable as error:
        raise Unreadable(f"task {external_id}: {error}") from None


def object_id(found: Mapping[str, Any]) -> str:
    """The id of a task, user or category, as text. Raises `Unreadable`."""
    number = found.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise Unreadable(f"an object with the id {number!r}")
    return str(number)


def _values(task: Mapping[str, Any], zones: Zones) -> dict[str, Value]:
    if "description" not in task or "status" not in task:
        raise Unreadable("it has no description or no status")
    values: dict[str, Value] = {
        "title": headline(_text(task, "description") or ""),
        # PENDING: not completed, but no longer relevant (3.3, [OD]).
        "done": _text(task, "status") == "COMPLETED",
    }
    if "detail" in task:
        values["body"] = plain(_text(task, "detail") or "")
    if "category" in task:
        values["category"] = _category(task["category"])
    if "dueOn" in task and "dueTime" in task:
        values["due"] = _due(task, zones.of(task))
    return values


def _category(found: Any) -> str | None:
    if found is None:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("name"), str):
        raise Unreadable("its category has no name")
    return plain(found["name"]) or None


def _due(task: Mapping[str, Any], zone: ZoneInfo) -> date | datetime | None:
    written, clock = _text(task, "dueOn"), _text(task, "dueTime")
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


def _stamp(task: Mapping[str, Any], key: str) -> datetime | None:
    written = _text(task, key)
    return None if written is None else parse_instant(written)


def _text(task: Mapping[str, Any], key: str) -> str | None:
    found = task.get(key)
    if found is None or isinstance(found, str):
        return found
    raise Unreadable(f"its {key} is no text")


def write_task(values: Values, zone: ZoneInfo, category_ids: Mapping[str, int]) -> dict[str, Any]:
    """A task object that sets `values` and nothing else; null clears. The state is not among what it writes. Raises
    `LookupError` for a category that the account does not have.
    """
    task: dict[str, Any] = {}
    if "title" in values:
        task["description"] = headline(str(values["title"]))
    if "body" in values:
        task["detail"] = plain(str(values["body"] or "")) or None
    if "category" in values:
        name = values["category"]
        task["category"] = None if name is None else {"id": category_ids[str(name)]}
    moment = values.get("due")
    if isinstance(moment, datetime):
        local = whole_seconds(moment).astimezone(zone)
        task |= {"dueOn": local.date().isoformat(), "dueTime": local.time().isoformat()}
    elif isinstance(moment, date):
        task |= {"dueOn": moment.isoformat(), "dueTime": None}
    return task


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
