"""The firm of the engine's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from firm import FakeClock, Firm, connections

from tasksync.sandbox.world import World
from tasksync.store.opening import open_mirror


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["v1", "v2"])
def api(request: pytest.FixtureRequest) -> str:
    """Capsule's protocol: most cycles have to work over both."""
    version: str = request.param
    return version


@pytest.fixture
def world(clock: FakeClock) -> World:
    return World(clock, seed=False)


@pytest.fixture
async def firm(clock: FakeClock, world: World, api: str) -> AsyncIterator[Firm]:
    """Three empty accounts and an empty mirror."""
    mirror = open_mirror("sqlite://")
    yield Firm(clock=clock, world=world, mirror=mirror, settings=connections(api))
    mirror.close()


@pytest.fixture
async def met(firm: Firm) -> Firm:
    """The accounts have met, and hold one task in step: "Ring Bob", due 2026-03-20 all day."""
    firm.world.capsule.add(title="Ring Bob", body="About the boiler.", due="2026-03-20", category="Call")
    first = await firm.sync()
    assert first.exit_code == 0, [member.error for member in first.members]
    await firm.sync()
    firm.forget_requests()
    return firm
