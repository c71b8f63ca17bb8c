"""The laws of Plannr's lenses, and that what they show survives the way there and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.connectors.plannr import case_mapping, mapping
from tasksync.connectors.plannr.payload import LONDON
from tasksync.connectors.plannr.references import TYPES
from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import CASE, TASK, Kind, Value, identical
from tasksync.core.reference import Counterpart, only_own

LINKED = ("person", "contact", "case", "plan", "employee", "opportunity")
STATUS = {"is_type_completed": False}
# Blanks of all kinds, among them those that only some versions of Laravel trim.
BLANKS = "\0\t\n\v\f \x1c\x1f\x85\xa0\xad\u1680\u180e\u2003\u200b\u200d\u200e\u2028\u2060\u206f\u2800\u3000\u3164\ufeff"
texts = (
    st.text()
    | st.text(alphabet=st.sampled_from(BLANKS + "ab\U0001f600"))
    | st.text("x ", max_size=9).map(lambda end: "x" * 250 + end)
)
canonical_texts = texts.map(lambda text: text.replace("\r", "\n"))
# Around the nights on which London's clocks change, and anywhere else.
changes_of_clocks = st.sampled_from(
    [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(1971, 10, 31, 2, tzinfo=UTC)]
)
near_a_change = st.builds(
    lambda moment, seconds: moment + timedelta(seconds=seconds), changes_of_clocks, st.integers(-100_000, 100_000)
)
# The years 1900 to 2200, in microseconds.
anywhere = st.integers(-2_208_988_800_000_000, 7_258_118_400_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
midnights = st.dates(date(1972, 1, 1), date(2100, 1, 1)).map(
    lambda day: datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
)
# Few, so that two of others often correspond to the same of ours.
UUIDS = [f"0000000{number}-0000-4000-8000-00000000000a" for number in range(3)]
OTHERS = [f"{where}:{type_}:{number}" for where in ("office", "capsule") for type_ in LINKED for number in (7, 8)]
OWN = [f"hill:{type_}:{uuid}" for type_ in LINKED for uuid in UUIDS[:2]]


def of_types(*types: str) -> list[str]:
    return [one for one in (*OWN, *OTHERS) if one.split(":")[1] in types]


def people(*types: str) -> st.SearchStrategy[Value]:
    return st.lists(st.sampled_from(of_types(*types)), unique=True).map(tuple)


canonical: dict[tuple[str, str], st.SearchStrategy[Value]] = {
    ("task", "title"): canonical_texts,
    ("task", "body"): canonical_texts,
    ("task", "due"): st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)) | near_a_change | anywhere | midnights,
    ("task", "done"): st.booleans(),
    ("task", "priority"): st.sampled_from([None, *mapping.PRIORITIES]),
    ("task", "assignees"): people("person"),
    ("task", "links"): st.sets(st.sampled_from(of_types("contact", "case", "plan", "employee", "opportunity"))).map(
        lambda found: tuple(sorted(found))
    ),
    ("case", "title"): canonical_texts,
    ("case", "closed"): st.booleans(),
    ("case", "members"): people("contact"),
}
FIELDS = sorted(canonical)
KINDS: dict[str, Kind] = {"task": TASK, "case": CASE}


def ids_of(reference: str) -> list[str]:
    """What it may be called by us, in either case."""
    own = of_types(reference.split(":")[1])[:2]
    return [*own, *(f"{one[:-1]}A" for one in own), "hill:plan:no-uuid"]


# What we may know of whom and what others refer to: our own always, of theirs any part, in any way.
tables: st.SearchStrategy[Counterpart] = st.fixed_dictionaries(
    {one: st.none() | st.sampled_from(ids_of(one)) for one in OTHERS}
).map(lambda theirs: lambda reference: reference if reference.startswith("hill:") else theirs[reference])


def lens_of(field: tuple[str, str], counterpart: Counterpart = only_own("hill")) -> Lens:  # noqa: B008 - never changes
    kind, name = field
    return (mapping.lenses if kind == "task" else case_mapping.lenses)(counterpart)[name]


def read(**payload: Any) -> Value:
    """What is read of one key of a task that has everything that a task needs."""
    values = mapping.observation({"uuid": "u", "name": "n", "status": STATUS, **payload}, "hill").values
    return values[NAMES[next(iter(payload))]]


def read_case(**payload: Any) -> Value:
    """The same of a case."""
    values = case_mapping.observation({"uuid": "u", "name": "n", **payload}, "hill").values
    return values[NAMES[next(iter(payload))]]


NAMES = {
    "name": "title",
    "description": "body",
    "due_at": "due",
    "priority": "priority",
    "assigned_to": "assignees",
    "taskable": "links",
    "completed_at": "closed",
    "participants": "members",
}
wall_clocks = (near_a_change | anywhere).map(lambda moment: moment.strftime("%Y-%m-%d %H:%M:%S"))
days = st.dates(date(1900, 1, 1), date(2200, 1, 1)).map(date.isoformat)
stubs = st.builds(
    lambda uuid, type_: {"uuid": uuid, "type": type_},
    st.sampled_from([*UUIDS, UUIDS[0].upper()]),
    st.sampled_from(["client", "employee", "external"]),
)
client = stubs.map(lambda stub: {**stub, "type": "client"})
# Everything that Plannr can show: read, by our own mapping, from whatever may stand in a payload.
remote: dict[tuple[str, str], st.SearchStrategy[Value]] = {
    ("task", "title"): texts.map(lambda text: read(name=text)).filter(bool),
    ("task", "body"): texts.map(lambda text: read(description=text)),
    ("task", "due"): (st.none() | wall_clocks | days).map(lambda text: read(due_at=text)),
    ("task", "done"): st.booleans(),
    ("task", "priority"): st.sampled_from(mapping.PRIORITIES),
    ("task", "assignees"): (st.none() | stubs | st.lists(stubs)).map(lambda found: read(assigned_to=found)),
    ("task", "links"): st.builds(
        lambda found, type_: read(taskable=found, taskable_type=type_), stubs, st.sampled_from(sorted(TYPES))
    ),
    ("case", "title"): texts.map(lambda text: read_case(name=text)).filter(bool),
    ("case", "closed"): (st.none() | wall_clocks).map(lambda text: read_case(completed_at=text)),
    ("case", "members"): st.builds(lambda some, rest: read_case(participants=[*rest, some]), client, st.lists(stubs)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_fields_are_these(kind: str) -> None:
    """A task's category and reminder have no lens: they are neither compared nor planned."""
    offered = (mapping.lenses if kind == "task" else case_mapping.lenses)(only_own("hill"))
    assert set(offered) == {field.name for field in KINDS[kind].fields} - {"category", "reminder"}
    assert {(kind, name) for name in offered} == {field for field in FIELDS if field[0] == kind}
    assert canonical.keys() == remote.keys()
    assert all(lens.field == name and not lens.fixed for name, lens in offered.items())


