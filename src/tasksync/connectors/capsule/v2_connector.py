"""Capsule v2: the connector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasksync.connectors.capsule import v2_directory, v2_mapping
from tasksync.connectors.capsule.client import understood
from tasksync.connectors.capsule.connector import NO_ZONE, CapsuleConnector
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.capsule.references import Table
from tasksync.connectors.capsule.v2_client import V2Client
from tasksync.connectors.capsule.v2_mapping import Zones
from tasksync.connectors.capsule.v2_records import V2Cases, V2Tasks
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.directory import Referent
from tasksync.core.record import CASE, TASK
from tasksync.ports import Account, Capabilities, Http


class V2Connector(CapsuleConnector):
    """The identity is the user's id: all accounts share one host, and no answer of the API names the account."""

    def __init__(self, settings: ConnectionSettings, options: CapsuleOptions, http: Http) -> None:
        self._client = V2Client(http, settings.url)
        zones = Zones(own=settings.timezone or NO_ZONE)
        self._tasks = V2Tasks(self._client, settings.name, settings.categories, zones)
        super().__init__(settings, options, http, (self._tasks, V2Cases(self._client, settings.name)))

    @property
    def capabilities(self) -> Capabilities:
        """Zestia's own client lists tasks by `since`, which no public page tells of (3.2, [OC]); a server that does not
        look at it lists them all. Of cases it is documented (4.4, [OD]).
        """
        return Capabilities(incremental=frozenset({TASK.name, CASE.name}))

    async def open(self) -> Account:
        user, categories = await self._client.current_user(), await self._client.categories()
        with understood("GET /api/v2/users/current"):
            user_id = v2_mapping.object_id(user)
        with understood("GET /api/v2/categories"):
            self._tasks.categories = v2_mapping.read_categories(categories)
        self._categories = tuple(self._tasks.categories)
        name = user.get("name") or user.get("username") or f"user {user_id}"
        account = self._account(user=user_id, person=user_id, name=str(name), timezone=user.get("timezone"))
        if self._settings.timezone is None:
            users = await self._client.users()
            with understood("GET /api/v2/users"):
                self._tasks.zones = v2_mapping.read_zones(users, self._zone)
        return account

    async def people(self) -> Sequence[Referent]:
        users = await self._client.users(with_parties=True)
        with understood("GET /api/v2/users"):
            return v2_directory.read_people(users, self.connection)

    async def _describe(self, table: Table, number: str) -> Referent | None:
        found = await self._client.record(table, number)
        return None if found is None else self._referents(table, [found])[0]

    async def _with_address(self, address: str) -> Sequence[Referent]:
        return await self._named("party", address)

    async def _named(self, table: Table, name: str) -> Sequence[Referent]:
        return self._referents(table, await self._client.search(table, name))

    async def _of_party(self, party: str, table: Table) -> Sequence[Referent]:
        return self._referents(table, await self._client.records_of(party, table))

    def _referents(self, table: Table, found: Sequence[Any]) -> Sequence[Referent]:
        with understood(f"a request for a {table}"):
            return [v2_directory.read_referent(one, table, self.connection) for one in found]
