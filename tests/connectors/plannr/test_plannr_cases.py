"""Cases of a Plannr connection, over HTTP: read, created, changed, closed, reopened, deleted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest
from account_site import Site

from tasksync.core.record import CASE, Observation, Value, Values
from tasksync.errors import AnswerLost, DefaultNeeded, Refused, RetryLater, ServerFault, Vanished
from tasksync.ports import Connector
from tasksync.sandbox.plannr import Plannr

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
NOBODY = "00000000-0000-4000-8000-000000000000"
NOW = datetime(2026, 3, 10, tzinfo=UTC)
# Whether a single case shows who is in it.
EACH_INCLUDE = pytest.mark.parametrize("setting", ["works", "ignored", "refused"])


@pytest.fixture
async def hills(hill: Site) -> Connector:
    connector = hill.connect(name="hill")
    await connector.open()
    hill.crm.requests.clear()
    return connector


def members(*uuids: str) -> Value:
    return tuple(f"hill:contact:{uuid}" for uuid in uuids)


async def read(connector: Connector, case_id: str = TRANSFER) -> Observation:
    found = await connector.read("case", case_id)
    assert found is not None
    return found


async def listed(connector: Connector) -> dict[str, Observation]:
    return {one.external_id: one.read() async for page in connector.poll("case") for one in page}


def row(crm: Plannr, case_id: str = TRANSFER) -> dict[str, Any]:
    """The case in the CRM's own database."""
    (found,) = [one for one in crm.case_rows() if one.uuid == case_id]
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def changed(crm: Plannr, before: dict[str, Any]) -> set[str]:
    return {name for name, value in row(crm).items() if value != before[name]} - {"updated"}


# --- reading ---


async def test_its_fields(hills: Connector) -> None:
    """A case needs a name and a client; the default link is one."""
    lenses = hills.lenses("case")
    assert set(lenses) == {field.name for field in CASE.fields}
    assert {name for name, lens in lenses.items() if lens.required} == {"title", "members"}
    assert hills.defaults("case", NOW) == {"members": members(PRICE)}


@pytest.mark.parametrize("type_", ["employee", "case", "plan"])
async def test_a_default_link_that_is_no_client(hill: Site, type_: str) -> None:
    """Nobody can be put into a case for it."""
    connector = hill.connect(options={"defaults": {"link": {"type": type_, "id": ANA}}})
    await connector.open()
    assert connector.defaults("case", NOW) == {}


@EACH_INCLUDE
async def test_a_listing_and_a_read_say_the_same(hills: Connector, crm: Plannr, setting: str) -> None:
    """What a person sees, whatever a single case shows by itself."""
    crm.settings.change({"single_include": setting})
    made = crm.shelf("case").add(title="Will", members=[ZOE, PRICE], done=True)
    seen = await listed(hills)
    assert seen[made] == await read(hills, made)
    assert seen[made].values == {"title": "Will", "closed": True, "members": members(PRICE, ZOE)}
    assert seen[TRANSFER].values == {"title": "Price pension transfer", "closed": False, "members": members(PRICE)}
    assert seen[made].completed == seen[made].created == seen[made].modified == crm.stamp()
    for one in seen.values():
        CASE.check(one.values)


async def test_a_case_that_is_not_there(hills: Connector) -> None:
    """It reads as None."""
    assert await hills.read("case", NOBODY) is None


async def test_a_listing_that_is_not_understood(connector: Connector, script: Any) -> None:
    """A case does not vanish because we cannot read it."""
    script.on_pages("/api/v1/cases", [{"uuid": TRANSFER, "name": None}])
    with pytest.raises(ServerFault, match=f"case {TRANSFER}: its name is missing"):
        await listed(connector)


async def test_an_answer_about_another_case(connector: Connector, script: Any) -> None:
    """It is never taken for the one that was asked for."""
    script.on("GET", f"/api/v1/cases/{TRANSFER}", 200, {"uuid": NOBODY, "name": "x", "participants": []})
    with pytest.raises(ServerFault, match=f"asked for {TRANSFER}"):
        await connector.read("case", TRANSFER)


# --- creating ---


