"""Records with everything that their CRM can attach to one, as people make them, for what must not be lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from firm import CLIENT

from tasksync.sandbox.onlyoffice.people import ME
from tasksync.sandbox.plannr.initial import CASE, CASE_TYPE, COLLEAGUE, EMPLOYEE, PLAN
from tasksync.sandbox.world import World

BEN = "b1f5d8a0-3c62-47be-8a19-6e0f94c7d302"
ACCOUNTANTS = "4e7d0b52-9c63-4d0e-8f11-2ab06f3c7d01"
TIMED = datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
WORDS: Mapping[str, Any] = MappingProxyType({"title": "Quarterly “review” <Q2>", "body": "Ask for:\n\n- rates\n- Bob"})
TITLE = "Pension “transfer” <2026>"

# --- tasks ---


def office_task(world: World) -> str:
    link = {"type": "case", "id": "8"}
    about = {"owner": "Ben Osei", "contact": 17, "link": link}
    return world.onlyoffice.add(**WORDS, due=TIMED, category="Deal", reminder=30, **about)


def capsule_task(world: World) -> str:
    about = {"owner": "b.osei", "link": {"type": "party", "id": "302"}}
    return world.capsule.add(**WORDS, due=TIMED, category="Meeting", **about)


def plannr_task_for_one(world: World) -> str:
    firm = world.plannr
    parent = firm.add(title="Onboarding")
    about = {"owner": "Ben Osei", "link": {"type": "case", "id": CASE}}
    made = firm.add(**WORDS, due=TIMED, priority="high", parent=parent, **about)
    row = firm.row(made)
    assert row is not None
    custom = (("sync_ref", "T-1"), ("favourite_pet", "Dog"))
    firm.change(row, {"is_recurring": True, "frequency": "weekly", "custom": custom})
    return made


def plannr_task(world: World) -> str:
    made = plannr_task_for_one(world)
    world.plannr.edit(made, assignees=[COLLEAGUE, EMPLOYEE])
    return made


# --- cases ---


def office_case(world: World) -> str:
    office = world.onlyoffice
    made = office.shelf("case").add(title=TITLE, members=["17"], access=[BEN, ME.id])
    row = office.case(int(made))
    assert row is not None
    office.store_case(replace(row, custom=((5, "EMEA"),)))
    return made


def capsule_case(world: World) -> str:
    capsule = world.capsule
    links = {"contact": "302", "opportunity": "88"}
    made = capsule.shelf("case").add(title=TITLE, body="From the old\n\nprovider", links=links, assignees=["78"])
    row = capsule.kase(int(made))
    assert row is not None
    capsule.store_kase(replace(row, team=12))
    return made


def plannr_case(world: World) -> str:
    firm = world.plannr
    made = firm.shelf("case").add(title=TITLE, members=[CLIENT], assignees=[COLLEAGUE], links={"plan": PLAN})
    row = firm.case_row(made)
    assert row is not None
    firm.keep_case(replace(row, participants=(*row.participants, ACCOUNTANTS), type=CASE_TYPE, value=150_000))
    return made
