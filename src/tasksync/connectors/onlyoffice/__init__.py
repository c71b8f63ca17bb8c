"""ONLYOFFICE CRM (Workspace, CommunityServer). The facts behind it are in protocols/onlyoffice.md."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tasksync.connectors.base import HttpConnector
from tasksync.connectors.manifest import ConnectionSettings, Manifest
from tasksync.connectors.onlyoffice.cases import Cases
from tasksync.connectors.onlyoffice.client import Client
from tasksync.connectors.onlyoffice.finder import Finder
from tasksync.connectors.onlyoffice.mapping import Portal, category_ids, sees_everything
from tasksync.connectors.onlyoffice.options import Defaults, OnlyofficeOptions
from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.connectors.onlyoffice.records import Records
from tasksync.connectors.onlyoffice.tasks import Tasks
from tasksync.connectors.onlyoffice.times import portal_offset, portal_zone
from tasksync.core.directory import Referent
from tasksync.core.lens import Lens
from tasksync.core.record import NOTHING, Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.errors import Misconnected, ServerFault
from tasksync.ports import Account, Dial, Finding, RateLimit, Sighting

# "Up to 500 requests per 10 seconds" (4.5, [D]).
LIMIT: Final = RateLimit(requests=500, per_s=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    portal: Portal
    sees_everything: bool
    told_zone: bool
    records: Mapping[str, Records]


class OnlyofficeConnector(HttpConnector):
    """One ONLYOFFICE portal as a `ports.Connector`, for tasks and cases.

    Needs `url` (the portal), and a token or a user name and password. `timezone` counts only where the portal's own
    zone has no IANA name.
    """

    def __init__(self, settings: ConnectionSettings, dial: Dial) -> None:
        http = dial(
            connection=settings.name,
            base_url=settings.url,
            limit=LIMIT,
            expects="json",
            headers={},
            secrets=[secret for secret in (settings.token, settings.password) if secret],
        )
        super().__init__(settings, http)
        self._defaults: Defaults = Defaults() if settings.options is None else settings.options.defaults
        self._opened: _Opened | None = None
        self._client = Client(http, token=settings.token, username=settings.username, password=settings.password)
        self._finder = Finder(self._client, settings.name)

    async def open(self) -> Account:
        """Sign in, and read who we are, the portal's zone and its task categories.

        The identity is the portal's host and the user's id. The scope tells administrators from others, who are shown
        fewer tasks and cases (protocols/onlyoffice.md, 1.4, [S]).
        """
        user = await self._client.user()
        user_id = user.get("id")
        if not isinstance(user_id, str) or not user_id:
            raise Misconnected(f"{self._settings.url} does not say who we are there. Check the connection's url.")
        settings, answered_at = await self._client.settings()
        told = portal_zone(settings)
        zone = told or self._configured_zone(settings, answered_at)
        try:
            categories = category_ids(await self._client.categories())
        except NotUnderstood as error:
            raise ServerFault(f"The list of task categories cannot be understood: {error}.") from error
        everything = sees_everything(user)
        portal = Portal(connection=self.connection, zone=zone, categories=categories, aliases=self._settings.categories)
        tasks = Tasks(self._client, portal, self._defaults, user=user_id)
        cases = Cases(self._client, portal, user=user_id, sees_everything=everything)
        self._opened = _Opened(
            portal=portal,
            sees_everything=everything,
            told_zone=told is not None,
            records={one.kind: one for one in (tasks, cases)},
        )
        host = urlsplit(self._settings.url).hostname or self._settings.url
        return Account(
            identity=f"{host}/{user_id}",
            label=f"{user.get('displayName') or user_id} at {host}",
            zone=zone.key,
            scope="administrator" if everything else "own tasks",
        )

    def _configured_zone(self, settings: Mapping[str, Any], answered_at: datetime | None) -> ZoneInfo:
        """The zone from the config, if it can be the portal's: a wrong one would shift every all-day date."""
        zone = self._settings.timezone
        told = f"The portal calls its time zone {settings.get('timezone')!r}, which is no name of the IANA database"
        if zone is None:
            raise Misconnected(
                f"{told}. Set `timezone:` of connection {self.connection} to the portal's zone, such as Europe/London."
            )
        offset = portal_offset(settings)
        if offset is not None and answered_at is not None and answered_at.astimezone(zone).utcoffset() != offset:
            raise Misconnected(
                f"{told}; the configured one, {zone.key}, is not it, because the portal's clock is {offset} ahead of "
                f"UTC at the moment. Correct `timezone:` of connection {self.connection}."
            )
        return zone

    @property
    def categories(self) -> Sequence[str]:
        return tuple(self._state.portal.categories)

    def lenses(self, kind: str, counterpart: Counterpart | None = None) -> Mapping[str, Lens]:
        records = self._state.records.get(kind)
        return {} if records is None else records.lenses(counterpart)

    def defaults(self, kind: str, now: datetime) -> Values:
        """As those of `Tasks` and `Cases` say."""
        records = self._state.records.get(kind)
        return NOTHING if records is None else records.defaults(now)

    def poll(
        self,
        kind: str,
        since: datetime | None = None,  # noqa: ARG002 -- nothing tells when something was modified (2.5, [S])
    ) -> AsyncIterator[Sequence[Sighting]]:
        """All of them, in the order that `Records.poll` says."""
        return self._of(kind).poll()

    async def read(self, kind: str, external_id: str) -> Observation | None:
        """Raises `Refused` for a case that may be hidden as well as gone."""
        return await self._of(kind).read(external_id)

    async def create(self, kind: str, values: Values) -> Observation:
        """As `Records.create` says."""
        return await self._of(kind).create(values)

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        """As `Tasks.update` and `Cases.update` say."""
        return await self._of(kind).update(before, changes)

    async def complete(self, kind: str, before: Observation) -> Observation:
        return await self._of(kind).complete(before)

    async def reopen(self, kind: str, before: Observation) -> Observation:
        return await self._of(kind).reopen(before)

    async def delete(self, kind: str, external_id: str) -> None:
        """Deleting a case deletes its tasks, too."""
        await self._of(kind).delete(external_id)

    async def people(self) -> Sequence[Referent]:
        return await self._finder.people()

    async def look_up(self, reference: str) -> Referent | None:
        """Raises `ValueError` for a reference of another connection."""
        return await self._finder.look_up(reference)

    async def find(self, wanted: Referent) -> Sequence[Referent]:
        """As `finder.Finder.find` says."""
        return await self._finder.find(wanted)

    async def check(self) -> Sequence[Finding]:
        state = self._state
        zone = state.portal.zone.key
        rights = (
            Finding(
                subject="rights", ok=True, message="The account is a CRM administrator: it sees all tasks and cases."
            )
            if state.sees_everything
            else Finding(
                subject="rights",
                ok=False,
                message="The account is no CRM administrator: other people's tasks, and private cases, may be hidden "
                "or read-only.",
                advice="Use an administrator of the portal or of its CRM module.",
            )
        )
        source = "the portal says so" if state.told_zone else "as configured; the portal gives no IANA name"
        return (
            rights,
            Finding(subject="timezone", ok=True, message=f"Due dates are days in {zone} ({source})."),
            *self._defaults.findings(state.portal),
        )

    def _of(self, kind: str) -> Records:
        records = self._state.records.get(kind)
        if records is None:
            raise ValueError(f"ONLYOFFICE has no lenses for a {kind}")
        return records

    @property
    def _state(self) -> _Opened:
        if self._opened is None:
            raise RuntimeError("open() comes first")
        return self._opened


manifest = Manifest(
    type="onlyoffice",
    label="ONLYOFFICE CRM",
    options=OnlyofficeOptions,
    credentials=(frozenset({"token"}), frozenset({"username", "password"})),
    build=OnlyofficeConnector,
)