@EACH_INCLUDE
@pytest.mark.parametrize("wrap", ["bare", "data"])
async def test_creating(hills: Connector, crm: Plannr, setting: str, wrap: str) -> None:
    """With name and clients; what is returned is what the CRM says of it ever after."""
    crm.settings.change({"single_include": setting, "single_wrap": wrap})
    made = await hills.create("case", {"title": "Will", "members": members(PRICE, ZOE)})
    shown = crm.shelf("case").one(made.external_id)
    assert (shown["title"], shown["members"], shown["done"]) == ("Will", [PRICE, ZOE], False)
    assert made == (await listed(hills))[made.external_id]
    assert made.values["members"] == members(PRICE, ZOE)
    assert [one.method for one in crm.requests if one.method == "POST"] == ["POST"]


@pytest.mark.parametrize("values", [{"title": "Will"}, {"title": "Will", "members": ()}])
async def test_creating_without_a_client(hills: Connector, crm: Plannr, values: Values) -> None:
    """Nothing is sent, and the message says what to configure."""
    with pytest.raises(DefaultNeeded, match=r"without a client.*Set defaults\.link"):
        await hills.create("case", values)
    assert crm.requests == []


async def test_creating_without_a_name(hills: Connector, crm: Plannr) -> None:
    """The CRM's own words say what is wrong."""
    with pytest.raises(Refused, match="name field is required"):
        await hills.create("case", {"members": members(PRICE)})
    assert len(crm.case_rows()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "status", "status": 403},
        {"do": "status", "status": 422},
        {"do": "status", "status": 500},
        {"do": "cut"},
    ],
)
async def test_a_case_that_was_created_and_cannot_be_read(hills: Connector, crm: Plannr, fault: dict[str, Any]) -> None:
    """It exists, and must not be created again: what is not known of it comes with the next poll."""
    crm.faults.add(method="GET", times=None, **fault)
    made = await hills.create("case", {"title": "Will", "members": members(ZOE)})
    assert made.values == {"title": "Will", "closed": False}
    assert crm.shelf("case").one(made.external_id)["members"] == [ZOE]


async def test_a_create_that_shows_who_is_in_the_case(connector: Connector, script: Any) -> None:
    """Then there is nothing left to ask for."""
    participants = [{"uuid": ZOE, "type": "client"}, {"uuid": ANA, "type": "employee"}]
    script.on("POST", "/api/v1/cases", 200, {"uuid": TRANSFER, "name": "Will", "participants": participants})
    made = await connector.create("case", {"title": "Will", "members": (f"advisers:contact:{ZOE}",)})
    assert made.values == {"title": "Will", "members": (f"advisers:contact:{ZOE}",)}
    assert len(script.sent) == 1


@pytest.mark.parametrize("answer", [b"", {"name": "x"}, {"uuid": TRANSFER, "name": None}])
async def test_an_answer_to_a_create_that_is_none(connector: Connector, script: Any, answer: Any) -> None:
    """The case may exist all the same."""
    script.on("POST", "/api/v1/cases", 200, answer)
    with pytest.raises(AnswerLost):
        await connector.create("case", {"title": "x", "members": members(PRICE)})


# --- changing ---


@EACH_INCLUDE
async def test_renaming(hills: Connector, crm: Plannr, setting: str) -> None:
    """In one request, and nothing else changes."""
    crm.settings.change({"single_include": setting})
    before, now = row(crm), await read(hills)
    crm.requests.clear()
    after = await hills.update("case", now, {"title": "Transfer of the SIPP"})
    assert after.values == {**now.values, "title": "Transfer of the SIPP"}
    assert changed(crm, before) == {"name"}
    assert [one.method for one in crm.requests] == ["PUT"]


@EACH_INCLUDE
async def test_other_clients_come_and_go(hills: Connector, crm: Plannr, hill: Site, setting: str) -> None:
    """The last one can be replaced, and who is no client stays: an employee who takes part is not ours to send away."""
    crm.settings.change({"single_include": setting})
    await hills.update("case", await read(hills), {"members": members(PRICE, ZOE)})
    assert row(crm)["participants"] == (PRICE, ZOE)
    crm.change_case(crm.case_rows()[0], {"participants": (ANA, PRICE, ZOE)})
    before = row(crm)
    after = await hills.update("case", await read(hills), {"title": "Will", "members": members(ZOE)})
    assert after.values == {"title": "Will", "closed": False, "members": members(ZOE)}
    assert after == await read(hills)
    assert row(crm)["participants"] == (ANA, ZOE)
    assert changed(crm, before) == {"name", "participants"}


@pytest.mark.parametrize("changes", [{}, {"members": members(PRICE)}])
async def test_an_update_with_nothing_new(hills: Connector, crm: Plannr, changes: Values) -> None:
    """Nothing is sent."""
    before = await read(hills)
    crm.requests.clear()
    assert await hills.update("case", before, changes) is before
    assert crm.requests == []


