"""What people do in one CRM is so in the others after one cycle, and nothing else happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from firm import Firm, copied

from tasksync.ports import HoldReason

CRMS = ("onlyoffice", "capsule", "plannr")


@pytest.mark.parametrize("crm", CRMS)
async def test_a_new_task_arrives_everywhere(met: Firm, crm: str) -> None:
    """A task made in any CRM is in every CRM after one cycle, with all that each of them can store."""
    met.crms[crm].add(title="Send the offer", body="Two\nlines", due="2026-03-25", category="Email", priority="high")

    done = await met.sync()

    assert done.exit_code == 0
    assert met.everywhere("Send the offer", "body") == dict.fromkeys(CRMS, "Two\nlines")
    assert met.everywhere("Send the offer", "due") == dict.fromkeys(CRMS, date(2026, 3, 25))
    assert sum(member.tally.created for member in done.members) == 2


@pytest.mark.parametrize("crm", CRMS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("title", "Ring Bob about the pump"),
        ("body", "Kitchen, not bathroom.\nTake the key."),
        ("body", ""),
        ("due", date(2026, 4, 1)),
        ("due", datetime(2026, 3, 29, 9, 30, tzinfo=UTC)),
    ],
    ids=["title", "body", "no body", "day", "instant"],
)
async def test_an_edit_arrives_everywhere(met: Firm, crm: str, name: str, value: Any) -> None:
    """A field edited in any one CRM is so in the others after one cycle, with one write each."""
    met.edit(crm, "Ring Bob", **{name: value})

    done = await met.sync()

    title = value if name == "title" else "Ring Bob"
    assert met.everywhere(title, name) == dict.fromkeys(CRMS, value)
    assert {member.name: member.tally.updated for member in done.members} == {one: int(one != crm) for one in CRMS}


@pytest.mark.parametrize("crm", CRMS)
async def test_completing_and_reopening_arrive_everywhere(met: Firm, crm: str) -> None:
    """Completed in any CRM, a task is completed in all of them; reopened there, it is open again in all."""
    met.edit(crm, "Ring Bob", done=True)
    completed = await met.sync()
    assert met.everywhere("Ring Bob", "done") == dict.fromkeys(CRMS, True)
    assert sum(member.tally.completed for member in completed.members) == 2

    met.edit(crm, "Ring Bob", done=False)
    reopened = await met.sync()
    assert met.everywhere("Ring Bob", "done") == dict.fromkeys(CRMS, False)
    assert sum(member.tally.reopened for member in reopened.members) == 2


async def test_fields_that_only_some_have_arrive_where_they_exist(met: Firm) -> None:
    """Priority lives in Plannr only and reminder in ONLYOFFICE only; neither disturbs the other CRMs."""
    met.edit("plannr", "Ring Bob", priority="highest")
    met.edit("onlyoffice", "Ring Bob", reminder=30)
    met.forget_requests()

    done = await met.sync()

    assert met.writes() == []
    assert done.exit_code == 0
    values = met.record("Ring Bob").values
    assert (values["priority"], values["reminder"]) == ("highest", 30)


async def test_a_category_arrives_by_name(met: Firm) -> None:
    """A category that both CRMs know is found by its name."""
    met.edit("capsule", "Ring Bob", category="Meeting")
    await met.sync()
    assert met.everywhere("Ring Bob", "category") == {"capsule": "Meeting", "onlyoffice": "Meeting"}

    met.edit("onlyoffice", "Ring Bob", category="Email")
    await met.sync()
    assert met.everywhere("Ring Bob", "category") == {"capsule": "Email", "onlyoffice": "Email"}


async def test_a_category_unknown_there_is_left_and_said_once(met: Firm) -> None:
    """ONLYOFFICE has no Milestone: it keeps what it has, takes its default on create, and the log says so once."""
    met.edit("capsule", "Ring Bob", category="Milestone")
    met.world.capsule.add(title="Sign", due="2026-03-21", category="Milestone")
    met.log.lines.clear()

    await met.sync()

    assert met.everywhere("Ring Bob", "category") == {"capsule": "Milestone", "onlyoffice": "Call"}
    assert met.everywhere("Sign", "category") == {"capsule": "Milestone", "onlyoffice": "Call"}
    assert met.log.events("gap_found") == [{"connection": "onlyoffice", "field": "category", "value": "Milestone"}]
    met.forget_requests()
    await met.sync()
    assert met.writes() == []


async def test_disjoint_edits_of_one_task_are_all_kept(met: Firm) -> None:
    """Edited in three CRMs between two polls, each time another field: all edits are everywhere, without a conflict."""
    met.edit("onlyoffice", "Ring Bob", due="2026-04-02")
    met.edit("capsule", "Ring Bob", body="Ask for Jo.")
    met.edit("plannr", "Ring Bob", title="Ring Bob again")

    done = await met.sync()

    assert met.everywhere("Ring Bob again", "due") == dict.fromkeys(CRMS, date(2026, 4, 2))
    assert met.everywhere("Ring Bob again", "body") == dict.fromkeys(CRMS, "Ask for Jo.")
    assert done.conflicts == ()


@pytest.mark.parametrize(("first", "second"), [("capsule", "plannr"), ("plannr", "capsule")])
async def test_the_later_of_two_edits_wins_and_the_other_is_in_the_history(met: Firm, first: str, second: str) -> None:
    """One field edited in two CRMs: the later stamp wins whichever CRM it is in, and the loser is kept
    in the history.
    """
    met.edit(first, "Ring Bob", body="first")
    met.clock.tick(seconds=30)
    met.edit(second, "Ring Bob", body="second")

    done = await met.sync()

    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "second")
    (conflict,) = done.conflicts
    assert (conflict.winner, conflict.winner_connection) == ("second", second)
    assert (conflict.loser, conflict.loser_connection) == ("first", first)
    lost = [(one.old, one.new) for one in met.history("Ring Bob") if one.reason.startswith("conflict")]
    assert lost == [("first", "second")]
    assert met.conflicts() == list(done.conflicts)


async def test_a_tie_is_decided_by_the_order_of_the_config(met: Firm) -> None:
    """Two edits with the same stamp: the connection that the config names first wins."""
    task = met.task("capsule", "Ring Bob")["id"], met.task("plannr", "Ring Bob")["id"]
    met.clock.tick(seconds=30)
    met.crms["plannr"].edit(task[1], body="Plannr's")
    met.crms["capsule"].edit(task[0], body="Capsule's")

    await met.sync()

    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Capsule's")


async def test_a_crm_without_stamps_is_estimated(met: Firm) -> None:
    """ONLYOFFICE tells no time of change: the middle between two polls is taken, and marked as estimated."""
    met.edit("onlyoffice", "Ring Bob", body="from ONLYOFFICE")
    await met.sync()
    version = met.record("Ring Bob").versions["body"]
    assert version.estimated
    assert version.connection == "onlyoffice"


async def test_a_clock_that_is_hours_off_does_not_decide(met: Firm) -> None:
    """Plannr's clock runs three hours ahead: a later edit in Capsule wins all the same."""
    met.world.plannr.settings.clock_offset_s = 3 * 3600
    met.edit("plannr", "Ring Bob", body="earlier")
    met.clock.tick(seconds=30)
    met.edit("capsule", "Ring Bob", body="later")

    await met.sync()

    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "later")


