"""Owner and link of a task in both versions: reading, writing, and what a new owner does to the due time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.capsule import v1_mapping, v1_xml, v2_mapping
from tasksync.connectors.capsule.v1_mapping import Generation
from tasksync.connectors.capsule.v2_mapping import Zones
from tasksync.core.lens import KEEP
from tasksync.core.record import TASK, Observation, Value
from tasksync.core.reference import only_own

LATE = Generation.LATE
LONDON, NEW_YORK, TOKYO = ZoneInfo("Europe/London"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo")
ZONES = Zones(own=LONDON, owners={77: LONDON, 78: NEW_YORK})
IDS = {"Call": 31}


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year to second, spread


def listed(**changes: Any) -> dict[str, Any]:
    """The task of example 6 in section 7 of protocols/capsule.md, as far as it matters here."""
    return {
        "id": 90210044,
        "category": None,
        "description": "Ring about delivery",
        "detail": None,
        "dueTime": "14:30:00",
        "status": "OPEN",
        "party": {"id": 5520, "type": "person", "firstName": "Jo", "lastName": "Marsh"},
        "opportunity": None,
        "owner": {"id": 77, "deleted": False, "username": "a.singh", "name": "A Singh"},
        "dueOn": "2025-06-03",
        "kase": None,
        **changes,
    }


# --- v1 ---


def task(inside: str) -> Element:
    return v1_xml.parse(f"<task><id>5</id><description>x</description>{inside}</task>".encode())


def test_a_link_is_fixed() -> None:
    """It stands in the path of the create, and no request moves it afterwards."""
    lenses = v1_mapping.lenses([], LATE, only_own("crm"))
    assert {name for name, lens in lenses.items() if lens.fixed} == {"links"}


@pytest.mark.parametrize(
    ("links", "link"),
    [
        (("crm:case:17",), ("kase", 17)),
        (("crm:opportunity:88",), ("opportunity", 88)),
        (("crm:contact:302",), ("party", 302)),
        ((), None),
        (None, None),
    ],
)
def test_a_task_is_created_for_its_link(links: Value, link: object) -> None:
    """As the words and numbers that the paths are made of."""
    assert v1_mapping.write_link({"links": links}) == link


@pytest.mark.parametrize("id_", ["17a", "-1", "\u0663", "1" * 20, "17/../../party/1"])
def test_an_id_that_capsule_cannot_have_makes_no_path(id_: str) -> None:
    """What the config says is refused by name before it is sent."""
    with pytest.raises(LookupError, match="case '"):
        v1_mapping.write_link({"links": (f"crm:case:{id_}",)})


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ("", {"links": ()}),
        ("<owner/><partyId/><caseId/>", {"links": ()}),
        ("<owner> b.osei </owner>", {"assignees": ("crm:person:b.osei",), "links": ()}),
        ("<owner>a:b</owner>", {"assignees": ("crm:person:a:b",), "links": ()}),
        ("<partyId>1</partyId><opportunityId>2</opportunityId>", {"links": ("crm:opportunity:2",)}),
    ],
)
def test_references_are_those_of_the_connection(inside: str, told: dict[str, Value]) -> None:
    """A task without an owner says nothing of one, and a task without a link says that it has none."""
    found = v1_mapping.read_task(task(inside), LATE, "crm").values
    assert {name: found[name] for name in ("assignees", "links") if name in found} == told
    TASK.check(found)


# --- v2 ---


@pytest.mark.parametrize(
    ("owner", "assignees"),
    [
        ({"id": 78, "deleted": False}, ("crm:person:78",)),
        ({"id": 78}, ("crm:person:78",)),
        ({"id": 78, "deleted": True}, None),
        (None, None),
        ({}, None),
        ("n.york", None),
    ],
)
def test_an_owner_who_is_none_any_more_says_nothing(owner: Any, assignees: Value) -> None:
    """Nobody chose that: the people of the task stay as they are elsewhere."""
    assert v2_mapping.read_task(listed(owner=owner), ZONES, "crm").values.get("assignees") == assignees


@pytest.mark.parametrize(
    ("keys", "links"),
    [
        ({"party": None, "opportunity": None, "kase": None}, ()),
        ({"party": None, "opportunity": {"id": 12}, "kase": None}, ("crm:opportunity:12",)),
        ({"party": {"id": 5520}, "opportunity": {"id": 12}, "kase": None}, ("crm:opportunity:12",)),
        ({"kase": {"id": 640}}, ("crm:case:640",)),
        ({"party": None, "kase": None}, None),
        ({}, None),
    ],
)
def test_there_is_one_link_or_none(keys: dict[str, Any], links: Value) -> None:
    """One that is there is all; that there is none is said by three nulls, and by nothing less."""
    bare = {key: value for key, value in listed().items() if key not in {"party", "opportunity", "kase"}}
    assert v2_mapping.read_task({**bare, **keys}, ZONES, "crm").values.get("links") == links


@pytest.mark.parametrize(
    ("links", "written"),
    [
        (("crm:contact:5520",), {"party": {"id": 5520}, "opportunity": None, "kase": None}),
        (("crm:opportunity:12",), {"party": None, "opportunity": {"id": 12}, "kase": None}),
        (("crm:case:640",), {"party": None, "opportunity": None, "kase": {"id": 640}}),
        ((), {"party": None, "opportunity": None, "kase": None}),
    ],
)
def test_a_link_is_moved_in_one_request(links: Value, written: dict[str, Any]) -> None:
    """The one is set and the other two are null, whatever was there before; a create leaves the nulls out."""
    assert v2_mapping.write_task({"links": links}, LONDON, IDS) == written
    set_ = {key: value for key, value in written.items() if value is not None}
    assert v2_mapping.write_create({"links": links}, ZONES, IDS) == set_


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"links": ("crm:case:warehouse",)}, "case 'warehouse'"),
        ({"assignees": ("crm:person:a.singh",)}, "person 'a.singh'"),
    ],
)
def test_an_id_that_capsule_cannot_have_is_a_lookup_error(values: dict[str, Value], named: str) -> None:
    """The config may name anything: it is told what."""
    with pytest.raises(LookupError, match=named):
        v2_mapping.write_task(values, LONDON, IDS)


def test_no_owner_is_never_written() -> None:
    """Nobody knows what clearing it does."""
    assert v2_mapping.write_task({"assignees": ()}, LONDON, IDS) == {}
    lens = v2_mapping.lenses([], ZONES, only_own("crm"))["assignees"]
    assert lens.get(()) is KEEP


def test_a_new_tasks_due_time_is_that_of_its_owner() -> None:
    """As the owner is the one who will read it."""
    values: dict[str, Value] = {"due": at(2025, 6, 3, 13, 30), "assignees": ("crm:person:78",)}
    assert v2_mapping.write_create(values, ZONES, IDS) == {
        "owner": {"id": 78},
        "dueOn": "2025-06-03",
        "dueTime": "09:30:00",
    }


def handed_on(changes: dict[str, Value], zones: Zones = ZONES, **task: Any) -> tuple[dict[str, Any], Observation]:
    """What is written when the page's task, of London, gets `changes`, and what a server that stores it shows then."""
    before = v2_mapping.read_task(listed(**task), zones, "crm")
    sent = v2_mapping.write_update(before, changes, zones, IDS)
    return sent, v2_mapping.read_task(listed(**{**task, **sent}), zones, "crm")


