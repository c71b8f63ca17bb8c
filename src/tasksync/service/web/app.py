"""The application: which address answers what."""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from tasksync.ports import Clock
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.web.gate import OPEN_PATH, Gate
from tasksync.service.web.page import STYLE_HASH, page
from tasksync.service.web.standing_json import readiness, status


def create_app(
    *,
    standing: Standing,
    metrics: Metrics,
    clock: Clock,
    host: str,
    token: str | None,
    sync_now: Callable[[Collection[str]], None],
    alive: Callable[[], bool],
) -> ASGIApp:
    """The daemon's pages. `host` is what the server listens on; without a `token` only this machine gets an answer.
    `sync_now` makes these connections due and returns at once; `alive` says whether the daemon's loop turns.
    """
    answers = _Answers(standing, metrics, clock, sync_now, alive)
    app = Starlette(
        routes=[
            Route("/", answers.page),
            Route(OPEN_PATH, answers.healthz),
            Route("/readyz", answers.readyz),
            Route("/metrics", answers.metrics),
            Route("/status.json", answers.status),
            Route("/sync", answers.sync, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refused},
    )
    app.router.redirect_slashes = False
    return Gate(app, token=token, host=host, style_hash=STYLE_HASH)


class _Answers:
    def __init__(
        self,
        standing: Standing,
        metrics: Metrics,
        clock: Clock,
        sync_now: Callable[[Collection[str]], None],
        alive: Callable[[], bool],
    ) -> None:
        self._standing = standing
        self._metrics = metrics
        self._clock = clock
        self._sync_now = sync_now
        self._alive = alive

    async def page(self, _: Request) -> Response:
        return HTMLResponse(page(self._standing, self._clock.now()))

    async def healthz(self, _: Request) -> Response:
        alive = self._alive()
        return JSONResponse({"alive": alive}, 200 if alive else 503)

    async def readyz(self, _: Request) -> Response:
        found = readiness(self._standing, self._clock.now())
        return JSONResponse(found, 200 if found["ready"] else 503)

    async def metrics(self, request: Request) -> Response:
        body, content_type = self._metrics.exposition(request.headers.get("accept", ""))
        return Response(body, headers={"Content-Type": content_type})

    async def status(self, _: Request) -> Response:
        return JSONResponse(status(self._standing, self._clock.now()))

    async def sync(self, request: Request) -> Response:
        """Of the connections named in the query, or of all."""
        unknown = sorted(set(request.query_params) - {"connection"})
        if unknown:
            raise HTTPException(400, f"There is no parameter {unknown[0]}, only connection.")
        known = list(self._standing.connections)
        named = request.query_params.getlist("connection")
        for name in named:
            if name not in known:
                raise HTTPException(404, f"There is no connection {name}. There are: {', '.join(known)}.")
        wanted = [name for name in known if name in named] if named else known
        self._sync_now(wanted)
        return JSONResponse({"connections": wanted}, 202)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    standard = error.detail == HTTPStatus(error.status_code).phrase
    message = f"{error.detail}." if standard else error.detail
    return JSONResponse({"error": message}, error.status_code, error.headers)
