"""People, contacts and opportunities of the simulated ONLYOFFICE (protocols/onlyoffice.md 2.3, 2.4, 5.1, 5.2, 5.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx

from tasksync.sandbox.world import World

BEN = "b1f5d8a0-3c62-47be-8a19-6e0f94c7d302"
ME = "0a77c2e4-5b1d-4c8e-9f30-2d6b8a41e501"
LOST = "4a515a15-d4d6-4b8e-828e-e0586f18f3a3"
OFFER = {"title": "Send offer", "deadline": "2026-06-12T14:00:00Z", "categoryId": 30}


async def _response(office: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await office.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["response"]


def _task(world: World, **fields: Any) -> str:
    return world.onlyoffice.add(**{"title": "x", "due": date(2026, 6, 10)} | fields)


# --- people ---


async def test_people_are_the_active_ones(world: World, office: httpx.AsyncClient) -> None:
    """Who has left is in no plain list, but still in the one by status, and still has a name in tasks."""
    world.onlyoffice.shelf("person").edit(BEN, active=False)
    number = _task(world, assignees=[BEN])
    assert [one["id"] for one in await _response(office, "/people")] == [ME]
    (left,) = await _response(office, "/people/status/Terminated")
    assert (left["id"], left["status"], left["terminated"]) == (BEN, 2, "2026-06-04T08:15:00.0000000+01:00")
    assert [len(await _response(office, f"/people/status/{name}")) for name in ("All", "default", "active")] == [
        2,
        1,
        1,
    ]
    assert (await office.get("/people/status/Away")).status_code == 400
    assert (await _response(office, f"/crm/task/{number}"))["responsible"]["displayName"] == "Ben Osei"


async def test_one_person(office: httpx.AsyncClient) -> None:
    """By id in any case, by user name, or by the exact e-mail."""
    for path in (f"/people/{BEN.upper()}", "/people/ben.osei", "/people/email?email=ben.osei@example.org"):
        person = (await office.get(path)).json()["response"]
        assert (person["id"], person["email"], person["status"]) == (BEN, "ben.osei@example.org", 1)
    for path in ("/people/email?email=Ben.Osei@example.org", "/people/email", "/people/nobody"):
        unknown = await office.get(path)
        assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "User not found")


async def test_filtered_people(world: World, office: httpx.AsyncClient) -> None:
    """By status and words, in pages; the simple list has stubs without e-mails."""
    world.onlyoffice.shelf("person").edit(BEN, active=False)
    assert [one["id"] for one in await _response(office, "/people/filter", employeeStatus="active")] == [ME]
    assert [one["id"] for one in await _response(office, "/people/filter", filterValue="osei")] == [BEN]
    page = (await office.get("/people/filter", params={"count": 1})).json()
    assert (page["count"], page["nextIndex"], page["total"]) == (1, 2, 2)
    stubs = await _response(office, "/people/simple/filter")
    assert [("email" in one, one["displayName"]) for one in stubs] == [(False, "Ana Reid"), (False, "Ben Osei")]


async def test_hidden_and_missing_emails(world: World, office: httpx.AsyncClient) -> None:
    """Without the People module everybody else's is null; one that was never typed is null as well."""
    unknown = world.onlyoffice.shelf("person").add(name="Nora Hale")
    assert [one["email"] for one in await _response(office, "/people")][2] is None
    assert (await _response(office, "/people/nora.hale"))["id"] == unknown
    world.onlyoffice.settings.people_module = "disabled"
    emails = {one["id"]: one["email"] for one in await _response(office, "/people")}
    assert emails == {ME: "sandbox@example.org", BEN: None, unknown: None}


async def test_the_lost_user(world: World, office: httpx.AsyncClient) -> None:
    """Nobody, somebody unknown and somebody removed all show as the one whose profile was removed."""
    removed = world.onlyoffice.shelf("person").add(name="Nora Hale", email="nora@example.org")
    numbers = [_task(world, assignees=[]), _task(world, assignees=[removed])]
    made = await office.post("/crm/task", json=OFFER | {"responsibleId": "11111111-2222-3333-4444-555555555555"})
    numbers.append(str(made.json()["response"]["id"]))
    world.onlyoffice.shelf("person").remove(removed)
    for number in numbers:
        responsible = (await _response(office, f"/crm/task/{number}"))["responsible"]
        assert (responsible["id"], responsible["displayName"]) == (LOST, "Profile has been removed")


