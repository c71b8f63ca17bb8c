"""Kinds, fields, versions, and values as text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.record import (
    EMPTY,
    KINDS,
    TASK,
    Field,
    Record,
    Replica,
    Value,
    Version,
    content_hash,
    decode,
    encode,
    identical,
    is_utc,
    require_utc,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = date(2026, 6, 1)
NAIVE = NOON.replace(tzinfo=None)
ELSEWHERE = timezone(timedelta(hours=5, minutes=45))

# Values that are easily taken for one another.
LOOKALIKES: tuple[Value, ...] = (
    *(None, "", "null", "None", 0, 1, "0", "1", True, False, "true", "false"),
    *(DAY, datetime(2026, 6, 1, tzinfo=UTC), "2026-06-01", "2026-06-01T00:00:00+00:00"),
    *((), ("",), ("a:case:1",), ("a:case:1", "b:case:1"), ("b:case:1", "a:case:1"), "a:case:1", "[]"),
    *('{"$date":"2026-06-01"}', NOON, NOON + timedelta(microseconds=1), "e\u0301", "\u00e9", "a", "a "),
)
instants = st.builds(
    lambda since, hours: (NOON + since).astimezone(timezone(timedelta(hours=hours))),
    st.timedeltas(timedelta(days=-365_000), timedelta(days=365_000)),
    st.integers(-14, 14),
)
values: st.SearchStrategy[Value] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters())
    | st.dates()
    | instants
    | st.lists(st.text(max_size=3), max_size=2).map(tuple)
)
mappings = st.dictionaries(st.sampled_from(["title", "due", "done", "x"]), values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("title", text) for text in ("", "Call\nback", "\U0001f600", "\t")),
        *(("due", due) for due in (None, DAY, NOON, NOON.astimezone(ZoneInfo("UTC")))),
        *(("done", flag) for flag in (False, True)),
        *(("priority", choice) for choice in (None, "low", "highest")),
        *(("category", name) for name in (None, "Call", " ")),
        *(("reminder", minutes) for minutes in (None, 1, 10_000)),
        *(("assignees", people) for people in ((), ("b:person:1",), ("b:person:1", "a:person:1"), ("a:contact:1",))),
        *(("links", links) for links in ((), ("a:contact:1",), ("a:case:1", "a:contact:1", "b:plan:x:y"))),
    ],
)
def test_a_canonical_value_passes(name: str, value: Value) -> None:
    """Each shape takes the values of its row in the table."""
    TASK.check({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("title", wrong) for wrong in (None, 1, True, DAY, "line\r\nline", "\r")),
        *(("due", wrong) for wrong in ("", "2026-06-01", 20260601, True)),
        *(("due", wrong) for wrong in (NAIVE, NOON.astimezone(ELSEWHERE))),
        *(("done", wrong) for wrong in (None, 0, 1, "", "true")),
        *(("priority", wrong) for wrong in ("", "Low", "urgent", 1, True)),
        *(("category", wrong) for wrong in ("", 1, False)),
        *(("reminder", wrong) for wrong in (0, -5, True, "5")),
        *(("assignees", wrong) for wrong in (None, "", "a:person:1", ["a:person:1"], ("a:person:1", "a:person:1"))),
        *(("assignees", wrong) for wrong in (("a:person:",), ("anna",), ("a:case:1",), ("a:person:1", "a:plan:1"))),
        *(
            ("links", wrong)
            for wrong in (None, "a:case:1", ("a:case:1", "a:case:1"), ("a:case",), ("b:case:1", "a:case:1"))
        ),
    ],
)
def test_any_other_value_is_refused(name: str, value: Any) -> None:
    """What is not canonical raises, and the message names value, field and shape; naive datetimes are among it."""
    with pytest.raises(ValueError, match="is no canonical value of") as caught:
        TASK.check({name: value})
    assert repr(value) in str(caught.value)
    assert f"{name} ({TASK.field(name).shape})" in str(caught.value)


def test_a_field_the_kind_does_not_have_is_refused() -> None:
    """A name that is no field raises for the kind as a whole, and is a `KeyError` when asked for."""
    with pytest.raises(ValueError, match="a task has no field 'colour'"):
        TASK.check({"title": "Call", "colour": "red"})
    with pytest.raises(KeyError):
        TASK.field("colour")


def test_the_empty_value_of_every_shape_is_canonical() -> None:
    """What says "known to be empty" is a value of its field."""
    for spec in (spec for kind in KINDS.values() for spec in kind.fields):
        spec.check(spec.empty)
        assert identical(spec.empty, EMPTY[spec.shape])
    Field(name="x", shape="choice").check(None)


def test_the_parts_of_a_kind_are_fields_of_it() -> None:
    """Every kind's label, state and day name fields of the shape that their part asks for; a kind may have no day."""
    for name, kind in KINDS.items():
        assert name == kind.name
        assert [kind.field(part).shape for part in (kind.label, kind.state)] == ["text", "flag"]
        assert not kind.day or kind.field(kind.day).shape == "due"
    assert TASK.day


