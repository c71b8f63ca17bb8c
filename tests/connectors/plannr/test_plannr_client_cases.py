"""What the client asks of Plannr's cases, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from account_site import Site

from tasksync.connectors.plannr.case_client import CaseClient
from tasksync.connectors.plannr.session import Session
from tasksync.errors import AnswerLost, Misconnected, NeedsLogin, Refused, RetryLater, ServerFault, Vanished
from tasksync.sandbox.plannr import Plannr

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"
NOBODY = "00000000-0000-4000-8000-000000000000"
SUMMER = datetime(2026, 7, 1, 8, 30, 15, 250_000, tzinfo=UTC)


def members(case: dict[str, Any] | None) -> list[str]:
    assert case is not None
    return [one["uuid"] for one in case["participants"]]


# --- listing ---


async def test_cases_come_page_by_page(case_client: CaseClient, crm: Plannr) -> None:
    """All of them, the oldest first, each with its people, status, type and plans."""
    for number in range(500):
        crm.shelf("case").add(title=f"Case {500 - number}")
    pages = [[case["name"] for case in page] async for page in case_client.cases()]
    assert [len(page) for page in pages] == [500, 1]
    assert (pages[0][:2], pages[1]) == (["Price pension transfer", "Case 500"], ["Case 1"])
    assert len(crm.requests) == 2
    first = await anext(case_client.cases())
    assert {"participants", "status", "type", "plans"} <= set(first[0])


async def test_a_case_renamed_while_paging_is_not_lost(case_client: CaseClient, crm: Plannr) -> None:
    """By name, which is Plannr's own order, it would move to a page that was read already."""
    ids = [crm.shelf("case").add(title=f"Case {number:03}") for number in range(500)]
    seen: set[str] = set()
    async for page in case_client.cases():
        seen |= {case["uuid"] for case in page}
        crm.shelf("case").edit(ids[-1], title="A case")
    assert seen == {*ids, TRANSFER}
    assert len(crm.requests) == 2


async def test_a_case_deleted_while_paging_makes_it_read_again(case_client: CaseClient, crm: Plannr) -> None:
    """Another one may have moved to a page that was read already."""
    ids = [crm.shelf("case").add(title=f"Case {number:03}") for number in range(500)]
    seen: set[str] = set()
    async for page in case_client.cases():
        seen |= {case["uuid"] for case in page}
        if ids[0] in {row.uuid for row in crm.case_rows()}:
            crm.shelf("case").remove(ids[0])
    assert seen == {*ids, TRANSFER}


async def test_a_listing_of_another_program(case_client: CaseClient, crm: Plannr) -> None:
    """A list that cannot be asked for is no empty list."""
    crm.faults.add("status", path="/cases", status=404)
    with pytest.raises(Misconnected, match="Check the connection's url"):
        await anext(case_client.cases())


async def test_cases_to_search_in(case_client: CaseClient, crm: Plannr) -> None:
    """All of them, unless there are more than a search looks through."""
    for number in range(1999):
        crm.shelf("case").add(title=f"Case {number}")
    assert len(await case_client.first_cases()) == 2000
    crm.shelf("case").add(title="One more")
    crm.requests.clear()
    with pytest.raises(RetryLater, match=r"More than 2000 .* search for a case.*`links`"):
        await case_client.first_cases()
    assert len(crm.requests) == 1


async def test_the_cases_of_a_client(case_client: CaseClient, crm: Plannr) -> None:
    """Those in which the client takes part; somebody else is refused."""
    hers = crm.shelf("case").add(title="Will", members=[ZOE, PRICE])
    assert [case["uuid"] for case in await case_client.cases_of(PRICE)] == [TRANSFER, hers]
    assert [members(case) for case in await case_client.cases_of(ZOE)] == [[ZOE, PRICE]]
    with pytest.raises(Refused) as caught:
        await case_client.cases_of(ANA)
    assert caught.value.status == 404


# --- one case ---


@pytest.mark.parametrize("wrap", ["bare", "data"])
async def test_one_case(case_client: CaseClient, crm: Plannr, wrap: str) -> None:
    """With its people and plans, bare or wrapped; None if there is none."""
    crm.settings.change({"single_wrap": wrap})
    case = await case_client.case(TRANSFER)
    assert case is not None
    assert (case["name"], members(case), [plan["uuid"] for plan in case["plans"]]) == (
        "Price pension transfer",
        [PRICE],
        [PLAN],
    )
    assert await case_client.case(NOBODY) is None


@pytest.mark.parametrize(("setting", "requests"), [("works", 1), ("ignored", 2), ("refused", 3)])
async def test_one_case_of_a_plannr_that_includes_nothing_in_it(
    case_client: CaseClient, crm: Plannr, setting: str, requests: int
) -> None:
    """A list of one shows who is in it, where the case alone does not."""
    crm.settings.change({"single_include": setting})
    crm.shelf("case").add(title="Another", members=[ZOE])
    assert members(await case_client.case(TRANSFER)) == [PRICE]
    assert len(crm.requests) == requests


async def test_a_case_that_is_in_no_list(case_client: CaseClient, crm: Plannr) -> None:
    """Then what was read alone is all that is known of it."""
    alone = {"uuid": NOBODY, "name": "Will"}
    assert await case_client.whole(alone) == alone


async def test_what_does_not_say_that_a_case_is_gone(case_client: CaseClient, crm: Plannr) -> None:
    """Neither a proxy's page nor lacking rights nor a fault does."""
    crm.faults.add("html", path="/cases/", times=None)
    with pytest.raises(ServerFault):
        await case_client.case(TRANSFER)
    crm.faults.clear()
    crm.faults.add("status", path="/cases/", status=403)
    with pytest.raises(NeedsLogin):
        await case_client.case(TRANSFER)


