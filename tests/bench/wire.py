"""What stands before the sandbox in a bench: a wire with a latency, a memory for pages, and a log with bodies.

A page is rendered once, and its bytes are kept until somebody writes to its CRM: what is measured is the client, not
the sandbox. What an answer says about the moment (`Date`, the end of a quota's window) is as of the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tasksync.sandbox.crm import Crm
from tasksync.sandbox.world import World

_OF_THE_MOMENT = frozenset({b"date", b"x-ratelimit-reset"})


class Request(NamedTuple):
    """One request to a CRM. `target` begins with the CRM's name; `body` is empty for one that reads."""

    method: str
    target: str
    body: bytes
    content_type: str

    @property
    def crm(self) -> str:
        return self.target.split("/", 2)[1]


@dataclass(slots=True)
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


class Wire:
    """Wraps the sandbox. `latency_s` passes before each answer of a CRM; the admin's side has none."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._crms = world.crms
        self._pages: dict[str, dict[str, _Answer]] = {name: {} for name in world.crms}
        self.latency_s = 0.0
        self.requests: list[Request] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].split("/", 2)[1]
        if name not in self._crms:
            await self._administer(scope, receive, send)
            return
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        query = scope["query_string"].decode("latin-1")
        target = f"{scope['path']}?{query}" if query else scope["path"]
        if scope["method"] == "GET":
            self.requests.append(Request("GET", target, b"", ""))
            answer = await self._page(name, target, scope, receive)
        else:
            self._pages[name].clear()
            body = await _whole(receive)
            kind = dict(scope["headers"]).get(b"content-type", b"").decode("latin-1")
            self.requests.append(Request(scope["method"], target, body, kind))
            answer = await self._ask(scope, _once(body))
        headers = [*_lasting(answer), *_of_the_moment(self._crms[name], answer)]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _administer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A person may have changed anything."""
        if scope["method"] != "GET":
            for pages in self._pages.values():
                pages.clear()
        await self._app(scope, receive, send)
        # The sandbox keeps a log of its own, which nobody reads here.
        for crm in self._crms.values():
            crm.requests.clear()

    async def _page(self, name: str, target: str, scope: Scope, receive: Receive) -> _Answer:
        pages = self._pages[name]
        if target not in pages:
            answer = await self._ask(scope, receive)
            if answer.status != 200:
                return answer
            pages[target] = answer
        return pages[target]

    async def _ask(self, scope: MutableMapping[str, Any], receive: Receive) -> _Answer:
        answer = _Answer()
        await self._app(scope, receive, answer.take)
        return answer


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _once(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _lasting(answer: _Answer) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in answer.headers if name.lower() not in _OF_THE_MOMENT]


def _of_the_moment(crm: Crm, answer: _Answer) -> list[tuple[bytes, bytes]]:
    fresh = [(b"date", format_datetime(crm.now(), usegmt=True).encode())]
    if any(name.lower() == b"x-ratelimit-reset" for name, _ in answer.headers):
        fresh += [(name.encode(), value.encode()) for name, value in crm.quota.reset_header().items()]
    return fresh
