"""The way into each simulated CRM: its log of requests, its faults and its `Date` header."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.utils import format_datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasksync.sandbox.answers import page
from tasksync.sandbox.crm import Crm, Served
from tasksync.sandbox.faults import Fault

HANG_UP = "tasksync.sandbox.hang_up"
"""Where in `scope["extensions"]` the server puts a function that closes the client's connection."""


class AnswerWithheld(Exception):
    """A fault took the answer away, and there is no connection to close because the application is called directly."""


@dataclass
class _Answer:
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def take(self, message: Message) -> None:
        """Stands in for the server's `send`."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def replace_body(self, body: bytes) -> None:
        self.status, self.body = 200, body
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        self.headers = [*kept, (b"content-length", b"%d" % len(body))]


class Gate:
    """Wraps the application of one CRM. Answers are collected before they are sent: they are small, and faults need
    them whole.
    """

    def __init__(self, app: ASGIApp, crm: Crm) -> None:
        self._app = app
        self._crm = crm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the sandbox speaks HTTP only, not {scope['type']}")
        query = scope["query_string"].decode("latin-1")
        path = f"{scope['path']}?{query}" if query else scope["path"]
        fault = self._crm.faults.strike(scope["method"], path)
        answer = await self._answer(fault, path, scope, receive)
        date = format_datetime(self._crm.now(), usegmt=True).encode()
        answer.headers.append((b"date", date))
        whole = answer.body
        if fault is not None and fault.do in {"lose_before", "lose_after"}:
            self._log(scope, path, 0)
            await self._hang_up(scope, receive)
        elif fault is not None and fault.do == "cut":
            self._log(scope, path, 0)
            await _send(send, answer, whole[: len(whole) // 2], more=True)
            await self._hang_up(scope, receive)
        else:
            self._log(scope, path, answer.status)
            await _send(send, answer, whole, more=False)

    async def _answer(self, fault: Fault | None, path: str, scope: Scope, receive: Receive) -> _Answer:
        answer = _Answer()
        if fault is not None and fault.do == "slow":
            await asyncio.sleep(fault.seconds)
        if fault is None or fault.works:
            await self._app(scope, receive, answer.take)
        if fault is None:
            return answer
        if fault.do == "status":
            response = self._crm.error_answer(path, fault.status)
            response.headers.update(fault.headers)
            answer = _Answer(response.status_code, list(response.raw_headers), bytes(response.body))
        elif fault.do == "html":
            response = page(200, "Scheduled maintenance")
            answer = _Answer(200, list(response.raw_headers), bytes(response.body))
        elif fault.do == "garbage":
            if not answer.headers:
                answer.headers = [(b"content-type", b"application/json")]
            answer.replace_body(answer.body[: len(answer.body) // 2] + b'<"\x00{')
        return answer

    def _log(self, scope: Scope, path: str, status: int) -> None:
        self._crm.requests.append(Served(scope["method"], path, status))

    @staticmethod
    async def _hang_up(scope: Scope, receive: Receive) -> None:
        hang_up = scope.get("extensions", {}).get(HANG_UP)
        if hang_up is None:
            raise AnswerWithheld
        hang_up()
        # The server takes an unfinished answer for a bug of ours unless it has noticed by then that the client is gone.
        while (await receive())["type"] != "http.disconnect":
            continue


async def _send(send: Send, answer: _Answer, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": body, "more_body": more})
