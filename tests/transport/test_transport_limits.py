"""When requests may go out: pauses, quota, rate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tasksync.errors import Throttled
from tasksync.ports import RateLimit
from tasksync.transport.headers import Quota
from tasksync.transport.limits import Gate

Gates = Callable[[RateLimit], Gate]
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLENTY = RateLimit(requests=10_000, per_s=1)
CAPSULE = RateLimit(requests=4000, per_s=3600, by_quota=True)


def left(remaining: int, in_s: float = 3000, limit: int | None = 4000) -> Quota:
    return Quota(limit=limit, remaining=remaining, reset=START + timedelta(seconds=in_s))


async def test_open_gate(gate: Gates, slept: list[float]) -> None:
    """With nothing against it, a request goes out at once."""
    await gate(PLENTY).enter(60)
    assert slept == []


async def test_pause_holds_everybody_back(gate: Gates, slept: list[float]) -> None:
    """A pause is waited for once and then over; a shorter one does not end a longer one."""
    opened = gate(PLENTY)
    opened.pause(30)
    opened.pause(5)
    await opened.enter(60)
    await opened.enter(60)
    assert slept == [30]


async def test_pause_beyond_patience(gate: Gates, slept: list[float]) -> None:
    """A pause longer than one is ready to wait is reported at once, with its end."""
    opened = gate(PLENTY)
    opened.pause(61)
    with pytest.raises(Throttled, match=r"before 2026-03-01 12:01:01 UTC") as caught:
        await opened.enter(60)
    assert caught.value.retry_at == START + timedelta(seconds=61)
    assert slept == []


async def test_pause_that_grows_while_waiting(gate: Gates, slept: list[float]) -> None:
    """Who waits for a pause also waits for the one that is added meanwhile."""
    opened = gate(PLENTY)
    opened.pause(10)
    waiting = asyncio.create_task(opened.enter(60))
    await asyncio.sleep(0)
    opened.pause(10)
    await waiting
    assert slept == [10, 10]


async def test_plenty_of_quota(gate: Gates, slept: list[float]) -> None:
    """As long as more than a quarter of the quota is left, nothing is slowed down."""
    opened = gate(CAPSULE)
    opened.observe(left(2000), START)
    for _ in range(900):
        await opened.enter(60)
    assert slept == []


async def test_small_sync_on_short_quota(gate: Gates, slept: list[float]) -> None:
    """With little quota left, a tenth of it still goes out without waiting."""
    opened = gate(CAPSULE)
    opened.observe(left(900), START)
    for _ in range(80):
        await opened.enter(60)
    assert slept == []


async def test_long_run_on_short_quota(gate: Gates, slept: list[float]) -> None:
    """A long run is spread over the time that is left, and what is left lasts to its end."""
    opened = gate(CAPSULE)
    opened.observe(left(900), START)
    for _ in range(899):
        await opened.enter(60)
    assert 2400 < sum(slept) <= 3000
    assert max(slept) < 60


async def test_idle_time_gives_freedom_back(gate: Gates, slept: list[float], advance: Callable[[float], None]) -> None:
    """After a pause of its own accord a connection may again send some requests without waiting."""
    opened = gate(CAPSULE)
    opened.observe(left(900), START)
    for _ in range(95):
        await opened.enter(60)
    assert slept != []
    slept.clear()
    advance(600)
    for _ in range(70):
        await opened.enter(60)
    assert slept == []


async def test_quota_used_up(gate: Gates, slept: list[float]) -> None:
    """With nothing left, nothing goes out before the window ends, and then everything does."""
    opened = gate(CAPSULE)
    opened.observe(left(0, in_s=40), START)
    with pytest.raises(Throttled) as caught:
        await opened.enter(20)
    assert caught.value.retry_at == START + timedelta(seconds=40)
    for _ in range(5):
        await opened.enter(60)
    assert slept == [40]


async def test_quota_of_a_new_window(gate: Gates, slept: list[float]) -> None:
    """The first answer of a new window replaces what was left of the old one."""
    opened = gate(CAPSULE)
    opened.observe(left(1), START)
    opened.observe(left(3999, in_s=3600), START)
    for _ in range(50):
        await opened.enter(60)
    assert slept == []


async def test_answers_that_overtake_each_other(gate: Gates) -> None:
    """Within one window an older answer that comes in late does not raise what is left."""
    opened = gate(CAPSULE)
    opened.observe(left(0, in_s=100), START)
    opened.observe(left(3000, in_s=100), START)
    with pytest.raises(Throttled):
        await opened.enter(60)


async def test_quota_without_a_limit(gate: Gates, slept: list[float]) -> None:
    """When the server does not say of how much the rest is, the documented limit counts."""
    opened = gate(RateLimit(requests=100, per_s=3600, by_quota=True))
    opened.observe(left(30, limit=None), START)
    for _ in range(5):
        await opened.enter(60)
    assert slept == []


async def test_quota_is_not_for_everybody(gate: Gates, slept: list[float]) -> None:
    """A connection whose limit is not by quota takes no notice of such headers."""
    opened = gate(PLENTY)
    opened.observe(left(0), START)
    await opened.enter(60)
    assert slept == []


async def test_rate(gate: Gates) -> None:
    """Within any window no more requests go out than the limit allows."""
    window_s = 0.2
    opened = gate(RateLimit(requests=20, per_s=window_s))
    loop = asyncio.get_running_loop()
    stamps: list[float] = []
    for _ in range(24):
        await opened.enter(60)
        stamps.append(loop.time())
    # A fifth less than the window: a busy machine may take the first stamps late.
    assert all(later - earlier >= window_s * 0.8 for earlier, later in zip(stamps, stamps[20:], strict=False))


async def test_small_sync_within_the_rate(gate: Gates) -> None:
    """A fifth of the limit may go out at once, so that a small sync does not wait for its turns."""
    opened = gate(RateLimit(requests=500, per_s=1_000_000))
    async with asyncio.timeout(5):
        for _ in range(100):
            await opened.enter(60)


async def test_rate_until_the_quota_is_known(gate: Gates, slept: list[float]) -> None:
    """A limit by quota is kept as a rate while the server says nothing of a quota."""
    opened = gate(RateLimit(requests=10, per_s=0.1, by_quota=True))
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(6):
        await opened.enter(60)
    assert loop.time() - started >= 0.04
    assert slept == []


async def test_smallest_limit(gate: Gates) -> None:
    """Even a limit of one request per window lets one go out."""
    await gate(RateLimit(requests=1, per_s=1)).enter(60)