def test_what_others_refer_to_comes_first() -> None:
    """A task may be linked to a case, so cases are brought in step before tasks."""
    assert list(KINDS) == ["case", "task"]


@pytest.mark.parametrize(
    ("moment", "utc"),
    [
        pytest.param(NOON, True, id="UTC"),
        pytest.param(NOON.astimezone(ZoneInfo("UTC")), True, id="UTC by another name"),
        pytest.param(NOON.astimezone(ELSEWHERE), False, id="another zone"),
        pytest.param(NAIVE, False, id="naive"),
    ],
)
def test_is_utc(moment: datetime, *, utc: bool) -> None:
    """Only an aware instant with offset zero is in UTC."""
    assert is_utc(moment) is utc


def test_a_version_is_in_utc() -> None:
    """A version's moment is normalised to UTC and stays the same moment."""
    version = Version(value="a", at=NOON.astimezone(ELSEWHERE), connection="A", external_id="1")
    assert version.at == NOON
    assert version.at.tzinfo is UTC
    assert not version.estimated


def test_a_version_without_a_zone_is_refused() -> None:
    """A naive moment is refused at construction."""
    with pytest.raises(ValueError, match="has no zone"):
        Version(value="a", at=NAIVE, connection="A", external_id="1")
    with pytest.raises(ValueError, match="has no zone"):
        require_utc(NAIVE)


def test_a_record_tells_unknown_from_empty() -> None:
    """A field without a version is not among the values; its value reads as None all the same."""
    empty = Version(value="", at=NOON, connection="A", external_id="1")
    record = Record(id="r", kind="task", group="g", versions={"body": empty})
    assert record.values == {"body": ""}
    assert record.value("body") == ""
    assert record.value("title") is None


def test_a_naive_instant_has_no_text() -> None:
    """Encoding refuses what no field may hold."""
    with pytest.raises(ValueError, match="has no zone"):
        encode({"due": NAIVE})
    with pytest.raises(TypeError, match="bytes is no value of a field"):
        encode({"title": b"x"})  # type: ignore[dict-item]  # what the test is about


@given(mappings)
def test_values_survive_being_text(mapping: dict[str, Value]) -> None:
    """decode(encode(values)) has the same values of the same types, instants in UTC."""
    back = decode(encode(mapping))
    assert back.keys() == mapping.keys()
    for name, value in mapping.items():
        assert identical(back[name], value)
        found = back[name]
        assert not isinstance(found, datetime) or is_utc(found)


@given(st.sampled_from(LOOKALIKES), st.sampled_from(LOOKALIKES))
def test_hashes_are_equal_exactly_for_identical_values(left: Value, right: Value) -> None:
    """A date is not its midnight, 1 is neither True nor "1", and None is not empty."""
    assert (content_hash({"x": left}) == content_hash({"x": right})) == identical(left, right)


@given(mappings, mappings)
def test_hashes_are_equal_exactly_for_identical_mappings(left: dict[str, Value], right: dict[str, Value]) -> None:
    """Values and the names they stand under decide, the order of the names does not; a missing name is not empty."""
    alike = left.keys() == right.keys() and all(identical(value, right[name]) for name, value in left.items())
    assert (content_hash(left) == content_hash(right)) == alike
    assert content_hash(dict(reversed(left.items()))) == content_hash(left)


def test_a_hash_is_32_hex_digits_and_the_replicas_content() -> None:
    """The content of a replica is the hash of its shadow, whatever its stamps."""
    replica = Replica(
        connection="A", kind="task", external_id="1", record_id=None, shadow={"title": "a"}, seen_at=NOON, modified=NOON
    )
    assert replica.content == content_hash({"title": "a"})
    assert len(replica.content) == 32
    assert set(replica.content) <= set("0123456789abcdef")
    assert not replica.settled
