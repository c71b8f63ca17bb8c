"""Payloads to observations: the vendor's samples and protocols/onlyoffice.md, 8."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.onlyoffice.mapping import (
    Portal,
    category_ids,
    lenses,
    observe,
    sees_everything,
)
from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.connectors.onlyoffice.references import LOST_USER, NOBODY
from tasksync.core.lens import KEEP

Make = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("000_response", datetime(2022, 7, 1, 4, 23, 9, tzinfo=UTC)),
        ("001_response", datetime(2021, 4, 11, 3, 12, 22, tzinfo=UTC)),
    ],
)
def test_the_samples_of_the_vendor_are_understood(seed: Make, portal: Portal, name: str, moment: datetime) -> None:
    """The responses of seeds 000 and 001, which lack most members, read as open tasks without body, links and reminder,
    and do not say whose they are.
    """
    seen = observe(seed(name)["response"], portal)
    assert seen.external_id == "0"
    assert seen.values == {
        "title": "Send a commercial offer",
        "body": "",
        "due": moment,
        "done": False,
        "category": "Appointment",
        "links": (),
        "reminder": None,
    }
    assert (seen.created, seen.modified, seen.completed) == (moment, None, None)


def test_midnight_in_the_portal_is_an_all_day_date(task: Make, portal: Portal, ids: dict[str, str]) -> None:
    """The first task of 8.4 is due on 10 March, all day, and carries its person, links, reminder and category."""
    seen = observe(task(), portal)
    assert seen.values == {
        "title": "Call about renewal",
        "body": "",
        "due": date(2026, 3, 10),
        "done": False,
        "category": "Call",
        "assignees": (f"office:person:{ids['igor']}",),
        "links": ("office:case:8", "office:contact:17"),
        "reminder": 1440,
    }
    assert seen.created == datetime(2026, 3, 1, 8, 2, 44, tzinfo=UTC)


def test_the_answer_to_a_write_reads_as_the_listing_does(task: Make, portal: Portal) -> None:
    """A POST's answer (no description, fractions) and a later GET's (empty description, none) hold equal values."""
    answered = task(
        description=None, deadLine="2026-03-12T17:00:00.0000000+03:00", created="2026-03-09T18:20:11.48+03:00"
    )
    listed = task(description="", deadLine="2026-03-12T14:00:00.0000000Z", created="2026-03-09T18:20:11.0000000+03:00")
    assert observe(answered, portal) == observe(listed, portal)


@pytest.mark.parametrize(
    ("member", "value", "field", "expected"),
    [
        ("isClosed", True, "done", True),
        ("alertValue", 0, "reminder", None),
        ("alertValue", -5, "reminder", None),
        ("description", "one\r\ntwo\rthree", "body", "one\ntwo\nthree"),
        ("title", " spaced ", "title", " spaced "),
        ("title", "x" * 300, "title", "x" * 255),
        ("title", "half \ud83d", "title", "half ?"),
        ("title", "party \U0001f389", "title", "party \ufffd"),
        ("responsible", {"id": "0A77-AB"}, "assignees", ("office:person:0a77-ab",)),
        ("contact", None, "links", ("office:case:8",)),
        ("entity", None, "links", ("office:contact:17",)),
        ("entity", {"entityType": "case"}, "links", ("office:contact:17",)),
        ("entity", {"entityId": 8}, "links", ("office:contact:17",)),
        (
            "entity",
            {"entityType": "opportunity", "entityId": 4},
            "links",
            ("office:contact:17", "office:opportunity:4"),
        ),
    ],
)
def test_members_read_as_values(
    task: Make, portal: Portal, member: str, value: object, field: str, expected: object
) -> None:
    """Each member reads as the form that the lens of its field leaves alone."""
    assert observe(task(**{member: value}), portal).values[field] == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"category": None}, "category"),
        ({"category": {"id": 30}}, "category"),
        ({"responsible": None}, "assignees"),
        ({"responsible": {"id": LOST_USER, "displayName": "Profile has been removed"}}, "assignees"),
        ({"responsible": {"id": NOBODY}}, "assignees"),
        ({"entity": {"entityType": "invoice", "entityId": 3}}, "links"),
        ({"deadLine": None}, "due"),
        ({"deadLine": "0001-01-01T00:00:00.0000000Z"}, "due"),
        ({"deadLine": "0900-01-01T00:00:00.0000000Z"}, "due"),
        ({"deadLine": "9999-12-31T23:59:59.0000000-03:00"}, "due"),
    ],
)
def test_what_an_answer_does_not_say_is_no_value(task: Make, portal: Portal, changes: Any, field: str) -> None:
    """A required value that is absent, unset or out of the CRM's range counts as not told, never as emptied; so does
    a stand-in for nobody, and a link that this program has no word for.
    """
    assert field not in observe(task(**changes), portal).values


@pytest.mark.parametrize(
    "changes",
    [
        {"title": 5},
        {"description": ["x"]},
        {"isClosed": "true"},
        {"alertValue": True},
        {"alertValue": "60"},
        {"category": "Call"},
        {"responsible": "Igor"},
        {"responsible": {"id": 7}},
        {"contact": [17]},
        {"contact": {"displayName": "Bob"}},
        {"entity": {"entityType": "case", "entityId": "8"}},
        {"category": {"title": 7, "id": 30}},
        {"deadLine": 1773100800},
        {"deadLine": "tomorrow"},
        {"deadLine": "2026-13-10T00:00:00Z"},
        {"deadLine": "2026-03-10T00:00:00+99:00"},
        {"created": "yesterday"},
    ],
)
def test_a_task_that_makes_no_sense_is_named(task: Make, portal: Portal, changes: Any) -> None:
    """A member of a wrong type or form is an error that names the task, so that it cannot vanish from a snapshot."""
    with pytest.raises(NotUnderstood, match="task 101"):
        observe(task(**changes), portal)


@pytest.mark.parametrize("payload", [None, [], "task", {}, {"id": None}, {"id": "12"}, {"id": True}, {"id": -1}])
def test_what_is_no_task_is_refused(portal: Portal, payload: object) -> None:
    """Something without a task's id is an error and not a task."""
    with pytest.raises(NotUnderstood):
        observe(payload, portal)


