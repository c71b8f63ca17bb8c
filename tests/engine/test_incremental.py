"""Polls of what has changed, between complete ones: what they cost, and what they must not decide."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from firm import Firm

from tasksync.engine.member import Policy

LISTING = {"capsule": "/api/v2/tasks", "plannr": "/api/v1/task"}
STAMPED = ("capsule", "plannr")
"""The CRMs that can tell what has changed; of Capsule's protocols, v2."""


@pytest.fixture
def api() -> str:
    return "v2"


@pytest.fixture
async def swept(met: Firm) -> Firm:
    """250 tasks in step, beside "Ring Bob"; from now on complete listings are due once an hour."""
    for crm in met.crms.values():
        crm.fill(250)
    await met.sync()
    met.policy = Policy(full_sweep=timedelta(hours=1))
    met.forget_requests()
    return met


def listings(firm: Firm, crm: str) -> int:
    """How many pages of the listing were asked for."""
    return sum(one.method == "GET" and one.path.split("?")[0].endswith(LISTING[crm]) for one in firm.crms[crm].requests)


@pytest.mark.parametrize("crm", STAMPED)
async def test_a_quiet_poll_costs_one_page(swept: Firm, crm: str) -> None:
    """Where nothing has changed for a while, a poll between two complete ones reads one page, and hardly a task."""
    swept.clock.tick(minutes=30)
    await swept.sync()
    swept.forget_requests()
    report = await swept.sync()
    (member,) = [one for one in report.members if one.name == crm]
    assert listings(swept, crm) == 1
    assert (member.looked, member.complete, report.exit_code) == (True, False, 0)


@pytest.mark.parametrize("crm", STAMPED)
async def test_an_edit_and_a_new_task_arrive_without_a_complete_listing(swept: Firm, crm: str) -> None:
    """What was edited, finished or added since the last poll is found in it."""
    swept.clock.tick(minutes=20)
    await swept.sync()
    swept.edit(crm, "Ring Bob", body="Now about the roof.", done=True)
    swept.crms[crm].add(title="Ring Ann", due=date(2026, 4, 1))
    report = await swept.sync()
    assert not any(one.complete for one in report.members if one.name == crm)
    assert set(swept.everywhere("Ring Bob", "body").values()) == {"Now about the roof."}
    assert set(swept.everywhere("Ring Bob", "done").values()) == {True}
    assert set(swept.everywhere("Ring Ann", "due").values()) == {date(2026, 4, 1)}


@pytest.mark.parametrize("crm", STAMPED)
async def test_a_deletion_is_noticed_by_the_next_complete_listing(swept: Firm, crm: str) -> None:
    """What is missing from a list of changes is not missing: the task is deleted elsewhere once all were listed."""
    swept.crms[crm].remove(swept.task(crm, "Ring Bob")["id"])
    await swept.sync()
    others = [name for name in swept.crms if name != crm]
    assert all("Ring Bob" in swept.titles(other) for other in others)
    swept.clock.tick(hours=1)
    await swept.sync()
    assert not any("Ring Bob" in swept.titles(other) for other in others)


@pytest.mark.parametrize("crm", STAMPED)
async def test_what_moved_no_stamp_is_found_by_the_next_complete_listing(swept: Firm, crm: str) -> None:
    """Some changes do not move the CRM's stamp: they arrive with the next complete listing."""
    swept.clock.tick(minutes=20)
    await swept.sync()
    task = swept.task(crm, "Ring Bob")
    swept.clock.tick(seconds=5)
    swept.crms[crm].edit(task["id"], body="Unseen.", modified=swept.clock.now() - timedelta(days=2))
    await swept.sync()
    assert swept.record("Ring Bob").value("body") == "About the boiler."
    swept.clock.tick(hours=1)
    await swept.sync()
    assert set(swept.everywhere("Ring Bob", "body").values()) == {"Unseen."}
