"""The sandbox on a real socket of the loopback interface: in the background for tests and the demo, or blocking."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tasksync.errors import ConfigError
from tasksync.sandbox.app import create_app
from tasksync.sandbox.gate import HANG_UP
from tasksync.sandbox.world import World

HOST = "127.0.0.1"


class _Protocol(H11Protocol):
    """Gives the application a function that closes the connection, which ASGI has no message for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        app = cast("ASGIApp", self.app)

        async def with_hang_up(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**scope.get("extensions", {}), HANG_UP: transport.close}
            await app(scope, receive, send)

        self.app = cast("Any", with_hang_up)


class _Uvicorn(uvicorn.Server):
    """Tells when it has started, and does not raise the signal again that stopped it."""

    def __init__(self, world: World, started: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(world),
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                date_header=False,
                server_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )
        self.ready = threading.Event()
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
        if self._started is not None:
            self._started()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """The base raises the signals again that it got, which would end the process instead of the sandbox."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer waits 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The sandbox cannot listen on {HOST}:{port}: {error.strerror}. Choose another port."
        ) from error
    return listener


class Server:
    """The sandbox in a thread of its own, from `with` to the end of the block. Port 0: any free one."""

    def __init__(self, world: World, port: int = 0) -> None:
        self._server = _Uvicorn(world)
        self._port = port
        self._thread: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> Self:
        """Returns once requests are answered. Raises ConfigError when the port is taken."""
        listener = _listen(self._port)
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(timeout=30):
            raise RuntimeError("the sandbox did not start within 30 seconds")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join()


def serve(world: World, port: int, started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then return. `started` is called once requests are answered and signals heeded.
    Raises ConfigError when the port is taken.
    """
    _Uvicorn(world, started).run(sockets=[_listen(port)])
