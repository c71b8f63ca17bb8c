"""The one place that asks the machine for the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasksync.ports import Clock


class SystemClock:
    """The machine's clock, as `ports.Clock`."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.now(UTC)


class SteadyClock:
    """`clock`, but never earlier than `not_before`, nor than what it has shown already.

    When the machine's clock was set back, what the mirror holds would seem to be yet to come, and an edit made now
    older than the one it replaces. From there on this clock is ahead of the machine's by as much as that went back.
    """

    def __init__(self, clock: Clock, not_before: datetime) -> None:
        self._clock = clock
        self._latest = not_before
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        moment = self._clock.now() + self._ahead
        if moment < self._latest:
            self._ahead += self._latest - moment
            moment = self._latest
        self._latest = moment
        return moment
