"""What counts as a change, and when it was made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.diff import Window, diff
from tasksync.core.lens import Lens, cut, same, text
from tasksync.core.merge import Change
from tasksync.core.record import TASK, Observation, Record, Replica, Value, Values, Version, identical

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
LENSES = {name: same(name) for name in ("title", "body", "due", "done")}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)


seconds = st.integers(-(10**10), 10**10).map(lambda us: us / 1000)


# --- the changes ------------------------------------------------------------------------------------------------------


def record(**values: Value) -> Record:
    """A record whose values were made in C, as long before the start as their name is long."""
    made = {
        name: Version(value=value, at=at(-len(name)), connection="C", external_id="7") for name, value in values.items()
    }
    return Record(id="r", kind="task", group="g", versions=made)


def replica(**shadow: Value) -> Replica:
    return Replica(connection="A", kind="task", external_id="1", record_id="r", shadow=shadow, seen_at=START)


def changes(
    ours: Record,
    theirs: Replica,
    values: Values,
    *,
    lenses: Mapping[str, Lens] = LENSES,
    modified: float | None = 40,
    created: float | None = None,
    completed: float | None = None,
    after: float | None = 0,
) -> list[Change]:
    """What an answer that came 100 seconds after the start shows."""
    seen = Observation(
        external_id="1",
        values=values,
        modified=maybe(modified),
        created=maybe(created),
        completed=maybe(completed),
    )
    window = Window(after=maybe(after), until=at(100))
    return list(diff(TASK, ours, theirs, seen, lenses, window))


def made(value: Value, when: datetime, *, estimated: bool = False) -> Version:
    """A version made in the replica."""
    return Version(value=value, at=when, connection="A", external_id="1", estimated=estimated)


@given(modified=st.none() | seconds, completed=st.none() | seconds, after=st.none() | seconds)
def test_what_equals_its_shadow_is_unchanged(
    modified: float | None, completed: float | None, after: float | None
) -> None:
    """Without a differing value there is no change, whatever the stamps say and whatever the record holds."""
    shown: Values = {"title": "Call", "done": True}
    for ours in (record(), record(title="Call", done=True), record(title="Write", done=False)):
        assert not changes(
            ours, replica(title="Call", done=True), shown, modified=modified, completed=completed, after=after
        )


def test_one_field_changed() -> None:
    """Only the field that differs is a change, made when the CRM says, by somebody who had ours before them."""
    ours = record(title="Call", body="")
    found = changes(ours, replica(title="Call", body=""), {"title": "Call back", "body": ""})
    assert found == [Change(field="title", version=made("Call back", at(40)), aware=True)]


def test_several_fields_changed() -> None:
    """Every field that differs is a change, in the order of the kind's fields; without a stamp they are estimated."""
    ours = record(title="Call", body="", done=False)
    found = changes(
        ours,
        replica(done=False, body="", title="Call"),
        {"done": True, "body": "now", "title": "Call back"},
        modified=None,
    )
    assert found == [
        Change(field="title", version=made("Call back", at(50), estimated=True), aware=True),
        Change(field="body", version=made("now", at(50), estimated=True), aware=True),
        Change(field="done", version=made(True, at(50), estimated=True), aware=True),
    ]


@pytest.mark.parametrize(
    ("before", "found"),
    [
        (date(2026, 6, 1), datetime(2026, 6, 1, tzinfo=UTC)),
        (1, True),
        (None, date(2026, 6, 1)),
        (date(2026, 6, 1), None),
    ],
    ids=["all-day to timed", "number to flag", "set", "cleared"],
)
def test_a_value_of_another_type_is_a_change(before: Value, found: Value) -> None:
    """A day is not the instant at its midnight, and nothing is not something."""
    (one,) = changes(record(due=before), replica(due=before), {"due": found})
    assert identical(one.version.value, found)


def test_what_an_answer_does_not_tell_is_no_change() -> None:
    """A missing key is not an emptied field."""
    assert not changes(record(title="Call", body="now"), replica(title="Call", body="now"), {"title": "Call"})


