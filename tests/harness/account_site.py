"""An arrangement at work: its account in the sandbox, on a real socket, and connectors to it."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any

import httpx
from accounts import Arrangement
from firm import FakeClock

from tasksync.connectors.manifest import ConnectionSettings, discover
from tasksync.core.record import TASK, Observation
from tasksync.ports import Connector
from tasksync.sandbox.crm import Crm
from tasksync.sandbox.shelf import Shelf
from tasksync.sandbox.world import World
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy


@dataclass(kw_only=True)
class Sandbox:
    """The sandbox on its socket, for a whole session. Its clock only goes forward, and only when it is told to."""

    clock: FakeClock
    world: World
    url: str


class Site:
    """One arrangement, set up in an empty account. Nothing that waits takes time: the clock moves on instead."""

    def __init__(self, arrangement: Arrangement, sandbox: Sandbox) -> None:
        self.arrangement = arrangement
        self.world = sandbox.world
        self.clock = sandbox.clock
        self.url = f"{sandbox.url}/{arrangement.type}"
        self.crm: Crm = sandbox.world.crms[arrangement.type]
        # Past whatever an earlier test has left behind in windows and blocks, and, as most of the time, not at the
        # beginning of a second.
        self.clock.moment = self.clock.moment.replace(microsecond=300_000) + timedelta(minutes=2)
        self.crm.reset()
        self.crm.settings.change({**type(self.crm.settings)().model_dump(), **arrangement.switches})
        self.shelf: Shelf[Any] = self.crm.shelf(arrangement.kind.name)
        for record in self.shelf.all():  # a new account may have some
            self.shelf.remove(record["id"])
        self._filled = 0
        self._dialers = AsyncExitStack()
        self._tries = 5

    def give_up_after(self, tries: int) -> None:
        """Of connectors made from now on."""
        self._tries = tries

    def _dialer(self) -> Dialer:
        dialer = Dialer(
            self.clock,
            RetryPolicy(tries=self._tries),
            Redactor(),
            # Sockets as ever; only the certificates, which take longer to load than a test to run, are left out.
            transport=httpx.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)),
            sleep=self._sleep,
            monotonic=lambda: self.clock.now().timestamp(),
        )
        self._dialers.push_async_callback(dialer.close)
        return dialer

    async def _sleep(self, seconds: float) -> None:
        self.clock.tick(seconds=seconds)

    async def close(self) -> None:
        await self._dialers.aclose()

    def connect(
        self,
        *,
        name: str = "office",
        url: str | None = None,
        options: Mapping[str, Any] | None = None,
        credentials: Mapping[str, str] | None = None,
    ) -> Connector:
        """A connector that has not been opened yet; keywords replace what the arrangement says."""
        one, manifest = self.arrangement, discover()[self.arrangement.type]
        settings = ConnectionSettings(
            name=name,
            type=one.type,
            url=url or self.url,
            options=manifest.options.model_validate(one.options if options is None else options),
        )
        secrets: Mapping[str, Any] = {**one.credentials, **(credentials or {})}
        return manifest.build(replace(settings, **secrets), self._dialer())

    async def opened(self) -> Connector:
        """An open connector that has seen a task once, as all have for most of their life."""
        connector = self.connect()
        await connector.open()
        made = self.crm.add(title="Settling in", due=date(2026, 3, 20))
        await connector.read("task", made)
        self.crm.remove(made)
        return connector

    # --- what people do and see there ---

    def add(self, **fields: Any) -> str:
        """A record as a person makes it, with all that the CRM asks for."""
        return self.shelf.add(**{**self.arrangement.least, **fields})

    def finish(self, record_id: str, *, finished: bool = True) -> None:
        self.shelf.edit(record_id, done=finished)

    def fill(self, count: int) -> None:
        """So many plain open records, each with a title of its own."""
        for number in range(count):
            self.add(title=f"Review client file {self._filled + number:05}")
        self._filled += count

    def ids(self) -> list[str]:
        """Of all records, oldest first."""
        return [record["id"] for record in self.shelf.all()]

    def shown(self, record_id: str) -> dict[str, Any]:
        """What a person reads in a record, by our fields, with references of the connection."""
        found = self.shelf.one(record_id)
        links = {type_: id_ for type_, id_ in found.get("links", {}).items() if id_}
        # A case of Capsule is that of one contact.
        members = found.get("members", [links["contact"]] if "contact" in links else [])
        return {
            **found,
            self.arrangement.state: found["done"],
            "assignees": _references("person", map(self._person, found.get("assignees", []))),
            "links": tuple(sorted(f"office:{type_}:{id_}" for type_, id_ in links.items())),
            "members": _references("contact", members),
        }

    def _person(self, person_id: str) -> str:
        return str(self.crm.shelf("person").one(person_id)[self.arrangement.person_id])

    def columns(self, record_id: str) -> dict[str, Any]:
        """The whole row of a record, as the CRM's database has it."""
        source: Any = self.crm if self.arrangement.kind is TASK else self.shelf
        (row,) = [
            row for row in source.rows() if record_id in {getattr(row, "uuid", None), str(getattr(row, "id", None))}
        ]
        return asdict(row)

    def changed(self, before: Mapping[str, Any], record_id: str) -> set[str]:
        """The columns that differ from `before` by now, but for those that any write may move."""
        now = self.columns(record_id)
        assert now.keys() == before.keys()
        return {name for name in now if now[name] != before[name]} - self.arrangement.stamps

    def creates(self) -> int:
        """How often a client asked for a record to be made, whatever came of it."""
        wanted = re.compile(self.arrangement.creating)
        return sum(method == "POST" and bool(wanted.search(path)) for method, path, _ in self.crm.requests)


def _references(type_: str, ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(f"office:{type_}:{id_}" for id_ in ids))


async def everything(connector: Connector, kind: str = TASK.name) -> list[Observation]:
    """All that a poll shows, in order."""
    return [one.read() async for page in connector.poll(kind) for one in page]
