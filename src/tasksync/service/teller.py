"""Tells what happened to all who want to know: the log, the metrics, the health pages, systemd.

A connection that fails is told once, in the log of the turn in which it began (the engine does), and once more when it
answers again; not every minute in between.
"""

from __future__ import annotations

from tasksync.errors import MirrorUnusable
from tasksync.ports import Clock, Log, Traffic
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.status_line import status_line
from tasksync.service.systemd import Notifier
from tasksync.service.turn import Part, State, Turn


class Teller:
    """`standing` and `metrics` are brought up to date here, and nowhere else."""

    def __init__(self, *, standing: Standing, metrics: Metrics, notifier: Notifier, clock: Clock, log: Log) -> None:
        self.standing = standing
        self._metrics = metrics
        self._notifier = notifier
        self._clock = clock
        self._log = log
        self._ready = False

    def status(self) -> str:
        """One line for a person."""
        return status_line(self.standing, self._clock.now())

    def ready(self) -> None:
        """The start, or a reload, is over."""
        self._ready = True
        self._notifier.ready(self.status())
        self._log.info("ready", status=self.status())

    def stopping(self, *, during_turn: bool) -> None:
        """The end has begun; systemd is told nothing more."""
        self._ready = False
        self._notifier.stopping("Stopping: what is under way is finished, the rest waits for the next start")
        self._log.info("stopping", during_turn=during_turn)

    def took(self, turn: Turn) -> None:
        """A turn is over."""
        for part in turn.parts:
            self._tell_recovery(part)
        if self.standing.mirror_fault is not None:
            self._log.info("mirror_recovered")
        self.standing.take(turn)
        self._metrics.take(turn)
        self._tell(turn)
        self._tell_systemd()

    def reached(self, part: Part) -> None:
        """A connection was tried beside the turns."""
        known = self.standing.connections.get(part.name)
        if part.state is not State.OK:
            # Another trouble than before is news.
            news = known is not None and known.state is not part.state
            log = self._log.warning if news else self._log.debug
            log("connection_failed", connection=part.name, state=part.state, error=part.error)
            self.standing.note(part, self._clock.now())
        self._tell_systemd()

    def mirror_failed(self, error: MirrorUnusable) -> None:
        """A turn could not use the mirror."""
        log = self._log.error if self.standing.mirror_fault is None else self._log.debug
        log("mirror_failed", error=str(error))
        self.standing.mirror_fault = str(error)
        self._tell_systemd()

    def _tell_systemd(self) -> None:
        if self._ready:
            self._notifier.status(self.status())

    def _tell_recovery(self, part: Part) -> None:
        known = self.standing.connections.get(part.name)
        if known is None or known.failing_since is None or not part.polled or part.state is not State.OK:
            return
        failing_s = round((self._clock.now() - known.failing_since).total_seconds())
        self._log.info("poll_recovered", connection=part.name, failing_s=failing_s, attempts=known.failures)

    def _tell(self, turn: Turn) -> None:
        written: dict[str, int] = {}
        for part in turn.parts:
            for action, count in part.written.items():
                if count:
                    written[action] = written.get(action, 0) + count
        failed = sum(part.failed for part in turn.parts)
        traffic = sum((part.traffic for part in turn.parts), Traffic())
        log = self._log.info if written or turn.conflicts else self._log.debug
        log(
            "turn_finished",
            run=turn.run,
            **written,
            failed=failed,
            conflicts=turn.conflicts,
            requests=sum(part.requests for part in turn.parts),
            received_bytes=traffic.received_bytes,
            sent_bytes=traffic.sent_bytes,
            **turn.cost.as_dict(),
        )