async def test_a_quiet_cycle_only_reads(met: Firm) -> None:
    """Without edits a cycle sends no write, and reads nothing but lists."""
    for _ in range(3):
        await met.sync()
    assert met.writes() == []
    single = [one for crm in met.crms.values() for one in crm.requests if one.path.rsplit("/", 1)[-1].isdigit()]
    assert single == []


async def test_our_own_writes_are_no_changes(met: Firm) -> None:
    """After a cycle with writes, the next one finds no change, sends nothing, and the record's versions stay (I4)."""
    met.edit("plannr", "Ring Bob", body="edited", due=datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    await met.sync()
    before = met.record("Ring Bob")
    met.forget_requests()

    await met.sync()

    assert met.record("Ring Bob") == before
    assert met.writes() == []


async def test_a_dry_run_tells_the_plan_and_writes_nothing(met: Firm) -> None:
    """The plan of a dry run is what the next cycle does; neither the CRMs nor the mirror it was given change."""
    met.edit("capsule", "Ring Bob", body="new", done=True)
    before = met.record("Ring Bob")

    planned = await met.sync(dry_run=True, mirror=copied(met))
    assert met.writes() == []
    assert met.record("Ring Bob") == before
    done = await met.sync()

    assert planned.plan is not None
    assert sorted((one.connection, str(one.action)) for one in planned.plan) == [
        ("onlyoffice", "complete"),
        ("onlyoffice", "update"),
        ("plannr", "complete"),
        ("plannr", "update"),
    ]
    tallies = [(one.name, one.tally.updated, one.tally.completed) for one in done.members]
    assert tallies == [(one.name, one.tally.updated, one.tally.completed) for one in planned.members]


async def test_only_leaves_the_others_out_until_they_are_asked(met: Firm) -> None:
    """With --only, what another connection has to get waits for it, and it is not even spoken to."""
    met.edit("capsule", "Ring Bob", body="new")

    await met.sync(only=["capsule", "plannr"])
    assert met.everywhere("Ring Bob", "body")["onlyoffice"] == "About the boiler."
    assert met.world.onlyoffice.requests == []

    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "new")


