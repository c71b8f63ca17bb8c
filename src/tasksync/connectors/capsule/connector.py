"""What both protocols share of a connection: who, where, which zone; defaults; the check; changes of state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tasksync.connectors.base import HttpConnector, written_ahead
from tasksync.connectors.capsule.mapping import find_category, parse_zone
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Value, Values
from tasksync.errors import Refused, ServerFault, Vanished
from tasksync.ports import Account, Finding, Http

_NO_ZONE = ZoneInfo("UTC")


class CapsuleConnector(HttpConnector, ABC):
    """A `ports.Connector` for the kind "task"; the subclasses speak v1 and v2."""

    def __init__(self, settings: ConnectionSettings, options: CapsuleOptions, http: Http) -> None:
        super().__init__(settings, http)
        self._options = options
        self._categories: tuple[str, ...] = ()
        self._zone_told: ZoneInfo | None = None

    @abstractmethod
    async def open(self) -> Account: ...

    @abstractmethod
    def lenses(self, kind: str) -> Mapping[str, Lens]: ...

    @abstractmethod
    def poll(self, kind: str) -> AsyncIterator[Sequence[Observation]]: ...

    @abstractmethod
    async def create(self, kind: str, values: Values) -> Observation: ...

    @abstractmethod
    async def update(self, kind: str, before: Observation, changes: Values) -> Observation: ...

    @abstractmethod
    async def delete(self, kind: str, external_id: str) -> None: ...

    @abstractmethod
    async def _fetch(self, external_id: str) -> Observation | None:
        """What the server holds, or None when it says that there is no such task."""

    @abstractmethod
    async def _set_done(self, external_id: str, *, done: bool) -> Observation:
        """Complete or reopen. Raises `Vanished`."""

    def defaults(self, kind: str, now: datetime) -> Values:
        """The default category in the account's own spelling (absent when the account has none of that name), and the
        default due date: that many days after today, where today is by the connection's zone.
        """
        if kind != TASK.name:
            return {}
        values: dict[str, Value] = {}
        wanted, ahead = self._options.defaults.category, self._options.defaults.due
        category = find_category(self._categories, wanted) if wanted else None
        if category is not None:
            values["category"] = category
        if ahead is not None:
            values["due"] = now.astimezone(self._zone).date() + ahead
        return values

    async def read(self, kind: str, external_id: str) -> Observation | None:
        only_tasks(kind)
        found = await self._fetch(external_id)
        if found is not None and found.external_id != external_id:
            raise ServerFault(f"Capsule was asked for task {external_id} and answered with task {found.external_id}.")
        return found

    async def complete(self, kind: str, before: Observation) -> Observation:
        only_tasks(kind)
        return await self._bring_to(before, done=True)

    async def reopen(self, kind: str, before: Observation) -> Observation:
        only_tasks(kind)
        return await self._bring_to(before, done=False)

    async def _bring_to(self, before: Observation, *, done: bool) -> Observation:
        """What is in that state already is a success and needs no request: what Capsule answers to a second completion
        is not known (protocols/capsule.md, 2.6 and 3.4, [UNK]), and a PENDING task is never sent OPEN.
        """
        if before.values.get("done") is done:
            return before
        try:
            return await self._set_done(before.external_id, done=done)
        except Refused:
            # Somebody may have been faster.
            found = await self._fetch(before.external_id)
            if found is None or found.values.get("done") is not done:
                raise
            return found

    async def check(self) -> Sequence[Finding]:
        """Zone, default category and default due date. Whether the token may write cannot be known without writing."""
        return (self._check_zone(), self._check_category(), self._check_due())

    @property
    def _zone(self) -> ZoneInfo:
        return self._settings.timezone or self._zone_told or _NO_ZONE

    @property
    def _place(self) -> str:
        """Where the account is, without scheme and user: `acme.capsulecrm.com`."""
        parts = urlsplit(self._settings.url)
        return f"{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/')}"

    def _account(self, *, user: str, name: str, timezone: object) -> Account:
        self._zone_told = parse_zone(timezone)
        return Account(identity=f"{self._place} {user}", label=f"{name} at {self._place}", zone=self._zone.key)

    def _check_zone(self) -> Finding:
        source = "configured" if self._settings.timezone else "told by Capsule" if self._zone_told else None
        if source is None:
            return Finding(
                subject="time zone",
                ok=False,
                message="Capsule does not tell the user's time zone; UTC stands in.",
                advice=f"Set the zone in the user's preferences, or `timezone` of connection {self.connection}.",
            )
        return Finding(subject="time zone", ok=True, message=f"{self._zone.key}, {source}.")

    def _check_category(self) -> Finding:
        wanted = self._options.defaults.category
        if wanted is None:
            return Finding(subject="default category", ok=True, message="None set, and Capsule needs none.")
        if find_category(self._categories, wanted) is None:
            return Finding(
                subject="default category",
                ok=False,
                message=f"Capsule has no task category {wanted!r}.",
                advice=f"Create it there, or set `defaults: category` to one of: {', '.join(self._categories)}.",
            )
        return Finding(subject="default category", ok=True, message=f"{wanted!r} exists.")

    def _check_due(self) -> Finding:
        due = self._options.defaults.due
        if due is None:
            return Finding(
                subject="default due date",
                ok=False,
                message="Capsule needs a due date, and tasks without one have no default: they will be held.",
                advice=f"Set `defaults: {{due: +7d}}` on connection {self.connection}.",
            )
        return Finding(
            subject="default due date", ok=True, message=f"Tasks without a due date get one at {written_ahead(due)}."
        )


def only_tasks(kind: str) -> None:
    """Raise `ValueError` for a kind that this connector has no lenses for."""
    if kind != TASK.name:
        raise ValueError(f"the Capsule connector has no kind {kind!r}")


def still_there(found: Observation | None, external_id: str) -> Observation:
    """`found`, the read after a write. Raises `Vanished`."""
    if found is None:
        raise Vanished(f"Task {external_id} was deleted in Capsule while it was being changed.")
    return found
