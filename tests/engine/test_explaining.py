"""Why a record is as it is, told from the mirror alone; `tests/cli` has what a person sees of it."""

from __future__ import annotations

import pytest
from firm import Firm
from linkage import CREATES, context, look_alikes, mistaken, record_of, say_apart

from tasksync.engine.explaining import LATEST, Explanation, Standing, explain
from tasksync.errors import WrongUsage
from tasksync.ports import HoldReason, OperationState

CRMS = ("onlyoffice", "capsule", "plannr")


def explained(firm: Firm, reference: str) -> Explanation:
    with firm.mirror.begin() as unit:
        return explain(unit, reference, context(firm))


def standings(found: Explanation) -> dict[str, Standing]:
    return {place.connection: place.standing for place in found.places}


async def test_what_the_next_sync_has_to_work_out_is_said_to_wait(firm: Firm) -> None:
    """After an unlink nobody knows yet what each CRM has to get, and after the sync all are in step."""
    reference = await mistaken(firm)
    record = say_apart(firm, reference).left
    found = explained(firm, record.id)
    assert standings(found) == dict.fromkeys(CRMS, Standing.WAITING)
    assert {place.why for place in found.places} == {"The next sync works out what it has to get."}
    await firm.sync()
    assert standings(explained(firm, record.id)) == dict.fromkeys(CRMS, Standing.IN_STEP)


async def test_a_lost_create_is_told_and_what_it_may_have_made(met: Firm) -> None:
    """Sent and not answered: the next sync looks. Two tasks could be its result: held, with their ids."""
    plannr = met.crms["plannr"]
    plannr.faults.add("status", status=502, work=True, method="POST", path=CREATES)
    met.crms["capsule"].add(title="Send the offer", due="2026-03-25", category="Email")
    await met.sync()
    (lost,) = met.outbox()
    assert lost.state is OperationState.UNKNOWN
    found = explained(met, lost.operation.record_id)
    assert standings(found)["plannr"] is Standing.WAITING
    assert "its answer is not known" in found.places[2].why
    assert [queued.id for queued in found.queue] == [lost.id]

    plannr.faults.clear()
    plannr.add(title="Send the offer", due="2026-03-25")
    await met.sync()
    found = explained(met, lost.operation.record_id)
    made = {task["id"] for task in plannr.tasks() if task["title"] == "Send the offer"}
    assert (found.places[2].standing, set(found.places[2].candidates)) == (Standing.HELD, made)
    assert [hold.reason for hold in found.holds] == [HoldReason.DUPLICATE]


async def test_candidates_have_the_same_title(firm: Firm) -> None:
    """Of the tasks that are held in a CRM only those are named that may be this one."""
    for title in ("Ring Ann", "Ring Ann"):
        firm.crms["capsule"].add(title=title, due="2026-03-20", category="Call")
    firm.crms["onlyoffice"].add(title="Ring Ann", due="2026-03-20", category="Call")
    ours, *theirs = await look_alikes(firm)
    (place,) = [place for place in explained(firm, ours).places if place.connection == "capsule"]
    assert [f"capsule:{one}" for one in place.candidates] == theirs
    assert len(firm.holds()) == 6
    with pytest.raises(WrongUsage, match="belongs to no record yet"):
        explained(firm, theirs[0])


async def test_a_crm_that_has_not_joined_has_nothing_and_that_is_why(firm: Firm) -> None:
    """Its first listing failed: what it has is not known, so nothing is created there."""
    firm.crms["plannr"].faults.add("status", method="GET", path="/task", times=None, status=503)
    task = firm.crms["capsule"].add(title="Ring Bob", due="2026-03-20", category="Call")
    other = firm.crms["plannr"].add(title="Call Bob", due="2026-03-20")
    await firm.sync()
    found = explained(firm, f"capsule:{task}")
    assert standings(found)["plannr"] is Standing.NOT_MET
    with pytest.raises(WrongUsage, match="There is no record"):
        explained(firm, f"plannr:{other}")


async def test_only_the_latest_superseded_values_are_told(met: Firm) -> None:
    """The newest first, and no more than a few."""
    for number in range(LATEST + 2):
        met.edit("plannr", "Ring Bob", body=f"text {number}")
        await met.sync(only=["plannr"])
    found = explained(met, met.record("Ring Bob").id)
    assert [one.new for one in found.revisions] == [f"text {number}" for number in range(LATEST + 1, 1, -1)]
    assert found.record == record_of(met, found.record.id)
