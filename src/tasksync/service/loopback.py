"""Where the CRM sends the browser back to at the end of a sign-in: a server on this machine, for one answer (RFC 8252,
7.3).
"""

from __future__ import annotations

import asyncio
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import compare_digest
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

from tasksync.errors import WrongUsage

HOST: Final = "127.0.0.1"

_PAGE: Final = (
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>tasksync</title></head>'
    '<body style="font-family: sans-serif; margin: 3em"><h1>{title}</h1><p>{text}</p></body></html>\n'
)
_ARRIVED: Final = ("Back to the terminal", "tasksync has the answer of the CRM and goes on there. Close this page.")
_NOTHING: Final = ("Nothing here", "This is tasksync waiting for a sign-in, and not for this address.")


class Loopback:
    """Listens within a `with` block, which has to be inside a running event loop. `redirect_uri` is where it listens:
    at the port (0: a free one) and the path that it is given.
    """

    def __init__(self, *, port: int = 0, path: str = "/") -> None:
        self._state = ""
        self._port = port
        self._path = path or "/"
        self.redirect_uri = ""

    def __enter__(self) -> Self:
        """Raises `WrongUsage` when the port is taken."""
        self._loop = asyncio.get_running_loop()
        self._arrived: asyncio.Future[str] = self._loop.create_future()
        try:
            self._server = _Server((HOST, self._port), self)
        except OSError as error:
            raise WrongUsage(
                f"tasksync login cannot listen on {HOST}:{self._port} for the browser to come back ({error.strerror}). "
                "Free the port, or use: tasksync login --manual"
            ) from error
        self.redirect_uri = f"http://{HOST}:{self._server.server_address[1]}{self._path}"
        threading.Thread(target=self._server.serve_forever, name="loopback", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    async def answer(self, state: str, wait_s: float) -> str:
        """The address that the browser was sent to. Raises `TimeoutError` after so many seconds.

        A browser opens connections that it never uses, and asks for icons, and any program of this machine can send
        requests: only one for the path, with `state` in it, counts.
        """
        self._state = state
        async with asyncio.timeout(wait_s):
            return await self._arrived

    def take(self, target: str) -> bool:
        """Whether this is what was waited for. Called in a thread of the server."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        (state,) = query.get("state", [""])[-1:]
        ours = parts.path == self._path and compare_digest(state.encode(), self._state.encode())
        if self._state and ours and ("code" in query or "error" in query):
            self._loop.call_soon_threadsafe(self._arrive, f"http://{HOST}{target}")
            return True
        return False

    def _arrive(self, address: str) -> None:
        if not self._arrived.done():
            self._arrived.set_result(address)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], loopback: Loopback) -> None:
        self.loopback = loopback
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is nobody's business."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10
    server: _Server

    def do_GET(self) -> None:
        arrived = self.server.loopback.take(self.path)
        title, text = _ARRIVED if arrived else _NOTHING
        body = _PAGE.format(title=title, text=text).encode()
        self.send_response(200 if arrived else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named so by the base)
        """Nothing: the address holds the code."""
