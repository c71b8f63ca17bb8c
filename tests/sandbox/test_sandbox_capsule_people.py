"""Users, parties, opportunities and links of tasks in the simulated Capsule over JSON (protocols/capsule.md 3, 4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World


def _task(world: World, **fields: Any) -> str:
    return world.capsule.add(**{"title": "x", "due": date(2026, 6, 10)} | fields)


async def _put(v2: httpx.AsyncClient, number: str, **changes: Any) -> dict[str, Any]:
    response = await v2.put(f"/tasks/{number}", json={"task": changes})
    assert response.status_code == 200, response.text
    task: dict[str, Any] = response.json()["task"]
    return task


# --- users and teams ---


async def test_emails_stand_on_the_party(v2: httpx.AsyncClient) -> None:
    """A user has none of its own: the party is short unless embedded, and its addresses are a list."""
    users = (await v2.get("/users")).json()["users"]
    assert all("email" not in user and "emailAddresses" not in user["party"] for user in users)
    full = (await v2.get("/users", params={"embed": "party"})).json()["users"]
    assert [user["party"]["emailAddresses"][0]["address"] for user in full] == [
        "sandbox@example.org",
        "ben.osei@example.org",
    ]
    party = (await v2.get(f"/parties/{users[1]['party']['id']}")).json()["party"]
    assert party["emailAddresses"][0]["address"] == "ben.osei@example.org"
    for path in ("/users/current", "/users/77"):
        user = (await v2.get(path, params={"embed": "party"})).json()["user"]
        assert user["party"]["emailAddresses"][0]["address"] == "sandbox@example.org"


async def test_users_without_email(world: World, v2: httpx.AsyncClient) -> None:
    """A user may have no party, or one without an address."""
    people = world.capsule.shelf("person")
    bare, empty = people.add(name="Nora Hale"), people.add(name="Omar Aziz", email="")
    users = {str(one["id"]): one for one in (await v2.get("/users", params={"embed": "party"})).json()["users"]}
    assert (users[bare]["party"], users[empty]["party"]["emailAddresses"]) == (None, [])
    assert users[bare]["username"] == "nora.hale"
    people.edit(bare, email="nora@example.org", username="nora", name="Nora Hale-Smith")
    assert people.one(bare) == {
        "id": bare,
        "name": "Nora Hale-Smith",
        "email": "nora@example.org",
        "username": "nora",
        "active": True,
    }


async def test_a_removed_user_still_owns_tasks(world: World, v2: httpx.AsyncClient) -> None:
    """In tasks marked as deleted, in no list, and to nobody else's use."""
    number = _task(world, assignees=["78"])
    world.capsule.shelf("person").remove("78")
    owner = (await v2.get(f"/tasks/{number}")).json()["task"]["owner"]
    assert (owner["id"], owner["deleted"]) == (78, True)
    assert [user["id"] for user in (await v2.get("/users")).json()["users"]] == [77]
    assert (await v2.get("/users/78")).status_code == 404
    refused = await v2.put(f"/tasks/{_task(world)}", json={"task": {"owner": {"id": 78}}})
    assert refused.json()["errors"] == [{"message": "owner not found", "resource": "task", "field": "owner"}]


async def test_teams(v2: httpx.AsyncClient) -> None:
    """Tasks have none; projects may."""
    (team,) = (await v2.get("/teams")).json()["teams"]
    assert (team["id"], team["name"]) == (12, "Advice")


async def test_owner_is_written_and_read(world: World, v2: httpx.AsyncClient) -> None:
    """By id, in short form unless embedded."""
    number = _task(world)
    assert (await _put(v2, number, owner={"id": 78}))["owner"]["username"] == "b.osei"
    assert world.capsule.task(number)["assignees"] == ["78"]
    full = (await v2.get(f"/tasks/{number}", params={"embed": "owner"})).json()["task"]["owner"]
    assert (full["timezone"], full["party"]["id"]) == ("Europe/London", 301)


# --- parties ---


