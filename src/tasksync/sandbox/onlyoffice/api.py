"""The endpoints of ONLYOFFICE that a client of its tasks needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tasksync.sandbox.answers import Refusal, page
from tasksync.sandbox.onlyoffice.case_api import CaseApi
from tasksync.sandbox.onlyoffice.directory_api import DirectoryApi
from tasksync.sandbox.onlyoffice.listing import listing
from tasksync.sandbox.onlyoffice.login import COOKIE, Desk
from tasksync.sandbox.onlyoffice.params import Params, read_params
from tasksync.sandbox.onlyoffice.portal import Onlyoffice
from tasksync.sandbox.onlyoffice.shapes import category_shape, settings_shape, task_shape
from tasksync.sandbox.onlyoffice.tables import Task
from tasksync.sandbox.onlyoffice.wire import failure, print_date, success

Endpoint = Callable[[Request], Awaitable[Response]]


def application(portal: Onlyoffice) -> ASGIApp:
    """Everything below the portal's base url."""
    api = _Api(portal)
    routes: list[tuple[str, str, Endpoint]] = [
        ("/authentication", "POST", api.sign_in),
        ("/settings", "GET", api.settings),
        *_directory_routes(DirectoryApi(portal)),
        *_case_routes(CaseApi(portal)),
        ("/crm/task/filter", "GET", api.list_tasks),
        ("/crm/task/category", "GET", api.list_categories),
        ("/crm/task/category/{id:int}", "GET", api.show_category),
        ("/crm/task", "POST", api.create),
        ("/crm/task/{id:int}", "GET", api.show),
        ("/crm/task/{id:int}", "PUT", api.update),
        ("/crm/task/{id:int}", "DELETE", api.delete),
        ("/crm/task/{id:int}/close", "PUT", api.close),
        ("/crm/task/{id:int}/reopen", "PUT", api.reopen),
        ("/crm/task/{id:int}/creationdate", "PUT", api.set_created),
        ("/crm/task/{id:int}/lastmodifeddate", "PUT", api.set_modified),
    ]

    async def no_route(_request: Request, _error: Exception) -> Response:
        return page(404)

    inner = Starlette(
        routes=[Route(f"/api/2.0{path}", api.guarded(run), methods=[method]) for path, method, run in routes],
        exception_handlers={404: no_route, 405: no_route},
    )
    inner.router.redirect_slashes = False
    return _Suffixed(inner)


def _directory_routes(api: DirectoryApi) -> list[tuple[str, str, Endpoint]]:
    return [
        ("/people", "GET", api.people),
        ("/people/filter", "GET", api.filter_people),
        ("/people/simple/filter", "GET", api.filter_people_simply),
        ("/people/email", "GET", api.person_by_email),
        ("/people/status/{status}", "GET", api.people_by_status),
        ("/people/{id}", "GET", api.person),
        ("/crm/contact/filter", "GET", api.list_contacts),
        ("/crm/contact/simple/filter", "GET", api.list_contacts_simply),
        ("/crm/contact/bycontactinfo", "GET", api.contacts_by_info),
        ("/crm/contact/{id:int}", "GET", api.contact),
        ("/crm/contact/{id:int}", "DELETE", api.delete_contact),
        ("/crm/opportunity/filter", "GET", api.list_opportunities),
        ("/crm/opportunity/bycontact/{id:int}", "GET", api.opportunities_of_contact),
        ("/crm/opportunity/{id:int}", "GET", api.opportunity),
        ("/crm/opportunity/{id:int}", "DELETE", api.delete_opportunity),
    ]


def _case_routes(api: CaseApi) -> list[tuple[str, str, Endpoint]]:
    return [
        ("/crm/case/filter", "GET", api.list_cases),
        ("/crm/case/filter", "DELETE", api.delete_matching),
        ("/crm/case", "POST", api.create),
        ("/crm/case", "PUT", api.delete_many),
        ("/crm/case/{id:int}", "GET", api.show),
        ("/crm/case/{id:int}", "PUT", api.update),
        ("/crm/case/{id:int}", "DELETE", api.delete),
        ("/crm/case/{id:int}/close", "PUT", api.close),
        ("/crm/case/{id:int}/reopen", "PUT", api.reopen),
        ("/crm/case/{id:int}/access", "PUT", api.set_access),
        ("/crm/case/{id:int}/contact", "GET", api.list_members),
        ("/crm/case/{id:int}/contact", "POST", api.add_member),
        ("/crm/case/{id:int}/contact/{contact:int}", "DELETE", api.remove_member),
        ("/crm/case/customfield/definitions", "GET", api.list_field_definitions),
        ("/crm/case/{id:int}/customfield", "GET", api.list_fields),
        ("/crm/case/{id:int}/customfield/{field:int}", "POST", api.set_field),
    ]


