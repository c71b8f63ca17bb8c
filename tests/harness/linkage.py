"""Tasks that are one and look like two, and the other way round, and the person who says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from firm import Firm

from tasksync.core.record import Record, Replica, Value
from tasksync.engine.desk import find
from tasksync.engine.linking import DeskContext, Linked, link
from tasksync.engine.unlinking import Unlinked, unlink
from tasksync.ports import HoldReason

CREATES = r"/tasks?$"


def context(firm: Firm, **groups: Sequence[str]) -> DeskContext:
    firm.clock.tick(seconds=5)
    now = firm.clock.now()
    return DeskContext(
        groups=groups or {"all": list(firm.settings)},
        horizon=now - firm.policy.completed_horizon,
        now=now,
        run="desk",
        new_id=lambda: next(firm.ids),
    )


def say_one(firm: Firm, *references: str) -> Linked:
    with firm.mirror.begin() as unit:
        return link(unit, references, context(firm))


def say_apart(firm: Firm, reference: str) -> Unlinked:
    with firm.mirror.begin() as unit:
        return unlink(unit, reference, context(firm))


def replicas(firm: Firm, record_id: str) -> dict[str, Replica]:
    with firm.mirror.begin() as unit:
        return dict(unit.replicas_of([record_id])[record_id])


def task_ids(firm: Firm, crm: str) -> list[str]:
    return [task["id"] for task in firm.crms[crm].tasks()]


def record_of(firm: Firm, reference: str) -> Record:
    with firm.mirror.begin() as unit:
        return find(unit, reference)


def history_of(firm: Firm, record_id: str) -> list[tuple[str, Value, Value, str]]:
    with firm.mirror.begin() as unit:
        return [(one.field, one.old, one.new, one.reason) for one in unit.revisions(record_id)]


def refuse_creates(firm: Firm) -> None:
    """From now on no CRM takes a new task from us."""
    for crm in firm.crms.values():
        crm.faults.add("status", method="POST", path=CREATES, status=422, times=None)


def take_creates(firm: Firm) -> None:
    for crm in firm.crms.values():
        crm.faults.clear()


async def converged(firm: Firm, *titles: str) -> None:
    """After two syncs every CRM has just these tasks, and the third sync writes nothing."""
    await firm.sync()
    done = await firm.sync()
    assert (done.exit_code, firm.holds(), firm.outbox()) == (0, [], [])
    assert {crm: firm.titles(crm) for crm in firm.crms} == {crm: sorted(titles) for crm in firm.crms}
    firm.forget_requests()
    assert (await firm.sync()).exit_code == 0
    assert firm.writes() == []


async def two_records(firm: Firm, **second: Any) -> tuple[str, str]:
    """One task in ONLYOFFICE and, ten minutes later, another in Capsule: two records, as no CRM takes a new task just
    now. What they are called on the command line.
    """
    ours = firm.crms["onlyoffice"].add(title="Ring Bob", body="About the boiler.", due="2026-03-20", category="Call")
    firm.clock.tick(minutes=10)
    theirs = firm.crms["capsule"].add(**{"title": "Call Bob", "due": "2026-03-21", "category": "Call", **second})
    refuse_creates(firm)
    await firm.sync()
    take_creates(firm)
    return f"onlyoffice:{ours}", f"capsule:{theirs}"


async def look_alikes(firm: Firm) -> tuple[str, str, str]:
    """One task in ONLYOFFICE and two in Capsule look the same; they are held. The first is a record."""
    ours = firm.crms["onlyoffice"].add(title="Ring Bob", body="", due="2026-03-20", category="Call")
    firm.clock.tick(minutes=10)
    first, second = (
        firm.crms["capsule"].add(title=title, body=title, due="2026-03-20", category="Call")
        for title in ("Ring Bob", "ring  bob")
    )
    assert (await firm.sync()).exit_code == 4
    assert {hold.reason for hold in firm.holds()} == {HoldReason.AMBIGUOUS}
    return f"onlyoffice:{ours}", f"capsule:{first}", f"capsule:{second}"


async def mistaken(firm: Firm) -> str:
    """Two tasks, taken for one at the first meeting. What the second is called on the command line."""
    firm.crms["onlyoffice"].add(title="Ring Bob", body="The boiler.", due="2026-03-20", category="Call")
    firm.clock.tick(minutes=10)
    firm.crms["capsule"].add(title="ring bob", body="The tap.", due="2026-03-20", category="Call")
    assert (await firm.sync()).exit_code == 0
    return f"capsule:{task_ids(firm, 'capsule')[0]}"
