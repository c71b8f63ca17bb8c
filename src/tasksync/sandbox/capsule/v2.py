"""Capsule's second API: JSON over a bearer token (capsule.md 3)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tasksync.sandbox.answers import Refusal, below
from tasksync.sandbox.capsule.account import ME, USERS, Capsule, Task
from tasksync.sandbox.capsule.v2_wire import (
    category_shape,
    invalid,
    read_changes,
    reply,
    task_shape,
    user_shape,
)

Endpoint = Callable[[Request], Awaitable[Response]]
_MOST_PER_PAGE = 100
_MOST_AT_ONCE = 10


def application(account: Capsule) -> Starlette:
    """Everything below `/api/v2`."""
    api = _Api(account)
    routes: list[tuple[str, dict[str, Endpoint]]] = [
        ("/tasks", {"GET": api.list_tasks, "POST": api.create}),
        ("/tasks/{ids}", {"GET": api.show, "PUT": api.update, "DELETE": api.delete}),
        ("/categories", {"GET": api.list_categories, "POST": api.create_category}),
        ("/categories/{id:int}", {"GET": api.show_category}),
        ("/users", {"GET": api.list_users}),
        ("/users/current", {"GET": api.current_user}),
        ("/users/{id:int}", {"GET": api.show_user}),
    ]

    async def no_route(_request: Request, _error: Exception) -> Response:
        return _gone()

    app = Starlette(
        routes=[
            Route(path, api.guarded(endpoints), methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
            for path, endpoints in routes
        ],
        exception_handlers={404: no_route, 405: no_route},
    )
    app.router.redirect_slashes = False
    return app


class _Api:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, account: Capsule) -> None:
        self._account = account

    def guarded(self, endpoints: dict[str, Endpoint]) -> Endpoint:
        """Credentials first, then limits, then scope, then the work."""

        async def run(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            try:
                self._admit(request)
                if not self._account.quota.take():
                    response = reply({"error": "rate limit reached"}, 429)
                elif method not in endpoints:
                    return reply({"message": "Method not allowed"}, 405)
                else:
                    self._check_scope(method)
                    response = await endpoints[method](request)
            except Refusal as refusal:
                return refusal.response
            response.headers.update(self._account.quota.headers() | self._account.quota.reset_header())
            return response

        return run

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token != self._account.settings.token:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Refusal(reply({"message": "Access token is invalid or has expired"}, 401, headers))

    def _check_scope(self, method: str) -> None:
        if self._account.settings.read_only and method != "GET":
            headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
            raise Refusal(reply({"message": "Requires additional scope"}, 403, headers))

    # --- tasks ---

    async def list_tasks(self, request: Request) -> Response:
        rows = self._filtered(request)
        if self._account.settings.v2_order == "id":
            rows.sort(key=lambda row: row.id)
        else:
            rows.sort(key=lambda row: (self._account.wall_clock(row.due)[0], row.id))
        chosen, headers = self._page(request, rows)
        shape: dict[str, Any] = {"tasks": [task_shape(self._account, row) for row in chosen]}
        if "meta" in request.query_params.get("embed", "").split(","):
            shape["meta"] = {"totalCount": len(rows)}
        return reply(shape, headers=headers)

    def _filtered(self, request: Request) -> list[Task]:
        """Unknown parameters are not looked at; `since` does not widen the default of open tasks (capsule.md 3.2)."""
        query = request.query_params
        statuses = set(query.get("status", "open").upper().split(","))
        if self._account.settings.v2_pending == "as_open" and "PENDING" in statuses:
            statuses = (statuses - {"PENDING"}) | {"OPEN"}
        rows = [row for row in self._account.rows() if row.status in statuses]
        if since := _instant(query.get("since"), "since"):
            rows = [row for row in rows if self._is_since(row.updated, since)]
        for name in ("owner", "category"):
            if wanted := query.get(name):
                rows = [row for row in rows if str(getattr(row, name)) == wanted]
        first, last = _instant(query.get("dueFrom"), "dueFrom"), _instant(query.get("dueTo"), "dueTo")
        if first:
            rows = [row for row in rows if self._account.wall_clock(row.due)[0] >= first.date()]
        if last:
            rows = [row for row in rows if self._account.wall_clock(row.due)[0] <= last.date()]
        return rows

    def _is_since(self, updated: datetime, since: datetime) -> bool:
        match self._account.settings.v2_since:
            case "inclusive":
                return updated >= since
            case "exclusive":
                return updated > since
            case "ignored":
                return True

    def _page(self, request: Request, rows: list[Task]) -> tuple[list[Task], dict[str, str]]:
        number, size = _count(request, "page", 1), _count(request, "perPage", 50)
        if size > _MOST_PER_PAGE:
            if self._account.settings.v2_per_page == "refuse":
                raise Refusal(invalid(("perPage must be between 1 and 100", "perPage")))
            size = _MOST_PER_PAGE
        more = len(rows) > number * size
        links = []
        if more:
            links.append(f'<{_page_url(request, number + 1)}>; rel="next"')
        if number > 1:
            links.append(f'<{_page_url(request, number - 1)}>; rel="prev"')
        headers = {"X-Pagination-Has-More": "true" if more else "false"}
        if links:
            headers["Link"] = ", ".join(links)
        return rows[(number - 1) * size : number * size], headers

    async def show(self, request: Request) -> Response:
        """One id gives an object; several, at most ten, a list without those that are not there."""
        numbers = [int(text) for text in request.path_params["ids"].split(",") if text.isdecimal()]
        if len(numbers) > _MOST_AT_ONCE:
            raise Refusal(invalid(("too many ids", None)))
        if "," not in request.path_params["ids"]:
            return reply({"task": task_shape(self._account, self._existing(request))})
        found = [row for row in map(self._account.row, numbers) if row is not None]
        return reply({"tasks": [task_shape(self._account, row) for row in found]})

    async def create(self, request: Request) -> Response:
        changes = read_changes(self._account, await _envelope(request, "task"), None)
        now = self._account.stamp()
        blank = Task(description=changes["description"], due=changes["due"], owner=ME.id, created=now, updated=now)
        row = self._account.insert(blank)
        row = self._account.change(row, changes)
        location = f"{below(request)}/tasks/{row.id}"
        return reply({"task": task_shape(self._account, row)}, 201, {"Location": location})

    async def update(self, request: Request) -> Response:
        """Only the keys that are there change (capsule.md 3.4)."""
        row = self._existing(request)
        changes = read_changes(self._account, await _envelope(request, "task"), row)
        row = self._account.change(row, changes, touch=self._account.settings.v2_no_change_put == "moves")
        return reply({"task": task_shape(self._account, row)})

    async def delete(self, request: Request) -> Response:
        self._account.delete(self._existing(request).id)
        return Response(status_code=204)

    def _existing(self, request: Request) -> Task:
        text = request.path_params["ids"]
        row = self._account.row(int(text)) if text.isdecimal() else None
        if row is None:
            raise Refusal(_gone())
        return row

    # --- reference lists ---

    async def list_categories(self, _: Request) -> Response:
        shapes = [category_shape(self._account, number) for number in self._account.categories]
        return reply({"categories": shapes}, headers={"X-Pagination-Has-More": "false"})

    async def show_category(self, request: Request) -> Response:
        shape = category_shape(self._account, request.path_params["id"])
        if shape is None:
            raise Refusal(_gone())
        return reply({"category": shape})

    async def create_category(self, request: Request) -> Response:
        name = (await _envelope(request, "category")).get("name")
        if not isinstance(name, str) or not name:
            raise Refusal(invalid(("name is required", "name"), resource="category"))
        number = self._account.new_category(name)
        location = f"{below(request)}/categories/{number}"
        return reply({"category": category_shape(self._account, number)}, 201, {"Location": location})

    async def list_users(self, _: Request) -> Response:
        return reply({"users": [user_shape(self._account, user) for user in USERS.values()]})

    async def current_user(self, _: Request) -> Response:
        return reply({"user": user_shape(self._account, ME)})

    async def show_user(self, request: Request) -> Response:
        user = USERS.get(request.path_params["id"])
        if user is None:
            raise Refusal(_gone())
        return reply({"user": user_shape(self._account, user)})


def _gone() -> Response:
    return reply({"message": "Could not find resource"}, 404)


async def _envelope(request: Request, name: str) -> dict[str, Any]:
    """What is inside `{"task": {...}}`. Raises Refusal (400 for no JSON, 422 for no envelope)."""
    try:
        data = json.loads(await request.body())
    except ValueError:
        raise Refusal(reply({"message": "Malformed JSON"}, 400)) from None
    if not isinstance(data, dict) or not isinstance(data.get(name), dict):
        raise Refusal(invalid((f"{name} is required", None), resource=name))
    inner: dict[str, Any] = data[name]
    return inner


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(invalid((f"{name} must be a positive number", name)))
    return int(text)


def _instant(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    try:
        # A bare + in a query string arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(invalid((f"{name} must be a date-time", name))) from None


def _page_url(request: Request, number: int) -> str:
    """All parameters again, commas as they are (capsule.md 3.2, [CLI])."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    query = "&".join(f"{name}={quote(value, safe=',:')}" for name, value in [("page", str(number)), *pairs])
    return f"{below(request)}/tasks?{query}"
