from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from freezegun import freeze_time

from tasksync.ports import Clock
from tasksync.service.clock import SystemClock


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
