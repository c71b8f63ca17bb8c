"""When something is due, by APScheduler: one job for each connection, and one for the housekeeping.

A job does nothing but plan its next time and knock. It takes no time, so none is ever skipped because the last one
still runs; whoever is knocked at does the work when it can, once, however often it knocked.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from tasksync.service.clock import SystemClock

_JITTER: Final = 0.1
"""Waits are longer by up to this share, so that connections, and daemons, do not ask all at once for ever."""


class Scheduler:
    """Knocks by name. All intervals by the machine's clock; `again` when that was set."""

    def __init__(self, knock: Callable[[str], None]) -> None:
        self._knock = knock
        self._intervals: dict[str, timedelta] = {}
        # A time that was missed, because the machine slept or the loop was held up, is made up for, however late.
        self._jobs: Any = AsyncIOScheduler(timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True})

    def start(self) -> None:
        """Within a running loop."""
        self._jobs.start()

    def stop(self) -> None:
        """No more knocks."""
        if self._jobs.running:
            self._jobs.shutdown(wait=False)

    def set(self, name: str, interval: timedelta) -> datetime:
        """Knock for `name` every `interval` from now on; one that has that interval already goes on as it is. Returns
        when it is next.
        """
        if self._intervals.get(name) != interval:
            self._intervals[name] = interval
            self._plan(name)
        return self._next(name)

    def drop(self, name: str) -> None:
        """Knock no more for `name`."""
        if self._intervals.pop(name, None) is not None:
            self._jobs.remove_job(name)

    def again(self) -> None:
        """Count every interval from now on: the clock was set, and what was planned by it may be years away."""
        for name in self._intervals:
            self._plan(name)

    def _next(self, name: str) -> datetime:
        job = self._jobs.get_job(name)
        moment: datetime = job.trigger.run_date
        return moment

    def _plan(self, name: str) -> None:
        # One time only, planned anew each time: APScheduler's interval makes up for each time that was skipped when
        # the clock was set forward, by the million after some years.
        wait = self._intervals[name] * random.uniform(1, 1 + _JITTER)  # noqa: S311 -- nobody gains from guessing it
        moment = SystemClock().now() + wait
        # A coroutine runs in the loop; a plain function would be given a thread.
        self._jobs.add_job(self._run, "date", run_date=moment, args=(name,), id=name, replace_existing=True)

    async def _run(self, name: str) -> None:
        if name in self._intervals:
            self._plan(name)
            self._knock(name)
