"""Cases of the simulated ONLYOFFICE, with their members and custom fields (protocols/onlyoffice.md 5.3, 5.5, 8.10)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

BEN = "b1f5d8a0-3c62-47be-8a19-6e0f94c7d302"
ME = "0a77c2e4-5b1d-4c8e-9f30-2d6b8a41e501"


async def _read(office: httpx.AsyncClient, number: int) -> dict[str, Any]:
    response = await office.get(f"/crm/case/{number}.json")
    assert response.status_code == 200, response.text
    case: dict[str, Any] = response.json()["response"]
    return case


async def _put(office: httpx.AsyncClient, number: int, **sent: Any) -> dict[str, Any]:
    response = await office.put(f"/crm/case/{number}.json", json={"title": "Price pension transfer"} | sent)
    assert response.status_code == 200, response.text
    case: dict[str, Any] = response.json()["response"]
    return case


async def _titles(office: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await office.get("/crm/case/filter.json", params=params)
    assert response.status_code == 200, response.text
    return [case["title"] for case in response.json()["response"]]


async def test_shape(office: httpx.AsyncClient) -> None:
    """Flags are always printed, members have no e-mail, and there is no list of those who see a public case."""
    case = await _read(office, 8)
    assert list(case) == [
        "members",
        "createBy",
        "created",
        "title",
        "isClosed",
        "isPrivate",
        "canEdit",
        "customFields",
        "id",
    ]
    assert (case["isClosed"], case["isPrivate"], case["customFields"]) == (False, False, [])
    (member,) = case["members"]
    assert (member["id"], member["displayName"], "email" in member) == (17, "Owen Price", False)
    assert case["created"] == "2026-01-15T10:00:00.0000000Z"


async def test_the_documented_update(office: httpx.AsyncClient) -> None:
    """What the vendor's page sends replaces title and members, sets a field, and makes the case private."""
    sent = {
        "caseid": 8,
        "title": "Renewal 2026 (EU)",
        "members": [17, 22],
        "customFieldList": [{"key": 5, "value": "EMEA"}],
        "isPrivate": True,
        "accessList": [BEN],
        "isNotify": False,
    }
    case = await _put(office, 8, **sent)
    assert case["title"] == "Renewal 2026 (EU)"
    assert [member["id"] for member in case["members"]] == [17, 22]
    assert (case["isPrivate"], [user["id"] for user in case["accessList"]]) == (True, [BEN, ME])
    field = {"entityId": 8, "label": "Region", "fieldValue": "EMEA", "fieldType": 0, "position": 1}
    assert case["customFields"] == [field | {"mask": '{"size":40}', "id": 5}]
    assert await _read(office, 8) == case


async def test_a_missing_is_private_makes_a_case_public(world: World, office: httpx.AsyncClient) -> None:
    """So does `isPrivate` with nobody in the list; nothing else of the update asks for it."""
    for sent in ({}, {"accessList": [BEN]}, {"isPrivate": True}, {"isPrivate": True, "accessList": []}):
        world.onlyoffice.shelf("case").edit("8", access=[BEN, ME])
        assert (await _read(office, 8))["isPrivate"] is True
        case = await _put(office, 8, **sent)
        assert (case["isPrivate"], "accessList" in case) == (False, False)


async def test_members_are_replaced_or_kept(office: httpx.AsyncClient) -> None:
    """A list replaces the whole set without those that nobody knows; none, or an empty one, leaves it as it is."""
    assert [one["id"] for one in (await _put(office, 8, members=[22, 31, 22]))["members"]] == [22, 31]
    assert [one["id"] for one in (await _put(office, 8, members=[]))["members"]] == [22, 31]
    assert [one["id"] for one in (await _put(office, 8))["members"]] == [22, 31]
    assert [one["id"] for one in (await _put(office, 8, members=[17, 9999]))["members"]] == [17]


async def test_fields_cannot_be_cleared_by_an_update(office: httpx.AsyncClient) -> None:
    """Empty values, unknown keys and the docs' own sample are skipped; the field's own route empties it."""
    await _put(office, 8, customFieldList=[{"key": 5, "value": "EMEA"}])
    for skipped in ([{"key": 5, "value": ""}], [{"key": 6, "value": "x"}], [{"5": "x"}], []):
        case = await _put(office, 8, customFieldList=skipped)
        assert [one["fieldValue"] for one in case["customFields"]] == ["EMEA"]
    emptied = await office.post("/crm/case/8/customfield/5", json={"fieldValue": ""})
    assert (emptied.status_code, emptied.json()["response"]["fieldValue"]) == (201, None)
    assert (await _read(office, 8))["customFields"] == []


async def test_custom_field_routes(office: httpx.AsyncClient) -> None:
    """Definitions, all fields of a case with null for what is empty, and a server's fault for a value not sent."""
    (definition,) = (await office.get("/crm/case/customfield/definitions")).json()["response"]
    assert (definition["label"], definition["fieldValue"], definition["entityId"]) == ("Region", None, 0)
    (field,) = (await office.get("/crm/case/8/customfield")).json()["response"]
    assert (field["fieldValue"], field["entityId"]) == (None, 8)
    assert (await office.post("/crm/case/8/customfield/5", json={})).status_code == 500
    assert (await office.post("/crm/case/8/customfield/6", json={"fieldValue": "x"})).status_code == 404


