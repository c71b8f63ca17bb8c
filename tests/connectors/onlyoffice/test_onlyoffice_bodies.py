"""Remote forms to request bodies: the vendor's samples and protocols/onlyoffice.md, 8."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.onlyoffice.mapping import Portal, create_body, update_body
from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.connectors.onlyoffice.references import LOST_USER, NOBODY
from tasksync.connectors.onlyoffice.text import as_form
from tasksync.core.record import Value
from tasksync.errors import DefaultNeeded

Make = Callable[..., dict[str, Any]]
IGOR = "0a770000-1111-4222-8333-444444444444"


def test_a_put_has_the_members_of_the_vendors_request(seed: Make, portal: Portal) -> None:
    """A task that holds what seed 000 sends is sent back as seed 000, but for the notification and in whole seconds."""
    request = seed("000_request")
    payload = {
        "id": 1234,
        "title": request["title"],
        "description": request["description"],
        "deadLine": request["deadline"],
        "responsible": {"id": request["responsibleid"]},
        "category": {"id": request["categoryid"]},
        "contact": {"id": request["contactid"]},
        "entity": {"entityType": request["entityType"], "entityId": request["entityid"]},
        "alertValue": request["alertValue"],
    }
    assert update_body(payload, {}, portal) == {**request, "isNotify": False, "deadline": "2008-04-10T06:30:00Z"}


def test_a_post_uses_the_names_of_the_vendors_request(seed: Make) -> None:
    """A create sends what seed 001 sends, but for the notification, in whole seconds, and with a type that can be."""
    request = seed("001_request")
    values = {
        "title": request["title"],
        "body": request["description"],
        "due": datetime(2008, 4, 10, 6, 30, tzinfo=UTC),
        "category": "Some category",
        "reminder": request["alertValue"],
        "assignees": (f"office:person:{request['responsibleId']}",),
        "links": (f"office:contact:{request['contactId']}", f"office:opportunity:{request['entityId']}"),
    }
    categories = {"Some category": request["categoryId"]}
    portal = Portal(connection="office", zone=ZoneInfo("Europe/London"), categories=categories)
    assert create_body(values, portal, user=NOBODY) == {
        **request,
        "entityType": "opportunity",
        "isNotify": False,
        "deadline": "2008-04-10T06:30:00Z",
    }


def test_an_update_sends_back_what_it_does_not_change(task: Make, portal: Portal, ids: dict[str, str]) -> None:
    """PUT replaces (2.4): only the title is another, everything else goes back as it was read."""
    assert update_body(task(description="as\r\nit was"), {"title": "New"}, portal) == {
        "title": "New",
        "description": "as\r\nit was",
        "deadline": "2026-03-09T21:00:00Z",
        "responsibleid": ids["igor"],
        "categoryid": 30,
        "contactid": 17,
        "entityType": "case",
        "entityid": 8,
        "isNotify": False,
        "alertValue": 1440,
    }


def test_an_update_of_a_bare_task_sends_empty_links(task: Make, portal: Portal, ids: dict[str, str]) -> None:
    """8.7: a task without links, description and reminder gets none from an update."""
    bare = task(contact=None, entity=None, description=None, alertValue=None)
    body = update_body(bare, {"due": datetime(2026, 3, 13, 14, tzinfo=UTC), "category": "meeting"}, portal)
    assert body == {
        "title": "Call about renewal",
        "description": "",
        "deadline": "2026-03-13T14:00:00Z",
        "responsibleid": ids["igor"],
        "categoryid": 32,
        "contactid": 0,
        "entityType": "",
        "entityid": 0,
        "isNotify": False,
        "alertValue": 0,
    }


@pytest.mark.parametrize(
    ("changes", "member", "expected"),
    [
        ({"body": ""}, "description", ""),
        ({"reminder": None}, "alertValue", 0),
        ({"reminder": 15}, "alertValue", 15),
        ({"due": date(2026, 7, 1)}, "deadline", "2026-06-30T21:00:00Z"),
        ({"due": None}, "deadline", "2026-03-09T21:00:00Z"),
        ({"category": None}, "categoryid", 30),
        ({"done": True}, "title", "Call about renewal"),
        ({"assignees": ("office:person:0a77", "office:person:b1f5")}, "responsibleid", "0a77"),
        ({"assignees": ()}, "responsibleid", IGOR),
        ({"links": ("office:case:9", "office:contact:22")}, "contactid", 22),
        ({"links": ("office:case:9", "office:contact:22")}, "entityid", 9),
        ({"links": ("office:contact:22",)}, "contactid", 22),
        ({"links": ("office:contact:22",)}, "entityType", ""),
        ({"links": ("office:contact:22",)}, "entityid", 0),
        ({"links": ("office:opportunity:4",)}, "contactid", 0),
        ({"links": ("office:opportunity:4",)}, "entityType", "opportunity"),
        ({"links": ()}, "contactid", 0),
        ({"links": ()}, "entityid", 0),
    ],
)
def test_changes_become_members(task: Make, portal: Portal, changes: Any, member: str, expected: object) -> None:
    """What can be cleared is cleared, what cannot stays, and the state has no part in the body."""
    body = update_body(task(), changes, portal)
    assert body[member] == expected
    assert "isClosed" not in body


@pytest.mark.parametrize(
    "responsible", [{"id": LOST_USER}, {"id": LOST_USER.upper()}, {"id": NOBODY}, {"id": ""}, {"id": None}, {}, None]
)
def test_an_unassigned_task_stays_unassigned(task: Make, portal: Portal, responsible: Any) -> None:
    """The stand-in that is printed for nobody is not written back as if it were a user."""
    assert update_body(task(responsible=responsible), {}, portal)["responsibleid"] == NOBODY


def test_half_a_character_in_a_kept_text_can_be_sent(task: Make, portal: Portal) -> None:
    """A lone surrogate in the part of a task that we do not change does not break the request."""
    body = update_body(task(title="\ud83d", description="\ude00!"), {}, portal)
    assert (body["title"], body["description"]) == ("?", "?!")


@pytest.mark.parametrize(
    ("changes", "missing"),
    [({"title": None}, "title"), ({"deadLine": None}, "due"), ({"category": None}, "category")],
)
def test_an_update_without_a_required_value_is_not_sent(task: Make, portal: Portal, changes: Any, missing: str) -> None:
    """What the server would refuse with a bare "out of range" is refused here by name."""
    with pytest.raises(DefaultNeeded, match=missing):
        update_body(task(**changes), {"body": "x"}, portal)


@pytest.mark.parametrize(
    "changes",
    [
        {"responsible": "Igor"},
        {"responsible": {"id": 7}},
        {"contact": {}},
        {"contact": [17]},
        {"entity": {"entityId": "8"}},
        {"entity": {"entityType": 1, "entityId": 8}},
        {"category": {"title": "Call"}},
    ],
)
def test_a_link_that_makes_no_sense_is_not_zeroed(task: Make, portal: Portal, changes: Any) -> None:
    """A link that cannot be understood stops the update instead of being removed by it."""
    with pytest.raises(NotUnderstood):
        update_body(task(**changes), {}, portal)


def test_a_create_sends_what_is_known(portal: Portal, ids: dict[str, str]) -> None:
    """An all-day date goes as the portal's midnight, we are responsible, nothing is sent for what is not there."""
    values: dict[str, Value] = {"title": "Send offer", "due": date(2026, 3, 12), "category": "call"}
    assert create_body(values, portal, user=ids["ann"]) == {
        "title": "Send offer",
        "deadline": "2026-03-11T21:00:00Z",
        "categoryId": 30,
        "responsibleId": ids["ann"],
        "isNotify": False,
    }