async def test_recorded_keys_of_parties(world: World, v2: httpx.AsyncClient) -> None:
    """They tell a person from an organisation, nulls and empty lists included."""
    number = world.capsule.shelf("contact").add(name="Jo van Fair", organisation="311")
    person = (await v2.get(f"/parties/{number}")).json()["party"]
    organisation = (await v2.get("/parties/311")).json()["party"]
    common = {"id", "owner", "team", "type", "about", "createdAt", "updatedAt", "lastContactedAt", "pictureURL"}
    common |= {"enrichment", "phoneNumbers", "addresses", "emailAddresses", "websites"}
    assert set(organisation) == common | {"name"}
    assert set(person) == common | {"firstName", "lastName", "jobTitle", "organisation", "title"}
    assert (person["type"], person["firstName"], person["lastName"]) == ("person", "Jo", "van Fair")
    assert (person["emailAddresses"], person["organisation"]["name"]) == ([], "Fairfield Joinery Ltd")
    assert (organisation["type"], organisation["emailAddresses"][0]["address"]) == (
        "organisation",
        "office@fairfield.example",
    )


async def test_lists_of_parties(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """In pages and since a time; a `q` is ignored here and needed by the search, which knows names and e-mails."""

    async def ids(path: str = "/parties", **params: Any) -> list[int]:
        return [one["id"] for one in (await v2.get(path, params=params)).json()["parties"]]

    clock.forward(seconds=10)
    world.capsule.shelf("contact").edit("302", email="owen@price.example")
    assert await ids(q="zoe") == [300, 301, 302, 305, 311]
    assert await ids(perPage=2, page=2) == [302, 305]
    assert await ids(since="2026-06-04T07:15:10Z") == [302]
    assert await ids("/parties/302,305,1") == [302, 305]
    assert await ids("/parties/search", q="zoe@example.org") == [305]
    assert await ids("/parties/search", q="JOINERY") == [311]
    assert (await v2.get("/parties/search")).status_code == 422
    assert (await v2.get("/parties/1")).status_code == 404


@pytest.mark.parametrize(
    ("table", "found", "more"),
    [
        ("kases", 640, {"q": "TRANSFER price"}),
        ("opportunities", 88, {"q": "isa Ångström", "since": "2026-01-15T10:00:00Z"}),
    ],
)
async def test_searches_by_name(v2: httpx.AsyncClient, table: str, found: int, more: dict[str, str]) -> None:
    """All words have to be there, in any order and case; what comes is what a list shows, in pages."""
    answer = await v2.get(f"/{table}/search", params={**more, "perPage": 1, "embed": "meta"})
    (listed,) = (await v2.get(f"/{table}")).json()[table]
    assert answer.json() == {table: [listed], "meta": {"totalCount": 1}}
    assert listed["id"] == found
    assert (await v2.get(f"/{table}/search", params={"q": "transfer isa"})).json()[table] == []
    refused = await v2.get(f"/{table}/search", params={"q": " "})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "q")


async def test_deleting_a_party(world: World, v2: httpx.AsyncClient) -> None:
    """Its tasks, opportunities and projects go with it, and theirs; the people of an organisation stay."""
    contacts = world.capsule.shelf("contact")
    employee = contacts.add(name="Jo Fair", organisation="311")
    project = world.capsule.shelf("case").add(title="Refit", links={"contact": "311", "opportunity": "88"})
    deal = world.capsule.shelf("opportunity").add(name="Loan", links={"contact": "311"})
    for links in ({"contact": "311"}, {"case": project}, {"opportunity": deal}):
        _task(world, links=links)
    kept = _task(world, links={"contact": employee})
    contacts.remove("311")
    assert [task["id"] for task in world.capsule.tasks()] == [kept]
    assert contacts.one(employee)["organisation"] is None
    assert [one["id"] for one in world.capsule.shelf("case").all()] == ["640"]
    gone = (await v2.get("/parties/deleted", params={"since": "2026-01-01T00:00:00Z"})).json()
    assert ([one["id"] for one in gone["parties"]], gone["restrictedParties"]) == ([311], [])
    gone = (await v2.get("/opportunities/deleted", params={"since": "2026-01-01T00:00:00Z"})).json()
    assert [str(one["id"]) for one in gone["opportunities"]] == [deal]


def test_deleting_the_party_of_a_user(world: World) -> None:
    """The user stays, without an e-mail."""
    world.capsule.shelf("contact").remove("301")
    assert world.capsule.shelf("person").one("78")["email"] == ""


# --- opportunities ---


