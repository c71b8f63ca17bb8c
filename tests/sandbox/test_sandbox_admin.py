"""The person's side of the sandbox: the neutral Python API and the same over HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.neutral import NoSuchTask
from tasksync.sandbox.world import World

CRMS = ["onlyoffice", "capsule", "plannr"]


async def test_names(admin: httpx.AsyncClient) -> None:
    """`/_admin` itself lists the CRMs."""
    for url in ("http://crm.example/_admin", "http://crm.example/_admin/"):
        assert (await admin.get(url)).json() == CRMS


@pytest.mark.parametrize("crm", CRMS)
async def test_a_persons_day(admin: httpx.AsyncClient, clock: Any, crm: str) -> None:
    """Create, read, change and delete, in the same words for every CRM."""
    sent = {"title": "Ring", "body": "two\nlines", "due": "2026-06-10T09:30:00Z", "done": True}
    made = await admin.post(f"/{crm}/tasks", json=sent)
    assert made.status_code == 201
    task = made.json()
    assert {name: task[name] for name in sent} == sent
    assert task["modified"] == task["created"] == "2026-06-04T07:15:00Z"
    clock.forward(minutes=1)
    changed = (await admin.patch(f"/{crm}/tasks/{task['id']}", json={"due": "2026-06-11", "done": False})).json()
    assert changed == task | {
        "due": "2026-06-11",
        "done": False,
        "modified": "2026-06-04T07:16:00Z",
        **({"status": changed["status"]} if "status" in changed else {}),
    }
    assert (await admin.get(f"/{crm}/tasks")).json() == [changed]
    assert (await admin.get(f"/{crm}/tasks/{task['id']}")).json() == changed
    assert (await admin.delete(f"/{crm}/tasks/{task['id']}")).status_code == 204
    assert (await admin.get(f"/{crm}/tasks")).json() == []
    assert (await admin.patch(f"/{crm}/tasks/{task['id']}", json={})).status_code == 404


@pytest.mark.parametrize("crm", CRMS)
def test_an_edit_without_a_difference_moves_the_stamp(world: World, clock: Any, crm: str) -> None:
    """A person who saves the form has edited the task."""
    number = world.crms[crm].add(title="x", due=date(2026, 6, 10))
    clock.forward(seconds=5)
    world.crms[crm].edit(number, title="x")
    assert world.crms[crm].task(number)["modified"] == clock.now()


@pytest.mark.parametrize("crm", CRMS)
def test_stamps_can_be_made_up(world: World, crm: str) -> None:
    """For histories: when it was made and when it was changed."""
    made, changed = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    number = world.crms[crm].add(title="x", due=date(2026, 6, 10), created=made, modified=changed)
    task = world.crms[crm].task(number)
    assert (task["created"], task["modified"]) == (made, changed)


def test_fields_that_a_crm_lacks_are_ignored(world: World) -> None:
    """ONLYOFFICE has no priority, Plannr no category and no reminder, Capsule neither priority nor reminder."""
    fields = {"title": "x", "due": date(2026, 6, 10), "priority": "high", "category": "Call", "reminder": 60}
    shapes = {name: set(crm.task(crm.add(**fields))) for name, crm in world.crms.items()}
    assert {name: shape & {"priority", "category", "reminder"} for name, shape in shapes.items()} == {
        "onlyoffice": {"category", "reminder"},
        "capsule": {"category"},
        "plannr": {"priority"},
    }


@pytest.mark.parametrize(
    ("crm", "sent", "text"),
    [
        ("plannr", {"body": "x"}, "a task needs a title"),
        ("plannr", {"title": ""}, "title"),
        ("plannr", {"title": "x", "color": "red"}, "color"),
        ("plannr", {"title": "x", "due": "tomorrow"}, "due"),
        ("plannr", {"title": "x", "due": "2026-06-10T09:00:00"}, "zone"),
        ("plannr", {"title": "x", "due": 7}, "due is a date"),
        ("plannr", {"title": "x", "priority": "urgent"}, "priority"),
        ("plannr", {"title": "x", "status": "Later"}, "no task status 'Later'"),
        ("plannr", {"title": "x", "owner": "Owen Price"}, "no employee"),
        ("plannr", {"title": "x", "link": {"type": "client", "id": "1"}}, "no client 1"),
        ("capsule", {"title": "x"}, "needs a due day"),
        ("capsule", {"title": "x", "due": "2026-06-10", "owner": "me"}, "no user 'me'"),
        ("capsule", {"title": "x", "due": "2026-06-10", "status": "LATE"}, "status is"),
        ("capsule", {"title": "x", "due": "2026-06-10", "link": {"type": "party", "id": 1}}, "no party 1"),
        ("onlyoffice", {"title": "x"}, "needs a due day"),
        ("onlyoffice", {"title": "x", "due": "2026-06-10", "category": "Tea"}, "no task category 'Tea'"),
        ("onlyoffice", {"title": "x", "due": "2026-06-10", "owner": "me"}, "no user 'me'"),
    ],
)
async def test_bad_tasks(world: World, admin: httpx.AsyncClient, crm: str, sent: dict[str, Any], text: str) -> None:
    """400 with a message that names the mistake, and nothing is stored."""
    response = await admin.post(f"/{crm}/tasks", json=sent)
    assert response.status_code == 400
    assert text in response.json()["message"]
    assert world.crms[crm].tasks() == []


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/plannr/tasks", "not an object"),
        ("PATCH", "/plannr/settings", {"single_wrap": "twice"}),
        ("PATCH", "/plannr/settings", {"nonsense": 1}),
        ("PATCH", "/onlyoffice/settings", {"zone": "Mars/Olympus"}),
        ("POST", "/plannr/faults", {"do": "explode"}),
        ("POST", "/plannr/faults", {}),
        ("POST", "/plannr/faults", {"do": "slow", "path": "("}),
        ("POST", "/plannr/faults", {"do": "slow", "times": 0}),
        ("POST", "/plannr/fill", {"count": -1}),
        ("POST", "/plannr/fill", {}),
        ("POST", "/plannr/reset", {"seed": "yes"}),
    ],
)
async def test_other_bad_input(world: World, admin: httpx.AsyncClient, method: str, path: str, sent: Any) -> None:
    """400 with a message; settings and faults stay as they were."""
    before = world.plannr.settings.model_dump()
    response = await admin.request(method, path, json=sent)
    assert response.status_code == 400
    assert response.json()["message"]
    assert (world.plannr.settings.model_dump(), world.plannr.faults.pending()) == (before, [])


async def test_broken_json_and_unknown_crm(admin: httpx.AsyncClient) -> None:
    """Both are the caller's mistake."""
    assert (await admin.post("/plannr/tasks", content=b"{")).status_code == 400
    assert (await admin.get("/salesforce/tasks")).status_code == 404


