"""People and links over HTTP, against the simulated portal."""

from __future__ import annotations

import pytest
from account_site import Site
from accounts import TASKS

from tasksync.core.directory import Referent
from tasksync.core.record import Value
from tasksync.ports import Connector
from tasksync.sandbox.onlyoffice.people import ME

OFFICE = [one for one in TASKS if one.type == "onlyoffice"][:1]
BEN = "office:person:b1f5d8a0-3c62-47be-8a19-6e0f94c7d302"
OWEN = "office:contact:17"
ZOE = "office:contact:22"

pytestmark = pytest.mark.parametrize("arrangement", OFFICE, ids=str, indirect=True)


@pytest.fixture
async def connector(site: Site) -> Connector:
    """Open, and at home in the portal."""
    return await site.opened()


async def test_everybody_is_known_by_address(connector: Connector) -> None:
    """The portal's two people, under the ids that tasks have."""
    assert {one.reference: one.emails for one in await connector.people()} == {
        f"office:person:{ME.id}": ("sandbox@example.org",),
        BEN: ("ben.osei@example.org",),
    }


async def test_links_are_described(connector: Connector) -> None:
    """A contact with its address, an opportunity and a case with the contact that they are about."""
    assert await connector.look_up(OWEN) == Referent(
        reference=OWEN, name="Owen Price", emails=("owen.price@example.org",)
    )
    assert await connector.look_up("office:opportunity:4") == Referent(
        reference="office:opportunity:4", name="Ångström ISA 2026", parent=ZOE
    )
    assert await connector.look_up("office:case:8") == Referent(
        reference="office:case:8", name="Price pension transfer", parent=OWEN
    )
    assert await connector.look_up("office:case:99999") is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Referent(reference="capsule:contact:7", name="price, owen"), [OWEN]),
        (Referent(reference="capsule:opportunity:7", name="Ångström ISA 2026"), ["office:opportunity:4"]),
        (Referent(reference="capsule:case:7", name="Price Pension Transfer"), ["office:case:8"]),
        (Referent(reference="office:case:8", name="Anything", parent=OWEN), ["office:case:8"]),
        (Referent(reference="capsule:person:7", emails=("Ben.Osei@example.org",)), [BEN]),
        (Referent(reference="capsule:case:7", name="Nowhere to be found"), []),
    ],
)
async def test_what_others_call_alike_is_found(connector: Connector, wanted: Referent, found: list[str]) -> None:
    """By name without regard to case, or within the contact."""
    assert [one.reference for one in await connector.find(wanted)] == found


async def test_a_task_comes_with_its_person_and_links(site: Site, connector: Connector) -> None:
    """A create is read back as it was made, by the listing as well."""
    wanted: dict[str, Value] = {**site.arrangement.base, "assignees": (BEN,), "links": ("office:case:9", OWEN)}
    made = await connector.create("task", wanted)
    assert {name: made.values[name] for name in wanted} == wanted
    assert [one.read() async for page in connector.poll("task") for one in page] == [made]


@pytest.mark.parametrize(
    "changes",
    [
        {"assignees": (BEN,)},
        {"links": ()},
        {"links": (ZOE,)},
        {"links": ("office:opportunity:4",)},
        {"links": ("office:contact:31", "office:opportunity:4")},
        {"title": "Ring Zoë"},
    ],
)
async def test_an_update_changes_what_it_names_alone(
    site: Site, connector: Connector, changes: dict[str, Value]
) -> None:
    """PUT replaces the whole task (I9): person, contact and case stay, unless they are what changes."""
    made = await connector.create("task", {**site.arrangement.base, "links": ("office:case:8", OWEN)})
    after = await connector.update("task", made, changes)
    assert after.values == {**made.values, "assignees": (f"office:person:{ME.id}",), **changes}
    assert await connector.read("task", made.external_id) == after


async def test_a_link_that_leads_nowhere_is_not_shown(site: Site, connector: Connector) -> None:
    """The portal takes any number; what it shows tells that nothing is there."""
    made = await connector.create("task", {**site.arrangement.base, "links": ("office:case:99999", OWEN)})
    assert made.values["links"] == (OWEN,)
