"""Cases of the simulated Plannr (protocols/plannr.md 7.4)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"
NEW, IN_PROGRESS, CLOSED = (f"60000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
TYPE = "61000000-0000-4000-8000-000000000001"


async def _create(plannr: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await plannr.post("/cases", json={"name": "Annual review", "participants": [PRICE], **fields})
    assert response.status_code == 200, response.text
    case: dict[str, Any] = response.json()
    return case


async def _put(plannr: httpx.AsyncClient, case: dict[str, Any], **changes: Any) -> dict[str, Any]:
    response = await plannr.put(f"/cases/{case['uuid']}", json=changes)
    assert response.status_code == 200, response.text
    changed: dict[str, Any] = response.json()
    return changed


async def _names(plannr: httpx.AsyncClient, path: str = "/cases", **params: Any) -> list[str]:
    response = await plannr.get(path, params=params)
    assert response.status_code == 200, response.text
    return [one["name"] for one in response.json()["data"]]


# --- reading ---


async def test_one_case(plannr: httpx.AsyncClient) -> None:
    """Its status and type are objects, its value is money, its people are ids; who takes part has to be asked for."""
    case = (await plannr.get(f"/cases/{TRANSFER.upper()}")).json()
    assert (case["name"], case["slug"]) == ("Price pension transfer", "price-pension-transfer")
    assert (case["status"]["name"], case["status"]["is_type_completed"]) == ("To be reviewed", False)
    assert case["type"]["name"] == "Pension transfer"
    assert case["value"] == {"amount": "150000", "formatted": "£1,500.00", "currency": "GBP"}
    assert (case["assigned_to_uuids"], case["completed_at"], case["participants_count"]) == ([], None, 1)
    assert not {"participants", "plans"} & set(case)
    asked = (await plannr.get(f"/cases/{TRANSFER}", params={"include": "participants,plans"})).json()
    assert [one["uuid"] for one in asked["participants"]] == [PRICE]
    assert [one["name"] for one in asked["plans"]] == ["Price SIPP"]


async def test_a_list_leaves_out_what_is_not_asked_for(world: World, plannr: httpx.AsyncClient) -> None:
    """Without include not even the status is there; the time of completion always is."""
    bare = (await plannr.get("/cases")).json()["data"][0]
    assert not {"status", "type", "participants", "assigned_to"} & set(bare)
    assert "completed_at" in bare
    asked = (await plannr.get("/cases", params={"include": "status,assigned_to,tags,groups"})).json()["data"][0]
    assert (asked["status"]["uuid"], asked["assigned_to"], asked["tags"], asked["groups"]) == (NEW, [], [], [])
    world.plannr.settings.default_includes = "present"
    assert "status" in (await plannr.get("/cases")).json()["data"][0]


async def test_case_filters(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """By state, status, people, plans, days and ids."""
    clock.forward(days=1)
    review = await _create(plannr, status=IN_PROGRESS, participants=[ZOE], assigned_to_uuids=[BEN])
    await _put(plannr, review, completed_at="2026-06-05T10:00:00+01:00", review_at="2026-07-01", status=IN_PROGRESS)

    async def by(name: str, value: str) -> list[str]:
        return await _names(plannr, **{f"filter[{name}]": value})

    new, old = ["Annual review"], ["Price pension transfer"]
    assert await by("completed", "true") == await by("in_progress", "false") == new
    assert await by("completed", "false") == await by("in_progress", "1") == old
    assert await by("status", "in progress") == await by("status", f"{IN_PROGRESS},{CLOSED}") == new
    assert await by("type", TYPE) == await by("plan_uuid", PLAN) == old
    assert await by("account_uuids", ZOE) == await by("employee_account_uuids", f"{ANA},{BEN}") == new
    assert await by("uuid", f"{TRANSFER},{review['uuid']}") == [*new, *old]
    assert await by("completed_after", "2026-06-05") == await by("completed_before", "2026-06-05") == new
    assert await by("review_at_after", "2026-07-02") == await by("tags", "vip") == await by("circle_uuids", ZOE) == []
    assert await by("review_at_before", "2026-07-01") == new


async def test_the_cases_of_one_client(plannr: httpx.AsyncClient) -> None:
    """The same list, cut to those in which the client takes part; nobody else's id will do."""
    await _create(plannr, name="Both", participants=[ZOE, PRICE])
    await _create(plannr, name="Hers", participants=[ZOE])
    assert await _names(plannr, f"/client/{ZOE}/cases", sort="-name") == ["Hers", "Both"]
    assert await _names(plannr, f"/client/{PRICE}/cases") == ["Both", "Price pension transfer"]
    assert (await plannr.get(f"/client/{ANA}/cases")).status_code == 404


