"""v2 tasks as objects: the documents of protocols/capsule.md, section 7."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.capsule import v2_mapping
from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.connectors.capsule.v2_mapping import Zones
from tasksync.core.lens import KEEP
from tasksync.core.record import TASK, Value
from tasksync.core.reference import only_own

LONDON, NEW_YORK, BERLIN = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")
ZONES = Zones(own=LONDON, owners={77: LONDON, 78: NEW_YORK})
IDS = {"Call": 31, "Milestone": 35}

PAGE_LIST = """{"tasks":[{"id":90210044,"category":{"id":31,"name":"Call","colour":"#d16c1a"},"description":"Ring \
about delivery","detail":null,"dueTime":"14:30:00","status":"OPEN","party":{"id":5520,"type":"person","firstName":"Jo",\
"lastName":"Marsh","pictureURL":"https://cdn.example/p.svg"},"opportunity":null,"owner":{"id":77,"deleted":false,\
"username":"a.singh","pictureURL":"https://cdn.example/u.svg","name":"A Singh"},"daysAfter":null,"taskDelayRule":null,\
"nextTask":null,"active":true,"createdAt":"2025-05-30T15:02:11Z","updatedAt":"2025-06-02T08:14:37Z","dueOn":\
"2025-06-03","completedBy":null,"completedAt":null,"kase":null,"taskDayDelayRule":"TRACK_DAYS",\
"overrideToCurrentUser":null,"repeat":null,"hasTrack":false}]}"""
PAGE_CREATE = """{"task":{"description":"Draft floor plan","detail":"Two variants","dueOn":"2025-06-10","category":\
{"id":35},"owner":{"id":77},"kase":{"id":640}}}"""
PAGE_CREATED = """{"task":{"id":90210101,"category":{"id":35,"name":"Milestone","colour":"#d1c21a"},"description":\
"Draft floor plan","detail":"Two variants","dueTime":null,"status":"OPEN","party":null,"opportunity":null,"owner":\
{"id":77,"deleted":false,"username":"a.singh","pictureURL":"https://cdn.example/u.svg","name":"A Singh"},"daysAfter":\
null,"taskDelayRule":null,"nextTask":null,"active":true,"createdAt":"2025-06-02T09:00:00Z","updatedAt":\
"2025-06-02T09:00:00Z","dueOn":"2025-06-10","completedBy":null,"completedAt":null,"kase":{"id":640,"name":"Warehouse \
refit"},"taskDayDelayRule":"TRACK_DAYS","overrideToCurrentUser":null,"repeat":null,"hasTrack":false}}"""


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year to second, spread


def listed(**changes: Any) -> dict[str, Any]:
    task: dict[str, Any] = json.loads(PAGE_LIST)["tasks"][0]
    return {**task, **changes}


def test_the_listed_task_of_the_page() -> None:
    """Example 6: wall clock of the owner in summer, an empty detail, the stamps."""
    found = v2_mapping.read_task(listed(), ZONES, "crm")
    assert found.external_id == "90210044"
    assert dict(found.values) == {
        "title": "Ring about delivery",
        "body": "",
        "due": at(2025, 6, 3, 13, 30),
        "done": False,
        "category": "Call",
        "assignees": ("crm:person:77",),
        "links": ("crm:contact:5520",),
    }
    assert (found.created, found.modified) == (at(2025, 5, 30, 15, 2, 11), at(2025, 6, 2, 8, 14, 37))
    assert found.completed is None
    TASK.check(found.values)


def test_the_created_task_of_the_page() -> None:
    """Example 7: what is written is the page's request, what is read is the same values."""
    found = v2_mapping.read_task(json.loads(PAGE_CREATED)["task"], ZONES, "crm")
    values: dict[str, Value] = {
        "title": "Draft floor plan",
        "body": "Two variants",
        "due": date(2025, 6, 10),
        "category": "Milestone",
        "assignees": ("crm:person:77",),
        "links": ("crm:case:640",),
    }
    assert dict(found.values) == {**values, "done": False}
    assert v2_mapping.write_create(values, ZONES, IDS) == json.loads(PAGE_CREATE)["task"]


def test_the_completed_task_of_the_page() -> None:
    """Example 8: done, with the completer's own time."""
    completed = listed(status="COMPLETED", completedAt="2025-06-03T13:05:00Z", completedBy="a.singh")
    found = v2_mapping.read_task(completed, ZONES, "crm")
    assert (found.values["done"], found.completed) == (True, at(2025, 6, 3, 13, 5))


