"""Projects of the simulated Capsule over JSON, and what they do to tasks (protocols/capsule.md 3.4, 4.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

RECORDED_KEYS = [
    "id",
    "owner",
    "team",
    "party",
    "status",
    "opportunity",
    "stage",
    "createdAt",
    "updatedAt",
    "description",
    "name",
    "closedOn",
    "lastContactedAt",
    "expectedCloseOn",
    "startOn",
]


async def _read(v2: httpx.AsyncClient, number: int | str, **params: Any) -> dict[str, Any]:
    response = await v2.get(f"/kases/{number}", params=params)
    assert response.status_code == 200, response.text
    kase: dict[str, Any] = response.json()["kase"]
    return kase


async def _put(v2: httpx.AsyncClient, number: int, **changes: Any) -> dict[str, Any]:
    response = await v2.put(f"/kases/{number}", json={"kase": changes})
    assert response.status_code == 200, response.text
    kase: dict[str, Any] = response.json()["kase"]
    return kase


def _task(world: World, title: str, **fields: Any) -> str:
    return world.capsule.add(**{"title": title, "due": date(2026, 6, 10), "links": {"case": "640"}} | fields)


async def test_shape(v2: httpx.AsyncClient) -> None:
    """All keys in the recorded order, nulls included; the party is the short form unless embedded."""
    kase = await _read(v2, 640)
    assert list(kase) == RECORDED_KEYS
    assert (kase["name"], kase["status"], kase["owner"]["id"], kase["team"]) == (
        "Price pension transfer",
        "OPEN",
        77,
        None,
    )
    assert kase["party"] == {
        "id": 302,
        "type": "person",
        "firstName": "Owen",
        "lastName": "Price",
        "pictureURL": kase["party"]["pictureURL"],
    }
    full = (await _read(v2, 640, embed="party,fields"))["party"]
    assert full["emailAddresses"][0]["address"] == "owen.price@example.org"


async def test_create(world: World, v2: httpx.AsyncClient) -> None:
    """201 with a Location and the whole project; the owner is the token's user."""
    response = await v2.post("/kases", json={"kase": {"name": "Refit", "party": {"id": 311}, "unknown": 1}})
    kase = response.json()["kase"]
    assert (response.status_code, response.headers["location"]) == (
        201,
        f"http://crm.example/capsule/api/v2/kases/{kase['id']}",
    )
    assert (kase["owner"]["id"], kase["status"], kase["closedOn"]) == (77, "OPEN", None)
    assert kase["createdAt"] == kase["updatedAt"] == "2026-06-04T07:15:00Z"
    assert world.capsule.shelf("case").one(str(kase["id"]))["links"] == {"contact": "311"}
    team_only = await v2.post("/kases", json={"kase": {"name": "y", "party": {"id": 311}, "team": {"id": 12}}})
    assert (team_only.json()["kase"]["owner"], team_only.json()["kase"]["team"]["name"]) == (None, "Advice")


async def test_partial_put(v2: httpx.AsyncClient, clock: Any) -> None:
    """What is not sent stays, null clears, and a change that is none moves no stamp."""
    clock.forward(seconds=5)
    renamed = await _put(v2, 640, name="Price SIPP", description="By post.", opportunity={"id": 88}, party={"id": 305})
    assert (renamed["name"], renamed["description"], renamed["status"]) == ("Price SIPP", "By post.", "OPEN")
    assert (renamed["opportunity"], renamed["party"]["id"]) == ({"id": 88, "name": "Ångström ISA"}, 305)
    assert renamed["updatedAt"] == "2026-06-04T07:15:05Z"
    clock.forward(seconds=5)
    assert (await _put(v2, 640, name="Price SIPP"))["updatedAt"] == "2026-06-04T07:15:05Z"
    cleared = await _put(v2, 640, description=None, opportunity=None)
    assert (cleared["description"], cleared["opportunity"], cleared["updatedAt"]) == (
        None,
        None,
        "2026-06-04T07:15:10Z",
    )


