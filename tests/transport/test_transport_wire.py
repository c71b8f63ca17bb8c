"""Real sockets: answers that break off, drip, never come, or never end."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable

import pytest

from tasksync.errors import AnswerLost, ServerFault, TasksyncError, Unreachable
from tasksync.transport.client import Timeouts
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import Session

Connect = Callable[..., Session]
Cue = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[tuple[str, list[bytes]]]]
QUICK = Timeouts(read=0.05)
BOTH = pytest.mark.parametrize(("method", "expected"), [("GET", ServerFault), ("POST", AnswerLost)])
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"id":1}'


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(1)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def drip_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: a\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n[")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()
        # Draining gives way only when the buffers are full.
        await asyncio.sleep(0)


async def endless_bomb(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    while True:
        writer.write(packer.compress(bytes(1 << 20)))
        await writer.drain()
        await asyncio.sleep(0)


BREAKS: dict[str, Cue] = {
    "hangs up": b"",
    "cut head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "cut body": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id":1}',
    "cut chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{}      \r\n",
    "cut without length": b'HTTP/1.1 200 OK\r\n\r\n{"id":',
    "nonsense": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "large head": b"HTTP/1.1 200 OK\r\nX-Large: " + b"a" * 200_000 + b"\r\n\r\n",
    "silence": silence,
}


@pytest.mark.parametrize("case", BREAKS)
@BOTH
async def test_lost_answer(
    connect: Connect, serve: Serve, case: str, method: str, expected: type[TasksyncError]
) -> None:
    """However an answer is lost, a read is tried again and a create is not."""
    url, received = await serve(BREAKS[case], BREAKS[case])
    session = connect(url=url, retry=RetryPolicy(tries=2), timeouts=QUICK)
    with pytest.raises(expected):
        await session.send(method, "tasks", json={"title": "a"})
    assert session.requests == len(received) == (2 if method == "GET" else 1)


@pytest.mark.parametrize("case", BREAKS)
async def test_read_recovers(connect: Connect, serve: Serve, case: str) -> None:
    """A read whose answer was lost once succeeds on the second try."""
    url, received = await serve(BREAKS[case], OK)
    response = await connect(url=url, timeouts=QUICK).send("PUT", "tasks/1", json={"title": "a"})
    assert response.body == b'{"id":1}'
    assert received[0] == received[1]
    assert received[1].endswith(b'\r\n\r\n{"title":"a"}')


@pytest.mark.parametrize("cue", [drip, drip_head])
@BOTH
async def test_dripping_answer(
    connect: Connect, serve: Serve, cue: Cue, method: str, expected: type[TasksyncError]
) -> None:
    """A server that sends a byte now and then is bounded by the time for the whole request."""
    url, _received = await serve(cue)
    session = connect(url=url, retry=RetryPolicy(tries=1), timeouts=Timeouts(whole=0.1))
    async with asyncio.timeout(3):
        with pytest.raises(expected, match="no answer came in time"):
            await session.send(method, "tasks")


@pytest.mark.parametrize("cue", [endless, endless_bomb])
@BOTH
async def test_endless_answer(
    connect: Connect, serve: Serve, cue: Cue, method: str, expected: type[TasksyncError]
) -> None:
    """A body without an end is given up at the limit, packed or not, and not asked for again."""
    url, _received = await serve(cue)
    session = connect(url=url, largest_body=1 << 20)
    with pytest.raises(expected, match="larger than 1048576 bytes"):
        await session.send(method, "tasks")
    assert session.requests == 1


async def test_refusal_that_is_cut(connect: Connect, serve: Serve) -> None:
    """A refusal counts by its status even if its words are cut off."""
    url, _received = await serve(b'HTTP/1.1 422 No\r\nContent-Length: 100\r\n\r\n{"message":')
    response = await connect(url=url).send("POST", "tasks")
    assert (response.status, response.body) == (422, b'{"message":')


async def test_throttling_that_is_cut(connect: Connect, serve: Serve, slept: list[float]) -> None:
    """A 429 counts by its head, whatever becomes of its body."""
    url, _received = await serve(b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 100\r\n\r\n", OK)
    assert (await connect(url=url).send("POST", "tasks")).status == 200
    assert slept == [3.0]


async def test_nobody_listens(connect: Connect, serve: Serve) -> None:
    """Where nobody listens nothing was sent, and a create may be tried again."""
    session = connect(url="http://127.0.0.1:1")
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 cannot be reached"):
        await session.send("POST", "tasks")
    assert session.requests == 5


async def test_certificate_of_no_server(connect: Connect, serve: Serve) -> None:
    """A server that speaks no TLS where TLS is expected cannot be reached."""
    url, _received = await serve()
    session = connect(url=url.replace("http:", "https:"), retry=RetryPolicy(tries=1), timeouts=Timeouts(connect=0.2))
    with pytest.raises(Unreachable):
        await session.send("POST", "tasks")


async def test_cancelled_request(connect: Connect, serve: Serve) -> None:
    """A request that is cancelled ends as cancelled, and is not tried again."""
    reached = asyncio.Event()

    async def say_nothing(writer: asyncio.StreamWriter) -> None:
        reached.set()
        await silence(writer)

    url, _received = await serve(say_nothing)
    session = connect(url=url)
    request = asyncio.create_task(session.send("GET", "tasks"))
    await reached.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert session.requests == 1


async def test_headers_on_the_wire(connect: Connect, serve: Serve) -> None:
    """Headers are sent as they were given, those of one request in place of the connection's, and none is left behind
    for the next one.
    """
    url, received = await serve(OK, OK)
    session = connect(url=url, headers={"X-Account": "one", "X-Language": "en"})
    await session.send("POST", "/a", json={}, headers={"x-account": "two", "X-Once": "yes"})
    await session.send("GET", "/b")
    first, second = (request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:] for request in received)
    assert {b"x-account: two", b"X-Language: en", b"X-Once: yes", b"Content-Type: application/json"} <= set(first)
    assert not any(line.startswith(b"X-Account") for line in first)
    assert {b"X-Account: one", b"X-Language: en"} <= set(second)
    assert not any(line.startswith((b"X-Once", b"Content-Type")) for line in second)
    for head in (first, second):
        assert {b"Accept: application/json", b"Accept-Encoding: gzip", b"Connection: keep-alive"} <= set(head)
        assert any(line.startswith(b"User-Agent: tasksync/") for line in head)
