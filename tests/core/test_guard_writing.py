"""When we stop writing to and fro."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.guard import REPEATED, noted, oscillates


def written_in(cycles: str) -> tuple[str, ...]:
    """What is remembered after each letter was written in a cycle of its own; a blank is a cycle without a write."""
    wrote: tuple[str, ...] = ()
    for before, content in pairwise(f" {cycles}"):
        if content != " ":
            wrote = noted(wrote, content, again=False, still=before != " ")
    return wrote


@pytest.mark.parametrize(
    ("cycles", "stopped"),
    [
        pytest.param("", False, id="nothing written"),
        pytest.param("aaaa", False, id="the same four times"),
        pytest.param("aaaaa", True, id="the same five times"),
        pytest.param("ababa", True, id="to and fro"),
        pytest.param("aabba", True, id="two contents in any order"),
        pytest.param("abcab", False, id="three contents"),
        pytest.param("abcde", False, id="somebody who types a lot"),
        pytest.param("cababa", True, id="what was before does not matter"),
        pytest.param("ababac", False, id="something new goes on"),
        pytest.param("ab aba", False, id="a quiet cycle begins anew"),
        pytest.param("aa ababa", True, id="five after a quiet cycle"),
    ],
)
def test_writing_to_and_fro_stops(cycles: str, *, stopped: bool) -> None:
    """One or two contents in five cycles in a row are no person's edits."""
    assert oscillates(written_in(cycles)) is stopped


def test_several_writes_of_a_cycle_count_as_one() -> None:
    """Reopening and updating in every cycle is one content, and five operations of one cycle are no oscillation."""
    once: tuple[str, ...] = ()
    for _ in range(REPEATED):
        once = noted(once, "a", again=bool(once), still=False)
    assert len(once) == 1
    wrote: tuple[str, ...] = ()
    for _ in range(REPEATED):
        assert not oscillates(wrote)
        wrote = noted(wrote, "a", again=False, still=bool(wrote))
        wrote = noted(wrote, "b", again=True, still=False)
    assert oscillates(wrote)


def test_a_cycle_that_wrote_something_else_besides_is_another() -> None:
    """The contents of all writes of a cycle make up its own, in their order."""
    alone = ("x", "a")
    both = noted(alone, "b", again=True, still=False)
    reverse = noted(("x", "b"), "a", again=True, still=False)
    assert len({alone, both, reverse}) == 3
    assert both[:-1] == reverse[:-1] == ("x",)


def test_a_second_write_without_a_first_is_the_first() -> None:
    """What was forgotten meanwhile, by a person's decision, does not matter any more."""
    assert noted((), "a", again=True, still=False) == ("a",)


@given(st.text("abc ", max_size=20))
def test_no_more_is_remembered_than_is_looked_at(cycles: str) -> None:
    """As many cycles as decide are kept, the last of them, and none from before a quiet one."""
    last = cycles.rstrip().rsplit(" ", 1)[-1]
    assert written_in(cycles) == tuple(last[-REPEATED:])
