"""When the next request of a connection may go out.

Three things hold it back, each for its own reason. A *pause*: the CRM asked to wait; nothing of this connection goes
out until then. The *quota*: what the CRM says is left, spread over the time that is left, once it runs short. The
*rate*: the limit that the CRM documents, kept by ourselves, so that it does not come to a pause.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from math import inf

from aiolimiter import AsyncLimiter

from tasksync.errors import Throttled
from tasksync.ports import Clock, RateLimit
from tasksync.transport.headers import Quota

Sleep = Callable[[float], Awaitable[None]]
Monotonic = Callable[[], float]

# A bucket that holds b requests and gains r per window lets b + r through in the worst window. A fifth at once and the
# rest evenly keeps every window within the limit, and a small sync never waits.
_AT_ONCE = 0.2

# Below this share of the quota the rest is spread; above, a sync runs as fast as it can.
_SHORT = 0.25

# Less than a clock tells apart from nothing; sleeps end a little early or late.
_INSTANT_S = 0.001

# Of what is left, one request in so many may go out without waiting for its turn, for the sake of small syncs.
_TURN_FREE = 10


class Gate:
    """The way out of one connection. Every try passes it once."""

    def __init__(self, limit: RateLimit, *, clock: Clock, monotonic: Monotonic, sleep: Sleep) -> None:
        at_once = max(1.0, limit.requests * _AT_ONCE)
        evenly = max(1.0, limit.requests - at_once)
        self._bucket = AsyncLimiter(at_once, limit.per_s * at_once / evenly)
        self._spread = _Spread(limit.requests) if limit.by_quota else None
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._paused_until = monotonic()

    def pause(self, wait_s: float) -> None:
        """Nothing goes out for so long, counted from now. A shorter pause does not end a longer one."""
        self._paused_until = max(self._paused_until, self._monotonic() + wait_s)

    def observe(self, quota: Quota, now: datetime) -> None:
        """What an answer said is left; `now` by the server's clock. Of no effect unless the limit is `by_quota`."""
        if self._spread is not None:
            self._spread.observe(quota, self._monotonic() + (quota.reset - now).total_seconds())

    async def enter(self, patience_s: float) -> None:
        """Returns when a request may go out. Raises `Throttled`, without waiting, if the CRM's pause or quota would
        take longer than `patience_s`. The rate limit is not subject to it: it holds nobody back for long.
        """
        if self._spread is None or not self._spread.known(self._monotonic()):
            await self._bucket.acquire()
        deadline = self._monotonic() + patience_s
        turn = self._paused_until
        if self._spread is not None:
            turn = max(turn, self._spread.turn(self._monotonic()))
            self._check_patience(turn, deadline)
            self._spread.take(self._monotonic())
        # Again after each sleep: a pause may have come, or grown, meanwhile.
        while (wait_s := (turn := max(turn, self._paused_until)) - self._monotonic()) > _INSTANT_S:
            self._check_patience(turn, deadline)
            await self._sleep(wait_s)

    def _check_patience(self, turn: float, deadline: float) -> None:
        if turn > max(deadline, self._monotonic()) + _INSTANT_S:
            retry_at = self._clock.now() + timedelta(seconds=turn - self._monotonic())
            raise Throttled(
                f"The CRM wants no request before {retry_at:%Y-%m-%d %H:%M:%S} UTC. Nothing was sent.",
                retry_at=retry_at,
            )


class _Spread:
    """What is left of a quota, spread over the rest of its window. All times monotonic, in seconds.

    Every request pushes the next turn back by one interval; a request may come before its turn by as many intervals as
    are free, so that only a long run of requests is slowed down and an idle time gives the freedom back.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._remaining = 0
        self._window_end = -inf
        self._reset: datetime | None = None
        self._next_turn = 0.0

    def observe(self, quota: Quota, window_end: float) -> None:
        same_window = quota.reset == self._reset
        # Answers overtake each other; within one window what is left only shrinks.
        self._remaining = min(self._remaining, quota.remaining) if same_window else quota.remaining
        self._limit = quota.limit or self._limit
        self._reset = quota.reset
        self._window_end = window_end

    def known(self, now: float) -> bool:
        """False before the first answer, and after the window has ended."""
        return self._window_end > now

    def turn(self, now: float) -> float:
        """The moment from which one more request may go out."""
        if not self.known(now) or self._remaining > self._limit * _SHORT:
            return now
        if self._remaining <= 0:
            return self._window_end
        free = self._remaining // _TURN_FREE
        return self._next_turn - free * self._interval(now)

    def take(self, now: float) -> None:
        """One request goes out, now or at its turn."""
        if not self.known(now):
            return
        if self._remaining <= self._limit * _SHORT:
            self._next_turn = max(self._next_turn, now) + self._interval(now)
        self._remaining -= 1

    def _interval(self, now: float) -> float:
        return (self._window_end - now) / max(self._remaining, 1)
