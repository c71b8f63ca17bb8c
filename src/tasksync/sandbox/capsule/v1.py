"""Capsule's first API: XML over Basic authentication, in both of its generations (capsule.md 2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tasksync.sandbox.answers import Refusal, below, page
from tasksync.sandbox.capsule import xml
from tasksync.sandbox.capsule.records import ME, RecordKind, Ref, Task
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v1_records import RecordApi
from tasksync.sandbox.capsule.v1_wire import (
    answer,
    empty,
    part,
    print_due,
    read_day,
    read_elements,
    read_instant,
    refuse,
)

Endpoint = Callable[[Request], Awaitable[Response]]
_OWNERS: tuple[RecordKind, ...] = ("party", "opportunity", "kase")
_STATUSES = {"OPEN", "COMPLETED", "PENDING"}


def application(account: Tables) -> Starlette:
    """Everything below `/api`, but for v2."""
    api = _Api(account)
    routes: list[tuple[str, str, Endpoint]] = [
        ("/tasks", "GET", api.list_tasks),
        ("/task", "POST", api.create),
        ("/task/categories", "GET", api.list_categories),
        ("/task/{id:int}", "GET", api.show),
        ("/task/{id:int}", "PUT", api.update),
        ("/task/{id:int}", "DELETE", api.delete),
        ("/task/{id:int}/complete", "POST", api.complete),
        ("/task/{id:int}/reopen", "POST", api.reopen),
        *_record_routes(RecordApi(account)),
    ]
    for kind in _OWNERS:
        routes.append((f"/{kind}/{{{kind}:int}}/task", "POST", api.create))
        routes.append((f"/{kind}/{{{kind}:int}}/tasks", "GET", api.list_tasks))

    async def no_route(_request: Request, _error: Exception) -> Response:
        return page(404)

    async def wrong_verb(_request: Request, _error: Exception) -> Response:
        return page(405)

    app = Starlette(
        routes=[Route(path, api.guarded(run), methods=[method]) for path, method, run in routes],
        exception_handlers={404: no_route, 405: wrong_verb},
    )
    app.router.redirect_slashes = False
    return app


def _record_routes(api: RecordApi) -> list[tuple[str, str, Endpoint]]:
    routes: list[tuple[str, str, Endpoint]] = [
        ("/users", "GET", api.list_users),
        ("/party", "GET", api.list_parties),
        ("/party/{id:int}", "GET", api.show_party),
        ("/opportunity", "GET", api.list_opportunities),
        ("/opportunity/{id:int}", "GET", api.show_opportunity),
        ("/kase", "GET", api.list_kases),
        ("/kase/{id:int}", "GET", api.show_kase),
        ("/kase/{id:int}", "PUT", api.update_kase),
        ("/kase/{id:int}", "DELETE", api.delete_kase),
        ("/party/{party:int}/opportunity", "GET", api.list_opportunities),
        ("/party/{party:int}/kase", "GET", api.list_kases),
        ("/party/{party:int}/kase", "POST", api.create_kase),
        ("/party/{party:int}/kase/{id:int}", "PUT", api.update_kase),
    ]
    return routes + [(f"/{kind}/deleted", "GET", partial(api.list_deleted, kind)) for kind in _OWNERS]


class _Api:
    """One method per endpoint; each raises Refusal, whose body is a page of HTML."""

    def __init__(self, account: Tables) -> None:
        self._account = account

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """Credentials first, then limits, then the work."""

        async def run(request: Request) -> Response:
            try:
                self._admit(request)
                if not self._account.quota.take():
                    response: Response = JSONResponse({"error": "rate limit reached"}, 429)
                else:
                    response = await endpoint(request)
            except Refusal as refusal:
                return refusal.response
            response.headers.update(self._account.quota.headers() | self._account.quota.reset_header())
            return response

        return run

    def _admit(self, request: Request) -> None:
        """The token is the user name; the password may be anything (capsule.md 1.1)."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            token = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            token = ""
        if scheme.lower() != "basic" or token != self._account.settings.token:
            response = page(401)
            response.headers["WWW-Authenticate"] = 'Basic realm="Capsule"'
            raise Refusal(response)

    # --- reading ---

    async def list_tasks(self, request: Request) -> Response:
        """Open tasks unless asked for others; a server of 2012 does not know the question (capsule.md 2.2)."""
        query, old = request.query_params, self._account.settings.generation == "2012"
        status = "OPEN" if old else query.get("status", "OPEN").upper()
        if status not in _STATUSES:
            raise Refusal(page(400))
        about = self._about(request)
        rows = [row for row in self._account.rows() if row.status == status and (about is None or row.about == about)]
        if category := query.get("category"):
            rows = [row for row in rows if row.category == self._account.category_named(category)]
        if username := query.get("user"):
            rows = [row for row in rows if self._account.users[row.owner].username == username]
        rows.sort(key=lambda row: (self._account.wall_clock(row.due)[0], row.id))
        chosen = part(self._account, request, rows)
        return answer(request, xml.container("tasks", [self._element(row) for row in chosen]))

    async def show(self, request: Request) -> Response:
        return answer(request, self._element(self._existing(request)))

    async def list_categories(self, request: Request) -> Response:
        items = [xml.element("taskCategory", name) for name in self._account.categories.values()]
        return answer(request, xml.container("taskCategories", items))

    def _element(self, row: Task) -> str:
        """In the order of the documentation of 2017 (capsule.md 2.3)."""
        category = None if row.category is None else self._account.categories[row.category]
        timed = isinstance(row.due, datetime)
        details = {
            "id": str(row.id),
            "description": row.description,
            "detail": row.detail,
            "category": category,
            "dueDateTime" if timed else "dueDate": print_due(row.due),
            "owner": self._account.users[row.owner].username,
        }
        if row.about is not None:
            word = "case" if row.about.kind == "kase" else row.about.kind
            details |= {f"{word}Id": str(row.about.id), f"{word}Name": self._account.name_of(row.about)}
        if self._account.settings.generation == "2012":
            details["detail"] = None
            return xml.record("task", details)
        details |= {
            "status": row.status,
            "completedOn": print_due(row.completed) if row.completed else None,
            "createdOn": print_due(row.created),
            "updatedOn": print_due(row.updated),
        }
        return xml.record("task", details)

    def _about(self, request: Request) -> Ref | None:
        """The record in the path, if there is one. Raises Refusal (404)."""
        for kind in _OWNERS:
            if kind in request.path_params:
                ref = Ref(kind, request.path_params[kind])
                if self._account.name_of(ref) is None:
                    raise Refusal(page(404))
                return ref
        return None

    def _existing(self, request: Request) -> Task:
        row = self._account.row(request.path_params["id"])
        if row is None:
            raise Refusal(page(404))
        return row

    # --- writing ---

    async def create(self, request: Request) -> Response:
        about = self._about(request)
        changes = self._changes(await read_elements(request, "task"))
        if not changes.get("description") or "due" not in changes:
            raise Refusal(page(400))
        now = self._account.stamp()
        task = Task(**{"owner": ME.id} | changes, about=about, created=now, updated=now)
        row = self._account.insert(task)
        return empty(201, {"Location": f"{below(request)}/task/{row.id}"})

    async def update(self, request: Request) -> Response:
        """Only the elements that are there change; the answer is empty (capsule.md 2.6)."""
        row = self._existing(request)
        self._account.change(row, self._changes(await read_elements(request, "task")))
        return empty(200)

    async def delete(self, request: Request) -> Response:
        self._account.delete(self._existing(request).id)
        return empty(200)

    async def complete(self, request: Request) -> Response:
        self._account.change(self._existing(request), {"status": "COMPLETED"})
        return empty(200)

    async def reopen(self, request: Request) -> Response:
        self._account.change(self._existing(request), {"status": "OPEN"})
        return empty(200)

    def _changes(self, sent: dict[str, str]) -> dict[str, Any]:
        """Read-only and unknown elements are not looked at."""
        changes: dict[str, Any] = {}
        if "description" in sent:
            changes["description"] = sent["description"] if sent["description"].strip() else refuse()
        if "detail" in sent and self._account.settings.generation != "2012":
            changes["detail"] = sent["detail"].replace("\r\n", "\n") or None
        if "category" in sent:
            changes["category"] = self._category(sent["category"])
        if "owner" in sent:
            changes["owner"] = (self._account.user_named(sent["owner"]) or refuse()).id
        if "dueDate" in sent and "dueDateTime" in sent and self._account.settings.v1_both_dues == "refuse":
            refuse()
        if "dueDate" in sent:
            changes["due"] = read_day(sent["dueDate"])
        if "dueDateTime" in sent:
            changes["due"] = read_instant(sent["dueDateTime"])
        return changes

    def _category(self, name: str) -> int | None:
        if not name:
            return None
        number = self._account.category_named(name)
        if number is not None:
            return number
        return self._account.new_category(name) if self._account.settings.v1_unknown_category == "create" else refuse()
