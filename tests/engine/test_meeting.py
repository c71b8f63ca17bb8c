"""The first meeting of accounts, and what looks like one later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from firm import Firm, copied

from tasksync.engine.member import Policy
from tasksync.ports import HoldReason
from tasksync.store.opening import open_mirror

CRMS = ("onlyoffice", "capsule", "plannr")


def everywhere(firm: Firm) -> dict[str, list[str]]:
    return {crm: firm.titles(crm) for crm in firm.crms}


def in_all(*titles: str) -> dict[str, list[str]]:
    return {crm: list(titles) for crm in CRMS}


async def test_the_same_task_typed_in_three_crms_becomes_one(firm: Firm) -> None:
    """Same title but for case and spaces, same day, same state: one record, one task in each CRM, later text wins."""
    firm.world.onlyoffice.add(title="Ring Bob", body="", due="2026-03-20")
    firm.world.capsule.add(title="ring  bob ", body="older", due="2026-03-20")
    firm.clock.tick(minutes=5)
    firm.world.plannr.add(title="Ring Bob", body="newer", due="2026-03-20")

    done = await firm.sync()

    assert done.exit_code == 0
    assert [len(crm.tasks()) for crm in firm.crms.values()] == [1, 1, 1]
    assert len(firm.records()) == 1
    assert firm.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "newer")
    assert "older" in [one.old for one in firm.history("Ring Bob")]


async def test_another_day_is_another_task(firm: Firm) -> None:
    """The same title on another day is copied, not matched."""
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20")
    firm.world.capsule.add(title="Ring Bob", due="2026-03-21")
    await firm.sync()
    assert everywhere(firm) == in_all("Ring Bob", "Ring Bob")


async def test_an_instant_matches_the_day_it_falls_on(firm: Firm) -> None:
    """Half past midnight in London's summer is the day before in UTC; the day is taken by the CRM's own clocks."""
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-06-20")
    firm.world.capsule.add(title="Ring Bob", due="2026-06-19T23:30:00Z")
    await firm.sync()
    assert everywhere(firm) == in_all("Ring Bob")


@pytest.mark.parametrize(("here", "there"), [(1, 2), (2, 1), (2, 2)])
async def test_what_is_ambiguous_is_held_and_neither_guessed_nor_copied(firm: Firm, here: int, there: int) -> None:
    """A title that occurs twice on either side is held on both; everything else goes on."""
    for _ in range(here):
        firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20")
    for _ in range(there):
        firm.world.capsule.add(title="Ring Bob", due="2026-03-20")
    firm.world.capsule.add(title="Other", due="2026-03-20")
    del firm.settings["plannr"]

    for _ in range(3):
        done = await firm.sync()
        assert done.exit_code == 4
        assert firm.titles("onlyoffice") == ["Other"] + ["Ring Bob"] * here
        assert firm.titles("capsule") == ["Other"] + ["Ring Bob"] * there
    assert {hold.reason for hold in firm.holds()} == {HoldReason.AMBIGUOUS}


async def test_an_ambiguity_that_a_person_resolves_releases_itself(firm: Firm) -> None:
    """Once one of two look-alikes is renamed, the others are matched, the renamed one is copied, and the hold goes."""
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20")
    first = firm.world.capsule.add(title="Ring Bob", due="2026-03-20")
    firm.world.capsule.add(title="Ring Bob", due="2026-03-20")
    del firm.settings["plannr"]
    await firm.sync()

    firm.clock.tick(seconds=5)
    firm.world.capsule.edit(first, title="Ring Bob's wife")
    done = await firm.sync()

    assert (done.exit_code, firm.holds()) == (0, [])
    assert firm.titles("onlyoffice") == firm.titles("capsule") == ["Ring Bob", "Ring Bob's wife"]


async def test_done_here_and_open_there_is_held(firm: Firm) -> None:
    """Title and day agree and the state does not: the same task or another one, a person has to say."""
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20")
    task = firm.world.capsule.add(title="Ring Bob", due="2026-03-20")
    firm.world.capsule.edit(task, done=True)
    del firm.settings["plannr"]
    done = await firm.sync()
    assert done.exit_code == 4
    assert [len(crm.tasks()) for crm in firm.crms.values()] == [1, 1]


async def test_tasks_completed_long_ago_are_not_copied_until_reopened(firm: Firm) -> None:
    """Beyond completed_horizon a completed task stays where it is until it is reopened; within it, it is copied."""
    old = firm.world.plannr.add(title="Old", due="2026-01-05")
    firm.world.plannr.edit(old, done=True, modified=firm.clock.now() - timedelta(days=40))
    firm.world.plannr.add(title="Recent", due="2026-03-05")
    firm.edit("plannr", "Recent", done=True)

    await firm.sync()
    assert everywhere(firm) == {"onlyoffice": ["Recent"], "capsule": ["Recent"], "plannr": ["Old", "Recent"]}

    firm.edit("plannr", "Old", done=False)
    await firm.sync()
    assert everywhere(firm) == in_all("Old", "Recent")


async def test_first_sync_copy_matches_nothing(firm: Firm) -> None:
    """With `first_sync: copy` every task is taken for a new one."""
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20")
    firm.world.capsule.add(title="Ring Bob", due="2026-03-20")
    policy = Policy(first_sync="copy", full_sweep=timedelta(0))
    for _ in range(2):
        await firm.sync(policy=policy)
    assert everywhere(firm) == in_all("Ring Bob", "Ring Bob")


async def test_a_connection_that_joins_later_is_matched_then(firm: Firm) -> None:
    """A connection added to a group in step brings its own tasks, finds its counterparts, and gets the rest."""
    plannr = firm.settings.pop("plannr")
    firm.world.onlyoffice.add(title="Both", due="2026-03-20")
    firm.world.capsule.add(title="Capsule's", due="2026-03-21")
    await firm.sync()
    firm.settings["plannr"] = plannr
    firm.world.plannr.add(title="Both", due="2026-03-20")
    firm.world.plannr.add(title="Plannr's", due="2026-03-22")

    done = await firm.sync()

    assert done.exit_code == 0
    assert everywhere(firm) == in_all("Both", "Capsule's", "Plannr's")


async def test_a_connection_whose_first_listing_fails_joins_when_it_is_complete(firm: Firm) -> None:
    """Half a snapshot is no first meeting: nothing is created in it before a whole one was matched."""
    firm.world.onlyoffice.add(title="Ring Bob", due="2026-03-20")
    firm.world.plannr.add(title="Ring Bob", due="2026-03-20")
    firm.world.plannr.faults.add("status", method="GET", path="/task", times=None, status=503)

    failed = await firm.sync()
    assert failed.exit_code == 1
    assert len(firm.world.plannr.tasks()) == 1
    assert firm.titles("capsule") == ["Ring Bob"]

    firm.world.plannr.faults.clear()
    assert (await firm.sync()).exit_code == 0
    assert everywhere(firm) == in_all("Ring Bob")


async def test_the_same_new_task_typed_in_two_crms_between_two_polls_is_one(met: Firm) -> None:
    """Old habits: a person types a new task into two CRMs within a minute. It is linked, not doubled."""
    met.world.capsule.add(title="Order letterhead", due="2026-03-25")
    met.world.plannr.add(title="Order letterhead", due="2026-03-25", body="500 sheets")
    await met.sync()
    await met.sync()
    assert everywhere(met) == in_all("Order letterhead", "Ring Bob")
    assert met.everywhere("Order letterhead", "body") == dict.fromkeys(CRMS, "500 sheets")


async def test_two_tasks_alike_in_one_crm_stay_two(met: Firm) -> None:
    """Two tasks of one title and day, made in one CRM after the first meeting, are two everywhere."""
    for _ in range(2):
        met.world.capsule.add(title="Order letterhead", due="2026-03-25")
    await met.sync()
    await met.sync()
    assert everywhere(met) == in_all("Order letterhead", "Order letterhead", "Ring Bob")


async def test_a_lost_mirror_leads_to_matching_and_not_to_copies(met: Firm) -> None:
    """Without its mirror tasksync meets the accounts anew: nothing is doubled, deleted or cut."""
    long = "Prepare " + "the very long review " * 15
    met.world.capsule.add(title=long.strip(), due="2026-03-25", body="b")
    met.world.plannr.add(title="Party 🎉", due="2026-03-27", priority="low")
    await met.sync()
    before = everywhere(met)

    met.mirror.close()
    met.mirror = open_mirror("sqlite://")
    await met.sync()
    done = await met.sync()

    assert everywhere(met) == before
    assert (done.exit_code, len(met.records())) == (0, 3)


async def test_an_older_mirror_doubles_nothing(met: Firm) -> None:
    """A mirror restored from a backup does not know what was synced since: what it finds is matched, not copied."""
    backup = copied(met)
    met.world.capsule.add(title="After the backup", due="2026-03-25")
    met.world.plannr.add(title="So was this", body="text", due="2026-03-26")
    await met.sync()
    met.edit("plannr", "Ring Bob", body="edited after the backup")
    await met.sync()
    before = everywhere(met)

    met.mirror.close()
    met.mirror = backup
    await met.sync()
    done = await met.sync()

    assert everywhere(met) == before
    assert done.exit_code == 0
    assert met.everywhere("Ring Bob", "body") == dict.fromkeys(CRMS, "edited after the backup")
