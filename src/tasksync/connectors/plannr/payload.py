"""How Plannr's payloads are read, whatever they are about: objects, texts, times. Pure.

Zone rule (protocols/plannr.md, 6): Plannr keeps London wall clock. A value without a zone is London time; one with an
offset is understood when it comes.

Text (4.3, [F]): Laravel trims the ends of what it gets and turns "" into null. Its versions differ in what they take
for white space; we trim by the widest list, what we send and what we read, so that no version of it looks like an edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tasksync.core import lens

LONDON = ZoneInfo("Europe/London")
NAME_LIMIT = 255  # 4.2 [I]: the usual width of a Laravel string column

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
    """A payload that is not what the protocol page describes; the message says what is wrong, and of which record."""


# --- objects and what is in them ---


def as_object(payload: object, what: str) -> Mapping[str, Any]:
    """`payload`, if it is a JSON object; `what` names it in the error. Raises `NotUnderstood`."""
    if not isinstance(payload, dict):
        raise NotUnderstood(f"{what} is {type_of(payload)}")
    return payload


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
        raise NotUnderstood(f"its {key} is {type_of(value)}")
    return bool(value)


def text_or_null(payload: Mapping[str, Any], key: str) -> str | None:
    """A text, or None where there is null or nothing. Raises `NotUnderstood`."""
    value = payload.get(key)
    if value is None or isinstance(value, str):
        return value
    raise NotUnderstood(f"its {key} is {type_of(value)}")


def text(payload: Mapping[str, Any], key: str) -> str:
    """A text that nothing depends on: empty where there is none."""
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def own_name(payload: Mapping[str, Any]) -> str:
    """The name that a task or a case always has, as a title. Raises `NotUnderstood`."""
    name = payload.get("name")
    if not isinstance(name, str):
        raise NotUnderstood(f"its name is {type_of(name)}")
    return as_name(lines(name))


def type_of(value: object) -> str:
    """What is said of a value that is not what it should be."""
    return "missing" if value is None else f"of type {type(value).__name__}"


# --- texts ---


def lines(value: str) -> str:
    """With the line ends of canonical texts."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def as_name(value: str) -> str:
    """As Plannr keeps a name: one line, trimmed and cut."""
    # Trimmed once more after the cut: that may have left a blank at the end.
    return _trimmed(lens.cut(NAME_LIMIT)(_trimmed(lens.one_line(_encodable(value)))))


def as_text(value: str) -> str:
    """As Plannr keeps a long text: trimmed."""
    return _trimmed(_encodable(value))


def _trimmed(value: str) -> str:
    return value.strip(_TRIMMED)


def _encodable(value: str) -> str:
    # JSON can carry half a surrogate pair; UTF-8, and so PHP and our mirror, cannot.
    return value.encode("utf-8", "replace").decode("utf-8")


# --- times ---


def stamp(payload: Mapping[str, Any], key: str) -> datetime | None:
    """A moment, aware UTC; None where there is null or nothing. Raises `NotUnderstood`."""
    written = text_or_null(payload, key)
    try:
        return instant(written) if written else None
    except ValueError:
        raise NotUnderstood(f"its {key} is no date in any format that Plannr documents") from None


def instant(written: str) -> datetime:
    """Any of the four formats of page section 6 as aware UTC. Raises `ValueError` for anything else."""
    moment = datetime.fromisoformat(written)
    if not 1000 < moment.year < 9999:  # MySQL's range, and no zone leads out of Python's from there
        raise ValueError(f"{written!r} is out of range")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LONDON)
    return moment.astimezone(UTC)