def test_a_create_takes_the_person_and_the_links_of_the_record(portal: Portal, ids: dict[str, str]) -> None:
    """8.6: the record's assignee is responsible in our place, and the contact is linked."""
    values: dict[str, Value] = {
        "title": "Send offer",
        "due": datetime(2026, 3, 12, 14, tzinfo=UTC),
        "category": "Call",
        "assignees": (f"office:person:{ids['igor']}",),
        "links": ("office:contact:17",),
        "reminder": 60,
    }
    assert create_body(values, portal, user=ids["ann"]) == {
        "title": "Send offer",
        "deadline": "2026-03-12T14:00:00Z",
        "responsibleId": ids["igor"],
        "categoryId": 30,
        "contactId": 17,
        "entityType": "",
        "entityId": 0,
        "isNotify": False,
        "alertValue": 60,
    }


def test_a_link_of_another_sort_goes_back_as_it_was(task: Make, portal: Portal) -> None:
    """A sort of link that this program has no word for is not lost by an update."""
    body = update_body(task(entity={"entityType": "invoice", "entityId": 3}), {"title": "New"}, portal)
    assert (body["contactid"], body["entityType"], body["entityid"]) == (17, "invoice", 3)


@pytest.mark.parametrize("field", ["title", "due", "category"])
def test_a_create_names_what_is_missing(portal: Portal, field: str) -> None:
    """Without a title, a due day or a category nothing is sent, and the message says what is missing."""
    values: dict[str, Value] = {"title": "Send offer", "due": date(2026, 3, 12), "category": "Call"}
    del values[field]
    with pytest.raises(DefaultNeeded, match=field):
        create_body(values, portal, user=NOBODY)


