from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator

from tasksync.core.record import Record, Value, Version, decode, identical
from tasksync.ports import ConnectionState
from tasksync.store.columns import Moment, Prose, value_from_text, value_to_text, values_to_text
from tasksync.store.mirror import SqlMirror

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

VALUES: list[Value] = [
    None,
    "",
    "plain",
    "Überweisung an 佐藤 🎉, «à bientôt»",
    "line one\nline two\ttab",
    "nul \x00 inside, and \u2028 and \ufeff",
    'quotes " and \\ and {"$date": "2026-01-01"}',
    "half a pair \ud83d and another \udc00 alone",
    True,
    False,
    0,
    15,
    2**53,
    date(2026, 2, 28),
    datetime(2026, 2, 28, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 59, 59, 999999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    (),
    ("office:person:1",),
    ("office:contact:1", "office:case:küche:7", 'a:b:"half \ud83d"', '{"$date": "2026-01-01"}'),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_every_value_survives_the_mirror(value: Value, mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """A value of any shape comes out of a record as it went in, with its type."""
    version = Version(value=value, at=NOW, connection="office", external_id="7:1", estimated=True)
    record = make_record(versions={"title": version})
    with mirror.begin() as unit:
        unit.save_records([record])
    with mirror.begin() as unit:
        found = unit.records([record.id])[record.id]
    assert found == record
    assert type(found.value("title")) is type(value)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_one_value_as_text(value: Value) -> None:
    """A single value comes out of its text as it went in, and UTF-8 can hold the text."""
    text = value_to_text(value)
    text.encode()
    assert identical(value_from_text(text), value)


@given(st.text(st.characters(codec="utf-8")) | st.from_regex("[a\ud800-\udbff]{0,5}", fullmatch=True))
def test_any_text_becomes_text_that_utf8_can_hold(text: str) -> None:
    """Whatever text a CRM gives, it can be stored, and comes back the same."""
    stored = values_to_text({"title": text})
    stored.encode()
    assert decode(stored) == {"title": text}


def test_moments_keep_microseconds_and_come_back_aware(mirror: SqlMirror) -> None:
    """An instant with microseconds comes back equal, in UTC, whatever zone it was given in."""
    london_summer = timezone(timedelta(hours=1))
    state = ConnectionState(
        name="office",
        identity="i",
        scope="s",
        met_at=NOW.astimezone(london_summer),
        polled_at=NOW.replace(microsecond=0),
    )
    with mirror.begin() as unit:
        unit.save_connection(state)
        found = unit.connection("office")
    assert found == state
    assert found.met_at is not None
    assert found.met_at.tzinfo is UTC


def test_naive_moments_are_refused(mirror: SqlMirror) -> None:
    """A datetime without a zone is refused: its zone would be a guess."""
    naive = NOW.replace(tzinfo=None)
    with mirror.begin() as unit, pytest.raises(ValueError, match="has no zone"):
        unit.save_connection(ConnectionState(name="office", identity="i", scope="s", met_at=naive))


@given(st.lists(st.integers(-3, 3).map(lambda micros: NOW.replace(microsecond=0) + timedelta(microseconds=micros))))
def test_moments_sort_as_text_as_they_do_in_time(moments: list[datetime]) -> None:
    """The order of stored instants is their order in time, with and without microseconds."""
    assert sorted(moments) == sorted(moments, key=lambda moment: str(_stored(Moment(), moment)))


def test_prose_replaces_what_utf8_cannot_hold() -> None:
    """A title with half a surrogate pair does not stop the program."""
    assert _stored(Prose(), "half \ud83d pair") == "half \ufffd pair"
    assert _stored(Prose(), "whole \U0001f389") == "whole \U0001f389"


def _stored(column: TypeDecorator[Any], value: object) -> object:
    process = column.bind_processor(sqlite.dialect())
    assert process is not None
    return process(value)
