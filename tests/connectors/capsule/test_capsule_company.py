"""Owners, links and what they refer to, with the sandbox on the other side."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from account_site import Site, everything
from accounts import PROTOCOLS, Arrangement

from tasksync.core.directory import Referent
from tasksync.core.record import Value
from tasksync.ports import Connector

ALL = [one for one in PROTOCOLS if one.type == "capsule"]
V2 = [one for one in ALL if one.options["api"] == "v2"]
ONLY_V2 = pytest.mark.parametrize("arrangement", V2, ids=str, indirect=True)
CONTACT, OPPORTUNITY, CASE = "office:contact:302", "office:opportunity:88", "office:case:640"
BASE: dict[str, Value] = {"title": "Ring Bob", "due": date(2026, 3, 20)}


@pytest.fixture(params=ALL, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """Capsule in both versions, the first one in both of its generations."""
    chosen: Arrangement = request.param
    return chosen


def person(site: Site, number: int) -> str:
    """What the connection calls a user."""
    if site.arrangement in V2:
        return f"office:person:{number}"
    return f"office:person:{site.crm.shelf('person').one(str(number))['username']}"


async def test_people_are_known_by_their_addresses(site: Site, connector: Connector) -> None:
    """All users, each by the id that tasks have for their owner, with the address that stands on a party."""
    shelf = site.crm.shelf("person")
    made = shelf.add(name="Cleo Hart", email="cleo@example.org")
    shelf.add(name="Dan Nomail")
    people = {one.name: (one.reference, one.emails) for one in await connector.people()}
    assert people == {
        one["name"]: (person(site, int(one["id"])), (one["email"],) * bool(one["email"])) for one in shelf.all()
    }
    assert people["Cleo Hart"] == (person(site, int(made)), ("cleo@example.org",))
    assert people["Dan Nomail"][1] == ()


@pytest.mark.parametrize(
    ("links", "link"),
    [({"contact": "302"}, CONTACT), ({"opportunity": "88"}, OPPORTUNITY), ({"case": "640"}, CASE), ({}, None)],
)
async def test_what_a_person_chose_is_read(
    site: Site, connector: Connector, links: dict[str, str], link: str | None
) -> None:
    """The owner and the link of a task, in the listing and in a direct read."""
    made = site.crm.add(title="Ring Bob", due="2026-03-20", assignees=["78"], links=links)
    (listed,) = await everything(connector)
    read = await connector.read("task", made)
    assert read is not None
    for seen in (listed, read):
        assert seen.values["assignees"] == (person(site, 78),)
        assert seen.values["links"] == (() if link is None else (link,))


@pytest.mark.parametrize("link", [CONTACT, OPPORTUNITY, CASE])
async def test_a_task_is_made_for_its_owner_and_its_link(site: Site, connector: Connector, link: str) -> None:
    """The answer tells both, and so does the CRM."""
    references: dict[str, Value] = {"assignees": (person(site, 78),), "links": (link,)}
    made = await connector.create("task", {**BASE, **references})
    assert {name: made.values[name] for name in references} == references
    shown = site.crm.task(made.external_id)
    _, type_, number = link.split(":")
    assert (shown["assignees"], shown["links"]) == (["78"], {type_: number})


async def test_a_task_without_an_owner_becomes_ours(site: Site, connector: Connector) -> None:
    """Nobody else can be meant."""
    made = await connector.create("task", BASE)
    assert (made.values["assignees"], made.values["links"]) == ((person(site, 77),), ())


async def test_a_new_owner_is_all_that_changes(site: Site, connector: Connector) -> None:
    """The link, the time of day and the rest stay as they are."""
    due = datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
    before = await connector.create("task", {**BASE, "due": due, "links": (CONTACT,)})
    row = site.columns(before.external_id)
    after = await connector.update("task", before, {"assignees": (person(site, 78),)})
    assert {**before.values, **after.values} == {**before.values, "assignees": (person(site, 78),)}
    assert site.changed(row, before.external_id) == {"owner"}


@ONLY_V2
async def test_a_link_is_moved_and_cleared(site: Site, connector: Connector) -> None:
    """From each type to each other, in one request, and to nothing."""
    now = await connector.create("task", {**BASE, "links": (CONTACT,)})
    row = site.columns(now.external_id)
    for links in ((OPPORTUNITY,), (CASE,), (CONTACT,), (CASE,), (OPPORTUNITY,), (), (CONTACT,)):
        now = await connector.update("task", now, {"links": links})
        assert now.values["links"] == links
    assert site.changed(row, now.external_id) == set()


@ONLY_V2
async def test_an_owner_who_left_says_nothing(site: Site, connector: Connector) -> None:
    """The task still shows who it was; nobody has chosen that it is nobody's."""
    made = site.crm.add(title="Ring Bob", due="2026-03-20", assignees=["78"])
    site.crm.shelf("person").remove("78")
    (seen,) = await everything(connector)
    assert seen.external_id == made
    assert "assignees" not in seen.values
    assert "office:person:78" not in {one.reference for one in await connector.people()}


