"""The merge's decision table, row by row, and the laws that make it order-free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core import merge as merging
from tasksync.core.merge import Change, Merged, Superseded, merge, order
from tasksync.core.record import Value, Version, identical

START = datetime(2026, 6, 1, tzinfo=UTC)
CONFIG = ("A", "B", "C")


def rank(connection: str) -> int:
    return CONFIG.index(connection) if connection in CONFIG else len(CONFIG)


def version(value: Value, at: int, connection: str = "A", external_id: str = "1") -> Version:
    """A version made `at` seconds after the start; B is a CRM without stamps."""
    return Version(
        value=value,
        at=START + timedelta(seconds=at),
        connection=connection,
        external_id=external_id,
        estimated=connection == "B",
    )


def change(made: Version, *, aware: bool) -> Change:
    return Change(field="title", version=made, aware=aware)


def conflicts(merged: Merged) -> set[Value]:
    return {lost.loser.value for lost in merged.superseded if lost.conflict}


# --- the table --------------------------------------------------------------------------------------------------------


def rows() -> Iterator[list[str]]:
    """The rows of the table in the module's docstring, as texts."""
    text = (merging.__doc__ or "").splitlines()
    rulers = [number for number, line in enumerate(text) if line.startswith("=== ")]
    ends = [index for index, char in enumerate(text[rulers[0]]) if char == " "]
    starts = [0, *(end + 1 for end in ends)]
    for line in text[rulers[1] + 1 : rulers[2]]:
        yield [line[start:end].strip() for start, end in zip(starts, [*ends, None], strict=True)]


def parsed(cell: str, connection: str) -> Version | None:
    """A version from "a @2 aware", none from "-" and "none"."""
    value, _, rest = cell.partition(" @")
    return version(value, int(rest.split()[0]), connection) if rest else None


ROWS = [row for row in rows() if row[4] != "see order"]


def test_the_table_has_all_its_rows() -> None:
    """Thirteen cases, one of which is decided by the order and tested on its own."""
    assert [row[0] for row in rows()] == [str(number) for number in range(1, 14)]
    assert len(ROWS) == 12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"row {row[0]}")
def test_the_table_holds(row: list[str]) -> None:
    """Each row becomes what it says and has in conflict what it says, in whatever order the changes come."""
    _, now, *cells, becomes, in_conflict = row
    current = parsed(now, "C")
    found = [
        change(made, aware=not cell.endswith("unaware"))
        for cell, connection in zip(cells, "AB", strict=True)
        if (made := parsed(cell, connection)) is not None
    ]
    for ordered in permutations(found):
        merged = merge("title", current, ordered, rank)
        assert merged.version.value == becomes
        assert conflicts(merged) == ({in_conflict} if in_conflict else set())
        replaced = {lost.loser.value for lost in merged.superseded if not lost.conflict}
        assert replaced == ({"c"} - {becomes} if current and any(one.aware for one in ordered) else set())


@pytest.mark.parametrize(
    ("holder", "maker", "becomes"),
    [
        pytest.param(("B", "1"), ("A", "1"), "a", id="the change's connection stands before"),
        pytest.param(("A", "1"), ("B", "1"), "c", id="the current's connection stands before"),
        pytest.param(("A", "1"), ("A", "2"), "a", id="the change has the greater id"),
        pytest.param(("A", "2"), ("A", "1"), "c", id="the current has the greater id"),
        pytest.param(("A", "1"), ("A", "1"), "c", id="all the same but the value"),
    ],
)
def test_row_10_is_decided_by_the_order(holder: tuple[str, str], maker: tuple[str, str], becomes: str) -> None:
    """At the same moment, position in the config, external id and value decide, and the other one is in conflict."""
    merged = merge("title", version("c", 5, *holder), [change(version("a", 5, *maker), aware=False)], rank)
    assert merged.version.value == becomes
    assert conflicts(merged) == {"a", "c"} - {becomes}


def test_the_order_goes_by_moment_then_config_then_id_then_value() -> None:
    """Each part of the key outweighs all that follow it."""
    rising = [
        version("b", 1, "C", "1"),
        version("a", 1, "B", "1"),
        version("z", 1, "A", "1"),
        version("a", 1, "A", "2"),
        version("b", 1, "A", "2"),
        version("a", 2, "C", "1"),
    ]
    for lower, higher in pairwise(rising):
        assert order(lower, rank) < order(higher, rank)


def test_connections_that_left_the_config_are_told_apart() -> None:
    """All of them stand behind the rest, at one position, so their names decide."""
    one, other = version("x", 1, "Y", "2"), version("x", 1, "Z", "1")
    assert order(one, rank) < order(other, rank) < order(version("x", 1, "C"), rank)
    for first, second in permutations([one, other]):
        assert merge("title", first, [change(second, aware=False)], rank).version == other


def test_what_was_lost_names_field_loser_and_winner() -> None:
    """History gets the whole story."""
    current, older, newer = version("c", 1, "C"), version("a", 2, "A"), version("b", 3, "B")
    merged = merge("title", current, [change(older, aware=True), change(newer, aware=True)], rank)
    assert merged == Merged(
        version=newer,
        superseded=(
            Superseded(field="title", loser=older, winner=newer, conflict=True),
            Superseded(field="title", loser=current, winner=newer, conflict=False),
        ),
    )


