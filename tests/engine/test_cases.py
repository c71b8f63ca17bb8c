"""Cases, the second kind of record, and the tasks that hang on them."""

from __future__ import annotations

from typing import Any

import pytest
from firm import Firm

from tasksync.core.record import CASE, TASK
from tasksync.ports import Decision, HoldReason
from tasksync.sandbox.company import move_in

CRMS = ("onlyoffice", "capsule", "plannr")
ESTATE = "Keller estate plan"


@pytest.fixture
async def company(firm: Firm) -> Firm:
    """The company with its customers, cases and tasks, all of them kept in step."""
    firm.kinds = (CASE, TASK)
    for crm in firm.crms.values():
        move_in(crm)
    await firm.sync()
    report = await firm.sync()
    assert [member.error for member in report.members] == [None] * 3
    firm.forget_requests()
    return firm


def cases(firm: Firm, crm: str) -> dict[str, dict[str, Any]]:
    """By title; fails for two of one title."""
    found = firm.crms[crm].shelf("case").all()
    by_title = {one["title"]: one for one in found}
    assert len(by_title) == len(found)
    return by_title


async def quiet(firm: Firm) -> None:
    """Nothing is left to write."""
    firm.forget_requests()
    await firm.sync()
    assert firm.writes() == []


async def test_cases_that_are_alike_are_one(company: Firm) -> None:
    """At the first meeting, cases of one title and state are taken for the same, and nothing moves any more."""
    assert all(ESTATE in cases(company, crm) for crm in CRMS)
    await quiet(company)


async def test_a_case_that_one_crm_lacks_is_created_with_its_customer(company: Firm) -> None:
    """Plannr gets the case that the others have, with the client who is its member there."""
    title = "Oakfield auto-enrolment"
    found = cases(company, "plannr")[title]
    (member,) = found["members"]
    assert company.world.plannr.shelf("contact").one(member)["name"] == "Oakfield Bakery"


async def test_a_case_whose_customer_is_not_certain_is_held(company: Firm) -> None:
    """A case of one of two John Smiths cannot be created where every case needs a customer: a person is asked."""
    assert "Smith probate" not in cases(company, "capsule")
    held = {(hold.connection, hold.reason, hold.kind) for hold in company.holds()}
    assert ("capsule", HoldReason.DEFAULT_NEEDED, "case") in held


@pytest.mark.parametrize("crm", CRMS)
async def test_a_case_renamed_in_one_crm_is_so_in_the_others(company: Firm, crm: str) -> None:
    """The new title arrives, and nothing else of the case changes."""
    before = {other: cases(company, other)[ESTATE] for other in CRMS}
    company.clock.tick(seconds=5)
    company.crms[crm].shelf("case").edit(before[crm]["id"], title="Keller estate plan 2026")
    await company.sync()
    for other in CRMS:
        after = cases(company, other)["Keller estate plan 2026"]
        assert {**after, "title": ESTATE, "modified": None} == {**before[other], "modified": None}
    await quiet(company)


@pytest.mark.parametrize("crm", CRMS)
async def test_a_case_closed_in_one_crm_is_so_in_the_others(company: Firm, crm: str) -> None:
    """Closed here, closed there; and reopened the same way."""
    id_ = cases(company, crm)[ESTATE]["id"]
    for closed in (True, False):
        company.clock.tick(seconds=5)
        company.crms[crm].shelf("case").edit(id_, done=closed)
        await company.sync()
        assert [cases(company, other)[ESTATE]["done"] for other in CRMS] == [closed] * 3
        await quiet(company)


async def test_a_task_hangs_on_the_replica_of_its_case(company: Firm) -> None:
    """A task of a case in ONLYOFFICE is one of the same case in the other CRMs."""
    title = "Draft the Keller letter of wishes"
    linked = {crm: one["case"] for crm, one in company.everywhere(title, "links").items()}
    assert linked == {crm: cases(company, crm)[ESTATE]["id"] for crm in CRMS}


async def test_a_deleted_case_takes_no_task_along_unasked(company: Firm) -> None:
    """CRMs delete the tasks of a case along with it: a case deleted in one CRM goes from the others, and its tasks with
    it, only once a person has said so.
    """
    company.world.plannr.shelf("case").remove(cases(company, "plannr")[ESTATE]["id"])
    report = await company.sync()
    assert report.exit_code == 4
    assert all(ESTATE in cases(company, crm) for crm in ("onlyoffice", "capsule"))
    assert "Draft the Keller letter of wishes" in company.titles("onlyoffice")

    (hold,) = [one for one in company.holds() if one.reason is HoldReason.DELETIONS]
    with company.mirror.begin() as unit:
        unit.decide([hold.id or 0], Decision.APPROVED)
    await company.sync()
    assert not any(ESTATE in cases(company, crm) for crm in CRMS)


async def test_cases_that_are_not_kept_in_step_any_more_are_no_matter(company: Firm) -> None:
    """What waits or is held of cases counts no more once only tasks are kept in step."""
    assert (await company.sync()).exit_code == 4
    company.kinds = (TASK,)
    assert (await company.sync()).exit_code == 0


async def test_cases_are_left_alone_unless_asked_for(firm: Firm) -> None:
    """By default tasks are kept in step, and no case is read or written."""
    for crm in firm.crms.values():
        move_in(crm)
    await firm.sync()
    assert "Oakfield auto-enrolment" not in cases(firm, "plannr")
