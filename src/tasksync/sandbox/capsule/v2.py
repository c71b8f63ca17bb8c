"""Capsule's second API: JSON over a bearer token (capsule.md 3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_directory import DirectoryApi
from tasksync.sandbox.capsule.v2_kases import KaseApi
from tasksync.sandbox.capsule.v2_tasks import TaskApi
from tasksync.sandbox.capsule.v2_wire import gone, reply

Endpoint = Callable[[Request], Awaitable[Response]]


def application(account: Tables) -> Starlette:
    """Everything below `/api/v2`."""
    guard = _Guard(account)
    routes = _task_routes(TaskApi(account)) + _kase_routes(KaseApi(account)) + _directory_routes(DirectoryApi(account))

    async def no_route(_request: Request, _error: Exception) -> Response:
        return gone()

    app = Starlette(
        routes=[
            Route(path, guard.guarded(endpoints), methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
            for path, endpoints in routes
        ],
        exception_handlers={404: no_route, 405: no_route},
    )
    app.router.redirect_slashes = False
    return app


def _task_routes(api: TaskApi) -> list[tuple[str, dict[str, Endpoint]]]:
    return [
        ("/tasks", {"GET": api.list_all, "POST": api.create}),
        ("/tasks/{ids}", {"GET": api.show, "PUT": api.update, "DELETE": api.delete}),
    ]


def _kase_routes(api: KaseApi) -> list[tuple[str, dict[str, Endpoint]]]:
    return [
        ("/kases", {"GET": api.list_all, "POST": api.create}),
        ("/kases/search", {"GET": api.search}),
        ("/kases/deleted", {"GET": api.list_deleted}),
        ("/kases/{ids}", {"GET": api.show, "PUT": api.update, "DELETE": api.delete}),
        ("/parties/{party:int}/kases", {"GET": api.list_all}),
    ]


def _directory_routes(api: DirectoryApi) -> list[tuple[str, dict[str, Endpoint]]]:
    return [
        ("/categories", {"GET": api.list_categories, "POST": api.create_category}),
        ("/categories/{id:int}", {"GET": api.show_category}),
        ("/users", {"GET": api.list_users}),
        ("/users/current", {"GET": api.current_user}),
        ("/users/{id:int}", {"GET": api.show_user}),
        ("/teams", {"GET": api.list_teams}),
        ("/parties", {"GET": api.list_parties}),
        ("/parties/search", {"GET": api.search_parties}),
        ("/parties/deleted", {"GET": api.list_deleted_parties}),
        ("/parties/{ids}", {"GET": api.show_party}),
        ("/opportunities", {"GET": api.list_opportunities}),
        ("/opportunities/search", {"GET": api.search_opportunities}),
        ("/opportunities/deleted", {"GET": api.list_deleted_opportunities}),
        ("/opportunities/{ids}", {"GET": api.show_opportunity}),
        ("/parties/{party:int}/opportunities", {"GET": api.list_opportunities}),
    ]


class _Guard:
    """What stands before all endpoints, each of which raises Refusal."""

    def __init__(self, account: Tables) -> None:
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
        if scheme.lower() != "bearer" or not self._account.accepts(token):
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Refusal(reply({"message": "Access token is invalid or has expired"}, 401, headers))

    def _check_scope(self, method: str) -> None:
        if self._account.settings.read_only and method != "GET":
            headers = {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
            raise Refusal(reply({"message": "Requires additional scope"}, 403, headers))