class _Suffixed:
    """Every path may end in `.json` (onlyoffice.md 2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "path": scope["path"].removesuffix(".json")}, receive, send)


class _Api:
    """One method per endpoint; each raises Refusal for what the portal refuses."""

    def __init__(self, portal: Onlyoffice) -> None:
        self._portal = portal
        self._desk = Desk(portal)

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Limits first, then credentials, then the work."""

        async def run(request: Request) -> Response:
            try:
                if not self._portal.quota.take():
                    response = page(503)
                    response.headers["Retry-After"] = str(self._portal.quota.wait_s)
                    return response
                if endpoint != self.sign_in:
                    self._desk.admit(request)
                return await endpoint(request)
            except Refusal as refusal:
                return refusal.response

        return run

    # --- sign-in, portal ---

    async def sign_in(self, request: Request) -> Response:
        params = await read_params(request)
        token, ends = self._desk.sign_in(params.text("userName"), params.text("password"))
        expires = print_date(ends, self._portal.zone)
        response = success({"token": token, "expires": expires}, status=201)
        response.headers["Set-Cookie"] = f'{COOKIE}="{token}"; path=/; HttpOnly'
        return response

    async def settings(self, _: Request) -> Response:
        return success(settings_shape(self._portal, self._portal.now()))

    # --- categories ---

    async def list_categories(self, _: Request) -> Response:
        shapes = [category_shape(self._portal, number, counted=True) for number in self._portal.categories]
        return success(shapes)

    async def show_category(self, request: Request) -> Response:
        shape = category_shape(self._portal, request.path_params["id"], counted=True)
        if shape is None:
            raise Refusal(failure(404))
        return success(shape)

    # --- tasks ---

    async def list_tasks(self, request: Request) -> Response:
        params = await read_params(request)
        rows, paging = listing(self._portal, params)
        fields = {name.strip().lower() for name in params.text("fields").split(",") if name.strip()}
        shapes = [task_shape(self._portal, row, listed=True) for row in rows]
        if fields:
            shapes = [{name: value for name, value in one.items() if name.lower() in fields} for one in shapes]
        return success(shapes, paging=paging)

    async def show(self, request: Request) -> Response:
        """A task is not to be seen alone when its category is gone, only in lists (onlyoffice.md 2.4, [S])."""
        row = self._existing(_id(request), missing=404 if _id(request) else 400)
        if row.category not in self._portal.categories:
            raise Refusal(failure(404))
        return self._one(row)

    async def create(self, request: Request) -> Response:
        task = self._read(await read_params(request))
        return self._one(self._portal.insert(task), status=201)

    async def update(self, request: Request) -> Response:
        """Replaces all that can be written; an id that is not there makes a new task (onlyoffice.md 2.4, [S])."""
        task = self._read(await read_params(request))
        row = self._portal.row(_id(request))
        if row is None:
            return self._one(self._portal.insert(task))
        kept = replace(task, id=row.id, closed=row.closed, created=row.created, created_by=row.created_by)
        return self._one(self._portal.store(kept))

    async def delete(self, request: Request) -> Response:
        row = self._existing(_id(request), missing=404)
        answer = self._one(row)
        self._portal.delete(row.id)
        return answer

    async def close(self, request: Request) -> Response:
        return self._set_closed(_id(request), closed=True)

    async def reopen(self, request: Request) -> Response:
        return self._set_closed(_id(request), closed=False)

    async def set_created(self, request: Request) -> Response:
        moment = (await read_params(request)).date("creationDate", self._portal.zone)
        row = self._existing(_id(request), missing=404)
        self._portal.store(replace(row, created=moment or row.created))
        return success({})

    async def set_modified(self, request: Request) -> Response:
        moment = (await read_params(request)).date("lastModifedDate", self._portal.zone)
        row = self._existing(_id(request), missing=404)
        self._portal.store(replace(row, modified=moment or row.modified))
        return success({})

    def _set_closed(self, task_id: int, *, closed: bool) -> Response:
        row = self._portal.set_closed(task_id, closed=closed)
        if row is None:
            raise Refusal(failure(400))
        return self._one(row)

    def _existing(self, task_id: int, *, missing: int) -> Task:
        row = self._portal.row(task_id)
        if row is None:
            raise Refusal(failure(missing))
        return row

    def _one(self, task: Task, *, status: int = 200) -> Response:
        shape: dict[str, Any] = task_shape(self._portal, task)
        return success(shape, status=status)

    def _read(self, params: Params) -> Task:
        """The checks of POST and PUT, in the server's order (onlyoffice.md 2.4)."""
        title, description = params.text("title"), params.text("description")
        deadline = params.date("deadline", self._portal.zone)
        responsible, category, contact = (
            params.guid("responsibleid"),
            params.number("categoryid"),
            params.number("contactid"),
        )
        entity_type, entity = params.text("entityType").lower(), params.number("entityid")
        params.flag("isNotify")
        alert = params.number("alertValue")
        if entity_type not in {"", "opportunity", "case"} or category <= 0:
            raise Refusal(failure(400))
        if category not in self._portal.categories:
            raise Refusal(failure(404, "Category is not found"))
        if not title or deadline is None:
            raise Refusal(failure(400))
        now = self._portal.now()
        return Task(
            title=title,
            description=description if params.given("description") else None,
            deadline=deadline,
            responsible=responsible,
            category=category,
            contact=contact,
            entity_type=entity_type,
            entity=entity,
            alert=alert,
            created=now,
            modified=now,
        )


def _id(request: Request) -> int:
    number: int = request.path_params["id"]
    return number
