"""Column types, and values as text: what goes into SQLite comes out as it was."""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy import Dialect, String
from sqlalchemy.types import TypeDecorator

from tasksync.core.record import Value, Values, decode, encode, require_utc

# Half of a surrogate pair: JSON can bring one along, and no encoding of SQLite can hold it.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Moment(TypeDecorator[datetime]):
    """An instant: aware UTC in and out, naive ones raise `ValueError`. Stored as ISO text of fixed width with six
    decimals, so that its order as text is its order in time and a person can read it.
    """

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> str | None:
        return None if value is None else require_utc(value).isoformat(timespec="microseconds").replace("+00:00", "Z")

    def process_result_value(self, value: str | None, _dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)


class Prose(TypeDecorator[str]):
    """Text for people only, never compared: what UTF-8 cannot hold is replaced by U+FFFD."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return None if value is None else _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)


def values_to_text(values: Values) -> str:
    """Values as canonical JSON text that UTF-8 can hold; `core.record.decode` is the inverse."""
    return storable(encode(values))


def storable(encoded: str) -> str:
    """What `core.record.encode` made, so that UTF-8 can hold it; `core.record.decode` is the inverse."""
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def value_to_text(value: Value) -> str:
    """One value as JSON text."""
    return values_to_text({"value": value})


def value_from_text(text: str) -> Value:
    """The inverse of `value_to_text`."""
    return decode(text)["value"]
