"""Cases of a Plannr connection: the part of `ports.Connector` that is about them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasksync.connectors.plannr import case_mapping
from tasksync.connectors.plannr.answers import listed, understood
from tasksync.connectors.plannr.case_client import CaseClient
from tasksync.connectors.plannr.options import Defaults
from tasksync.core.lens import Lens
from tasksync.core.record import NOTHING, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import AnswerLost, DefaultNeeded, RetryLater, ServerFault, SkipRecord, StopConnection, Vanished
from tasksync.ports import Sighting

_NO_CLIENT = (
    "Plannr creates no case without a client, and no default is configured. "
    "Set defaults.link to {type: client, id: its uuid}."
)


class Cases:
    """Who takes part in a case is told by lists and reads, and not by the answers to writes."""

    def __init__(self, client: CaseClient, connection: str, defaults: Defaults) -> None:
        self._client = client
        self._connection = connection
        self._defaults = defaults

    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]:
        return case_mapping.lenses(counterpart)

    def defaults(self) -> Values:
        """The client that new tasks hang on, if that is one."""
        link = self._defaults.link
        return NOTHING if link is None or link.type != "client" else {"members": (link.reference(self._connection),)}

    async def poll(self, _since: datetime | None) -> AsyncIterator[Sequence[Sighting]]:
        """All of them: what changed since cannot be asked for."""
        async for items in self._client.cases():
            yield listed(items, self._observed, self._connection)

    async def read(self, external_id: str) -> Observation | None:
        found = await self._client.case(external_id)
        return None if found is None else self._observed(found, external_id)

    async def create(self, values: Values) -> Observation:
        """An open case. Raises `DefaultNeeded` besides what the port says."""
        if not values.get("members"):
            raise DefaultNeeded(_NO_CLIENT)
        made = self._observed(await self._client.create_case(case_mapping.creation_body(values)), fault=AnswerLost)
        if "members" in made.values:
            return made
        try:
            return await self.read(made.external_id) or made
        except (RetryLater, SkipRecord, StopConnection):
            # It exists, which is what matters most: the next poll tells who is in it.
            return made

    async def update(self, before: Observation, changes: Values) -> Observation:
        """Without a word of who is in it before, people only come."""
        uuid, after = before.external_id, before
        body = case_mapping.changes_body(changes)
        if body:
            after = self._answered(await self._client.update_case(uuid, body), before)
        if "members" not in changes:
            return after
        come, leave = case_mapping.moved(before.values.get("members"), changes["members"])
        # In this order, since one client always has to be in it.
        if come:
            await self._client.change_participants(uuid, "add", come)
        if leave:
            await self._client.change_participants(uuid, "remove", leave)
        return await self._fresh(uuid) if come or leave else after

    async def complete(self, before: Observation) -> Observation:
        # Somebody may have been faster, and a second completion would move the time of the first.
        now = await self._fresh(before.external_id)
        if now.values.get("closed") is True:
            return now
        return self._answered(await self._client.close_case(now.external_id, self._client.now()), now)

    async def reopen(self, before: Observation) -> Observation:
        if before.values.get("closed") is False:
            return before
        return self._answered(await self._client.reopen_case(before.external_id), before)

    async def delete(self, external_id: str) -> None:
        await self._client.delete_case(external_id)

    async def _fresh(self, uuid: str) -> Observation:
        found = await self.read(uuid)
        if found is None:
            raise Vanished(f"Plannr does not have the case {uuid} any more.")
        return found

    def _answered(self, answer: dict[str, Any], before: Observation) -> Observation:
        """The case after a write that left its participants as they are."""
        return self._observed(case_mapping.with_participants_of(answer, before.payload), before.external_id)

    def _observed(
        self, payload: object, asked: str | None = None, *, fault: type[RetryLater] = ServerFault
    ) -> Observation:
        return understood(lambda: case_mapping.observation(payload, self._connection), asked, fault)
