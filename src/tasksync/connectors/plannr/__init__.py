"""Plannr CRM: tasks and cases over its JSON API (protocols/plannr.md)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from tasksync.connectors.base import HttpConnector
from tasksync.connectors.manifest import ConnectionSettings, Manifest
from tasksync.connectors.plannr import firm
from tasksync.connectors.plannr.cases import Cases
from tasksync.connectors.plannr.client import PlannrClient
from tasksync.connectors.plannr.finder import Finder
from tasksync.connectors.plannr.options import PlannrOptions
from tasksync.connectors.plannr.payload import LONDON, NotUnderstood
from tasksync.connectors.plannr.tasks import NO_LINK, Tasks
from tasksync.core.directory import Referent
from tasksync.core.lens import Lens
from tasksync.core.record import CASE, NOTHING, TASK, Observation, Values
from tasksync.core.reference import Counterpart, only_own
from tasksync.errors import DefaultNeeded, NeedsLogin, Refused, ServerFault
from tasksync.ports import Account, Capabilities, Connector, Dial, Finding, Http, OAuthServer, RateLimit, Sighting

_LIMIT = RateLimit(requests=500, per_s=60)  # per user (3.5 [S])


class PlannrConnector(HttpConnector):
    """See `ports.Connector`. The kinds are "task" and "case"."""

    def __init__(self, settings: ConnectionSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._options: PlannrOptions = settings.options or PlannrOptions()
        self._client = PlannrClient(http)
        self._finder = Finder(self._client, settings.name)
        self._login: firm.Login | None = None
        self._statuses: Sequence[firm.Status] = ()
        self._kinds: Mapping[str, Tasks | Cases] = {}

    @property
    def capabilities(self) -> Capabilities:
        # Cases can be had in no order of their changes (7.4 [S]).
        return Capabilities(incremental=frozenset({TASK.name}))

    async def open(self) -> Account:
        answer = await self._client.logins()
        try:
            logins = [firm.login(item) for item in answer["data"]]
            login = firm.choose_login(
                logins,
                configured=self._options.account_uuid,
                preferred=firm.preferred_account(answer, answer["data"]),
            )
            self._client.act_as(login.account)
            self._statuses = firm.statuses(await self._client.statuses())
        except NotUnderstood as wrong:
            raise ServerFault(f"Plannr's answer cannot be understood: {wrong}.") from None
        self._login = login
        defaults = self._options.defaults
        self._kinds = {
            TASK.name: Tasks(self._client, self.connection, defaults, self._statuses),
            CASE.name: Cases(self._client.of_cases, self.connection, defaults),
        }
        return Account(identity=login.identity, label=login.label, zone=LONDON.key, scope=login.scope)

    def lenses(self, kind: str, counterpart: Counterpart | None = None) -> Mapping[str, Lens]:
        known = only_own(self.connection) if counterpart is None else counterpart
        return self._kinds[kind].lenses(known) if kind in self._kinds else {}

    def defaults(self, kind: str, now: datetime) -> Values:  # noqa: ARG002 - none of them has to do with the day
        return self._kinds[kind].defaults() if kind in self._kinds else NOTHING

    def poll(self, kind: str, since: datetime | None = None) -> AsyncIterator[Sequence[Sighting]]:
        return self._of(kind).poll(since)

    async def read(self, kind: str, external_id: str) -> Observation | None:
        return await self._of(kind).read(external_id)

    async def create(self, kind: str, values: Values) -> Observation:
        """Raises `DefaultNeeded` besides what the port says."""
        return await self._of(kind).create(values)

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        return await self._of(kind).update(before, changes)

    async def complete(self, kind: str, before: Observation) -> Observation:
        return await self._of(kind).complete(before)

    async def reopen(self, kind: str, before: Observation) -> Observation:
        return await self._of(kind).reopen(before)

    async def delete(self, kind: str, external_id: str) -> None:
        await self._of(kind).delete(external_id)

    async def people(self) -> Sequence[Referent]:
        return await self._finder.people()

    async def look_up(self, reference: str) -> Referent | None:
        """Raises `ValueError` for a reference of another connection."""
        return await self._finder.look_up(reference)

    async def find(self, wanted: Referent) -> Sequence[Referent]:
        """As `finder.Finder.find` says."""
        return await self._finder.find(wanted)

    def _of(self, kind: str) -> Tasks | Cases:
        if self._login is None:
            raise RuntimeError("open() comes first")
        if kind not in self._kinds:
            raise ValueError(f"Plannr has no lenses for a {kind}")
        return self._kinds[kind]

    async def check(self) -> Sequence[Finding]:
        if self._login is None:
            raise RuntimeError("check() comes after open()")
        return [*_of_login(self._login), self._zone_finding(), self._status_finding(), await self._link_finding()]

    def _zone_finding(self) -> Finding:
        configured = self._settings.timezone
        if configured is None or configured.key == LONDON.key:
            return Finding(subject="time zone", ok=True, message="Plannr keeps London time.")
        return Finding(
            subject="time zone",
            ok=False,
            message=f"Plannr keeps London time; the configured {configured.key} has no effect.",
            advice="Remove `timezone` from this connection.",
        )

    def _status_finding(self) -> Finding:
        try:
            status = firm.starting_status(self._statuses, self._options.defaults.status)
        except DefaultNeeded as problem:
            message, _, advice = str(problem).partition(". ")
            return Finding(subject="default status", ok=False, message=f"{message}.", advice=advice)
        return Finding(subject="default status", ok=True, message=f"New tasks get the status {status.name!r}.")

    async def _link_finding(self) -> Finding:
        subject = "default link"
        link = self._options.defaults.link
        if link is None:
            message, _, advice = NO_LINK.partition(". ")
            return Finding(subject=subject, ok=False, message=f"{message}.", advice=advice)
        try:
            await self._client.read_linked(link.type, link.id)
        except (Refused, NeedsLogin) as problem:
            return Finding(
                subject=subject,
                ok=False,
                message=f"The {link.type} {link.id} cannot be read: {problem}",
                advice="Set defaults.link.id to one that this account can see, and defaults.link.type to what it is.",
            )
        return Finding(subject=subject, ok=True, message=f"New tasks are linked to the {link.type} {link.id}.")


def _of_login(login: firm.Login) -> list[Finding]:
    advice = "Ask the firm's Plannr administrator for it, or use the token of another user."
    role = f" as {login.role}" if login.role else ""
    findings = [Finding(subject="account", ok=True, message=f"Signed in as {login.label}{role}.")]
    for right, given in (("write", login.may_write), ("delete", login.may_delete)):
        message = f"The login has the right to {right}." if given else f"The login lacks the right to {right}."
        findings.append(Finding(subject=f"right to {right}", ok=given, message=message, advice="" if given else advice))
    return findings


def _build(settings: ConnectionSettings, dial: Dial) -> Connector:
    # Without a token the connection signs in by OAuth2, which puts one into each request.
    bearer = {} if settings.token is None else {"Authorization": f"Bearer {settings.token}"}
    http = dial(
        connection=settings.name,
        base_url=settings.url,
        limit=_LIMIT,
        expects="json",
        # 2.1 [S]: without Accept, Laravel answers errors with HTML; Plannr wants Content-Type with every request.
        headers={**bearer, "Accept": "application/json", "Content-Type": "application/json"},
        secrets=[settings.token] if settings.token else [],
    )
    return PlannrConnector(settings, http)


def _oauth(_: PlannrOptions) -> OAuthServer:
    """Laravel Passport's routes, and the one scope that others ask for (protocols/plannr.md, 2.3, [T], [F]). Passport
    checks a code challenge where one is sent.
    """
    return OAuthServer(authorize="/oauth/authorize", exchange="/oauth/token", scope="*", pkce=True)


manifest = Manifest(
    type="plannr",
    label="Plannr",
    options=PlannrOptions,
    credentials=(frozenset({"token"}), frozenset({"client_id", "client_secret"})),
    build=_build,
    oauth=_oauth,
)
