"""People of the simulated Plannr, and the columns and plans that tasks refer to (protocols/plannr.md 5.1, 7)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
INTRODUCER = "4e7d0b52-9c63-4d0e-8f11-2ab06f3c7d01"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"
TO_DO, DOING, DONE = (f"50000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))


async def _names(plannr: httpx.AsyncClient, path: str = "/account", **params: Any) -> list[str]:
    response = await plannr.get(path, params=params)
    assert response.status_code == 200, response.text
    return [one["name"] for one in response.json()["data"]]


# --- accounts ---


async def test_accounts_are_people_of_three_kinds(plannr: httpx.AsyncClient) -> None:
    """Employees, clients and whoever sends them clients, in the order of first names; a company has none."""
    assert await _names(plannr) == ["Hart & Lowe Accountants", "Ana Reid", "Ben Osei", "Owen Price", "Zoë Ångström"]
    found = (await plannr.get("/account", params={"filter[type]": "external,client"})).json()["data"]
    assert {(one["type"], one["role"]) for one in found} == {("external", "introducer"), ("client", "individual")}
    outsider = (await plannr.get(f"/account/{INTRODUCER}")).json()
    assert (outsider["first_name"], outsider["last_name"]) == (None, None)


async def test_accounts_come_in_pages(world: World, plannr: httpx.AsyncClient) -> None:
    """Fifteen by default, as everywhere."""
    for number in range(12):
        world.plannr.shelf("contact").add(name=f"Client {number:02}")
    first = (await plannr.get("/account")).json()
    assert (len(first["data"]), first["meta"]["last_page"], first["meta"]["total"]) == (15, 2, 17)
    assert len(await _names(plannr, page=2)) == 2


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "a re", ["Ana Reid"]),
        ("name", "lowe", ["Hart & Lowe Accountants"]),
        ("name", "lowe, osei,", ["Hart & Lowe Accountants", "Ben Osei"]),
        ("primary_email", "BEN.OSEI@", ["Ben Osei"]),
        ("email", "zoe@example.org", ["Zoë Ångström"]),
        ("primary_phone_number", "44", []),
        ("role", "admin,member", ["Ana Reid", "Ben Osei"]),
        ("is_prospect", "true", []),
        ("inactive_before", "2030-01-01", []),
        ("created_after", "2025-01-07", []),
        ("tags", "vip", []),
    ],
)
async def test_account_filters(plannr: httpx.AsyncClient, name: str, value: str, expected: list[str]) -> None:
    """Names and addresses match in part; what nobody here has matches nobody."""
    assert await _names(plannr, **{f"filter[{name}]": value}) == expected


async def test_filters_that_leave_everybody(plannr: httpx.AsyncClient) -> None:
    """Nobody is a prospect, and nobody is in a group that is left out."""
    everybody = await _names(plannr)
    assert await _names(plannr, **{"filter[is_prospect]": "false"}) == everybody
    assert await _names(plannr, **{"filter[exclude_groups]": "London"}) == everybody
    assert await _names(plannr, **{"filter[created_before]": "2025-01-06"}) == everybody


@pytest.mark.parametrize("params", [{"filter[updated_after]": "2026-01-01"}, {"sort": "name"}, {"include": "logins"}])
async def test_accounts_cannot_be_asked_for_what_changed(plannr: httpx.AsyncClient, params: dict[str, str]) -> None:
    """Words that the list does not have are refused."""
    assert (await plannr.get("/account", params=params)).status_code == 400


async def test_account_order(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """By whatever of a name, an address or a stamp is asked for."""
    clock.forward(seconds=1)
    world.plannr.shelf("contact").edit(PRICE, email="a.price@example.org")
    assert (await _names(plannr, sort="-updated_at"))[0] == "Owen Price"
    assert (await _names(plannr, sort="email"))[0] == "Owen Price"
    assert (await _names(plannr, sort="-last_name"))[0] == "Zoë Ångström"


async def test_the_address_is_in_an_object_that_has_to_be_asked_for(world: World, plannr: httpx.AsyncClient) -> None:
    """A list has it only if it is included, a single account always; who has no address has null there."""
    assert "primary_email" not in (await plannr.get("/account")).json()["data"][1]
    asked = (await plannr.get("/account", params={"include": "primary_email,groups,assigned_adviser"})).json()["data"]
    address = asked[1]["primary_email"]
    assert (address["type"], address["primary"], address["value"]) == ("email", True, "sandbox@example.org")
    assert (asked[1]["groups"], asked[1]["assigned_adviser"]) == ([], None)
    nobody = world.plannr.shelf("contact").add(name="No Address")
    assert (await plannr.get(f"/account/{nobody}")).json()["primary_email"] is None
    world.plannr.settings.default_includes = "present"
    assert "primary_email" in (await plannr.get("/account")).json()["data"][1]


async def test_includes_of_a_single_account(world: World, plannr: httpx.AsyncClient) -> None:
    """Documented for lists alone, they may do nothing or be refused here; what is there anyway stays."""
    path, params = f"/account/{ANA}", {"include": "groups"}
    assert "groups" in (await plannr.get(path, params=params)).json()
    world.plannr.settings.single_include = "ignored"
    ignored = (await plannr.get(path, params=params)).json()
    assert ("groups" in ignored, "primary_email" in ignored) == (False, True)
    world.plannr.settings.single_include = "refused"
    assert (await plannr.get(path, params=params)).status_code == 400
    assert "primary_email" in (await plannr.get(path)).json()


@pytest.mark.parametrize(("setting", "expected"), [("present", "sandbox@example.org"), ("null", None), ("absent", "-")])
async def test_the_deprecated_address(world: World, plannr: httpx.AsyncClient, setting: str, expected: Any) -> None:
    """It may be empty or missing one day; the primary one stays."""
    world.plannr.settings.change({"deprecated_email": setting})
    ana = (await plannr.get(f"/account/{ANA}")).json()
    assert ana.get("email", "-") == expected
    assert ana["primary_email"]["value"] == "sandbox@example.org"


async def test_one_address_of_two_accounts(world: World, plannr: httpx.AsyncClient) -> None:
    """Who works for the firm and is its client has two accounts and may have one address."""
    world.plannr.shelf("contact").add(name="Ana Reid", email="sandbox@example.org")
    params = {"filter[primary_email]": "sandbox@example.org"}
    types = [one["type"] for one in (await plannr.get("/account", params=params)).json()["data"]]
    assert types == ["employee", "client"]


async def test_who_has_left_is_still_listed(world: World, plannr: httpx.AsyncClient) -> None:
    """The day is there, and a filter for it."""
    ben = world.plannr.shelf("person").all()[1]["id"]
    world.plannr.shelf("person").edit(ben, active=False)
    assert (await plannr.get(f"/account/{ben}")).json()["inactive_at"] == "2026-06-04"
    assert await _names(plannr, **{"filter[inactive_after]": "2026-06-04"}) == ["Ben Osei"]
    assert "Ben Osei" in await _names(plannr, **{"filter[type]": "employee"})


async def test_single_accounts_can_be_wrapped(world: World, plannr: httpx.AsyncClient) -> None:
    """The switch goes for everything that is shown alone."""
    world.plannr.settings.single_wrap = "data"
    for path in (f"/account/{ANA}", f"/client/{PRICE}", f"/plans/{PLAN}"):
        assert "uuid" in (await plannr.get(path)).json()["data"]


# --- clients ---


async def test_clients_are_accounts(plannr: httpx.AsyncClient) -> None:
    """The deprecated routes show the same ids, and nobody else's."""
    assert await _names(plannr, "/client") == ["Owen Price", "Zoë Ångström"]
    assert (await plannr.get(f"/client/{PRICE}")).json() == (await plannr.get(f"/account/{PRICE}")).json()
    other = await plannr.get(f"/client/{ANA}")
    assert (other.status_code, other.json()["message"]) == (
        404,
        f"No query results for model [App\\Models\\Client] {ANA}",
    )
    assert await _names(plannr, "/client-status") == ["Active"]


