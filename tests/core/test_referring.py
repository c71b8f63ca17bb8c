"""The laws of the lenses of people and links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import TASK, identical
from tasksync.core.reference import Counterpart, parse
from tasksync.core.referring import Slots, links, one_of_people, several_people

References = tuple[str, ...]

ONLYOFFICE: Slots = (("contact",), ("case", "opportunity"))
CAPSULE: Slots = (("case", "opportunity", "contact"),)
PLANNR: Slots = (("plan", "case", "contact", "employee"),)
TYPES = ("case", "contact", "employee", "opportunity", "plan")

OWN, FOREIGN = ("here:{}:1", "here:{}:2"), ("there:{}:1", "there:{}:2", "away:{}:1")


def known(names: Mapping[str, str]) -> Counterpart:
    """What the connection `here` calls what others refer to; its own it calls as they are."""
    return lambda reference: reference if reference.startswith("here:") else names.get(reference)


def counterparts(*types: str) -> st.SearchStrategy[Counterpart]:
    """Any knowledge of what corresponds to what: two are called the same, and any of them may be unknown."""
    names: Mapping[str, str] = {one.format(type_): f"here:{type_}:{one[-1]}" for type_ in types for one in FOREIGN}
    unknown = st.sets(st.sampled_from(sorted(names)))
    return unknown.map(lambda lacking: known({one: own for one, own in names.items() if one not in lacking}))


def any_of(*types: str) -> list[str]:
    return [one.format(type_) for type_ in types for one in (*OWN, *FOREIGN)]


def in_order(found: list[str]) -> References:
    return tuple(sorted(found))


@st.composite
def stored(draw: st.DrawFn, slots: Slots, least: int) -> References:
    """What a CRM with these places can hold: in each at most one of its own."""
    every = [draw(st.none() | st.sampled_from([own.format(type_) for type_ in slot for own in OWN])) for slot in slots]
    found = tuple(sorted(one for one in every if one is not None))
    return found if len(found) >= least else (OWN[0].format(slots[0][0]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A lens over any knowledge of counterparts, with the canonical values, and all that its CRM can hold."""

    name: str
    make: Callable[[Counterpart], Lens]
    types: tuple[str, ...]
    canonical: st.SearchStrategy[References]
    remote: st.SearchStrategy[References]


def people_case(name: str, make: Callable[[Counterpart], Lens], *, least: int, most: int) -> Case:
    own = [one.format("person") for one in OWN]
    return Case(
        name=name,
        make=make,
        types=("person",),
        canonical=st.lists(st.sampled_from(any_of("person")), unique=True).map(tuple),
        remote=st.lists(st.sampled_from(own), unique=True, min_size=least, max_size=most).map(in_order),
    )


def links_case(name: str, slots: Slots, **options: bool) -> Case:
    return Case(
        name=name,
        make=lambda counterpart: links("links", counterpart, slots, **options),
        types=TYPES,
        canonical=st.lists(st.sampled_from(any_of(*TYPES)), unique=True, max_size=6).map(in_order),
        remote=stored(slots, 1 if options.get("required") else 0),
    )


CASES = [
    people_case("one person", lambda known_as: one_of_people("assignees", known_as), least=0, most=1),
    people_case(
        "one person, always",
        lambda known_as: one_of_people("assignees", known_as, clearable=False),
        least=1,
        most=1,
    ),
    people_case("several people", lambda known_as: several_people("assignees", known_as), least=0, most=2),
    links_case("links of ONLYOFFICE", ONLYOFFICE),
    links_case("links of Capsule", CAPSULE),
    links_case("links of Plannr", PLANNR, required=True),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def drawn(case: Case, data: st.DataObject) -> tuple[Lens, Counterpart, References, References]:
    """A lens, what it knows, a canonical value, and what the CRM holds."""
    counterpart = data.draw(counterparts(*case.types))
    return case.make(counterpart), counterpart, data.draw(case.canonical), data.draw(case.remote)


# --- the laws ---------------------------------------------------------------------------------------------------------


@every_case
@given(data=st.data())
def test_an_edit_of_references_arrives_as_it_was_made(case: Case, data: st.DataObject) -> None:
    """PutGet: get(put(r, c, h), r) == r, whatever was held there before; and whatever was put there is ours."""
    lens, counterpart, canonical, remote = drawn(case, data)
    held = data.draw(st.none() | case.remote)
    became = lens.put(remote, canonical, held)
    assert identical(lens.get(became, remote), remote)
    assert isinstance(became, tuple)
    assert held is None or {*remote} - {*held} <= {*map(counterpart, became)}


@every_case
@given(data=st.data())
def test_our_own_write_of_references_is_no_edit(case: Case, data: st.DataObject) -> None:
    """GetPut: put(get(c, h), c, h) == c, whatever is held there, and before there is anything."""
    lens, _, canonical, remote = drawn(case, data)
    for held in (None, remote):
        shown = lens.get(canonical, held)
        if shown is not KEEP:
            assert lens.put(shown, canonical, held) == canonical
            assert lens.put(shown, canonical) == canonical


@every_case
@given(data=st.data())
def test_what_is_shown_is_shown_again(case: Case, data: st.DataObject) -> None:
    """Once the CRM holds what it was given, it is given nothing else, also of what was left as it was (I1)."""
    lens, _, canonical, remote = drawn(case, data)
    shown = lens.get(canonical, remote)
    if shown is not KEEP:
        assert identical(lens.get(canonical, shown), shown)


@every_case
@given(data=st.data())
def test_what_becomes_of_references_is_canonical(case: Case, data: st.DataObject) -> None:
    """No reference twice, links in order; none that was neither there nor here."""
    lens, _, canonical, remote = drawn(case, data)
    became = lens.put(remote, canonical)
    TASK.check({lens.field: became})
    assert isinstance(became, tuple)
    assert set(became) <= {*canonical, *remote}


@every_case
@given(data=st.data())
def test_nothing_is_made_up(case: Case, data: st.DataObject) -> None:
    """What is shown are counterparts of ours, or what is there already."""
    lens, counterpart, canonical, remote = drawn(case, data)
    for held in (None, remote):
        shown = lens.get(canonical, held)
        if shown is not KEEP:
            assert isinstance(shown, tuple)
            assert set(shown) <= {*map(counterpart, canonical), *(held or ())}


@every_case
@given(data=st.data())
def test_what_has_no_counterpart_stays(case: Case, data: st.DataObject) -> None:
    """Of what a CRM does not know, an edit there replaces only links of the very type that was put, and people only by
    nobody (I10).
    """
    lens, counterpart, canonical, remote = drawn(case, data)
    became = lens.put(remote, canonical)
    assert isinstance(became, tuple)
    put = {parse(one).type for one in remote}
    for one in canonical:
        replaced = (put == set()) if case.types == ("person",) else (parse(one).type in put)
        if counterpart(one) is None and not replaced:
            assert one in became


@every_case
@given(data=st.data())
def test_what_is_lacking_has_no_counterpart(case: Case, data: st.DataObject) -> None:
    """What is told as a gap is ours and unknown there; where nothing is told, all that has a place is known."""
    lens, counterpart, canonical, _ = drawn(case, data)
    lacking = lens.lacks(canonical)
    assert all(one in canonical and counterpart(one) is None for one in lacking)
    if not lacking and canonical and case.types == ("person",):
        assert lens.get(canonical) is not KEEP
