"""Tasks of a Plannr connection: the part of `ports.Connector` that is about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from tasksync.connectors.plannr import firm, mapping
from tasksync.connectors.plannr.answers import listed, understood
from tasksync.connectors.plannr.client import PlannrClient
from tasksync.connectors.plannr.options import Defaults
from tasksync.core.lens import Lens
from tasksync.core.record import NOTHING, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import AnswerLost, DefaultNeeded, RetryLater, ServerFault
from tasksync.ports import Sighting

NO_LINK = (
    "Plannr creates no task without a link, and no default is configured. "
    "Set defaults.link to {type: client, employee, case or plan, id: its uuid}."
)


class Tasks:
    """`statuses`: the firm's, by position."""

    def __init__(
        self, client: PlannrClient, connection: str, defaults: Defaults, statuses: Sequence[firm.Status]
    ) -> None:
        self._client = client
        self._connection = connection
        self._defaults = defaults
        self._statuses = statuses

    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]:
        return mapping.lenses(counterpart)

    def defaults(self) -> Values:
        """The link; the status is no field, `create` adds it."""
        link = self._defaults.link
        return NOTHING if link is None else {"links": (link.reference(self._connection),)}

    async def poll(self, since: datetime | None) -> AsyncIterator[Sequence[Sighting]]:
        async for items in self._client.tasks(since):
            yield listed(items, self._observed, self._connection)

    async def read(self, external_id: str) -> Observation | None:
        found = await self._client.task(external_id)
        return None if found is None else self._observed(found, external_id)

    async def create(self, values: Values) -> Observation:
        """Raises `DefaultNeeded` besides what the port says."""
        if not values.get("links"):
            raise DefaultNeeded(NO_LINK)
        status = firm.starting_status(self._statuses, self._defaults.status)
        if values.get("done"):
            # In one request, so that there is no moment at which the task exists and is not what it should be.
            status = firm.finished_status(self._statuses) or status
        body = mapping.creation_body(values, status_uuid=status.uuid)
        return self._observed(await self._client.create_task(body), fault=AnswerLost)

    async def update(self, before: Observation, changes: Values) -> Observation:
        body = mapping.changes_body(changes)
        if not body:
            return before
        return self._observed(await self._client.update_task(before.external_id, body), before.external_id)

    async def complete(self, before: Observation) -> Observation:
        # What a second completion does is unknown (4.4): it might move completed_at, or make a recurring task recur.
        if before.values.get("done") is True:
            return before
        uuid = before.external_id
        return self._observed(await self._client.complete_task(uuid), uuid, fault=AnswerLost)

    async def reopen(self, before: Observation) -> Observation:
        if before.values.get("done") is False:
            return before
        uuid = before.external_id
        status = firm.reopening_status(self._statuses, self._defaults.status)
        return self._observed(await self._client.uncomplete_task(uuid, status.uuid), uuid, fault=AnswerLost)

    async def delete(self, external_id: str) -> None:
        await self._client.delete_task(external_id)

    def _observed(
        self, payload: object, asked: str | None = None, *, fault: type[RetryLater] = ServerFault
    ) -> Observation:
        return understood(lambda: mapping.observation(payload, self._connection), asked, fault)