async def test_opportunities(world: World, v2: httpx.AsyncClient) -> None:
    """One, several, all, and those of a party; deleting one takes its tasks along, and leaves its projects."""
    shelf = world.capsule.shelf("opportunity")
    number = shelf.add(name="Loan", links={"contact": "311"})
    one = (await v2.get("/opportunities/88")).json()["opportunity"]
    assert (one["name"], one["party"]["id"], one["closedOn"]) == ("Ångström ISA", 305, None)
    listed = (await v2.get("/opportunities")).json()["opportunities"]
    assert [str(row["id"]) for row in listed] == ["88", number]
    several = (await v2.get(f"/opportunities/{number},88")).json()["opportunities"]
    assert [row["name"] for row in several] == ["Loan", "Ångström ISA"]
    of_party = (await v2.get("/parties/305/opportunities")).json()["opportunities"]
    assert [row["id"] for row in of_party] == [88]
    assert (await v2.get("/parties/1/opportunities")).status_code == 404
    task = _task(world, links={"opportunity": "88"})
    world.capsule.shelf("case").edit("640", links={"opportunity": "88"})
    shelf.remove("88")
    assert (await v2.get(f"/tasks/{task}")).status_code == (await v2.get("/opportunities/88")).status_code == 404
    assert (await v2.get("/kases/640")).json()["kase"]["opportunity"] is None
    shelf.edit(number, name="Bakery loan", links={"contact": "302"})
    assert shelf.one(number) == {"id": number, "name": "Bakery loan", "links": {"contact": "302"}}
    with pytest.raises(ValueError, match="needs a contact"):
        shelf.add(name="Loose")


# --- links of tasks ---


@pytest.mark.parametrize(
    ("links", "key"),
    [({"contact": "302"}, "party"), ({"opportunity": "88"}, "opportunity"), ({"case": "640"}, "kase")],
)
async def test_embedded_links(world: World, v2: httpx.AsyncClient, links: dict[str, str], key: str) -> None:
    """Short unless embedded, on reads, lists and writes alike."""
    number = _task(world, links=links)
    short = (await v2.get(f"/tasks/{number}")).json()["task"][key]
    assert (str(short["id"]), "updatedAt" in short) == (next(iter(links.values())), False)
    query = {"embed": "party,opportunity,kase,nextTask"}
    full = (await v2.get(f"/tasks/{number}", params=query)).json()["task"][key]
    (listed,) = (await v2.get("/tasks", params=query)).json()["tasks"]
    written = await v2.put(f"/tasks/{number}", params=query, json={"task": {"detail": "y"}})
    assert "updatedAt" in full
    assert full == listed[key] == written.json()["task"][key]


async def test_links_move_with_an_explicit_null(world: World, v2: httpx.AsyncClient) -> None:
    """In one request from one kind to another, and to none."""
    number = _task(world, links={"case": "640"})
    await _put(v2, number, kase=None, opportunity={"id": 88})
    assert world.capsule.task(number)["links"] == {"opportunity": "88"}
    await _put(v2, number, opportunity=None)
    assert world.capsule.task(number)["links"] == {}


def test_a_person_changes_the_one_link(world: World) -> None:
    """A new one takes the place of the old, None takes away only what is there, and two are too many."""
    number = _task(world, links={"contact": "302"})
    world.capsule.edit(number, links={"case": "640"})
    assert world.capsule.task(number)["links"] == {"case": "640"}
    world.capsule.edit(number, links={"contact": None, "plan": None})
    assert world.capsule.task(number)["links"] == {"case": "640"}
    world.capsule.edit(number, links={"case": None})
    assert world.capsule.task(number)["links"] == {}
    for wrong, text in (({"contact": "302", "case": "640"}, "one link"), ({"contact": "1"}, "no party 1")):
        with pytest.raises(ValueError, match=text):
            world.capsule.edit(number, links=wrong)
    with pytest.raises(ValueError, match="one owner"):
        world.capsule.edit(number, assignees=["77", "78"])


def test_categories_of_a_person(world: World) -> None:
    """They can be renamed; the tasks of one that is deleted stay without."""
    shelf = world.capsule.shelf("category")
    number = _task(world, category="Call")
    shelf.edit("31", name="Phone")
    assert world.capsule.task(number)["category"] == "Phone"
    shelf.remove("31")
    assert world.capsule.task(number)["category"] is None
    assert shelf.one(shelf.add(name="Site visit"))["name"] == "Site visit"
