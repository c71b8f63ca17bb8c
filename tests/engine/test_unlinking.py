"""A person says which task was taken for another one, and the next sync parts them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from firm import START, Firm
from linkage import (
    CREATES,
    converged,
    history_of,
    look_alikes,
    mistaken,
    record_of,
    replicas,
    say_apart,
    say_one,
    task_ids,
    two_records,
)

from tasksync.engine.unlinking import REASON
from tasksync.errors import WrongUsage

CRMS = ("onlyoffice", "capsule", "plannr")


async def test_an_unlinked_task_and_its_record_are_both_everywhere(firm: Firm) -> None:
    """Each CRM has both afterwards, they are two records, and no sync takes them for one again."""
    reference = await mistaken(firm)
    old = record_of(firm, reference)

    done = say_apart(firm, reference)

    assert (done.left.id, done.founded.values) == (old.id, {**done.replica.shadow})
    await converged(firm, "ring bob", "ring bob")
    assert record_of(firm, reference).id == done.founded.id
    for record_id in (old.id, done.founded.id):
        assert set(replicas(firm, record_id)) == set(CRMS)
        assert ("unlinked", old.id, done.founded.id, REASON) in history_of(firm, record_id)


async def test_what_was_overwritten_by_the_mistake_can_be_brought_back(firm: Firm) -> None:
    """The first meeting put one task's text over the other's: it is in the history of the record it belongs to."""
    reference = await mistaken(firm)
    old = record_of(firm, reference)
    say_apart(firm, reference)
    await converged(firm, "ring bob", "ring bob")
    assert ("body", "The boiler.", "The tap.") in [row[:3] for row in history_of(firm, old.id)]


async def test_an_edit_that_no_sync_has_seen_when_it_was_unlinked_stays(firm: Firm) -> None:
    """A person edited the task before it was unlinked: the edit is the new record's, everywhere, and nobody else's."""
    reference = await mistaken(firm)
    await firm.sync()
    firm.edit("capsule", "ring bob", body="The kitchen tap.")
    firm.clock.tick(seconds=30)
    old = say_apart(firm, reference).left
    await converged(firm, "ring bob", "ring bob")
    assert record_of(firm, reference).value("body") == "The kitchen tap."
    for crm in CRMS:
        assert sorted(task["body"] for task in firm.crms[crm].tasks()) == ["The kitchen tap.", "The tap."]
    with firm.mirror.begin() as unit:
        assert unit.records([old.id])[old.id].value("body") == "The tap."


async def test_two_unlinked_look_alikes_stay_two_when_the_answers_to_their_creates_are_lost(firm: Firm) -> None:
    """Neither the search for a lost create nor a new task that looks the same joins what a person has parted."""
    reference = await mistaken(firm)
    say_apart(firm, reference)
    for crm in firm.crms.values():
        crm.faults.add("status", status=502, work=True, method="POST", path=CREATES, times=1)
    await firm.sync()
    for crm in firm.crms.values():
        crm.faults.clear()
    for _ in range(3):
        await firm.sync()
    await converged(firm, "ring bob", "ring bob")
    assert len(firm.records()) == 2


async def test_what_stood_in_the_way_of_an_unlinked_task_is_forgotten(firm: Firm) -> None:
    """What was refused there, or written there to and fro, was of the record that it does not belong to."""
    reference = await mistaken(firm)
    firm.edit("plannr", "Ring Bob", body="Both.")
    for method in ("PUT", "PATCH"):
        firm.crms["capsule"].faults.add("status", method=method, path="/task", status=422, times=None)
    assert (await firm.sync()).exit_code == 4
    firm.crms["capsule"].faults.clear()
    replica = replicas(firm, record_of(firm, reference).id)["capsule"]
    with firm.mirror.begin() as unit:
        unit.save_replicas([replace(replica, wrote=("same",) * 5, wrote_at=START)])
    done = say_apart(firm, reference)
    assert (firm.holds(), replicas(firm, done.founded.id)["capsule"].wrote) == ([], ())
    await converged(firm, "ring bob", "ring bob")


async def test_unlink_takes_back_a_link(firm: Firm) -> None:
    """Linked by mistake and synced, then unlinked: two tasks again, and both first titles are known."""
    ours, theirs = await two_records(firm)
    say_one(firm, ours, theirs)
    await converged(firm, "Call Bob")
    say_apart(firm, theirs)
    await converged(firm, "Call Bob", "Call Bob")
    assert "Ring Bob" in {old for _, old, _, _ in history_of(firm, record_of(firm, ours).id)}


async def test_what_cannot_be_unlinked_is_refused(firm: Firm) -> None:
    """All that a record has, one that belongs to none or is gone, an id of ours: a sentence each, nothing changes."""
    ours, theirs = await two_records(firm)
    with pytest.raises(WrongUsage, match=f"{ours} is all that record"):
        say_apart(firm, ours)
    bob = say_one(firm, ours, theirs).record
    with pytest.raises(WrongUsage, match=f"{bob.id} is a record. .* it has: capsule:.*, onlyoffice:"):
        say_apart(firm, bob.id)
    with pytest.raises(WrongUsage, match="There is no record 'capsule:none'"):
        say_apart(firm, "capsule:none")
    with firm.mirror.begin() as unit:
        there = unit.replicas_of([bob.id])[bob.id]
        unit.save_replicas([replace(there["capsule"], gone_at=START)])
    with pytest.raises(WrongUsage, match="not seen there any more"):
        say_apart(firm, theirs)
    with pytest.raises(WrongUsage, match="is all that record"):
        say_apart(firm, ours)
    assert [record.id for record in firm.records()] == [bob.id]


async def test_a_held_look_alike_cannot_be_unlinked(firm: Firm) -> None:
    """It is linked with nothing."""
    _, theirs, _ = await look_alikes(firm)
    with pytest.raises(WrongUsage, match="belongs to no record"):
        say_apart(firm, theirs)


async def test_nothing_is_unlinked_while_an_answer_is_not_known(met: Firm) -> None:
    """An update was sent, and its answer lost: refused, until a sync has seen what came of it."""
    met.edit("capsule", "Ring Bob", body="Other.")
    met.crms["plannr"].faults.add("status", status=502, work=True, method="PATCH", path="/task", times=None)
    met.crms["plannr"].faults.add("status", status=502, work=True, method="PUT", path="/task", times=None)
    await met.sync()
    met.crms["plannr"].faults.clear()
    reference = f"plannr:{task_ids(met, 'plannr')[0]}"
    with pytest.raises(WrongUsage, match="its answer is not known"):
        say_apart(met, reference)
    await met.sync()
    say_apart(met, reference)
    await converged(met, "Ring Bob", "Ring Bob")