async def test_a_missing_default_holds_the_record_for_that_connection_only(firm: Firm) -> None:
    """Plannr's task has no due date and ONLYOFFICE no default for it: held there with what to do, created elsewhere."""
    office = firm.settings["onlyoffice"]
    options = type(office.options).model_validate({"defaults": {"category": "Call"}})
    firm.settings["onlyoffice"] = _with_options(office, options)
    firm.world.plannr.add(title="No day")

    done = await firm.sync()

    assert (done.exit_code, firm.titles("onlyoffice"), firm.titles("capsule")) == (4, [], ["No day"])
    (hold,) = firm.holds()
    assert "due" in hold.message
    assert "connections.onlyoffice.defaults" in hold.message

    firm.settings["onlyoffice"] = office
    assert (await firm.sync()).exit_code == 0
    assert firm.titles("onlyoffice") == ["No day"]
    assert firm.holds() == []


async def test_a_default_stands_in_and_does_not_spread(firm: Firm) -> None:
    """The due date that ONLYOFFICE had to be given stays there: Plannr's task remains without one."""
    firm.world.plannr.add(title="No day")
    await firm.sync()
    await firm.sync()
    assert firm.everywhere("No day", "due")["plannr"] is None
    assert firm.everywhere("No day", "due")["onlyoffice"] == date(2026, 3, 17)


async def test_a_title_over_255_characters_is_cut_only_where_it_must_be(met: Firm) -> None:
    """ONLYOFFICE stores 255 characters of a title; the others keep all of it, now and later (I10)."""
    long = "Prepare " + "the very long review " * 15
    met.world.capsule.add(title=long.strip(), due="2026-03-25")

    for _ in range(3):
        await met.sync()

    assert met.task("onlyoffice", long)["title"] == long[:255]
    assert met.task("capsule", long)["title"] == long.strip()


@pytest.mark.parametrize("crm", CRMS)
async def test_unicode_arrives_as_it_was_typed(met: Firm, crm: str) -> None:
    """Accents, other scripts, quotes and markup characters survive in every CRM, and stay."""
    title, body = 'Müller & Söhne <"Łukasz"> 日本株式', "Zoë's\ttab\n\n- “quoted” & <b>not bold</b>\nend"
    met.crms[crm].add(title=title, body=body, due="2026-03-25", category="Call")

    await met.sync()
    met.forget_requests()
    await met.sync()

    assert met.everywhere(title, "title") == dict.fromkeys(CRMS, title)
    assert met.everywhere(title, "body") == dict.fromkeys(CRMS, body)
    assert met.writes() == []


async def test_emoji_are_replaced_only_where_they_cannot_be_stored(met: Firm) -> None:
    """ONLYOFFICE would cut a text at an emoji; it gets a replacement character, and the others keep the emoji."""
    met.world.capsule.add(title="Party 🎉 on Friday", body="Bring 🎂 please", due="2026-03-27")
    for _ in range(3):
        await met.sync()
    assert met.task("plannr", "Party 🎉 on Friday")["body"] == "Bring 🎂 please"
    assert met.task("onlyoffice", "Party 🎉 on Friday")["title"] == "Party \ufffd on Friday"
    assert met.task("onlyoffice", "Party 🎉 on Friday")["body"] == "Bring \ufffd please"