# --- writing ---


async def test_creating_a_case(case_client: CaseClient, crm: Plannr) -> None:
    """A name and a client are enough, and the answer is the case."""
    body = {"name": "Annual review", "participants": [ZOE], "assigned_to_uuids": [BEN]}
    made = await case_client.create_case(body)
    case = crm.shelf("case").one(made["uuid"])
    assert (case["title"], case["members"], case["assignees"], case["done"]) == ("Annual review", [ZOE], [BEN], False)


async def test_a_case_without_a_client_is_refused(case_client: CaseClient) -> None:
    """In Plannr's own words, with the field that is wrong."""
    with pytest.raises(Refused, match=r"participants: .*at least one client") as caught:
        await case_client.create_case({"name": "x", "participants": [ANA]})
    assert caught.value.status == 422


@pytest.mark.parametrize(("fault", "made"), [("lose_after", 1), ("cut", 1), ("lose_before", 0)])
async def test_a_create_whose_answer_was_lost(case_client: CaseClient, crm: Plannr, fault: str, made: int) -> None:
    """It is not sent again, whether it was carried out or not."""
    crm.faults.add(fault, method="POST", path="/cases$")
    with pytest.raises(AnswerLost):
        await case_client.create_case({"name": "x", "participants": [PRICE]})
    assert [case["title"] for case in crm.shelf("case").all()].count("x") == made
    assert len(crm.requests) == 1


async def test_an_update_leaves_the_rest(case_client: CaseClient, crm: Plannr) -> None:
    """Only what is named changes."""
    before = crm.shelf("case").one(TRANSFER)
    changed = await case_client.update_case(TRANSFER, {"name": "Transfer of the SIPP"})
    assert changed["name"] == "Transfer of the SIPP"
    after = crm.shelf("case").one(TRANSFER)
    assert {name for name in before if before[name] != after[name]} == {"title", "modified"}


@pytest.mark.parametrize("completion", ["linked", "apart"])
@pytest.mark.parametrize("offsets", ["keep", "convert"])
@pytest.mark.parametrize("moment", [SUMMER, SUMMER.replace(month=1)])
async def test_closing_and_reopening(
    case_client: CaseClient, crm: Plannr, completion: str, offsets: str, moment: datetime
) -> None:
    """The moment arrives as it was meant, in summer and winter, whatever Plannr makes of its offset."""
    crm.settings.change({"case_completion": completion, "offset_input": offsets})
    closed = await case_client.close_case(TRANSFER, moment)
    assert datetime.fromisoformat(closed["completed_at"]) == moment.replace(microsecond=0)
    assert crm.shelf("case").one(TRANSFER)["done"] is True
    assert (await case_client.reopen_case(TRANSFER))["completed_at"] is None
    assert crm.shelf("case").one(TRANSFER)["done"] is False


async def test_a_naive_moment_is_no_completion(case_client: CaseClient, crm: Plannr) -> None:
    """Its zone would be a guess; nothing is sent."""
    with pytest.raises(ValueError, match="no zone"):
        await case_client.close_case(TRANSFER, SUMMER.replace(tzinfo=None))
    assert crm.requests == []


async def test_the_time_is_plannrs(case_client: CaseClient, crm: Plannr, script: Any) -> None:
    """By the answer that came last; without its word a case cannot be closed."""
    crm.settings.change({"clock_offset_s": 3600})
    await case_client.case(TRANSFER)
    assert case_client.now() == crm.stamp()
    silent = CaseClient(Session(script))
    with pytest.raises(ServerFault, match="what time it is"):
        silent.now()


async def test_changes_of_a_case_that_is_gone(case_client: CaseClient, crm: Plannr) -> None:
    """Each says so; deleting it again is a success."""
    crm.shelf("case").remove(TRANSFER)
    with pytest.raises(Vanished, match="this case"):
        await case_client.update_case(TRANSFER, {"name": "x"})
    with pytest.raises(Vanished):
        await case_client.close_case(TRANSFER, SUMMER)
    with pytest.raises(Vanished):
        await case_client.change_participants(TRANSFER, "add", [ZOE])
    await case_client.delete_case(TRANSFER)


async def test_deleting_a_case(case_client: CaseClient, crm: Plannr) -> None:
    """It is gone, or the CRM says in its own words that it deletes none: that is this record's business alone."""
    crm.settings.case_delete = "missing"
    with pytest.raises(Refused, match="DELETE method is not supported") as caught:
        await case_client.delete_case(TRANSFER)
    assert caught.value.status == 405
    crm.settings.change({"case_delete": "works", "delete_status": 200})
    await case_client.delete_case(TRANSFER)
    assert crm.shelf("case").all() == []


async def test_participants_come_and_go(case_client: CaseClient, crm: Plannr) -> None:
    """Adding twice changes nothing, and the last client cannot go."""
    for _ in range(2):
        await case_client.change_participants(TRANSFER, "add", [ZOE])
    assert members(await case_client.case(TRANSFER)) == [PRICE, ZOE]
    await case_client.change_participants(TRANSFER, "remove", [PRICE])
    assert members(await case_client.case(TRANSFER)) == [ZOE]
    with pytest.raises(Refused, match="at least one client"):
        await case_client.change_participants(TRANSFER, "remove", [ZOE])


async def test_a_login_that_may_not_write(case_client: CaseClient, crm: Plannr, hill: Site) -> None:
    """It needs another one, and nothing changes."""
    crm.settings.change({"has_write_permission": False})
    for request in (
        case_client.create_case({}),
        case_client.update_case(TRANSFER, {}),
        case_client.reopen_case(TRANSFER),
    ):
        with pytest.raises(NeedsLogin):
            await request
    assert hill.crm.shelf("case").one(TRANSFER)["title"] == "Price pension transfer"
