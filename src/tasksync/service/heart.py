"""Whether the daemon is alive, found out from inside its loop.

A loop that does not turn does not beat. Nor does one that turns while the work in it stands still: a turn of which
nothing was heard for longer than any request may take hangs, and will not come back by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from tasksync.ports import Clock
from tasksync.service.systemd import Notifier

_BEAT_S: Final = 1.0
_LONGEST_SILENCE_S: Final = 300.0
"""A request may take a minute, and wait for its turn for as long as the retry policy allows."""

_CLOCK_SET_S: Final = 5.0
_STARTING_S: Final = 30.0
"""A first turn may copy thousands of tasks. As long as it goes on, systemd is asked for so much more time."""


class Heart:
    """Beats once a second within `beating`. `silence_s`: how long a turn may be silent."""

    def __init__(
        self,
        clock: Clock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        silence_s: float = _LONGEST_SILENCE_S,
        beat_s: float = _BEAT_S,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._silence_s = silence_s
        self._beat_s = beat_s
        self._beat_at: float | None = None
        self._heard_at: float | None = None
        self._started = False

    def started(self) -> None:
        """The first turn is over."""
        self._started = True

    def busy(self) -> None:
        """A turn begins."""
        self._heard_at = self._monotonic()

    def heard(self) -> None:
        """The turn goes on: a request has ended."""
        if self._heard_at is not None:
            self._heard_at = self._monotonic()

    def idle(self) -> None:
        """The turn is over."""
        self._heard_at = None

    def is_alive(self) -> bool:
        """Whether the loop turns, and what runs in it goes on."""
        now = self._monotonic()
        turns = self._beat_at is not None and now - self._beat_at < max(10 * self._beat_s, 10.0)
        return turns and (self._heard_at is None or now - self._heard_at < self._silence_s)

    @asynccontextmanager
    async def beating(self, notifier: Notifier, clock_was_set: Callable[[float], None]) -> AsyncIterator[None]:
        """Within the block, feed systemd's watchdog while all is alive, and tell when the machine's clock was set, by
        how many seconds (forward is positive; a machine that slept looks the same).
        """
        self._beat_at = self._monotonic()
        beating = asyncio.create_task(self._beat(notifier, clock_was_set), name="heart")
        try:
            yield
        finally:
            beating.cancel()
            with suppress(asyncio.CancelledError):
                await beating

    async def _beat(self, notifier: Notifier, clock_was_set: Callable[[float], None]) -> None:
        fed_at = -float("inf")
        offset_s = self._offset_s()
        while True:
            now = self._beat_at = self._monotonic()
            interval_s = notifier.watchdog_interval()
            if not self._started and self.is_alive():
                notifier.starting(_STARTING_S)
            if interval_s is not None and now - fed_at >= interval_s - self._beat_s and self.is_alive():
                notifier.watchdog()
                fed_at = now
            if abs(by_s := self._offset_s() - offset_s) > _CLOCK_SET_S:
                clock_was_set(by_s)
            offset_s = self._offset_s()
            await asyncio.sleep(self._beat_s)

    def _offset_s(self) -> float:
        return self._clock.now().timestamp() - self._monotonic()
