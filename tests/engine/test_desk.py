"""What a person decides at the desk is what the next sync does, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from firm import START, Firm

from tasksync.core.plan import Action
from tasksync.core.record import Record, Version
from tasksync.engine import desk
from tasksync.engine.restore import DESK, REASON, Restored, restore
from tasksync.errors import WrongUsage
from tasksync.ports import Decision, Hold, HoldReason, OperationState, Revision

CRMS = ("onlyoffice", "capsule", "plannr")


def decide(firm: Firm, decision: Decision, ids: Sequence[int]) -> Sequence[Hold]:
    with firm.mirror.begin() as unit:
        return desk.approve(unit, ids, START) if decision is Decision.APPROVED else desk.drop(unit, ids)


def ids(holds: Sequence[Hold]) -> list[int]:
    return [hold.id for hold in holds if hold.id is not None]


def record(record_id: str, at: datetime = START) -> Record:
    made = Version(value="new", at=at, connection="capsule", external_id="1")
    return Record(id=record_id, kind="task", group="all", versions={"body": made})


def bring_back(firm: Firm, found: Record, **options: Any) -> Restored:
    firm.clock.tick(seconds=5)
    with firm.mirror.begin() as unit:
        now = firm.clock.now()
        horizon = now - firm.policy.completed_horizon
        return restore(unit, found, connections=list(firm.settings), horizon=horizon, now=now, run="desk", **options)


def refuse(firm: Firm, crm: str, *, method: str = "POST", times: int | None = None) -> None:
    firm.world.crms[crm].faults.add("status", method=method, path="/task", status=422, times=times)


async def quiet(firm: Firm) -> None:
    """Everything is in step: two more syncs write nothing."""
    firm.forget_requests()
    for _ in range(2):
        assert (await firm.sync()).exit_code == 0
    assert firm.writes() == []


# --- refused ---


async def test_a_refused_record_is_sent_again_once_approved(met: Firm) -> None:
    """A task that Plannr refuses is held, stays held while nobody acts, and is created after the approval."""
    refuse(met, "plannr")
    met.world.capsule.add(title="Send the offer", due="2026-03-25", category="Email")
    for _ in range(2):
        assert (await met.sync()).exit_code == 4
    met.world.plannr.faults.clear()
    met.forget_requests()
    assert (await met.sync()).exit_code == 4
    assert met.writes() == []

    (hold,) = met.holds()
    assert hold.reason is HoldReason.REFUSED
    decide(met, Decision.APPROVED, ids([hold]))

    assert met.holds() == []
    assert [queued.state for queued in met.outbox()] == [OperationState.PENDING]
    assert (await met.sync()).exit_code == 0
    assert met.titles("plannr") == ["Ring Bob", "Send the offer"]
    await quiet(met)


async def test_a_refused_record_that_was_dropped_waits_for_a_change(met: Firm) -> None:
    """Dropped, it is no open matter any more and is not sent; an edit of the task sends it."""
    refuse(met, "plannr", times=1)
    met.world.capsule.add(title="Send the offer", due="2026-03-25", category="Email")
    await met.sync()
    decide(met, Decision.DROPPED, ids(met.holds()))

    met.forget_requests()
    assert (await met.sync()).exit_code == 0
    assert met.writes() == []
    assert met.titles("plannr") == ["Ring Bob"]

    met.edit("capsule", "Send the offer", body="To Jo, please.")
    assert (await met.sync()).exit_code == 0
    assert met.everywhere("Send the offer", "body") == dict.fromkeys(CRMS, "To Jo, please.")
    assert met.holds() == []


async def test_what_follows_a_refused_create_is_dropped_and_approved_with_it(met: Firm) -> None:
    """A finished task is created and completed: neither is sent when the create was dropped, both when approved."""
    refuse(met, "plannr", times=1)
    met.world.capsule.add(title="Send the offer", due="2026-03-25", category="Email")
    met.edit("capsule", "Send the offer", done=True)
    await met.sync()
    before = ids(met.holds())
    decide(met, Decision.DROPPED, before)
    assert (await met.sync()).exit_code == 0
    assert [queued.state for queued in met.outbox()] == [OperationState.HELD] * 2

    decide(met, Decision.APPROVED, before)
    assert (await met.sync()).exit_code == 0
    assert met.task("plannr", "Send the offer")["done"] is True


async def test_a_default_that_was_needed_is_looked_at_again_once_approved(firm: Firm) -> None:
    """A record that lacks a value has no operation to send again; approved, it is planned anew: held again as long as
    the default is missing, created when it is there.
    """
    office = firm.settings["onlyoffice"]
    without = type(office.options).model_validate({"defaults": {"category": "Call"}})
    firm.settings["onlyoffice"] = replace(office, options=without)
    firm.world.plannr.add(title="No day")
    await firm.sync()

    decide(firm, Decision.APPROVED, ids(firm.holds()))
    assert firm.holds() == []
    assert (await firm.sync()).exit_code == 4
    assert [hold.reason for hold in firm.holds()] == [HoldReason.DEFAULT_NEEDED]

    decide(firm, Decision.APPROVED, ids(firm.holds()))
    firm.settings["onlyoffice"] = office
    assert (await firm.sync()).exit_code == 0
    assert firm.titles("onlyoffice") == ["No day"]


# --- deletions, look-alikes, duplicates ---


async def vanished(firm: Firm) -> None:
    """Eight of ten tasks vanish from Plannr at once."""
    for crm in firm.crms.values():
        crm.fill(10)
    await firm.sync()
    for task in firm.world.plannr.tasks()[:8]:
        firm.world.plannr.remove(task["id"])
    assert (await firm.sync()).exit_code == 4
    assert [hold.reason for hold in firm.holds()] == [HoldReason.DELETIONS]


async def test_held_deletions_are_carried_out_once_approved(firm: Firm) -> None:
    """Approved, the eight are deleted in the other CRMs too, and their history stays."""
    await vanished(firm)
    decide(firm, Decision.APPROVED, ids(firm.holds()))
    assert (await firm.sync()).exit_code == 0
    assert [len(crm.tasks()) for crm in firm.crms.values()] == [2, 2, 2]
    with firm.mirror.begin() as unit:
        assert len(unit.deleted_records()) == 8
    await quiet(firm)


async def test_dropped_deletions_are_created_again(firm: Firm) -> None:
    """Dropped, the eight are back in Plannr, once each, and none is missing anywhere."""
    await vanished(firm)
    decide(firm, Decision.DROPPED, ids(firm.holds()))
    assert (await firm.sync()).exit_code == 0
    assert firm.titles("plannr") == firm.titles("capsule") == firm.titles("onlyoffice")
    assert len(set(firm.titles("plannr"))) == len(firm.titles("plannr")) == 10
    await quiet(firm)


async def look_alikes(firm: Firm) -> None:
    """Two tasks in Capsule look like the one in ONLYOFFICE."""
    del firm.settings["plannr"]
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20", category="Call")
    for _ in range(2):
        firm.world.capsule.add(title="Ring Bob", due="2026-03-20", category="Call")
    assert (await firm.sync()).exit_code == 4
    assert {hold.reason for hold in firm.holds()} == {HoldReason.AMBIGUOUS}


async def test_look_alikes_that_are_tasks_of_their_own_are_copied(firm: Firm) -> None:
    """All three approved: three tasks, in both CRMs."""
    await look_alikes(firm)
    decide(firm, Decision.APPROVED, ids(firm.holds()))
    assert (await firm.sync()).exit_code == 0
    assert firm.titles("onlyoffice") == firm.titles("capsule") == ["Ring Bob"] * 3
    await quiet(firm)


async def test_look_alikes_that_were_dropped_are_left_alone(firm: Firm) -> None:
    """Dropped, they stay where they are, count as decided, and nothing is written."""
    await look_alikes(firm)
    decide(firm, Decision.DROPPED, ids(firm.holds()))
    await quiet(firm)
    assert [len(crm.tasks()) for crm in firm.crms.values()] == [1, 2]


async def test_possible_duplicates_are_one_question(firm: Firm) -> None:
    """The record and all that a lost create may have made are decided together, whichever of them is named."""
    with firm.mirror.begin() as unit:
        unit.save_records([record("0001"), record("0002")])
        for lost in ("0001", "0002"):
            held = Hold(
                connection="office",
                kind="task",
                reason=HoldReason.DUPLICATE,
                message="Two tasks could be its result.",
                since=START,
                fingerprint=lost,
            )
            unit.hold([replace(held, record_id=lost), *(replace(held, external_id=f"{lost}{one}") for one in "ab")])
        (named,) = [hold.id for hold in unit.holds() if hold.external_id == "0002b"]
    assert named is not None
    done = decide(firm, Decision.DROPPED, [named])
    assert {hold.fingerprint for hold in done} == {"0002"}
    assert [hold.decision for hold in firm.holds()] == [None] * 3 + [Decision.DROPPED] * 3


async def test_what_was_written_to_and_fro_is_written_again_once_approved(met: Firm) -> None:
    """The count of writes begins anew, and the next sync writes what was held back."""
    bob = met.record("Ring Bob")
    with met.mirror.begin() as unit:
        replica = unit.replicas_of([bob.id])[bob.id]["capsule"]
        unit.save_replicas([replace(replica, wrote=("same",) * 5, wrote_at=met.clock.now())])
    met.edit("plannr", "Ring Bob", body="Again.")
    assert (await met.sync()).exit_code == 4
    (hold,) = met.holds()
    assert hold.reason is HoldReason.OSCILLATING
    assert met.everywhere("Ring Bob", "body")["capsule"] == "About the boiler."

    decide(met, Decision.APPROVED, ids([hold]))
    assert (await met.sync()).exit_code == 0
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Again.")


def test_an_unknown_hold_changes_nothing(firm: Firm) -> None:
    """One unknown id among several: no hold is decided, and the message names it."""
    held = Hold(connection="office", kind="task", reason=HoldReason.REFUSED, message="No.", since=START, record_id="x")
    with firm.mirror.begin() as unit:
        unit.save_records([record("x")])
        unit.hold([held])
    (known,) = ids(firm.holds())
    for decision in Decision:
        with pytest.raises(WrongUsage, match="no hold 98, 99"):
            decide(firm, decision, [99, known, 98])
    assert [hold.decision for hold in firm.holds()] == [None]


# --- the outbox ---


async def test_a_dropped_operation_stays_dropped_while_the_rest_of_the_task_is_sent(met: Firm) -> None:
    """Two CRMs take no update just now, and one of the two is dropped: only the other is sent, until the task
    changes.
    """
    met.edit("capsule", "Ring Bob", body="First.")
    for busy in ("onlyoffice", "plannr"):
        for method in ("PUT", "PATCH"):
            met.world.crms[busy].faults.add("status", method=method, status=429, times=None)
    assert (await met.sync()).exit_code == 1
    assert {queued.operation.connection for queued in met.outbox()} == {"onlyoffice", "plannr"}
    (office,) = [queued.id for queued in met.outbox() if queued.operation.connection == "onlyoffice"]
    with met.mirror.begin() as unit:
        desk.discard(unit, [office], met.clock.now())
        assert desk.left_out(unit, unit.queue()) == {office}
    for crm in met.crms.values():
        crm.faults.clear()

    assert (await met.sync()).exit_code == 0
    assert met.everywhere("Ring Bob", "body") == {
        "onlyoffice": "About the boiler.",
        "capsule": "First.",
        "plannr": "First.",
    }
    met.edit("plannr", "Ring Bob", body="Second.")
    assert (await met.sync()).exit_code == 0
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Second.")
    await quiet(met)


async def test_a_dropped_operation_can_be_retried(met: Firm) -> None:
    """Retry undoes drop, and sends what a CRM refused without a detour over its hold."""
    refuse(met, "plannr", times=1)
    met.world.capsule.add(title="Send the offer", due="2026-03-25", category="Email")
    await met.sync()
    (queued,) = met.outbox()
    with met.mirror.begin() as unit:
        desk.discard(unit, [queued.id], met.clock.now())
    (hold,) = met.holds()
    assert hold.decision is Decision.DROPPED
    assert "422" in hold.message or "plannr" in hold.message.lower()

    with met.mirror.begin() as unit:
        desk.retry(unit, [queued.id])
    assert met.holds() == []
    assert (await met.sync()).exit_code == 0
    assert met.titles("plannr") == ["Ring Bob", "Send the offer"]


async def test_an_operation_whose_answer_was_lost_is_left_to_the_sync(met: Firm) -> None:
    """It may have been carried out: neither retry nor drop touches it, and nothing is doubled."""
    met.world.plannr.faults.add("status", method="POST", path="/task", status=502, work=True)
    met.world.capsule.add(title="Send the offer", due="2026-03-25", category="Email")
    await met.sync()
    (queued,) = met.outbox()
    assert queued.state is OperationState.UNKNOWN
    with met.mirror.begin() as unit:
        with pytest.raises(WrongUsage, match="may have been carried out"):
            desk.retry(unit, [queued.id])
        with pytest.raises(WrongUsage, match="may have been carried out"):
            desk.discard(unit, [queued.id], met.clock.now())
    await met.sync()
    assert met.titles("plannr") == ["Ring Bob", "Send the offer"]


async def test_an_operation_that_is_not_worked_out_cannot_be_dropped(met: Firm) -> None:
    """What a connection out of reach has to get is not known, so nobody can say that it is not to get it."""
    bring = met.record("Ring Bob")
    met.edit("plannr", "Ring Bob", body="Other.")
    await met.sync()
    bring_back(met, met.record("Ring Bob"))
    (first, *_) = met.outbox()
    assert (first.operation.action, dict(first.operation.values)) == (Action.UPDATE, {})
    with met.mirror.begin() as unit, pytest.raises(WrongUsage, match="not known before the next sync"):
        desk.discard(unit, [first.id], met.clock.now())
    assert bring.id == first.operation.record_id


# --- restore ---


async def test_an_overwritten_value_is_everywhere_again(met: Firm) -> None:
    """What one person typed over another's text is in every CRM again after the next sync, and that too is in the
    history.
    """
    met.edit("plannr", "Ring Bob", body="Oops.")
    await met.sync()

    done = bring_back(met, met.record("Ring Bob"), field="body")

    assert done.waiting == tuple(met.settings)
    assert (await met.sync()).exit_code == 0
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "About the boiler.")
    last = met.history("Ring Bob")[-1]
    assert (last.field, last.old, last.new) == ("body", "Oops.", "About the boiler.")
    assert (last.connection, last.reason) == (DESK, REASON)
    assert met.record("Ring Bob").versions["body"].connection == DESK
    await quiet(met)


async def test_the_loser_of_a_conflict_can_be_brought_back(met: Firm) -> None:
    """A value that never became current is restored like one that was."""
    met.edit("capsule", "Ring Bob", body="first")
    met.clock.tick(seconds=30)
    met.edit("plannr", "Ring Bob", body="second")
    await met.sync()
    bring_back(met, met.record("Ring Bob"), field="body")
    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "first")


async def test_restoring_twice_is_undoing_it(met: Firm) -> None:
    """What a restore replaced is the last superseded value: restoring once more brings it back."""
    met.edit("plannr", "Ring Bob", body="Better.")
    await met.sync()
    for wanted in ("About the boiler.", "Better."):
        bring_back(met, met.record("Ring Bob"), field="body")
        await met.sync()
        assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, wanted)


async def test_an_edit_after_the_restore_wins(met: Firm) -> None:
    """A person who edits the field in a CRM before the next sync has the last word, and the restored value is kept."""
    met.edit("plannr", "Ring Bob", body="Oops.")
    await met.sync()
    bring_back(met, met.record("Ring Bob"), field="body")
    met.clock.tick(seconds=30)
    met.edit("capsule", "Ring Bob", body="Latest.")
    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Latest.")
    assert ("About the boiler.", "Latest.") in {(one.old, one.new) for one in met.history("Ring Bob")}


@pytest.mark.parametrize("done", [False, True], ids=["open", "finished long ago"])
async def test_a_deleted_task_is_back_in_all_crms(met: Firm, done: bool) -> None:  # noqa: FBT001 (a parameter)
    """Deleted in one CRM and so in all, it is brought back to all of them with all it had."""
    met.edit("plannr", "Ring Bob", done=done)
    await met.sync()
    bob = met.record("Ring Bob")
    met.clock.tick(days=90)
    met.crms["capsule"].remove(met.task("capsule", "Ring Bob")["id"])
    await met.sync()
    assert [crm.tasks() for crm in met.crms.values()] == [[], [], []]
    with met.mirror.begin() as unit:
        (deleted,) = unit.deleted_records()
    assert deleted.id == bob.id

    bring_back(met, deleted)

    assert (await met.sync()).exit_code == 0
    for name in ("title", "body", "due", "done"):
        assert met.everywhere("Ring Bob", name) == dict.fromkeys(CRMS, bob.value(name))
    assert [one.field for one in met.history("Ring Bob") if one.reason == REASON] == ["deleted"]
    await quiet(met)


async def test_one_field_as_it_was_at_a_time(met: Firm) -> None:
    """--field and --at bring back that field as it was then, and leave the others."""
    moments = []
    for body in ("one", "two", "three"):
        met.edit("plannr", "Ring Bob", body=body, due=date(2026, 4, len(body)))
        await met.sync()
        met.clock.tick(minutes=5)
        moments.append(met.clock.now())
        met.clock.tick(minutes=5)

    bring_back(met, met.record("Ring Bob"), field="body", at=moments[0])
    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "one")
    assert met.everywhere("Ring Bob", "due") == dict.fromkeys(CRMS, date(2026, 4, 5))

    bring_back(met, met.record("Ring Bob"), at=moments[1])
    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "two")
    assert met.everywhere("Ring Bob", "due") == dict.fromkeys(CRMS, date(2026, 4, 3))


async def test_as_it_is_already_changes_nothing(met: Firm) -> None:
    """At a time since which nothing was replaced there is nothing to do: no version, no history, no operation."""
    before = met.record("Ring Bob")
    done = bring_back(met, before, at=met.clock.now() - timedelta(seconds=1))
    assert (done.record, done.revisions) == (before, ())
    assert met.outbox() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"field": "colour"}, "no field 'colour'. It has: title, body"),
        ({"field": "body"}, "never had another value of body"),
        ({}, "never had another value of any field"),
        ({"at": datetime(2001, 1, 1, tzinfo=UTC)}, "Nothing is known of record"),
    ],
    ids=["no such field", "field never replaced", "nothing ever replaced", "before it was known"],
)
async def test_what_cannot_be_restored_is_said(met: Firm, options: dict[str, Any], said: str) -> None:
    """There is no such field, or nothing earlier: a sentence, and nothing changes."""
    with pytest.raises(WrongUsage, match=said):
        bring_back(met, met.record("Ring Bob"), **options)
    assert met.outbox() == []


async def test_a_restore_waits_for_a_create_whose_answer_was_lost(met: Firm) -> None:
    """While a create may have worked, a restore plans no second one; the task is adopted and then brought up (I3)."""
    met.world.capsule.add(title="Send the offer", body="one", due="2026-03-25", category="Email")
    await met.sync(only=["capsule", "onlyoffice"])
    met.edit("capsule", "Send the offer", body="two")
    await met.sync(only=["capsule", "onlyoffice"])
    met.world.plannr.faults.add("status", method="POST", path="/task", status=502, work=True)
    await met.sync()
    bring_back(met, met.record("Send the offer"), field="body")
    assert [one.state for one in met.outbox() if one.operation.connection == "plannr"] == [OperationState.UNKNOWN]
    for _ in range(2):
        await met.sync()
    assert met.titles("plannr") == ["Ring Bob", "Send the offer"]
    assert met.everywhere("Send the offer", "body") == dict.fromkeys(CRMS, "one")


def test_a_version_of_the_desk_is_later_than_the_one_it_replaces(firm: Firm) -> None:
    """A current value with a stamp ahead of our clock loses to the restore all the same."""
    ahead = START + timedelta(hours=1)
    version = Revision(
        record_id="r", field="body", old="old", new="new", at=ahead, estimated=False, connection="capsule", reason="-"
    )
    with firm.mirror.begin() as unit:
        current = record("r", at=ahead)
        unit.save_records([current])
        unit.add_revisions([version], "run", at=START)
    restored = bring_back(firm, current, field="body").record
    assert restored.value("body") == "old"
    assert restored.versions["body"].at > ahead


def test_deleted_records_are_listed_the_last_deleted_first(firm: Firm) -> None:
    """No more than asked for, and none that is not deleted."""
    with firm.mirror.begin() as unit:
        gone = [replace(record(str(day)), deleted_at=START + timedelta(days=day)) for day in (2, 3, 1)]
        unit.save_records([record("kept"), *gone])
        assert [one.id for one in unit.deleted_records()] == ["3", "2", "1"]
        assert [one.id for one in unit.deleted_records(2)] == ["3", "2"]
