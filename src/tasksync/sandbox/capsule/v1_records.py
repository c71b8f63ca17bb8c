"""Users, parties, opportunities and cases of Capsule's first API (capsule.md 2.8); a case is a kase on the wire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, below, page
from tasksync.sandbox.capsule import xml
from tasksync.sandbox.capsule.records import ME, Kase, Opportunity, Party, RecordKind
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v1_wire import answer, empty, part, print_due, read_day, read_elements, refuse


class _Stamped(Protocol):
    @property
    def updated(self) -> datetime: ...


Row = TypeVar("Row", bound=_Stamped)


class RecordApi:
    """One method per endpoint; each raises Refusal, whose body is a page of HTML."""

    def __init__(self, account: Tables) -> None:
        self._account = account

    async def list_users(self, request: Request) -> Response:
        """Their e-mails stand on their parties only (capsule.md 2.8)."""
        items = []
        for user in self._account.active_users():
            details = {
                "id": str(user.id),
                "username": user.username,
                "name": user.name,
                "currency": "GBP",
                "timezone": self._account.settings.zone,
                "loggedIn": "true" if user.id == ME.id else None,
                "partyId": None if user.party is None else str(user.party),
            }
            items.append(xml.record("user", details))
        return answer(request, xml.container("users", items))

    # --- parties and opportunities ---

    async def list_parties(self, request: Request) -> Response:
        """Those with all words of `q` in the name, and with the address `email` (source S2, `parties`, [OD]); that
        neither regards case: [I].
        """
        words, email = request.query_params.get("q", "").lower().split(), request.query_params.get("email", "").lower()
        rows = [
            row
            for row in self._account.parties.values()
            if all(word in row.name.lower() for word in words) and email in {"", row.email.lower()}
        ]
        chosen = part(self._account, request, _modified_since(request, rows))
        return answer(request, xml.container("parties", [self._party(row) for row in chosen]))

    async def show_party(self, request: Request) -> Response:
        row = self._account.parties.get(request.path_params["id"])
        if row is None:
            raise Refusal(page(404))
        return answer(request, self._party(row))

    def _party(self, row: Party) -> str:
        """The root tells a person from an organisation; the order is that of the recordings (capsule.md 2.8, [REC])."""
        email = xml.record("email", {"id": str(row.id + 500_000), "emailAddress": row.email}) if row.email else ""
        organisation = None if row.organisation is None else self._account.parties[row.organisation]
        names = {"firstName": row.first, "lastName": row.last} if row.is_person else {"name": row.name}
        if organisation:
            names |= {"organisationId": str(organisation.id), "organisationName": organisation.name}
        stamps = {"createdOn": print_due(row.created), "updatedOn": print_due(row.updated)}
        kind = "person" if row.is_person else "organisation"
        inside = [
            xml.element("id", str(row.id)),
            f"<contacts>{email}</contacts>" if email else "<contacts/>",
            *(xml.element(name, text) for name, text in {**names, **stamps}.items()),
        ]
        return f"<{kind}>{''.join(inside)}</{kind}>"

    async def list_opportunities(self, request: Request) -> Response:
        """All, or below a party its own."""
        party = self._party_in_path(request)
        rows = [row for row in self._account.opportunities.values() if party in {None, row.party}]
        chosen = part(self._account, request, _modified_since(request, rows))
        return answer(request, xml.container("opportunities", [self._opportunity(row) for row in chosen]))

    async def show_opportunity(self, request: Request) -> Response:
        row = self._account.opportunities.get(request.path_params["id"])
        if row is None:
            raise Refusal(page(404))
        return answer(request, self._opportunity(row))

    def _opportunity(self, row: Opportunity) -> str:
        details = {
            "id": str(row.id),
            "name": row.name,
            "partyId": str(row.party),
            "milestone": "New",
            "owner": self._account.users[row.owner].username,
            "createdOn": print_due(row.created),
            "updatedOn": print_due(row.updated),
        }
        return xml.record("opportunity", details)

    # --- cases ---

    async def list_kases(self, request: Request) -> Response:
        """Open and closed ones, by id ([I]: no status filter is documented); below a party its own. None has a tag."""
        party = self._party_in_path(request)
        tagged = bool(request.query_params.get("tag"))
        rows = [row for row in self._account.kases() if party in {None, row.party} and not tagged]
        chosen = part(self._account, request, _modified_since(request, rows))
        return answer(request, xml.container("kases", [self._kase(row) for row in chosen]))

    async def show_kase(self, request: Request) -> Response:
        return answer(request, self._kase(self._existing(request)))

    async def create_kase(self, request: Request) -> Response:
        """201 and nothing but where the case is, which is not below the party."""
        party = self._party_in_path(request)
        changes = self._changes(await read_elements(request, "kase"))
        if party is None or "name" not in changes:
            raise Refusal(page(400))
        now, number = self._account.stamp(), self._account.new_id("kase")
        blank = Kase(id=number, name=changes["name"], party=party, owner=ME.id, created=now, updated=now)
        self._account.store_kase(replace(blank, **changes))
        return empty(201, {"Location": f"{below(request)}/kase/{number}"})

    async def update_kase(self, request: Request) -> Response:
        """Only the elements that are there change; a party in the path moves the case to it."""
        row, party = self._existing(request), self._party_in_path(request)
        moved = {} if party is None else {"party": party}
        self._account.change_kase(row, self._changes(await read_elements(request, "kase")) | moved)
        return empty(200)

    async def delete_kase(self, request: Request) -> Response:
        self._account.delete_kase(self._existing(request).id)
        return empty(200)

    def _kase(self, row: Kase) -> str:
        details = {
            "id": str(row.id),
            "status": row.status,
            "name": row.name,
            "description": row.description,
            "partyId": str(row.party),
            "closeDate": print_due(row.closed) if row.closed else None,
            "owner": None if row.owner is None else self._account.users[row.owner].username,
            "createdOn": print_due(row.created),
            "updatedOn": print_due(row.updated),
        }
        return xml.record("kase", details)

    def _changes(self, sent: dict[str, str]) -> dict[str, Any]:
        """Read-only and unknown elements are not looked at, nor is the day of an open case's closing."""
        changes: dict[str, Any] = {}
        if "name" in sent:
            changes["name"] = sent["name"] if sent["name"].strip() else refuse()
        if "description" in sent:
            changes["description"] = sent["description"].replace("\r\n", "\n") or None
        if "owner" in sent:
            changes["owner"] = (self._account.user_named(sent["owner"]) or refuse()).id
        if "status" in sent:
            changes["status"] = sent["status"] if sent["status"] in {"OPEN", "CLOSED"} else refuse()
        if sent.get("closeDate"):
            changes["closed"] = read_day(sent["closeDate"])
        return changes

    def _existing(self, request: Request) -> Kase:
        row = self._account.kase(request.path_params["id"])
        if row is None:
            raise Refusal(page(404))
        return row

    def _party_in_path(self, request: Request) -> int | None:
        party: int | None = request.path_params.get("party")
        if party is not None and party not in self._account.parties:
            raise Refusal(page(404))
        return party

    # --- what was deleted ---

    async def list_deleted(self, kind: RecordKind, request: Request) -> Response:
        """Not of tasks, which leave no trace (capsule.md 2.2)."""
        since = _read_since(request.query_params.get("since"))
        if since is None:
            raise Refusal(page(400))
        one, many = _DELETED[kind]
        rows = [row for row in self._account.deleted[kind] if row.at >= since]
        items = [xml.record(one, {"id": str(row.id), "deletedDate": print_due(row.at)}) for row in rows]
        return answer(request, xml.container(many, items))


_DELETED: dict[RecordKind, tuple[str, str]] = {
    "party": ("deletedParty", "deletedParties"),
    "opportunity": ("deletedOpportunity", "deletedOpportunities"),
    "kase": ("deletedKase", "deletedKases"),
}
"""Names of the elements; those of opportunities are known (capsule.md 2.2, [CLI]), the others made alike."""


def _modified_since(request: Request, rows: Sequence[Row]) -> Sequence[Row]:
    """`lastmodified` is `YYYYMMDDTHHMMSS` in UTC (capsule.md 2.2). Raises Refusal (400)."""
    since = _read_since(request.query_params.get("lastmodified"))
    return rows if since is None else [row for row in rows if row.updated >= since]


def _read_since(text: str | None) -> datetime | None:
    if text is None:
        return None
    if re.fullmatch(r"\d{8}T\d{6}", text) is None:
        raise Refusal(page(400))
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(page(400)) from None