async def test_the_lost_users_id_is_stored_literally(world: World, office: httpx.AsyncClient) -> None:
    """A client that writes back what it read turns nobody into somebody who does not exist."""
    number = _task(world, assignees=[])
    await office.put(f"/crm/task/{number}", json=OFFER | {"responsibleId": LOST})
    row = world.onlyoffice.row(int(number))
    assert row is not None
    assert row.responsible == LOST
    assert await _response(office, "/crm/task/filter", responsibleid=BEN) == []


async def test_responsible_is_written_and_read(world: World, office: httpx.AsyncClient) -> None:
    """The stub of a task has no e-mail; without a responsible user a PUT unassigns."""
    made = await office.post("/crm/task", json=OFFER | {"responsibleId": BEN.upper()})
    task = made.json()["response"]
    assert list(task["responsible"]) == ["id", "displayName", "title", "avatarSmall", "profileUrl"]
    assert world.onlyoffice.task(str(task["id"]))["assignees"] == [BEN]
    await office.put(f"/crm/task/{task['id']}", json=OFFER)
    assert world.onlyoffice.task(str(task["id"]))["assignees"] == []


# --- contacts ---


async def test_contact_with_its_email_in_common_data(office: httpx.AsyncClient) -> None:
    """A contact read alone has no member for its e-mail, unlike the stub in a task."""
    person = await _response(office, "/crm/contact/17")
    assert (person["firstName"], person["lastName"], person["displayName"]) == ("Owen", "Price", "Owen Price")
    assert "email" not in person
    (info,) = person["commonData"]
    assert (info["infoType"], info["data"], info["isPrimary"]) == (1, "owen.price@example.org", True)
    made = await office.post("/crm/task", json=OFFER | {"contactId": 17})
    assert made.json()["response"]["contact"]["email"]["data"] == "owen.price@example.org"


async def test_a_contact_without_email(world: World, office: httpx.AsyncClient) -> None:
    """It has no common data, and its stub in a task no e-mail."""
    number = world.onlyoffice.shelf("contact").add(name="Oakfield Bakery", company=True)
    company = await _response(office, f"/crm/contact/{number}")
    assert (company["commonData"], company["companyName"], company["persons"]) == ([], "Oakfield Bakery", [])
    task = _task(world, links={"contact": number})
    assert "email" not in (await _response(office, f"/crm/task/{task}"))["contact"]


async def test_a_company_and_its_people(world: World, office: httpx.AsyncClient) -> None:
    """Each names the other, and the tasks of the people count as the company's."""
    number = world.onlyoffice.shelf("contact").add(name="Jo Fair", organisation="31")
    assert (await _response(office, f"/crm/contact/{number}"))["company"]["id"] == 31
    company = await _response(office, "/crm/contact/31")
    assert ([one["displayName"] for one in company["persons"]], company["personsCount"]) == (["Jo Fair"], 1)
    task = _task(world, links={"contact": number})
    found = await _response(office, "/crm/task/filter", entityType="contact", entityid=31)
    assert [str(one["id"]) for one in found] == [task]


async def test_contacts_count_their_open_tasks(world: World, office: httpx.AsyncClient) -> None:
    """And say whether one of them is late."""
    contact = await _response(office, "/crm/contact/17")
    assert ("taskCount" in contact, contact["haveLateTasks"]) == (False, False)
    _task(world, links={"contact": "17"}, done=True)
    _task(world, links={"contact": "17"}, due=date(2026, 6, 1))
    contact = await _response(office, "/crm/contact/17")
    assert (contact["taskCount"], contact["haveLateTasks"]) == (1, True)


async def test_filtered_contacts(world: World, office: httpx.AsyncClient, clock: Any) -> None:
    """The latest first unless asked otherwise; by kind, words and days."""
    clock.forward(days=2)
    world.onlyoffice.shelf("contact").add(name="Ada Bell", email="ada@bell.example")

    async def names(**params: Any) -> list[str]:
        return [one["displayName"] for one in await _response(office, "/crm/contact/filter", **params)]

    assert (await names())[0] == "Ada Bell"
    by_name = ["Ada Bell", "Fairfield Joinery Ltd", "Owen Price", "Zoë Ångström"]
    assert await names(sortBy="displayname") == by_name
    assert await names(sortBy="displayname", sortOrder="descending") == by_name[::-1]
    assert await names(sortBy="displayname", contactListView="company") == ["Fairfield Joinery Ltd"]
    assert await names(sortBy="lastname", contactListView="person") == ["Ada Bell", "Owen Price", "Zoë Ångström"]
    assert await names(contactListView="withopportunity") == ["Zoë Ångström"]
    assert await names(filterValue="bell.example") == ["Ada Bell"]
    assert await names(fromDate="2026-06-05") == ["Ada Bell"]
    assert len(await names(toDate="2026-06-05")) == 3
    page = (await office.get("/crm/contact/filter", params={"count": 1, "sortBy": "id"})).json()
    assert (page["nextIndex"], page["total"], page["response"][0]["id"]) == (2, 4, 17)