async def test_stamps_over_http(admin: httpx.AsyncClient) -> None:
    """An instant is ISO 8601 with a zone, or the caller's mistake."""
    made = await admin.post("/plannr/tasks", json={"title": "x", "modified": "2026-02-01T01:00:00+01:00"})
    assert made.json()["modified"] == "2026-02-01T00:00:00Z"
    for wrong in ("2026-02-01T01:00:00", 7):
        assert (await admin.post("/plannr/tasks", json={"title": "x", "modified": wrong})).status_code == 400


async def test_request_log(world: World, admin: httpx.AsyncClient, plannr: httpx.AsyncClient) -> None:
    """Verb, path with query and status of what clients sent, without what the admin did; it can be emptied."""
    await plannr.get("/task", params={"page": 2})
    await plannr.get("/task/none")
    assert world.plannr.requests == [
        ("GET", "/plannr/api/v1/task?page=2", 200),
        ("GET", "/plannr/api/v1/task/none", 404),
    ]
    logged = (await admin.get("/plannr/requests")).json()
    assert logged[0] == {"method": "GET", "path": "/plannr/api/v1/task?page=2", "status": 200}
    assert (await admin.delete("/plannr/requests")).status_code == 204
    assert world.plannr.requests == []


async def test_settings_over_http(world: World, admin: httpx.AsyncClient) -> None:
    """A change applies at once, and all of a PATCH or nothing."""
    changed = await admin.patch("/capsule/settings", json={"generation": "2012", "zone": "Europe/Paris"})
    assert (changed.status_code, changed.json()["generation"]) == (200, "2012")
    assert world.capsule.settings.zone == "Europe/Paris"
    await admin.patch("/capsule/settings", json={"generation": "2017", "zone": "Nowhere"})
    assert (await admin.get("/capsule/settings")).json()["generation"] == "2012"


