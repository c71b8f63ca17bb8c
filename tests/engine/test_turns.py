"""A daemon's turns: some connections are polled, the others are open already and only get what there is for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from firm import WRITES, Firm

from tasksync.core.record import Observation
from tasksync.engine.intake import Intake
from tasksync.engine.member import Member, State
from tasksync.errors import Stopping
from tasksync.ports import HoldReason, OperationState, Unit

CRMS = ("onlyoffice", "capsule", "plannr")


def reads(firm: Firm, crm: str) -> list[str]:
    """The paths that were read in a CRM since the requests were forgotten."""
    return [one.path for one in firm.crms[crm].requests if one.method not in WRITES]


@pytest.mark.parametrize("due", CRMS)
async def test_what_one_shows_goes_to_the_others_at_once(met: Firm, due: str) -> None:
    """An edit in the one that is polled is in the others after that turn; nobody else's listing was looked at."""
    met.edit(due, "Ring Bob", body="The key is under the mat.")
    done = await met.sync(due=[due])
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "The key is under the mat.")
    assert {one.name for one in done.members if one.looked} == {due}
    assert done.exit_code == 0


async def test_what_is_not_due_is_not_looked_at(met: Firm) -> None:
    """An edit in a CRM that is not polled is found when it is, and not before."""
    met.edit("capsule", "Ring Bob", body="Nobody looks.")
    await met.sync(due=["onlyoffice"])
    assert met.task("onlyoffice", "Ring Bob")["body"] == "About the boiler."
    await met.sync(due=["capsule"])
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Nobody looks.")


async def test_a_quiet_turn_costs_the_others_nothing(met: Firm) -> None:
    """What is open already is not opened again, and where there is nothing to do no request is sent."""
    await met.sync(due=["plannr"])
    opened = {crm: len(reads(met, crm)) for crm in ("onlyoffice", "capsule")}
    met.forget_requests()
    # The harness opens them anew for each turn, as a process of its own; what comes on top is the turn's.
    done = await met.sync(due=["plannr"])
    assert {crm: len(reads(met, crm)) for crm in opened} == opened
    assert {one.name: one.requests for one in done.members if not one.due} == {"onlyoffice": 0, "capsule": 0}
    assert met.writes() == []


async def test_edits_on_both_sides_meet_in_two_turns(met: Firm) -> None:
    """Two people edit the same field between turns: the later edit wins everywhere, whoever is polled first, and the
    earlier one is in the history.
    """
    met.edit("plannr", "Ring Bob", body="first")
    met.edit("capsule", "Ring Bob", body="second")
    await met.sync(due=["plannr"])
    await met.sync(due=["capsule"])
    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "second")
    assert "first" in {one.old for one in met.history("Ring Bob")} | {one.loser for one in met.conflicts()}


async def test_who_takes_no_part_gets_it_later(met: Firm) -> None:
    """What is meant for a connection that cannot be reached waits in the outbox, and is sent when it takes part."""
    met.edit("plannr", "Ring Bob", body="For everybody.")
    met.crms["capsule"].faults.add("status", status=503, times=None)
    await met.sync(due=["plannr"])
    assert met.task("onlyoffice", "Ring Bob")["body"] == "For everybody."
    assert [one.operation.connection for one in met.outbox()] == ["capsule"]
    met.crms["capsule"].faults.clear()
    await met.sync(due=["onlyoffice"])
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "For everybody.")
    assert met.outbox() == []


async def test_a_lost_create_waits_for_the_poll_of_its_connection(met: Firm) -> None:
    """A create whose answer was lost is not sent again by turns in which its connection is not polled, and found by the
    first one in which it is (I3).
    """
    met.crms["capsule"].add(title="Made once", due="2026-03-22", category="Call")
    met.crms["plannr"].faults.add("garbage", method="POST")
    await met.sync(due=["capsule"])
    for due in ("capsule", "onlyoffice", "capsule"):
        await met.sync(due=[due])
        assert [one.state for one in met.outbox()] == [OperationState.UNKNOWN]
    await met.sync(due=["plannr"])
    assert met.outbox() == []
    for crm in CRMS:
        assert met.titles(crm).count("Made once") == 1


async def test_nothing_is_missing_where_nobody_looked(met: Firm) -> None:
    """That a task is not in a listing which was not read means nothing (I5)."""
    met.crms["plannr"].remove(met.task("plannr", "Ring Bob")["id"])
    await met.sync(due=["capsule"])
    await met.sync(due=["onlyoffice"])
    assert met.titles("capsule") == met.titles("onlyoffice") == ["Ring Bob"]
    await met.sync(due=["plannr"])
    assert met.titles("capsule") == met.titles("onlyoffice") == []


