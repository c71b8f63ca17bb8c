"""Whatever happens to the sync that follows a link or an unlink: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import date
from itertools import count

import pytest
from linkage import mistaken, say_apart, say_one, two_records
from lying import Fate, Killed, LyingFirm, Moment, known_values, lying_firm

from tasksync.core.record import Value

CRMS = ("onlyoffice", "capsule", "plannr")


def sync_until_quiet(firm: LyingFirm) -> None:
    asyncio.run(firm.sync())
    report = asyncio.run(firm.sync())
    assert (report.exit_code, firm.holds(), firm.outbox()) == (0, [], [])
    firm.forget_requests()
    asyncio.run(firm.sync())
    assert firm.writes() == []


def same_everywhere(firm: LyingFirm) -> list[list[tuple[Value, ...]]]:
    """Title, text, day and state of all tasks, in each CRM."""
    return [
        sorted((task["title"], task["body"], task["due"], task["done"]) for task in crm.tasks())
        for crm in firm.crms.values()
    ]


def linked_firm() -> LyingFirm:
    firm = lying_firm("v2")
    ours, theirs = asyncio.run(two_records(firm, title="Ring Ann", body="About the tap."))
    say_one(firm, ours, theirs)
    return firm


def unlinked_firm() -> LyingFirm:
    firm = lying_firm("v2")
    reference = asyncio.run(mistaken(firm))
    asyncio.run(firm.sync())
    say_apart(firm, reference)
    return firm


@pytest.mark.parametrize("moment", ["after request", "before commit"])
def test_a_sync_killed_after_a_link_loses_and_doubles_nothing(moment: Moment) -> None:
    """Killed at every request and every commit of the sync that carries the link out: one task in the end, with all
    that was written in either current or in the history.
    """
    for at in count(1):
        firm, fate = linked_firm(), Fate(moment=moment, at=at)
        with suppress(Killed):
            asyncio.run(firm.sync(fate=fate))
        sync_until_quiet(firm)
        assert same_everywhere(firm) == [[("Ring Ann", "About the tap.", date(2026, 3, 21), False)]] * 3
        known = known_values(firm.mirror)["Ring", "title"], known_values(firm.mirror)["Ring", "body"]
        assert set(known[0]) >= {"Ring Bob", "Ring Ann"}
        assert set(known[1]) >= {"About the boiler.", "About the tap."}
        firm.mirror.close()
        if not fate.dead:
            break
    assert at > 5


@pytest.mark.parametrize("moment", ["after request", "before commit"])
def test_a_sync_killed_after_an_unlink_loses_and_doubles_nothing(moment: Moment) -> None:
    """Killed at every request and every commit of the sync that completes both records: two tasks in each CRM."""
    task = ("ring bob", "The tap.", date(2026, 3, 20), False)
    for at in count(1):
        firm, fate = unlinked_firm(), Fate(moment=moment, at=at)
        with suppress(Killed):
            asyncio.run(firm.sync(fate=fate))
        sync_until_quiet(firm)
        assert same_everywhere(firm) == [[task, task]] * 3
        assert len(firm.records()) == 2
        assert "The boiler." in known_values(firm.mirror)["ring", "body"]
        firm.mirror.close()
        if not fate.dead:
            break
    assert at > 5


@pytest.mark.parametrize("crm", CRMS)
@pytest.mark.parametrize("fault", ["lose_before", "lose_after"])
def test_answers_lost_after_a_link_lose_and_double_nothing(crm: str, fault: str) -> None:
    """Every write to one CRM gets no answer once, carried out or not: one task in the end, the same everywhere."""
    firm = linked_firm()
    for method in ("POST", "PUT", "PATCH"):
        firm.crms[crm].faults.add(fault, method=method, path="task")
    asyncio.run(firm.sync())
    firm.crms[crm].faults.clear()
    sync_until_quiet(firm)
    assert same_everywhere(firm) == [[("Ring Ann", "About the tap.", date(2026, 3, 21), False)]] * 3
    firm.mirror.close()


@pytest.mark.parametrize("crm", CRMS)
def test_a_link_reaches_a_crm_that_was_down(crm: str) -> None:
    """What a CRM has to get of the linked task waits for it, and a person's edit there meanwhile is not lost."""
    firm = linked_firm()
    firm.down = frozenset({crm})
    for _ in range(2):
        asyncio.run(firm.sync())
    firm.down = frozenset()
    sync_until_quiet(firm)
    assert same_everywhere(firm) == [[("Ring Ann", "About the tap.", date(2026, 3, 21), False)]] * 3
    firm.mirror.close()
