"""The daemon's HTTP server: where it listens, how it ends, and clients that take their time."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import socket
import time

import pytest
import uvicorn
from web import Daemon, asking

from tasksync.errors import ConfigError
from tasksync.service.web import server


async def talk(port: int, data: bytes) -> bytes:
    """Send this and return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await asyncio.wait_for(reader.read(), timeout=30)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> float:
    """The server's patience is over soon."""
    patience_s = 0.3
    monkeypatch.setattr(server, "PATIENCE_S", patience_s)
    return patience_s


async def test_the_port_is_taken() -> None:
    """The message says where, why and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} \(Address already in use\).*http\.listen"):
            async with Daemon(port=port).listener():
                pytest.fail("two cannot listen there")


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
async def test_the_address_is_not_ours(host: str) -> None:
    """An address of another machine, or of none, is a config error."""
    with pytest.raises(ConfigError, match="cannot listen on"):
        async with Daemon(host=host, token="x" * 16).listener():
            pytest.fail("nobody can listen there")


async def test_the_port_is_free_again_at_once() -> None:
    """A restart does not wait."""
    daemon = Daemon()
    async with daemon.listener() as listener:
        daemon.port = listener.port
        assert (await talk(daemon.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")
    async with daemon.listener() as listener:
        assert listener.port == daemon.port
        assert (await talk(daemon.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("host", ["::1", "localhost"])
async def test_ipv6_and_names(host: str) -> None:
    """An IPv6 address is listened on, and a name with all of its addresses, at one port."""
    daemon = Daemon(host=host)
    async with asking(daemon) as client:
        assert (await client.get("/status.json")).status_code == 200
        assert (await client.post("/sync", headers={"Origin": str(client.base_url).rstrip("/")})).status_code == 202
        if host == "localhost":
            assert (await talk(daemon.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_two_colons_stand_for_ipv4_too() -> None:
    """As most programs understand it."""
    async with Daemon(host="::", token="x" * 16).listener() as listener:
        assert (await talk(listener.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_of_a_name_only_addresses_that_exist_are_listened_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container without IPv6 still has a localhost."""
    real = server._bind

    def without_ipv6(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family is socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return real(family, address, port)

    monkeypatch.setattr(server, "_bind", without_ipv6)
    async with Daemon(host="localhost").listener() as listener:
        assert (await talk(listener.port, b"GET /healthz HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200")
    with pytest.raises(ConfigError, match=r"\[::1\]:0 \(Cannot assign requested address\)"):
        async with Daemon(host="::1").listener():
            pytest.fail("nothing is left to listen on")


async def test_signals_stay_the_daemons() -> None:
    """SIGTERM and SIGINT have the handlers that they had."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    async with Daemon().listener():
        assert {number: signal.getsignal(number) for number in before} == before


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"POST /sync HTTP/1.1\r\nContent-Length: 9\r\n"])
async def test_a_slow_client_is_cut_off(hurried: float, data: bytes) -> None:
    """Whoever says nothing, or stops in the middle of it, is gone after a while, and held up nobody meanwhile."""
    daemon = Daemon()
    async with asking(daemon) as client:
        began = time.monotonic()
        slow = asyncio.create_task(talk(daemon.port, data))
        for _ in range(5):
            assert (await client.get("/healthz")).status_code == 200
        assert await slow == b""
        assert hurried * 0.9 < time.monotonic() - began < 10


async def test_a_client_that_drips_is_cut_off_too(hurried: float) -> None:
    """A byte now and then buys no time."""
    daemon = Daemon()
    async with asking(daemon):
        reader, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
        closed = asyncio.create_task(reader.read())
        while not closed.done():
            writer.write(b"G")
            await asyncio.wait({closed}, timeout=hurried / 10)
        writer.close()
        assert isinstance(closed.exception(), ConnectionResetError) or closed.result() == b""


async def test_one_request_per_connection() -> None:
    """What follows the first one is not looked at."""
    daemon = Daemon()
    request = b"POST /sync HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    async with daemon.listener() as listener:
        answer = await talk(listener.port, request * 3)
    assert answer.count(b"HTTP/1.1") == 1
    assert len(daemon.synced) == 1


async def test_too_many_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those above the limit are closed at once; when others end, there is room again."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    request = b"GET /healthz HTTP/1.0\r\n\r\n"
    async with Daemon().listener() as listener:
        silent = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(3)]
        assert await talk(listener.port, request) == b""
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()
        answer = b""
        async with asyncio.timeout(30):
            while not answer:
                answer = await talk(listener.port, request)
        assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 2_000_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 2_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /sync HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked, x\r\n\r\n",
    ],
    ids=["long header", "long path", "tls", "two hosts", "no host", "two lengths"],
)
async def test_what_is_no_proper_request(data: bytes) -> None:
    """It gets a 400 or nothing, and the server goes on."""
    daemon = Daemon()
    async with asking(daemon) as client:
        answer = await talk(daemon.port, data)
        assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))
        assert (await client.get("/healthz")).status_code == 200
    assert not daemon.synced


async def test_a_websocket_is_not_spoken() -> None:
    """An upgrade is not carried out, and the answer is that to the request."""
    daemon = Daemon()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x", "Sec-WebSocket-Version": "13"}
    async with asking(daemon) as client:
        assert (await client.get("/healthz", headers=upgrade)).status_code == 200


async def test_the_end_does_not_wait_for_slow_clients() -> None:
    """The server is down within moments, also while somebody is connected who says nothing."""
    async with Daemon().listener() as listener:
        _, silent = await asyncio.open_connection("127.0.0.1", listener.port)
        _, half = await asyncio.open_connection("127.0.0.1", listener.port)
        half.write(b"GET / HTTP/1.1\r\nHo")
        await half.drain()
        began = time.monotonic()
    assert time.monotonic() - began < 5
    for writer in (silent, half):
        writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", listener.port)


async def test_nobody_is_left_after_the_end() -> None:
    """No task of the server outlives it."""
    before = asyncio.all_tasks()
    async with asking(Daemon()) as client:
        await client.get("/metrics")
    assert asyncio.all_tasks() == before


async def test_a_start_that_fails_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong inside the server's start is raised, and nobody waits for ever."""

    async def fail(*_: object) -> None:
        raise OSError("no buffer space")

    monkeypatch.setattr(uvicorn.Server, "startup", fail)
    with pytest.raises(OSError, match="no buffer space"):
        async with Daemon().listener():
            pytest.fail("it did not start")


async def test_the_library_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A request leaves no line behind."""
    async with asking(Daemon()) as client:
        caplog.clear()
        with caplog.at_level("INFO"):
            await client.get("/metrics")
            assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


async def test_requests_at_the_same_time() -> None:
    """A few dozen scrapers do no harm."""
    async with asking(Daemon()) as client:
        answers = await asyncio.gather(*(client.get("/status.json") for _ in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
