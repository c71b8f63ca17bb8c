"""What both protocols share of a connection: who, where, which zone; the kinds of records; defaults; the check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tasksync.connectors.base import HttpConnector, written_ahead
from tasksync.connectors.capsule.client import TooMany
from tasksync.connectors.capsule.mapping import parse_zone
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.capsule.records import Records
from tasksync.connectors.capsule.references import TABLES, Table, is_number, refer, resembles
from tasksync.connectors.categories import find_category
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.core.directory import Referent
from tasksync.core.lens import Lens
from tasksync.core.record import TASK, Observation, Value, Values
from tasksync.core.reference import CONTACT, PERSON, Counterpart, only_own, parse
from tasksync.errors import ServerFault
from tasksync.ports import Account, Finding, Http, Sighting

NO_ZONE = ZoneInfo("UTC")


class CapsuleConnector(HttpConnector, ABC):
    """A `ports.Connector` for the kinds of `records`; the subclasses speak v1 and v2."""

    def __init__(
        self, settings: ConnectionSettings, options: CapsuleOptions, http: Http, records: Iterable[Records]
    ) -> None:
        super().__init__(settings, http)
        self._options = options
        self._records = {one.kind.name: one for one in records}
        self._categories: tuple[str, ...] = ()
        self._zone_told: ZoneInfo | None = None
        self._own_reference: str | None = None

    @abstractmethod
    async def open(self) -> Account: ...

    @abstractmethod
    async def people(self) -> Sequence[Referent]: ...

    @abstractmethod
    async def _describe(self, table: Table, number: str) -> Referent | None:
        """What the account knows of it; None when there is no such thing, or none for this user."""

    @abstractmethod
    async def _with_address(self, address: str) -> Sequence[Referent]:
        """The contacts that have this e-mail address, and possibly others."""

    @abstractmethod
    async def _named(self, table: Table, name: str) -> Sequence[Referent]:
        """Those of that name, and possibly others; none if there are too many to tell."""

    @abstractmethod
    async def _of_party(self, party: str, table: Table) -> Sequence[Referent]:
        """The opportunities or cases that have to do with a party, and possibly others."""

    @property
    def categories(self) -> Sequence[str]:
        return self._categories

    def defaults(self, kind: str, now: datetime) -> Values:
        """For tasks: the default category in the account's own spelling (absent when the account has none of that
        name), the default due date: that many days after today, where today is by the connection's zone; and the
        token's user, whose every new task is that is given to nobody. Of cases there are none.
        """
        if kind != TASK.name:
            return {}
        values: dict[str, Value] = {}
        wanted, ahead = self._options.defaults.category, self._options.defaults.due
        category = find_category(wanted, self._categories) if wanted else None
        if category is not None:
            values["category"] = category
        if self._own_reference is not None:
            values["assignees"] = (self._own_reference,)
        if ahead is not None:
            values["due"] = now.astimezone(self._zone).date() + ahead
        return values

    def lenses(self, kind: str, counterpart: Counterpart | None = None) -> Mapping[str, Lens]:
        known = only_own(self.connection) if counterpart is None else counterpart
        return self._records[kind].lenses(known) if kind in self._records else {}

    def poll(self, kind: str, since: datetime | None = None) -> AsyncIterator[Sequence[Sighting]]:
        return self._of(kind).poll(since)

    async def read(self, kind: str, external_id: str) -> Observation | None:
        return await self._of(kind).read(external_id)

    async def create(self, kind: str, values: Values) -> Observation:
        """Unfinished, whatever `values` say of the state. Raises `Refused` for what the account cannot have, or does
        not have any more, and `DefaultNeeded` for a case without a member.
        """
        return await self._of(kind).create(values)

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        """Raises `Refused` as `create` does."""
        return await self._of(kind).update(before, changes)

    async def complete(self, kind: str, before: Observation) -> Observation:
        return await self._of(kind).finish(before, finished=True)

    async def reopen(self, kind: str, before: Observation) -> Observation:
        return await self._of(kind).finish(before, finished=False)

    async def delete(self, kind: str, external_id: str) -> None:
        await self._of(kind).delete(external_id)

    def _of(self, kind: str) -> Records:
        if kind not in self._records:
            raise ValueError(f"the Capsule connector has no kind {kind!r}")
        return self._records[kind]

    async def look_up(self, reference: str) -> Referent | None:
        """Raises `ValueError` for a reference of another connection."""
        wanted = parse(reference)
        if wanted.connection != self.connection:
            raise ValueError(f"{reference} is not of connection {self.connection}")
        if wanted.type not in TABLES or not is_number(wanted.id):
            return None
        found = await self._describe(TABLES[wanted.type], wanted.id)
        if found is not None and found.reference != reference:
            raise ServerFault(f"Capsule was asked for {reference} and answered with {found.reference}.")
        return found

    async def find(self, wanted: Referent) -> Sequence[Referent]:
        """Opportunities and cases are looked for in the contact that they belong to, if `wanted` names one of this
        connection, else by their name. Where there is too much to look through, no name is told, because what is there
        but once cannot be told from a part; raises `TooMany` if there is no address to go by either.
        """
        found: list[Referent] = []
        if wanted.type == PERSON:
            found += await self.people()
        elif wanted.type == CONTACT:
            for address in wanted.emails:
                found += await self._with_address(address)
            found += await self._of_that_name(wanted)
        elif wanted.type in TABLES:
            party = None if wanted.parent is None else parse(wanted.parent)
            if party is not None and party.connection == self.connection and is_number(party.id):
                found += await self._of_party(party.id, TABLES[wanted.type])
            elif wanted.name.strip():
                found += await self._named(TABLES[wanted.type], wanted.name)
        return tuple({one.reference: one for one in found if resembles(wanted, one)}.values())

    async def _of_that_name(self, wanted: Referent) -> Sequence[Referent]:
        if not wanted.name.strip():
            return ()
        try:
            return await self._named("party", wanted.name)
        except TooMany:
            if not wanted.emails:
                raise
            return ()

    async def check(self) -> Sequence[Finding]:
        """Zone, default category and default due date. Whether the token may write cannot be known without writing."""
        return (self._check_zone(), self._check_category(), self._check_due())

    @property
    def _zone(self) -> ZoneInfo:
        return self._settings.timezone or self._zone_told or NO_ZONE

    @property
    def _place(self) -> str:
        """Where the account is, without scheme and user: `acme.capsulecrm.com`."""
        parts = urlsplit(self._settings.url)
        return f"{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/')}"

    def _account(self, *, user: str, person: str, name: str, timezone: object) -> Account:
        """The account of the token's user. `person` is what tasks call that user as their owner."""
        self._zone_told = parse_zone(timezone)
        self._own_reference = refer(self.connection, PERSON, person)
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
        if find_category(wanted, self._categories) is None:
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
