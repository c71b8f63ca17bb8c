from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from tasksync.ports import Clock
from tasksync.service.clock import SteadyClock, SystemClock


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose own zone is far from UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


def test_now(elsewhere: None) -> None:
    """The present moment is aware UTC, whatever the zone of the machine."""
    clock: Clock = SystemClock()
    before = time.time()
    now = clock.now()
    assert now.tzinfo is UTC
    assert before <= now.timestamp() <= time.time()


def test_asks_each_time() -> None:
    """Each call asks anew."""
    clock = SystemClock()
    with freeze_time("2026-03-29 01:30:00") as frozen:
        assert clock.now() == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
        frozen.tick(60)
        assert clock.now() == datetime(2026, 3, 29, 1, 31, tzinfo=UTC)


class Hands:
    """A clock that shows what it is set to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def test_a_steady_clock_follows_the_machine() -> None:
    """As long as the machine's clock goes forward, that is the time."""
    hands = Hands(datetime(2026, 3, 10, 12, tzinfo=UTC))
    steady = SteadyClock(hands, not_before=datetime(2026, 3, 10, 11, tzinfo=UTC))
    assert steady.now() == hands.moment
    hands.moment += timedelta(hours=5)
    assert steady.now() == hands.moment


def test_a_steady_clock_never_goes_back() -> None:
    """Set back before the start or while running, it goes on from where it was, at the machine's pace."""
    hands = Hands(datetime(2026, 3, 10, 12, tzinfo=UTC))
    known = datetime(2026, 3, 10, 15, tzinfo=UTC)
    steady = SteadyClock(hands, not_before=known)
    assert steady.now() == known
    hands.moment += timedelta(minutes=1)
    assert steady.now() == known + timedelta(minutes=1)
    hands.moment -= timedelta(days=1)
    assert steady.now() == known + timedelta(minutes=1)
    hands.moment += timedelta(seconds=5)
    assert steady.now() == known + timedelta(minutes=1, seconds=5)
