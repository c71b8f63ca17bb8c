"""What the client asks of Plannr's accounts and of what tasks hang on, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tasksync.connectors.plannr.client import PlannrClient
from tasksync.connectors.plannr.references import Linked
from tasksync.errors import Misconnected, NeedsLogin, RetryLater, ServerFault
from tasksync.sandbox.plannr import Plannr

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"
NOBODY = "00000000-0000-4000-8000-000000000000"


def names(found: list[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in found]


async def test_everybody_who_works_for_the_firm(client: PlannrClient, crm: Plannr) -> None:
    """Employees and nobody else, who has left included, and with the address that will stay."""
    crm.shelf("person").edit(BEN, active=False)
    crm.settings.deprecated_email = "absent"
    found = await client.employees()
    assert names(found) == ["Ana Reid", "Ben Osei"]
    assert [one["primary_email"]["value"] for one in found] == ["sandbox@example.org", "ben.osei@example.org"]
    assert [one["inactive_at"] is None for one in found] == [True, False]


async def test_more_employees_than_a_page_holds(client: PlannrClient, crm: Plannr) -> None:
    """All pages are read."""
    for number in range(500):
        crm.shelf("person").add(name=f"Person {number}")
    assert len({one["uuid"] for one in await client.employees()}) == 502
    assert len(crm.requests) == 2


@pytest.mark.parametrize(
    ("by", "text", "expected"),
    [
        ("name", "OWEN price", ["Owen Price"]),
        ("name", "zoë", ["Zoë Ångström"]),
        ("name", "Reid", []),
        ("name", "", []),
        ("name", " , ", []),
        ("primary_email", "zoe@example.org", ["Zoë Ångström"]),
        ("primary_email", "sandbox@example.org", []),
    ],
)
async def test_finding_clients(client: PlannrClient, by: Any, text: str, expected: list[str]) -> None:
    """By name or address; an employee is no client, and nothing finds nobody."""
    assert names(await client.find_clients(by, text)) == expected


@pytest.mark.parametrize("text", ["Hart-Lowe & Sons", "Sons, Hart-Lowe", " , Hart-Lowe of York"])
async def test_finding_a_client_by_several_words(client: PlannrClient, crm: Plannr, text: str) -> None:
    """By the longest of them, which may find more: a comma separates values, and where a whole name is looked for is
    unknown.
    """
    for name in ("Hart-Lowe & Sons", "Hart-Lowe", "Sons"):
        crm.shelf("contact").add(name=name, company=True)
    assert names(await client.find_clients("name", text)) == ["Hart-Lowe & Sons", "Hart-Lowe"]


async def test_more_clients_than_a_search_looks_through(client: PlannrClient, crm: Plannr) -> None:
    """That one of them is the only one of its name could not be told."""
    for number in range(2001):
        crm.shelf("contact").add(name=f"Ann Li {number}")
    with pytest.raises(RetryLater, match=r"More than 2000 .* search for a contact"):
        await client.find_clients("name", "Li Ann")
    assert len(crm.requests) == 1


@pytest.mark.parametrize(
    ("kind", "uuid", "name"),
    [
        ("client", PRICE, "Owen Price"),
        ("employee", ANA, "Ana Reid"),
        ("case", TRANSFER, "Price pension transfer"),
        ("plan", PLAN, "Price SIPP"),
    ],
)
@pytest.mark.parametrize("setting", ["works", "ignored", "refused"])
async def test_looking_up_what_a_task_hangs_on(
    client: PlannrClient, crm: Plannr, kind: Linked, uuid: str, name: str, setting: str
) -> None:
    """Each by its type, whatever becomes of includes; None for what is not there, or not for this account to see."""
    crm.settings.change({"single_include": setting})
    found = await client.look_up(kind, uuid)
    assert found is not None
    assert found["name"] == name
    assert await client.look_up(kind, NOBODY) is None
    crm.faults.add("status", method="GET", status=403)
    assert await client.look_up(kind, uuid) is None


async def test_an_account_has_its_address(client: PlannrClient) -> None:
    """A client's as well as an employee's."""
    for kind, uuid in (("client", PRICE), ("employee", ANA)):
        found = await client.look_up(kind, uuid)  # type: ignore[arg-type]  # both are kinds
        assert found is not None
        assert found["primary_email"]["type"] == "email"


async def test_what_says_nothing_of_an_account(client: PlannrClient, crm: Plannr) -> None:
    """A page of HTML, a wrong token and a wrong path are errors, and not somebody who is not there."""
    crm.faults.add("html", times=None)
    with pytest.raises(ServerFault):
        await client.look_up("client", PRICE)
    crm.faults.clear()
    crm.faults.add("status", status=401)
    with pytest.raises(NeedsLogin):
        await client.look_up("client", PRICE)
    crm.faults.add("status", status=404)
    with pytest.raises(Misconnected):
        await client.employees()


async def test_the_columns_of_tasks(client: PlannrClient, crm: Plannr) -> None:
    """Those of a user's own are among them."""
    crm.shelf("status").add(name="Waiting")
    assert names(await client.statuses())[-1] == "Waiting"
