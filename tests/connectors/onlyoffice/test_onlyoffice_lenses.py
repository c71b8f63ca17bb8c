"""The lens laws of core/lens.py for every field of ONLYOFFICE, over all that the CRM can show and all that we hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.connectors.onlyoffice.mapping import Portal, create_body, lenses, observe, update_body
from tasksync.connectors.onlyoffice.references import LOST_USER, NOBODY
from tasksync.core.lens import KEEP, Shown
from tasksync.core.record import TASK, Value
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON, PLAN, Counterpart

ZONES = [ZoneInfo(key) for key in ("Europe/London", "America/Havana", "Asia/Kathmandu", "UTC")]
CATEGORIES = {"Call": 30, "call": 31, "Straße": 32, "Follow-up": 33}
# One for another name, one for a name that differs only in case, one for an own name, one that leads nowhere.
ALIASES = {"lunch": "Follow-up", "strasse": "Call", "call": "Follow-up", "dinner": "Party", "phone call": "CALL"}
FIELDS = sorted(spec.name for spec in TASK.fields if spec.name != "priority")
USER = "b1f50000-1111-4222-8333-444444444444"

# Few ids, so that two of others often correspond to the same of ours.
OWN = {
    PERSON: ["office:person:0a77", "office:person:b1f5"],
    CONTACT: ["office:contact:17", "office:contact:22"],
    OPPORTUNITY: ["office:opportunity:4"],
    CASE: ["office:case:8", "office:case:9"],
    PLAN: [],
}
OTHERS = {type_: [f"capsule:{type_}:7", f"capsule:{type_}:8", f"advisers:{type_}:8c2b"] for type_ in OWN}
LINKS = [one for type_ in (CONTACT, OPPORTUNITY, CASE, PLAN) for one in (*OWN[type_], *OTHERS[type_])]

# Around the days on which clocks change in these zones, all-day dates and instants, besides any at all.
CHANGES = [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2026, 11, 1)]
NEAR = st.builds(
    lambda day, minutes: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-36 * 4, 36 * 4).map(lambda quarters: quarters * 15),
)
INSTANTS = NEAR | st.datetimes(timezones=st.just(UTC))
DAYS = st.sampled_from(CHANGES) | st.dates()
TEXTS = st.text(max_size=40) | st.builds(str.__mul__, st.text(min_size=1, max_size=3), st.integers(250, 260))
LONG_TEXTS = st.builds(
    str.__mul__, st.sampled_from(["x", "é", "\u20ac", "\U0001f389", "a\n"]), st.integers(21840, 65540)
)
# Offsets of whole minutes, which is what the portal can print.
MODERN = st.dates(date(1980, 1, 1), date(2100, 1, 1))
MODERN_INSTANTS = NEAR | st.builds(
    lambda day, second: datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second),
    MODERN,
    st.integers(0, 86_399),
)
MODERN_DUE = st.sampled_from(CHANGES) | MODERN | MODERN_INSTANTS


def lines(text: str) -> str:
    return text.replace("\r", "\n")


CANONICAL: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS.map(lines),
    "body": (TEXTS | LONG_TEXTS).map(lines),
    "due": st.none() | DAYS | INSTANTS,
    "done": st.booleans(),
    "category": st.none()
    | st.sampled_from([*ALIASES, "CALL", "call", "STRASSE", "Lunch"])
    | st.text(min_size=1, max_size=5),
    "assignees": st.lists(st.sampled_from([*OWN[PERSON], *OTHERS[PERSON]]), unique=True).map(tuple),
    "links": st.sets(st.sampled_from(LINKS), max_size=6).map(lambda found: tuple(sorted(found))),
    "reminder": st.none() | st.integers(min_value=1),
}
COUNTERPARTS = st.fixed_dictionaries(
    {
        one: st.none() | st.sampled_from([*OWN[type_], f"office:{type_}:not-a-number"])
        for type_, found in OTHERS.items()
        for one in found
    }
)
PAYLOADS = st.fixed_dictionaries(
    {"id": st.integers(0, 2**31 - 1)},
    optional={
        "title": st.text(st.characters(), max_size=300),
        "description": st.text(st.characters(), max_size=300) | LONG_TEXTS,
        "isClosed": st.just(True),
        "alertValue": st.integers(-(2**31), 2**31 - 1),
        "category": st.sampled_from([{"title": title, "id": number} for title, number in CATEGORIES.items()]),
        "responsible": st.sampled_from([{"id": "0a77"}, {"id": "B1F5"}, {"id": LOST_USER}, {"id": NOBODY}]),
        "contact": st.sampled_from([{"id": 17}, {"id": 22}]),
        "entity": st.sampled_from(
            [
                {"entityType": "case", "entityId": 8},
                {"entityType": "opportunity", "entityId": 4},
                {"entityType": "invoice", "entityId": 3},
            ]
        ),
    },
)


def printed(moment: datetime, zone: ZoneInfo) -> str:
    """As the portal prints a moment (protocols/onlyoffice.md, 3)."""
    local = moment.astimezone(zone)
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H:%M:%S}.0000000" + ("Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}")


@st.composite
def portals(draw: st.DrawFn) -> Portal:
    zone = draw(st.sampled_from(ZONES))
    return Portal(connection="office", zone=zone, categories=CATEGORIES, aliases=ALIASES)


@st.composite
def tables(draw: st.DrawFn) -> Counterpart:
    """What we may know of whom and what others refer to: our own always, of theirs any part, in any way."""
    table = draw(COUNTERPARTS)
    return lambda reference: reference if reference.startswith("office:") else table[reference]


@st.composite
def seen_values(draw: st.DrawFn, portal: Portal) -> dict[str, Value]:
    """What a listing can show."""
    payload = draw(PAYLOADS)
    deadline = draw(st.none() | MODERN_INSTANTS)
    if deadline is not None:
        payload["deadLine"] = printed(deadline, portal.zone)
    return dict(observe(payload, portal).values)


def identical(left: Shown, right: Shown) -> bool:
    return left == right and type(left) is type(right)


@pytest.mark.parametrize("field", FIELDS)
@given(st.data())
def test_put_get(field: str, data: st.DataObject) -> None:
    """An edit made in ONLYOFFICE arrives as it was made: get(put(r, c), r) == r."""
    portal = data.draw(portals())
    lens = lenses(portal, data.draw(tables()))[field]
    values, ours = data.draw(seen_values(portal)), data.draw(CANONICAL[field])
    if field in values:
        assert identical(lens.get(lens.put(values[field], ours), values[field]), values[field])


@pytest.mark.parametrize("field", FIELDS)
@given(st.data())
def test_get_put(field: str, data: st.DataObject) -> None:
    """What we wrote ourselves is no edit, however much ONLYOFFICE cannot store of it: put(get(c), c) == c."""
    portal = data.draw(portals())
    lens = lenses(portal, data.draw(tables()))[field]
    ours, held = data.draw(CANONICAL[field]), data.draw(seen_values(portal)).get(field)
    shown = lens.get(ours, held)
    if shown is not KEEP:
        assert identical(lens.put(shown, ours), ours)
        assert identical(lens.get(shown, held), shown)


@pytest.mark.parametrize("field", FIELDS)
@given(st.data())
def test_what_was_seen_is_canonical(field: str, data: st.DataObject) -> None:
    """Whatever the CRM shows is a value that the core accepts."""
    values = data.draw(seen_values(data.draw(portals())))
    if field in values:
        TASK.field(field).check(values[field])


@given(st.data())
def test_our_own_write_reads_back_as_what_was_written(data: st.DataObject) -> None:
    """A server that keeps what a create or an update sends shows the very forms again, on every day of the year."""
    portal = data.draw(portals())
    own = (f"office:person:{USER}",)
    forms: dict[str, Value] = {"title": "t", "due": date(2026, 3, 10), "category": "Call", "assignees": own}
    for name, lens in lenses(portal, data.draw(tables())).items():
        shown = lens.get(data.draw(MODERN_DUE if name == "due" else CANONICAL[name]))
        if name != "done" and shown is not KEEP:
            forms[name] = shown
    body = create_body(forms, portal, user=NOBODY)
    contact, entity = body.get("contactId", 0), body.get("entityId", 0)
    stored = {
        "id": 7,
        "title": body["title"],
        "description": body.get("description", ""),
        "deadLine": printed(datetime.fromisoformat(body["deadline"]), portal.zone),
        "alertValue": body.get("alertValue", 0),
        "category": {"title": next(title for title, n in CATEGORIES.items() if n == body["categoryId"]), "id": 1},
        "responsible": {"id": body["responsibleId"]},
        **({"contact": {"id": contact}} if contact else {}),
        **({"entity": {"entityType": body["entityType"], "entityId": entity}} if entity else {}),
    }
    assert {**observe(stored, portal).values} == {"body": "", "reminder": None, "done": False, "links": (), **forms}
    again = update_body({**stored, "category": {"id": body["categoryId"]}}, forms, portal)
    assert again["deadline"] == body["deadline"]
    assert (again["responsibleid"], again["contactid"], again["entityid"]) == (body["responsibleId"], contact, entity)
