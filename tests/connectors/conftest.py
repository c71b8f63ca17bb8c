"""The sandbox on a socket, and an account in it for each arrangement of the conformance suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from account_site import Sandbox, Site
from accounts import TASKS, Arrangement
from firm import FakeClock

from tasksync.ports import Connector
from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Started once; `site` empties what it uses."""
    clock = FakeClock()
    world = World(clock, seed=False)
    with Server(world) as server:
        yield Sandbox(clock=clock, world=world, url=server.url)


@pytest.fixture(params=TASKS, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """All accounts, for tasks, unless a test or a module names its own."""
    chosen: Arrangement = request.param
    return chosen


@pytest.fixture
def kind(arrangement: Arrangement) -> str:
    """The name of the kind that the arrangement is about."""
    return arrangement.kind.name


@pytest.fixture
def state(arrangement: Arrangement) -> str:
    """The field that says whether such a record is finished."""
    return arrangement.state


@pytest.fixture
async def site(arrangement: Arrangement, sandbox: Sandbox) -> AsyncIterator[Site]:
    """An empty account."""
    site = Site(arrangement, sandbox)
    yield site
    await site.close()


@pytest.fixture
async def connector(site: Site) -> Connector:
    """Open, and at home in the account."""
    connector = await site.opened()
    site.clock.tick(minutes=1)
    return connector