async def test_an_update_leaves_what_it_does_not_name(world: World, office: httpx.AsyncClient) -> None:
    """A closed case stays closed, and it keeps who made it and when."""
    before = await _read(office, 8)
    await office.put("/crm/case/8/close")
    case = await _put(office, 8, title="Other", isClosed=False, created="2020-01-01")
    assert (case["isClosed"], case["created"], case["createBy"]) == (True, before["created"], before["createBy"])
    assert world.onlyoffice.shelf("case").one("8")["title"] == "Other"


async def test_long_titles_are_cut_in_silence(office: httpx.AsyncClient) -> None:
    """As those of tasks: the answer echoes what was sent."""
    assert (await _put(office, 8, title="x" * 300))["title"] == "x" * 300
    assert (await _read(office, 8))["title"] == "x" * 255


async def test_forms_spell_lists_their_own_way(office: httpx.AsyncClient) -> None:
    """`members[]` and `customFieldList[0][key]` are lists, and a single value is a list of one."""
    form = {
        "title": "From a form",
        "members[]": ["17", "31"],
        "customFieldList[0][key]": "5",
        "customFieldList[0][value]": "EMEA",
        "isPrivate": "true",
        "accessList": BEN,
    }
    response = await office.put("/crm/case/8", data=form)
    case = response.json()["response"]
    assert [member["id"] for member in case["members"]] == [17, 31]
    assert [field["fieldValue"] for field in case["customFields"]] == ["EMEA"]
    assert [user["id"] for user in case["accessList"]] == [BEN, ME]


async def test_create(world: World, office: httpx.AsyncClient) -> None:
    """201, an id of its own, made by the caller now, open and public."""
    response = await office.post("/crm/case.json", json={"title": "New", "members": [17]})
    assert response.status_code == 201
    case = response.json()["response"]
    assert (case["title"], case["isClosed"], case["isPrivate"], case["createBy"]["id"]) == ("New", False, False, ME)
    assert case["created"] == "2026-06-04T08:15:00.0000000+01:00"
    assert world.onlyoffice.shelf("case").one(str(case["id"]))["members"] == ["17"]


async def test_close_and_reopen(office: httpx.AsyncClient) -> None:
    """Both can be repeated and answer the case."""
    for verb, closed in (("close", True), ("close", True), ("reopen", False), ("reopen", False)):
        response = await office.put(f"/crm/case/8/{verb}.json")
        assert (response.status_code, response.json()["response"]["isClosed"]) == (200, closed)


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("GET", "/crm/case/7777", None, 404),
        ("GET", "/crm/case/0", None, 404),
        ("PUT", "/crm/case/7777", {"title": "x"}, 404),
        ("PUT", "/crm/case/7777", {}, 400),
        ("PUT", "/crm/case/7777/close", None, 404),
        ("PUT", "/crm/case/7777/reopen", None, 404),
        ("PUT", "/crm/case/7777/access", {"isPrivate": True}, 404),
        ("DELETE", "/crm/case/7777", None, 404),
        ("POST", "/crm/case", {"members": [17]}, 400),
        ("POST", "/crm/case", {"title": "x", "members": ["all"]}, 400),
        ("POST", "/crm/case", {"title": "x", "isPrivate": "perhaps"}, 400),
        ("POST", "/crm/case", {"title": "x", "accessList": ["me"]}, 400),
        ("PUT", "/crm/case/8", {"title": ""}, 400),
        ("PUT", "/crm/case", {"title": "x"}, 400),
        ("PUT", "/crm/case", {"casesids": []}, 400),
        ("POST", "/crm/case/8/contact", {}, 400),
        ("POST", "/crm/case/8/contact", {"contactid": 9999}, 404),
        ("POST", "/crm/case/7777/contact", {"contactid": 17}, 404),
        ("DELETE", "/crm/case/8/contact/9999", None, 404),
    ],
)
async def test_refusals(
    world: World, office: httpx.AsyncClient, method: str, path: str, sent: Any, status: int
) -> None:
    """A missing case is 404 to close and reopen, unlike a missing task, and a PUT to one creates nothing."""
    before = world.onlyoffice.shelf("case").all()
    response = await office.request(method, path, json=sent)
    assert (response.status_code, response.json()["statusCode"]) == (status, status)
    assert world.onlyoffice.shelf("case").all() == before


async def test_put_without_an_id_deletes(world: World, office: httpx.AsyncClient) -> None:
    """`PUT case` deletes the cases of its list, and their tasks, in spite of its verb."""
    kept = world.onlyoffice.add(title="kept", due=date(2026, 6, 10), links={"case": "9"})
    world.onlyoffice.add(title="gone", due=date(2026, 6, 10), links={"case": "8"})
    response = await office.put("/crm/case", json={"casesids": [8, 7777]})
    assert [case["id"] for case in response.json()["response"]] == [8]
    assert [case["id"] for case in world.onlyoffice.shelf("case").all()] == ["9"]
    assert [task["id"] for task in world.onlyoffice.tasks()] == [kept]


