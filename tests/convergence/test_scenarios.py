"""What the state machine found, minimised, and kept for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta

import pytest
from lying import Fate, Killed, LyingFirm, image, lying_firm, revived

from tasksync.engine.member import Policy
from tasksync.engine.restore import restore

CRMS = ("onlyoffice", "capsule", "plannr")
DAY = date(2026, 3, 20)


@pytest.fixture(params=["v1", "v2"])
def firm(request: pytest.FixtureRequest) -> Iterator[LyingFirm]:
    """Three accounts that have met, and hold "Ring Bob" in step; nothing fails yet."""
    firm = lying_firm(request.param)
    firm.policy = Policy(full_sweep=timedelta(0))
    firm.crms["capsule"].add(title="Ring Bob", body="About the boiler.", due=DAY)
    for _ in range(2):
        asyncio.run(firm.sync())
    yield firm
    firm.mirror.close()


def sync(firm: LyingFirm, *, dies: Fate | None = None) -> None:
    """A cycle; `dies` says when its process is killed, and it has to be."""
    if dies is None:
        asyncio.run(firm.sync())
        return
    with suppress(Killed):
        asyncio.run(firm.sync(fate=dies))
    assert dies.dead


def lose_answer_to_create(firm: LyingFirm, crm: str) -> None:
    """A create is carried out, and its answer lost."""
    firm.crms[crm].faults.add("lose_after", method="POST", path=r"/crm/task$|/api/task$|/api/v2/tasks$|/api/v1/task$")
    sync(firm)
    firm.crms[crm].faults.clear()


@pytest.mark.parametrize("crm", ["onlyoffice", "capsule"])
def test_an_edit_that_the_deleter_cannot_be_shown_beats_the_deletion(firm: LyingFirm, crm: str) -> None:
    """Deleted where there is no priority, while Plannr's people changed the priority: the task stays (I11)."""
    firm.crms[crm].remove(firm.task(crm, "Ring Bob")["id"])
    firm.edit("plannr", "Ring Bob", priority="high")
    sync(firm)
    assert [firm.titles(one) for one in CRMS] == [["Ring Bob"]] * 3
    assert firm.task("plannr", "Ring Bob")["priority"] == "high"


def test_a_deletion_after_such_an_edit_was_seen_is_carried_out(firm: LyingFirm) -> None:
    """Deleted one poll after the priority was changed elsewhere: the task goes everywhere."""
    firm.edit("plannr", "Ring Bob", priority="high")
    sync(firm)
    firm.crms["capsule"].remove(firm.task("capsule", "Ring Bob")["id"])
    sync(firm)
    assert [firm.titles(one) for one in CRMS] == [[], [], []]


def test_such_an_edit_counts_also_when_no_poll_was_through_yet() -> None:
    """Of two accounts that have just met when the process is killed, no poll is on record: an edit since then still
    beats a deletion (I11).
    """
    for at in range(1, 60):
        firm = lying_firm("v2")
        for crm in ("onlyoffice", "capsule"):
            firm.crms[crm].add(title="Ring Bob", due=DAY, category="Call")
        sync(firm, dies=Fate(moment="before commit", at=at))
        with firm.mirror.begin() as unit:
            met = [one for one in unit.connections() if one.met_at is not None and one.polled_at is None]
        if len(met) == 3:
            break
        firm.mirror.close()
    else:
        pytest.fail("there is no such commit")
    firm.crms["capsule"].remove(firm.task("capsule", "Ring Bob")["id"])
    firm.edit("onlyoffice", "Ring Bob", reminder=15)
    for _ in range(2):
        sync(firm)
    assert [firm.titles(one) for one in CRMS] == [["Ring Bob"]] * 3
    firm.mirror.close()


def test_pages_taken_in_by_a_killed_run_with_a_fast_clock_do_not_decide(firm: LyingFirm) -> None:
    """Our clock ran three hours fast in a run that was killed after it had read an edit; set right again, the edit made
    next is still the later one.
    """
    firm.ours.off = timedelta(hours=3)
    firm.edit("onlyoffice", "Ring Bob", body="first")
    firm.edit("plannr", "Ring Bob", title="Ring Bob soon")
    sync(firm, dies=Fate(moment="after commit", at=6))
    firm.ours.off = timedelta(0)
    sync(firm)
    firm.edit("capsule", "Ring Bob soon", body="second")
    sync(firm)
    assert firm.everywhere("Ring Bob soon", "body") == dict.fromkeys(CRMS, "second")


