"""Capsule's first API: XML over Basic authentication, in both of its generations (capsule.md 2)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tasksync.sandbox.answers import Refusal, below, page
from tasksync.sandbox.capsule import xml
from tasksync.sandbox.capsule.account import ME, RECORDS, USERS, Capsule, Due, Owned, Task, user_named

Endpoint = Callable[[Request], Awaitable[Response]]
_OWNERS = ("party", "opportunity", "kase")
_STATUSES = {"OPEN", "COMPLETED", "PENDING"}


def application(account: Capsule) -> Starlette:
    """Everything below `/api`, but for v2."""
    api = _Api(account)
    routes = [
        ("/tasks", "GET", api.list_tasks),
        ("/task", "POST", api.create),
        ("/task/categories", "GET", api.list_categories),
        ("/task/{id:int}", "GET", api.show),
        ("/task/{id:int}", "PUT", api.update),
        ("/task/{id:int}", "DELETE", api.delete),
        ("/task/{id:int}/complete", "POST", api.complete),
        ("/task/{id:int}/reopen", "POST", api.reopen),
        ("/users", "GET", api.list_users),
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


class _Api:
    """One method per endpoint; each raises Refusal, whose body is a page of HTML."""

    def __init__(self, account: Capsule) -> None:
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
        start, most = _number(query.get("start"), 0), _number(query.get("limit"), None)
        caps = [cap for cap in (most, self._account.settings.v1_most) if cap is not None]
        about = _about(request)
        rows = [row for row in self._account.rows() if row.status == status and (about is None or row.about == about)]
        if category := query.get("category"):
            rows = [row for row in rows if row.category == self._account.category_named(category)]
        if username := query.get("user"):
            rows = [row for row in rows if USERS[row.owner].username == username]
        rows.sort(key=lambda row: (self._account.wall_clock(row.due)[0], row.id))
        chosen = rows[start or 0 :][: min(caps, default=None)]
        return _xml(request, xml.container("tasks", [self._element(row) for row in chosen]))

    async def show(self, request: Request) -> Response:
        return _xml(request, self._element(self._existing(request)))

    async def list_categories(self, request: Request) -> Response:
        items = [xml.element("taskCategory", name) for name in self._account.categories.values()]
        return _xml(request, xml.container("taskCategories", items))

    async def list_users(self, request: Request) -> Response:
        items = []
        for user in USERS.values():
            details = {
                "id": str(user.id),
                "username": user.username,
                "name": user.name,
                "currency": "GBP",
                "timezone": self._account.settings.zone,
                "loggedIn": "true" if user is ME else None,
            }
            items.append(xml.record("user", details))
        return _xml(request, xml.container("users", items))

    def _element(self, row: Task) -> str:
        """In the order of the documentation of 2017 (capsule.md 2.3)."""
        category = None if row.category is None else self._account.categories[row.category]
        timed = isinstance(row.due, datetime)
        details = {
            "id": str(row.id),
            "description": row.description,
            "detail": row.detail,
            "category": category,
            "dueDateTime" if timed else "dueDate": _print(row.due),
            "owner": USERS[row.owner].username,
        }
        if row.about is not None:
            word = "case" if row.about.kind == "kase" else row.about.kind
            details |= {f"{word}Id": str(row.about.id), f"{word}Name": row.about.name}
        if self._account.settings.generation == "2012":
            details["detail"] = None
            return xml.record("task", details)
        details |= {
            "status": row.status,
            "completedOn": _print(row.completed) if row.completed else None,
            "createdOn": _print(row.created),
            "updatedOn": _print(row.updated),
        }
        return xml.record("task", details)

    def _existing(self, request: Request) -> Task:
        row = self._account.row(request.path_params["id"])
        if row is None:
            raise Refusal(page(404))
        return row

    # --- writing ---

    async def create(self, request: Request) -> Response:
        about = _about(request)
        changes = self._changes(await _read(request))
        if not changes.get("description") or "due" not in changes:
            raise Refusal(page(400))
        now = self._account.stamp()
        task = Task(**{"owner": ME.id} | changes, about=about, created=now, updated=now)
        row = self._account.insert(task)
        return _empty(201, {"Location": f"{below(request)}/task/{row.id}"})

    async def update(self, request: Request) -> Response:
        """Only the elements that are there change; the answer is empty (capsule.md 2.6)."""
        row = self._existing(request)
        self._account.change(row, self._changes(await _read(request)))
        return _empty(200)

    async def delete(self, request: Request) -> Response:
        self._account.delete(self._existing(request).id)
        return _empty(200)

    async def complete(self, request: Request) -> Response:
        self._account.change(self._existing(request), {"status": "COMPLETED"})
        return _empty(200)

    async def reopen(self, request: Request) -> Response:
        self._account.change(self._existing(request), {"status": "OPEN"})
        return _empty(200)

    def _changes(self, sent: dict[str, str]) -> dict[str, Any]:
        """Read-only and unknown elements are not looked at."""
        changes: dict[str, Any] = {}
        if "description" in sent:
            changes["description"] = sent["description"] if sent["description"].strip() else _refuse()
        if "detail" in sent and self._account.settings.generation != "2012":
            changes["detail"] = sent["detail"].replace("\r\n", "\n") or None
        if "category" in sent:
            changes["category"] = self._category(sent["category"])
        if "owner" in sent:
            changes["owner"] = (user_named(sent["owner"]) or _refuse()).id
        if "dueDate" in sent and "dueDateTime" in sent and self._account.settings.v1_both_dues == "refuse":
            _refuse()
        if "dueDate" in sent:
            changes["due"] = _read_day(sent["dueDate"])
        if "dueDateTime" in sent:
            changes["due"] = _read_instant(sent["dueDateTime"])
        return changes

    def _category(self, name: str) -> int | None:
        if not name:
            return None
        number = self._account.category_named(name)
        if number is not None:
            return number
        return self._account.new_category(name) if self._account.settings.v1_unknown_category == "create" else _refuse()


def _refuse() -> Any:
    raise Refusal(page(400))


def _about(request: Request) -> Owned | None:
    """The record in the path, if there is one. Raises Refusal (404)."""
    for kind in _OWNERS:
        if kind in request.path_params:
            for (known, number), record in RECORDS.items():
                if (known, number) == (kind, request.path_params[kind]):
                    return record
            raise Refusal(page(404))
    return None


def _number(text: str | None, default: int | None) -> int | None:
    if text is None:
        return default
    if not text.isdecimal():
        raise Refusal(page(400))
    return int(text)


def _print(moment: Due) -> str:
    """A day prints as its midnight with a Z, which is not an instant (capsule.md 4.1)."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{moment.isoformat()}T00:00:00Z"


def _read_day(text: str) -> date:
    """The day is what counts; a bare `YYYY-MM-DD` will do (capsule.md 2.4). Raises Refusal (400)."""
    return _read_instant(f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text).date()


def _read_instant(text: str) -> datetime:
    """Whole seconds with a Z and nothing else (capsule.md 2.4). Raises Refusal (400)."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) is None:
        raise Refusal(page(400))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(page(400)) from None


async def _read(request: Request) -> dict[str, str]:
    """The elements of the task in the body, by name. Raises Refusal (400)."""
    try:
        return xml.read_record("task", await request.body())
    except ValueError:
        raise Refusal(page(400)) from None


def _xml(request: Request, body: str) -> Response:
    """Asked without an Accept header, the server named the type `*/*` (capsule.md 2.4, [REC])."""
    kind = "application/xml;charset=UTF-8" if "accept" in request.headers else "*/*"
    return Response(xml.DECLARATION + body, 200, {"Content-Type": kind})


def _empty(status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(b"", status, {"Content-Type": "text/plain; charset=UTF-8", **(headers or {})})
