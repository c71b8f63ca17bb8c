"""Asks the portal who works there, and which contact, opportunity or case something is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tasksync.connectors.onlyoffice.client import Client
from tasksync.connectors.onlyoffice.directory import describe, staff
from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.connectors.onlyoffice.references import is_number
from tasksync.core.directory import Referent, plain
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON, parse
from tasksync.errors import ServerFault

# What a task can be linked to; the portal's paths have the same words.
_LINKED: Final = frozenset({CONTACT, OPPORTUNITY, CASE})


class Finder:
    """The directory's part of `ports.Connector` for one portal."""

    def __init__(self, client: Client, connection: str) -> None:
        self._client = client
        self._connection = connection

    async def people(self) -> list[Referent]:
        """Those who have not left the portal. From some accounts their e-mails are hidden (protocols/onlyoffice.md,
        5.1, [S]).
        """
        found: list[Referent] = []
        async for rows in self._client.people():
            try:
                found += staff(rows, self._connection)
            except NotUnderstood as error:
                raise ServerFault(f"The list of people cannot be understood: {error}.") from error
        return found

    async def look_up(self, reference: str) -> Referent | None:
        """As the port says. Raises `ValueError` for a reference of another connection."""
        wanted = parse(reference)
        if wanted.connection != self._connection:
            raise ValueError(f"{reference} is not of connection {self._connection}")
        if wanted.type not in _LINKED or not is_number(wanted.id):
            return None
        payload = await self._client.details(wanted.type, wanted.id)
        return None if payload is None else self._described(wanted.type, [payload])[0]

    async def find(self, wanted: Referent) -> list[Referent]:
        """As the port says. Opportunities and cases are looked for in the contact that they belong to, if `wanted`
        names one of this portal, else by their name. Raises `RetryLater` when there are too many to tell.
        """
        if wanted.type == PERSON:
            return [one for one in await self.people() if _names(one) & _names(wanted)]
        if wanted.type not in _LINKED:
            return []
        rows: list[Any] = []
        if wanted.type == CONTACT:
            for email in filter(plain, wanted.emails):
                rows += await self._client.contacts_with(email)
        limits = self._limits(wanted)
        if limits:
            rows += await self._client.search(wanted.type, limits)
        return list({one.reference: one for one in self._described(wanted.type, rows)}.values())

    def _limits(self, wanted: Referent) -> Sequence[tuple[str, str]]:
        """What to ask the filter of a list for; nothing where there is nothing to go by."""
        parent = None if wanted.parent is None else parse(wanted.parent)
        if parent is not None and parent.connection == self._connection:
            return [("contactid", parent.id)]
        # A comma cuts what is searched for (2.1, [S]). Without it the same words have to be there.
        words = wanted.name.replace(",", " ").split()
        return [("filterValue", " ".join(words))] if words else []

    def _described(self, type_: str, rows: Sequence[Any]) -> list[Referent]:
        try:
            return describe(type_, rows, self._connection)
        except NotUnderstood as error:
            raise ServerFault(f"What the portal says of a {type_} cannot be understood: {error}.") from error


def _names(one: Referent) -> set[str]:
    return {plain(one.name), *map(plain, one.emails)} - {""}
