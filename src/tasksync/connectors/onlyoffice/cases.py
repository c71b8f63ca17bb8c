"""Cases of a portal (protocols/onlyoffice.md, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tasksync.connectors.onlyoffice import case_mapping
from tasksync.connectors.onlyoffice.client import Client
from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.connectors.onlyoffice.records import Records
from tasksync.core.lens import Lens
from tasksync.core.record import CASE, NOTHING, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import Refused, ServerFault


class Cases(Records):
    """`sees_everything`: whether private cases are shown to this account, too."""

    kind = CASE.name

    def __init__(self, client: Client, portal: Portal, *, user: str, sees_everything: bool) -> None:
        super().__init__(client, portal, user=user)
        self._sees_everything = sees_everything

    def lenses(self, counterpart: Counterpart | None) -> Mapping[str, Lens]:
        return case_mapping.lenses(self._portal, counterpart)

    def defaults(self, now: datetime) -> Values:  # noqa: ARG002 -- a case needs no more than its title
        return NOTHING

    def observe(self, payload: Any) -> Observation:
        return case_mapping.observe(payload, self._portal)

    def creation(self, values: Values) -> dict[str, Any]:
        return case_mapping.create_body(values)

    def replacement(self, payload: Mapping[str, Any], changes: Values) -> dict[str, Any]:
        return case_mapping.update_body(payload, changes, user=self._user)

    async def read(self, external_id: str) -> Observation | None:
        """A case that was made private is as missing as one that was deleted ([S]), so to an account from which some
        are hidden, none is ever known to be gone: raises `Refused`.
        """
        found = await super().read(external_id)
        if found is None and not self._sees_everything:
            raise Refused(
                f"The portal does not show case {external_id} to this account. Only a CRM administrator could tell "
                "whether it was deleted.",
                status=404,
            )
        return found

    async def update(self, before: Observation, changes: Values) -> Observation:
        """A case that is missing is not made anew: raises `Vanished`."""
        after = await super().update(before, changes)
        if after.external_id != before.external_id:
            raise ServerFault(f"Case {before.external_id} was updated, and case {after.external_id} was answered.")
        return after

    async def delete(self, external_id: str) -> None:
        """The portal deletes all tasks of the case with it, and its history ([S])."""
        await super().delete(external_id)
