"""Cases over HTTP, against the simulated portal: what no other CRM has, and must not be lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
from account_site import Site
from accounts import TASKS

from tasksync.core.record import Observation, Value
from tasksync.ports import Connector
from tasksync.sandbox.onlyoffice.people import ME, Case
from tasksync.sandbox.world import World

OFFICE = [one for one in TASKS if one.type == "onlyoffice"][:1]
BEN = "b1f5d8a0-3c62-47be-8a19-6e0f94c7d302"

pytestmark = pytest.mark.parametrize("arrangement", OFFICE, ids=str, indirect=True)


@pytest.fixture
async def connector(site: Site) -> Connector:
    """Open, and at home in the portal."""
    return await site.opened()


def row(world: World, number: int = 8) -> Case:
    """As the portal's database has it."""
    found = world.onlyoffice.case(number)
    assert found is not None
    return found


def fill_field(world: World, value: str) -> None:
    """As a person does in the pages of the portal."""
    world.onlyoffice.store_case(replace(row(world), custom=((5, value),)))


async def private(site: Site, connector: Connector, *access: str) -> Observation:
    """Case 8 with a custom field, and these people allowed to see it, freshly read."""
    site.crm.shelf("case").edit("8", access=list(access))
    fill_field(site.world, "EMEA")
    found = await connector.read("case", "8")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "changes", [{"title": "Price, again"}, {"members": ("office:contact:22", "office:contact:31")}, {}]
)
async def test_who_may_see_a_case_stays_as_it_was(site: Site, connector: Connector, changes: dict[str, Value]) -> None:
    """An update that says nothing of it would make the case public; custom fields stay as well."""
    before = await private(site, connector, BEN, ME.id)
    after = await connector.update("case", before, changes)
    assert dict(after.values) == {**before.values, **changes}
    assert (row(site.world).access, row(site.world).custom) == ((BEN, ME.id), ((5, "EMEA"),))


async def test_a_public_case_stays_public(site: Site, connector: Connector) -> None:
    """Nobody is named who was not."""
    before = await private(site, connector)
    await connector.update("case", before, {"title": "Price, again"})
    assert not row(site.world).is_private


async def test_a_case_whose_only_reader_was_removed_stays_private(site: Site, connector: Connector) -> None:
    """The portal prints a stand-in for people who were removed, which is no user to send back."""
    before = await private(site, connector, BEN)
    site.crm.shelf("person").remove(BEN)
    before = await connector.read("case", "8") or before
    await connector.update("case", before, {"title": "Price, again"})
    assert row(site.world).access == (ME.id,)


async def test_texts_that_look_like_times_arrive_unharmed(site: Site, connector: Connector) -> None:
    """The server's JSON reader would rewrite them: such a case travels as a form, with all its lists."""
    await private(site, connector, BEN, ME.id)
    fill_field(site.world, "2026-03-10T06:30:00.5000000Z")
    before = await connector.read("case", "8")
    assert before is not None
    when = "2026-03-10T06:30:00.0000000Z"
    after = await connector.update(
        "case", before, {"title": when, "members": ("office:contact:17", "office:contact:22")}
    )
    assert dict(after.values) == {
        "title": when,
        "closed": False,
        "members": ("office:contact:17", "office:contact:22"),
    }
    found = row(site.world)
    assert (found.access, found.custom) == ((BEN, ME.id), ((5, "2026-03-10T06:30:00.5000000Z"),))


async def test_a_member_that_is_not_there_is_not_shown(connector: Connector) -> None:
    """The portal leaves out contacts that it does not know; the answer tells."""
    made = await connector.create("case", {"title": "New", "members": ("office:contact:17", "office:contact:99999")})
    assert made.values["members"] == ("office:contact:17",)


async def test_deleting_a_case_deletes_its_tasks(site: Site, connector: Connector) -> None:
    """What `delete` warns of."""
    kept = await connector.create("task", site.arrangement.base)
    await connector.create("task", {**site.arrangement.base, "links": ("office:case:8",)})
    await connector.delete("case", "8")
    assert [task["id"] for task in site.crm.tasks()] == [kept.external_id]
