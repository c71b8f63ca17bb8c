"""The way into Plannr: what every request has to pass, logins, and the routes to the endpoints."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tasksync.sandbox.answers import Refusal, below, page
from tasksync.sandbox.oauth import OAuthPages
from tasksync.sandbox.plannr.cases import Cases
from tasksync.sandbox.plannr.initial import CLIENT, COLLEAGUE, EMPLOYEE
from tasksync.sandbox.plannr.lookups import Lookups
from tasksync.sandbox.plannr.replies import Endpoint, Routes, forbidden, message, path, unsupported
from tasksync.sandbox.plannr.shapes import login_shape
from tasksync.sandbox.plannr.tables import Tables
from tasksync.sandbox.plannr.tasks import Tasks

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
ACCOUNT_HEADER = "x-plannr-account-uuid"


def application(firm: Tables) -> Starlette:
    """Everything below the base url."""
    api = _Api(firm)
    routes: Routes = [
        ("/logins", {"GET": api.list_logins}),
        *Tasks(firm).routes(),
        *Cases(firm).routes(),
        *Lookups(firm).routes(),
    ]

    async def no_route(request: Request, _error: Exception) -> Response:
        return _for_client(request, message(404, f"The route {path(request)} could not be found."))

    app = Starlette(
        routes=[
            *OAuthPages(firm).routes(authorize="/oauth/authorize"),
            *(Route(f"/api/v1{where}", api.guarded(endpoints), methods=_METHODS) for where, endpoints in routes),
        ],
        exception_handlers={404: no_route},
    )
    app.router.redirect_slashes = False
    return app


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
    """Who may come in, and as whom."""

    def __init__(self, firm: Tables) -> None:
        self._firm = firm

    def guarded(self, endpoints: dict[str, Endpoint]) -> Endpoint:
        """401 before everything, then limits, account header, and the work (plannr.md 11)."""

        async def run(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            if method not in endpoints:
                return _for_client(request, unsupported(request, endpoints).response)
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
        if scheme.lower() != "bearer" or not self._firm.accepts(token):
            raise Refusal(message(401, "Unauthenticated."))

    def _check_limit(self) -> None:
        quota = self._firm.quota
        if not quota.take():
            response = message(429, "Too Many Attempts.")
            response.headers.update({"Retry-After": str(quota.wait_s)} | quota.reset_header())
            raise Refusal(response)

    def _check_account(self, request: Request) -> None:
        given = request.headers.get(ACCOUNT_HEADER)
        if given is None:
            status = self._firm.settings.missing_account_header
            raise Refusal(message(status, "The X-PLANNR-ACCOUNT-UUID header is required."))
        if given.lower() not in self._own_accounts():
            raise forbidden()

    def _own_accounts(self) -> list[str]:
        settings = self._firm.settings
        return [
            EMPLOYEE,
            *([CLIENT] if settings.second_login else []),
            *([COLLEAGUE] if settings.second_employee else []),
        ]

    async def list_logins(self, _: Request) -> Response:
        shapes = [login_shape(self._firm, self._firm.accounts[uuid]) for uuid in self._own_accounts()]
        return JSONResponse({"data": shapes})