async def test_writing_to_and_fro_is_noticed_in_turns(met: Firm) -> None:
    """Two CRMs whose automations undo each other's titles are stopped as well when each is polled by itself (I4)."""
    changes: dict[str, Callable[[str], str]] = {"onlyoffice": str.upper, "plannr": str.lower}
    for _ in range(12):
        for crm, change in changes.items():
            task = met.task(crm, "Ring Bob")
            if task["title"] != change(task["title"]):
                met.clock.tick(seconds=5)
                met.crms[crm].edit(task["id"], title=change(task["title"]))
            await met.sync(due=[crm])
    assert {hold.reason for hold in met.holds()} == {HoldReason.OSCILLATING}


async def test_minds_that_change_often_are_not_stopped_in_turns(met: Firm) -> None:
    """A different text in each of many turns is no oscillation."""
    for number in range(8):
        met.edit("capsule", "Ring Bob", body=f"Version {number}")
        for crm in CRMS:
            assert (await met.sync(due=[crm])).exit_code == 0
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Version 7")


async def test_a_poll_that_is_stopped_says_nothing_of_absence(met: Firm) -> None:
    """When the program is stopped, a listing that was read half is incomplete: nothing is deleted, nothing is sent, and
    nobody is told of a failure that is none.
    """
    for number in range(120):
        met.crms["plannr"].add(title=f"Task {number}", due="2026-03-22")
    await met.sync()
    met.crms["plannr"].remove(met.task("plannr", "Task 7")["id"])
    met.edit("capsule", "Task 9", body="not sent any more")
    stops = iter([False] * 4)
    done = await met.sync(stopping=lambda: next(stops, True))
    assert {State.INCOMPLETE} >= {one.state for one in done.members if not one.looked} != set()
    assert "Task 7" in met.titles("capsule")
    assert met.task("onlyoffice", "Task 9")["body"] == ""
    assert met.log.levels["poll_failed"] == {"debug"}
    assert str(Stopping()) in {one.error for one in done.members}
    await met.sync()
    assert "Task 7" not in met.titles("capsule")
    assert met.everywhere("Task 9", "body") == dict.fromkeys(CRMS, "not sent any more")


async def test_a_failure_is_told_once(met: Firm) -> None:
    """What failed before and fails still is told to nobody but those who want to know everything."""
    met.crms["plannr"].faults.add("status", method="GET", path=r"/task\?", status=500, times=None)
    await met.sync()
    assert met.log.levels["poll_failed"] == {"warning"}
    met.log.forget()
    await met.sync(failing=["plannr"])
    assert met.log.levels["poll_failed"] == {"debug"}


async def test_runs_in_which_nothing_happened_leave_one_row(met: Firm) -> None:
    """Of quiet runs one after the other the mirror keeps the last; one in which something happened stays."""
    with met.mirror.begin() as unit:
        before = len(unit.runs(100))
    last = None
    for _ in range(5):
        last = await met.sync(last=last)
    with met.mirror.begin() as unit:
        assert len(unit.runs(100)) == before + 1
        assert unit.runs(1)[0].id == last.run if last else None
    met.edit("capsule", "Ring Bob", body="Something happens.")
    last = await met.sync(last=last)
    for _ in range(3):
        last = await met.sync(last=last)
    met.crms["plannr"].faults.add("status", method="GET", path=r"/task\?", status=500, times=None)
    for _ in range(3):
        last = await met.sync(last=last)
    with met.mirror.begin() as unit:
        assert [one.exit_code for one in unit.runs(4)] == [1, 0, 0, 0]
        assert len(unit.runs(100)) == before + 4


async def test_what_comes_as_it_was_is_not_read(met: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a listing only those rows are read that changed since the mirror noted them; and who polls it makes no
    difference: each turn here has connectors of its own.
    """
    await met.sync()
    read: list[str] = []
    take = Intake.take

    def noting(
        intake: Intake, unit: Unit, member: Member, seen: Sequence[Observation], **moments: datetime
    ) -> set[str]:
        read.extend(f"{member.name}:{one.values['title']}" for one in seen)
        return take(intake, unit, member, seen, **moments)

    monkeypatch.setattr(Intake, "take", noting)
    await met.sync()
    assert read == []
    met.edit("capsule", "Ring Bob", title="Ring Rob")
    await met.sync(due=["capsule"])
    assert read == ["capsule:Ring Rob"]


async def test_a_row_that_comes_back_to_what_it_was_is_an_edit(met: Firm) -> None:
    """What we wrote is taken back by a person. ONLYOFFICE tells no moment of it, so the row is to the letter the one
    that was noted before we wrote; it is their edit all the same.
    """
    await met.sync()
    met.edit("capsule", "Ring Bob", title="Ring Rob")
    await met.sync(due=["capsule"])
    assert met.task("onlyoffice", "Ring Rob")
    met.edit("onlyoffice", "Ring Rob", title="Ring Bob")
    await met.sync(due=["onlyoffice"])
    assert met.everywhere("Ring Bob", "title") == dict.fromkeys(CRMS, "Ring Bob")
