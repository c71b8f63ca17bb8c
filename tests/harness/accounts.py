"""The accounts of the conformance suite: each connector in each shape in which its CRM comes.

An arrangement says what a CRM, a protocol or a switch of the sandbox makes different, so that the tests need not: which
fields it has to offer, what it tells of a task, where a page ends. A new connector joins the suite by one more of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from firm import CLIENT

from tasksync.core.record import Values
from tasksync.sandbox.world import World

EMPLOYEE = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
TIMED = datetime(2026, 6, 10, 13, 30, tzinfo=UTC)
WORDS: Mapping[str, Any] = MappingProxyType({"title": "Quarterly “review” <Q2>", "body": "Ask for:\n\n- rates\n- Bob"})


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """`switches` are settings of the sandbox. `fields`: those that need a lens, each with the columns of the sandbox's
    row that it may change; `stamps` the columns that any write may move. `base`: the least that a create needs.
    `listing` and `creating` are patterns of paths. `first_page`: with so many open tasks the listing takes a second
    request. `tells`: the stamps in its observations. `needs_defaults`: no create goes without what the config adds.
    `kept`: fields that a create can do without, and an update cannot empty.
    """

    name: str
    type: str
    fields: Mapping[str, frozenset[str]]
    stamps: frozenset[str]
    base: Values
    furnish: Callable[[World], str]
    listing: str
    creating: str
    unknown_id: str
    user: str
    first_page: int
    many: int
    zone: str = "Europe/London"
    tells: frozenset[str] = frozenset({"created", "modified"})
    tells_done: bool = True
    needs_defaults: bool = False
    kept: frozenset[str] = frozenset()
    credentials: Mapping[str, str] = field(default_factory=lambda: {"token": "sandbox"})
    options: Mapping[str, Any] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def lists_finished(self) -> bool:
        """A CRM that does not say whether a task is done lists only those that are not."""
        return self.tells_done


def _columns(**names: str) -> Mapping[str, frozenset[str]]:
    return MappingProxyType({name: frozenset(columns.split()) for name, columns in names.items()})


# --- a task with everything that its CRM can attach to one, as people make them ---


def _furnish_office(world: World) -> str:
    link = {"type": "case", "id": "8"}
    about = {"owner": "Ben Osei", "contact": 17, "link": link}
    return world.onlyoffice.add(**WORDS, due=TIMED, category="Deal", reminder=30, **about)


def _furnish_capsule(world: World) -> str:
    about = {"owner": "b.osei", "link": {"type": "party", "id": "302"}}
    return world.capsule.add(**WORDS, due=TIMED, category="Meeting", **about)


def _furnish_plannr(world: World) -> str:
    firm = world.plannr
    parent = firm.add(title="Onboarding")
    about = {"owner": "Ben Osei", "link": {"type": "case", "id": "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"}}
    made = firm.add(**WORDS, due=TIMED, priority="high", parent=parent, **about)
    row = firm.row(made)
    assert row is not None
    rest = {"is_recurring": True, "frequency": "weekly", "custom": (("sync_ref", "T-1"), ("favourite_pet", "Dog"))}
    firm.change(row, {**rest, "assignees": (*row.assignees, EMPLOYEE)})
    return made


# --- the arrangements ---

_DUE = date(2026, 3, 20)

_OFFICE = Arrangement(
    name="onlyoffice",
    type="onlyoffice",
    fields=_columns(
        title="title", body="description", due="deadline", done="closed", category="category", reminder="alert"
    ),
    stamps=frozenset({"modified"}),
    base={"title": "Ring Bob", "due": _DUE, "category": "Call"},
    furnish=_furnish_office,
    listing=r"/crm/task/filter\?",
    creating=r"/crm/task$",
    unknown_id="99999",
    user="0a77c2e4-5b1d-4c8e-9f30-2d6b8a41e501",
    first_page=1,  # open and closed tasks are listed apart
    many=1001,
    tells=frozenset({"created"}),
    options={"defaults": {"category": "Call", "due": "+7d"}},
)

_CAPSULE_V2 = Arrangement(
    name="capsule-v2",
    type="capsule",
    fields=_columns(
        title="description", body="detail", due="due", done="status completed completed_by", category="category"
    ),
    stamps=frozenset({"updated"}),
    base={"title": "Ring Bob", "due": _DUE},
    furnish=_furnish_capsule,
    listing=r"/api/v2/tasks\?",
    creating=r"/api/v2/tasks$",
    unknown_id="99999",
    user="77",
    first_page=101,
    many=201,
    options={"api": "v2", "defaults": {"category": "Call", "due": "+7d"}},
)

_CAPSULE_V1 = replace(
    _CAPSULE_V2,
    name="capsule-v1-2017",
    listing=r"/api/tasks\?",
    creating=r"/api/task$",
    first_page=1,
    options={"api": "v1", "defaults": {"category": "Call", "due": "+7d"}},
)

_CAPSULE_2012 = replace(
    _CAPSULE_V1,
    name="capsule-v1-2012",
    fields={name: columns for name, columns in _CAPSULE_V1.fields.items() if name != "body"},
    tells=frozenset(),
    tells_done=False,
    switches={"generation": "2012"},
)

_PLANNR = Arrangement(
    name="plannr",
    type="plannr",
    fields=_columns(
        title="name", body="description", due="due", done="status completed completed_by", priority="priority"
    ),
    stamps=frozenset({"updated"}),
    base={"title": "Ring Bob"},
    furnish=_furnish_plannr,
    listing=r"/api/v1/task\?",
    creating=r"/api/v1/task$",
    unknown_id="00000000-0000-4000-8000-000000000000",
    user=EMPLOYEE,
    first_page=501,
    many=1001,
    needs_defaults=True,
    kept=frozenset({"priority"}),
    options={"defaults": {"status": "To do", "link": {"type": "client", "id": CLIENT}}},
)

PROTOCOLS = (
    _OFFICE,
    replace(_OFFICE, name="onlyoffice-password", credentials={"username": "sandbox", "password": "sandbox"}),
    _CAPSULE_V1,
    _CAPSULE_2012,
    _CAPSULE_V2,
    _PLANNR,
)
"""Each protocol and each way to sign in once."""

VARIANTS = (
    # The clocks of Havana change at midnight: one midnight is missing, another comes twice.
    replace(_OFFICE, name="onlyoffice-havana", zone="America/Havana", switches={"zone": "America/Havana"}),
    replace(
        _CAPSULE_V1,
        name="capsule-v1-new-york",
        zone="America/New_York",
        switches={
            "zone": "America/New_York",
            "v1_most": 30,
            "v1_both_dues": "refuse",
            "v1_unknown_category": "refuse",
        },
    ),
    replace(
        _CAPSULE_V2,
        name="capsule-v2-new-york",
        zone="America/New_York",
        switches={"zone": "America/New_York", "v2_order": "id", "v2_no_change_put": "moves", "v2_pending": "as_open"},
    ),
    replace(
        _PLANNR,
        name="plannr-otherwise",
        switches={
            "single_wrap": "data",
            "due_at_format": "iso-offset",
            "assigned_to_shape": "single",
            "offset_input": "convert",
            "missing_account_header": 422,
            "per_page_over_max": "refuse",
            "next_link_keeps_query": True,
            "default_includes": "present",
            "assignee_change_touches_updated_at": True,
            "delete_status": 200,
            "second_login": True,
        },
    ),
)
"""What else an account can be like: it matters for values, hardly for what goes wrong on the way."""

ARRANGEMENTS = (*PROTOCOLS, *VARIANTS)

BY_TOKEN = tuple(one for one in ARRANGEMENTS if "token" in one.credentials)
"""The same without those that only sign in differently: what is written does not depend on that."""

DIALECTS = tuple(one for one in BY_TOKEN if one in PROTOCOLS and one.tells_done)
"""One for each protocol, in its usual form: where faults are concerned, the rest is the same."""