async def test_owner_and_team(v2: httpx.AsyncClient) -> None:
    """An owner alone takes the team away, a team alone leaves the owner, and both cannot be missing."""
    assert (await _put(v2, 640, team={"id": 12}))["owner"]["id"] == 77
    assert (await _put(v2, 640, owner={"id": 78}))["team"] is None
    both = await _put(v2, 640, owner={"id": 77}, team={"id": 12})
    assert (both["owner"]["id"], both["team"]["id"]) == (77, 12)
    assert (await _put(v2, 640, owner=None, team={"id": 12}))["owner"] is None
    for nobody in ({"team": None}, {"owner": None}, {"owner": None, "team": None}):
        refused = await v2.put("/kases/640", json={"kase": nobody})
        assert refused.json()["errors"] == [{"message": "owner or team is required", "resource": "kase"}]


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, [("name is required", "name"), ("party is required", "party")]),
        ({"name": "x", "party": None}, [("party is required", "party")]),
        ({"name": "x", "party": {"id": 1}}, [("party not found", "party")]),
        ({"name": " ", "party": {"id": 302}}, [("name is required", "name")]),
        ({"name": "x", "party": {"id": 302}, "opportunity": {"id": 1}}, [("opportunity not found", "opportunity")]),
        ({"name": "x", "party": {"id": 302}, "owner": {"id": 1}}, [("owner not found", "owner")]),
        ({"name": "x", "party": {"id": 302}, "team": {"id": 1}}, [("team not found", "team")]),
        ({"name": "x", "party": {"id": 302}, "status": "DONE"}, [("status is not valid", "status")]),
        ({"name": "x", "party": {"id": 302}, "description": 7}, [("description must be text", "description")]),
    ],
)
async def test_validation(
    world: World, v2: httpx.AsyncClient, sent: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    """422 names each field that is wrong, and nothing is stored."""
    before = world.capsule.shelf("case").all()
    response = await v2.post("/kases", json={"kase": sent})
    assert response.status_code == 422
    assert response.json()["errors"] == [
        {"message": text, "resource": "kase", "field": field} for text, field in errors
    ]
    assert world.capsule.shelf("case").all() == before


async def test_party_cannot_be_taken_away(v2: httpx.AsyncClient) -> None:
    """Null is refused on an update as well."""
    refused = await v2.put("/kases/640", json={"kase": {"party": None}})
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, "party is required")


async def test_closing_makes_open_tasks_pending(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """Tasks change though nobody wrote them, finished ones do not, and reopening turns the others back."""
    task, done = _task(world, "open"), _task(world, "done", done=True)
    other = _task(world, "elsewhere", links={"contact": "302"})
    clock.forward(seconds=5)
    assert (await _put(v2, 640, status="CLOSED"))["closedOn"] == "2026-06-04"
    statuses = [world.capsule.task(one)["status"] for one in (task, done, other)]
    assert statuses == ["PENDING", "COMPLETED", "OPEN"]
    assert world.capsule.task(task)["modified"] == clock.now()
    assert [one["id"] for one in (await v2.get("/tasks")).json()["tasks"]] == [int(other)]
    assert (await _put(v2, 640, status="OPEN"))["closedOn"] is None
    assert [world.capsule.task(one)["status"] for one in (task, done)] == ["OPEN", "COMPLETED"]


async def test_closing_may_leave_the_stamps_of_tasks(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """Then nothing but the status tells, which a list of changes since then does not show."""
    world.capsule.settings.pending_moves_stamp = False
    task = _task(world, "open")
    before = world.capsule.task(task)["modified"]
    clock.forward(seconds=5)
    await _put(v2, 640, status="CLOSED")
    assert (world.capsule.task(task)["status"], world.capsule.task(task)["modified"]) == ("PENDING", before)
    since = {"status": "open,completed,pending", "since": "2026-06-04T07:15:01Z"}
    assert (await v2.get("/tasks", params=since)).json()["tasks"] == []


async def test_deleting_takes_the_tasks_along(world: World, v2: httpx.AsyncClient) -> None:
    """204, then 404 for the project and its tasks; the tasks leave no trace, the project does."""
    task = _task(world, "x")
    gone = await v2.delete("/kases/640")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await v2.delete("/kases/640")).status_code == (await v2.get(f"/tasks/{task}")).status_code == 404
    deleted = await v2.get("/kases/deleted", params={"since": "2026-06-04T00:00:00Z"})
    assert deleted.json() == {"kases": [{"id": 640, "deletedAt": "2026-06-04T07:15:00Z"}], "restrictedKases": []}
    later = await v2.get("/kases/deleted", params={"since": "2026-06-04T08:00:00Z"})
    assert later.json()["kases"] == []
    refused = await v2.get("/kases/deleted")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "since")


