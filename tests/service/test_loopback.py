"""The browser's way back: one answer, the right one, and in time."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from tasksync.errors import WrongUsage
from tasksync.service.loopback import Loopback


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


async def test_the_browser_comes_back() -> None:
    """The address it was sent to is the answer, and the person is told to go back to the terminal."""
    with Loopback() as loopback:
        assert loopback.redirect_uri.startswith("http://127.0.0.1:")
        waiting = asyncio.create_task(loopback.answer("s1", 10))
        await asyncio.sleep(0)
        page = await get(f"{loopback.redirect_uri}?code=abc&state=s1")
        assert page.status_code == 200
        assert "Back to the terminal" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert (await waiting).endswith("/?code=abc&state=s1")


@pytest.mark.parametrize(
    "target",
    [
        "favicon.ico",
        "?state=s1",
        "?code=abc",
        "?code=abc&state=other",
        "?code=abc&state=",
        "elsewhere?code=abc&state=s1",
    ],
)
async def test_what_was_not_waited_for_does_not_count(target: str) -> None:
    """Icons, strangers and answers to another sign-in get a page that says so, and the wait goes on."""
    with Loopback() as loopback:
        waiting = asyncio.create_task(loopback.answer("s1", 10))
        await asyncio.sleep(0)
        assert (await get(f"{loopback.redirect_uri}{target}")).status_code == 404
        await get(f"{loopback.redirect_uri}?error=access_denied&state=s1")
        assert "error=access_denied" in await waiting


async def test_before_anybody_waits_nothing_counts() -> None:
    """An answer without a state is none, also while there is none to compare it with."""
    with Loopback() as loopback:
        assert (await get(f"{loopback.redirect_uri}?code=abc&state=")).status_code == 404


async def test_only_the_first_answer_counts() -> None:
    """A page that is loaded again changes nothing."""
    with Loopback(path="/back") as loopback:
        assert loopback.redirect_uri.endswith("/back")
        waiting = asyncio.create_task(loopback.answer("s1", 10))
        await asyncio.sleep(0)
        for code in ("first", "second"):
            await get(f"{loopback.redirect_uri}?code={code}&state=s1")
        assert "code=first" in await waiting


async def test_a_browser_that_only_opens_a_connection_holds_nobody_up() -> None:
    """Connections that say nothing, as browsers open them in advance, are beside the point."""
    with Loopback() as loopback:
        port = int(loopback.redirect_uri.split(":")[2].strip("/"))
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
            waiting = asyncio.create_task(loopback.answer("s1", 10))
            await asyncio.sleep(0)
            await get(f"{loopback.redirect_uri}?code=abc&state=s1")
            assert await waiting


async def test_the_wait_ends() -> None:
    """When nobody comes back, it is over after the given time, and the port is free again."""
    with Loopback() as loopback:
        with pytest.raises(TimeoutError):
            await loopback.answer("s1", 0.05)
        port = int(loopback.redirect_uri.split(":")[2].strip("/"))
    with Loopback(port=port):
        pass


async def test_a_port_that_is_taken_is_named() -> None:
    """With what to do about it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WrongUsage, match=rf"127\.0\.0\.1:{port}.*--manual"), Loopback(port=port):
            pass
