"""How many connections a session keeps, and for how long: seen from a server that keeps them as long as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tasksync.errors import AnswerLost
from tasksync.transport.client import Timeouts
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import Session

Connect = Callable[..., Session]
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"id":1}'


@dataclass
class Host:
    """Answers every request once `answering` is set."""

    url: str = ""
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    connections: list[asyncio.StreamWriter] = field(default_factory=list)
    ended: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.append(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await self._count(1)
                await self.answering.wait()
                writer.write(OK)
                await self._count(-1)
        self.ended += 1
        await self._count(0)
        writer.close()

    async def _count(self, more: int) -> None:
        async with self.changed:
            self.waiting += more
            self.changed.notify_all()

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(reached)


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield host
    host.answering.set()
    for one in host.connections:
        one.close()
    server.close()
    await server.wait_closed()


async def test_one_after_another_share_a_connection(connect: Connect, host: Host) -> None:
    """A connection is used again for the next request."""
    session = connect(url=host.url)
    host.answering.set()
    for _ in range(3):
        await session.send("GET", "tasks")
    assert len(host.connections) == 1


async def test_as_many_connections_as_requests_at_a_time(
    connect: Connect, host: Host, advance: Callable[[float], None]
) -> None:
    """Requests at the same time have a connection each; later ones use those again, and those that are not needed any
    more are closed, one of them remaining.
    """
    session = connect(url=host.url)
    for _ in range(2):
        host.answering.clear()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(session.send("GET", "tasks"))
            await host.until(lambda: host.waiting == 3)
            host.answering.set()
    assert (len(host.connections), host.ended) == (3, 0)
    advance(10)
    await session.send("GET", "tasks")
    await host.until(lambda: host.ended == 2)
    assert len(host.connections) == 3


async def test_what_is_under_way_when_the_session_closes(connect: Connect, host: Host) -> None:
    """It gets its answer, and its connection is closed then."""
    session = connect(url=host.url)
    answer = asyncio.create_task(session.send("GET", "tasks"))
    await host.until(lambda: host.waiting == 1)
    await session.close()
    host.answering.set()
    assert (await answer).body == b'{"id":1}'
    await host.until(lambda: host.ended == 1)


async def test_a_broken_connection_is_not_used_again(connect: Connect, host: Host) -> None:
    """After a timeout the next request has a connection of its own, so no late answer can be taken for its own."""
    session = connect(url=host.url, retry=RetryPolicy(tries=1), timeouts=Timeouts(whole=0.05))
    with pytest.raises(AnswerLost):
        await session.send("POST", "tasks", json={})
    host.answering.set()
    await session.send("GET", "tasks")
    assert len(host.connections) == 2
