"""The accounts of the conformance suite once more, for cases; and all of them together."""

from __future__ import annotations

from dataclasses import replace

import furnishing
from accounts import PROTOCOLS, TASKS, Arrangement, columns, references
from firm import CLIENT

from tasksync.core.record import CASE

ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"

_OF_TASKS = {one.name: one for one in PROTOCOLS}

_OFFICE = replace(
    _OF_TASKS["onlyoffice"],
    name="onlyoffice-case",
    kind=CASE,
    fields=columns(title="title", closed="closed", members="members"),
    base={"title": "Ring Bob"},
    least={"title": "Ring Bob"},
    furnish=furnishing.office_case,
    listing=r"/crm/case/filter\?",
    creating=r"/crm/case$",
    referring={"members": references("contact:17 contact:22", "contact:31", "contact:22 contact:31")},
    kept=frozenset({"members"}),
)

_CAPSULE_V2 = replace(
    _OF_TASKS["capsule-v2"],
    name="capsule-v2-case",
    kind=CASE,
    fields=columns(title="name", closed="status closed", members="party"),
    base={"title": "Ring Bob", "members": ("office:contact:302",)},
    least={"title": "Ring Bob", "links": {"contact": "302"}},
    furnish=furnishing.capsule_case,
    listing=r"/api/v2/kases\?",
    creating=r"/api/v2/kases$",
    referring={"members": references("contact:302", "contact:311", "contact:305")},
    no_default=frozenset({"title", "members"}),
    kept=frozenset(),
)

_CAPSULE_V1 = replace(
    _CAPSULE_V2,
    name="capsule-v1-2017-case",
    listing=r"/api/kase\?",
    creating=r"/api/party/\d+/kase$",
    first_page=1,
    fixed=frozenset(),
    person_id="username",
    options=_OF_TASKS["capsule-v1-2017"].options,
)

# Of cases, all servers tell the state.
_CAPSULE_2012 = replace(_CAPSULE_V1, name="capsule-v1-2012-case", switches=_OF_TASKS["capsule-v1-2012"].switches)

_PLANNR = replace(
    _OF_TASKS["plannr"],
    name="plannr-case",
    kind=CASE,
    fields=columns(title="name", closed="completed status", members="participants"),
    base={"title": "Ring Bob", "members": (f"office:contact:{CLIENT}",)},
    least={"title": "Ring Bob"},
    furnish=furnishing.plannr_case,
    listing=r"/api/v1/cases\?",
    creating=r"/api/v1/cases$",
    referring={"members": references(f"contact:{CLIENT}", f"contact:{CLIENT} contact:{ZOE}", f"contact:{ZOE}")},
    needs_defaults=False,
    kept=frozenset(),
)

CASES = (_OFFICE, _CAPSULE_V1, _CAPSULE_2012, _CAPSULE_V2, _PLANNR)
"""One for each protocol."""

ARRANGEMENTS: tuple[Arrangement, ...] = (*TASKS, *CASES)

BY_TOKEN = tuple(one for one in ARRANGEMENTS if "token" in one.credentials)
"""The same without those that only sign in differently: what is written does not depend on that."""

USUAL = tuple(one for one in BY_TOKEN if one in PROTOCOLS or one in CASES)
"""Each kind of each protocol once."""

DIALECTS = tuple(one for one in USUAL if not one.switches)
"""The same in their usual form: where faults are concerned, the rest is the same."""