@pytest.mark.parametrize("crm", CRMS)
@pytest.mark.parametrize("edit", [{"title": "Call Ann"}, {"due": date(2026, 4, 1)}], ids=["title", "day"])
def test_a_create_whose_answer_was_lost_is_known_after_an_edit(
    firm: LyingFirm, crm: str, edit: dict[str, object]
) -> None:
    """The answer to a create was lost, and a person changed what it made before the next poll: nothing is doubled, and
    the edit arrives.
    """
    origin = "plannr" if crm == "capsule" else "capsule"
    firm.crms[origin].add(title="Ring Ann", body="Her pension.", due=DAY)
    lose_answer_to_create(firm, crm)
    firm.clock.tick(minutes=1)
    firm.edit(crm, "Ring Ann", **edit)
    for _ in range(2):
        sync(firm)
    title = str(edit.get("title", "Ring Ann"))
    assert [firm.titles(one) for one in CRMS] == [sorted(["Ring Bob", title])] * 3
    assert firm.everywhere(title, "due") == dict.fromkeys(CRMS, edit.get("due", DAY))


@pytest.mark.parametrize(
    ("crm", "edit"), [("onlyoffice", "body"), ("onlyoffice", "reminder"), ("capsule", "body"), ("plannr", "priority")]
)
def test_what_a_create_did_not_set_and_a_person_did_is_an_edit(firm: LyingFirm, crm: str, edit: str) -> None:
    """The answer to a create was lost, and a person filled in a field that it had left empty: the record has the value,
    and every CRM that can store it.
    """
    value = {"body": "Her pension.", "reminder": 15, "priority": "high"}[edit]
    origin = "plannr" if crm == "capsule" else "capsule"
    firm.crms[origin].add(title="Ring Ann", due=DAY)
    lose_answer_to_create(firm, crm)
    firm.clock.tick(minutes=1)
    firm.edit(crm, "Ring Ann", **{edit: value})
    for _ in range(2):
        sync(firm)
    assert firm.record("Ring Ann").value(edit) == value
    assert set(firm.everywhere("Ring Ann", edit).values()) == {value}


@pytest.mark.parametrize("crm", ["onlyoffice", "capsule"])
def test_our_own_update_whose_answer_was_lost_is_no_edit(firm: LyingFirm, crm: str) -> None:
    """An update was carried out and its answer lost, and the same field was edited again where the edit came from: what
    we wrote is nobody's edit, so there is no conflict, and the later edit arrives (I4).
    """
    firm.edit("plannr", "Ring Bob", body="first")
    firm.crms[crm].faults.add("lose_after", method="PUT", times=10)
    sync(firm)
    firm.crms[crm].faults.clear()
    assert firm.task(crm, "Ring Bob")["body"] == "first"
    firm.edit("plannr", "Ring Bob", body="second")
    sync(firm)
    assert firm.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "second")
    assert firm.conflicts() == []


@pytest.mark.parametrize("crm", CRMS)
def test_a_create_whose_answer_was_lost_is_known_after_our_clock_was_set_back(firm: LyingFirm, crm: str) -> None:
    """The answer to a create was lost, and our clock was set back before the next poll, minutes later: its stamp seems
    to be earlier than the attempt, and it is adopted all the same (I3).
    """
    origin = "plannr" if crm == "capsule" else "capsule"
    firm.crms[origin].add(title="Ring Ann", body="Her pension.", due=DAY)
    lose_answer_to_create(firm, crm)
    firm.ours.off = timedelta(hours=-5)
    firm.clock.tick(minutes=10)
    for _ in range(2):
        sync(firm)
    assert [firm.titles(one) for one in CRMS] == [["Ring Ann", "Ring Bob"]] * 3


def test_a_restore_by_a_fast_clock_does_not_beat_what_is_edited_later(firm: LyingFirm) -> None:
    """Our clock ran three hours fast when a person restored a value, and was set right before the next sync: an edit
    made after that sync is the later one.
    """
    firm.edit("capsule", "Ring Bob", body="About the roof.")
    sync(firm)
    record = firm.record("Ring Bob")
    firm.ours.off = timedelta(hours=3)
    with firm.mirror.begin() as unit:
        restore(
            unit,
            record,
            connections=CRMS,
            horizon=firm.clock.now() - timedelta(days=30),
            now=firm.ours.now(),
            run="desk",
            field="body",
        )
    assert firm.record("Ring Bob").value("body") == "About the boiler."
    firm.ours.off = timedelta(0)
    sync(firm)
    firm.edit("onlyoffice", "Ring Bob", body="About the garden.")
    sync(firm)
    assert firm.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "About the garden.")


