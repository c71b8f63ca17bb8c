"""Cases, both ways: the vendor's page (seed 003) and protocols/onlyoffice.md, 5.3 and 8.10."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.connectors.onlyoffice.case_mapping import create_body, lenses, observe, update_body
from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.connectors.onlyoffice.references import LOST_USER
from tasksync.core.lens import KEEP
from tasksync.core.record import Value
from tasksync.errors import DefaultNeeded

Make = Callable[..., dict[str, Any]]
USER = "b1f50000-1111-4222-8333-444444444444"

# What seed 003 calls the members of the request, less `caseid`, which goes into the path, and those of the response.
REQUEST = {"title", "members", "customFieldList", "isPrivate", "accessList", "isNotify"}
RESPONSE = (
    "Members",
    "CreateBy",
    "Created",
    "Title",
    "IsClosed",
    "IsPrivate",
    "AccessList",
    "CanEdit",
    "CustomFields",
    "ID",
)


def as_served(name: str) -> str:
    """The vendor's page prints names of the server's classes; what is served begins with a small letter (4, [S])."""
    return name.lower() if name.isupper() else name[0].lower() + name[1:]


def test_a_put_has_the_members_of_the_vendors_request(case: Make) -> None:
    """All that seed 003 lists is sent, and nothing else: 8.10, sent back as it was read."""
    body = update_body(case(), {}, user=USER)
    assert set(body) == REQUEST
    assert body == {
        "title": "Renewal 2026 (EU)",
        "members": [17, 22],
        "customFieldList": [{"key": 5, "value": "EMEA"}],
        "isPrivate": True,
        "accessList": ["0a770000-1111-4222-8333-444444444444", USER],
        "isNotify": False,
    }


def test_the_names_of_the_vendors_response_are_those_of_the_classes(case: Make, portal: Portal) -> None:
    """The members of seed 003 are those that are served, but for their capitals; with them it would be no case."""
    assert {as_served(name) for name in RESPONSE} == set(case())
    printed = dict(zip(RESPONSE, (case()[as_served(name)] for name in RESPONSE), strict=True))
    with pytest.raises(NotUnderstood, match="id"):
        observe(printed, portal)


def test_a_case_reads_as_title_state_and_members(case: Make, portal: Portal) -> None:
    """8.10: the members are contacts, sorted; nothing tells when a case was modified or closed."""
    seen = observe(case(members=[{"id": 22}, {"id": 17}, {"id": 17}]), portal)
    assert seen.external_id == "8"
    assert seen.values == {
        "title": "Renewal 2026 (EU)",
        "closed": False,
        "members": ("office:contact:17", "office:contact:22"),
    }
    assert seen.created == datetime(2026, 1, 15, 7, tzinfo=UTC)
    assert (seen.modified, seen.completed) == (None, None)


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"isClosed": True}, "closed", True),
        ({"members": []}, "members", ()),
        ({"members": [{"id": 0}]}, "members", ()),
        ({"title": "x" * 300}, "title", "x" * 255),
        ({"title": "one\r\ntwo"}, "title", "one\ntwo"),
        ({"title": "party \U0001f389"}, "title", "party \ufffd"),
    ],
)
def test_members_read_as_values(case: Make, portal: Portal, changes: Any, field: str, expected: object) -> None:
    """Each member reads as the form that the lens of its field leaves alone."""
    values = observe(case(**changes), portal).values
    assert values[field] == expected
    assert lenses(portal)[field].get(values[field], values[field]) == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"isClosed": None}, "closed"),
        ({"members": None}, "members"),
    ],
)
def test_what_is_not_said_is_no_value(case: Make, portal: Portal, changes: Any, field: str) -> None:
    """A member that is absent says nothing of its field."""
    assert field not in observe(case(**changes), portal).values


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {"id": "8"},
        {"title": "no id"},
        {"id": 8, "title": 1},
        {"id": 8, "isClosed": "no"},
        {"id": 8, "members": "all"},
        {"id": 8, "members": [17]},
        {"id": 8, "members": [{}]},
        {"id": 8, "created": "yesterday"},
    ],
)
def test_what_makes_no_sense_is_not_guessed(portal: Portal, payload: Any) -> None:
    """Members of another type than the portal's stop the reading; a case that has an id is named by it."""
    with pytest.raises(NotUnderstood, match="case 8" if isinstance(payload, dict) and payload.get("id") == 8 else "."):
        observe(payload, portal)


@pytest.mark.parametrize(
    ("changes", "member", "expected"),
    [
        ({"title": "New"}, "title", "New"),
        ({"members": ("office:contact:31", "office:contact:17")}, "members", [31, 17]),
        ({"members": ()}, "members", [17, 22]),
        ({"closed": True}, "title", "Renewal 2026 (EU)"),
    ],
)
def test_changes_become_members(case: Make, changes: Any, member: str, expected: object) -> None:
    """What changes replaces what was read; nobody is no change, and the state has no part in the body."""
    body = update_body(case(), changes, user=USER)
    assert body[member] == expected
    assert set(body) == REQUEST


