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
from tasksync.connectors.onlyoffice.client import Client
from tasksync.connectors.onlyoffice.mapping import (
    Portal,
    category_ids,
    create_body,
    lenses,
    observe,
    sees_everything,
    update_body,
)
from tasksync.connectors.onlyoffice.options import Defaults, OnlyofficeOptions
from tasksync.connectors.onlyoffice.times import NotUnderstood, portal_offset, portal_zone
from tasksync.core.lens import Lens
from tasksync.core.record import NOTHING, TASK, Observation, Values
from tasksync.errors import Misconnected, ServerFault, TasksyncError, Vanished
from tasksync.ports import Account, Dial, Finding, RateLimit
from tasksync.transport.answers import unreadable

# "Up to 500 requests per 10 seconds" (4.5, [D]).
LIMIT: Final = RateLimit(requests=500, per_s=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    user_id: str
    portal: Portal
    sees_everything: bool
    told_zone: bool


class OnlyofficeConnector(HttpConnector):
    """One ONLYOFFICE portal as a `ports.Connector`, for tasks.

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

    async def open(self) -> Account:
        """Sign in, and read who we are, the portal's zone and its task categories.

        The identity is the portal's host and the user's id. The scope tells administrators from others, who are shown
        fewer tasks (protocols/onlyoffice.md, 1.4, [S]).
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
        self._opened = _Opened(
            user_id=user_id,
            portal=Portal(zone=zone, categories=categories),
            sees_everything=everything,
            told_zone=told is not None,
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

    def lenses(self, kind: str) -> Mapping[str, Lens]:
        return lenses(self._state.portal) if kind == TASK.name else {}

    def defaults(self, kind: str, now: datetime) -> Values:
        """As `options.Defaults.values` says."""
        return self._defaults.values(self._state.portal, now) if kind == TASK.name else NOTHING

    async def poll(self, kind: str) -> AsyncIterator[Sequence[Observation]]:
        """Open tasks first, then closed ones. A task that is closed meanwhile comes twice; one that is reopened may be
        missing, which its direct read puts right (I5).
        """
        if kind != TASK.name:
            return
        portal = self._state.portal
        for closed in (False, True):
            async for rows in self._client.tasks(closed=closed):
                try:
                    yield [observe(row, portal) for row in rows]
                except NotUnderstood as error:
                    raise ServerFault(f"The listing of tasks cannot be understood: {error}.") from error

    async def read(self, kind: str, external_id: str) -> Observation | None:
        _only_tasks(kind)
        payload = await self._client.task(external_id)
        return None if payload is None else self._observed(payload)

    async def create(self, kind: str, values: Values) -> Observation:
        """Create an open task, for which this account is responsible; `done` is not looked at. Raises `DefaultNeeded`
        besides what the port says.
        """
        _only_tasks(kind)
        state = self._state
        response, payload = await self._client.create(create_body(values, state.portal, responsible=state.user_id))
        try:
            return observe(payload, state.portal)
        except NotUnderstood as error:
            raise unreadable(response, str(error)) from error

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        """PUT all of `before` with `changes`; `done` is not looked at.

        If the task was deleted since `before` was read, the server makes a new one of the PUT (protocols/onlyoffice.md,
        2.4, [S]), seen by its id. That one is removed again.
        """
        _only_tasks(kind)
        try:
            body = update_body(before.payload, changes, self._state.portal)
        except NotUnderstood as error:
            raise ServerFault(f"Task {before.external_id} cannot be understood: {error}.") from error
        after = self._observed(await self._client.replace(before.external_id, body))
        if after.external_id != before.external_id:
            raise Vanished(
                f"Task {before.external_id} was deleted before it could be updated. "
                f"{await self._remove_stray(after.external_id)}"
            )
        return after

    async def _remove_stray(self, external_id: str) -> str:
        try:
            await self._client.delete(external_id)
        except TasksyncError as error:
            return f"The portal made task {external_id} of the update; remove it by hand, as that failed: {error}"
        return f"Task {external_id}, which the portal made of the update, was removed."

    async def complete(self, kind: str, before: Observation) -> Observation:
        _only_tasks(kind)
        return self._observed(await self._client.set_closed(before.external_id, closed=True))

    async def reopen(self, kind: str, before: Observation) -> Observation:
        _only_tasks(kind)
        return self._observed(await self._client.set_closed(before.external_id, closed=False))

    async def delete(self, kind: str, external_id: str) -> None:
        _only_tasks(kind)
        await self._client.delete(external_id)

    async def check(self) -> Sequence[Finding]:
        state = self._state
        zone = state.portal.zone.key
        rights = (
            Finding(subject="rights", ok=True, message="The account is a CRM administrator: it sees every task.")
            if state.sees_everything
            else Finding(
                subject="rights",
                ok=False,
                message="The account is no CRM administrator: other people's tasks may be hidden or read-only.",
                advice="Use an administrator of the portal or of its CRM module.",
            )
        )
        source = "the portal says so" if state.told_zone else "as configured; the portal gives no IANA name"
        return (
            rights,
            Finding(subject="timezone", ok=True, message=f"Due dates are days in {zone} ({source})."),
            *self._defaults.findings(state.portal),
        )

    def _observed(self, payload: Mapping[str, Any]) -> Observation:
        try:
            return observe(payload, self._state.portal)
        except NotUnderstood as error:
            raise ServerFault(f"The portal's answer cannot be understood: {error}.") from error

    @property
    def _state(self) -> _Opened:
        if self._opened is None:
            raise RuntimeError("open() comes first")
        return self._opened


def _only_tasks(kind: str) -> None:
    if kind != TASK.name:
        raise ValueError(f"ONLYOFFICE has no lenses for a {kind}")


manifest = Manifest(
    type="onlyoffice",
    label="ONLYOFFICE CRM",
    options=OnlyofficeOptions,
    credentials=(frozenset({"token"}), frozenset({"username", "password"})),
    build=OnlyofficeConnector,
)
