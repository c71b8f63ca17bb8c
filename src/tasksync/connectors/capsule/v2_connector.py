"""Capsule v2: the connector. Writes are answered with the whole task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from tasksync.connectors.capsule import v2_mapping
from tasksync.connectors.capsule.client import understood
from tasksync.connectors.capsule.connector import CapsuleConnector, only_tasks, still_there
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.capsule.v2_client import V2Client
from tasksync.connectors.capsule.v2_mapping import Zones
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Values
from tasksync.errors import AnswerLost, Refused, ServerFault
from tasksync.ports import Account, Http


class V2Connector(CapsuleConnector):
    """The identity is the user's id: all accounts share one host, and no answer of the API names the account."""

    def __init__(self, settings: ConnectionSettings, options: CapsuleOptions, http: Http) -> None:
        super().__init__(settings, options, http)
        self._client = V2Client(http, settings.url)
        self._category_ids: Mapping[str, int] = {}
        self._zones = Zones(own=self._zone)

    async def open(self) -> Account:
        user, categories = await self._client.current_user(), await self._client.categories()
        with understood("GET /api/v2/users/current"):
            user_id = v2_mapping.object_id(user)
        with understood("GET /api/v2/categories"):
            self._category_ids = v2_mapping.read_categories(categories)
        self._categories = tuple(self._category_ids)
        name = user.get("name") or user.get("username") or f"user {user_id}"
        account = self._account(user=user_id, name=str(name), timezone=user.get("timezone"))
        if self._settings.timezone is None:
            users = await self._client.users()
            with understood("GET /api/v2/users"):
                self._zones = v2_mapping.read_zones(users, self._zone)
        return account

    def lenses(self, kind: str) -> Mapping[str, Lens]:
        return v2_mapping.lenses(self._categories, self._zones) if kind == TASK.name else {}

    async def poll(self, kind: str) -> AsyncIterator[Sequence[Observation]]:
        only_tasks(kind)
        async for tasks in self._client.task_pages():
            with understood("GET /api/v2/tasks"):
                page = [v2_mapping.read_task(task, self._zones) for task in tasks]
            yield page

    async def _fetch(self, external_id: str) -> Observation | None:
        task = await self._client.task(external_id)
        if task is None:
            return None
        with understood(f"GET /api/v2/tasks/{external_id}"):
            return v2_mapping.read_task(task, self._zones)

    async def create(self, kind: str, values: Values) -> Observation:
        """Open, whatever `values` say of the state, and owned by the token's user. Raises `Refused` for a category that
        the account does not have any more.
        """
        only_tasks(kind)
        task = self._task(values, self._zones.own)
        made = await self._client.create({key: value for key, value in task.items() if value is not None})
        with understood("POST /api/v2/tasks", AnswerLost):
            return v2_mapping.read_task(made, self._zones)

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        """Due times are written by the clock of the task's owner. Raises `Refused` as `create` does."""
        only_tasks(kind)
        task = self._task(changes, self._zones.of(before.payload or {}))
        if not task:
            return still_there(await self.read(kind, before.external_id), before.external_id)
        return await self._put(before.external_id, task)

    async def delete(self, kind: str, external_id: str) -> None:
        only_tasks(kind)
        await self._client.delete(external_id)

    async def _set_done(self, external_id: str, *, done: bool) -> Observation:
        return await self._put(external_id, {"status": "COMPLETED" if done else "OPEN"})

    async def _put(self, external_id: str, task: dict[str, Any]) -> Observation:
        answer = await self._client.update(external_id, task)
        with understood(f"PUT /api/v2/tasks/{external_id}"):
            found = v2_mapping.read_task(answer, self._zones)
        if found.external_id != external_id:
            raise ServerFault(f"Capsule was asked to change task {external_id} and answered {found.external_id}.")
        return found

    def _task(self, values: Values, zone: ZoneInfo) -> dict[str, Any]:
        try:
            return v2_mapping.write_task(values, zone, self._category_ids)
        except LookupError as error:
            raise Refused(f"Capsule has no task category {error} any more.", status=422) from None
