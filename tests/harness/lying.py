"""A firm whose CRMs lie, whose lines break and whose process dies: `Firm` with a wire and a mirror that fail on demand.

Nothing here knows what is right; that is `oracle`'s part.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx
from firm import START, FakeClock, Firm, connections, open_others

from tasksync.connectors.manifest import discover
from tasksync.core.record import Value, decode
from tasksync.engine.cycle import Cycle, latest_moment
from tasksync.engine.member import Policy
from tasksync.engine.participants import Participants
from tasksync.engine.report import CycleReport
from tasksync.ports import Mirror, Unit
from tasksync.sandbox.app import create_app
from tasksync.sandbox.gate import AnswerWithheld
from tasksync.sandbox.world import World
from tasksync.service.clock import SteadyClock
from tasksync.service.usage import usage
from tasksync.store.columns import value_from_text
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import open_mirror
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy

SECRET = "c0nvergence-t0ken"
LISTING = re.compile(r"/crm/task/filter\?|/api(/v2)?/tasks\?|/api/v1/task\?")

Moment = Literal["before request", "after request", "before commit", "after commit"]
MOMENTS: tuple[Moment, ...] = ("before request", "after request", "before commit", "after commit")


class Killed(BaseException):
    """The process died."""


@dataclass(kw_only=True)
class Fate:
    """When the process dies: at the `at`-th of these moments. Once dead, it neither sends nor commits anything."""

    moment: Moment | None = None
    at: int = 0
    dead: bool = False

    def reach(self, moment: Moment) -> None:
        """Raises `Killed` if this is the moment, or if it has passed."""
        if not self.dead and moment == self.moment:
            self.at -= 1
            self.dead = self.at <= 0
        if self.dead:
            raise Killed


@dataclass(kw_only=True)
class Wire(httpx.AsyncBaseTransport):
    """The sandbox in the same process. An answer that it withholds is a connection that broke; `down` names the CRMs
    to which there is no connection at all. A request takes 30 ms. `meanwhile` is called, once, when the listing of a
    CRM was just served.
    """

    inner: httpx.AsyncBaseTransport
    clock: FakeClock
    fate: Fate
    down: frozenset[str] = frozenset()
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.tick(milliseconds=30)
        crm = request.url.path.split("/")[1]
        if crm in self.down:
            raise httpx.ConnectError("connection refused", request=request)
        self.fate.reach("before request")
        try:
            response = await self.inner.handle_async_request(request)
        except AnswerWithheld:
            raise httpx.ReadError("connection reset", request=request) from None
        finally:
            self.fate.reach("after request")
        if crm in self.meanwhile and LISTING.search(str(request.url)):
            self.meanwhile.pop(crm)()
        return response


class MortalMirror:
    """`ports.Mirror` whose process may die at a commit."""

    def __init__(self, mirror: Mirror, fate: Fate) -> None:
        self._mirror = mirror
        self._fate = fate

    @property
    def rows_written(self) -> int:
        return self._mirror.rows_written

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        with self._mirror.begin() as unit:
            yield unit
            self._fate.reach("before commit")
        self._fate.reach("after commit")

    def tidy(self) -> None:
        self._mirror.tidy()

    def close(self) -> None:
        self._mirror.close()


@dataclass(kw_only=True)
class OurClock:
    """The clock of the machine that tasksync runs on: off from the true time by `off`."""

    true: FakeClock
    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.true.now() + self.off


@dataclass(kw_only=True)
class LyingFirm(Firm):
    """`clock` is the true time; tasksync sees `ours`."""

    ours: OurClock
    redactor: Redactor = field(default_factory=Redactor)
    down: frozenset[str] = frozenset()
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)

    async def sync(
        self,
        *,
        only: Sequence[str] = (),
        due: Sequence[str] | None = None,
        failing: Sequence[str] = (),
        dry_run: bool = False,
        mirror: Mirror | None = None,
        policy: Policy | None = None,
        fate: Fate | None = None,
        **more: Any,
    ) -> CycleReport:
        """As `Firm.sync`; raises `Killed` when the process meets its `fate`."""
        self.clock.tick(minutes=1)
        fate = fate or Fate()
        used = MortalMirror(mirror or self.mirror, fate)
        clock = SteadyClock(self.ours, latest_moment(mirror or self.mirror) or START)
        inner = httpx.ASGITransport(app=create_app(self.world), raise_app_exceptions=True)
        wire = Wire(inner=inner, clock=self.clock, fate=fate, down=self.down, meanwhile=self.meanwhile)
        dialer = Dialer(clock, self.retry, self.redactor, transport=wire, sleep=self._sleep, monotonic=self._monotonic)
        manifests = discover()
        connectors = [manifests[one.type].build(one, dialer) for one in self.settings.values()]
        accounts = {} if due is None else await open_others(connectors, due)
        cycle = Cycle(
            mirror=used,
            groups={"all": connectors},
            order=list(self.settings),
            policy=policy or self.policy,
            clock=clock,
            log=self.log,
            new_id=lambda: next(self.ids),
            usage=usage,
            participants=Participants(
                only=only if due is None else [*due, *accounts], due=due, accounts=accounts, failing=failing
            ),
            dry_run=dry_run,
            redact=self.redactor.redact,
            configured=self.configured,
            kinds=self.kinds,
            **more,
        )
        try:
            return await cycle.run()
        finally:
            await dialer.close()
            self.meanwhile.clear()
            self.clock.tick(seconds=10)


def lying_firm(api: str) -> LyingFirm:
    """Three empty accounts with a secret of their own, and an empty mirror. A request is tried twice at most, and at
    least every ten minutes a poll is a complete one.
    """
    clock = FakeClock()
    world = World(clock, seed=False)
    redactor = Redactor()
    redactor.conceal(SECRET)
    for crm in world.crms.values():
        crm.settings.token = SECRET
    return LyingFirm(
        clock=clock,
        world=world,
        ours=OurClock(true=clock),
        mirror=empty_mirror(),
        settings={name: replace(one, token=SECRET) for name, one in connections(api).items()},
        redactor=redactor,
        retry=RetryPolicy(tries=2, total=timedelta(seconds=20)),
        policy=Policy(full_sweep=timedelta(minutes=10)),
    )


_EMPTY: list[bytes] = []


def empty_mirror() -> SqlMirror:
    """A new mirror. Its tables are made once and copied."""
    if not _EMPTY:
        _EMPTY.append(image(open_mirror("sqlite://")))
    return revived(_EMPTY[0])


def image(mirror: Mirror) -> bytes:
    """All that a mirror in memory holds: a backup of it."""
    assert isinstance(mirror, SqlMirror)
    return mirror._raw.serialize()


def revived(backup: bytes) -> SqlMirror:
    """A mirror in memory that holds what the backup does."""
    raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    raw.deserialize(backup)
    return SqlMirror(raw, "the mirror in memory")


def rows(mirror: Mirror, query: str) -> list[tuple[str, ...]]:
    """What an SQL query finds in a mirror in memory."""
    assert isinstance(mirror, SqlMirror)
    return mirror._raw.execute(query).fetchall()


def known_values(mirror: Mirror) -> dict[tuple[str, str], list[Value]]:
    """By tag and field: all values, current, superseded or lost in a conflict, that the mirror can tell of a task."""
    by_record: dict[str, dict[str, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for record, fields in rows(mirror, "SELECT id, fields FROM record"):
        for name, value in decode(fields).items():
            by_record[record][name].append(value)
    for table, columns in (("revision", "old, new"), ("conflict", "winner, loser")):
        for record, name, *texts in rows(mirror, f"SELECT record_id, field, {columns} FROM {table}"):  # noqa: S608 - no input
            by_record[record][name] += [value_from_text(text) for text in texts]
    known: dict[tuple[str, str], list[Value]] = defaultdict(list)
    for found in by_record.values():
        for tag in {str(title).split(" ", 1)[0] for title in found["title"]}:
            for name, values in found.items():
                known[tag, name] += values
    return known
