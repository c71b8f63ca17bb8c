"""A world whose clock stands still, and a client for each CRM in it, without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tasksync.sandbox.app import create_app
from tasksync.sandbox.world import World

ACCOUNT = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"


class StandingClock:
    """Moves only when told to."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def forward(self, **amount: float) -> None:
        self.moment += timedelta(**amount)


@pytest.fixture
def clock() -> StandingClock:
    """In British summer time, when London is not UTC."""
    return StandingClock(datetime(2026, 6, 4, 7, 15, tzinfo=UTC))


@pytest.fixture
def world(clock: StandingClock) -> World:
    """No tasks."""
    return World(clock, seed=False)


Dial = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def dial(world: World) -> AsyncIterator[Dial]:
    """Makes clients of the application; keywords are those of httpx."""
    async with AsyncExitStack() as stack:
        transport = httpx.ASGITransport(create_app(world))

        def make(path: str, **options: object) -> httpx.AsyncClient:
            client = httpx.AsyncClient(transport=transport, base_url=f"http://crm.example{path}", **options)  # type: ignore[arg-type]  # passed on as they are
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
def office(dial: Dial) -> httpx.AsyncClient:
    return dial("/onlyoffice/api/2.0", headers={"Authorization": "sandbox"})


@pytest.fixture
def v1(dial: Dial) -> httpx.AsyncClient:
    return dial("/capsule/api", auth=("sandbox", "x"))


@pytest.fixture
def v2(dial: Dial) -> httpx.AsyncClient:
    return dial("/capsule/api/v2", headers={"Authorization": "Bearer sandbox"})


@pytest.fixture
def plannr(dial: Dial) -> httpx.AsyncClient:
    headers = {
        "Authorization": "Bearer sandbox",
        "Accept": "application/json",
        "X-PLANNR-ACCOUNT-UUID": ACCOUNT,
    }
    return dial("/plannr/api/v1", headers=headers)


@pytest.fixture
def admin(dial: Dial) -> httpx.AsyncClient:
    return dial("/_admin")
