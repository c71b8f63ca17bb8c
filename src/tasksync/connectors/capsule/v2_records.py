"""v2: tasks and cases. Writes are answered with the whole record."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, ClassVar

from tasksync.connectors.capsule import v2_case_mapping, v2_mapping
from tasksync.connectors.capsule.client import understood
from tasksync.connectors.capsule.records import Records, party_needed, storable
from tasksync.connectors.capsule.v2_client import Kept, V2Client
from tasksync.connectors.capsule.v2_mapping import Zones, object_id
from tasksync.connectors.sightings import json_form, sightings
from tasksync.core.lens import Lens
from tasksync.core.record import CASE, TASK, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import AnswerLost, ServerFault
from tasksync.ports import Sighting


class V2Records(Records):
    """The records that the API calls `what`; `states` are its words for unfinished and finished ones."""

    what: ClassVar[Kept]
    states: ClassVar[tuple[str, str]]

    def __init__(self, client: V2Client, connection: str) -> None:
        super().__init__(connection)
        self._client = client

    @abstractmethod
    def _read(self, found: Any) -> Observation:
        """What an object says. Raises `Unreadable`."""

    @property
    def _reading(self) -> object:
        """What `_read` goes by besides the object."""
        return self._connection

    @abstractmethod
    def _created(self, values: Values) -> dict[str, Any]:
        """The object that is made with `values`. Raises `LookupError` for what the account does not have, and
        `DefaultNeeded`.
        """

    @abstractmethod
    def _changed(self, before: Observation, changes: Values) -> dict[str, Any]:
        """The object that sets `changes`, and nothing else. Raises `LookupError`."""

    async def poll(self, since: datetime | None) -> AsyncIterator[Sequence[Sighting]]:
        async for found in self._client.pages(self.what, since):
            with self._listed():
                page = sightings(found, id_of=object_id, read=self._read_listed, form=json_form, context=self._reading)
            yield page

    def _read_listed(self, found: Any) -> Observation:
        with self._listed():
            return self._read(found)

    def _listed(self) -> AbstractContextManager[None]:
        return understood(f"a request for a list of {self.kind.name}s")

    async def _fetch(self, external_id: str) -> Observation | None:
        found = await self._client.one(self.what, external_id)
        if found is None:
            return None
        with understood(f"a request for {self.kind.name} {external_id}"):
            return self._read(found)

    async def create(self, values: Values) -> Observation:
        with storable():
            record = self._created(values)
        made = await self._client.create(self.what, record)
        with understood(f"the creation of a {self.kind.name}", AnswerLost):
            return self._read(made)

    async def update(self, before: Observation, changes: Values) -> Observation:
        with storable():
            record = self._changed(before, changes)
        if not record:
            # Even an empty PUT might move the record's stamp.
            return self._still_there(await self.read(before.external_id), before.external_id)
        return await self._put(before.external_id, record)

    async def _set_state(self, external_id: str, *, finished: bool) -> Observation:
        return await self._put(external_id, {"status": self.states[finished]})

    async def _put(self, external_id: str, record: dict[str, Any]) -> Observation:
        answer, what = await self._client.update(self.what, external_id, record), self.kind.name
        with understood(f"a change of {what} {external_id}"):
            found = self._read(answer)
        if found.external_id != external_id:
            raise ServerFault(f"Capsule was asked to change {what} {external_id} and answered {found.external_id}.")
        return found

    async def delete(self, external_id: str) -> None:
        await self._client.delete(self.what, external_id)


class V2Tasks(V2Records):
    """`categories` are the account's, with their ids; `zones` those of its users."""

    kind = TASK
    what = "task"
    states = ("OPEN", "COMPLETED")

    def __init__(self, client: V2Client, connection: str, aliases: Mapping[str, str], zones: Zones) -> None:
        super().__init__(client, connection)
        self._aliases = aliases
        self.categories: Mapping[str, int] = {}
        self.zones = zones

    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]:
        return v2_mapping.lenses(self.categories, self.zones, counterpart, aliases=self._aliases)

    def _read(self, found: Any) -> Observation:
        return v2_mapping.read_task(found, self.zones, self._connection)

    @property
    def _reading(self) -> object:
        return self._connection, self.zones

    def _created(self, values: Values) -> dict[str, Any]:
        return v2_mapping.write_create(values, self.zones, self.categories)

    def _changed(self, before: Observation, changes: Values) -> dict[str, Any]:
        return v2_mapping.write_update(before, changes, self.zones, self.categories)


class V2Cases(V2Records):
    """Closing a case turns its open tasks PENDING (protocols/capsule.md, 3.4, [OD]), which is not done."""

    kind = CASE
    what = "kase"
    states = ("OPEN", "CLOSED")

    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]:
        return v2_case_mapping.lenses(counterpart)

    def _read(self, found: Any) -> Observation:
        return v2_case_mapping.read_case(found, self._connection)

    def _created(self, values: Values) -> dict[str, Any]:
        kase = v2_case_mapping.write_case(values)
        if "party" not in kase:
            raise party_needed()
        return kase

    def _changed(self, before: Observation, changes: Values) -> dict[str, Any]:
        del before  # What is not sent stays.
        return v2_case_mapping.write_case(changes)
