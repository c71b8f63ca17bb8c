"""A connection while it takes part in a cycle, and what a cycle has to know besides."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tasksync.core.directory import NOTHING_CONFIGURED, Configured
from tasksync.core.guard import DeletionLimit
from tasksync.core.lens import Lens
from tasksync.core.plan import Action, View
from tasksync.core.record import Kind, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.core.seen import Seen
from tasksync.errors import ExitCode, NeedsLogin, Stopping, TasksyncError
from tasksync.ports import Account, Clock, ConnectionState, Connector, Log, Mirror, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The `sync` part of the config, and what the command line adds to it."""

    deletions: Literal["propagate", "keep"] = "propagate"
    max_deletes: DeletionLimit = field(default_factory=DeletionLimit)
    allow_deletes: bool = False
    completed_horizon: timedelta = timedelta(days=30)
    first_sync: Literal["match", "copy"] = "match"
    full_sweep: timedelta = timedelta(hours=1)


class State(StrEnum):
    """How a connection fared in a cycle."""

    OK = "ok"
    INCOMPLETE = "incomplete"
    FAILED = "failed"
    NEEDS_LOGIN = "needs_login"


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was read from and written to a connection in a cycle."""

    read: int = 0
    created: int = 0
    updated: int = 0
    completed: int = 0
    reopened: int = 0
    deleted: int = 0
    failed: int = 0
    held: int = 0
    pending: int = 0

    def count(self, action: Action) -> None:
        """One more of these was written."""
        match action:
            case Action.CREATE:
                self.created += 1
            case Action.UPDATE:
                self.updated += 1
            case Action.COMPLETE:
                self.completed += 1
            case Action.REOPEN:
                self.reopened += 1
            case Action.DELETE:
                self.deleted += 1

    @property
    def wrote(self) -> int:
        """How many writes got through."""
        return self.created + self.updated + self.completed + self.reopened + self.deleted

    def as_dict(self) -> dict[str, int]:
        """By name, in the order of design.md section 8."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(slots=True, kw_only=True)
