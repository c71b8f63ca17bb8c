"""The endpoints for cases, their members and their custom fields (onlyoffice.md 5.3, 5.5; seeds 003)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.onlyoffice.directory_shapes import contact_shape
from tasksync.sandbox.onlyoffice.paging import cut
from tasksync.sandbox.onlyoffice.params import Params, read_params
from tasksync.sandbox.onlyoffice.people import ME, Case, Contact
from tasksync.sandbox.onlyoffice.shapes import case_fields, case_shape
from tasksync.sandbox.onlyoffice.tables import Tables
from tasksync.sandbox.onlyoffice.wire import failure, success


class CaseApi:
    """One method per endpoint; each raises Refusal for what the portal refuses."""

    def __init__(self, portal: Tables) -> None:
        self._portal = portal

    async def list_cases(self, request: Request) -> Response:
        params = await read_params(request)
        rows = self._matching(params)
        orders: dict[str, Callable[[Case], Any]] = {
            "title": lambda case: case.title.lower(),
            "dateandtime": lambda case: case.created,
            "createby": lambda case: case.created_by,
            "id": lambda case: case.id,
        }
        name = params.text("sortBy").lower() or "title"
        rows.sort(key=orders.get(name, orders["id"]), reverse=params.text("sortOrder") == "descending")
        if name != "id":
            rows.sort(key=lambda case: case.closed)
        chosen, paging = cut(rows, params)
        return success([case_shape(self._portal, case) for case in chosen], paging=paging)

    async def show(self, request: Request) -> Response:
        return self._one(self._existing(request))

    async def create(self, request: Request) -> Response:
        params, now = await read_params(request), self._portal.now()
        blank = Case(id=0, title=_title(params), created=now, created_by=ME.id, modified=now)
        return self._one(self._portal.insert_case(self._filled(blank, params)), status=201)

    async def update(self, request: Request) -> Response:
        """Members and custom fields that are not named stay, but a case that is not said to be private, or is without a
        list of who may see it, becomes public. Whether it is closed stays. An id that is not there is 404 here, where a
        task would be made: [I], as for closing.
        """
        params = await read_params(request)
        title = _title(params)
        row = self._existing(request)
        return self._one(self._portal.store_case(self._filled(replace(row, title=title), params)))

    async def delete(self, request: Request) -> Response:
        """Answers the case as it was; its tasks are gone as well."""
        row = self._existing(request)
        answer = self._one(row)
        self._portal.delete_case(row.id)
        return answer

    async def delete_many(self, request: Request) -> Response:
        """What a PUT without an id does: `casesids` are deleted."""
        numbers = (await read_params(request)).numbers("casesids")
        if not numbers:
            raise Refusal(failure(400))
        return self._delete_all([case for case in self._portal.cases() if case.id in numbers])

    async def delete_matching(self, request: Request) -> Response:
        """All that the filter lets through, which without a filter is everything."""
        return self._delete_all(self._matching(await read_params(request)))

    async def close(self, request: Request) -> Response:
        """404 when the case is missing, unlike with tasks; `modified` stays, like with tasks ([I])."""
        return self._one(self._portal.store_case(replace(self._existing(request), closed=True)))

    async def reopen(self, request: Request) -> Response:
        return self._one(self._portal.store_case(replace(self._existing(request), closed=False)))

    async def set_access(self, request: Request) -> Response:
        row, params = self._existing(request), await read_params(request)
        return self._one(self._portal.store_case(replace(row, access=_access(params))))

    # --- members ---

    async def list_members(self, request: Request) -> Response:
        """Whole contacts; of a case that is not there, none."""
        row = self._portal.case(request.path_params["id"])
        members = [self._portal.contacts[number] for number in row.members] if row else []
        return success([contact_shape(self._portal, contact) for contact in members])

    async def add_member(self, request: Request) -> Response:
        contact_id = (await read_params(request)).number("contactid")
        if contact_id <= 0:
            raise Refusal(failure(400))
        row, contact = self._existing(request), self._contact(contact_id)
        members = row.members if contact.id in row.members else (*row.members, contact.id)
        self._portal.store_case(replace(row, members=members))
        return success(contact_shape(self._portal, contact), status=201)

    async def remove_member(self, request: Request) -> Response:
        row, contact = self._existing(request), self._contact(request.path_params["contact"])
        self._portal.store_case(replace(row, members=tuple(one for one in row.members if one != contact.id)))
        return success(contact_shape(self._portal, contact))

    # --- custom fields ---

    async def list_field_definitions(self, _: Request) -> Response:
        return success(case_fields(self._portal, None))

    async def list_fields(self, request: Request) -> Response:
        return success(case_fields(self._portal, self._existing(request)))

    async def set_field(self, request: Request) -> Response:
        """The one way to empty a field. A value that is not sent at all is a fault of the server ([I])."""
        row, params, number = self._existing(request), await read_params(request), request.path_params["field"]
        if number not in self._portal.case_fields:
            raise Refusal(failure(404))
        if not params.given("fieldValue"):
            raise Refusal(failure(500))
        row = self._portal.store_case(_with_fields(row, [(number, params.text("fieldValue"))]))
        (shape,) = [one for one in case_fields(self._portal, row) if one["id"] == number]
        return success(shape, status=201)

    # --- inside ---

    def _filled(self, row: Case, params: Params) -> Case:
        """With what POST and PUT take besides the title; contacts that cannot be read are left out."""
        members = tuple(dict.fromkeys(params.numbers("members")))
        if members:
            row = replace(row, members=tuple(number for number in members if number in self._portal.contacts))
        fields = [(key, value) for key, value in params.keyed("customFieldList") if key in self._portal.case_fields]
        row = _with_fields(row, [(key, value) for key, value in fields if value])
        params.flag("isNotify")
        return replace(row, access=_access(params), modified=self._portal.now())

    def _matching(self, params: Params) -> list[Case]:
        contact, closed, tags = params.number("contactid"), params.flag("isClosed"), params.texts("tags")
        words = params.words()
        return [
            case
            for case in self._portal.cases()
            if (contact <= 0 or contact in case.members)
            and (closed is None or case.closed == closed)
            and not tags
            and all(word in case.title.lower() for word in words)
        ]

    def _delete_all(self, rows: list[Case]) -> Response:
        shapes = [case_shape(self._portal, row) for row in rows]
        for row in rows:
            self._portal.delete_case(row.id)
        return success(shapes)

    def _existing(self, request: Request) -> Case:
        row = self._portal.case(request.path_params["id"])
        if row is None:
            raise Refusal(failure(404))
        return row

    def _contact(self, number: int) -> Contact:
        contact = self._portal.contacts.get(number)
        if contact is None:
            raise Refusal(failure(404))
        return contact

    def _one(self, row: Case, *, status: int = 200) -> Response:
        return success(case_shape(self._portal, row), status=status)


def _title(params: Params) -> str:
    title = params.text("title")
    if not title:
        raise Refusal(failure(400))
    return title


def _access(params: Params) -> tuple[str, ...]:
    """Nobody, which means everybody, unless the case is private and somebody is named; then the caller is as well."""
    users = dict.fromkeys(params.guids("accessList"))
    return tuple(dict.fromkeys((*users, ME.id))) if params.flag("isPrivate") and users else ()


def _with_fields(row: Case, changes: list[tuple[int, str]]) -> Case:
    values = {**dict(row.custom), **dict(changes)}
    return replace(row, custom=tuple((number, value) for number, value in values.items() if value))
