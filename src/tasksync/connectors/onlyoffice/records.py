"""What a portal does alike with its tasks and its cases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar

from tasksync.connectors.onlyoffice.client import Client
from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.connectors.onlyoffice.payload import NotUnderstood, identifier
from tasksync.connectors.sightings import json_form, sightings
from tasksync.core.lens import Lens
from tasksync.core.record import Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import ServerFault
from tasksync.ports import Sighting
from tasksync.transport.answers import unreadable


class Records(ABC):
    """The part of `ports.Connector` that is about one kind. `user` is this account's own id."""

    kind: ClassVar[str]

    def __init__(self, client: Client, portal: Portal, *, user: str) -> None:
        self._client = client
        self._portal = portal
        self._user = user

    @abstractmethod
    def lenses(self, counterpart: Counterpart | None) -> Mapping[str, Lens]: ...

    @abstractmethod
    def defaults(self, now: datetime) -> Values: ...

    @abstractmethod
    def observe(self, payload: Any) -> Observation:
        """The record of one payload. Raises `NotUnderstood`."""

    @abstractmethod
    def creation(self, values: Values) -> dict[str, Any]:
        """The body of a POST. Raises `DefaultNeeded`."""

    @abstractmethod
    def replacement(self, payload: Mapping[str, Any], changes: Values) -> dict[str, Any]:
        """The body of a PUT. Raises `NotUnderstood` and `DefaultNeeded`."""

    async def poll(self) -> AsyncIterator[Sequence[Sighting]]:
        """All of them: open ones first, then closed ones. One that is closed meanwhile comes twice; one that is
        reopened may be missing, which its direct read puts right (I5).
        """
        async for rows in self._client.records(self.kind):
            with _understood():
                page = sightings(
                    rows, id_of=_id_of, read=self._observed, form=json_form, context=(self._portal, self._user)
                )
            yield page

    async def read(self, external_id: str) -> Observation | None:
        payload = await self._client.record(self.kind, external_id)
        return None if payload is None else self._observed(payload)

    async def create(self, values: Values) -> Observation:
        """Create an open one; the state is not looked at. Raises `DefaultNeeded` besides what the port says."""
        response, payload = await self._client.create(self.kind, self.creation(values))
        try:
            return self.observe(payload)
        except NotUnderstood as error:
            raise unreadable(response, str(error)) from error

    async def update(self, before: Observation, changes: Values) -> Observation:
        """PUT all of `before` with `changes`; the state is not looked at."""
        try:
            body = self.replacement(before.payload, changes)
        except NotUnderstood as error:
            raise ServerFault(
                f"{self.kind.capitalize()} {before.external_id} cannot be understood: {error}."
            ) from error
        return self._observed(await self._client.replace(self.kind, before.external_id, body))

    async def complete(self, before: Observation) -> Observation:
        return self._observed(await self._client.set_closed(self.kind, before.external_id, closed=True))

    async def reopen(self, before: Observation) -> Observation:
        return self._observed(await self._client.set_closed(self.kind, before.external_id, closed=False))

    async def delete(self, external_id: str) -> None:
        await self._client.delete(self.kind, external_id)

    def _observed(self, payload: Any) -> Observation:
        with _understood():
            return self.observe(payload)


def _id_of(row: Any) -> str:
    return str(identifier(row))


@contextmanager
def _understood() -> Iterator[None]:
    """Turns what cannot be read of an answer into `ServerFault`."""
    try:
        yield
    except NotUnderstood as error:
        raise ServerFault(f"The portal's answer cannot be understood: {error}.") from error