async def test_somebody_who_is_no_client_here(hills: Connector, crm: Plannr) -> None:
    """The config may name anybody: it is told in the CRM's words, and nobody is sent away."""
    with pytest.raises(Refused, match="invalid"):
        await hills.update("case", await read(hills), {"members": members(NOBODY)})
    assert row(crm)["participants"] == (PRICE,)


# --- closing and reopening ---


@EACH_INCLUDE
@pytest.mark.parametrize("completion", ["linked", "apart"])
async def test_closing_and_reopening(hills: Connector, crm: Plannr, hill: Site, setting: str, completion: str) -> None:
    """The time of completion comes and goes, by the CRM's own clock, and nothing of ours changes but the state."""
    crm.settings.change({"single_include": setting, "case_completion": completion, "clock_offset_s": 3600})
    before = await read(hills)
    hill.clock.tick(minutes=1)
    closed = await hills.complete("case", before)
    assert closed.values == {**before.values, "closed": True}
    assert closed == await read(hills)
    assert closed.completed == closed.modified == crm.stamp()
    assert crm.shelf("case").one(TRANSFER)["done"] is True
    again = await hills.reopen("case", closed)
    assert again.values == before.values
    assert again == await read(hills)
    assert again.completed is None


async def test_a_case_that_somebody_closed_meanwhile(hills: Connector, crm: Plannr, hill: Site) -> None:
    """It is a success, and the time of completion is theirs."""
    before = await read(hills)
    crm.shelf("case").edit(TRANSFER, done=True)
    theirs = row(crm)
    hill.clock.tick(minutes=1)
    assert (await hills.complete("case", before)).values["closed"] is True
    assert row(crm) == theirs


async def test_a_case_that_is_open_already(hills: Connector, crm: Plannr) -> None:
    """Nothing is sent; if that was not known, what is sent changes nothing."""
    before = await read(hills)
    crm.requests.clear()
    assert await hills.reopen("case", before) is before
    assert crm.requests == []
    crm.shelf("case").edit(TRANSFER, done=True)
    closed = await read(hills)
    crm.shelf("case").edit(TRANSFER, done=False)
    columns = row(crm)
    assert (await hills.reopen("case", closed)).values["closed"] is False
    assert changed(crm, columns) == set()


# --- gone ---

Change = Callable[[Connector, Observation], Coroutine[Any, Any, Observation]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda hills, one: hills.update("case", one, {"title": "x"}), id="rename"),
        pytest.param(lambda hills, one: hills.update("case", one, {"members": members(ZOE)}), id="members"),
        pytest.param(lambda hills, one: hills.complete("case", one), id="close"),
        pytest.param(lambda hills, one: hills.reopen("case", one), id="reopen"),
    ],
)
async def test_changes_of_a_case_that_is_gone(hills: Connector, crm: Plannr, change: Change) -> None:
    """Each says so, and brings nothing into being."""
    before = await read(hills)
    # Only one that is not open can be reopened.
    known = Observation(external_id=TRANSFER, values={**before.values, "closed": True}, payload=before.payload)
    crm.shelf("case").remove(TRANSFER)
    with pytest.raises(Vanished):
        await change(hills, known)
    assert crm.case_rows() == []


async def test_deleting(hills: Connector, crm: Plannr) -> None:
    """What is not there is a success; its tasks stay."""
    kept = crm.add(title="x", links={"case": TRANSFER})
    await hills.delete("case", TRANSFER)
    await hills.delete("case", TRANSFER)
    assert await hills.read("case", TRANSFER) is None
    assert [task["id"] for task in crm.tasks()] == [kept]


async def test_deleting_where_plannr_deletes_none(hills: Connector, crm: Plannr) -> None:
    """It is this case's business alone, and needs somebody to do it there."""
    crm.settings.change({"case_delete": "missing"})
    with pytest.raises(Refused, match="deletes no cases"):
        await hills.delete("case", TRANSFER)


async def test_a_lost_answer_to_a_change_is_tried_again_later(hills: Connector, crm: Plannr) -> None:
    """Each step of it can be repeated."""
    before = await read(hills)
    crm.faults.add("lose_after", method="POST", path="/participants")
    with pytest.raises(RetryLater):
        await hills.update("case", before, {"members": members(ZOE)})
    after = await hills.update("case", await read(hills), {"members": members(ZOE)})
    assert after.values["members"] == members(ZOE)
    assert row(crm)["participants"] == (ZOE,)
