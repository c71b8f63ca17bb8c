"""The server: uvicorn in the daemon's own loop, which leaves signals to the daemon and gives nobody much time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from errno import EADDRNOTAVAIL, EAFNOSUPPORT
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from tasksync.errors import ConfigError

PATIENCE_S: Final = 10.0
"""So long may a client take from its connection to the end of its answer. There is one request per connection."""

MOST_CONNECTIONS: Final = 64
_LARGEST_HEAD: Final = 16 * 1024
_GRACE_S: Final = 1
_NO_SUCH_FAMILY: Final = frozenset({EADDRNOTAVAIL, EAFNOSUPPORT})


class _Connection(H11Protocol):
    """Uvicorn's, with an end to each connection: a client that is slow to ask, or slow to read, is cut off."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        else:
            self._deadline = self.loop.call_later(PATIENCE_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)


class _Uvicorn(uvicorn.Server):
    """Tells when it has started, and lets the signals alone."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                date_header=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=_LARGEST_HEAD,
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self.startup_over = asyncio.Event()
        self.stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.startup_over.set()

    async def main_loop(self) -> None:
        """The base would look ten times a second, for months, whether it should end. None of what else it does there
        is switched on.
        """
        await self.stop.wait()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """The base would take SIGTERM and SIGINT for itself, which are the daemon's."""
        yield


class Listener:
    """The server, within an `async with` block. Port 0: a free one; `port` is then the real one."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._server = _Uvicorn(app)
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Returns once requests are answered. Raises ConfigError when the address cannot be listened on."""
        listeners = await _listen(self.host, self.port)
        self.port = listeners[0].getsockname()[1]
        self._serving = asyncio.create_task(self._server.serve(sockets=listeners), name="http")
        await self._server.startup_over.wait()
        if not self._server.started:
            for listener in listeners:
                listener.close()
            await self._serving
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Answers that are under way get a second more."""
        self._server.stop.set()
        if self._serving is not None:
            await self._serving
        for left in list(self._server.server_state.connections):
            if isinstance(left, _Connection):
                left.transport.abort()


async def _listen(host: str, port: int) -> list[socket.socket]:
    """On all addresses that the host's name stands for, at the same port. Of a name that has addresses of both
    families on a machine that has only one, those of the other are left out.
    """
    listeners: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for family, address in await _addresses(host, port):
            chosen = listeners[0].getsockname()[1] if listeners else port
            try:
                listeners.append(_bind(family, address, chosen))
            except OSError as error:
                if error.errno not in _NO_SUCH_FAMILY:
                    raise
                absent = error
        if absent is not None and not listeners:
            raise absent
    except OSError as error:
        for listener in listeners:
            listener.close()
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise ConfigError(
            f"The daemon cannot listen on {where} ({error.strerror}). Choose another address for http.listen, or stop "
            "what listens there."
        ) from error
    return listeners


async def _addresses(host: str, port: int) -> Sequence[tuple[socket.AddressFamily, str]]:
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            # "::" alone stands for IPv4, too; of a name's addresses each is bound for itself.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address != "::")
        listener.bind((address, port))
        # Only now is a taken port noticed in every case: two sockets may be bound alike while neither listens.
        listener.listen(MOST_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener
