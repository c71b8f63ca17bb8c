"""The endpoints for what tasks refer to: people, contacts and opportunities (onlyoffice.md 5.1, 5.2, 5.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.onlyoffice.directory_shapes import contact_shape, opportunity_shape, user_shape
from tasksync.sandbox.onlyoffice.paging import cut
from tasksync.sandbox.onlyoffice.params import Params, read_params
from tasksync.sandbox.onlyoffice.people import ME, NOBODY, Contact, Opportunity, Person
from tasksync.sandbox.onlyoffice.shapes import task_shape, user_stub
from tasksync.sandbox.onlyoffice.tables import Tables
from tasksync.sandbox.onlyoffice.wire import failure, success

_EMAIL = "1"
_STATUSES = {"active": 1, "terminated": 2, "leaveofabsence": 4, "default": 5, "all": 7}
"""Bits by name (onlyoffice.md 5.1, [S]; that the default is those who are active or on leave: [I])."""


class DirectoryApi:
    """One method per endpoint; each raises Refusal for what the portal refuses."""

    def __init__(self, portal: Tables) -> None:
        self._portal = portal

    # --- people ---

    async def people(self, _: Request) -> Response:
        """Those who still have access; tasks may well be with others."""
        return success([user_shape(self._portal, one) for one in self._people("active")])

    async def people_by_status(self, request: Request) -> Response:
        return success([user_shape(self._portal, one) for one in self._people(request.path_params["status"])])

    async def filter_people(self, request: Request) -> Response:
        rows, paging = await self._filtered_people(request)
        return success([user_shape(self._portal, one) for one in rows], paging=paging)

    async def filter_people_simply(self, request: Request) -> Response:
        """Stubs, which have no e-mail."""
        rows, paging = await self._filtered_people(request)
        return success([user_stub(self._portal, one.id) for one in rows], paging=paging)

    async def person_by_email(self, request: Request) -> Response:
        email = (await read_params(request)).text("email")
        return self._person(one for one in self._portal.people.values() if email and one.email == email)

    async def person(self, request: Request) -> Response:
        wanted = request.path_params["id"].lower()
        if wanted == "@self":
            wanted = ME.id
        return self._person(one for one in self._portal.people.values() if wanted in {one.id, one.user_name})

    def _person(self, found: Iterable[Person]) -> Response:
        for one in found:
            return success(user_shape(self._portal, one))
        raise Refusal(failure(404, "User not found"))

    def _people(self, status: str) -> list[Person]:
        bits = _STATUSES.get(status.lower(), int(status) if status.isdecimal() else 0)
        if not bits:
            raise Refusal(failure(400))
        return [one for one in self._portal.people.values() if bits & (2 if one.terminated else 1)]

    async def _filtered_people(self, request: Request) -> tuple[list[Person], dict[str, int]]:
        params = await read_params(request)
        words = params.words()
        rows = [
            one
            for one in self._people(params.text("employeeStatus") or "all")
            if all(word in f"{one.name} {one.email}".lower() for word in words)
        ]
        return cut(rows, params)

    # --- contacts ---

    async def contact(self, request: Request) -> Response:
        contact = self._portal.contacts.get(request.path_params["id"])
        if contact is None:
            raise Refusal(failure(404))
        return success(contact_shape(self._portal, contact))

    async def list_contacts(self, request: Request) -> Response:
        rows, paging = await self._listed_contacts(request)
        return success([contact_shape(self._portal, one) for one in rows], paging=paging)

    async def contacts_by_info(self, request: Request) -> Response:
        """Those with `data` anywhere in what they can be reached by (onlyoffice.md 5.2, [S]; that case does not matter,
        and that nothing is in everything: [I]). Here they have e-mails and nothing else.
        """
        params = await read_params(request)
        kind = params.text("infoType").strip().lower()
        if not kind.isdecimal() and kind != "email":
            raise Refusal(failure(400))
        data = params.text("data").lower()
        rows = [one for one in self._portal.contacts.values() if one.email and data in one.email.lower()]
        return success([contact_shape(self._portal, one) for one in rows if kind in {_EMAIL, "email"}])

    async def list_contacts_simply(self, request: Request) -> Response:
        """Each with the nearest of its open tasks, if it has one (onlyoffice.md 2.1)."""
        rows, paging = await self._listed_contacts(request)
        shapes = []
        for contact in rows:
            tasks = [task for task in self._portal.rows() if task.contact == contact.id and not task.closed]
            nearest = min(tasks, key=lambda task: task.deadline, default=None)
            task = {"task": task_shape(self._portal, nearest, listed=True)} if nearest else {}
            shapes.append({**task, "contact": contact_shape(self._portal, contact)})
        return success(shapes, paging=paging)

    async def delete_contact(self, request: Request) -> Response:
        """Answers the contact as it was; what hangs on it is gone."""
        answer = await self.contact(request)
        self._portal.delete_contact(request.path_params["id"])
        return answer

    async def _listed_contacts(self, request: Request) -> tuple[list[Contact], dict[str, int]]:
        params = await read_params(request)
        view, words = params.text("contactListView").lower(), params.words()
        since, until = params.date("fromDate", self._portal.zone), params.date("toDate", self._portal.zone)
        dealt = {one.contact for one in self._portal.opportunities.values()}
        hidden: dict[str, Callable[[Contact], bool]] = {
            "company": lambda one: not one.is_company,
            "person": lambda one: one.is_company,
            "withopportunity": lambda one: one.id not in dealt,
        }
        rows = [
            one
            for one in self._portal.contacts.values()
            if not (view in hidden and hidden[view](one))
            and (since is None or one.created >= since)
            and (until is None or one.created <= until)
            and all(word in f"{one.name} {one.email}".lower() for word in words)
        ]
        _sort_contacts(rows, params)
        return cut(rows, params)

    # --- opportunities ---

    async def opportunity(self, request: Request) -> Response:
        one = self._portal.opportunities.get(request.path_params["id"])
        if one is None:
            raise Refusal(failure(404))
        return success(opportunity_shape(self._portal, one))

    async def list_opportunities(self, request: Request) -> Response:
        params = await read_params(request)
        rows = self._opportunities(params.number("contactid"), params.guid("responsibleid"), params.words())
        orders: dict[str, Callable[[Opportunity], Any]] = {
            "title": lambda one: one.title.lower(),
            "dateandtime": lambda one: one.created,
            "id": lambda one: one.id,
        }
        order = orders.get(params.text("sortBy").lower(), orders["dateandtime"])
        rows.sort(key=order, reverse=params.text("sortOrder") == "descending")
        chosen, paging = cut(rows, params)
        return success([opportunity_shape(self._portal, one) for one in chosen], paging=paging)

    async def opportunities_of_contact(self, request: Request) -> Response:
        rows = self._opportunities(request.path_params["id"], NOBODY, [])
        return success([opportunity_shape(self._portal, one) for one in rows])

    async def delete_opportunity(self, request: Request) -> Response:
        """Answers the opportunity as it was; its tasks are gone."""
        answer = await self.opportunity(request)
        self._portal.delete_opportunity(request.path_params["id"])
        return answer

    def _opportunities(self, contact: int, responsible: str, words: list[str]) -> list[Opportunity]:
        return [
            one
            for one in self._portal.opportunities.values()
            if contact in {0, one.contact}
            and responsible in {NOBODY, one.responsible}
            and all(word in one.title.lower() for word in words)
        ]


def _sort_contacts(rows: list[Contact], params: Params) -> None:
    """In place; the latest first unless something else is asked for (onlyoffice.md 5.2)."""
    orders: dict[str, Callable[[Contact], Any]] = {
        "displayname": lambda one: one.name.lower(),
        "firstname": lambda one: one.name.lower(),
        "lastname": lambda one: one.name.lower().rpartition(" ")[2],
        "created": lambda one: (one.created, one.id),
        "id": lambda one: one.id,
    }
    name = params.text("sortBy").lower()
    descending = params.text("sortOrder") == "descending" if name else True
    rows.sort(key=orders.get(name, orders["created"]), reverse=descending)