@pytest.mark.parametrize("params", [{"sort": "-updated_at"}, {"filter[name]": "x"}, {"filter[updated_after]": "2026"}])
async def test_cases_cannot_be_asked_for_what_changed(plannr: httpx.AsyncClient, params: dict[str, str]) -> None:
    """There is no order by change, no filter for it, and none for names."""
    assert (await plannr.get("/cases", params=params)).status_code == 400


async def test_case_order(plannr: httpx.AsyncClient) -> None:
    """By name unless asked otherwise, so that renaming moves a case to another page."""
    last = await _create(plannr, name="Wills", value=1)
    assert await _names(plannr) == ["Price pension transfer", "Wills"]
    assert await _names(plannr, sort="value") == ["Wills", "Price pension transfer"]
    await _put(plannr, last, name="A will")
    assert await _names(plannr, per_page=1) == ["A will"]


# --- creating ---


async def test_creating_a_case(plannr: httpx.AsyncClient) -> None:
    """200, not 201; without a status it is in the first column."""
    case = await _create(plannr, review_at="2026-07-01T09:00:00+01:00", value=15099, plans=[PLAN], type=TYPE)
    assert (case["status"]["uuid"], case["status_position"]) == (NEW, 2)
    assert case["created_at"] == case["updated_at"] == "2026-06-04T08:15:00+01:00"
    assert (case["review_at"], case["value"]["amount"]) == ("2026-07-01T09:00:00+01:00", "15099")
    assert (await plannr.get(f"/cases/{case['uuid']}")).json() == case


async def test_a_case_created_closed(plannr: httpx.AsyncClient) -> None:
    """A completed column completes it."""
    assert (await _create(plannr, status=CLOSED))["completed_at"] == "2026-06-04T08:15:00+01:00"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"participants": None}, "participants"),
        ({"participants": [ANA]}, "participants"),
        ({"participants": ["42", PRICE]}, "participants.0"),
        ({"participants": [PRICE, TRANSFER]}, "participants.1"),
        ({"status": "In progress"}, "status"),
        ({"status": TRANSFER}, "status"),
        ({"type": NEW}, "type"),
        ({"value": "15.09"}, "value"),
        ({"review_at": "soon"}, "review_at"),
        ({"plans": [TRANSFER]}, "plans.0"),
        ({"assigned_to_uuids": ANA}, "assigned_to_uuids"),
    ],
)
async def test_what_is_no_case(plannr: httpx.AsyncClient, fields: dict[str, Any], field: str) -> None:
    """Each mistake is named; a case without a client among its participants is one."""
    response = await plannr.post("/cases", json={"name": "x", "participants": [PRICE], **fields})
    assert (response.status_code, list(response.json()["errors"])) == (422, [field])


# --- changing ---


async def test_a_change_leaves_the_rest(plannr: httpx.AsyncClient) -> None:
    """What is not sent stays; null empties; participants are no field of an update."""
    case = await _create(plannr, value=5, plans=[PLAN], assigned_to_uuids=[ANA, BEN], group_uuids=[ZOE])
    renamed = await _put(plannr, case, name="Review 2026", participants=[ZOE])
    kept = ("value", "assigned_to_uuids", "group_uuids", "status", "participants_count")
    assert renamed["name"] == "Review 2026"
    assert [renamed[name] for name in kept] == [case[name] for name in kept]
    emptied = await _put(plannr, case, plans=None, value=None, type=None, assigned_to_uuids=[BEN])
    assert (emptied["value"], emptied["type"], emptied["assigned_to_uuids"]) == (None, None, [BEN])
    assert (await plannr.get(f"/cases/{case['uuid']}", params={"include": "plans"})).json()["plans"] == []
    refused = await plannr.put(f"/cases/{case['uuid']}", json={"name": None, "status": None})
    assert list(refused.json()["errors"]) == ["name", "status"]


async def test_a_full_update_empties_what_is_not_sent(world: World, plannr: httpx.AsyncClient) -> None:
    """With the switch, renaming a closed case reopens it."""
    case = await _create(plannr, assigned_to_uuids=[ANA], status=CLOSED)
    world.plannr.settings.put_semantics = "full"
    changed = await _put(plannr, case, name="x")
    assert (changed["completed_at"], changed["assigned_to_uuids"]) == (None, [])