def test_of_equal_category_titles_the_first_counts() -> None:
    """Titles need not be unique in a portal; categories without one cannot be named."""
    listing = [{"title": "Call", "id": 30}, {"title": "Call", "id": 44}, {"title": "", "id": 45}, {"id": 46}]
    assert category_ids(listing) == {"Call": 30}


@pytest.mark.parametrize("listing", [["Call"], [{"title": "Call"}], [{"title": 1, "id": 30}]])
def test_a_category_that_makes_no_sense_is_an_error(listing: list[Any]) -> None:
    """A category without an id, or with a title that is no text, is not skipped."""
    with pytest.raises(NotUnderstood):
        category_ids(listing)


def test_categories_are_found_by_exact_title_first() -> None:
    """Of two titles that differ only in case each shows as itself, and any other spelling as the first."""
    portal = Portal(connection="office", zone=ZoneInfo("Europe/London"), categories={"call": 1, "Call": 2})
    category = lenses(portal)["category"]
    assert [category.get(name) for name in ("Call", "call", "CALL", "Lunch", None)] == [
        "Call",
        "call",
        "call",
        KEEP,
        KEEP,
    ]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"isAdmin": True}, True),
        ({"isOwner": True}, True),
        ({"isAdmin": False, "listAdminModules": ["people", "crm"]}, True),
        ({"isAdmin": False, "listAdminModules": ["people"]}, False),
        ({"listAdminModules": "crm"}, False),
        ({}, False),
    ],
)
def test_administrators_are_told_from_others(user: dict[str, Any], expected: object) -> None:
    """Owners, portal administrators and those of the CRM module see everything."""
    assert sees_everything(user) is expected
