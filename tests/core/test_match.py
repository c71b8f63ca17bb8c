"""Which of a joining connection's tasks are the group's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.lens import Lens, basic_plane, choice, cut, due, same, stripped, text, wall_clock, whole_seconds
from tasksync.core.match import Ambiguity, Entry, Matching, entry_of_record, entry_of_replica, match
from tasksync.core.record import TASK, Replica, Value, Values

MONDAY, TUESDAY = date(2026, 6, 1), date(2026, 6, 2)
LONDON = ZoneInfo("Europe/London")


def entry(
    name: str, day: date | None = MONDAY, *, title: str = "call", done: bool = False, open_day: bool = False
) -> Entry:
    return Entry(id=name, name=title, day=day, finished=done, open_day=open_day)


def ambiguity(records: str, replicas: str) -> Ambiguity:
    return Ambiguity(records=tuple(records), replicas=tuple(replicas))


# --- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "replicas", "expected"),
    [
        pytest.param([], [entry("1")], Matching(pairs=(), new=("1",), ambiguous=()), id="none, one"),
        pytest.param([], [entry("1"), entry("2")], Matching(pairs=(), new=("1", "2"), ambiguous=()), id="none, two"),
        pytest.param([entry("a")], [], Matching(pairs=(), new=(), ambiguous=()), id="one, none"),
        pytest.param(
            [entry("a")], [entry("1")], Matching(pairs=(("a", "1"),), new=(), ambiguous=()), id="one, one, both open"
        ),
        pytest.param(
            [entry("a", done=True)],
            [entry("1", done=True)],
            Matching(pairs=(("a", "1"),), new=(), ambiguous=()),
            id="one, one, both finished",
        ),
        pytest.param(
            [entry("a")],
            [entry("1", done=True)],
            Matching(pairs=(), new=(), ambiguous=(ambiguity("a", "1"),)),
            id="one, one, other state",
        ),
        pytest.param(
            [entry("a")],
            [entry("1"), entry("2")],
            Matching(pairs=(), new=(), ambiguous=(ambiguity("a", "12"),)),
            id="one, two",
        ),
        pytest.param(
            [entry("a"), entry("b")],
            [entry("1"), entry("2")],
            Matching(pairs=(), new=(), ambiguous=(ambiguity("ab", "12"),)),
            id="two, two",
        ),
        pytest.param(
            [entry("a"), entry("b", done=True)],
            [entry("1")],
            Matching(pairs=(), new=(), ambiguous=(ambiguity("ab", "1"),)),
            id="two, one",
        ),
        pytest.param(
            [entry("a", None)], [entry("1", None)], Matching(pairs=(("a", "1"),), new=(), ambiguous=()), id="no day"
        ),
        pytest.param(
            [entry("a", None)], [entry("1")], Matching(pairs=(), new=("1",), ambiguous=()), id="no day, and one"
        ),
        pytest.param(
            [entry("a")], [entry("1", TUESDAY)], Matching(pairs=(), new=("1",), ambiguous=()), id="another day"
        ),
        pytest.param(
            [entry("a")], [entry("1", title="fax")], Matching(pairs=(), new=("1",), ambiguous=()), id="another name"
        ),
        pytest.param(
            [entry("a"), entry("b", TUESDAY)],
            [entry("1", TUESDAY), entry("2")],
            Matching(pairs=(("b", "1"), ("a", "2")), new=(), ambiguous=()),
            id="the days tell which is which",
        ),
        pytest.param(
            [entry("a", None, open_day=True)],
            [entry("1")],
            Matching(pairs=(), new=(), ambiguous=(ambiguity("a", "1"),)),
            id="a day for want of one",
        ),
        pytest.param(
            [entry("a", None, open_day=True), entry("b", TUESDAY)],
            [entry("1"), entry("2", TUESDAY)],
            Matching(pairs=(), new=(), ambiguous=(ambiguity("ab", "12"),)),
            id="a day for want of one leaves nothing sure",
        ),
        pytest.param(
            [entry("a", None, open_day=True)],
            [entry("1", title="fax")],
            Matching(pairs=(), new=("1",), ambiguous=()),
            id="a day for want of one, another name",
        ),
    ],
)
def test_the_table_holds(records: list[Entry], replicas: list[Entry], expected: Matching) -> None:
    """Each row of records of the group and replicas that join becomes what it says."""
    assert match(records, replicas) == expected


def test_records_are_not_even_read_when_nothing_joins() -> None:
    """A group may have very many, and most cycles bring nothing that is new."""
    records = iter([entry("a")])
    assert match(records, []) == Matching(pairs=(), new=(), ambiguous=())
    assert next(records) == entry("a")


def test_names_do_not_disturb_each_other() -> None:
    """What is ambiguous under one name leaves the others to be paired."""
    found = match(
        [entry("a"), entry("b", title="fax"), entry("c", title="write")],
        [entry("1"), entry("2"), entry("3", title="fax"), entry("4", title="mail")],
    )
    assert found == Matching(pairs=(("b", "3"),), new=("4",), ambiguous=(ambiguity("a", "12"),))


entries = st.builds(
    lambda title, day, done, open_day: Entry(
        id="", name=title, day=None if open_day else day, finished=done, open_day=open_day
    ),
    st.sampled_from(["call", "fax"]),
    st.sampled_from([None, MONDAY, TUESDAY]),
    st.booleans(),
    st.integers(0, 9).map(lambda one: one == 0),
)


def numbered(mark: str, found: list[Entry], *, closed: bool = False) -> list[Entry]:
    return [
        Entry(
            id=f"{mark}{number}",
            name=one.name,
            day=one.day,
            finished=one.finished,
            open_day=one.open_day and not closed,
        )
        for number, one in enumerate(found)
    ]


meetings = st.tuples(
    st.lists(entries, max_size=6).map(lambda found: numbered("r", found)),
    st.lists(entries, max_size=6).map(lambda found: numbered("x", found, closed=True)),
)


@given(meetings)
def test_every_replica_has_one_fate(meeting: tuple[list[Entry], list[Entry]]) -> None:
    """Each replica is paired, new or ambiguous, and no id comes twice."""
    records, replicas = meeting
    found = match(records, replicas)
    theirs = (
        [other for _, other in found.pairs] + [*found.new] + [one for held in found.ambiguous for one in held.replicas]
    )
    assert sorted(theirs) == sorted(one.id for one in replicas)
    ours = [one for one, _ in found.pairs] + [one for held in found.ambiguous for one in held.records]
    assert len(ours) == len(set(ours))
    assert set(ours) <= {one.id for one in records}
    assert all(held.records and held.replicas for held in found.ambiguous)


@given(meetings)
def test_a_pair_is_alike_and_the_only_one(meeting: tuple[list[Entry], list[Entry]]) -> None:
    """Two are paired when, and only when, nothing else could be meant by either."""
    records, replicas = meeting
    paired = set(match(records, replicas).pairs)
    for ours in records:
        for theirs in replicas:
            rivals = [one for one in records if one.name == theirs.name and (one.open_day or one.day == theirs.day)]
            doubles = [one for one in replicas if (one.name, one.day) == (theirs.name, theirs.day)]
            sure = rivals == [ours] and doubles == [theirs] and not ours.open_day and ours.finished == theirs.finished
            assert ((ours.id, theirs.id) in paired) == sure


def unordered(found: Matching) -> tuple[set[tuple[str, str]], set[str], set[tuple[frozenset[str], frozenset[str]]]]:
    held = {(frozenset(one.records), frozenset(one.replicas)) for one in found.ambiguous}
    return set(found.pairs), set(found.new), held


@given(meetings, st.data())
def test_the_order_of_the_entries_decides_nothing(
    meeting: tuple[list[Entry], list[Entry]], data: st.DataObject
) -> None:
    """However both sides are listed, the same are paired, new and ambiguous."""
    records, replicas = meeting
    again = match(data.draw(st.permutations(records)), data.draw(st.permutations(replicas)))
    assert unordered(again) == unordered(match(records, replicas))


# --- entries ----------------------------------------------------------------------------------------------------------

LENSES: Mapping[str, Lens] = {
    "title": same("title"),
    "due": due("due", wall_clock(LONDON, midnight_is_all_day=True)),
    "done": same("done"),
}
NEEDS_DUE: Mapping[str, Lens] = {**LENSES, "due": due("due", whole_seconds, required=True)}


@pytest.mark.parametrize(
    ("values", "lenses", "expected"),
    [
        pytest.param({"title": "Call", "due": MONDAY}, LENSES, entry("r"), id="all-day"),
        pytest.param(
            {"title": "Call", "due": datetime(2026, 5, 31, 23, tzinfo=UTC)}, LENSES, entry("r"), id="midnight there"
        ),
        pytest.param({"title": "Call", "due": None, "done": True}, LENSES, entry("r", None, done=True), id="finished"),
        pytest.param({"title": "Call", "due": None}, NEEDS_DUE, entry("r", None, open_day=True), id="no form there"),
        pytest.param({"title": "Call", "due": MONDAY}, NEEDS_DUE, entry("r"), id="a day where one is needed"),
        pytest.param({"title": "Call", "due": MONDAY}, {}, entry("r", None), id="a CRM without days"),
        pytest.param({}, LENSES, entry("r", None, title=""), id="nothing known"),
        pytest.param(
            {"title": "Call", "due": MONDAY, "category": "Fax"},
            {**LENSES, "category": choice("category", [])},
            entry("r"),
            id="another value without a form",
        ),
        pytest.param(
            {"title": "Call back", "due": MONDAY},
            {**LENSES, "title": text("title", cut(4))},
            entry("r"),
            id="as much of the title as it shows",
        ),
        pytest.param(
            {"title": "Call", "due": MONDAY}, {"due": LENSES["due"]}, entry("r"), id="a CRM that tells no title"
        ),
        pytest.param(
            {"title": " \U0001f600 ", "due": MONDAY},
            {**LENSES, "title": text("title", stripped, required=True)},
            entry("r", title=""),
            id="a title that says nothing",
        ),
        pytest.param(
            {"title": "", "due": MONDAY},
            {**LENSES, "title": text("title", required=True)},
            entry("r", title=""),
            id="a title without a form there",
        ),
    ],
)
def test_a_record_as_an_entry(values: Values, lenses: Mapping[str, Lens], expected: Entry) -> None:
    """A record is compared as the joining connection would show it; a day it could not show leaves any day possible."""
    assert entry_of_record(TASK, "r", values, lenses, LONDON) == expected


def test_a_replica_as_an_entry() -> None:
    """A replica is compared by its shadow, an instant's day by the clocks of the connection."""
    seen_at = datetime(2026, 6, 1, tzinfo=UTC)

    def replica(**shadow: Value) -> Replica:
        return Replica(connection="A", kind="task", external_id="1", record_id=None, shadow=shadow, seen_at=seen_at)

    late = seen_at + timedelta(hours=23)
    assert entry_of_replica(TASK, replica(title=" CALL", due=MONDAY, done=True), LONDON) == entry("1", done=True)
    assert entry_of_replica(TASK, replica(title="Call", due=late, done=False), LONDON) == entry("1", TUESDAY)
    assert entry_of_replica(TASK, replica(title="Call"), LONDON) == entry("1", None)


def test_a_title_that_a_crm_cut_early_is_matched() -> None:
    """A limit counts what is not compared, too: behind a hundred emoji it may come before what is compared ends."""
    lenses: Mapping[str, Lens] = {**LENSES, "title": text("title", basic_plane, cut(255))}
    title = "\U0001f600" * 100 + "x" * 200
    ours = entry_of_record(TASK, "r", {"title": title, "due": None}, lenses, LONDON)
    shadow: Values = {"title": "\ufffd" * 100 + "x" * 155, "due": None}
    seen_at = datetime(2026, 6, 1, tzinfo=UTC)
    theirs = Replica(connection="A", kind="task", external_id="1", record_id=None, shadow=shadow, seen_at=seen_at)
    assert match([ours], [entry_of_replica(TASK, theirs, LONDON)]).pairs == (("r", "1"),)
