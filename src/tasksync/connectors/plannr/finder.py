"""Asks Plannr who works there, and which client, case or plan something is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tasksync.connectors.plannr import directory_mapping
from tasksync.connectors.plannr.client import PlannrClient
from tasksync.connectors.plannr.payload import NotUnderstood
from tasksync.connectors.plannr.references import TAKEN, is_uuid
from tasksync.core.directory import Referent, plain
from tasksync.core.reference import CASE, CONTACT, PERSON, parse
from tasksync.errors import Refused, ServerFault


class Finder:
    """The directory's part of `ports.Connector` for one firm."""

    def __init__(self, client: PlannrClient, connection: str) -> None:
        self._client = client
        self._connection = connection

    async def people(self) -> list[Referent]:
        """The employees who have not left."""
        try:
            return directory_mapping.staff(await self._client.employees(), self._connection)
        except NotUnderstood as wrong:
            raise ServerFault(f"Plannr's list of employees cannot be understood: {wrong}.") from None

    async def look_up(self, reference: str) -> Referent | None:
        """As the port says. Raises `ValueError` for a reference of another connection."""
        wanted = parse(reference)
        if wanted.connection != self._connection:
            raise ValueError(f"{reference} is not of connection {self._connection}")
        if wanted.type not in TAKEN or not is_uuid(wanted.id):
            return None
        found = await self._client.look_up(TAKEN[wanted.type], wanted.id)
        if found is None:
            return None
        (referent,) = self._described(wanted.type, [found])
        if referent.reference != reference:
            raise ServerFault(f"Plannr was asked for {reference} and answered with {referent.reference}.")
        return referent

    async def find(self, wanted: Referent) -> list[Referent]:
        """As the port says; a plan corresponds to nothing, so that none is looked for. Raises `RetryLater` when there
        are too many to tell.
        """
        found: list[Referent] = []
        if wanted.type == PERSON:
            found = await self.people()
        elif wanted.type == CONTACT:
            found = self._described(CONTACT, await self._clients(wanted))
        elif wanted.type == CASE and plain(wanted.name):
            found = self._described(CASE, await self._cases(wanted))
        return list({one.reference: one for one in found if _names(one) & _names(wanted)}.values())

    async def _clients(self, wanted: Referent) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for address in wanted.emails:
            found += await self._client.find_clients("primary_email", address)
        return found + await self._client.find_clients("name", wanted.name)

    async def _cases(self, wanted: Referent) -> list[dict[str, Any]]:
        """Those of the contact that it belongs to, if `wanted` names one of this firm; else all."""
        parent = None if wanted.parent is None else parse(wanted.parent)
        if parent is None or parent.connection != self._connection:
            return await self._client.of_cases.first_cases()
        try:
            return await self._client.of_cases.cases_of(parent.id)
        except Refused as refused:
            if refused.status == 404:
                return []
            raise

    def _described(self, type_: str, found: Iterable[Any]) -> list[Referent]:
        try:
            return [directory_mapping.describe(one, type_, self._connection) for one in found]
        except NotUnderstood as wrong:
            raise ServerFault(f"Plannr's answer cannot be understood: {wrong}.") from None


def _names(one: Referent) -> set[str]:
    return {plain(one.name), *map(plain, one.emails)} - {""}
