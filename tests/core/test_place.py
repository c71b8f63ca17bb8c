"""When a change was made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.diff import RESOLUTION, Window, place

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)


@pytest.mark.parametrize(
    ("claimed", "after", "created", "placed", "estimated"),
    [
        pytest.param(40, 0, None, 40, False, id="inside the window"),
        pytest.param(100, 0, None, 100, False, id="at its very end"),
        pytest.param(0, 0, None, 0, False, id="at its very start"),
        pytest.param(-1, 0, None, 0, False, id="as good as inside, and not before the start"),
        pytest.param(-2, 0, None, 0, False, id="before the start by the resolution"),
        pytest.param(-2.1, 0, None, 50, True, id="before the start by more than the resolution"),
        pytest.param(-(10**9), 0, None, 50, True, id="a clock that stands still since decades"),
        pytest.param(100.1, 0, None, 100, True, id="beyond the end"),
        pytest.param(10**9, 0, None, 100, True, id="a clock that runs decades ahead"),
        pytest.param(None, 0, None, 50, True, id="no stamp"),
        pytest.param(None, 0, -500, 50, True, id="no stamp, and its creation does not matter in a window"),
        pytest.param(None, 100, None, 100, True, id="no stamp, and a window without width"),
        pytest.param(-500, None, None, -500, False, id="never seen before, with a stamp"),
        pytest.param(500, None, -500, 100, True, id="never seen before, with a stamp beyond the end"),
        pytest.param(None, None, 0, 50, True, id="never seen before, creation known"),
        pytest.param(None, None, 500, 100, True, id="never seen before, creation beyond the end"),
        pytest.param(None, None, None, 100, True, id="never seen before, nothing known"),
        pytest.param(40, 300, None, 100, True, id="our clock jumped back, the stamp is before it"),
        pytest.param(99, 300, None, 100, False, id="our clock jumped back, the stamp is as good as now"),
        pytest.param(200, 300, None, 100, True, id="our clock jumped back, the stamp is beyond the end"),
        pytest.param(None, 300, None, 100, True, id="our clock jumped back, no stamp"),
    ],
)
def test_a_change_is_placed(
    claimed: float | None, after: float | None, created: float | None, placed: float, *, estimated: bool
) -> None:
    """A stamp is believed inside the window, which ends at 100 here; the table says what holds otherwise."""
    window = Window(after=maybe(after), until=at(100))
    assert place(maybe(claimed), window, created=maybe(created)) == (at(placed), estimated)


def test_stamps_have_a_resolution_of_two_seconds() -> None:
    """One for the stamp and one for the measured clock difference."""
    assert timedelta(seconds=2) == RESOLUTION


seconds = st.integers(-(10**10), 10**10).map(lambda us: us / 1000)


@given(claimed=st.none() | seconds, after=st.none() | seconds, until=seconds, created=st.none() | seconds)
def test_a_change_is_never_placed_outside_its_window(
    claimed: float | None, after: float | None, until: float, created: float | None
) -> None:
    """Whatever clocks say, a change was made before we saw it, and not before we last looked."""
    window = Window(after=maybe(after), until=at(until))
    placed, estimated = place(maybe(claimed), window, created=maybe(created))
    assert placed <= window.until
    if window.after is not None:
        assert placed >= min(window.after, window.until)
    if not estimated:
        assert claimed is not None
        assert abs(placed - at(claimed)) <= RESOLUTION
