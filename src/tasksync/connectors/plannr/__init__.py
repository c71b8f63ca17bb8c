"""Plannr CRM: tasks over its JSON API (protocols/plannr.md)."""

# ruff: noqa: ARG002 - the port has room for several kinds of record; Plannr offers one

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field

from tasksync.connectors.base import HttpConnector
from tasksync.connectors.manifest import ConnectionSettings, Manifest, Options
from tasksync.connectors.plannr import firm, mapping
from tasksync.connectors.plannr.client import PlannrClient
from tasksync.core.lens import Lens
from tasksync.core.record import NOTHING, Observation, Values
from tasksync.errors import AnswerLost, DefaultNeeded, NeedsLogin, Refused, RetryLater, ServerFault
from tasksync.ports import Account, Connector, Dial, Finding, Http, RateLimit

_LIMIT = RateLimit(requests=500, per_s=60)  # per user (3.5 [S])


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError("not a uuid; they look like 8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001") from None


_Uuid = Annotated[str, AfterValidator(_uuid)]


class Link(Options):
    """What a new task hangs on: `id` is the uuid of an account (client, employee), a case or a plan."""

    type: Literal["client", "employee", "case", "plan"]
    id: _Uuid


class Defaults(Options):
    """What Plannr wants of a new task and other CRMs do not have. `status` is a name, in any case, or a uuid."""

    status: Annotated[str, Field(min_length=1)] | None = None
    link: Link | None = None


class PlannrOptions(Options):
    """`account_uuid` is needed only when the token leads to several accounts of employees."""

    account_uuid: _Uuid | None = None
    defaults: Defaults = Defaults()


class PlannrConnector(HttpConnector):
    """See `ports.Connector`. The only kind is "task"."""

    def __init__(self, settings: ConnectionSettings, http: Http) -> None:
        super().__init__(settings, http)
        self._options: PlannrOptions = settings.options or PlannrOptions()
        self._client = PlannrClient(http)
        self._login: firm.Login | None = None
        self._statuses: Sequence[firm.Status] = ()

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
        except mapping.NotUnderstood as wrong:
            raise ServerFault(f"Plannr's answer cannot be understood: {wrong}.") from None
        self._login = login
        return Account(identity=login.identity, label=login.label, zone=mapping.LONDON.key, scope=login.scope)

    def lenses(self, kind: str) -> Mapping[str, Lens]:
        return mapping.LENSES if kind == "task" else {}

    def defaults(self, kind: str, now: datetime) -> Values:
        # No field of ours is required but the title; link and status are no fields, `create` adds them.
        return NOTHING

    async def poll(self, kind: str) -> AsyncIterator[Sequence[Observation]]:
        async for items in self._client.tasks():
            yield [_observed(item) for item in items]

    async def read(self, kind: str, external_id: str) -> Observation | None:
        found = await self._client.task(external_id)
        return None if found is None else _observed(found, external_id)

    async def create(self, kind: str, values: Values) -> Observation:
        link = self._options.defaults.link
        if link is None:
            raise DefaultNeeded(_NO_LINK)
        status = firm.starting_status(self._statuses, self._options.defaults.status)
        if values.get("done"):
            # In one request, so that there is no moment at which the task exists and is not what it should be.
            status = firm.finished_status(self._statuses) or status
        body = mapping.creation_body(values, taskable_type=link.type, taskable_uuid=link.id, status_uuid=status.uuid)
        return _observed(await self._client.create_task(body), fault=AnswerLost)

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        body = mapping.changes_body(changes)
        if not body:
            return before
        return _observed(await self._client.update_task(before.external_id, body), before.external_id)

    async def complete(self, kind: str, before: Observation) -> Observation:
        # What a second completion does is unknown (4.4): it might move completed_at, or make a recurring task recur.
        if before.values.get("done") is True:
            return before
        uuid = before.external_id
        return _observed(await self._client.complete_task(uuid), uuid, fault=AnswerLost)

    async def reopen(self, kind: str, before: Observation) -> Observation:
        if before.values.get("done") is False:
            return before
        uuid = before.external_id
        status = firm.reopening_status(self._statuses, self._options.defaults.status)
        return _observed(await self._client.uncomplete_task(uuid, status.uuid), uuid, fault=AnswerLost)

    async def delete(self, kind: str, external_id: str) -> None:
        await self._client.delete_task(external_id)

    async def check(self) -> Sequence[Finding]:
        if self._login is None:
            raise RuntimeError("check() comes after open()")
        return [*_of_login(self._login), self._zone_finding(), self._status_finding(), await self._link_finding()]

    def _zone_finding(self) -> Finding:
        configured = self._settings.timezone
        if configured is None or configured.key == mapping.LONDON.key:
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
            message, _, advice = _NO_LINK.partition(". ")
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


_NO_LINK = (
    "Plannr creates no task without a link, and no default is configured. "
    "Set defaults.link to {type: client, employee, case or plan, id: its uuid}."
)


def _observed(payload: Any, asked: str | None = None, *, fault: type[RetryLater] = ServerFault) -> Observation:
    # `fault` is AnswerLost where the request may have changed something and must not be repeated blindly.
    try:
        observation = mapping.observation(payload)
    except mapping.NotUnderstood as wrong:
        raise fault(f"Plannr's answer cannot be understood: {wrong}.") from None
    if asked is not None and observation.external_id != asked:
        raise fault(f"Plannr was asked for task {asked} and answered with {observation.external_id}.")
    return observation


def _of_login(login: firm.Login) -> list[Finding]:
    advice = "Ask the firm's Plannr administrator for it, or use the token of another user."
    role = f" as {login.role}" if login.role else ""
    findings = [Finding(subject="account", ok=True, message=f"Signed in as {login.label}{role}.")]
    for right, given in (("write", login.may_write), ("delete", login.may_delete)):
        message = f"The login has the right to {right}." if given else f"The login lacks the right to {right}."
        findings.append(Finding(subject=f"right to {right}", ok=given, message=message, advice="" if given else advice))
    return findings


def _build(settings: ConnectionSettings, dial: Dial) -> Connector:
    assert settings.token is not None, "`credentials` below makes the config insist on it"
    http = dial(
        connection=settings.name,
        base_url=settings.url,
        limit=_LIMIT,
        expects="json",
        # 2.1 [S]: without Accept, Laravel answers errors with HTML; Plannr wants Content-Type with every request.
        headers={
            "Authorization": f"Bearer {settings.token}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        },
        secrets=[settings.token],
    )
    return PlannrConnector(settings, http)


manifest = Manifest(
    type="plannr",
    label="Plannr",
    options=PlannrOptions,
    credentials=(frozenset({"token"}),),
    build=_build,
)
