"""People, contacts, opportunities and cases to referents: protocols/onlyoffice.md, 5."""

from __future__ import annotations

from typing import Any

import pytest

from tasksync.connectors.onlyoffice.directory import describe, staff
from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.core.directory import Referent

BOB = {"displayName": "Bob Ray", "isCompany": False, "id": 17}
ANN = {"id": "B1F5", "displayName": "Ann Lee", "email": "ann@example.org", "status": 1}


def info(data: object, kind: object = 1) -> dict[str, Any]:
    return {"infoType": kind, "category": 1, "data": data, "categoryName": "Work", "isPrimary": True, "id": 91}


@pytest.mark.parametrize(
    ("changes", "emails"),
    [
        ({}, ("ann@example.org",)),
        ({"email": None}, ()),
        ({"email": ""}, ()),
        ({"status": 4}, ("ann@example.org",)),
    ],
)
def test_a_user_is_a_person(changes: dict[str, Any], emails: tuple[str, ...]) -> None:
    """Known by the id in lower case, with the e-mail where the portal shows it; somebody on leave is still there."""
    (found,) = staff([{**ANN, **changes}], "office")
    assert found == Referent(reference="office:person:b1f5", name="Ann Lee", emails=emails)


def test_a_user_without_a_name_has_none() -> None:
    """What the portal does not tell is empty."""
    assert staff([{"id": "b1f5"}], "office") == [Referent(reference="office:person:b1f5")]


def test_who_has_left_is_not_listed() -> None:
    """A task is not given to somebody whose account was terminated."""
    assert staff([{**ANN, "status": 2}], "office") == []


def test_a_contact_has_all_its_addresses_once() -> None:
    """E-mails stand among the common data, next to phone numbers, and in a stub in a member of its own."""
    data = [info("bob@acme.test"), info("+44 20 7946 0000", 0), info("bob@home.test"), info(""), info(None)]
    phone = {"category": 1, "data": "5550100"}
    (found,) = describe("contact", [{**BOB, "commonData": [*data, phone], "email": info("bob@acme.test")}], "office")
    assert found == Referent(
        reference="office:contact:17", name="Bob Ray", emails=("bob@acme.test", "bob@home.test"), parent=None
    )


@pytest.mark.parametrize("changes", [{}, {"commonData": None}, {"commonData": []}, {"email": None}])
def test_a_contact_may_have_no_address(changes: dict[str, Any]) -> None:
    """A company without an e-mail is one all the same."""
    (found,) = describe("contact", [{**BOB, **changes}], "office")
    assert (found.name, found.emails) == ("Bob Ray", ())


def test_an_opportunity_belongs_to_its_contact() -> None:
    """The main contact counts, however many others take part."""
    rows = [
        {"id": 4, "title": "Offer", "contact": BOB, "members": [BOB, {"id": 22}]},
        {"id": 5, "title": "Idea", "members": [{"id": 22}]},
        {"id": 6},
    ]
    assert describe("opportunity", rows, "office") == [
        Referent(reference="office:opportunity:4", name="Offer", parent="office:contact:17"),
        Referent(reference="office:opportunity:5", name="Idea"),
        Referent(reference="office:opportunity:6"),
    ]


@pytest.mark.parametrize(
    ("members", "parent"), [([BOB], "office:contact:17"), ([BOB, {"id": 22}], None), ([], None), (None, None)]
)
def test_a_case_belongs_to_its_only_member(members: Any, parent: str | None) -> None:
    """8.10: of several members none is the one that the case is about."""
    assert describe("case", [{"id": 8, "title": "Renewal 2026", "members": members}], "office") == [
        Referent(reference="office:case:8", name="Renewal 2026", parent=parent)
    ]


@pytest.mark.parametrize(
    ("type_", "row"),
    [
        ("contact", None),
        ("contact", {"displayName": "Bob"}),
        ("contact", {**BOB, "displayName": 7}),
        ("contact", {**BOB, "commonData": {}}),
        ("contact", {**BOB, "commonData": [info(7)]}),
        ("opportunity", {"id": 4, "contact": 17}),
        ("opportunity", {"id": 4, "contact": {}}),
        ("opportunity", {"id": 4, "title": []}),
        ("case", {"id": "8"}),
        ("case", {"id": 8, "members": [17]}),
        ("case", {"id": 8, "members": BOB}),
    ],
)
def test_what_makes_no_sense_is_an_error(type_: str, row: Any) -> None:
    """Nothing is skipped: what was overlooked might be the namesake that makes a match uncertain."""
    with pytest.raises(NotUnderstood):
        describe(type_, [row], "office")


@pytest.mark.parametrize(
    "row", [None, {}, {"id": ""}, {"id": 7}, {**ANN, "email": 7}, {**ANN, "displayName": 7}, {**ANN, "status": "1"}]
)
def test_a_user_who_makes_no_sense_is_an_error(row: Any) -> None:
    """The same holds for people."""
    with pytest.raises(NotUnderstood):
        staff([row], "office")