# --- columns of tasks ---


async def test_a_status_of_ones_own(plannr: httpx.AsyncClient) -> None:
    """A new column has no flags, and its place is at the end; tasks can go there."""
    made = await plannr.post("/task-status", json={"name": "Waiting", "colour": "#ff0000", "position": 1})
    status = made.json()
    assert (made.status_code, status["colour"], status["position"]) == (201, "#ff0000", 5)
    assert not any(status[flag] for flag in ("is_not_started", "is_type_completed", "is_archived"))
    task = {"name": "x", "taskable_type": "client", "taskable_uuid": PRICE, "task_status_uuid": status["uuid"]}
    assert (await plannr.post("/task", json=task)).json()["status"]["name"] == "Waiting"
    assert (await plannr.post("/task-status", json={})).json()["errors"] == {"name": ["The name field is required."]}


async def test_statuses_keep_their_order_until_asked(plannr: httpx.AsyncClient) -> None:
    """Moving a column changes only the order by position. A change is answered with 201, odd as that is."""
    moved = await plannr.put(f"/task-status/{TO_DO}", json={"position": 9, "name": "Not yet"})
    assert (moved.status_code, moved.json()["is_not_started"]) == (201, True)
    assert (await _names(plannr, "/task-status"))[0] == "Not yet"
    assert (await _names(plannr, "/task-status", sort="position"))[-1] == "Not yet"
    assert (await plannr.put("/task-status/none", json={})).status_code == 404