def test_a_field_without_a_lens_is_not_compared() -> None:
    """What the connector does not offer is none of our business."""
    ours = record(title="Call", reminder=5)
    assert not changes(ours, replica(title="Call", reminder=5), {"title": "Call", "reminder": 9})


def test_a_cut_value_meets_the_whole_one_as_the_same() -> None:
    """What a CRM shows of ours counts as ours, so that no limit shortens a text elsewhere (I10)."""
    lenses = {"title": text("title", cut(4))}
    (found,) = changes(record(title="Call back"), replica(), {"title": "Call"}, lenses=lenses)
    assert found.version.value == "Call back"


def test_an_edit_of_a_cut_value_is_taken_as_it_is() -> None:
    """Somebody who saw the beginning and changed it meant what they wrote."""
    lenses = {"title": text("title", cut(4))}
    (found,) = changes(record(title="Call back"), replica(title="Call"), {"title": "Fax"}, lenses=lenses)
    assert found == Change(field="title", version=made("Fax", at(40)), aware=True)


# --- finished ---------------------------------------------------------------------------------------------------------

DUE = at(-300)


@pytest.mark.parametrize(
    ("values", "modified", "created", "completed", "after", "placed", "estimated"),
    [
        pytest.param({"done": True}, 40, None, 20, 0, 20, False, id="the CRM says when it was finished"),
        pytest.param({"done": True}, 40, None, -900, 0, 50, True, id="a time of finishing that did not move"),
        pytest.param({"done": False}, 40, None, 20, 0, 40, False, id="reopened: the old time of finishing is void"),
        pytest.param({"done": True}, None, None, None, 0, 50, True, id="nobody says when"),
        pytest.param({"done": True, "due": at(70)}, None, -900, None, 0, 50, True, id="the due time is for meetings"),
        pytest.param({"done": True, "due": DUE}, None, -900, None, None, -300, True, id="met: not before it was due"),
        pytest.param({"done": True, "due": DUE}, None, -100, None, None, 0, True, id="met: due before it was created"),
        pytest.param({"done": True, "due": at(999)}, None, -900, None, None, 100, True, id="met: due in the future"),
        pytest.param({"done": True, "due": None}, None, -900, None, None, -400, True, id="met: never due"),
        pytest.param({"done": True}, None, -900, None, None, -400, True, id="met: nothing known of a due date"),
        pytest.param({"done": True, "due": DUE}, -800, -900, None, None, -800, False, id="met: a stamp is believed"),
        pytest.param({"done": True, "due": DUE}, None, -900, -700, None, -700, False, id="met: finished when it says"),
        pytest.param({"done": False, "due": DUE}, None, -900, None, None, -400, True, id="met: open"),
    ],
)
def test_when_it_was_finished(
    values: Values,
    modified: float | None,
    created: float | None,
    completed: float | None,
    after: float | None,
    placed: float,
    *,
    estimated: bool,
) -> None:
    """A time of finishing is the best stamp there is; without any, a task met finished was so hardly before its due."""
    ours = record(done=not values["done"])
    theirs = replica() if after is None else replica(done=not values["done"])
    found = {
        one.field: one.version
        for one in changes(ours, theirs, values, modified=modified, created=created, completed=completed, after=after)
    }
    assert (found["done"].at, found["done"].estimated) == (at(placed), estimated)


def test_a_day_counts_from_its_beginning() -> None:
    """An all-day task that was met finished was finished not before the first moment of its day, in UTC."""
    values: Values = {"done": True, "due": date(2026, 6, 1)}
    found = changes(record(), replica(), values, modified=None, created=-(10**6), after=None)
    assert next(one.version.at for one in found if one.field == "done") == datetime(2026, 6, 1, tzinfo=UTC)
    assert next(one.version.at for one in found if one.field == "due") < datetime(2026, 6, 1, tzinfo=UTC)