@pytest.mark.parametrize(("categories", "told"), [({"Call": 30, "Deal": 31}, "Call, Deal"), ({}, "none at all")])
def test_an_unknown_category_is_refused_with_the_known_ones(portal: Portal, categories: Any, told: str) -> None:
    """The message for a category that the portal lacks lists those it has."""
    values: dict[str, Value] = {"title": "Send offer", "due": date(2026, 3, 12), "category": "Lunch"}
    with pytest.raises(DefaultNeeded, match=f"'Lunch'; it has {told}"):
        create_body(values, replace(portal, categories=categories), user=NOBODY)


@pytest.mark.parametrize("text", ["2026-03-10T06:30:00Z", "2026-03-10T06:30:00.5 and more", "/Date(1773100800000)/"])
@pytest.mark.parametrize("member", ["title", "description"])
def test_a_text_that_json_would_rewrite_goes_as_a_form(member: str, text: str) -> None:
    """A title or body that reads like a time is sent past the server's JSON reader, unharmed."""
    body = {
        "title": "t",
        "deadline": "2026-03-10T06:30:00Z",
        "categoryid": 30,
        "isNotify": False,
        member: text + " é&=+",
    }
    form = as_form(body)
    assert form is not None
    assert parse_qs(form.decode()) == {
        **{name: [str(value)] for name, value in body.items()},
        "isNotify": ["false"],
    }


@pytest.mark.parametrize("text", ["Call on 2026-03-10T06:30:00Z", "2026-03-10", "2026-03-10 06:30:00", "Date(1)"])
def test_any_other_text_goes_as_json(text: str) -> None:
    """The documented JSON body is used wherever it is safe; the deadline itself is."""
    assert as_form({"title": text, "description": text, "deadline": "2026-03-10T06:30:00Z", "categoryid": 30}) is None


def test_lists_go_as_a_form_too() -> None:
    """4.6: a list is spelled with brackets, an empty one is nothing, and a list of objects numbers them; what only JSON
    would rewrite deep inside makes a form of the whole.
    """
    body = {
        "title": "Renewal",
        "members": [17, 22],
        "customFieldList": [{"key": 5, "value": "EMEA"}, {"key": 6, "value": "2026-03-10T06:30:00Z"}],
        "isPrivate": True,
        "accessList": [],
    }
    form = as_form(body)
    assert form is not None
    assert parse_qs(form.decode()) == {
        "title": ["Renewal"],
        "members[]": ["17", "22"],
        "customFieldList[0][key]": ["5"],
        "customFieldList[0][value]": ["EMEA"],
        "customFieldList[1][key]": ["6"],
        "customFieldList[1][value]": ["2026-03-10T06:30:00Z"],
        "isPrivate": ["true"],
    }
