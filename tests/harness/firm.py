"""Whole cycles against the sandbox, in process: real connectors, real transport, real mirror, no socket, a clock that
obeys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partialmethod
from itertools import count
from typing import Any

import httpx

from tasksync.connectors.manifest import ConnectionSettings, discover
from tasksync.core.directory import NOTHING_CONFIGURED, Configured
from tasksync.core.match import alike
from tasksync.core.record import TASK, Kind, Record
from tasksync.engine.cycle import Cycle, latest_moment
from tasksync.engine.member import Policy
from tasksync.engine.participants import Participants
from tasksync.engine.report import CycleReport
from tasksync.errors import TasksyncError
from tasksync.ports import Account, Conflict, Connector, Hold, Mirror, Queued, Revision
from tasksync.sandbox.app import create_app
from tasksync.sandbox.crm import Crm
from tasksync.sandbox.world import World
from tasksync.service.clock import SteadyClock
from tasksync.service.usage import usage
from tasksync.store.opening import open_mirror
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CLIENT = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def tick(self, **by: float) -> None:
        self.moment += timedelta(**by)


class Lines:
    """A log that remembers."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.levels: dict[str, set[str]] = defaultdict(set)
        self._levelled: list[tuple[str, str, dict[str, Any]]] = []

    def _add(self, level: str, event: str, **data: Any) -> None:
        self.lines.append((event, data))
        self.levels[event].add(level)
        self._levelled.append((level, event, data))

    debug = partialmethod(_add, "debug")
    info = partialmethod(_add, "info")
    warning = partialmethod(_add, "warning")
    error = partialmethod(_add, "error")

    def at(self, level: str, name: str) -> list[dict[str, Any]]:
        return [data for told, event, data in self._levelled if (told, event) == (level, name)]

    def events(self, name: str) -> list[dict[str, Any]]:
        return [data for event, data in self.lines if event == name]


@dataclass(kw_only=True)
class Firm:
    """One firm: three CRMs, one mirror, and people who edit. Connections are named as the sandbox's CRMs. Every poll is
    a complete one, unless a test has another policy.
    """

    clock: FakeClock
    world: World
    mirror: Mirror
    settings: dict[str, ConnectionSettings]
    log: Lines = field(default_factory=Lines)
    policy: Policy = field(default_factory=lambda: Policy(full_sweep=timedelta(0)))
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    configured: Configured = NOTHING_CONFIGURED
    kinds: tuple[Kind, ...] = (TASK,)
    ids: Iterator[str] = field(default_factory=lambda: (f"{number:04x}" for number in count(1)))

    @property
    def crms(self) -> Mapping[str, Crm]:
        return {name: crm for name, crm in self.world.crms.items() if name in self.settings}

    async def sync(
        self,
        *,
        only: Sequence[str] = (),
        due: Sequence[str] | None = None,
        failing: Sequence[str] = (),
        dry_run: bool = False,
        mirror: Mirror | None = None,
        policy: Policy | None = None,
        **more: Any,
    ) -> CycleReport:
        """One run of `sync --once`, a minute after the last: a new process, so to speak, on the same mirror. With `due`
        it is a turn of a daemon's: only those are polled, and the others are open already. `more`: see `Cycle`.
        """
        self.clock.tick(minutes=1)
        used = mirror or self.mirror
        clock = SteadyClock(self.clock, latest_moment(used) or START)
        transport = httpx.ASGITransport(app=create_app(self.world), raise_app_exceptions=True)
        dialer = Dialer(
            clock, self.retry, Redactor(), transport=transport, sleep=self._sleep, monotonic=self._monotonic
        )
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
            configured=self.configured,
            kinds=self.kinds,
            **more,
        )
        try:
            return await cycle.run()
        finally:
            await dialer.close()
            self.clock.tick(seconds=10)

    async def _sleep(self, seconds: float) -> None:
        self.clock.tick(seconds=seconds)

    def _monotonic(self) -> float:
        return self.clock.moment.timestamp()

    # --- looking ---

    def titles(self, crm: str) -> list[str]:
        return sorted(task["title"] for task in self.crms[crm].tasks())

    def task(self, crm: str, title: str) -> dict[str, Any]:
        """The one task of that title (compared as matching does); fails unless there is exactly one."""
        (found,) = [task for task in self.crms[crm].tasks() if alike(task["title"]) == alike(title)]
        return found

    def everywhere(self, title: str, name: str) -> dict[str, Any]:
        """The field in every CRM that has it."""
        tasks = {crm: self.task(crm, title) for crm in self.crms}
        return {crm: task[name] for crm, task in tasks.items() if name in task}

    def edit(self, crm: str, title: str, /, **fields: Any) -> None:
        """A person edits, a few seconds after whatever happened before."""
        self.clock.tick(seconds=5)
        self.crms[crm].edit(self.task(crm, title)["id"], **fields)

    def writes(self) -> list[Any]:
        return [one for crm in self.crms.values() for one in crm.requests if one[0] in WRITES]

    def forget_requests(self) -> None:
        for crm in self.crms.values():
            crm.requests.clear()

    def records(self) -> list[Record]:
        with self.mirror.begin() as unit:
            return list(unit.records_of_group("all", "task"))

    def record(self, title: str) -> Record:
        (found,) = [one for one in self.records() if alike(one.value("title")) == alike(title)]
        return found

    def history(self, title: str) -> Sequence[Revision]:
        record = self.record(title)
        with self.mirror.begin() as unit:
            return unit.revisions(record.id)

    def conflicts(self) -> Sequence[Conflict]:
        with self.mirror.begin() as unit:
            return unit.conflicts()

    def gaps(self) -> set[tuple[str, str, str]]:
        """Connection, field and value of what is known to have no counterpart."""
        with self.mirror.begin() as unit:
            return {(gap.connection, gap.field, gap.value) for gap in unit.gaps()}

    def holds(self) -> Sequence[Hold]:
        with self.mirror.begin() as unit:
            return unit.holds()

    def outbox(self) -> Sequence[Queued]:
        with self.mirror.begin() as unit:
            return unit.queue()


async def open_others(connectors: Sequence[Connector], due: Sequence[str]) -> dict[str, Account]:
    """The accounts of those that are not due, as far as they can be reached."""
    accounts = {}
    for one in connectors:
        if one.connection not in due:
            with suppress(TasksyncError):
                accounts[one.connection] = await one.open()
    return accounts


def connections(api: str) -> dict[str, ConnectionSettings]:
    manifests = discover()
    options: dict[str, dict[str, Any]] = {
        "onlyoffice": {"defaults": {"category": "Call", "due": "+7d"}},
        "capsule": {"api": api, "defaults": {"due": "+7d"}},
        "plannr": {"defaults": {"status": "To do", "link": {"type": "client", "id": CLIENT}}},
    }
    return {
        name: ConnectionSettings(
            name=name,
            type=name,
            url=f"http://127.0.0.1/{name}",
            token="sandbox",
            options=manifests[name].options.model_validate(given),
        )
        for name, given in options.items()
    }


def copied(firm: Firm) -> Mirror:
    """A mirror that holds the connections, records and replicas of the firm's: a backup, or one to throw away."""
    copy = open_mirror("sqlite://")
    with firm.mirror.begin() as source, copy.begin() as target:
        for state in source.connections():
            target.save_connection(state)
        records = list(source.records_of_group("all", "task"))
        target.save_records(records)
        replicas = source.replicas_of([record.id for record in records])
        target.save_replicas(one for found in replicas.values() for one in found.values())
    return copy
