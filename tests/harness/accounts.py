"""The accounts of the conformance suite: each connector in each shape in which its CRM comes, for tasks.

An arrangement says what a CRM, a protocol, a kind of record or a switch of the sandbox makes different, so that the
tests need not: which fields it has to offer, what it tells of a record, where a page ends. A new connector joins the
suite by one more of them. Those for cases are in `case_accounts`.

The connection is always called `office`, so that the references in these values are its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import furnishing
from firm import CLIENT
from furnishing import BEN

from tasksync.core.record import TASK, Kind, Values
from tasksync.sandbox.onlyoffice.people import ME
from tasksync.sandbox.plannr.initial import CASE, COLLEAGUE, EMPLOYEE, PLAN
from tasksync.sandbox.world import World


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """`switches` are settings of the sandbox. `fields`: those that need a lens, each with the columns of the sandbox's
    row that it may change; `stamps` the columns that any write may move. `base`: the least that a create needs, and
    `least` what a person gives for the least of records. `listing` and `creating` are patterns of paths. `first_page`:
    with so many open records the listing takes a second request. `tells`: the stamps in its observations.
    `needs_defaults`: no create goes without what the config adds. `no_default`: fields that a create needs, and for
    which the config has none. `kept`: fields that a create can do without, and an update cannot empty. `fixed`: those
    that only a create can set.

    `referring`: of the fields that refer to something, all sorts of values that the CRM can hold; the last of each is
    another one than in a record of `furnish`. `person_id`: what of a person stands in references.
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
    referring: Mapping[str, Sequence[tuple[str, ...]]]
    kind: Kind = TASK
    least: Mapping[str, Any] = field(default_factory=lambda: {"title": "Ring Bob", "due": "2026-03-20"})
    person_id: str = "id"
    zone: str = "Europe/London"
    tells: frozenset[str] = frozenset({"created", "modified"})
    tells_done: bool = True
    needs_defaults: bool = False
    no_default: frozenset[str] = frozenset({"title"})
    kept: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    credentials: Mapping[str, str] = field(default_factory=lambda: {"token": "sandbox"})
    options: Mapping[str, Any] = field(default_factory=dict)
    switches: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def lists_finished(self) -> bool:
        """A CRM that does not say whether a task is done lists only those that are not."""
        return self.tells_done

    @property
    def state(self) -> str:
        """The field that says whether a record is finished."""
        return self.kind.state


def columns(**names: str) -> Mapping[str, frozenset[str]]:
    """By field, those of the sandbox's rows."""
    return MappingProxyType({name: frozenset(found.split()) for name, found in names.items()})


def references(*values: str) -> tuple[tuple[str, ...], ...]:
    """Each value as its references, without the name of the connection and with blanks between them."""
    return tuple(tuple(f"office:{one}" for one in value.split()) for value in values)


# --- the arrangements ---

_DUE = date(2026, 3, 20)

_OFFICE = Arrangement(
    name="onlyoffice",
    type="onlyoffice",
    fields=columns(
        title="title",
        body="description",
        due="deadline",
        done="closed",
        category="category",
        assignees="responsible",
        links="contact entity entity_type",
        reminder="alert",
    ),
    stamps=frozenset({"modified"}),
    base={"title": "Ring Bob", "due": _DUE, "category": "Call"},
    furnish=furnishing.office_task,
    listing=r"/crm/task/filter\?",
    creating=r"/crm/task$",
    unknown_id="99999",
    user="0a77c2e4-5b1d-4c8e-9f30-2d6b8a41e501",
    first_page=1,  # open and closed tasks are listed apart
    many=1001,
    referring={
        "assignees": references(f"person:{BEN}", f"person:{ME.id}"),
        "links": references(
            "",
            "contact:17",
            "case:8",
            "opportunity:4",
            "case:9 contact:17",
            "case:9 contact:22",
            "contact:31 opportunity:4",
        ),
    },
    tells=frozenset({"created"}),
    kept=frozenset({"assignees"}),
    options={"defaults": {"category": "Call", "due": "+7d"}},
)

_CAPSULE_V2 = Arrangement(
    name="capsule-v2",
    type="capsule",
    fields=columns(
        title="description",
        body="detail",
        due="due",
        done="status completed completed_by",
        category="category",
        assignees="owner",
        links="about",
    ),
    stamps=frozenset({"updated"}),
    base={"title": "Ring Bob", "due": _DUE},
    furnish=furnishing.capsule_task,
    listing=r"/api/v2/tasks\?",
    creating=r"/api/v2/tasks$",
    unknown_id="99999",
    user="77",
    first_page=101,
    many=201,
    referring={
        "assignees": references("person:78", "person:77"),
        "links": references("", "contact:305", "case:640", "contact:311", "opportunity:88"),
    },
    kept=frozenset({"assignees"}),
    options={"api": "v2", "defaults": {"category": "Call", "due": "+7d"}},
)

_CAPSULE_V1 = replace(
    _CAPSULE_V2,
    name="capsule-v1-2017",
    listing=r"/api/tasks\?",
    creating=r"/api/task$",
    first_page=1,
    referring={**_CAPSULE_V2.referring, "assignees": references("person:b.osei", "person:sandbox")},
    person_id="username",
    fixed=frozenset({"links"}),
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
    fields=columns(
        title="name",
        body="description",
        due="due",
        done="status completed completed_by",
        priority="priority",
        assignees="assignees",
        links="taskable_type taskable",
    ),
    stamps=frozenset({"updated"}),
    base={"title": "Ring Bob", "links": (f"office:contact:{CLIENT}",)},
    furnish=furnishing.plannr_task,
    listing=r"/api/v1/task\?",
    creating=r"/api/v1/task$",
    unknown_id="00000000-0000-4000-8000-000000000000",
    user=EMPLOYEE,
    first_page=501,
    many=1001,
    referring={
        "assignees": references(
            "", f"person:{COLLEAGUE}", f"person:{EMPLOYEE} person:{COLLEAGUE}", f"person:{EMPLOYEE}"
        ),
        "links": references(f"contact:{CLIENT}", f"case:{CASE}", f"employee:{COLLEAGUE}", f"plan:{PLAN}"),
    },
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
        furnish=furnishing.plannr_task_for_one,
        # Of several assignees such a server would show one.
        referring={**_PLANNR.referring, "assignees": references("", f"person:{COLLEAGUE}", f"person:{EMPLOYEE}")},
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

TASKS = (*PROTOCOLS, *VARIANTS)
