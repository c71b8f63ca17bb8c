"""Who has a task of the simulated Plannr and what it hangs on, as clients and as a person set it; and the orders in
which a poll reads tasks (protocols/plannr.md 4.2, 5.2, 5.3, 8.1).
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tasksync.sandbox.neutral import NoSuchRecord
from tasksync.sandbox.world import World

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"


# --- over the API ---


@pytest.mark.parametrize(
    ("kind", "uuid", "name"),
    [
        ("client", ZOE, "Zoë Ångström"),
        ("employee", BEN, "Ben Osei"),
        ("case", TRANSFER, "Price pension transfer"),
        ("plan", PLAN, "Price SIPP"),
    ],
)
async def test_what_a_task_hangs_on(world: World, plannr: httpx.AsyncClient, kind: str, uuid: str, name: str) -> None:
    """Written as type and id, read as type and object; the form of the object depends on the type."""
    task = world.plannr.add(title="x")
    moved = await plannr.put(f"/task/{task}", json={"taskable_type": kind, "taskable_uuid": uuid})
    assert (moved.json()["taskable_type"], moved.json()["taskable"]["name"]) == (kind, name)
    form = {"client": "first_name", "employee": "first_name", "case": "task_board_uuid", "plan": "policy_number"}
    assert form[kind] in moved.json()["taskable"]
    assert world.plannr.task(task)["link"] == {"type": kind, "id": uuid}


@pytest.mark.parametrize(("kind", "uuid"), [("client", ANA), ("employee", ZOE), ("case", PLAN), ("plan", TRANSFER)])
async def test_a_link_of_another_type(world: World, plannr: httpx.AsyncClient, kind: str, uuid: str) -> None:
    """An id is looked for among what the type names, and nowhere else."""
    task = world.plannr.add(title="x")
    refused = await plannr.put(f"/task/{task}", json={"taskable_type": kind, "taskable_uuid": uuid})
    assert list(refused.json()["errors"]) == ["taskable_uuid"]


async def test_several_people_have_a_task(world: World, plannr: httpx.AsyncClient) -> None:
    """A list replaces the list, in its order and without doubles; a client can be assigned too."""
    task = world.plannr.add(title="x")
    changed = await plannr.put(f"/task/{task}", json={"assigned_to_uuids": [BEN, ANA, BEN, ZOE]})
    assert [one["uuid"] for one in changed.json()["assigned_to"]] == [BEN, ANA, ZOE]
    assert changed.json()["author"]["uuid"] == ANA
    assert world.plannr.task(task)["assignees"] == [BEN, ANA, ZOE]
    refused = await plannr.put(f"/task/{task}", json={"assigned_to_uuids": [ANA, TRANSFER, "Ben"]})
    assert list(refused.json()["errors"]) == ["assigned_to_uuids.2", "assigned_to_uuids.1"]


async def test_a_deleted_account_leaves_its_tasks(world: World, plannr: httpx.AsyncClient) -> None:
    """Whoever is gone is not among the assignees, and no link either."""
    task = world.plannr.add(title="x", assignees=[ANA, BEN], links={"contact": ZOE})
    world.plannr.shelf("person").remove(BEN)
    world.plannr.shelf("contact").remove(ZOE)
    read = (await plannr.get(f"/task/{task}")).json()
    assert [one["uuid"] for one in read["assigned_to"]] == [ANA]
    assert (read["taskable_type"], read["taskable"]) == ("client", None)
    assert (await plannr.get(f"/account/{BEN}")).status_code == 404


# --- orders ---


async def _page(plannr: httpx.AsyncClient, number: int, sort: str = "-updated_at") -> list[str]:
    params: dict[str, str | int] = {"sort": sort, "per_page": 2, "page": number}
    return [task["name"] for task in (await plannr.get("/task", params=params)).json()["data"]]


async def test_a_change_while_paging_moves_the_others(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """By last change, what is edited meanwhile goes to the front, and what was read last is read again."""
    ids = {}
    for name in "abcd":
        ids[name] = world.plannr.add(title=name)
        clock.forward(seconds=1)
    assert await _page(plannr, 1) == ["d", "c"]
    world.plannr.edit(ids["a"], title="a, edited")
    assert await _page(plannr, 2) == ["c", "b"]
    assert await _page(plannr, 1) == ["a, edited", "d"]


async def test_new_assignees_do_not_bring_a_task_to_the_front(
    world: World, plannr: httpx.AsyncClient, clock: Any
) -> None:
    """Who reads only what changed lately never sees them, unless the switch says so."""
    first = world.plannr.add(title="a")
    clock.forward(seconds=1)
    world.plannr.add(title="b")
    clock.forward(seconds=1)
    await plannr.put(f"/task/{first}", json={"assigned_to_uuids": [BEN]})
    assert await _page(plannr, 1) == ["b", "a"]
    world.plannr.settings.assignee_change_touches_updated_at = True
    await plannr.put(f"/task/{first}", json={"assigned_to_uuids": [ANA]})
    assert await _page(plannr, 1) == ["a", "b"]


async def test_ties_come_in_no_order_that_is_promised(world: World, plannr: httpx.AsyncClient) -> None:
    """Tasks of one second stay in their order from page to page, or with the switch do not."""
    for number in range(8):
        world.plannr.add(title=str(number))
    pages = [await _page(plannr, number) for number in range(1, 5)]
    assert pages == [["0", "1"], ["2", "3"], ["4", "5"], ["6", "7"]]
    world.plannr.settings.ties = "shuffled"
    seen = [name for number in range(1, 5) for name in await _page(plannr, number)]
    assert len(seen) == 8 > len(set(seen))


# --- as a person ---


def test_people_and_contacts_as_a_person_sees_them(world: World) -> None:
    """Employees are people, clients are contacts, and nobody is both."""
    people, contacts = world.plannr.shelf("person"), world.plannr.shelf("contact")
    carol = people.add(name="Carol de Wit", email="carol@example.org")
    joinery = contacts.add(name="Fairfield Joinery Ltd", company=True)
    assert people.one(carol) == {
        "id": carol,
        "name": "Carol de Wit",
        "email": "carol@example.org",
        "active": True,
    }
    assert contacts.one(joinery) == {
        "id": joinery,
        "name": "Fairfield Joinery Ltd",
        "email": "",
        "company": True,
    }
    people.edit(carol, name="Carol Wit", email="", active=False)
    contacts.edit(joinery, company=False)
    assert (people.one(carol)["name"], people.one(carol)["active"]) == ("Carol Wit", False)
    assert (contacts.one(joinery)["name"], contacts.one(joinery)["company"]) == ("Fairfield Joinery Ltd", False)
    people.edit(carol, active=True)
    assert people.one(carol)["active"] is True
    with pytest.raises(NoSuchRecord):
        people.one(joinery)


def test_links_and_assignees_as_a_person_sets_them(world: World) -> None:
    """Exactly one link, so that another takes its place; an employee is a link without a neutral word."""
    task = world.plannr.add(title="x", assignees=[BEN, ANA], links={"case": TRANSFER})
    assert world.plannr.task(task)["links"] == {"case": TRANSFER}
    assert (world.plannr.task(task)["assignees"], world.plannr.task(task)["owner"]) == ([BEN, ANA], "Ben Osei")
    world.plannr.edit(task, links={"contact": ZOE, "case": None}, assignees=[])
    assert (world.plannr.task(task)["links"], world.plannr.task(task)["owner"]) == ({"contact": ZOE}, None)
    world.plannr.edit(task, links={"case": None})
    assert world.plannr.task(task)["links"] == {"contact": ZOE}
    world.plannr.edit(task, link={"type": "employee", "id": ANA})
    assert (world.plannr.task(task)["links"], world.plannr.task(task)["link"]["id"]) == ({}, ANA)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"links": {"contact": None}}, "cannot be without its link"),
        ({"links": {"contact": ZOE, "plan": PLAN}}, "exactly one link"),
        ({"links": {"opportunity": "1"}}, "exactly one link"),
        ({"links": {"case": PLAN}}, f"no case {PLAN}"),
        ({"assignees": [ZOE]}, f"no person {ZOE}"),
    ],
)
def test_links_and_people_that_are_not_there(world: World, changes: dict[str, Any], words: str) -> None:
    """The pages would not take them, and the task stays as it was."""
    task = world.plannr.add(title="x")
    before = world.plannr.task(task)
    with pytest.raises(ValueError, match=words):
        world.plannr.edit(task, **changes)
    assert world.plannr.task(task) == before


def test_columns_as_a_person_sees_them(world: World) -> None:
    """Columns of one's own come and go while no task is in them; those with a meaning stay, and Done keeps its name."""
    shelf = world.plannr.shelf("status")
    waiting = shelf.add(name="Waiting")
    task = world.plannr.add(title="x", status="Waiting")
    shelf.edit(waiting, name="Parked")
    assert world.plannr.task(task)["status"] == "Parked"
    with pytest.raises(ValueError, match="is needed"):
        shelf.remove(waiting)
    world.plannr.edit(task, status="Doing")
    shelf.remove(waiting)
    assert [one["name"] for one in shelf.all()] == ["To do", "Doing", "Done", "Archive"]
    done = shelf.all()[2]["id"]
    with pytest.raises(ValueError, match="only the position"):
        shelf.edit(done, name="Over")
    with pytest.raises(ValueError, match="is needed"):
        shelf.remove(done)


def test_plans_as_a_person_sees_them(world: World) -> None:
    """A deleted one is out of a person's sight at once."""
    shelf = world.plannr.shelf("plan")
    made = shelf.add(name="Zoë's ISA", links={"contact": ZOE})
    shelf.edit(made, name="ISA")
    assert shelf.one(made) == {"id": made, "name": "ISA", "links": {"contact": ZOE}}
    shelf.remove(PLAN)
    assert [one["name"] for one in shelf.all()] == ["ISA"]


def test_a_reset_gives_a_new_account(world: World) -> None:
    """People, contacts, cases and plans are those of the first day; columns and settings stay."""
    plannr = world.plannr
    kinds = ("person", "contact", "case", "plan")
    before = {kind: plannr.shelf(kind).all() for kind in kinds}
    for kind in ("person", "contact", "plan", "status"):
        plannr.shelf(kind).add(name="New")
    plannr.shelf("case").remove(TRANSFER)
    plannr.reset()
    assert {kind: plannr.shelf(kind).all() for kind in kinds} == before
    assert plannr.shelf("status").all()[-1]["name"] == "New"