async def test_contacts_by_an_address(world: World, office: httpx.AsyncClient) -> None:
    """Whole ones, with the text anywhere in the address; what kind of address it is has to be said."""
    number = int(world.onlyoffice.shelf("contact").add(name="Zoë Bell", email="ZOE@example.org.uk"))
    world.onlyoffice.shelf("contact").add(name="Nora Hale")

    async def ids(**params: Any) -> list[int]:
        return [one["id"] for one in await _response(office, "/crm/contact/bycontactinfo", **params)]

    assert await ids(infoType=1, data="zoe@example.org") == [22, number]
    assert await ids(infoType="Email", data="owen.price@example.org") == [17]
    assert await ids(infoType=1) == [17, 22, 31, number]
    assert await ids(infoType=0, data="zoe@example.org") == await ids(infoType=1, data="Nora") == []
    (owen,) = await _response(office, "/crm/contact/bycontactinfo", infoType=1, data="owen.price")
    assert owen == await _response(office, "/crm/contact/17")
    for wrong in ({}, {"data": "zoe@example.org"}, {"infoType": "Pigeon"}):
        assert (await office.get("/crm/contact/bycontactinfo", params=wrong)).status_code == 400


async def test_contacts_with_their_nearest_tasks(world: World, office: httpx.AsyncClient) -> None:
    """Pairs, without a task where there is none that is open."""
    _task(world, title="later", links={"contact": "17"})
    _task(world, title="nearest", links={"contact": "17"}, due=date(2026, 6, 6))
    _task(world, title="done", links={"contact": "17"}, due=date(2026, 6, 5), done=True)
    pairs = await _response(office, "/crm/contact/simple/filter", sortBy="id")
    assert [(one["contact"]["id"], one.get("task", {}).get("title")) for one in pairs] == [
        (17, "nearest"),
        (22, None),
        (31, None),
    ]


async def test_deleting_a_contact_deletes_its_tasks(world: World, office: httpx.AsyncClient) -> None:
    """Without a word; its case loses a member, its opportunity the contact."""
    task = _task(world, links={"contact": "22"})
    world.onlyoffice.shelf("case").edit("8", members=["17", "22"])
    assert (await office.delete("/crm/contact/22")).json()["response"]["displayName"] == "Zoë Ångström"
    assert (await office.get(f"/crm/task/{task}")).status_code == 404
    assert (await office.delete("/crm/contact/22")).status_code == 404
    assert [one["id"] for one in (await _response(office, "/crm/case/8"))["members"]] == [17]
    assert "contact" not in await _response(office, "/crm/opportunity/4")


# --- opportunities ---


async def test_opportunity(office: httpx.AsyncClient) -> None:
    """Its contact is a stub without e-mail, and a day that is not set is that of the year 1."""
    one = await _response(office, "/crm/opportunity/4")
    assert (one["title"], one["contact"]["id"], "email" in one["contact"]) == ("Ångström ISA 2026", 22, False)
    assert one["expectedCloseDate"] == "0001-01-01T00:00:00.0000000Z"
    assert (await office.get("/crm/opportunity/5")).status_code == 404


async def test_filtered_opportunities(world: World, office: httpx.AsyncClient) -> None:
    """By contact, responsible user and words."""
    number = int(world.onlyoffice.shelf("opportunity").add(name="Bakery loan", links={"contact": "31"}))

    async def ids(path: str = "/crm/opportunity/filter", **params: Any) -> list[int]:
        return [one["id"] for one in await _response(office, path, **params)]

    assert await ids(sortBy="title") == [number, 4]
    assert await ids(sortBy="id") == [4, number]
    assert await ids(sortBy="id", sortOrder="descending") == [number, 4]
    assert await ids(contactid=31) == await ids("/crm/opportunity/bycontact/31") == [number]
    assert await ids(filterValue="isa") == [4]
    assert await ids(responsibleid=BEN) == []


async def test_deleting_an_opportunity_deletes_its_tasks(world: World, office: httpx.AsyncClient) -> None:
    """As deleting a contact or a case does."""
    task = _task(world, links={"opportunity": "4"})
    entity = (await _response(office, f"/crm/task/{task}"))["entity"]
    assert entity == {"entityType": "opportunity", "entityId": 4, "entityTitle": "Ångström ISA 2026"}
    assert (await office.delete("/crm/opportunity/4")).status_code == 200
    assert (await office.get(f"/crm/task/{task}")).status_code == 404
