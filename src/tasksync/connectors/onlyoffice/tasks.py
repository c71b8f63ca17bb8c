"""Tasks of a portal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasksync.connectors.onlyoffice import mapping
from tasksync.connectors.onlyoffice.client import Client
from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.connectors.onlyoffice.options import Defaults
from tasksync.connectors.onlyoffice.records import Records
from tasksync.connectors.onlyoffice.references import refer
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Values
from tasksync.core.reference import PERSON, Counterpart
from tasksync.errors import TasksyncError, Vanished


class Tasks(Records):
    """One that is created is this account's, unless somebody else is named."""

    kind = TASK.name

    def __init__(self, client: Client, portal: Portal, defaults: Defaults, *, user: str) -> None:
        super().__init__(client, portal, user=user)
        self._defaults = defaults

    def lenses(self, counterpart: Counterpart | None) -> Mapping[str, Lens]:
        return mapping.lenses(self._portal, counterpart)

    def defaults(self, now: datetime) -> Values:
        """As `options.Defaults.values` says; responsible is this account."""
        own = refer(self._portal.connection, PERSON, self._user)
        return {"assignees": (own,), **self._defaults.values(self._portal, now)}

    def observe(self, payload: Any) -> Observation:
        return mapping.observe(payload, self._portal)

    def creation(self, values: Values) -> dict[str, Any]:
        return mapping.create_body(values, self._portal, user=self._user)

    def replacement(self, payload: Mapping[str, Any], changes: Values) -> dict[str, Any]:
        return mapping.update_body(payload, changes, self._portal)

    async def update(self, before: Observation, changes: Values) -> Observation:
        """If the task was deleted since `before` was read, the server makes a new one of the PUT
        (protocols/onlyoffice.md, 2.4, [S]), seen by its id. That one is removed again.
        """
        after = await super().update(before, changes)
        if after.external_id != before.external_id:
            raise Vanished(
                f"Task {before.external_id} was deleted before it could be updated. "
                f"{await self._remove_stray(after.external_id)}"
            )
        return after

    async def _remove_stray(self, external_id: str) -> str:
        try:
            await self.delete(external_id)
        except TasksyncError as error:
            return f"The portal made task {external_id} of the update; remove it by hand, as that failed: {error}"
        return f"Task {external_id}, which the portal made of the update, was removed."
