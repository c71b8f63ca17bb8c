"""The lens laws of core/lens.py for every field of a case, over all that the CRM can show and all that we hold."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.connectors.onlyoffice.case_mapping import create_body, lenses, observe, update_body
from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.core.lens import KEEP
from tasksync.core.record import CASE, Value, identical
from tasksync.core.reference import Counterpart

PORTAL = Portal(connection="office", zone=ZoneInfo("Europe/London"), categories={})
FIELDS = [spec.name for spec in CASE.fields]

# Few ids, so that two of others often correspond to the same of ours.
OWN = ["office:contact:17", "office:contact:22", "office:contact:3"]
OTHERS = ["capsule:contact:7", "capsule:contact:8", "advisers:contact:8c2b", "capsule:person:7"]
TEXTS = st.text(max_size=40) | st.builds(str.__mul__, st.text(min_size=1, max_size=3), st.integers(250, 260))
CANONICAL: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS.map(lambda text: text.replace("\r", "\n")),
    "closed": st.booleans(),
    "members": st.lists(st.sampled_from([*OWN, *OTHERS]), unique=True).map(tuple),
}
COUNTERPARTS = st.fixed_dictionaries(
    dict.fromkeys(OTHERS, st.none() | st.sampled_from([*OWN, "office:contact:not-a-number", "office:person:17"]))
)
PAYLOADS = st.fixed_dictionaries(
    {"id": st.integers(1, 2**31 - 1), "isPrivate": st.just(False)},
    optional={
        "title": st.text(st.characters(), max_size=300),
        "isClosed": st.booleans(),
        "members": st.lists(st.sampled_from([{"id": 17}, {"id": 22}, {"id": 3}])),
    },
)


@st.composite
def tables(draw: st.DrawFn) -> Counterpart:
    """What we may know of whom others refer to: our own always, of theirs any part, in any way."""
    table = draw(COUNTERPARTS)
    return lambda reference: reference if reference.startswith("office:") else table[reference]


@pytest.mark.parametrize("field", FIELDS)
@given(st.data())
def test_put_get(field: str, data: st.DataObject) -> None:
    """An edit made in ONLYOFFICE arrives as it was made, in a form that the core accepts: get(put(r, c, h), r) == r."""
    lens = lenses(PORTAL, data.draw(tables()))[field]
    values, before = (observe(data.draw(PAYLOADS), PORTAL).values for _ in range(2))
    if field in values:
        CASE.field(field).check(values[field])
        became = lens.put(values[field], data.draw(CANONICAL[field]), before.get(field))
        assert identical(lens.get(became, values[field]), values[field])


@pytest.mark.parametrize("field", FIELDS)
@given(st.data())
def test_get_put(field: str, data: st.DataObject) -> None:
    """What we wrote ourselves is no edit, however much ONLYOFFICE cannot store of it: put(get(c, h), c, h) == c."""
    lens = lenses(PORTAL, data.draw(tables()))[field]
    ours, held = data.draw(CANONICAL[field]), observe(data.draw(PAYLOADS), PORTAL).values.get(field)
    shown = lens.get(ours, held)
    if shown is not KEEP:
        CASE.field(field).check(shown)
        assert identical(lens.put(shown, ours, held), ours)
        assert identical(lens.put(shown, ours), ours)
        assert identical(lens.get(ours, shown), shown)


@given(st.data())
def test_our_own_write_reads_back_as_what_was_written(data: st.DataObject) -> None:
    """A server that keeps what a create or an update sends shows the very forms again."""
    forms: dict[str, Value] = {"title": "t"}
    for name, lens in lenses(PORTAL, data.draw(tables())).items():
        shown = lens.get(data.draw(CANONICAL[name]))
        if name != "closed" and shown is not KEEP:
            forms[name] = shown
    body = create_body(forms)
    stored = {
        "id": 7,
        "title": body["title"],
        "isPrivate": body["isPrivate"],
        "members": [{"id": number} for number in body.get("members", [])],
    }
    assert {**observe(stored, PORTAL).values} == {"members": (), **forms}
    again = update_body(stored, forms, user="u-1")
    assert (again["title"], again["members"]) == (body["title"], body.get("members", []))