def test_losing_to_a_later_conflict_does_not_undo_being_replaced() -> None:
    """Who had seen the current value replaced it, so only their own value is in conflict with an even later one."""
    current, edit, concurrent = version("c", 5, "C"), version("a", 6, "A"), version("b", 7, "B")
    merged = merge("title", current, [change(edit, aware=True), change(concurrent, aware=False)], rank)
    assert merged.superseded == (
        Superseded(field="title", loser=edit, winner=concurrent, conflict=True),
        Superseded(field="title", loser=current, winner=concurrent, conflict=False),
    )


@pytest.mark.parametrize("older_is_current", [True, False], ids=["current", "a change"])
def test_values_of_another_type_are_others(*, older_is_current: bool) -> None:
    """1 is not True: the older one of them is lost, as any other value is."""
    older, newer = version(1, 1, "C"), version(True, 2)
    found = [change(newer, aware=True)] + ([] if older_is_current else [change(older, aware=False)])
    merged = merge("done", older if older_is_current else None, found, rank)
    assert [one.loser for one in merged.superseded] == [older]


# --- the laws ---------------------------------------------------------------------------------------------------------

contents: st.SearchStrategy[Value] = st.sampled_from(
    ["a", "b", "", None, 1, "1", True, False, date(2026, 6, 1), datetime(2026, 6, 1, tzinfo=UTC)]
)
versions = st.builds(
    version, contents, st.integers(0, 3), st.sampled_from([*CONFIG, "Y", "Z"]), st.sampled_from(["1", "2", "10"])
)  # few of each, so that ties are the rule


@st.composite
def situations(draw: st.DrawFn) -> tuple[Version | None, list[Change]]:
    """A current version, and changes to it: an aware one is stamped later than it, as `diff` does."""
    current = draw(st.none() | versions)
    made = draw(st.lists(st.tuples(versions, st.booleans()), min_size=1 if current is None else 0, max_size=5))
    return current, [
        change(one, aware=aware if current is None or one.at > current.at else False) for one, aware in made
    ]


def one_by_one(current: Version | None, groups: Iterable[list[Change]]) -> tuple[Version | None, list[Superseded]]:
    lost: list[Superseded] = []
    for group in groups:
        if group:
            merged = merge("title", current, group, rank)
            current = merged.version
            lost += merged.superseded
    return current, lost


@given(situations(), st.randoms(use_true_random=False))
def test_merge_is_commutative(situation: tuple[Version | None, list[Change]], random: Random) -> None:
    """The order in which changes are listed decides nothing, neither the winner nor what was lost."""
    current, changes = situation
    shuffled = list(changes)
    random.shuffle(shuffled)
    one, other = merge("title", current, changes, rank), merge("title", current, shuffled, rank)
    assert one.version == other.version
    assert sorted(map(repr, one.superseded)) == sorted(map(repr, other.superseded))


@given(situations(), st.data())
def test_merge_is_associative(situation: tuple[Version | None, list[Change]], data: st.DataObject) -> None:
    """However the changes are spread over merges one after the other, the version is that of one merge."""
    current, changes = situation
    shuffled = data.draw(st.permutations(changes))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(changes)), max_size=3)))
    groups = [shuffled[start:end] for start, end in pairwise([0, *cuts, len(changes)])]
    assert one_by_one(current, groups)[0] == merge("title", current, changes, rank).version


@given(situations())
def test_merge_is_idempotent(situation: tuple[Version | None, list[Change]]) -> None:
    """What was merged once changes nothing when it comes again, and what is current is never lost to itself."""
    current, changes = situation
    became = merge("title", current, changes, rank).version
    assert merge("title", became, changes, rank).version == became
    assert merge("title", became, [change(became, aware=False)] * 2, rank) == Merged(version=became)


@given(situations())
def test_the_winner_is_one_of_the_inputs(situation: tuple[Version | None, list[Change]]) -> None:
    """Merge makes up no version."""
    current, changes = situation
    given_in = [one.version for one in changes] + ([] if current is None else [current])
    assert merge("title", current, changes, rank).version in given_in


@given(situation=situations(), apart=st.booleans())
def test_nothing_is_lost_silently(situation: tuple[Version | None, list[Change]], *, apart: bool) -> None:
    """Every value is current or superseded (I2), in one merge and in one merge for each change."""
    current, changes = situation
    groups = [[one] for one in changes] if apart else [changes]
    became, lost = one_by_one(current, groups)
    kept = [one.loser.value for one in lost] + ([] if became is None else [became.value])
    candidates = [one.version.value for one in changes] + ([] if current is None else [current.value])
    for value in candidates:
        assert any(identical(value, one) for one in kept)
    for one in lost:
        assert not identical(one.loser.value, one.winner.value)
        assert order(one.loser, rank) < order(one.winner, rank)


@given(situations())
def test_an_aware_change_never_yields_to_the_current_value(situation: tuple[Version | None, list[Change]]) -> None:
    """With an aware change among them, the current version does not win, and losing it is no conflict."""
    current, changes = situation
    merged = merge("title", current, changes, rank)
    if current is not None and any(one.aware for one in changes):
        assert merged.version != current
        assert all(not lost.conflict for lost in merged.superseded if lost.loser is current)
