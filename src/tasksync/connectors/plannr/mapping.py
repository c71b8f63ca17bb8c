"""Plannr's tasks and our values, both ways. Pure.

Times and texts are as `payload` says, people and links as `references` does. A due date is written as London wall clock
without an offset, because Plannr would keep its wall clock and drop the offset (protocols/plannr.md, 6 [I]). 00:00:00
means no time of day. Of an hour that the clocks repeat it is the first; a time that they skip moves forward by the
hour, as PHP does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from tasksync.connectors.plannr.payload import (
    LONDON,
    NotUnderstood,
    as_name,
    as_object,
    as_text,
    filled,
    flag,
    lines,
    own_name,
    stamp,
    text_or_null,
)
from tasksync.connectors.plannr.references import assigned, assignees_lens, link_keys, linked, links_lens, uuids_of
from tasksync.core import lens
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Value, Values
from tasksync.core.reference import Counterpart

PRIORITIES = TASK.field("priority").choices
Body = dict[str, Any]
_KEYS: Mapping[str, str] = MappingProxyType(
    {"title": "name", "body": "description", "due": "due_at", "priority": "priority"}
)
_as_due = lens.wall_clock(LONDON, midnight_is_all_day=True)


def lenses(counterpart: Counterpart) -> Mapping[str, Lens]:
    """By field. There is no category in Plannr, and no reminder."""
    offered = (
        lens.text("title", as_name, required=True),
        lens.text("body", as_text),
        lens.due("due", _as_due),
        lens.same("done"),
        # Whether null clears a priority, or the server puts a default there, is unknown (4.2).
        lens.choice("priority", PRIORITIES, clearable=False),
        assignees_lens(counterpart),
        links_lens(counterpart),
    )
    return MappingProxyType({one.field: one for one in offered})


# --- payload to observation ---


def observation(payload: object, connection: str) -> Observation:
    """The task of a listing, a read or a write, all three the same. Groups and custom fields are not looked at. Raises
    `NotUnderstood`.
    """
    task = as_object(payload, "the task")
    uuid = filled(task, "uuid", "the task")
    try:
        return Observation(
            external_id=uuid,
            values=_values(task, connection),
            modified=stamp(task, "updated_at"),
            created=stamp(task, "created_at"),
            completed=stamp(task, "completed_at"),
        )
    except NotUnderstood as wrong:
        raise NotUnderstood(f"task {uuid}: {wrong}") from None


def _values(task: Mapping[str, Any], connection: str) -> Values:
    # A task always has a name and a status (5); without them it could not be recognised. Anything else that is missing
    # is unknown, not empty.
    values: dict[str, Value] = {
        "title": own_name(task),
        "done": flag(as_object(task.get("status"), "its status"), "is_type_completed"),
    }
    if "description" in task:
        values["body"] = as_text(lines(text_or_null(task, "description") or ""))
    if "due_at" in task:
        due = stamp(task, "due_at")
        values["due"] = None if due is None else _as_due(due)
    if "priority" in task:
        priority = text_or_null(task, "priority")
        # A fifth priority, should Plannr get one, is nothing that we could tell the others.
        if priority is None or priority in PRIORITIES:
            values["priority"] = priority
    told = {"assignees": assigned(task, connection), "links": linked(task, connection)}
    return values | {name: value for name, value in told.items() if value is not None}


# --- remote forms to request body ---


def changes_body(changes: Values) -> Body:
    """The body of a PUT: the changed fields and nothing else; null clears. `done` has routes of its own and is left
    out.
    """
    body: Body = {_KEYS[name]: _written(value) for name, value in changes.items() if name in _KEYS}
    if "assignees" in changes:
        body["assigned_to_uuids"] = uuids_of(changes["assignees"])
    return body | link_keys(changes.get("links"))


def creation_body(values: Values, *, status_uuid: str) -> Body:
    """The body of a POST: the fields that have a value, and the status."""
    given = {key: value for key, value in changes_body(values).items() if value not in (None, [])}
    return {**given, "task_status_uuid": status_uuid}


def _written(value: Value) -> str | None:
    # "" would become null on its way through Laravel; null says the same without the detour.
    return due_at(value) if isinstance(value, date) else str(value) if value else None


def due_at(value: date | datetime) -> str:
    """London wall clock without a zone; a date alone for all-day."""
    if isinstance(value, datetime):
        return value.astimezone(LONDON).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
    return value.isoformat()
