"""Stopping: what is under way ends, what waits gives up, nothing new begins; and every request is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tasksync.errors import ServerFault, Stopping
from tasksync.ports import RateLimit, Traffic
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import Session

LIMIT = RateLimit(requests=1000, per_s=1)


class Counted:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, int | None, float]] = []
        self.traffic: list[Traffic] = []

    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float, traffic: Traffic) -> None:
        self.requests.append((connection, method, status, elapsed_s))
        self.traffic.append(traffic)


class Bell:
    """A sleep that ends when it is rung."""

    def __init__(self) -> None:
        self.slept = asyncio.Event()
        self.rung = asyncio.Event()

    async def __call__(self, _: float) -> None:
        self.slept.set()
        await self.rung.wait()


def open_session(dialer: Dialer) -> Session:
    return dialer(connection="office", base_url="http://crm.test", limit=LIMIT, expects="json", headers={})


async def test_nothing_begins_after_the_stop(dialer: Callable[..., Dialer]) -> None:
    """A request that was not begun is not sent, and its error says that nothing was done."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={})

    made = dialer(transport=httpx.MockTransport(answer))
    session = open_session(made)
    await session.send("GET", "before")
    made.stop()
    with pytest.raises(Stopping, match="stopped before this was sent"):
        await session.send("POST", "after")
    assert asked == ["/before"]


async def test_what_is_under_way_is_finished(dialer: Callable[..., Dialer]) -> None:
    """The answer to a request that went out before the stop arrives."""
    arrived, released = asyncio.Event(), asyncio.Event()

    async def answer(_: httpx.Request) -> httpx.Response:
        arrived.set()
        await released.wait()
        return httpx.Response(201, json={"id": 7})

    made = dialer(transport=httpx.MockTransport(answer))
    sending = asyncio.create_task(open_session(made).send("POST", "task"))
    await arrived.wait()
    made.stop()
    released.set()
    assert (await sending).status == 201


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(429, headers={"Retry-After": "30"}), Stopping),
        (httpx.Response(503), ServerFault),
    ],
    ids=["certainly nothing done", "perhaps done"],
)
async def test_who_waits_for_another_try_gives_up(
    redactor: Redactor, time: Any, answer: httpx.Response, error: type[Exception]
) -> None:
    """A stop ends the wait between two tries. Where the first one may have been carried out, the error says so: an
    update that was sent is not to be taken for one that was not.
    """
    bell = Bell()
    transport = httpx.MockTransport(lambda _: httpx.Response(answer.status_code, headers=answer.headers))
    made = Dialer(time, RetryPolicy(), redactor, sleep=bell, monotonic=time.monotonic, transport=transport)
    sending = asyncio.create_task(open_session(made).send("PUT", "task/7", json={}))
    await bell.slept.wait()
    made.stop()
    with pytest.raises(error):
        await asyncio.wait_for(sending, 5)
    await made.close()


async def test_every_try_is_counted(dialer: Callable[..., Dialer]) -> None:
    """The meter hears of each try of each request: connection, method, status or none, duration, traffic."""
    answers: Iterator[httpx.Response | Exception] = iter(
        [httpx.Response(503, content=b"busy"), httpx.ReadError("reset"), httpx.Response(200, json={})]
    )

    def answer(_: httpx.Request) -> httpx.Response:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    counted = Counted()
    made = dialer(transport=httpx.MockTransport(answer), meter=counted)
    session = open_session(made)
    await session.send("GET", "tasks")
    assert [one[:3] for one in counted.requests] == [
        ("office", "GET", 503),
        ("office", "GET", None),
        ("office", "GET", 200),
    ]
    assert all(one[3] >= 0 for one in counted.requests)
    assert [one.received_bytes for one in counted.traffic] == [0, 0, 2]
    assert sum(counted.traffic, Traffic()) == session.traffic