def test_pending_is_not_done() -> None:
    """A task that has lost its relevance was not carried out."""
    assert v2_mapping.read_task(listed(status="PENDING"), ZONES, "crm").values["done"] is False


@pytest.mark.parametrize(
    ("owner", "zone"),
    [
        ({"id": 78}, NEW_YORK),
        ({"id": 77}, LONDON),
        ({"id": 4}, LONDON),
        ({"id": "78"}, LONDON),
        ({"id": {}}, LONDON),
        ({}, LONDON),
        ("n.york", LONDON),
        (None, LONDON),
    ],
)
def test_the_clock_is_the_owners(owner: Any, zone: ZoneInfo) -> None:
    """An owner whose zone is not known goes by that of the connection."""
    assert ZONES.of(listed(owner=owner)) is zone
    due = v2_mapping.read_task(listed(owner=owner), ZONES, "crm").values["due"]
    assert due == datetime(2025, 6, 3, 14, 30, tzinfo=zone)


@pytest.mark.parametrize(
    ("day", "clock", "due"),
    [
        ("2025-06-03", None, date(2025, 6, 3)),
        ("2025-06-03", "00:00:00", at(2025, 6, 2, 23)),
        ("2025-06-03", "14:30", at(2025, 6, 3, 13, 30)),
        ("2025-12-03", "14:30:05", at(2025, 12, 3, 14, 30, 5)),
        ("2025-10-26", "01:30:00", at(2025, 10, 26, 0, 30)),  # twice that night: the first
        ("2025-03-30", "01:30:00", at(2025, 3, 30, 1, 30)),  # never that night: as if the clocks had not changed
        (None, None, None),
        (None, "09:00:00", None),
    ],
)
def test_due_dates_are_read(day: str | None, clock: str | None, due: Value) -> None:
    """A date alone is all-day; with a time it is an instant of London, on the nights the clocks change too."""
    found = v2_mapping.read_task(listed(dueOn=day, dueTime=clock), ZONES, "crm").values["due"]
    assert found == due
    assert type(found) is type(due)


@pytest.mark.parametrize(
    ("due", "zone", "written"),
    [
        (date(2025, 6, 3), LONDON, {"dueOn": "2025-06-03", "dueTime": None}),
        (at(2025, 6, 2, 23), LONDON, {"dueOn": "2025-06-03", "dueTime": "00:00:00"}),
        (at(2025, 6, 3, 3, 30, 5, 999_999), NEW_YORK, {"dueOn": "2025-06-02", "dueTime": "23:30:05"}),
        (at(2025, 10, 26, 0, 30), LONDON, {"dueOn": "2025-10-26", "dueTime": "01:30:00"}),
        (None, LONDON, {}),
    ],
)
def test_due_dates_are_written(due: Value, zone: ZoneInfo, written: dict[str, Any]) -> None:
    """Both keys together, so that a time goes when a task becomes all-day; without a due date neither."""
    assert v2_mapping.write_task({"due": due}, zone, IDS) == written


def test_null_clears_and_only_what_changes_is_written() -> None:
    """A partial update holds its keys and no others; the state is no key."""
    changes: dict[str, Value] = {"body": "", "category": None, "done": True}
    assert v2_mapping.write_task(changes, LONDON, IDS) == {"detail": None, "category": None}


def test_a_category_is_written_by_its_id() -> None:
    """A name that has none is a LookupError for the connector to explain."""
    assert v2_mapping.write_task({"category": "Milestone"}, LONDON, IDS) == {"category": {"id": 35}}
    with pytest.raises(LookupError, match="task category 'Lunch'"):
        v2_mapping.write_task({"category": "Lunch"}, LONDON, IDS)