@pytest.mark.parametrize("crm", CRMS)
@pytest.mark.parametrize(
    "due",
    [
        date(2026, 3, 29),
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        date(2026, 10, 25),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 2, 30, tzinfo=UTC),
        datetime(2026, 7, 1, 22, 59, 59, tzinfo=UTC),
    ],
    ids=str,
)
async def test_days_and_instants_survive_daylight_saving(met: Firm, crm: str, due: date) -> None:
    """All-day dates stay dates and instants stay the same instants, also on the days when London's clocks change."""
    met.edit(crm, "Ring Bob", due=due)
    for _ in range(2):
        await met.sync()
    assert met.everywhere("Ring Bob", "due") == dict.fromkeys(CRMS, due)


async def test_all_day_and_timed_are_told_apart(met: Firm) -> None:
    """A day becomes an instant and a day again when a person says so, and never by itself."""
    for due in (datetime(2026, 3, 20, 14, 0, tzinfo=UTC), date(2026, 3, 20)):
        met.edit("capsule", "Ring Bob", due=due)
        await met.sync()
        assert met.everywhere("Ring Bob", "due") == dict.fromkeys(CRMS, due)


async def test_a_deletion_in_one_crm_is_carried_out_in_the_others(met: Firm) -> None:
    """A task that a person deleted in one CRM is deleted in the others, and its record is kept."""
    met.crms["plannr"].remove(met.task("plannr", "Ring Bob")["id"])
    done = await met.sync()
    assert [met.titles(crm) for crm in CRMS] == [[], [], []]
    assert {one.name: one.tally.deleted for one in done.members} == {"onlyoffice": 1, "capsule": 1, "plannr": 0}
    assert done.exit_code == 0


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
@pytest.mark.parametrize("crm", CRMS)
async def test_absence_without_a_clear_answer_is_no_deletion(met: Firm, crm: str, status: int) -> None:
    """The listing lacks a task, and the direct read says anything but that it does not exist: nothing is deleted until
    it does (I5).
    """
    met.crms[crm].remove(met.task(crm, "Ring Bob")["id"])
    met.crms[crm].faults.add("status", method="GET", path=r"/tasks?/[0-9a-f-]{2,}$", status=status, times=50)
    others = [other for other in CRMS if other != crm]
    await met.sync()
    assert [met.titles(other) for other in others] == [["Ring Bob"]] * 2

    met.crms[crm].faults.clear()
    await met.sync()
    assert [met.titles(other) for other in others] == [[], []]


async def test_an_edit_beats_a_deletion(met: Firm) -> None:
    """Deleted in one CRM and edited in another since: the task is created again where it was deleted (I11)."""
    met.crms["plannr"].remove(met.task("plannr", "Ring Bob")["id"])
    met.edit("capsule", "Ring Bob", body="still needed")

    await met.sync()
    await met.sync()

    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "still needed")


async def test_deletions_in_bulk_are_held_and_release_themselves(met: Firm) -> None:
    """More than max_deletes vanish at once: nothing is deleted, the exit code is 4; when they are back,
    the hold goes.
    """
    met.world.capsule.fill(20)
    await met.sync()
    gone = [task for task in met.world.plannr.tasks() if task["title"].startswith("Review")][:12]
    for task in gone:
        met.world.plannr.remove(task["id"])

    held = await met.sync()
    assert held.exit_code == 4
    assert len(met.world.capsule.tasks()) == 21

    allowed = await met.sync(policy=replace(met.policy, allow_deletes=True))
    assert allowed.exit_code == 0
    assert len(met.world.capsule.tasks()) == len(met.world.onlyoffice.tasks()) == 9