def test_a_public_case_stays_public(case: Make) -> None:
    """What everybody may see is not restricted by an update."""
    body = update_body(case(isPrivate=False, accessList=None), {"title": "New"}, user=USER)
    assert (body["isPrivate"], body["accessList"]) == (False, [])


def test_a_private_case_stays_private_when_nobody_is_left(case: Make) -> None:
    """With nobody in the list the case would become public: this account stands in for those who were removed, and only
    where nobody else is left.
    """
    lost = {"id": LOST_USER.upper(), "displayName": "Profile has been removed"}
    assert update_body(case(accessList=[lost]), {}, user=USER)["accessList"] == [USER]
    assert update_body(case(accessList=[]), {}, user=USER)["accessList"] == [USER]
    assert update_body(case(accessList=[lost, {"id": "0a77"}]), {}, user=USER)["accessList"] == ["0a77"]


@pytest.mark.parametrize(
    "changes",
    [
        {"isPrivate": None},
        {"isPrivate": "true"},
        {"accessList": None},
        {"accessList": ["0a77"]},
        {"accessList": [{"displayName": "Igor"}]},
        {"customFields": [5]},
        {"customFields": [{"fieldValue": "EMEA"}]},
        {"customFields": [{"id": 5, "fieldValue": 7}]},
        {"members": [17]},
    ],
)
def test_what_cannot_be_sent_back_stops_the_update(case: Make, changes: Any) -> None:
    """A case that may be private is never made public for want of a word, and nothing else of it is lost."""
    with pytest.raises(NotUnderstood):
        update_body(case(**changes), {"title": "New"}, user=USER)


def test_fields_without_a_value_are_not_sent(case: Make) -> None:
    """An entry with an empty value is skipped by the server, and cannot clear anything."""
    fields = [
        {"id": 5, "fieldValue": ""},
        {"id": 6, "fieldValue": None},
        {"id": 7},
        {"id": 9, "fieldValue": " a\ud83d"},
    ]
    assert update_body(case(customFields=fields), {}, user=USER)["customFieldList"] == [{"key": 9, "value": " a?"}]
    assert update_body(case(customFields=None), {}, user=USER)["customFieldList"] == []


def test_an_update_of_a_case_that_does_not_name_its_members_keeps_them(case: Make) -> None:
    """An empty list stands for "as they are"."""
    assert update_body(case(members=None), {"title": "New"}, user=USER)["members"] == []


def test_a_create_sends_what_is_known() -> None:
    """A case that everybody may see; the state, and nobody, have no part in it."""
    values: dict[str, Value] = {"title": "Renewal", "closed": True, "members": ("office:contact:17",)}
    sent = {"title": "Renewal", "members": [17], "isPrivate": False, "isNotify": False}
    assert create_body(values) == sent
    assert create_body({**values, "members": ()}) == {name: one for name, one in sent.items() if name != "members"}


def test_no_case_is_without_a_title(case: Make) -> None:
    """What the server would refuse with a bare "out of range" is refused here by name."""
    with pytest.raises(DefaultNeeded, match="title"):
        create_body({"members": ("office:contact:17",)})
    with pytest.raises(DefaultNeeded, match="title"):
        update_body(case(title=""), {"members": ("office:contact:17",)}, user=USER)


# --- the lens of members ---


def known(reference: str) -> str | None:
    """Whom others refer to."""
    table = {
        "capsule:contact:7": "office:contact:17",
        "capsule:contact:8": "office:contact:22",
        "capsule:contact:9": "office:contact:seventeen",
        "capsule:contact:10": "office:person:17",
    }
    return reference if reference.startswith("office:") else table.get(reference)


@pytest.mark.parametrize(
    ("ours", "held", "shown"),
    [
        (("capsule:contact:8", "capsule:contact:7"), (), ("office:contact:17", "office:contact:22")),
        (("capsule:contact:7", "capsule:contact:9", "capsule:contact:10"), (), ("office:contact:17",)),
        (("capsule:contact:99",), ("office:contact:17",), KEEP),
        ((), ("office:contact:17",), KEEP),
        ((), None, KEEP),
        ((), (), ()),
    ],
)
def test_members_are_replaced_but_never_by_nobody(portal: Portal, ours: Value, held: Value, shown: object) -> None:
    """Whoever is known here is shown; an update cannot empty a case, so that is never planned."""
    assert lenses(portal, known)["members"].get(ours, held) == shown


def test_a_case_that_was_emptied_here_is_empty(portal: Portal) -> None:
    """That there are no members any more arrives as it is, and is no reason for another write."""
    lens = lenses(portal, known)["members"]
    assert lens.put((), ("capsule:contact:7",)) == ()
    assert lens.get((), ()) == ()
