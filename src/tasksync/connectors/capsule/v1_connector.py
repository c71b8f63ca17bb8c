"""Capsule v1: the connector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from tasksync.connectors.capsule import v1_directory, v1_mapping
from tasksync.connectors.capsule.client import understood
from tasksync.connectors.capsule.connector import CapsuleConnector
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.capsule.references import Table
from tasksync.connectors.capsule.v1_client import V1Client
from tasksync.connectors.capsule.v1_mapping import Generation
from tasksync.connectors.capsule.v1_records import V1Cases, V1Tasks
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.directory import Referent
from tasksync.core.record import TASK
from tasksync.ports import Account, Capabilities, Http


class V1Connector(CapsuleConnector):
    """Lenses and capabilities depend on the server's generation, which shows in the first tasks that are seen: ask for
    them after a poll.
    """

    def __init__(self, settings: ConnectionSettings, options: CapsuleOptions, http: Http) -> None:
        self._client = V1Client(http)
        self._tasks = V1Tasks(self._client, settings.name, settings.categories)
        super().__init__(settings, options, http, (self._tasks, V1Cases(self._client, settings.name)))

    @property
    def capabilities(self) -> Capabilities:
        early = self._tasks.generation is Generation.EARLY
        return Capabilities(hides_finished=frozenset({TASK.name}) if early else frozenset())

    async def open(self) -> Account:
        users, categories = await self._client.users(), await self._client.categories()
        with understood("GET /api/users"):
            user = v1_mapping.signed_in(users)
        with understood("GET /api/task/categories"):
            self._categories = v1_mapping.read_categories(categories)
        self._tasks.categories = self._categories
        # Names can be changed by an administrator, ids cannot; early servers tell names only.
        return self._account(
            user=user.get("id") or user["username"],
            person=user["username"],
            name=user.get("name") or user["username"],
            timezone=user.get("timezone"),
        )

    async def people(self) -> Sequence[Referent]:
        users = await self._client.users()
        with understood("GET /api/users"):
            people = v1_directory.read_people(users, self.connection)
        found = []
        for person, party in people:
            record = None if party is None else await self._client.record("party", party)
            found.append(person if record is None else replace(person, emails=v1_directory.addresses(record)))
        return found

    async def _describe(self, table: Table, number: str) -> Referent | None:
        found = await self._client.record(table, number)
        return None if found is None else self._referents(table, [found])[0]

    async def _with_address(self, address: str) -> Sequence[Referent]:
        return self._referents("party", await self._client.parties("email", address))

    async def _named(self, table: Table, name: str) -> Sequence[Referent]:
        found = self._client.parties("q", name) if table == "party" else self._client.records(table)
        return self._referents(table, await found)

    async def _of_party(self, party: str, table: Table) -> Sequence[Referent]:
        return self._referents(table, await self._client.records_of(party, table))

    def _referents(self, table: Table, found: Sequence[Element]) -> Sequence[Referent]:
        with understood(f"a request for a {table}"):
            return [v1_directory.read_referent(one, self.connection) for one in found]