class Member:
    """One connection of a group in one cycle. `rank` is its position in the config; `selected` is false when the cycle
    leaves it out, because it was not asked for or is known to be out of reach. `due`: it is to be polled; one that is
    not is open from an earlier cycle, and gets what the others have for it. `failing`: its last poll failed.

    `counterpart`: what references of other connections are called here.

    The rest is of one kind of record, while the cycle is about that (`turn_to`). `remembered`: what the mirror knows.
    `started_at`: when this cycle's poll was started (`started_there`: by the CRM's clock). `looked`: it went through;
    `complete`: its snapshot is; `seen`: the external ids in it, until it is settled what is absent. `last_look`: when
    the last poll was started, this cycle's or an earlier one's that went through; `look_before`: when the one before it
    was. Opening and polling it took `polling_s` seconds and `poll_requests`.
    `sent`: by record id, what an earlier write whose answer was lost may have set.
    """

    connector: Connector
    rank: int
    group: str
    selected: bool = True
    due: bool = True
    failing: bool = False
    account: Account | None = None
    state: State = State.OK
    error: str | None = None
    tally: Tally = field(default_factory=Tally)
    counterpart: Counterpart | None = None
    pushing: bool = True
    remembered: ConnectionState | None = None
    started_at: datetime | None = None
    started_there: datetime | None = None
    last_look: datetime | None = None
    look_before: datetime | None = None
    looked: bool = False
    complete: bool = False
    seen: Seen = field(default_factory=Seen)
    sent: dict[str, Values] = field(default_factory=dict)
    met: bool = False
    polling_s: float = 0.0
    poll_requests: int = 0
    _lenses: dict[str, Mapping[str, Lens]] = field(default_factory=dict)
    _requests_before: int = 0
    _traffic_before: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self._requests_before = self.connector.requests
        self._traffic_before = self.connector.traffic

    @property
    def requests(self) -> int:
        """Requests sent in this cycle."""
        return self.connector.requests - self._requests_before

    @property
    def traffic(self) -> Traffic:
        """What they and their answers came to."""
        return self.connector.traffic - self._traffic_before

    @property
    def reachable(self) -> bool:
        """Whether there is any use in writing to it: also while a page of its listing cannot be read."""
        return self.state in {State.OK, State.INCOMPLETE}

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.connector.connection

    @property
    def zone(self) -> tzinfo:
        """The account's time zone; UTC while nobody knows it."""
        return UTC if self.account is None else ZoneInfo(self.account.zone)

    @property
    def scope_changed(self) -> bool:
        """Whether the listing may show other records than last time for another reason than that they were deleted."""
        return self.account is not None and self.remembered is not None and self.account.scope != self.remembered.scope

    def turn_to(self, remembered: ConnectionState | None, counterpart: Counterpart, sent: Mapping[str, Values]) -> None:
        """From now on the cycle is about another kind of record, of which the mirror knows this."""
        self.remembered = remembered
        self.counterpart = counterpart
        self.met = remembered is not None and remembered.met_at is not None
        self.last_look = None if remembered is None else remembered.looked_at
        self.look_before = None if remembered is None else remembered.looked_before
        self.started_at = self.started_there = None
        self.looked = self.complete = False
        self.seen = Seen()
        self.sent = dict(sent)
        self.pushing = self.state is not State.NEEDS_LOGIN

    @contextmanager
    def polling(self, clock: Clock) -> Iterator[None]:
        """What is done within the block is part of polling it."""
        began_at, before = clock.now(), self.connector.requests
        try:
            yield
        finally:
            self.polling_s += (clock.now() - began_at).total_seconds()
            self.poll_requests += self.connector.requests - before

    def look(self, now: datetime) -> None:
        """Its poll begins."""
        self.started_at, self.started_there = now, now + self.connector.clock_difference
        self.last_look, self.look_before = now, self.last_look

    def has(self, kind: Kind) -> bool:
        """Whether the CRM has records of that kind, as far as anybody knows while it is out of reach."""
        return self.met if self.account is None else bool(self.lenses(kind))

    def lenses(self, kind: Kind) -> Mapping[str, Lens]:
        """The connector's, made once: they follow from what `open` read, which does not change within a cycle."""
        if kind.name not in self._lenses:
            self._lenses[kind.name] = self.connector.lenses(kind.name, self.counterpart)
        return self._lenses[kind.name]

    def view(self, kind: Kind, now: datetime) -> View:
        """The connection as planning sees it."""
        if self.account is None:
            return View(connection=self.name, met=self.met, lenses=None)
        return View(
            connection=self.name,
            met=self.met,
            lenses=self.lenses(kind),
            defaults=self.connector.defaults(kind.name, now),
            creates=kind.name not in self.connector.capabilities.uncreatable,
        )

    def corrected(self, seen: Observation) -> Observation:
        """An observation whose stamps are by our clock."""
        off = self.connector.clock_difference
        return replace(
            seen,
            modified=None if seen.modified is None else seen.modified - off,
            created=None if seen.created is None else seen.created - off,
            completed=None if seen.completed is None else seen.completed - off,
        )

    def fail(self, error: TasksyncError, words: str) -> None:
        """Note why the connection cannot go on in this cycle. `words`: what may be said of it."""
        self.error = words
        if isinstance(error, NeedsLogin):
            self.state = State.NEEDS_LOGIN
        else:
            self.state = State.INCOMPLETE if self.seen and not self.complete else State.FAILED
        # A page that cannot be read is no reason to write nothing: each write looks at its own record first (I8).
        self.pushing = self.state is State.INCOMPLETE

    @property
    def exit_codes(self) -> set[ExitCode]:
        """What this connection contributes to the run's exit code."""
        codes = set()
        if self.state is State.NEEDS_LOGIN:
            codes.add(ExitCode.NEEDS_LOGIN)
        if self.state in {State.FAILED, State.INCOMPLETE} or self.tally.failed or self.tally.pending:
            codes.add(ExitCode.RETRY)
        return codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every step of a cycle is given: the outside world, and the connections of one group in the order of the
    config. The step is about records of `kind`; the cycle about all of `kinds`, by name.
    """

    mirror: Mirror
    clock: Clock
    log: Log
    new_id: Callable[[], str]
    run: str
    policy: Policy
    kind: Kind
    group: str
    members: tuple[Member, ...]
    still_ours: Callable[[], bool]
    redact: Callable[[str], str]
    configured: Configured = NOTHING_CONFIGURED
    kinds: frozenset[str] = frozenset()
    stopping: Callable[[], bool] = lambda: False

    def words(self, error: TasksyncError) -> str:
        """What may be said of an error, in logs, reports and the mirror (I12)."""
        return self.redact(str(error))

    def complain(self, event: str, error: TasksyncError, member: Member, **data: Any) -> None:
        """Log what went wrong with a connection: aloud when that is news, and not that it fails still, or that we are
        just stopping.
        """
        quietly = member.failing or isinstance(error, Stopping)
        log = self.log.debug if quietly else self.log.warning
        log(event, connection=member.name, **data, error=self.words(error))

    def rank(self, connection: str) -> int:
        """The position of a connection in the config; beyond all of them for one that is not there any more."""
        for member in self.members:
            if member.name == connection:
                return member.rank
        return max((member.rank for member in self.members), default=0) + 1
