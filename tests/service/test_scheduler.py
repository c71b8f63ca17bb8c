"""When something is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from tasksync.service.scheduler import Scheduler

SOON = timedelta(milliseconds=20)
LATER = timedelta(hours=1)


class Door:
    """Remembers who knocked."""

    def __init__(self) -> None:
        self.knocks: list[str] = []
        self._knocked = asyncio.Event()

    def knock(self, name: str) -> None:
        self.knocks.append(name)
        self._knocked.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.knocks) < count:
                await self._knocked.wait()
                self._knocked.clear()


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
async def scheduler(door: Door) -> AsyncIterator[Scheduler]:
    made = Scheduler(door.knock)
    made.start()
    yield made
    made.stop()
    made.stop()  # twice is fine


async def test_knocks_again_and_again(scheduler: Scheduler, door: Door) -> None:
    """Each name at its own interval, for ever."""
    scheduler.set("office", SOON)
    scheduler.set("capsule", LATER)
    await door.wait_for(3)
    assert set(door.knocks) == {"office"}


async def test_waits_are_a_little_longer_than_asked_for(scheduler: Scheduler) -> None:
    """By up to a tenth, at random, so that not all come at once."""
    with freeze_time("2026-03-10T09:00:00Z", real_asyncio=True):
        now = datetime.now(UTC)
        waits = {scheduler.set(str(number), LATER) - now for number in range(50)}
    assert len(waits) > 40
    assert all(LATER <= wait <= LATER * 1.1 for wait in waits)


async def test_the_same_interval_again_changes_nothing(scheduler: Scheduler) -> None:
    """What is planned stays planned, however often it is said; another interval counts from now."""
    planned = scheduler.set("office", LATER)
    assert scheduler.set("office", LATER) == planned
    assert scheduler.set("office", 2 * LATER) > planned


async def test_a_shorter_interval_counts_at_once(scheduler: Scheduler, door: Door) -> None:
    """A connection that is well again is not left waiting for what was planned while it failed."""
    scheduler.set("office", LATER)
    scheduler.set("office", SOON)
    await door.wait_for(1)
    assert door.knocks == ["office"]


async def test_who_is_dropped_is_left_alone(scheduler: Scheduler, door: Door) -> None:
    """A connection that is not in the config any more is not asked for."""
    scheduler.set("gone", SOON)
    scheduler.drop("gone")
    scheduler.drop("never there")
    scheduler.set("office", SOON)
    await door.wait_for(3)
    assert set(door.knocks) == {"office"}


async def test_a_clock_that_was_set_back_delays_nobody(door: Door) -> None:
    """What was planned by a clock that was years ahead is planned anew."""
    with freeze_time("2031-01-01T00:00:00Z", real_asyncio=True):
        scheduler = Scheduler(door.knock)
        scheduler.start()
        planned = scheduler.set("office", SOON)
    assert planned.year == 2031
    scheduler.again()
    await door.wait_for(1)
    scheduler.stop()


async def test_a_clock_that_was_set_forward_knocks_once(door: Door) -> None:
    """Ten years that were skipped are one knock and not five million, and it comes although it is late."""
    with freeze_time("2016-01-01T00:00:00Z", real_asyncio=True):
        scheduler = Scheduler(door.knock)
        scheduler.start()
        scheduler.set("office", timedelta(minutes=1))
    async with asyncio.timeout(5):
        scheduler._jobs.wakeup()
        await door.wait_for(1)
    assert door.knocks == ["office"]
    scheduler.stop()
