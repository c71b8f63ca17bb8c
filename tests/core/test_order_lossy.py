"""Edits in CRMs that cannot store all of a value, or nothing of it: found in any order, nothing is lost.

With such lenses the record may still depend on the order in one case: what somebody sets in such a CRM is just what
that CRM would show of another value, set elsewhere at the same time, say its beginning. Found second, it is taken for
that value, which cannot be told from it and is the fuller one; found first, it is a value of its own, and the later of
the two wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.diff import Window, absorb
from tasksync.core.lens import KEEP, Lens, choice, cut, same, text
from tasksync.core.merge import Superseded
from tasksync.core.record import TASK, Observation, Record, Replica, Value, Version

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONFIG = ("A", "B", "C", "D")
TITLES: Mapping[str, Lens] = {"A": same("title"), "B": text("title", cut(5)), "C": text("title", cut(8))}
CATEGORIES: Mapping[str, Lens] = {
    "A": same("category"),
    "B": choice("category", ["Call", "Mail"]),
    "C": choice("category", ["mail", "Fax"], clearable=False),
}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def version(value: Value, made: float = -10, maker: str = "D") -> Version:
    return Version(value=value, at=at(made), connection=maker, external_id="1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A replica that showed `before` when it was last seen, at the start, and shows `found` now."""

    lens: Lens
    connection: str
    before: Value
    found: Value
    modified: float | None


def title(connection: str, before: str, found: str, modified: float | None) -> Edited:
    return Edited(lens=TITLES[connection], connection=connection, before=before, found=found, modified=modified)


def category(connection: str, before: str | None, found: str | None, modified: float | None) -> Edited:
    return Edited(lens=CATEGORIES[connection], connection=connection, before=before, found=found, modified=modified)


def one_by_one(current: Version, edits: tuple[Edited, ...]) -> tuple[Version, list[Superseded]]:
    name = edits[0].lens.field
    ours = Record(id="r", kind="task", group="g", versions={name: current})
    lost: list[Superseded] = []
    for edit in edits:
        taken = absorb(
            TASK,
            ours,
            Replica(
                connection=edit.connection,
                kind="task",
                external_id="1",
                record_id="r",
                shadow={name: edit.before},
                seen_at=START,
            ),
            Observation(
                external_id="1",
                values={name: edit.found},
                modified=None if edit.modified is None else at(edit.modified),
            ),
            lenses={name: edit.lens},
            window=Window(after=START, until=at(100)),
            rank=CONFIG.index,
            seen_at=at(99),
        )
        ours = taken.record
        lost += taken.superseded
    return ours.versions[name], lost


def keeps(current: Version, edits: tuple[Edited, ...], became: Version, lost: list[Superseded]) -> bool:
    """Whether every value is current or superseded, or a fuller one is that shows as just that in the same CRM."""
    kept = [became.value, *(one.loser.value for one in lost)]
    return current.value in kept and all(
        edit.found in kept or any(edit.lens.get(value) == edit.found for value in kept)
        for edit in edits
        if edit.found != edit.before
    )


@pytest.mark.parametrize(
    ("current", "edits", "expected"),
    [
        pytest.param(
            version("Foo"),
            (category("A", "Foo", "Bar", 90), category("B", "Call", "Mail", 50)),
            version("Bar", 90, "A"),
            id="whatever is there for what has no form",
        ),
        pytest.param(
            version("hello world"),
            (title("A", "hello world", "hello there", 90), title("B", "hello", "bye", 50)),
            version("hello there", 90, "A"),
            id="a beginning that both values have",
        ),
        pytest.param(
            version("hello world"),
            (title("A", "hello world", "hello there", 50), title("B", "hello", "bye", 90)),
            version("bye", 90, "B"),
            id="a beginning that both values have, the cut one changed later",
        ),
        pytest.param(
            version("Mail"),
            (category("B", "Mail", "Call", 40), category("C", "mail", "Fax", 60), category("A", "Mail", "Foo", 50)),
            version("Fax", 60, "C"),
            id="three spellings, three edits",
        ),
    ],
)
def test_the_order_decides_none_of_these(current: Version, edits: tuple[Edited, ...], expected: Version) -> None:
    """In every order the same version is current in the end, and every other value is in the history."""
    for ordered in permutations(edits):
        became, lost = one_by_one(current, ordered)
        assert became == expected
        assert {one.loser.value for one in lost} == {current.value, *(one.found for one in edits)} - {expected.value}


def test_the_beginning_of_what_somebody_else_wrote_costs_nothing() -> None:
    """The limit: whether "hello" was meant as such depends on the order, but the fuller value is never lost."""
    edits = title("A", "xyz", "hello world", 40), title("B", "xyz", "hello", 50)
    for ordered in permutations(edits):
        became, lost = one_by_one(version("xyz"), ordered)
        losers = [one.loser.value for one in lost]
        assert "hello world" in [became.value, *losers]
        assert TITLES["B"].get(became.value) == "hello"
        assert became.connection == "B"
        assert "xyz" in losers
        assert keeps(version("xyz"), ordered, became, lost)


titles = st.sampled_from(["hello", "hello world", "hello worse", "bye"])
categories = st.sampled_from(["Call", "call", "mail", "Mail", "Fax", "Foo", None])
stamps = st.none() | st.integers(-5, 110)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Version, tuple[Edited, ...]]:
    """A title or a category, and what becomes of it in two or three CRMs that show what they can."""
    lenses, values = draw(st.sampled_from([(TITLES, titles), (CATEGORIES, categories)]))
    current = version(draw(values), draw(st.sampled_from([-10, 50])))
    edits = []
    for connection in draw(st.sampled_from(["AB", "BC", "ABC"])):
        lens = lenses[connection]
        shown = values.map(lens.get).filter(lambda value: value is not KEEP)
        before, found = draw(shown), draw(shown)
        if before is not KEEP and found is not KEEP:
            edits.append(Edited(lens=lens, connection=connection, before=before, found=found, modified=draw(stamps)))
    return current, tuple(edits)


@given(situations())
def test_no_edit_is_lost(situation: tuple[Version, tuple[Edited, ...]]) -> None:
    """In whatever order, every value is current or superseded, or one that holds it and more is (I2, I10)."""
    current, edits = situation
    for ordered in permutations(edits):
        became, lost = one_by_one(current, ordered)
        assert keeps(current, ordered, became, lost)


def distinct(current: Version, edits: tuple[Edited, ...]) -> bool:
    """Whether no edit set what its CRM would show of another value, too."""
    values = {current.value, *(edit.found for edit in edits)}
    return not any(value != edit.found and edit.lens.get(value) == edit.found for edit in edits for value in values)


@given(situations().filter(lambda situation: distinct(*situation)))
def test_the_order_decides_nothing_else(situation: tuple[Version, tuple[Edited, ...]]) -> None:
    """But for what cannot be told from the form of another value, the order of absorbing decides nothing (I7)."""
    current, edits = situation
    assert len({one_by_one(current, ordered)[0] for ordered in permutations(edits)}) == 1