def test_a_task_that_is_handed_on_keeps_its_moment() -> None:
    """The new owner's clock shows another time of day, so that is written too: nothing but the owner is different."""
    sent, after = handed_on({"assignees": ("crm:person:78",)})
    assert sent == {"owner": {"id": 78}, "dueOn": "2025-06-03", "dueTime": "09:30:00"}
    assert (after.values["due"], after.values["assignees"]) == (at(2025, 6, 3, 13, 30), ("crm:person:78",))


def test_a_due_time_that_changes_with_the_owner_is_written_by_the_new_owners_clock() -> None:
    """Owner and time of one request belong together."""
    sent, after = handed_on({"assignees": ("crm:person:78",), "due": at(2025, 6, 4, 2)})
    assert sent == {"owner": {"id": 78}, "dueOn": "2025-06-03", "dueTime": "22:00:00"}
    assert after.values["due"] == at(2025, 6, 4, 2)


@pytest.mark.parametrize(
    ("zones", "task"),
    [
        (ZONES, {"dueTime": None}),
        (ZONES, {"dueOn": None}),
        (Zones(own=LONDON), {}),
        (Zones(own=LONDON, owners={77: LONDON, 78: LONDON}), {}),
    ],
)
def test_a_due_date_is_not_written_with_the_owner_alone(zones: Zones, task: dict[str, Any]) -> None:
    """All-day tasks have no clock, and among people of one zone there is but one."""
    sent, _ = handed_on({"assignees": ("crm:person:78",)}, zones, **task)
    assert sent == {"owner": {"id": 78}}


def test_a_moment_that_the_new_owner_cannot_have_is_left_alone() -> None:
    """At the ends of the calendar there is no such day in every zone."""
    zones = Zones(own=LONDON, owners={78: TOKYO})
    sent, _ = handed_on({"assignees": ("crm:person:78",)}, zones, dueOn="9999-12-31", dueTime="23:00:00")
    assert sent == {"owner": {"id": 78}}


def test_an_update_without_a_payload_goes_by_the_connections_clock() -> None:
    """An observation made up by somebody else has none."""
    before = Observation(external_id="1", values={})
    assert v2_mapping.write_update(before, {"due": at(2025, 6, 3, 13, 30)}, ZONES, IDS) == {
        "dueOn": "2025-06-03",
        "dueTime": "14:30:00",
    }
