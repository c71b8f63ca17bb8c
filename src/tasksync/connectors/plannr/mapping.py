"""Plannr's payloads and our values, both ways. Pure.

Zone rule (protocols/plannr.md, 6): Plannr keeps London wall clock. A value without a zone is London time; one with an
offset is understood when it comes, and never sent, because Plannr would keep its wall clock and drop the offset [I].
00:00:00 means no time of day. Of an hour that the clocks repeat it is the first; a time that they skip moves forward by
the hour, as PHP does.

Text (4.3, [F]): Laravel trims the ends of what it gets and turns "" into null. Its versions differ in what they take
for white space; we trim by the widest list, what we send and what we read, so that no version of it looks like an edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from tasksync.core import lens
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Value, Values

LONDON = ZoneInfo("Europe/London")
PRIORITIES = TASK.field("priority").choices
TITLE_LIMIT = 255  # 4.2 [I]: the usual width of a Laravel string column

# What \s means to PCRE in Unicode mode, the trim of PHP, Laravel's list of invisible characters, and what Python
# itself takes for white space.
_TRIMMED = "".join(
    (
        "\0\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180e",
        *map(chr, range(0x2000, 0x2010)),
        "\u2028\u2029\u202f\u205f",
        *map(chr, range(0x2060, 0x2066)),
        *map(chr, range(0x206A, 0x2070)),
        "\u2800\u3000\u3164\ufeff\uffa0\U0001d159",
        *map(chr, range(0x1D173, 0x1D17B)),
        "\U000e0020",
    )
)


class NotUnderstood(ValueError):
    """A payload that is not what the protocol page describes; the message says what is wrong, and of which task."""


def _trimmed(value: str) -> str:
    return value.strip(_TRIMMED)


def _encodable(value: str) -> str:
    # JSON can carry half a surrogate pair; UTF-8, and so PHP and our mirror, cannot.
    return value.encode("utf-8", "replace").decode("utf-8")


def _as_title(value: str) -> str:
    # Trimmed once more after the cut: that may have left a blank at the end.
    return _trimmed(lens.cut(TITLE_LIMIT)(_trimmed(lens.one_line(_encodable(value)))))


def _as_body(value: str) -> str:
    return _trimmed(_encodable(value))


_as_due = lens.wall_clock(LONDON, midnight_is_all_day=True)

LENSES: Mapping[str, Lens] = MappingProxyType(
    {
        one.field: one
        for one in (
            lens.text("title", _as_title, required=True),
            lens.text("body", _as_body),
            lens.due("due", _as_due),
            lens.same("done"),
            # Whether null clears a priority, or the server puts a default there, is unknown (4.2).
            lens.choice("priority", PRIORITIES, clearable=False),
        )
    }
)


_KEYS: Mapping[str, str] = MappingProxyType(
    {"title": "name", "body": "description", "due": "due_at", "priority": "priority"}
)


# --- payload to observation ---


def observation(payload: object) -> Observation:
    """The task of a listing, a read or a write, all three the same. Links, people, groups and custom fields are not
    looked at. Raises `NotUnderstood`.
    """
    task = as_object(payload, "the task")
    uuid = filled(task, "uuid", "the task")
    try:
        return Observation(
            external_id=uuid,
            values=_values(task),
            modified=_stamp(task, "updated_at"),
            created=_stamp(task, "created_at"),
            completed=_stamp(task, "completed_at"),
        )
    except NotUnderstood as wrong:
        raise NotUnderstood(f"task {uuid}: {wrong}") from None


def _values(task: Mapping[str, Any]) -> Values:
    # A task always has a name and a status (5); without them it could not be recognised. Anything else that is missing
    # is unknown, not empty.
    name = task.get("name")
    if not isinstance(name, str):
        raise NotUnderstood(f"its name is {_type_of(name)}")
    values: dict[str, Value] = {
        "title": _as_title(_lines(name)),
        "done": flag(as_object(task.get("status"), "its status"), "is_type_completed"),
    }
    if "description" in task:
        values["body"] = _as_body(_lines(_text_or_null(task, "description") or ""))
    if "due_at" in task:
        due = _stamp(task, "due_at")
        values["due"] = None if due is None else _as_due(due)
    if "priority" in task:
        priority = _text_or_null(task, "priority")
        # A fifth priority, should Plannr get one, is nothing that we could tell the others.
        if priority is None or priority in PRIORITIES:
            values["priority"] = priority
    return values


def instant(text: str) -> datetime:
    """Any of the four formats of page section 6 as aware UTC. Raises `ValueError` for anything else."""
    moment = datetime.fromisoformat(text)
    if not 1000 < moment.year < 9999:  # MySQL's range, and no zone leads out of Python's from there
        raise ValueError(f"{text!r} is out of range")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LONDON)
    return moment.astimezone(UTC)


def _stamp(payload: Mapping[str, Any], key: str) -> datetime | None:
    text = _text_or_null(payload, key)
    try:
        return instant(text) if text else None
    except ValueError:
        raise NotUnderstood(f"its {key} is no date in any format that Plannr documents") from None


def _lines(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n")


def as_object(payload: object, what: str) -> Mapping[str, Any]:
    """`payload`, if it is a JSON object; `what` names it in the error. Raises `NotUnderstood`."""
    if not isinstance(payload, Mapping):
        raise NotUnderstood(f"{what} is {_type_of(payload)}")
    return payload


def _text_or_null(payload: Mapping[str, Any], key: str) -> str | None:
    value = payload.get(key)
    if value is None or isinstance(value, str):
        return value
    raise NotUnderstood(f"its {key} is {_type_of(value)}")


def filled(payload: Mapping[str, Any], key: str, what: str) -> str:
    """A text that has to be there. Raises `NotUnderstood`."""
    value = payload.get(key)
    if not isinstance(value, str) or not value:
        raise NotUnderstood(f"{what} has no {key}")
    return value


def flag(payload: Mapping[str, Any], key: str) -> bool:
    """A yes or no that has to be there. Raises `NotUnderstood`."""
    value = payload.get(key)
    if not isinstance(value, int) or value not in (0, 1):  # a bool, or MySQL's 0 and 1
        raise NotUnderstood(f"its {key} is {_type_of(value)}")
    return bool(value)


def _type_of(value: object) -> str:
    return "missing" if value is None else f"of type {type(value).__name__}"


# --- remote forms to request body ---


def due_at(value: date | datetime) -> str:
    """London wall clock without a zone; a date alone for all-day."""
    if isinstance(value, datetime):
        return value.astimezone(LONDON).replace(tzinfo=None, microsecond=0).isoformat(sep=" ")
    return value.isoformat()


def changes_body(changes: Values) -> dict[str, str | None]:
    """The body of a PUT: the changed fields and nothing else; null clears. `done` has routes of its own and is left
    out.
    """
    return {_KEYS[name]: _written(value) for name, value in changes.items() if name != "done"}


def creation_body(values: Values, *, taskable_type: str, taskable_uuid: str, status_uuid: str) -> dict[str, str | None]:
    """The body of a POST: the fields that have a value, the link and the status."""
    given = {key: value for key, value in changes_body(values).items() if value is not None}
    return {
        **given,
        "taskable_type": taskable_type,
        "taskable_uuid": taskable_uuid,
        "task_status_uuid": status_uuid,
    }


def _written(value: Value) -> str | None:
    # "" would become null on its way through Laravel; null says the same without the detour.
    return due_at(value) if isinstance(value, date) else str(value) if value else None