async def test_lists(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """Open and closed ones, in pages, since a time, or of one party."""
    clock.forward(seconds=10)
    closed = int(world.capsule.shelf("case").add(title="Closed", done=True, links={"contact": "311"}))
    answer = await v2.get("/kases", params={"perPage": 1, "embed": "meta"})
    assert ([one["id"] for one in answer.json()["kases"]], answer.json()["meta"]) == ([640], {"totalCount": 2})
    base = "http://crm.example/capsule/api/v2/kases?page=2&perPage=1&embed=meta"
    assert (answer.headers["link"], answer.headers["x-pagination-has-more"]) == (f'<{base}>; rel="next"', "true")
    recent = await v2.get("/kases", params={"since": "2026-06-04T07:15:10Z"})
    assert [one["id"] for one in recent.json()["kases"]] == [closed]
    of_party = await v2.get("/parties/311/kases")
    assert [one["id"] for one in of_party.json()["kases"]] == [closed]
    assert (await v2.get("/parties/1/kases")).status_code == 404
    several = await v2.get(f"/kases/{closed},640,1")
    assert [one["id"] for one in several.json()["kases"]] == [closed, 640]
    too_many = await v2.get("/kases/" + ",".join(map(str, range(11))))
    assert (too_many.status_code, too_many.json()["errors"][0]["resource"]) == (422, "kase")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/kases/1", 404),
        ("GET", "/kases/x", 404),
        ("PUT", "/kases/1", 404),
        ("DELETE", "/kases/1", 404),
        ("POST", "/kases/640", 405),
        ("PATCH", "/kases/640", 405),
        ("POST", "/parties", 405),
        ("PUT", "/kases/640,641", 404),
    ],
)
async def test_unknown_ids_and_verbs(v2: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """404 and 405 as with tasks."""
    response = await v2.request(method, path, json={"kase": {"name": "x"}})
    assert response.status_code == status


async def test_a_renamed_project_shows_in_its_tasks(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """Under the same id, without moving the task's stamp."""
    task = _task(world, "x")
    clock.forward(seconds=5)
    await _put(v2, 640, name="Price SIPP")
    shown = (await v2.get(f"/tasks/{task}")).json()["task"]
    assert (shown["kase"], shown["updatedAt"]) == ({"id": 640, "name": "Price SIPP"}, "2026-06-04T07:15:00Z")


def test_a_persons_projects(world: World, clock: Any) -> None:
    """The neutral words: contact and opportunity are links, the owner an assignee, and closing is being done."""
    shelf = world.capsule.shelf("case")
    number = shelf.add(
        title="Refit", body="By May.", links={"contact": "311", "opportunity": "88"}, assignees=["78"], done=True
    )
    kase = shelf.one(number)
    assert (kase["title"], kase["body"], kase["done"], kase["assignees"]) == ("Refit", "By May.", True, ["78"])
    assert kase["links"] == {"contact": "311", "opportunity": "88"}
    task = _task(world, "x", links={"case": number})
    clock.forward(seconds=5)
    shelf.edit(number, done=False, links={"opportunity": None})
    assert shelf.one(number) == kase | {"done": False, "links": {"contact": "311"}, "modified": clock.now()}
    shelf.edit(number, done=True)
    assert world.capsule.task(task)["status"] == "PENDING"
    shelf.remove(number)
    assert world.capsule.tasks() == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"title": "x"}, "needs a contact"),
        ({"links": {"contact": "302"}}, "needs a title"),
        ({"title": "x", "links": {"contact": "1"}}, "no contact 1"),
        ({"title": "x", "links": {"contact": "302", "opportunity": "1"}}, "no opportunity 1"),
        ({"title": "x", "links": {"contact": "302"}, "assignees": []}, "one owner"),
        ({"title": "x", "links": {"contact": "302"}, "assignees": ["1"]}, "no person 1"),
    ],
)
def test_what_a_person_cannot_save(world: World, fields: dict[str, Any], text: str) -> None:
    """A project needs a title, a contact and an owner that exist."""
    before = world.capsule.shelf("case").all()
    with pytest.raises(ValueError, match=text):
        world.capsule.shelf("case").add(**fields)
    assert world.capsule.shelf("case").all() == before


def test_the_contact_of_a_project_stays(world: World) -> None:
    """It can be changed, not taken away."""
    with pytest.raises(ValueError, match="needs a contact"):
        world.capsule.shelf("case").edit("640", links={"contact": None})
