"""When something is due, by APScheduler: one job for each connection, and one for the housekeeping.

A job does nothing but knock. It takes no time, so none is skipped because the last one still runs; whoever is knocked
at does the work when it can, once, however often it knocked.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

_JITTER: Final = 0.1
"""Waits are longer by up to this share, so that connections, and daemons, do not ask all at once for ever."""


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """So long after the last time, as the clock shows it then. APScheduler's own interval makes up for each time that a
    machine slept through, or that a clock which was set forward skipped: by the million, after some years.
    """

    __slots__ = ("_interval",)

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """See BaseTrigger."""
        return now + self._interval * random.uniform(1, 1 + _JITTER)  # noqa: S311 -- nobody gains from guessing it


class Scheduler:
    """Knocks by name, once it is started. All intervals by the machine's clock; `again` when that was set."""

    def __init__(self, knock: Callable[[str], None]) -> None:
        self._knock = knock
        self._intervals: dict[str, timedelta] = {}
        # A time that was missed, because the machine slept or the loop was held up, is made up for, however late.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 100}
        self._jobs: Any = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)

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
        moment: datetime = self._jobs.get_job(name).next_run_time
        return moment

    def drop(self, name: str) -> None:
        """Knock no more for `name`."""
        if self._intervals.pop(name, None) is not None:
            self._jobs.remove_job(name)

    def again(self) -> None:
        """Count every interval from now on: the clock was set, and what was planned by it may be years away."""
        for name in self._intervals:
            self._plan(name)

    def _plan(self, name: str) -> None:
        # A coroutine runs in the loop; a plain function would be given a thread.
        self._jobs.add_job(self._run, Every(self._intervals[name]), args=(name,), id=name, replace_existing=True)

    async def _run(self, name: str) -> None:
        if name in self._intervals:
            self._knock(name)