async def test_what_tasks_refer_to_is_looked_up(site: Site, connector: Connector) -> None:
    """A contact with its address, a case and an opportunity with their contact, nothing that is not there."""
    owen = Referent(reference=CONTACT, name="Owen Price", emails=("owen.price@example.org",))
    assert await connector.look_up(CONTACT) == owen
    assert await connector.look_up(CASE) == Referent(reference=CASE, name="Price pension transfer", parent=CONTACT)
    assert await connector.look_up(OPPORTUNITY) == Referent(
        reference=OPPORTUNITY, name="Ångström ISA", parent="office:contact:305"
    )
    assert await connector.look_up("office:contact:311") == Referent(
        reference="office:contact:311", name="Fairfield Joinery Ltd", emails=("office@fairfield.example",)
    )
    assert await connector.look_up("office:case:99999") is None


async def test_contacts_are_found(site: Site, connector: Connector) -> None:
    """By address whatever the name, by name whatever the address, both of two namesakes."""
    namesake = site.crm.shelf("contact").add(name="Owen Price")
    by_address = Referent(reference="other:contact:1", name="O. P.", emails=("OWEN.price@example.org",))
    by_name = Referent(reference="other:contact:1", name="owen price")
    assert [one.reference for one in await connector.find(by_address)] == [CONTACT]
    assert {one.reference for one in await connector.find(by_name)} == {CONTACT, f"office:contact:{namesake}"}
    assert list(await connector.find(Referent(reference="other:contact:1", name="Nobody"))) == []


async def test_cases_are_found_within_their_contact(site: Site, connector: Connector) -> None:
    """Of two of one name those that belong to the contact."""
    site.crm.shelf("case").add(title="Price pension transfer", links={"contact": "305"})
    wanted = Referent(reference=CASE, name="Price pension transfer", parent=CONTACT)
    assert list(await connector.find(wanted)) == [wanted]


async def test_cases_are_found_by_name(site: Site, connector: Connector) -> None:
    """All of that name, whoever they belong to, when nothing is known of their contact."""
    other = site.crm.shelf("case").add(title="Price pension  TRANSFER", links={"contact": "305"})
    site.crm.shelf("case").add(title="Pension transfer", links={"contact": "302"})
    found = await connector.find(Referent(reference="other:case:1", name="price pension transfer"))
    assert {(one.reference, one.parent) for one in found} == {
        (CASE, CONTACT),
        (f"office:case:{other}", "office:contact:305"),
    }


@pytest.mark.parametrize("parent", ["office:contact:305", "other:contact:9"])
async def test_opportunities_are_found(site: Site, connector: Connector, parent: str) -> None:
    """Within their contact, or by their name."""
    shelf = site.crm.shelf("opportunity")
    for name, contact in (("Ångström ISA 2", "305"), ("Loan", "311")):
        shelf.add(name=name, links={"contact": contact})
    found = await connector.find(Referent(reference="other:opportunity:1", name="Ångström isa", parent=parent))
    assert [(one.reference, one.parent) for one in found] == [(OPPORTUNITY, "office:contact:305")]