@pytest.mark.parametrize("crm", CRMS)
@pytest.mark.parametrize("edit", [{}, {"title": "Call Ann"}], ids=["untouched", "renamed"])
def test_a_finished_task_whose_create_got_no_answer_is_known_though_our_clock_lags(
    firm: LyingFirm, crm: str, edit: dict[str, object]
) -> None:
    """Our clock was set back, so it seems to stand still between two runs; a create of a finished task was carried out,
    its answer lost, and what it made is still unfinished, maybe renamed: it is adopted, not made twice (I3).
    """
    firm.ours.off = timedelta(hours=-5)
    origin = "plannr" if crm == "capsule" else "capsule"
    firm.crms[origin].add(title="Ring Ann", body="Her pension.", due=DAY)
    firm.crms[origin].edit(firm.task(origin, "Ring Ann")["id"], done=True)
    lose_answer_to_create(firm, crm)
    firm.clock.tick(minutes=10)
    if edit:
        firm.edit(crm, "Ring Ann", **edit)
    for _ in range(2):
        sync(firm)
    assert [firm.titles(one) for one in CRMS] == [sorted([str(edit.get("title", "Ring Ann")), "Ring Bob"])] * 3
    assert firm.holds() == []


@pytest.mark.parametrize("crm", CRMS)
def test_a_task_that_was_made_again_is_known_to_an_older_mirror(firm: LyingFirm, crm: str) -> None:
    """Deleted in one CRM, edited in another, and made again by a sync that the mirror, restored from a backup, knows
    nothing of: the new copy is taken for the missing one, and nothing is doubled.
    """
    firm.crms[crm].remove(firm.task(crm, "Ring Bob")["id"])
    firm.edit("plannr" if crm == "capsule" else "capsule", "Ring Bob", due=date(2026, 4, 1))
    backup = image(firm.mirror)
    for _ in range(2):
        sync(firm)
    firm.mirror.close()
    firm.mirror = revived(backup)
    for _ in range(2):
        sync(firm)
    assert [firm.titles(one) for one in CRMS] == [["Ring Bob"]] * 3
    assert firm.everywhere("Ring Bob", "due") == dict.fromkeys(CRMS, date(2026, 4, 1))
    assert firm.holds() == []


@pytest.mark.parametrize("crm", CRMS)
def test_a_lost_create_is_looked_for_in_a_complete_listing(firm: LyingFirm, crm: str) -> None:
    """Between complete listings an answer to a create was lost: the next poll is a complete one, and adopts it."""
    firm.policy = Policy(full_sweep=timedelta(hours=1))
    firm.crms["plannr" if crm == "capsule" else "capsule"].add(title="Ring Ann", due=DAY)
    lose_answer_to_create(firm, crm)
    report = asyncio.run(firm.sync())
    assert [one.complete for one in report.members if one.name == crm] == [True]
    assert [firm.titles(one) for one in CRMS] == [["Ring Ann", "Ring Bob"]] * 3
    assert firm.outbox() == []


@pytest.mark.parametrize("crm", ["capsule", "plannr"])
def test_an_edit_is_not_missed_between_complete_listings_though_our_clock_lags(firm: LyingFirm, crm: str) -> None:
    """Our clock was set back, so it seems to stand still between two runs: changes are asked for, and complete listings
    come, by the CRM's own clock.
    """
    firm.policy = Policy(full_sweep=timedelta(hours=1))
    firm.ours.off = timedelta(hours=-5)
    sync(firm)
    firm.clock.tick(minutes=20)
    firm.edit(crm, "Ring Bob", body="About the roof.")
    firm.clock.tick(minutes=20)
    sync(firm)
    assert firm.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "About the roof.")
    firm.crms[crm].remove(firm.task(crm, "Ring Bob")["id"])
    firm.clock.tick(minutes=40)
    sync(firm)
    assert [firm.titles(one) for one in CRMS] == [[], [], []]
