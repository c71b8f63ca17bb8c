"""The sandbox as a process of its own, for benches: python -m tests.bench.server. Prints its url, and serves until its
standard input ends.

Besides the CRMs and `/_admin`, `/_bench` answers: GET and DELETE `requests`, POST `fill?crm=capsule&count=10`,
PUT `latency?s=0.02`.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from datetime import timedelta
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from tests.bench.wire import Wire

from tasksync.sandbox.app import create_app
from tasksync.sandbox.crm import Crm
from tasksync.sandbox.server import HOST, _listen
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock

_AGE: Final = timedelta(days=30)


def application() -> Starlette:
    """Three empty accounts behind a wire."""
    world = World(SystemClock(), seed=False)
    wire = Wire(create_app(world), world)

    async def requests(request: Request) -> Response:
        if request.method == "DELETE":
            wire.requests.clear()
        rows = [
            (one.method, one.target, base64.b64encode(one.body).decode(), one.content_type) for one in wire.requests
        ]
        return JSONResponse(rows)

    async def fill(request: Request) -> Response:
        _fill(world.crms[request.query_params["crm"]], int(request.query_params["count"]))
        return Response(status_code=204)

    async def latency(request: Request) -> Response:
        wire.latency_s = float(request.query_params["s"])
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/_bench/requests", requests, methods=["GET", "DELETE"]),
            Route("/_bench/fill", fill, methods=["POST"]),
            Route("/_bench/latency", latency, methods=["PUT"]),
            Mount("/", wire),
        ]
    )


def _fill(crm: Crm, count: int) -> None:
    """Tasks that have been there for a while: what was touched in the last minutes is read again by any client that
    asks for changes. The same ones in every CRM.
    """
    today, made = crm.today(), crm.stamp() - _AGE
    for number in range(count):
        crm.add(
            title=f"Review client file {number:06}",
            body=f"Standing order {number}: see the client file before calling.",
            due=today + timedelta(days=number % 60),
            category="Call",
            created=made,
            modified=made,
        )


async def serve() -> None:
    listener = _listen(0)
    config = uvicorn.Config(
        application(), ws="none", lifespan="off", log_config=None, access_log=False, date_header=False,
        server_header=False, timeout_keep_alive=600,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sys.stdout.write(f"http://{HOST}:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    # Whoever started it holds the other end, and cannot die without letting go of it.
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(serve())
