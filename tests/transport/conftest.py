"""Time that only passes when somebody sleeps, connections that end in memory, and a server that misbehaves on cue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from tasksync.ports import RateLimit
from tasksync.transport.body import Kind
from tasksync.transport.dial import Dialer
from tasksync.transport.limits import Gate
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import Session

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLENTY = RateLimit(requests=10_000, per_s=1)
Cue = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class FakeTime:
    """A clock, a stopwatch and a sleep that agree with each other."""

    elapsed_s: float = 0.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed_s

    async def sleep(self, wait_s: float) -> None:
        self.slept.append(wait_s)
        self.elapsed_s += wait_s
        await asyncio.sleep(0)

    def advance(self, by_s: float) -> None:
        self.elapsed_s += by_s


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def slept(time: FakeTime) -> list[float]:
    """Every wait, in seconds, in its order."""
    return time.slept


@pytest.fixture
def advance(time: FakeTime) -> Callable[[float], None]:
    """Let so many seconds pass."""
    return time.advance


@pytest.fixture
def redactor() -> Redactor:
    return Redactor()


@pytest.fixture
async def dialer(time: FakeTime, redactor: Redactor) -> AsyncIterator[Callable[..., Dialer]]:
    """Makes dialers in fake time, closed at the end."""
    async with AsyncExitStack() as stack:

        def make(retry: RetryPolicy | None = None, **settings: Any) -> Dialer:
            made = Dialer(
                time, retry or RetryPolicy(), redactor, sleep=time.sleep, monotonic=time.monotonic, **settings
            )
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
def connect(dialer: Callable[..., Dialer]) -> Callable[..., Session]:
    """A session that is answered by `handler`, or over the network where there is none."""

    def dial(
        handler: Callable[[httpx.Request], Any] | None = None,
        *,
        url: str = "http://crm.test/base",
        limit: RateLimit = PLENTY,
        expects: Kind = "json",
        headers: dict[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        **settings: Any,
    ) -> Session:
        if handler is not None:
            settings["transport"] = httpx.MockTransport(handler)
        session: Session = dialer(**settings)(
            connection="office", base_url=url, limit=limit, expects=expects, headers=headers or {}, secrets=secrets
        )
        return session

    return dial


@pytest.fixture
def gate(time: FakeTime) -> Callable[[RateLimit], Gate]:
    return partial(Gate, clock=time, monotonic=time.monotonic, sleep=time.sleep)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[tuple[str, list[bytes]]]]]:
    """Starts a server that reads one request per connection and then follows its next cue: bytes to send, or a
    function that does with the connection what it likes. Afterwards it hangs up. Gives its url and the requests that
    it has read.
    """
    async with AsyncExitStack() as stack:

        async def start(*cues: Cue) -> tuple[str, list[bytes]]:
            received: list[bytes] = []
            script = iter(cues)

            async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                received.append(await _read_request(reader))
                cue = next(script)
                try:
                    if isinstance(cue, bytes):
                        writer.write(cue)
                        await writer.drain()
                    else:
                        await cue(writer)
                except ConnectionError:
                    pass
                finally:
                    writer.close()

            server = await asyncio.start_server(converse, "127.0.0.1", 0)
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
            return f"http://127.0.0.1:{port}", received

        yield start


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head
