"""v1: tasks and cases. Writes are answered with an empty body, so each is followed by a read."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from xml.etree.ElementTree import Element

from tasksync.connectors.capsule import v1_case_mapping, v1_mapping, v1_xml
from tasksync.connectors.capsule.client import understood
from tasksync.connectors.capsule.records import Records, party_needed, storable
from tasksync.connectors.capsule.references import Link, party_of
from tasksync.connectors.capsule.v1_case_mapping import case_id
from tasksync.connectors.capsule.v1_client import Tag, V1Client
from tasksync.connectors.capsule.v1_mapping import Generation
from tasksync.connectors.sightings import sightings
from tasksync.core.lens import Lens
from tasksync.core.record import CASE, TASK, Observation, Values
from tasksync.core.reference import Counterpart, only_own
from tasksync.errors import AnswerLost, TasksyncError
from tasksync.ports import Sighting


class V1Records(Records):
    """The records whose elements and paths have the name `tag`."""

    tag: ClassVar[Tag]

    def __init__(self, client: V1Client, connection: str) -> None:
        super().__init__(connection)
        self._client = client

    @abstractmethod
    def _read(self, found: Element) -> Observation:
        """What an element that was asked for alone says. Raises `Unreadable`."""

    async def _fetch(self, external_id: str) -> Observation | None:
        found = await self._client.one(self.tag, external_id)
        if found is None:
            return None
        with understood(f"GET /api/{self.tag}/{external_id}"):
            return self._read(found)

    async def _make(self, record: Element, owner: Link | None) -> Observation:
        """Raises `AnswerLost` also when the record was made and cannot be read back: the engine then finds it in a
        snapshot, while any other error would have it sent again.
        """
        external_id = await self._client.create(record, owner)
        try:
            found = self._still_there(await self.read(external_id), external_id)
        except TasksyncError as error:
            what = self.kind.name.capitalize()
            raise AnswerLost(f"{what} {external_id} was created in Capsule, but not read back: {error}") from error
        # Nothing else has touched it yet, and what is new is open; not every server says so.
        return self._in_state(found, finished=False)

    async def _after(self, external_id: str) -> Observation:
        """What the server holds after a write. Raises `Vanished`."""
        return self._still_there(await self.read(external_id), external_id)

    def _in_state(self, found: Observation, *, finished: bool) -> Observation:
        """`found`, with the state added where the server did not tell it."""
        return replace(found, values={self.kind.state: finished, **found.values})

    async def delete(self, external_id: str) -> None:
        await self._client.delete(self.tag, external_id)


class V1Tasks(V1Records):
    """Lenses depend on the server's generation, which shows in the first tasks that are seen. `categories` are the
    account's.
    """

    kind = TASK
    tag = "task"

    def __init__(self, client: V1Client, connection: str, aliases: Mapping[str, str]) -> None:
        super().__init__(client, connection)
        self._aliases = aliases
        self.categories: Sequence[str] = ()
        self.generation = Generation.UNKNOWN

    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]:
        return v1_mapping.lenses(self.categories, self.generation, counterpart, aliases=self._aliases)

    async def poll(self, since: datetime | None) -> AsyncIterator[Sequence[Sighting]]:
        """Open tasks first, then those whose case or opportunity was closed, then completed ones: a task completed in
        between comes twice, the truth last.
        """
        del since  # v1 cannot list what changed (2.2, [OD])
        async for rows in self._client.task_pages():
            yield self._sighted(rows, listed_open=True)
        # Whether v1 lets anybody ask for PENDING is not known (2.2, [UNK]).
        for status in ("PENDING", "COMPLETED"):
            if self.generation is Generation.EARLY:
                return
            async for rows in self._client.task_pages(status):
                yield self._sighted(rows, listed_open=False)

    def _sighted(self, rows: Collection[Element], *, listed_open: bool) -> list[Sighting]:
        self.generation = generation = self.generation.after(rows)
        # A server that shows no status ignores it in the query, too: what it lists is open all the same.
        listed_open = listed_open or generation is Generation.EARLY

        def read(row: Element) -> Observation:
            with understood("GET /api/tasks"):
                return v1_mapping.read_task(row, generation, self._connection, listed_open=listed_open)

        context = (self._connection, generation, listed_open)
        return sightings(rows, id_of=v1_mapping.task_id, read=read, form=v1_xml.form, context=context)

    def _read(self, found: Element) -> Observation:
        self.generation = self.generation.after([found])
        return v1_mapping.read_task(found, self.generation, self._connection)

    async def create(self, values: Values) -> Observation:
        with storable():
            owner = v1_mapping.write_link(values)
        return await self._make(v1_mapping.write_task(self._kept(values)), owner)

    async def update(self, before: Observation, changes: Values) -> Observation:
        task = v1_mapping.write_task(self._kept(changes))
        if len(task):
            await self._client.update(before.external_id, task)
        return await self._after(before.external_id)

    async def _set_state(self, external_id: str, *, finished: bool) -> Observation:
        await (self._client.complete_task if finished else self._client.reopen_task)(external_id)
        # The CRM answered that it did so; where a read does not tell the state (2012), that answer is what we know.
        return self._in_state(await self._after(external_id), finished=finished)

    def _kept(self, values: Values) -> Values:
        """What this server has a place for."""
        known = self.lenses(only_own(self._connection))
        return {name: value for name, value in values.items() if name in known}


class V1Cases(V1Records):
    """Closing a case is a change like others. Its open tasks turn PENDING then (protocols/capsule.md, 3.4, [OD]), which
    is not done.
    """

    kind = CASE
    tag = "kase"

    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]:
        return v1_case_mapping.lenses(counterpart)

    async def poll(self, since: datetime | None) -> AsyncIterator[Sequence[Sighting]]:
        del since  # There are few cases, compared with the tasks, all of which have to be listed.
        async for rows in self._client.case_pages():
            yield sightings(rows, id_of=case_id, read=self._read_listed, form=v1_xml.form, context=self._connection)

    def _read_listed(self, found: Element) -> Observation:
        with understood("GET /api/kase"):
            return self._read(found)

    def _read(self, found: Element) -> Observation:
        return v1_case_mapping.read_case(found, self._connection)

    async def create(self, values: Values) -> Observation:
        with storable():
            party = party_of(values.get("members"))
        if party is None:
            raise party_needed()
        return await self._make(v1_case_mapping.write_case(values), party)

    async def update(self, before: Observation, changes: Values) -> Observation:
        """A new party is the one in the path (2.8, [OD])."""
        with storable():
            party = party_of(changes.get("members"))
        kase = v1_case_mapping.write_case(changes)
        if party is not None or len(kase):
            await self._client.update(before.external_id, kase, party)
        return await self._after(before.external_id)

    async def _set_state(self, external_id: str, *, finished: bool) -> Observation:
        await self._client.update(external_id, v1_case_mapping.write_state(closed=finished))
        return self._in_state(await self._after(external_id), finished=finished)
