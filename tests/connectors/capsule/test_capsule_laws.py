"""The lens laws, for every field of both versions, with the forms that Capsule can show made by reading payloads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasksync.connectors.capsule import v1_mapping, v1_xml, v2_mapping
from tasksync.connectors.capsule.v1_mapping import Generation
from tasksync.connectors.capsule.v2_mapping import Zones
from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import TASK, Value

LONDON, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
CATEGORIES = ("Call", "Send", "call", "Straße", "E-mail\u2028x")
ONE_ZONE = Zones(own=LONDON)
ZONES = Zones(own=LONDON, owners={77: LONDON, 78: NEW_YORK, 79: LORD_HOWE})
# One for another name, one for a name that differs only in case, one for an own name, one that leads nowhere.
ALIASES = {"lunch": "Send", "strasse": "Call", "call": "Send", "dinner": "Party", "phone call": "CALL"}
# What is called what in the connection "crm"; two of the people are one, and what is not here is not known there.
KNOWN = {
    "office:person:anna": "crm:person:77",
    "advisers:person:anna": "crm:person:77",
    "office:person:ben": "crm:person:78",
    "office:contact:1": "crm:contact:5520",
    "office:opportunity:2": "crm:opportunity:12",
    "office:case:3": "crm:case:640",
}


def counterpart(reference: str) -> str | None:
    return reference if reference.startswith("crm:") else KNOWN.get(reference)


V1 = v1_mapping.lenses(CATEGORIES, Generation.LATE, counterpart, aliases=ALIASES)
V2 = v2_mapping.lenses(CATEGORIES, ZONES, counterpart, aliases=ALIASES)
V2_ONE_ZONE = v2_mapping.lenses(CATEGORIES, ONE_ZONE, counterpart)
IDS = {name: number for number, name in enumerate(CATEGORIES, start=31)}

# Nights on which clocks change, around which wall clocks are missing or come twice.
NIGHTS = (
    datetime(2025, 3, 9, 7, tzinfo=UTC),
    datetime(2025, 3, 30, 1, tzinfo=UTC),
    datetime(2025, 4, 5, 15, tzinfo=UTC),
    datetime(2025, 10, 4, 15, 30, tzinfo=UTC),
    datetime(2025, 10, 26, 1, tzinfo=UTC),
    datetime(2025, 11, 2, 6, tzinfo=UTC),
)
awkward = st.text(st.sampled_from("a \t\n\x00\x0b\x1f\x85\u2028\u2029\ufffe\ud800\U0001f600<&>]\"'"))
canonical_text = st.one_of(st.text(), st.text(st.characters(exclude_categories=())), awkward).map(
    lambda value: value.replace("\r", "\n")
)
xml_char = st.one_of(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF), st.sampled_from("\t\r\n\u2028\U0001f600<&>")
)
near_a_change = st.builds(
    lambda night, seconds, micros: night + timedelta(seconds=seconds, microseconds=micros),
    st.sampled_from(NIGHTS),
    st.integers(-9000, 9000),
    st.sampled_from([0, 1, 999_999]),
)
moments = st.one_of(near_a_change, st.datetimes(timezones=st.just(UTC)))
dues = st.one_of(st.none(), st.dates(), moments)
names = st.one_of(
    st.none(), st.sampled_from([*CATEGORIES, *ALIASES, "CALL", "sEND", "STRASSE", "Lunch"]), st.text(min_size=1)
)
people = [name for name in (*KNOWN, *KNOWN.values()) if ":person:" in name]
several_people = st.lists(st.sampled_from([*people, "office:person:stranger"]), unique=True).map(tuple)
linked = [name for name in (*KNOWN, *KNOWN.values()) if ":person:" not in name]
unknown = ["office:contact:4", "office:opportunity:5", "office:case:6", "advisers:plan:7", "advisers:employee:8"]
several_links = st.sets(st.sampled_from([*linked, *unknown])).map(lambda found: tuple(sorted(found)))
canonical: Mapping[str, st.SearchStrategy[Value]] = {
    "title": canonical_text,
    "body": canonical_text,
    "due": dues,
    "done": st.booleans(),
    "category": names,
    "assignees": several_people,
    "links": several_links,
}


def v1_shows(due: str, link: str, **texts: str) -> Mapping[str, Value]:
    """What the connector reads of a v1 task with these texts on the wire."""
    inside = "".join(f"<{name}>{escape(text, {chr(13): '&#xD;'})}</{name}>" for name, text in texts.items())
    task = v1_xml.parse(f"<task><id>1</id>{inside}{due}{link}</task>".encode())
    return v1_mapping.read_task(task, Generation.LATE, "crm").values


def v2_shows(zones: Zones, **task: Any) -> Mapping[str, Value]:
    """What the connector reads of a v2 task with these keys on the wire."""
    return v2_mapping.read_task({"id": 1, **task}, zones, "crm").values


v1_dues = st.one_of(
    st.dates().map(lambda day: f"<dueDate>{day.isoformat()}T00:00:00Z</dueDate>"),
    moments.map(lambda found: f"<dueDateTime>{found.replace(microsecond=0, tzinfo=None).isoformat()}Z</dueDateTime>"),
)
v1_remote = st.builds(
    v1_shows,
    v1_dues,
    st.sampled_from(["", "<partyId>9</partyId>", "<opportunityId>12</opportunityId>", "<caseId>640</caseId>"]),
    description=st.text(xml_char, min_size=1),
    detail=st.text(xml_char),
    status=st.sampled_from(["OPEN", "COMPLETED"]),
    category=st.sampled_from(["", *CATEGORIES]),
    owner=st.sampled_from(["77", "78", "79", ""]),
)
v2_links = st.builds(
    lambda key, number: {"party": None, "opportunity": None, "kase": None, key: number and {"id": number}},
    st.sampled_from(["party", "opportunity", "kase"]),
    st.sampled_from([None, 9, 12, 640, 5520]),
)
wall_clocks = st.one_of(
    st.none(),
    st.times().map(lambda clock: clock.replace(microsecond=0).isoformat()),
    st.builds("{:02}:{:02}".format, st.integers(0, 3), st.integers(0, 59)),
)
days = st.one_of(
    st.sampled_from([night.date().isoformat() for night in NIGHTS] + ["2025-10-05", "2025-04-06"]),
    st.dates(date(2, 1, 1), date(9998, 12, 31)).map(date.isoformat),
)


def v2_remote(zones: Zones) -> st.SearchStrategy[Mapping[str, Value]]:
    return st.builds(
        lambda links, **task: v2_shows(zones, **links, **task),
        v2_links,
        description=st.one_of(st.text(min_size=1), awkward.filter(bool)),
        detail=st.one_of(st.none(), st.text(), awkward),
        dueOn=days,
        dueTime=wall_clocks,
        owner=st.sampled_from([None, {"id": 77}, {"id": 78}, {"id": 79}]),
        status=st.sampled_from(["OPEN", "COMPLETED", "PENDING"]),
        category=st.one_of(st.none(), st.sampled_from(CATEGORIES).map(lambda name: {"id": 1, "name": name})),
    )


def identical(left: object, right: object) -> bool:
    return left == right and type(left) is type(right)


VERSIONS = pytest.mark.parametrize(
    ("lenses", "remote"),
    [(V1, v1_remote), (V2, v2_remote(ZONES)), (V2_ONE_ZONE, v2_remote(ONE_ZONE))],
    ids=["v1", "v2", "v2-one-zone"],
)
FIELDS = pytest.mark.parametrize("name", canonical)


@VERSIONS
@FIELDS
@given(data=st.data())
def test_put_get(
    name: str, lenses: Mapping[str, Lens], remote: st.SearchStrategy[Mapping[str, Value]], data: st.DataObject
) -> None:
    """What Capsule shows arrives as it is, and would be shown again just so: get(put(r, c)) == r."""
    seen = data.draw(remote)
    assume(seen["title"])  # one of line breaks alone is as good as none
    assume(name in seen)
    shown, ours = seen[name], data.draw(canonical[name])
    put = lenses[name].put(shown, ours)
    assert identical(lenses[name].get(put, shown), shown)
    TASK.check({name: put})


@VERSIONS
@FIELDS
@given(data=st.data())
def test_get_put(
    name: str, lenses: Mapping[str, Lens], remote: st.SearchStrategy[Mapping[str, Value]], data: st.DataObject
) -> None:
    """What we wrote there ourselves is no edit: put(get(c), c) == c, and showing twice shows the same, for a new task
    and for one that has something there.
    """
    ours = data.draw(canonical[name])
    shown = lenses[name].get(ours, data.draw(st.none() | remote.map(lambda seen: seen.get(name))))
    if shown is not KEEP:
        assert identical(lenses[name].put(shown, ours), ours)
        assert identical(lenses[name].get(shown), shown)


def record_shown_by(lenses: Mapping[str, Lens], data: st.DataObject) -> dict[str, Value]:
    """The forms of a whole record, as a create would send them."""
    forms = {name: lenses[name].get(data.draw(canonical[name])) for name in canonical if name != "done"}
    assume(forms["title"] is not KEEP)
    return {name: form for name, form in forms.items() if form is not KEEP}


@given(data=st.data())
def test_v1_reads_back_what_it_wrote(data: st.DataObject) -> None:
    """No echo: what comes back from a server that stores the request as it is, is what was sent."""
    sent = record_shown_by(V1, data)
    inside = v1_mapping.write_task(sent)
    link = v1_mapping.write_link(sent)
    about = {"party": "partyId", "opportunity": "opportunityId", "kase": "caseId"}[link[0]] if link else "none"
    made = f"<task><id>1</id><status>OPEN</status><{about}>{link[1] if link else ''}</{about}>"
    stored = v1_xml.parse(v1_xml.render(inside).replace(b"<task>", made.encode()))
    found = v1_mapping.read_task(stored, Generation.LATE, "crm").values
    assert all(identical(found[name], form) for name, form in sent.items())


@given(data=st.data())
def test_v2_reads_back_what_it_wrote(data: st.DataObject) -> None:
    """No echo, with all users in one zone: what comes back is what was sent, in the repeated hour too."""
    sent = record_shown_by(V2_ONE_ZONE, data)
    task = v2_mapping.write_task(sent, LONDON, IDS)
    if task.get("category"):
        task["category"] = {"id": task["category"]["id"], "name": CATEGORIES[task["category"]["id"] - 31]}
    found = v2_mapping.read_task({"id": 1, "status": "OPEN", **task}, ONE_ZONE, "crm").values
    assert all(identical(found[name], form) for name, form in sent.items())


@given(moment=moments, owner=st.sampled_from([77, 78, 79]))
def test_v2_reads_back_an_instant_by_the_clock_it_was_written_by(moment: datetime, owner: int) -> None:
    """With users in several zones an instant comes back as it was sent, but for the hour its owner's zone repeats."""
    shown = V2["due"].get(moment)
    assume(isinstance(shown, datetime))
    assert isinstance(shown, datetime)
    zone = ZONES.owners[owner]
    task = {"id": 1, "description": "x", "status": "OPEN", "owner": {"id": owner}}
    task |= v2_mapping.write_task({"due": shown}, zone, IDS)
    found = v2_mapping.read_task(task, ZONES, "crm").values["due"]
    local = shown.astimezone(zone)
    assert found == (local.replace(fold=0).astimezone(UTC) if local.fold else shown)