def test_keys_that_are_absent_tell_nothing() -> None:
    """The server sends nulls; what it leaves out altogether is not empty but unknown."""
    found = v2_mapping.read_task({"id": 1, "description": None, "status": "OPEN", "dueOn": "2025-06-03"}, ZONES, "crm")
    assert dict(found.values) == {"title": "", "done": False}
    assert (found.created, found.modified, found.completed) == (None, None, None)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("a task", "no object"),
        (None, "no object"),
        ({}, "an object with the id None"),
        (listed(id="7"), "an object with the id '7'"),
        (listed(id=True), "an object with the id True"),
        ({"id": 7, "status": "OPEN"}, "task 7: it has no description"),
        ({"id": 7, "description": "x"}, "task 7: .* no status"),
        (listed(description=5), "task 90210044: its description is no text"),
        (listed(detail=["x"]), "its detail is no text"),
        (listed(status=1), "its status is no text"),
        (listed(category="Call"), "its category has no name"),
        (listed(category={"id": 31}), "its category has no name"),
        (listed(party=5520), "task 90210044: its party is no object"),
        (listed(party=None, kase={"name": "Warehouse refit"}), "task 90210044: an object with the id None"),
        (listed(owner={"id": True}), "task 90210044: an object with the id True"),
        (listed(dueOn="tomorrow"), "'tomorrow' is no date"),
        (listed(dueOn=20250603), "its dueOn is no text"),
        (listed(dueTime="half past two"), "'half past two' is no time"),
        (listed(dueTime="24:30:00"), "'24:30:00' is no time"),
        (listed(dueOn="9999-12-31", dueTime="23:00:00", owner={"id": 78}), "no moment in UTC"),
        (listed(updatedAt="yesterday"), "'yesterday' is no date"),
        (listed(createdAt=1748854800), "its createdAt is no text"),
    ],
)
def test_what_is_no_task_is_refused_by_name(task: Any, message: str) -> None:
    """An item that cannot be understood is an error that names the task, never a KeyError or a TypeError."""
    with pytest.raises(Unreadable, match=message):
        v2_mapping.read_task(task, ZONES, "crm")


def test_text_is_read_as_the_lens_shows_it() -> None:
    """Line ends, characters no other CRM could hold, and a title of two lines."""
    found = v2_mapping.read_task(listed(description="a\r\nb", detail="a\x00\r\nb\rc\ud800"), ZONES, "crm")
    assert (found.values["title"], found.values["body"]) == ("a b", "a\ufffd\nb\nc\ufffd")


@pytest.mark.parametrize(
    ("zones", "moment", "shown"),
    [
        (Zones(own=LONDON), at(2025, 10, 26, 0, 30), at(2025, 10, 26, 0, 30)),
        (Zones(own=LONDON), at(2025, 10, 26, 1, 30), at(2025, 10, 26, 0, 30)),
        (Zones(own=LONDON, owners={1: BERLIN}), at(2025, 10, 26, 1, 30), at(2025, 10, 26, 0, 30)),
        (Zones(own=LONDON, owners={1: NEW_YORK}), at(2025, 10, 26, 1, 30), at(2025, 10, 26, 1, 30)),
        (Zones(own=LONDON), at(2025, 6, 3, 1, 30, 0, 7), at(2025, 6, 3, 1, 30)),
        (Zones(own=NEW_YORK), datetime.min.replace(tzinfo=UTC), KEEP),
        (Zones(own=LONDON), None, KEEP),
    ],
)
def test_an_instant_shows_as_the_first_of_its_wall_clock_if_no_owner_can_have_it(
    zones: Zones, moment: Value, shown: Any
) -> None:
    """One zone, zones that change together, zones that do not, and what no calendar holds."""
    assert v2_mapping.lenses([], zones, only_own("crm"))["due"].get(moment) == shown


def test_reference_lists_are_read() -> None:
    """Categories by name, of two the first; zones by user, unknown ones aside."""
    assert v2_mapping.read_categories([{"id": 2, "name": "B"}, {"id": 1, "name": "A"}, {"id": 3, "name": "B"}]) == {
        "B": 2,
        "A": 1,
    }
    users = [
        {"id": 1, "timezone": "America/New_York"},
        {"id": 2, "timezone": "Mars/Base"},
        {"id": 3, "timezone": "Europe"},
        {"id": 4, "timezone": "../etc"},
        {"id": 5},
    ]
    zones = v2_mapping.read_zones(users, LONDON)
    assert zones.owners == {1: NEW_YORK}
    assert zones.in_use == (LONDON, NEW_YORK)


@pytest.mark.parametrize("category", [None, {"id": 1}, {"id": "1", "name": "A"}])
def test_what_is_no_category_is_refused(category: Any) -> None:
    """A category needs an id and a name."""
    with pytest.raises(Unreadable):
        v2_mapping.read_categories([category])


@pytest.mark.parametrize("user", ["a.singh", {"timezone": "Europe/London"}])
def test_what_is_no_user_is_refused(user: Any) -> None:
    """A user with a zone needs an id."""
    with pytest.raises(Unreadable):
        v2_mapping.read_zones([user], LONDON)
