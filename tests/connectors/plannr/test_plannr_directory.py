"""Who works for the firm, and which client, case or plan something is: payloads, and over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from account_site import Site

from tasksync.connectors.plannr import directory_mapping
from tasksync.connectors.plannr.payload import NotUnderstood
from tasksync.core.directory import Referent
from tasksync.errors import NeedsLogin, Refused, RetryLater, ServerFault
from tasksync.ports import Connector
from tasksync.sandbox.plannr import Plannr

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def hills(hill: Site) -> Connector:
    """Open, and the requests of that forgotten."""
    connector = hill.connect(name="hill")
    await connector.open()
    hill.crm.requests.clear()
    return connector


def contact(uuid: str) -> str:
    return f"hill:contact:{uuid}"


# --- payloads ---


@pytest.mark.parametrize(
    ("account", "emails"),
    [
        ({"primary_email": {"value": "ana@hill.example"}, "email": "old@hill.example"}, ("ana@hill.example",)),
        ({"primary_email": "ana@hill.example"}, ("ana@hill.example",)),
        ({"primary_email": None, "email": "old@hill.example"}, ("old@hill.example",)),
        ({"email": "old@hill.example"}, ("old@hill.example",)),
        ({"primary_email": {"value": None}, "email": None}, ()),
        ({}, ()),
    ],
)
def test_the_address_of_an_account(account: dict[str, Any], emails: tuple[str, ...]) -> None:
    """The primary one; the deprecated member stands in for it."""
    (person,) = directory_mapping.staff([{"uuid": ANA, "name": "Ana\nReid ", **account}], "hill")
    assert person == Referent(reference=f"hill:person:{ANA}", name="Ana Reid", emails=emails)


def test_who_has_left_is_nobody_to_assign_to() -> None:
    """An account with a day on which it became inactive is left out."""
    accounts = [{"uuid": ANA, "inactive_at": None}, {"uuid": BEN, "inactive_at": "2026-01-31"}]
    assert [one.reference for one in directory_mapping.staff(accounts, "hill")] == [f"hill:person:{ANA}"]


@pytest.mark.parametrize("accounts", [["x"], [{}], [{"uuid": None}]])
def test_an_account_that_is_none(accounts: list[Any]) -> None:
    """Nobody is left out because we cannot read who it is."""
    with pytest.raises(NotUnderstood):
        directory_mapping.staff(accounts, "hill")


@pytest.mark.parametrize(("clients", "parent"), [([PRICE], contact(PRICE)), ([PRICE, ZOE], None)])
def test_a_case_belongs_to_its_only_client(clients: list[str], parent: str | None) -> None:
    """With several it is about none of them in particular."""
    participants = [{"uuid": uuid, "type": "client"} for uuid in clients] + [{"uuid": ANA, "type": "employee"}]
    case = {"uuid": TRANSFER, "name": "Transfer", "participants": participants}
    found = directory_mapping.describe(case, "case", "hill")
    assert found == Referent(reference=f"hill:case:{TRANSFER}", name="Transfer", parent=parent)


# --- people ---


async def test_people_are_the_employees(hills: Connector, crm: Plannr) -> None:
    """With their addresses, and without those who have left."""
    away = crm.shelf("person").add(name="Eve Ash", email="eve@example.org")
    crm.shelf("person").edit(away, active=False)
    assert {(one.reference, one.name, one.emails) for one in await hills.people()} == {
        (f"hill:person:{ANA}", "Ana Reid", ("sandbox@example.org",)),
        (f"hill:person:{BEN}", "Ben Osei", ("ben.osei@example.org",)),
    }


async def test_a_list_of_people_that_is_none(connector: Connector, script: Any) -> None:
    """A person who cannot be told is a fault, and no smaller list."""
    script.on_pages("/api/v1/account", [{"uuid": ANA}, {"uuid": {"example": BEN}}])
    with pytest.raises(ServerFault, match="employees cannot be understood"):
        await connector.people()


# --- looking up ---


@pytest.mark.parametrize(
    ("reference", "name", "emails", "parent"),
    [
        (contact(PRICE), "Owen Price", ("owen.price@example.org",), None),
        (f"hill:employee:{ANA}", "Ana Reid", ("sandbox@example.org",), None),
        (f"hill:case:{TRANSFER}", "Price pension transfer", (), contact(PRICE)),
        (f"hill:plan:{PLAN}", "Price SIPP", (), None),
    ],
)
@pytest.mark.parametrize("setting", ["works", "refused"])
async def test_looking_up(
    hills: Connector, crm: Plannr, reference: str, name: str, emails: tuple[str, ...], parent: str | None, setting: str
) -> None:
    """Each type that a task can hang on, by its own id."""
    crm.settings.change({"single_include": setting})
    expected = Referent(reference=reference, name=name, emails=emails, parent=parent)
    if setting == "works":
        assert await hills.look_up(reference) == expected
    else:
        found = await hills.look_up(reference)
        assert found is not None
        assert (found.name, found.parent) == (name, parent)


@pytest.mark.parametrize("reference", [f"hill:person:{ANA}", f"hill:opportunity:{PLAN}", "hill:contact:12"])
async def test_what_plannr_cannot_look_up(hills: Connector, crm: Plannr, reference: str) -> None:
    """Types that it does not have, people, and ids that are none: nothing is asked."""
    assert await hills.look_up(reference) is None
    assert crm.requests == []


async def test_what_is_not_there_to_look_up(hills: Connector, crm: Plannr) -> None:
    """Unknown, or not for this account to see."""
    assert await hills.look_up(contact(NOBODY)) is None
    crm.faults.add("status", method="GET", status=403)
    assert await hills.look_up(contact(PRICE)) is None


async def test_references_of_others_are_not_looked_up(hills: Connector) -> None:
    """That is a mistake of the program."""
    with pytest.raises(ValueError, match="not of connection hill"):
        await hills.look_up(f"office:contact:{PRICE}")


@pytest.mark.parametrize("answer", [{"uuid": ZOE, "name": "Zoe"}, {"name": "x"}, {"uuid": 7}])
async def test_an_answer_about_somebody_else(connector: Connector, script: Any, answer: dict[str, Any]) -> None:
    """It is never taken for the one that was asked about."""
    script.on("GET", f"/api/v1/account/{PRICE}", 200, answer)
    with pytest.raises(ServerFault):
        await connector.look_up(f"advisers:contact:{PRICE}")


# --- finding ---


def wanted(type_: str = "contact", name: str = "", *emails: str, parent: str | None = None) -> Referent:
    return Referent(reference=f"office:{type_}:1", name=name, emails=emails, parent=parent)


async def found(connector: Connector, one: Referent) -> list[str]:
    return sorted(one.reference for one in await connector.find(one))


async def test_finding_a_client_by_address_and_by_name(hills: Connector, crm: Plannr) -> None:
    """All who have one of the addresses or the name, in any case, each once; those who merely contain them are none."""
    namesake = crm.shelf("contact").add(name="owen PRICE", email="other@example.org")
    crm.shelf("contact").add(name="Owen Pricey", email="howen.price@example.org")
    assert await found(hills, wanted("contact", "", "OWEN.PRICE@example.org")) == [contact(PRICE)]
    both = sorted([contact(PRICE), contact(namesake)])
    assert await found(hills, wanted("contact", "Owen  Price", "zoe@example.net", "owen.price@example.org")) == both
    assert await found(hills, wanted("contact", "Owen")) == []
    assert await found(hills, wanted("contact")) == []


async def test_an_employee_is_no_contact(hills: Connector) -> None:
    """Though both are accounts."""
    assert await found(hills, wanted("contact", "Ana Reid", "sandbox@example.org")) == []
    assert await found(hills, wanted("person", "Ana Reid")) == [f"hill:person:{ANA}"]
    assert await found(hills, wanted("person", "x", "Ben.Osei@example.org")) == [f"hill:person:{BEN}"]


async def test_finding_a_case(hills: Connector, crm: Plannr) -> None:
    """By its name, among all, or in the client that it belongs to."""
    hers = crm.shelf("case").add(title="Price pension transfer", members=[ZOE])
    crm.shelf("case").add(title="Will", members=[ZOE])
    both = sorted([f"hill:case:{hers}", f"hill:case:{TRANSFER}"])
    assert await found(hills, wanted("case", "price pension TRANSFER")) == both
    elsewhere = wanted("case", "Price pension transfer", parent="office:contact:17")
    assert await found(hills, elsewhere) == both
    within = wanted("case", "Price pension transfer", parent=contact(ZOE))
    assert await found(hills, within) == [f"hill:case:{hers}"]
    (one,) = await hills.find(within)
    assert one.parent == contact(ZOE)


async def test_cases_of_nobody(hills: Connector, crm: Plannr) -> None:
    """Who is no client has none; that they cannot be asked for is another matter."""
    assert await found(hills, wanted("case", "x", parent=contact(NOBODY))) == []
    crm.faults.add("status", path="/cases", status=422)
    with pytest.raises(Refused):
        await found(hills, wanted("case", "x", parent=contact(ZOE)))
    crm.faults.add("status", path="/cases", status=403)
    with pytest.raises(NeedsLogin):
        await found(hills, wanted("case", "x", parent=contact(ZOE)))


@pytest.mark.parametrize(
    "one", [wanted("plan", "Price SIPP"), wanted("opportunity", "x"), wanted("case"), wanted("employee", "Ana Reid")]
)
async def test_what_plannr_does_not_look_for(hills: Connector, crm: Plannr, one: Referent) -> None:
    """Types that it does not have, or that correspond to nothing, and cases without a name."""
    assert await found(hills, one) == []
    assert crm.requests == []


async def test_too_many_to_tell(hills: Connector, crm: Plannr) -> None:
    """It is another time's search, not one that found nothing: whether there are others of that name is not known."""
    for number in range(2001):
        crm.shelf("contact").add(name=f"Li {number}")
    with pytest.raises(RetryLater, match="too many"):
        await hills.find(wanted("contact", "Li"))


async def test_somebody_found_who_cannot_be_told(connector: Connector, script: Any) -> None:
    """A fault, and nobody who is not there."""
    script.on_pages("/api/v1/account", [{"uuid": None, "name": "Owen Price"}])
    with pytest.raises(ServerFault, match="cannot be understood"):
        await connector.find(wanted("contact", "Owen Price"))
