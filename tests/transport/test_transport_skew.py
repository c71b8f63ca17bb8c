"""How far a server's clock is off, by its Date headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.transport.skew import ClockDifference

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


def date_header(server_time: datetime) -> datetime:
    return server_time.replace(microsecond=0)


def test_no_answer_yet() -> None:
    """Before the first Date there is no difference."""
    assert ClockDifference().value == timedelta(0)


@pytest.mark.parametrize(("ahead_s", "measured_s"), [(90.0, 90.5), (-90.0, -89.5)])
def test_one_answer(ahead_s: float, measured_s: float) -> None:
    """The middle of the second that Date names is compared with the middle of the round trip."""
    difference = ClockDifference()
    difference.add(NOON + seconds(ahead_s), sent=NOON - seconds(1), received=NOON + seconds(1))
    assert difference.value == seconds(measured_s)


def test_noise_is_no_difference() -> None:
    """What cutting to whole seconds explains is not taken for a difference."""
    difference = ClockDifference()
    difference.add(NOON, sent=NOON + seconds(0.9), received=NOON + seconds(0.95))
    assert difference.value == timedelta(0)


def test_slow_answers_do_not_count() -> None:
    """Answers that were held up on the way back move nothing while there are quick ones."""
    difference = ClockDifference()
    for number in range(6):
        sent = NOON + seconds(number)
        held_up = 40 if number % 2 else 0
        difference.add(date_header(sent + seconds(100)), sent=sent, received=sent + seconds(0.1 + held_up))
    assert abs(difference.value - seconds(100)) <= seconds(1)


def test_old_answers_are_forgotten() -> None:
    """When a server's clock is set right, the old difference is gone after some answers."""
    difference = ClockDifference()
    for number in range(40):
        sent = NOON + seconds(number)
        ahead = 600 if number < 20 else 0
        difference.add(date_header(sent + seconds(ahead)), sent=sent, received=sent + seconds(0.1))
    assert difference.value == timedelta(0)


def test_own_clock_set_back() -> None:
    """A sample during which our own clock was set back is not used."""
    difference = ClockDifference()
    difference.add(NOON, sent=NOON, received=NOON - seconds(3600))
    assert difference.value == timedelta(0)


@given(
    st.floats(-5000, 5000),
    st.lists(st.tuples(st.floats(0, 3600), st.floats(0, 0.4), st.floats(0, 0.4)), min_size=1, max_size=30),
)
def test_error_is_bounded(ahead_s: float, trips: list[tuple[float, float, float]]) -> None:
    """The measured difference is off by no more than the resolution of Date and the way there and back."""
    difference = ClockDifference()
    for at_s, there_s, back_s in trips:
        sent = NOON + seconds(at_s)
        made = sent + seconds(there_s + ahead_s)
        difference.add(date_header(made), sent=sent, received=sent + seconds(there_s + back_s))
    assert abs(difference.value - seconds(ahead_s)) <= seconds(0.5 + 0.4 + 0.5 + 0.4)
