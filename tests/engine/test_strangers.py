"""What `tasksync check` says of people and categories, before any task mentions them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from firm import FakeClock, connections

from tasksync.connectors.manifest import discover
from tasksync.core.directory import NOTHING_CONFIGURED, Configured
from tasksync.engine.strangers import strangers
from tasksync.ports import Connector
from tasksync.sandbox.app import create_app
from tasksync.sandbox.company import move_in
from tasksync.sandbox.world import World
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy


@pytest.fixture
async def company(world: World, clock: FakeClock, api: str) -> AsyncIterator[Sequence[Connector]]:
    """The connections of a company of ten, open."""
    for crm in world.crms.values():
        move_in(crm)
    transport = httpx.ASGITransport(app=create_app(world))
    dialer = Dialer(clock, RetryPolicy(tries=1), Redactor(), transport=transport)
    found = [discover()[one.type].build(one, dialer) for one in connections(api).values()]
    for connector in found:
        await connector.open()
    yield found
    await dialer.close()


async def told(
    company: Sequence[Connector], connection: str, subject: str, configured: Configured = NOTHING_CONFIGURED
) -> str:
    found = await strangers(company, configured, str)
    return " ".join(one.message for one in found[connection] if one.subject == subject and one.ok)


async def test_people_without_a_counterpart_are_counted(company: Sequence[Connector]) -> None:
    """One has no address in ONLYOFFICE, one none in Capsule, one another in Plannr, one is missing there."""
    words = await told(company, "onlyoffice", "people")
    assert "without a counterpart in capsule" in words
    assert "without a counterpart in plannr" in words
    assert "tasksync map --suggest" in words


async def test_the_config_counts(company: Sequence[Connector]) -> None:
    """Whom the config gives a counterpart is not counted."""
    said = Configured(people=[{"onlyoffice": "grace.liu@example.org", "plannr": "gliu@partners.example"}])
    before, after = [await told(company, "onlyoffice", "people", one) for one in (NOTHING_CONFIGURED, said)]

    def missing(words: str) -> int:
        return int(words.partition(" without a counterpart in plannr")[0].rpartition(" ")[2])

    assert missing(after) == missing(before) - 1


async def test_categories_are_compared_among_those_who_have_them(company: Sequence[Connector]) -> None:
    """By name without regard to case; Plannr has none, so nothing is said of it."""
    assert "without a counterpart in capsule" in await told(company, "onlyoffice", "categories")
    assert "plannr" not in await told(company, "onlyoffice", "categories")
    assert await told(company, "plannr", "categories") == ""


async def test_a_connection_alone_has_nobody_to_be_compared_with(company: Sequence[Connector]) -> None:
    """No counterpart is missed where there is no other connection."""
    assert "no other connection" in await told(company[:1], "onlyoffice", "people")


async def test_people_that_cannot_be_listed_are_said_to_be_so(company: Sequence[Connector], world: World) -> None:
    """A list that fails is no fault of the config, and the other connections are still compared."""
    world.onlyoffice.faults.add("status", path="/people", status=500, times=5)
    assert "cannot be listed" in await told(company, "onlyoffice", "people")
    assert "counterpart in plannr" in await told(company, "capsule", "people")
    assert "onlyoffice" not in await told(company, "capsule", "people")
