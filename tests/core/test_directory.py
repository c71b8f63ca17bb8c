"""Which person of one CRM is which of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.directory import (
    NOTHING_CONFIGURED,
    Configured,
    People,
    Referent,
    is_person,
    plain,
)


def someone(reference: str, *emails: str, name: str = "") -> Referent:
    """`office:1` is a person; other types are written out."""
    parts = reference.split(":", 1)
    full = reference if reference.count(":") > 1 else f"{parts[0]}:person:{parts[1]}"
    return Referent(reference=full, name=name, emails=emails)


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        ("Anna@Firm.Example", "anna@firm.example"),
        ("  Roof\t repair \n", "roof repair"),
        ("Stra\u00dfe", "strasse"),
        ("\u00a0", ""),
    ],
)
def test_what_is_compared(text: str, compared: str) -> None:
    """Case and white space at the ends, or more of it than one blank, do not matter."""
    assert plain(text) == compared


def test_what_a_referent_is() -> None:
    """Its type is that of its reference; only people can be assigned to."""
    assert someone("office:case:a:b").type == "case"
    assert is_person("office:person:1")
    assert not is_person("office:employee:1")


# --- people -----------------------------------------------------------------------------------------------------------

ANNA = someone("office:1", "anna@firm.example")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param([someone("capsule:7", "anna@firm.example")], "capsule:person:7", id="the same address"),
        pytest.param([someone("capsule:7", " Anna@FIRM.example ")], "capsule:person:7", id="written otherwise"),
        pytest.param(
            [someone("capsule:7", "a@home.example", "anna@firm.example")], "capsule:person:7", id="one of several"
        ),
        pytest.param([someone("capsule:7", "ann@firm.example")], None, id="another address"),
        pytest.param([someone("capsule:7", name="Anna")], None, id="names decide nothing"),
        pytest.param([], None, id="nobody there"),
        pytest.param(
            [someone("capsule:7", "anna@firm.example"), someone("capsule:8", "ANNA@firm.example")],
            None,
            id="two there have it",
        ),
        pytest.param(
            [someone("capsule:7", "anna@firm.example"), someone("office:2", "anna@firm.example")],
            None,
            id="two here have it",
        ),
        pytest.param(
            [someone("capsule:7", "anna@firm.example"), someone("advisers:8", "anna@firm.example")],
            "capsule:person:7",
            id="another connection is no rival",
        ),
        pytest.param(
            [someone("capsule:anna@firm.example", "x@y.example"), someone("capsule:7", "anna@firm.example")],
            None,
            id="the address is also somebody's user name there",
        ),
    ],
)
def test_people_are_found_by_their_address(others: Sequence[Referent], expected: str | None) -> None:
    """The one with the same address, if nobody else on either side has it; else nobody."""
    assert People.of([ANNA, *others]).counterpart(ANNA.reference, "capsule") == expected


def test_two_addresses_that_lead_to_two_people_are_a_doubt() -> None:
    """Somebody with two addresses is nobody for certain where two have one of them each, but is found from there."""
    both = someone("office:1", "a@firm.example", "b@firm.example")
    people = People.of([both, someone("capsule:7", "a@firm.example"), someone("capsule:8", "b@firm.example")])
    assert people.counterpart(both.reference, "capsule") is None
    assert people.counterpart("capsule:person:8", "office") == both.reference


def test_an_address_that_is_shared_leaves_the_other_to_decide() -> None:
    """A mailbox of several tells nothing; an address of one's own beside it does."""
    people = People.of(
        [
            someone("office:1", "info@firm.example", "anna@firm.example"),
            someone("office:2", "info@firm.example"),
            someone("capsule:7", "anna@firm.example"),
            someone("capsule:8", "info@firm.example"),
        ]
    )
    assert people.counterpart("office:person:1", "capsule") == "capsule:person:7"
    assert people.counterpart("office:person:2", "capsule") is None


def test_a_blank_address_is_none() -> None:
    """What a CRM fills in for want of an address makes nobody the same."""
    assert (
        People.of([someone("office:1", ""), someone("capsule:7", " ")]).counterpart("office:person:1", "capsule")
        is None
    )


def test_somebody_who_is_not_in_the_list_is_unknown() -> None:
    """Somebody removed, or new, has no counterpart as long as nothing is said."""
    assert People.of([someone("capsule:7", "anna@firm.example")]).counterpart("office:person:1", "capsule") is None
    assert People().counterpart("office:person:1", "capsule") is None


# --- people, as configured --------------------------------------------------------------------------------------------