async def test_a_completed_status_keeps_its_name(plannr: httpx.AsyncClient) -> None:
    """Of it only the position can be changed."""
    refused = await plannr.put(f"/task-status/{DONE}", json={"name": "Over", "position": 1})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["name"])
    assert (await plannr.put(f"/task-status/{DONE}", json={"position": 1})).json()["name"] == "Done"


# --- plans ---


async def test_plans(world: World, plannr: httpx.AsyncClient) -> None:
    """A plan belongs to a client, and knows its cases."""
    world.plannr.shelf("plan").add(name="Ångström ISA", links={"contact": "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"})
    assert await _names(plannr, "/plans") == ["Price SIPP", "Ångström ISA"]
    plan = (await plannr.get(f"/plans/{PLAN}")).json()
    assert (plan["client"]["uuid"], plan["is_deleting"], plan["policy_number"]) == (PRICE, False, "SIPP-20417")
    assert [case["name"] for case in plan["cases"]] == ["Price pension transfer"]
    assert (await plannr.get("/plans/none")).status_code == 404


async def test_a_plan_goes_slowly(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """Deleted it stays in sight for a while, cannot be deleted again, and then leaves its task without a link."""
    task = world.plannr.add(title="x", links={"plan": PLAN})
    assert (await plannr.delete(f"/plans/{PLAN}")).status_code == 204
    assert (await plannr.get(f"/plans/{PLAN}")).json()["is_deleting"] is True
    assert (await plannr.delete(f"/plans/{PLAN}")).status_code == 409
    clock.forward(seconds=60)
    assert (await plannr.get(f"/plans/{PLAN}")).status_code == 404
    assert await _names(plannr, "/plans") == []
    linked = (await plannr.get(f"/task/{task}")).json()
    assert (linked["taskable_type"], linked["taskable"]) == ("plan", None)


async def test_rights_go_for_columns_and_plans(world: World, plannr: httpx.AsyncClient) -> None:
    """A login that may not write or delete may do neither here."""
    world.plannr.settings.change({"has_write_permission": False, "has_delete_permission": False})
    for method, path in (("POST", "/task-status"), ("PUT", f"/task-status/{DOING}"), ("DELETE", f"/plans/{PLAN}")):
        assert (await plannr.request(method, path, json={})).status_code == 403