@pytest.mark.parametrize("field", FIELDS)
@given(data=st.data())
def test_an_edit_arrives_as_it_was_made(field: tuple[str, str], data: st.DataObject) -> None:
    """PutGet: get(put(r, c), r) == r."""
    lens = lens_of(field, data.draw(tables))
    r, c = data.draw(remote[field]), data.draw(canonical[field])
    assert identical(lens.get(lens.put(r, c), r), r)
    KINDS[field[0]].field(field[1]).check(r)
    KINDS[field[0]].field(field[1]).check(lens.put(r, c))


@pytest.mark.parametrize("field", FIELDS)
@given(data=st.data())
def test_what_we_wrote_is_no_edit(field: tuple[str, str], data: st.DataObject) -> None:
    """GetPut: put(get(c, held), c) == c, whatever was there before, or nothing."""
    lens = lens_of(field, data.draw(tables))
    c, held = data.draw(canonical[field]), data.draw(st.none() | remote[field])
    shown = lens.get(c, held)
    if shown is not KEEP:
        assert lens.put(shown, c) == c
        assert identical(lens.get(shown), shown)


@given(st.data())
def test_what_a_lens_shows_comes_back(data: st.DataObject) -> None:
    """A value that is written and stored as it is comes back as the same remote form."""
    name = data.draw(st.sampled_from(["title", "body", "due", "priority", "assignees", "links"]))
    shown = lens_of(("task", name), data.draw(tables)).get(data.draw(canonical["task", name]))
    if shown is not KEEP:
        assert read(**stored(mapping.changes_body({name: shown}))) == shown


def stored(body: dict[str, Any]) -> dict[str, Any]:
    """What is read of a task after that was written (protocols/plannr.md, 5.3)."""
    if "assigned_to_uuids" in body:
        return {"assigned_to": [{"uuid": uuid} for uuid in body["assigned_to_uuids"]]}
    if "taskable_uuid" in body:
        return {"taskable": {"uuid": body["taskable_uuid"]}, "taskable_type": body["taskable_type"]}
    return body


@pytest.mark.parametrize(
    "trim",
    [
        pytest.param(lambda text: text.strip(" \n\r\t\v\0"), id="PHP"),
        pytest.param(str.strip, id="Unicode"),
        pytest.param(lambda text: text.strip("\ufeff\u200b\u200e \n\r\t\v\0\xa0\u3000"), id="Laravel 11"),
    ],
)
@given(text=canonical_texts)
def test_no_version_of_laravel_finds_anything_to_trim(trim: Callable[[str], str], text: str) -> None:
    """What we send has ends that stay, whatever the server takes for white space."""
    for field in (("task", "title"), ("task", "body"), ("case", "title")):
        shown = lens_of(field).get(text)
        assert shown is KEEP or trim(str(shown)) == shown