async def test_closing_and_reopening(plannr: httpx.AsyncClient, clock: Any) -> None:
    """The time of completion is sent, and moves the case into a completed column and out of it."""
    case = await _create(plannr, status=IN_PROGRESS)
    clock.forward(seconds=1)
    closed = await _put(plannr, case, completed_at="2026-06-04T08:15:01+01:00")
    assert (closed["completed_at"], closed["status"]["uuid"]) == ("2026-06-04T08:15:01+01:00", CLOSED)
    assert closed["updated_at"] == "2026-06-04T08:15:01+01:00"
    reopened = await _put(plannr, case, completed_at=None)
    assert (reopened["completed_at"], reopened["status"]["uuid"]) == (None, NEW)


async def test_a_completed_column_completes(plannr: httpx.AsyncClient) -> None:
    """Status and completion follow each other; sent together both are taken as they are."""
    case = await _create(plannr)
    assert (await _put(plannr, case, status=CLOSED))["completed_at"] == "2026-06-04T08:15:00+01:00"
    assert (await _put(plannr, case, status=IN_PROGRESS))["completed_at"] is None
    both = await _put(plannr, case, status=IN_PROGRESS, completed_at="2026-06-01")
    assert (both["status"]["uuid"], both["completed_at"]) == (IN_PROGRESS, "2026-06-01T00:00:00+01:00")


async def test_status_and_completion_can_be_apart(world: World, plannr: httpx.AsyncClient) -> None:
    """With the switch neither moves the other."""
    world.plannr.settings.case_completion = "apart"
    case = await _create(plannr)
    closed = await _put(plannr, case, completed_at="2026-06-04")
    assert (closed["completed_at"], closed["status"]["uuid"]) == ("2026-06-04T00:00:00+01:00", NEW)
    assert (await _put(plannr, case, completed_at=None, status=CLOSED))["completed_at"] is None


@pytest.mark.parametrize(
    ("setting", "expected"), [("keep", "2026-07-01T09:00:00+01:00"), ("convert", "2026-07-01T10:00:00+01:00")]
)
async def test_an_offset_of_another_zone(world: World, plannr: httpx.AsyncClient, setting: str, expected: str) -> None:
    """As for tasks: the wall clock is kept and the offset is dropped, or it is converted."""
    world.plannr.settings.change({"offset_input": setting})
    assert (await _create(plannr, review_at="2026-07-01T09:00:00Z"))["review_at"] == expected


