"""What both protocols do with the records of one kind: the part of `ports.Connector` that is about them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import ClassVar

from tasksync.core.lens import Lens
from tasksync.core.record import Kind, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import DefaultNeeded, Refused, ServerFault, Vanished
from tasksync.ports import Sighting


class Records(ABC):
    """The records of one kind in one account. The words of the methods are those of the port."""

    kind: ClassVar[Kind]

    def __init__(self, connection: str) -> None:
        self._connection = connection

    @abstractmethod
    def lenses(self, counterpart: Counterpart) -> Mapping[str, Lens]: ...

    @abstractmethod
    def poll(self, since: datetime | None) -> AsyncIterator[Sequence[Sighting]]: ...

    @abstractmethod
    async def create(self, values: Values) -> Observation: ...

    @abstractmethod
    async def update(self, before: Observation, changes: Values) -> Observation: ...

    @abstractmethod
    async def delete(self, external_id: str) -> None: ...

    @abstractmethod
    async def _fetch(self, external_id: str) -> Observation | None:
        """What the server holds, or None when it says that there is no such record."""

    @abstractmethod
    async def _set_state(self, external_id: str, *, finished: bool) -> Observation:
        """Complete or reopen. Raises `Vanished`."""

    async def read(self, external_id: str) -> Observation | None:
        found, what = await self._fetch(external_id), self.kind.name
        if found is not None and found.external_id != external_id:
            raise ServerFault(
                f"Capsule was asked for {what} {external_id} and answered with {what} {found.external_id}."
            )
        return found

    async def finish(self, before: Observation, *, finished: bool) -> Observation:
        """What is in that state already is a success and needs no request: what Capsule answers to a second completion
        is not known (protocols/capsule.md, 2.6 and 3.4, [UNK]), and a PENDING task is never sent OPEN.
        """
        if before.values.get(self.kind.state) is finished:
            return before
        try:
            return await self._set_state(before.external_id, finished=finished)
        except Refused:
            # Somebody may have been faster.
            found = await self._fetch(before.external_id)
            if found is None or found.values.get(self.kind.state) is not finished:
                raise
            return found

    def _still_there(self, found: Observation | None, external_id: str) -> Observation:
        """`found`, the read after a write. Raises `Vanished`."""
        if found is None:
            what = self.kind.name.capitalize()
            raise Vanished(f"{what} {external_id} was deleted in Capsule while it was being changed.")
        return found


@contextmanager
def storable() -> Iterator[None]:
    """Turns what the account cannot have, or does not have any more, into `Refused`, before anything is sent."""
    try:
        yield
    except LookupError as error:
        raise Refused(f"Capsule has no {error}, or not any more.", status=422) from None


def party_needed() -> DefaultNeeded:
    """For a case without a party."""
    return DefaultNeeded(
        "Capsule creates no case without a contact. Give the case a member that Capsule has, too, or say under "
        "`links` in the config which one it is."
    )