async def test_kept_deletions_stay_where_they_were_made(met: Firm) -> None:
    """With `deletions: keep` a task deleted in one CRM stays in the others, and is not created again."""
    keep = replace(met.policy, deletions="keep")
    met.crms["plannr"].remove(met.task("plannr", "Ring Bob")["id"])
    for _ in range(3):
        done = await met.sync(policy=keep)
        assert done.exit_code == 0
    assert met.titles("plannr") == []
    assert met.titles("capsule") == met.titles("onlyoffice") == ["Ring Bob"]


def _with_options(settings: Any, options: Any) -> Any:
    return replace(settings, options=options)


async def test_emptied_everywhere_is_fine(met: Firm) -> None:
    """Every task deleted in every CRM by its people: nothing is left to delete anywhere, so nothing is held."""
    met.world.capsule.fill(30)
    await met.sync()
    for crm in met.crms.values():
        for task in crm.tasks():
            crm.remove(task["id"])
    done = await met.sync()
    assert (done.exit_code, met.records()) == (0, [])
    assert met.writes()
    met.forget_requests()
    await met.sync()
    assert met.writes() == []


async def test_a_changed_scope_never_deletes(met: Firm) -> None:
    """A login with fewer rights sees fewer tasks: nothing is deleted elsewhere, now or later; seen
    again, they go on.
    """
    for number in range(3):
        met.world.capsule.add(title=f"Task {number}", due="2026-03-25")
    await met.sync()
    before = met.titles("capsule")

    rows = met.world.plannr._rows
    hidden = dict(rows)
    rows.clear()
    met.world.plannr.settings.has_write_permission = False
    for _ in range(3):
        assert (await met.sync()).exit_code == 0
    assert met.titles("capsule") == met.titles("onlyoffice") == before

    rows.update(hidden)
    met.world.plannr.settings.has_write_permission = True
    met.edit("capsule", "Task 1", body="edited meanwhile")
    await met.sync()
    assert met.everywhere("Task 1", "body") == dict.fromkeys(CRMS, "edited meanwhile")
    assert met.titles("plannr") == before


async def test_our_own_clock_set_back_does_not_decide(met: Firm) -> None:
    """Our machine's clock jumps back by hours: the edit made after that still wins over the one before."""
    met.edit("capsule", "Ring Bob", body="before")
    await met.sync()
    met.clock.tick(hours=-3)
    for crm in met.crms.values():
        crm.settings.clock_offset_s = 3 * 3600
    met.edit("plannr", "Ring Bob", body="after")
    await met.sync()
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "after")


async def test_what_is_written_to_and_fro_is_stopped(met: Firm) -> None:
    """Two CRMs whose automations undo each other's titles: after a few cycles nothing is written any more, and it is
    held.
    """
    for _ in range(12):
        met.clock.tick(seconds=5)
        for crm, change in (("onlyoffice", str.upper), ("plannr", str.lower)):
            task = met.task(crm, "Ring Bob")
            if task["title"] != change(task["title"]):
                met.crms[crm].edit(task["id"], title=change(task["title"]))
        await met.sync()
    assert {hold.reason for hold in met.holds()} == {HoldReason.OSCILLATING}
    met.forget_requests()
    done = await met.sync()
    assert (done.exit_code, met.writes()) == (4, [])


async def test_a_person_who_changes_their_mind_often_is_not_stopped(met: Firm) -> None:
    """A different text in each of many cycles is no oscillation."""
    for number in range(8):
        met.edit("capsule", "Ring Bob", body=f"Version {number}")
        assert (await met.sync()).exit_code == 0
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "Version 7")


async def test_a_page_that_cannot_be_read_does_not_stop_the_writing(met: Firm) -> None:
    """One broken page of Plannr's listing: the connection is incomplete, nothing is deleted, and edits
    still arrive there (I8).
    """
    for crm in met.crms.values():
        crm.fill(600)
    await met.sync()
    met.world.plannr.faults.add("status", method="GET", path=r"page=2\b", times=None, status=500)
    met.edit("capsule", "Ring Bob", body="arrives all the same")

    done = await met.sync()

    (plannr,) = [member for member in done.members if member.name == "plannr"]
    assert (str(plannr.state), done.exit_code) == ("incomplete", 1)
    assert met.task("plannr", "Ring Bob")["body"] == "arrives all the same"
    assert len(met.world.capsule.tasks()) == 601
