"""How things stand: what the daemon knows by itself of each connection, for whoever asks. Nothing in it is secret, and
nothing is the text of a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tasksync.service.turn import Part, State, Turn

PATIENCE = 3
"""Within so many intervals a connection has to be polled for the daemon to be ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStanding:
    """One connection. `since`: since when it has not been looked at with success, the start of the daemon at first.
    `failures`: attempts in a row that failed. `part`: what came of its last part in a turn.
    """

    name: str
    poll_every: timedelta
    since: datetime
    tried_at: datetime | None = None
    polled_at: datetime | None = None
    failures: int = 0
    failing_since: datetime | None = None
    next_poll_at: datetime | None = None
    part: Part | None = None

    @property
    def state(self) -> State:
        """How the last attempt went."""
        return State.UNKNOWN if self.part is None else self.part.state

    def late(self, now: datetime) -> bool:
        """Whether it should have been polled, with success, since. One that is well and waits because of its quota is
        not late before its time has come.
        """
        due = (self.polled_at or self.since) + PATIENCE * self.poll_every
        if self.next_poll_at is not None and not self.failures:
            due = max(due, self.next_poll_at + self.poll_every)
        return now > due


class Standing:
    """Of all connections, in the order of the config."""

    def __init__(self, started_at: datetime) -> None:
        self.started_at = started_at
        self.last_turn: Turn | None = None
        self.turns = 0
        self.mirror_fault: str | None = None
        self._connections: dict[str, ConnectionStanding] = {}

    @property
    def connections(self) -> Mapping[str, ConnectionStanding]:
        """By name, in the order of the config."""
        return self._connections

    def configure(self, poll_every: Mapping[str, timedelta], now: datetime) -> None:
        """From now on these are the connections. Of those that were there before, what is known stays."""
        known = self._connections
        self._connections = {
            name: replace(known[name], poll_every=every)
            if name in known
            else ConnectionStanding(name=name, poll_every=every, since=now)
            for name, every in poll_every.items()
        }

    def plan(self, name: str, next_poll_at: datetime | None) -> None:
        """When the scheduler will look at the connection again."""
        if name in self._connections:
            self._connections[name] = replace(self._connections[name], next_poll_at=next_poll_at)

    def take(self, turn: Turn) -> None:
        """Note what a turn came to."""
        self.last_turn = turn
        self.turns += 1
        self.mirror_fault = None
        for part in turn.parts:
            if part.name in self._connections:
                self._connections[part.name] = _after(self._connections[part.name], part, turn.started_at)

    def note(self, part: Part, at: datetime) -> None:
        """Note what a try beside the turns came to, that began `at`. It tells how the connection fares, and nothing of
        what the mirror holds for it: that stays as the last turn told it.
        """
        known = self._connections.get(part.name)
        if known is not None:
            kept = part if known.part is None else replace(known.part, polled=True, state=part.state, error=part.error)
            self._connections[part.name] = _after(known, kept, at)

    def late(self, now: datetime) -> list[str]:
        """The connections that were not polled in time."""
        return [name for name, one in self._connections.items() if one.late(now)]


def _after(known: ConnectionStanding, part: Part, at: datetime) -> ConnectionStanding:
    if not part.polled:
        # What the last attempt came to stands until the next one.
        kept = part if known.part is None else replace(part, state=known.part.state, error=known.part.error)
        return replace(known, part=kept)
    if part.state is State.OK:
        return replace(
            known,
            part=part,
            tried_at=at,
            polled_at=at,
            failures=0,
            failing_since=None,
        )
    return replace(
        known,
        part=part,
        tried_at=at,
        failures=known.failures + 1,
        failing_since=known.failing_since or at,
    )
