"""The question of a container's health check, to a real server."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from web import Daemon

from tasksync.service import probe
from tasksync.service.probe import ask_health


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """A server that says this to everybody, on the port it yields; with nothing to say, it keeps silent."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not answer:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(port: int, host: str = "127.0.0.1") -> tuple[bool, str]:
    """In a thread: the server that answers is in this one."""
    return await asyncio.to_thread(ask_health, host, port)


async def test_the_daemon_is_well() -> None:
    """It says so, also when a token is needed for everything else."""
    for token in (None, "x" * 16):
        async with Daemon(token=token).listener() as listener:
            assert await ask(listener.port) == (True, f"The daemon on 127.0.0.1:{listener.port} is well.")


async def test_the_loop_does_not_turn() -> None:
    """Then the daemon is not well, although it answers."""
    async with Daemon(alive=False).listener() as listener:
        well, message = await ask(listener.port)
        assert not well
        assert "its loop does not turn" in message


@pytest.mark.parametrize(
    ("listening", "asked"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("localhost", "localhost")],  # noqa: S104 -- the point
)
async def test_where_the_daemon_is_asked(listening: str, asked: str) -> None:
    """Who listens everywhere is asked on the loopback interface, all others where they listen."""
    async with Daemon(host=listening, token="x" * 16).listener() as listener:
        assert await ask(listener.port, listening) == (True, f"The daemon on {asked}:{listener.port} is well.")


async def test_nobody_listens() -> None:
    """The message says where and why."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    well, message = await ask(port)
    assert not well
    assert re.fullmatch(rf"No daemon answers on 127\.0\.0\.1:{port}: .*Connection refused\.", message)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"alive": "no"}',
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_another_program_listens_there(answer: bytes) -> None:
    """Whatever it says, the daemon is not well."""
    async with answering(answer) as port:
        assert await ask(port) == (False, f"What answers on 127.0.0.1:{port} is not tasksync.")


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{}"])
async def test_what_answers_does_not_speak_http(answer: bytes) -> None:
    """Or hangs up in the middle of it: the daemon is not well."""
    async with answering(answer) as port:
        well, message = await ask(port)
        assert not well
        assert message.startswith(("No daemon answers on", "What answers on"))


async def test_a_daemon_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without an answer is not well after a few seconds."""
    monkeypatch.setattr(probe, "_TIMEOUT_S", 0.1)
    async with answering(b"") as port:
        assert await ask(port) == (False, f"No daemon answers on 127.0.0.1:{port}: timed out.")