@pytest.mark.parametrize("blank", [*BLANKS, "\xad", "\u115f", "\uffa0", "\U0001d173", "\U000e0020"])
def test_what_the_newest_laravel_trims_is_trimmed(blank: str) -> None:
    """Invisible characters go from the ends, of what is shown and of what is read, and stay inside."""
    text = f"{blank}a{blank}b{blank}"
    assert lens_of(("task", "body")).get(text) == read(description=text) == f"a{blank}b"


def test_a_long_title_is_cut_and_stays_whole_with_us() -> None:
    """The limit does not shorten the title elsewhere, and a blank at the cut does not come to stand at the end."""
    ours = "x" * 254 + " tail"
    lens = lens_of(("task", "title"))
    assert lens.get(ours) == "x" * 254
    assert lens.put("x" * 254, ours) == ours


def test_a_title_of_blanks_has_no_form() -> None:
    """Plannr wants a name, so that a title which trims to nothing leaves the replica as it is."""
    assert lens_of(("task", "title")).get(" \u200b") is KEEP


def test_no_priority_leaves_theirs_alone() -> None:
    """Whether Plannr keeps null is unknown, so that it is not sent."""
    assert lens_of(("task", "priority")).get(None) is KEEP


def test_the_second_of_a_repeated_hour_shows_as_the_first() -> None:
    """01:30 comes twice on the night of 25 October 2026; Plannr cannot tell which."""
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    lens = lens_of(("task", "due"))
    assert lens.get(second) == second - timedelta(hours=1)
    assert lens.put(second - timedelta(hours=1), second) == second


def test_midnight_in_london_shows_as_a_day() -> None:
    """In summer London's midnight is 23:00 UTC of the day before."""
    assert lens_of(("task", "due")).get(datetime(2026, 6, 30, 23, tzinfo=UTC)) == date(2026, 7, 1)


# --- people and links ---


def known(**counterparts: str) -> Counterpart:
    """Knows what is said, and our own."""
    table = {name.replace("_", ":"): f"hill:{value}" for name, value in counterparts.items()}
    return lambda reference: reference if reference.startswith("hill:") else table.get(reference)


ANA, BEN, EVE = UUIDS


def test_several_are_assigned_and_the_unknown_stay() -> None:
    """Everybody who is known is shown, in no order of ours; who is not stays when others change."""
    lens = lens_of(("task", "assignees"), known(office_person_1=f"person:{BEN}", office_person_2=f"person:{ANA}"))
    ours = ("office:person:1", "office:person:9", "office:person:2")
    assert lens.get(ours) == (f"hill:person:{ANA}", f"hill:person:{BEN}")
    assert lens.put((f"hill:person:{BEN}", f"hill:person:{EVE}"), ours) == (
        "office:person:1",
        "office:person:9",
        f"hill:person:{EVE}",
    )
    assert lens.lacks(ours) == ("office:person:9",)
    assert lens.get(("office:person:9",)) is KEEP
    assert lens.get(()) == ()


@pytest.mark.parametrize(
    ("ours", "shown"),
    [
        (("office:case:3", "office:contact:1"), f"hill:case:{ANA}"),
        (("office:contact:1",), f"hill:contact:{ANA}"),
        (("office:contact:1", f"hill:employee:{EVE}"), f"hill:contact:{ANA}"),
        (("office:contact:1", f"hill:plan:{BEN}"), f"hill:plan:{BEN}"),
        ((f"hill:employee:{EVE}",), f"hill:employee:{EVE}"),
    ],
)
def test_the_most_telling_link_is_shown(ours: tuple[str, ...], shown: str) -> None:
    """A plan or a case also says of which client it is."""
    lens = lens_of(("task", "links"), known(office_case_3=f"case:{ANA}", office_contact_1=f"contact:{ANA}"))
    assert lens.get(tuple(sorted(ours))) == (shown,)


@pytest.mark.parametrize("ours", [(), ("office:contact:9",), ("office:opportunity:2",), ("office:contact:1",)])
def test_a_link_is_never_taken_away(ours: tuple[str, ...]) -> None:
    """Nothing, what is not known here, what Plannr has no place for, and what is no uuid: the link stays as it is."""
    lens = lens_of(("task", "links"), known(office_contact_1="contact:12"))
    held = (f"hill:case:{ANA}",)
    assert lens.required
    assert lens.get(ours) is KEEP
    assert lens.get(ours, held) in (KEEP, held)


def test_a_uuid_is_the_same_in_capitals() -> None:
    """What the config calls it is read without regard to case."""
    lens = lens_of(("task", "links"), known(office_contact_1=f"contact:{ANA.upper()}"))
    assert lens.get(("office:contact:1",)) == (f"hill:contact:{ANA}",)


@pytest.mark.parametrize("ours", [(), ("office:contact:9",)])
def test_a_case_always_has_a_client(ours: tuple[str, ...]) -> None:
    """Where all have gone, and where nobody is known, those who are in it stay."""
    lens = lens_of(("case", "members"))
    assert lens.required
    assert lens.get(ours) is KEEP
