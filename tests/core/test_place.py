"""When a change was made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core import diff as diffing
from tasksync.core.diff import RESOLUTION, Window, place

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
END = 100
INSTANT = 0.000001


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)


def placed(claimed: float | None, after: float | None, created: float | None = None) -> tuple[datetime, bool]:
    return place(maybe(claimed), Window(after=maybe(after), until=at(END)), created=maybe(created))


# --- the table --------------------------------------------------------------------------------------------------------


def rows() -> Iterator[list[str]]:
    """The rows of the table in the module's docstring: the stamp, when the change was made, whether estimated."""
    text = (diffing.__doc__ or "").splitlines()
    rulers = [number for number, line in enumerate(text) if line.startswith("=====")]
    ends = [index for index, char in enumerate(text[rulers[0]]) if char == " "]
    starts = [0, *(end + 1 for end in ends)]
    for line in text[rulers[1] + 1 : rulers[2]]:
        yield [line[start:end].strip() for start, end in zip(starts, [*ends, None], strict=True)]


STAMPS: dict[str, list[tuple[float | None, float | None, float | None]]] = {
    "inside the window": [(40, 0, None), (40, 0, -500), (INSTANT, 0, None), (END, 0, None)],
    "beyond the end (a clock that runs ahead)": [(END + INSTANT, 0, None), (10**9, 0, None), (500, None, -500)],
    "before the start (it did not move)": [(-2.1, 0, None), (-(10**9), 0, None)],
    "none (ONLYOFFICE; Capsule v1 of 2012)": [(None, 0, None), (None, -60, None), (None, 0, -500)],
    "none, and no window (never seen before)": [(None, None, 0), (None, None, -(10**6))],
}
"""What a CRM claims, the start of the window, and the task's creation, for each row of the table."""


def test_the_table_is_covered() -> None:
    """Every row has its stamps below, and there is none besides."""
    assert [row[0] for row in rows()] == list(STAMPS)


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[0])
def test_the_table_holds(row: list[str]) -> None:
    """Each stamp is placed where its row says, and is an estimate where its row says so."""
    stamp, made, estimated = row
    for claimed, after, created in STAMPS[stamp]:
        expected = {
            "then": claimed,
            "at the end": END,
            "in the middle": ((after or 0) + END) / 2,
            "in the middle of its creation and the end": ((created or 0) + END) / 2,
        }[made]
        assert placed(claimed, after, created) == (maybe(expected), estimated == "yes")


# --- its edges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claimed", [0, -1, -2], ids=["at the start", "by a second", "by the resolution"])
def test_a_stamp_just_before_the_start_is_as_good_as_inside(claimed: float) -> None:
    """It is believed, but what differs from the shadow is newer than the shadow: an instant after the start."""
    assert placed(claimed, 0) == (at(INSTANT), False)


@pytest.mark.parametrize(
    ("claimed", "created", "made", "estimated"),
    [
        pytest.param(-500, None, -500, False, id="a stamp is believed, however old"),
        pytest.param(END, None, END, False, id="up to the end"),
        pytest.param(None, 500, END, True, id="created beyond the end"),
        pytest.param(None, None, END, True, id="nothing known"),
    ],
)
def test_what_was_never_seen_before(
    claimed: float | None, created: float | None, made: float, *, estimated: bool
) -> None:
    """Without a shadow there is no start that a change would have to be later than."""
    assert placed(claimed, None, created) == (at(made), estimated)


@pytest.mark.parametrize("claimed", [None, 40, END], ids=["no stamp", "an old stamp", "a stamp of now"])
def test_a_window_without_width(claimed: float | None) -> None:
    """Where our own clock did not move between two looks, a change is an instant later than both of them."""
    assert placed(claimed, END)[0] == at(END + INSTANT)


def test_stamps_have_a_resolution_of_two_seconds() -> None:
    """One for the stamp and one for the measured clock difference."""
    assert timedelta(seconds=2) == RESOLUTION


seconds = st.integers(-(10**10), 10**10).map(lambda us: us / 1000)
widths = st.integers(1, 10**10).map(lambda us: us / 1_000_000)


@given(claimed=st.none() | seconds, after=st.none() | seconds, width=widths, created=st.none() | seconds)
def test_a_change_is_placed_inside_its_window(
    claimed: float | None, after: float | None, width: float, created: float | None
) -> None:
    """Whatever clocks say, a change was made before we saw it, and later than we last looked."""
    window = Window(after=maybe(after), until=at((after or 0) + width))
    made, estimated = place(maybe(claimed), window, created=maybe(created))
    assert made <= window.until
    if window.after is not None:
        assert made > window.after
    if not estimated:
        assert claimed is not None
        assert abs(made - at(claimed)) <= RESOLUTION + timedelta(microseconds=1)


@given(claimed=st.none() | seconds, after=seconds, back=widths, created=st.none() | seconds)
def test_a_clock_of_our_own_that_jumped_back(
    claimed: float | None, after: float, back: float, created: float | None
) -> None:
    """Even then there is a moment, and it is not before the one at which we saw the change."""
    window = Window(after=at(after), until=at(after - back))
    assert place(maybe(claimed), window, created=maybe(created))[0] >= window.until
