"""The endpoints of Plannr that a client of its tasks needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tasksync.sandbox.answers import Refusal, below, page
from tasksync.sandbox.plannr.firm import Plannr, Task
from tasksync.sandbox.plannr.listing import chosen_tasks, envelope, includes
from tasksync.sandbox.plannr.reading import read_body, read_changes
from tasksync.sandbox.plannr.records import ACCOUNTS, CLIENT, EMPLOYEE, STATUSES
from tasksync.sandbox.plannr.shapes import USUAL_INCLUDES, account_stub, login_shape, status_shape, task_shape

Endpoint = Callable[[Request], Awaitable[Response]]
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ACCOUNT_HEADER = "x-plannr-account-uuid"


def application(firm: Plannr) -> Starlette:
    """Everything below the base url."""
    api = _Api(firm)
    routes: list[tuple[str, dict[str, Endpoint]]] = [
        ("/logins", {"GET": api.list_logins}),
        ("/task", {"GET": api.list_tasks, "POST": api.create}),
        ("/task/{uuid}", {"GET": api.show, "PUT": api.update, "DELETE": api.delete}),
        ("/task/{uuid}/complete", {"PATCH": api.complete}),
        ("/task/{uuid}/uncomplete", {"PATCH": api.uncomplete}),
        ("/task/{uuid}/uncomplete/{status}", {"PATCH": api.uncomplete}),
        ("/task-status", {"GET": api.list_statuses}),
        ("/account", {"GET": api.list_accounts}),
        ("/account/{uuid}", {"GET": api.show_account}),
    ]

    async def no_route(request: Request, _error: Exception) -> Response:
        path = request.url.path.removeprefix(f"{request.scope.get('root_path', '')}/")
        return _for_client(request, _message(404, f"The route {path} could not be found."))

    app = Starlette(
        routes=[Route(f"/api/v1{path}", api.guarded(endpoints), methods=_METHODS) for path, endpoints in routes],
        exception_handlers={404: no_route},
    )
    app.router.redirect_slashes = False
    return app


def _message(status: int, text: str) -> Response:
    return JSONResponse({"message": text}, status)


def _for_client(request: Request, response: Response) -> Response:
    """A client that does not ask for JSON gets errors as a browser would (plannr.md 2.1, [F])."""
    if "json" in request.headers.get("accept", ""):
        return response
    if response.status_code == 401:
        return RedirectResponse(f"{below(request)}/login", 302)
    if response.status_code == 422:
        return RedirectResponse(below(request), 302)
    return page(response.status_code)


class _Api:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, firm: Plannr) -> None:
        self._firm = firm

    def guarded(self, endpoints: dict[str, Endpoint]) -> Endpoint:
        """401 before everything, then limits, account header, and the work (plannr.md 11)."""

        async def run(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            if method not in endpoints:
                allowed = ", ".join("GET, HEAD" if name == "GET" else name for name in endpoints)
                path = request.url.path.removeprefix(f"{request.scope.get('root_path', '')}/")
                text = f"The {method} method is not supported for route {path}. Supported methods: {allowed}."
                return _for_client(request, _message(405, text))
            try:
                self._admit(request)
                self._check_limit()
                if endpoints[method] != self.list_logins:
                    self._check_account(request)
                response = await endpoints[method](request)
            except Refusal as refusal:
                response = _for_client(request, refusal.response)
            response.headers.update(self._firm.quota.headers())
            return response

        return run

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or token != self._firm.settings.token:
            raise Refusal(_message(401, "Unauthenticated."))

    def _check_limit(self) -> None:
        quota = self._firm.quota
        if not quota.take():
            response = _message(429, "Too Many Attempts.")
            response.headers.update({"Retry-After": str(quota.wait_s)} | quota.reset_header())
            raise Refusal(response)

    def _check_account(self, request: Request) -> None:
        given = request.headers.get(ACCOUNT_HEADER)
        if given is None:
            status = self._firm.settings.missing_account_header
            raise Refusal(_message(status, "The X-PLANNR-ACCOUNT-UUID header is required."))
        if given.lower() not in self._own_accounts():
            raise Refusal(_message(403, "This action is unauthorized."))

    def _own_accounts(self) -> list[str]:
        return [EMPLOYEE, CLIENT] if self._firm.settings.second_login else [EMPLOYEE]

    def _check_right(self, to: Literal["write", "delete"]) -> None:
        if not getattr(self._firm.settings, f"has_{to}_permission"):
            raise Refusal(_message(403, "This action is unauthorized."))

    # --- tasks ---

    async def list_tasks(self, request: Request) -> Response:
        wanted = includes(self._firm, request)
        rows, around = envelope(self._firm, request, chosen_tasks(self._firm, request))
        return JSONResponse({"data": [task_shape(self._firm, row, wanted) for row in rows], **around})

    async def show(self, request: Request) -> Response:
        return self._one(self._existing(request), request)

    async def create(self, request: Request) -> Response:
        self._check_right("write")
        changes = read_changes(self._firm, await read_body(request), None)
        now = self._firm.stamp()
        required = {name: changes[name] for name in ("name", "taskable_type", "taskable")}
        # Made in a status that is not done, so that one that is done goes the way of every change into it.
        start = self._firm.status_with("not_started").uuid
        row = self._firm.insert(Task(**required, status=start, created=now, updated=now))
        return self._one(self._change(row, changes), request, status=201)

    async def update(self, request: Request) -> Response:
        row = self._existing(request)
        self._check_right("write")
        changes = read_changes(self._firm, await read_body(request), row)
        return self._one(self._change(row, changes), request)

    def _change(self, row: Task, changes: dict[str, Any]) -> Task:
        new = self._firm.change(row, changes)
        if new.done and not row.done and not self._firm.settings.put_completed_status_sets_completed_at:
            new = self._firm.change(new, {"completed": None, "completed_by": None})
        return new

    async def delete(self, request: Request) -> Response:
        row = self._existing(request)
        self._check_right("delete")
        self._firm.delete(row.uuid)
        return JSONResponse({}) if self._firm.settings.delete_status == 200 else Response(status_code=204)

    async def complete(self, request: Request) -> Response:
        row = self._existing(request)
        self._check_right("write")
        changes = {} if row.done else {"status": self._firm.status_with("completed").uuid}
        return self._one(self._firm.change(row, changes), request)

    async def uncomplete(self, request: Request) -> Response:
        """Without a status in the path the server picks one."""
        row = self._existing(request)
        uuid = request.path_params.get("status", self._firm.status_with("not_started").uuid)
        if uuid not in STATUSES:
            raise Refusal(_message(404, f"No query results for model [App\\Models\\TaskStatus] {uuid}"))
        self._check_right("write")
        return self._one(self._firm.change(row, {"status": uuid}), request)

    def _existing(self, request: Request) -> Task:
        uuid = request.path_params["uuid"]
        row = self._firm.row(uuid)
        if row is None:
            raise Refusal(_message(404, f"No query results for model [App\\Models\\Task] {uuid}"))
        return row

    def _one(self, row: Task, request: Request, *, status: int = 200) -> Response:
        """Examples of single tasks always show author, completer and custom fields (plannr.md 5)."""
        shape = task_shape(self._firm, row, includes(self._firm, request) | USUAL_INCLUDES)
        return JSONResponse({"data": shape} if self._firm.settings.single_wrap == "data" else shape, status)

    # --- reference lists ---

    async def list_logins(self, _: Request) -> Response:
        shapes = [login_shape(self._firm, ACCOUNTS[uuid]) for uuid in self._own_accounts()]
        return JSONResponse({"data": shapes})

    async def list_statuses(self, request: Request) -> Response:
        statuses, around = envelope(self._firm, request, list(STATUSES.values()))
        return JSONResponse({"data": [status_shape(status) for status in statuses], **around})

    async def list_accounts(self, request: Request) -> Response:
        wanted = request.query_params.get("filter[type]")
        matching = [account for account in ACCOUNTS.values() if wanted in {None, account.type}]
        matching.sort(key=lambda account: account.first)
        accounts, around = envelope(self._firm, request, matching)
        return JSONResponse({"data": [account_stub(account) for account in accounts], **around})

    async def show_account(self, request: Request) -> Response:
        account = ACCOUNTS.get(request.path_params["uuid"])
        if account is None:
            uuid = request.path_params["uuid"]
            raise Refusal(_message(404, f"No query results for model [App\\Models\\Account] {uuid}"))
        return JSONResponse(account_stub(account))