async def test_deleting_takes_the_tasks_along(world: World, office: httpx.AsyncClient) -> None:
    """The answer is the case as it was; a task of it is gone without a word."""
    number = world.onlyoffice.add(title="x", due=date(2026, 6, 10), links={"contact": "17", "case": "8"})
    task = (await office.get(f"/crm/task/{number}")).json()["response"]
    assert task["entity"] == {"entityType": "case", "entityId": 8, "entityTitle": "Price pension transfer"}
    gone = await office.delete("/crm/case/8")
    assert (gone.status_code, gone.json()["response"]["title"]) == (200, "Price pension transfer")
    assert (await office.get(f"/crm/task/{number}")).status_code == 404
    assert (await office.delete("/crm/case/8")).status_code == 404


async def test_deleting_by_filter(world: World, office: httpx.AsyncClient) -> None:
    """`DELETE case/filter` takes all that the filter lets through, which without one is everything."""
    await office.delete("/crm/case/filter", params={"contactid": 31})
    assert [case["id"] for case in world.onlyoffice.shelf("case").all()] == ["8"]
    await office.delete("/crm/case/filter")
    assert world.onlyoffice.shelf("case").all() == []


async def test_filters_and_orders(world: World, office: httpx.AsyncClient, clock: Any) -> None:
    """By title unless asked otherwise, open ones first except by id."""
    shelf = world.onlyoffice.shelf("case")
    clock.forward(days=1)
    shelf.add(title="a closed one", done=True)
    shelf.add(title="Z last", members=["17"])
    assert await _titles(office) == ["Fairfield group scheme", "Price pension transfer", "Z last", "a closed one"]
    assert await _titles(office, sortOrder="descending") == [
        "Z last",
        "Price pension transfer",
        "Fairfield group scheme",
        "a closed one",
    ]
    assert (await _titles(office, sortBy="id"))[2:] == ["a closed one", "Z last"]
    assert await _titles(office, isClosed="true") == ["a closed one"]
    assert await _titles(office, contactid=17) == ["Price pension transfer", "Z last"]
    assert await _titles(office, filterValue="SCHEME group,ignored") == ["Fairfield group scheme"]
    assert await _titles(office, tags="vip") == []


async def test_pages(world: World, office: httpx.AsyncClient) -> None:
    """As with tasks: `nextIndex` is one too far, and `total` beyond the end is where the page began."""
    for number in range(3):
        world.onlyoffice.shelf("case").add(title=f"case {number}")
    first = (await office.get("/crm/case/filter", params={"sortBy": "id", "count": 2})).json()
    assert (first["count"], first["nextIndex"], first["total"]) == (2, 3, 5)
    last = (await office.get("/crm/case/filter", params={"sortBy": "id", "count": 2, "startIndex": 4})).json()
    assert (last["count"], last["startIndex"], last["total"], "nextIndex" in last) == (1, 4, 5, False)
    beyond = (await office.get("/crm/case/filter", params={"startIndex": 50})).json()
    assert beyond == {"startIndex": 50, "total": 50, "status": 0, "statusCode": 200, "response": []}


async def test_members_one_by_one(office: httpx.AsyncClient) -> None:
    """They are whole contacts; adding one twice does not double it."""
    for _ in range(2):
        added = await office.post("/crm/case/8/contact", json={"contactid": 31})
        assert (added.status_code, added.json()["response"]["companyName"]) == (201, "Fairfield Joinery Ltd")
    listed = (await office.get("/crm/case/8/contact")).json()["response"]
    assert [one["commonData"][0]["data"] for one in listed] == ["owen.price@example.org", "office@fairfield.example"]
    assert (await office.delete("/crm/case/8/contact/17")).status_code == 200
    assert [one["id"] for one in (await _read(office, 8))["members"]] == [31]
    assert (await office.get("/crm/case/7777/contact")).json()["response"] == []


async def test_access_alone(office: httpx.AsyncClient) -> None:
    """The route for it changes nothing else, and takes the caller in."""
    private = await office.put("/crm/case/8/access", json={"isPrivate": True, "accessList": [BEN, BEN]})
    case = private.json()["response"]
    assert (case["title"], [user["id"] for user in case["accessList"]]) == ("Price pension transfer", [BEN, ME])
    public = await office.put("/crm/case/8/access", json={"isPrivate": False, "accessList": [BEN]})
    assert public.json()["response"]["isPrivate"] is False


def test_stamps_of_cases(world: World, clock: Any) -> None:
    """They can be made up, and saving a case moves the later one."""
    shelf = world.onlyoffice.shelf("case")
    made = datetime(2026, 2, 1, tzinfo=UTC)
    number = shelf.add(title="x", created=made)
    assert (shelf.one(number)["created"], shelf.one(number)["modified"]) == (made, made)
    shelf.edit(number, done=True)
    assert shelf.one(number)["modified"] == clock.now()