LISTED = (
    someone("office:1", "anna@firm.example", "info@firm.example"),
    someone("office:2", "info@firm.example", "ben@firm.example"),
    someone("capsule:cleo", "anna@firm.example"),
    someone("capsule:dora", "dora@home.example", "d@firm.example"),
    someone("capsule:emil", "d@firm.example"),
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param({}, "capsule:person:cleo", id="nothing: the address decides"),
        pytest.param(
            {"office": "anna@firm.example", "capsule": "dora@home.example"}, "capsule:person:dora", id="by addresses"
        ),
        pytest.param({"office": "1", "capsule": "dora"}, "capsule:person:dora", id="by ids"),
        pytest.param({"office": " ANNA@firm.example", "capsule": "Dora "}, "capsule:person:dora", id="case and blanks"),
        pytest.param(
            {"office": "1", "capsule": "dora", "advisers": "9"}, "capsule:person:dora", id="of several connections"
        ),
        pytest.param({"office": "1", "capsule": "nobody@firm.example"}, None, id="nobody is called so there"),
        pytest.param({"office": "1", "capsule": "d@firm.example"}, None, id="two are called so there"),
        pytest.param({"office": "2", "capsule": "dora"}, "capsule:person:cleo", id="said of somebody else"),
        pytest.param({"office": "1", "advisers": "9"}, "capsule:person:cleo", id="said for another connection"),
        pytest.param(
            {"advisers": "1", "capsule": "dora"}, "capsule:person:cleo", id="somebody of the same id elsewhere"
        ),
        pytest.param(
            {"office": "info@firm.example", "capsule": "dora"}, "capsule:person:cleo", id="by an address of two here"
        ),
        pytest.param({"office": "2", "capsule": "cleo"}, None, id="who has the address is somebody else, it was said"),
    ],
)
def test_what_was_said_of_people_decides(said: Mapping[str, str], expected: str | None) -> None:
    """Who somebody is, by ids or addresses that mean one person, goes before what the addresses would tell."""
    configured = Configured(people=[said])
    assert People.of(LISTED).counterpart("office:person:1", "capsule", configured) == expected


def test_what_was_said_holds_in_both_directions() -> None:
    """An entry is read from each of its connections, and the first that names somebody counts."""
    configured = Configured(people=[{"office": "2", "capsule": "dora"}, {"office": "2", "capsule": "emil"}])
    people = People.of(LISTED)
    assert people.counterpart("office:person:2", "capsule", configured) == "capsule:person:dora"
    assert people.counterpart("capsule:person:dora", "office", configured) == "office:person:2"
    assert people.counterpart("capsule:person:emil", "office", configured) == "office:person:2"


def test_what_was_said_of_somebody_unlisted() -> None:
    """Somebody who is in no list, because the CRM does not tell of them any more, is still known by id."""
    configured = Configured(people=[{"office": "9", "capsule": "dora"}])
    assert People.of(LISTED).counterpart("office:person:9", "capsule", configured) == "capsule:person:dora"


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        pytest.param("capsule:person:dora", "capsule:person:dora", id="listed"),
        pytest.param("capsule:person:gone", None, id="not listed"),
        pytest.param("advisers:person:9", "capsule:person:cleo", id="for another connection"),
    ],
)
def test_people_can_be_said_by_reference(there: str, expected: str | None) -> None:
    """References that mean the same decide of people too, if there is such a person."""
    configured = Configured(same=[frozenset({"office:person:1", there})])
    assert People.of(LISTED).counterpart("office:person:1", "capsule", configured) == expected


def test_nothing_is_configured_of_itself() -> None:
    """Without a word in the config nothing is said of anything."""
    assert NOTHING_CONFIGURED.counterpart("office:contact:1", "capsule") is None
    assert NOTHING_CONFIGURED.counterpart("office:person:1", "capsule", [("office", "1")]) is None


@pytest.mark.parametrize(
    ("reference", "connection", "expected"),
    [
        ("office:contact:1", "capsule", "capsule:contact:7"),
        ("capsule:contact:7", "office", "office:contact:1"),
        ("office:contact:1", "advisers", None),
        ("office:contact:2", "advisers", "advisers:contact:b"),
        ("office:contact:3", "capsule", None),
        ("office:case:1", "capsule", None),
    ],
)
def test_references_that_mean_the_same(reference: str, connection: str, expected: str | None) -> None:
    """The member of the same group that is of the connection."""
    configured = Configured(
        same=[
            frozenset({"office:contact:1", "capsule:contact:7"}),
            frozenset({"office:contact:2", "advisers:contact:b", "capsule:contact:8"}),
        ]
    )
    assert configured.counterpart(reference, connection) == expected


# --- nobody's namesake ------------------------------------------------------------------------------------------------

emails = st.lists(st.sampled_from(["a@x", "b@x", "A@X ", "c@x", ""]), max_size=2).map(tuple)
crowds = st.lists(st.tuples(st.sampled_from(["office", "capsule"]), emails), max_size=5).map(
    lambda found: [
        Referent(reference=f"{where}:person:{number}", emails=own) for number, (where, own) in enumerate(found)
    ]
)


@given(crowds)
def test_whoever_is_found_shares_an_address_with_nobody_else(crowd: list[Referent]) -> None:
    """A counterpart found without the config has an address that one person on each side has, and no more."""
    people = People.of(crowd)
    for one in crowd:
        there = "capsule" if one.reference.startswith("office") else "office"
        found = people.counterpart(one.reference, there)
        if found is not None:
            owners = [
                {other.reference for other in crowd if plain(name) in map(plain, other.emails)} for name in one.emails
            ]
            assert {one.reference, found} in owners


@given(crowds, st.permutations(range(5)))
def test_the_order_of_a_list_decides_nothing(crowd: list[Referent], order: list[int]) -> None:
    """Whoever is found is found in whatever order people are listed."""
    people = People.of(crowd)
    other = People.of([crowd[place] for place in order if place < len(crowd)])
    for one in crowd:
        for where in ("office", "capsule"):
            assert people.counterpart(one.reference, where) == other.counterpart(one.reference, where)
