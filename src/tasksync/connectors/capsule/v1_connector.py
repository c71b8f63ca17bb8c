"""Capsule v1: the connector. Writes are answered with an empty body, so each is followed by a read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from tasksync.connectors.capsule import v1_mapping
from tasksync.connectors.capsule.client import understood
from tasksync.connectors.capsule.connector import CapsuleConnector, only_tasks, still_there
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.capsule.v1_client import V1Client
from tasksync.connectors.capsule.v1_mapping import Generation
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Values
from tasksync.errors import AnswerLost, TasksyncError
from tasksync.ports import Account, Capabilities, Http


class V1Connector(CapsuleConnector):
    """Lenses and capabilities depend on the server's generation, which shows in the first tasks that are seen: ask for
    them after a poll.
    """

    def __init__(self, settings: ConnectionSettings, options: CapsuleOptions, http: Http) -> None:
        super().__init__(settings, options, http)
        self._client = V1Client(http)
        self._generation = Generation.UNKNOWN

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(lists_finished=self._generation is not Generation.EARLY)

    async def open(self) -> Account:
        users, categories = await self._client.users(), await self._client.categories()
        with understood("GET /api/users"):
            user = v1_mapping.signed_in(users)
        with understood("GET /api/task/categories"):
            self._categories = v1_mapping.read_categories(categories)
        # Names can be changed by an administrator, ids cannot; early servers tell names only.
        return self._account(
            user=user.get("id") or user["username"],
            name=user.get("name") or user["username"],
            timezone=user.get("timezone"),
        )

    def lenses(self, kind: str) -> Mapping[str, Lens]:
        return v1_mapping.lenses(self._categories, self._generation) if kind == TASK.name else {}

    async def poll(self, kind: str) -> AsyncIterator[Sequence[Observation]]:
        """Open tasks first, then completed ones: a task completed in between comes twice, the truth last."""
        only_tasks(kind)
        async for rows in self._client.task_pages():
            yield self._observed(rows, listed_open=True)
        if self._generation is Generation.EARLY:
            return
        async for rows in self._client.task_pages("COMPLETED"):
            yield self._observed(rows, listed_open=False)

    def _observed(self, rows: Collection[Element], *, listed_open: bool) -> list[Observation]:
        self._generation = self._generation.after(rows)
        # A server that shows no status ignores it in the query, too: what it lists is open all the same.
        listed_open = listed_open or self._generation is Generation.EARLY
        with understood("GET /api/tasks"):
            return [v1_mapping.read_task(row, self._generation, listed_open=listed_open) for row in rows]

    async def _fetch(self, external_id: str) -> Observation | None:
        task = await self._client.task(external_id)
        if task is None:
            return None
        self._generation = self._generation.after([task])
        with understood(f"GET /api/task/{external_id}"):
            return v1_mapping.read_task(task, self._generation)

    async def create(self, kind: str, values: Values) -> Observation:
        """Open, whatever `values` say of the state. Raises `AnswerLost` also when the task was made and cannot be read
        back: the engine then finds it in a snapshot, while any other error would have it sent again.
        """
        only_tasks(kind)
        external_id = await self._client.create(v1_mapping.write_task(self._storable(values)))
        try:
            found = still_there(await self.read(kind, external_id), external_id)
        except TasksyncError as error:
            raise AnswerLost(f"Task {external_id} was created in Capsule, but not read back: {error}") from error
        # Nothing else has touched it yet, and a new task is open; a server of 2012 does not say so.
        return _in_state(found, done=False)

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        only_tasks(kind)
        task = v1_mapping.write_task(self._storable(changes))
        if len(task):
            await self._client.update(before.external_id, task)
        return still_there(await self.read(kind, before.external_id), before.external_id)

    async def delete(self, kind: str, external_id: str) -> None:
        only_tasks(kind)
        await self._client.delete(external_id)

    async def _set_done(self, external_id: str, *, done: bool) -> Observation:
        await (self._client.complete if done else self._client.reopen)(external_id)
        found = still_there(await self.read(TASK.name, external_id), external_id)
        # The CRM answered that it did so; where a read does not tell the state (2012), that answer is what we know.
        return _in_state(found, done=done)

    def _storable(self, values: Values) -> Values:
        known = self.lenses(TASK.name)
        return {name: value for name, value in values.items() if name in known}


def _in_state(found: Observation, *, done: bool) -> Observation:
    """`found`, with the state added where the server did not tell it."""
    return replace(found, values={"done": done, **found.values})
