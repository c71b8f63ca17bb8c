"""Whether the daemon is alive: the watchdog is fed while the loop turns and the work goes on, and else not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tasksync.service.heart import Heart

START = datetime(2026, 3, 10, 9, tzinfo=UTC)


class Time:
    """A wall clock and a stopwatch, which can be set apart."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed_s) + self.set_by

    def monotonic(self) -> float:
        return 50.0 + self.elapsed_s


class Systemd:
    """Stands for the notifier; `beats` counts by kind."""

    def __init__(self, interval_s: float | None = 0.5) -> None:
        self.interval_s = interval_s
        self.beats: list[str] = []

    def watchdog_interval(self) -> float | None:
        return self.interval_s

    def watchdog(self) -> None:
        self.beats.append("watchdog")

    def starting(self, _: float) -> None:
        self.beats.append("starting")


async def beats(heart: Heart, time: Time, systemd: Systemd, seconds: int, told: list[float] | None = None) -> list[str]:
    """What systemd hears in so many seconds; `told` takes by how much the clock was set."""
    systemd.beats.clear()
    async with heart.beating(systemd, (told if told is not None else []).append):  # type: ignore[arg-type]  # a fake
        for _ in range(seconds):
            await asyncio.sleep(0)
            await asyncio.sleep(0.003)
            time.elapsed_s += 1
        await asyncio.sleep(0.003)
    return list(systemd.beats)


def heart_of(time: Time, **more: float) -> Heart:
    heart = Heart(time, monotonic=time.monotonic, beat_s=0.001, **more)
    heart.started()
    return heart


async def test_the_watchdog_is_fed() -> None:
    """While nothing is wrong, systemd hears so."""
    time, systemd = Time(), Systemd()
    assert "watchdog" in await beats(heart_of(time), time, systemd, 3)


async def test_who_does_not_ask_hears_nothing() -> None:
    """Without a watchdog in the unit nothing is sent."""
    time, systemd = Time(), Systemd(interval_s=None)
    assert await beats(heart_of(time), time, systemd, 3) == []


async def test_a_start_that_takes_its_time_asks_for_more() -> None:
    """Until the first turn is over, systemd is asked for patience; afterwards not."""
    time, systemd = Time(), Systemd(interval_s=None)
    heart = Heart(time, monotonic=time.monotonic, beat_s=0.001)
    assert "starting" in await beats(heart, time, systemd, 2)
    heart.started()
    assert await beats(heart, time, systemd, 2) == []


async def test_a_turn_that_is_silent_for_too_long_is_not_alive() -> None:
    """A turn of which nothing is heard stops the feeding; one that sends requests does not, however long it takes."""
    time, systemd = Time(), Systemd()
    heart = heart_of(time, silence_s=20)
    heart.busy()
    async with heart.beating(systemd, [].append):  # type: ignore[arg-type]  # a fake
        for _ in range(100):
            time.elapsed_s += 5
            heart.heard()
        await asyncio.sleep(0.01)
        assert heart.is_alive()
        time.elapsed_s += 21
        await asyncio.sleep(0.01)
        assert not heart.is_alive()
        systemd.beats.clear()
        await asyncio.sleep(0.01)
        assert systemd.beats == []
        heart.idle()
        await asyncio.sleep(0.01)
        assert heart.is_alive()
        assert "watchdog" in systemd.beats


async def test_a_loop_that_does_not_turn_is_not_alive() -> None:
    """Without a beat for long, whoever asks from outside the loop hears that it is dead."""
    time, systemd = Time(), Systemd()
    heart = heart_of(time)
    assert not heart.is_alive()
    async with heart.beating(systemd, [].append):  # type: ignore[arg-type]  # a fake
        await asyncio.sleep(0.005)
        assert heart.is_alive()
        time.elapsed_s += 60
        assert not heart.is_alive()


async def test_a_clock_that_is_set_is_noticed() -> None:
    """Set back or forward by more than a few seconds, it is told once, with how much."""
    time, systemd, told = Time(), Systemd(), list[float]()
    heart = heart_of(time)
    async with heart.beating(systemd, told.append):  # type: ignore[arg-type]  # a fake
        for by in (timedelta(hours=-3), timedelta(seconds=2), timedelta(hours=3)):
            await asyncio.sleep(0.01)
            time.set_by += by
            await asyncio.sleep(0.01)
    assert [round(by_s) for by_s in told] == [-3 * 3600, 3 * 3600]