async def test_what_moves_a_cases_stamp(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """People, plans and groups do not, unless the switch says so."""
    case = await _create(plannr)
    clock.forward(seconds=1)
    same = await _put(plannr, case, name=case["name"], assigned_to_uuids=[BEN], plans=[PLAN], group_uuids=[ZOE])
    assert same["updated_at"] == case["updated_at"]
    world.plannr.settings.assignee_change_touches_updated_at = True
    assert (await _put(plannr, case, assigned_to_uuids=[]))["updated_at"] == "2026-06-04T08:15:01+01:00"


async def test_participants_have_a_route_of_their_own(plannr: httpx.AsyncClient) -> None:
    """They are added and taken away, but for the last client."""
    case = await _create(plannr)
    path = f"/cases/{case['uuid']}/participants"
    added = await plannr.post(path, json={"participants": [ZOE, BEN, PRICE]})
    assert (added.status_code, added.json()["participants_count"]) == (200, 3)
    assert (await plannr.request("DELETE", path, json={"participants": [PRICE]})).status_code == 200
    last = await plannr.request("DELETE", path, json={"participants": [ZOE]})
    assert (last.status_code, list(last.json()["errors"])) == (422, ["participants"])
    assert (await plannr.post(path, json={})).status_code == 422
    left = (await plannr.get(f"/cases/{case['uuid']}", params={"include": "participants"})).json()
    assert [one["uuid"] for one in left["participants"]] == [ZOE, BEN]


# --- deleting, rights, columns ---


async def test_deleting_a_case_leaves_its_tasks(world: World, plannr: httpx.AsyncClient) -> None:
    """They stay, with a link that leads nowhere."""
    task = world.plannr.add(title="x", links={"case": TRANSFER})
    assert (await plannr.get(f"/task/{task}")).json()["taskable"]["status"]["name"] == "To be reviewed"
    assert (await plannr.delete(f"/cases/{TRANSFER}")).status_code == 204
    gone = await plannr.get(f"/cases/{TRANSFER}")
    assert gone.json()["message"] == f"No query results for model [App\\Models\\Cases] {TRANSFER}"
    left = (await plannr.get(f"/task/{task}")).json()
    assert (left["taskable_type"], left["taskable"]) == ("case", None)


async def test_there_may_be_no_way_to_delete_a_case(world: World, plannr: httpx.AsyncClient) -> None:
    """With the switch the method is not there, for known and unknown cases alike."""
    world.plannr.settings.case_delete = "missing"
    for uuid in (TRANSFER, "none"):
        refused = await plannr.delete(f"/cases/{uuid}")
        assert (refused.status_code, refused.json()["message"]) == (
            405,
            f"The DELETE method is not supported for route api/v1/cases/{uuid}. Supported methods: GET, HEAD, PUT.",
        )


async def test_a_login_without_rights_changes_no_case(world: World, plannr: httpx.AsyncClient) -> None:
    """403, after 404 and before 422."""
    world.plannr.settings.change({"has_write_permission": False, "has_delete_permission": False})
    one = f"/cases/{TRANSFER}"
    asked = (
        ("POST", "/cases"),
        ("PUT", one),
        ("DELETE", one),
        ("POST", f"{one}/participants"),
        ("DELETE", f"{one}/participants"),
        ("POST", "/cases-status"),
        ("PUT", f"/cases-status/{NEW}"),
    )
    for method, path in asked:
        assert (await plannr.request(method, path, json={})).status_code == 403
    assert (await plannr.put("/cases/none", json={})).status_code == 404


async def test_columns_of_cases(plannr: httpx.AsyncClient) -> None:
    """A table of their own with one flag; a new one and a change are both answered with 200."""
    made = await plannr.post("/cases-status", json={"name": "Waiting"})
    assert (made.status_code, made.json()["position"], made.json()["is_type_completed"]) == (200, 4, False)
    assert "is_archived" not in made.json()
    moved = await plannr.put(f"/cases-status/{made.json()['uuid']}", json={"name": "Parked", "position": 1})
    assert (moved.status_code, moved.json()["name"], moved.json()["position"]) == (200, "Parked", 1)
    assert await _names(plannr, "/cases-status") == ["To be reviewed", "In progress", "Completed", "Parked"]
    assert (await plannr.put("/cases-status/none", json={})).status_code == 404


# --- as a person ---


def test_cases_as_a_person_sees_them(world: World) -> None:
    """Title, state, clients, employees and plan, and what can be said of them."""
    shelf = world.plannr.shelf("case")
    made = shelf.add(title="Will", members=[ZOE], assignees=[BEN], links={"plan": PLAN}, created="2026-05-01T10:00:00Z")
    case = shelf.one(made)
    assert (case["title"], case["done"], case["members"], case["assignees"]) == ("Will", False, [ZOE], [BEN])
    assert case["links"] == {"contact": ZOE, "plan": PLAN}
    assert case["created"] == case["modified"] == datetime(2026, 5, 1, 10, tzinfo=UTC)
    shelf.edit(made, title="Her will", done=True, links={"contact": PRICE, "plan": None})
    case = shelf.one(made)
    assert (case["title"], case["done"], case["members"], case["links"]) == (
        "Her will",
        True,
        [PRICE],
        {"contact": PRICE},
    )
    shelf.edit(made, done=False)
    assert shelf.one(made)["done"] is False
    shelf.remove(made)
    assert [one["title"] for one in shelf.all()] == ["Price pension transfer"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs a title"),
        ({"title": "x", "members": []}, "needs a client"),
        ({"title": "x", "members": [ANA]}, f"no contact {ANA}"),
        ({"title": "x", "assignees": [PRICE]}, f"no person {PRICE}"),
        ({"title": "x", "links": {"plan": ZOE}}, f"no plan {ZOE}"),
    ],
)
def test_what_the_pages_would_not_take(world: World, fields: dict[str, Any], words: str) -> None:
    """Nothing is kept of it."""
    with pytest.raises(ValueError, match=words):
        world.plannr.shelf("case").add(**fields)
    assert len(world.plannr.shelf("case").all()) == 1


async def test_a_person_moves_the_stamp(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """Saving a case moves it, and a case without a client given is the first client's."""
    made = world.plannr.shelf("case").add(title="x")
    clock.forward(seconds=1)
    world.plannr.shelf("case").edit(made, assignees=[ANA])
    case = (await plannr.get(f"/cases/{made}", params={"include": "participants"})).json()
    assert (case["created_at"], case["updated_at"]) == ("2026-06-04T08:15:00+01:00", "2026-06-04T08:15:01+01:00")
    assert [one["uuid"] for one in case["participants"]] == [PRICE]
    assert world.plannr.today() == date(2026, 6, 4)