async def test_faults_over_http(world: World, admin: httpx.AsyncClient) -> None:
    """They are listed with what they have left to do, and can be called off."""
    made = await admin.post("/capsule/faults", json={"do": "status", "status": 502, "times": None, "method": "POST"})
    assert (made.status_code, made.json()["status"]) == (201, 502)
    (listed,) = (await admin.get("/capsule/faults")).json()
    assert (listed["do"], listed["times"], listed["method"]) == ("status", None, "POST")
    assert (await admin.delete("/capsule/faults")).status_code == 204
    assert world.capsule.faults.pending() == []


async def test_fill_and_reset(world: World, admin: httpx.AsyncClient) -> None:
    """Filling twice goes on with the numbers; a reset brings the samples back or nothing, and ids go on."""
    assert (await admin.post("/onlyoffice/fill", json={"count": 3})).json() == {"tasks": 3}
    await admin.post("/onlyoffice/fill", json={"count": 2})
    tasks = world.onlyoffice.tasks()
    assert len({task["title"] for task in tasks}) == 5
    world.onlyoffice.faults.add("status")
    assert (await admin.post("/onlyoffice/reset", json={"seed": False})).json() == {"tasks": 0}
    assert (world.onlyoffice.faults.pending(), world.onlyoffice.requests) == ([], [])
    await admin.post("/onlyoffice/reset")
    assert int(world.onlyoffice.tasks()[0]["id"]) > int(tasks[-1]["id"])


def test_filled_alike(world: World) -> None:
    """Every CRM is filled with the same tasks, so that a first meeting matches them."""
    for crm in world.crms.values():
        crm.fill(30)
    pairs = [[(task["title"], task["body"], task["due"]) for task in crm.tasks()] for crm in world.crms.values()]
    assert pairs[0] == pairs[1] == pairs[2]


@pytest.mark.parametrize("crm", CRMS)
def test_unknown_ids(world: World, crm: str) -> None:
    """In Python an unknown id raises, whatever it looks like."""
    for wrong in ("1", "none", "²"):
        with pytest.raises(NoSuchTask):
            world.crms[crm].edit(wrong, title="x")


def test_unassigning_and_unlinking(world: World) -> None:
    """An empty owner, category or link takes it away where the CRM can do without."""
    plannr = world.plannr
    number = plannr.add(title="x", due=date(2026, 6, 10), parent=plannr.add(title="parent"))
    plannr.edit(number, owner="", parent=None, due=None, body="")
    task = plannr.task(number)
    assert (task["owner"], task["parent"], task["due"], task["link"]["type"]) == (None, None, None, "client")
    capsule = world.capsule
    number = capsule.add(title="x", due=date(2026, 6, 10), category="New", link={"type": "kase", "id": 640})
    assert capsule.task(number)["category"] == "New"
    capsule.edit(number, category=None, link=None)
    assert (capsule.task(number)["category"], capsule.task(number)["link"]) == (None, None)
    office = world.onlyoffice
    number = office.add(title="x", due=date(2026, 6, 10), contact=17, reminder=5, link={"type": "case", "id": 8})
    office.edit(number, owner="", contact=None, reminder=None, link=None)
    task = office.task(number)
    assert [task[name] for name in ("owner", "contact", "reminder", "link")] == [None] * 4


def test_status_beats_done(world: World) -> None:
    """Where both are given, the status is what counts; `done=False` leaves an open task in its column."""
    number = world.plannr.add(title="x", status="Doing", done=True)
    assert (world.plannr.task(number)["status"], world.plannr.task(number)["done"]) == ("Doing", False)
    world.plannr.edit(number, done=False)
    assert world.plannr.task(number)["status"] == "Doing"
    other = world.capsule.add(title="x", due=date(2026, 6, 10), status="PENDING", done=True)
    assert world.capsule.task(other)["status"] == "PENDING"
