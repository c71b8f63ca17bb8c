"""Values as programs read them: the forms of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from tasksync.core.record import Value, Values


def plain(values: Values) -> Mapping[str, Any]:
    """Remote forms as JSON knows them: dates and instants as ISO 8601 text."""
    return {name: jsonable(value) for name, value in values.items()}


def jsonable(value: Value) -> str | bool | int | list[str] | None:
    """A value as JSON knows it."""
    if isinstance(value, tuple):
        return list(value)
    return iso(value) if isinstance(value, date) else value


def iso_or_none(moment: datetime | None) -> str | None:
    """An instant as JSON knows it, or nothing."""
    return None if moment is None else iso(moment)


def iso(value: date) -> str:
    """A date as YYYY-MM-DD, an instant (UTC) with a Z."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return value.isoformat()
