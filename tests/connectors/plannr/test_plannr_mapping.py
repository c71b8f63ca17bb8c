"""Plannr's payloads as the documents have them, and what must not be taken for a task."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tasksync.connectors.plannr import mapping
from tasksync.connectors.plannr.payload import NotUnderstood
from tasksync.core.record import Observation, Values

Task = Callable[..., dict[str, Any]]
ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
HERE = Path(__file__).parent
REQUEST = json.loads((HERE / "seed_004_request.json").read_text(encoding="utf-8"))
RESPONSE = json.loads((HERE / "seed_004_response.json").read_text(encoding="utf-8"))


def observed(payload: object) -> Observation:
    """What is read of a task, in a connection of this name."""
    return mapping.observation(payload, "hill")


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_the_response_of_the_seed_is_read() -> None:
    """The documented answer to a PUT becomes an observation, its documentation stubs notwithstanding."""
    found = observed(RESPONSE)
    assert found.external_id == "e0d257d7-5140-4a3c-a2a3-fff4f087b689"
    assert found.values == {
        "title": "Document the transaction",
        "body": "Document the transaction",
        "due": date(2021, 1, 1),
        "done": False,
        "priority": "high",
        "links": ("hill:case:01336bbf-b186-4565-8011-3dc37ec8e01a",),
    }
    assert found.modified == found.created == utc(2025, 4, 22, 12, 44, 18)
    assert found.completed == utc(2021, 1, 1)


def test_the_request_of_the_seed_is_what_would_be_sent() -> None:
    """Every key that we send stands in the documented request, with the value that it has there."""
    body = mapping.creation_body(
        {
            "title": "Check details",
            "body": "Check details",
            "priority": "low",
            "due": date(2020, 1, 1),
            "assignees": tuple(f"hill:person:{uuid}" for uuid in REQUEST["assigned_to_uuids"]),
            "links": (f"hill:plan:{REQUEST['taskable_uuid']}",),
        },
        status_uuid="da807649-c9bf-4c19-b622-47521f95dddf",
    )
    assert body.pop("due_at") == "2020-01-01"
    assert body.items() <= REQUEST.items()
    assert set(REQUEST) - set(body) == {
        "due_at",
        "parent_task_uuid",
        "custom_fields",
        "group_uuids",
    }


def test_the_due_time_of_the_seed_request_is_an_all_day_date() -> None:
    """Midnight in the documented request and our date alone are read as the same thing."""
    both = [observed({**RESPONSE, "due_at": text}) for text in (REQUEST["due_at"], "2020-01-01")]
    assert [one.values["due"] for one in both] == [date(2020, 1, 1)] * 2


def test_an_item_of_a_listing_is_read(task: Task) -> None:
    """Example E3: a task with a time of day, in summer."""
    found = observed(task())
    assert found.values == {
        "title": "Chase ceding provider",
        "body": "Ring Aviva about the transfer pack",
        "due": utc(2026, 6, 10, 8),
        "done": False,
        "priority": "high",
        "assignees": (f"hill:person:{ANA}",),
        "links": ("hill:case:b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002",),
    }
    assert (found.created, found.modified) == (utc(2026, 6, 1, 9, 2, 11), utc(2026, 6, 3, 15, 40, 5))
    assert found.completed is None


def test_a_created_task_is_read(task: Task) -> None:
    """Example E6: null is an empty body, and midnight is all-day."""
    values = observed(task(description=None, due_at="2026-06-12 00:00:00", priority=None)).values
    assert (values["body"], values["due"], values["priority"]) == ("", date(2026, 6, 12), None)


def test_a_partial_update_names_the_changed_fields_only() -> None:
    """Example E7, in its own words."""
    changes: Values = {"title": "Chase ceding provider (2nd call)", "due": utc(2026, 6, 11, 13, 30)}
    expected = {"name": "Chase ceding provider (2nd call)", "due_at": "2026-06-11 14:30:00"}
    assert mapping.changes_body(changes) == expected


def test_null_clears() -> None:
    """Example E8: what has no value any more is sent as null."""
    body = mapping.changes_body({"due": None, "body": "", "priority": None})
    assert body == {"due_at": None, "description": None, "priority": None}


def test_done_is_never_in_a_body() -> None:
    """Completing has a route of its own."""
    assert mapping.changes_body({"done": True}) == {}


def test_a_creation_leaves_out_what_has_no_value() -> None:
    """A new task does not send nulls; the status is always there."""
    link = (f"hill:contact:{PRICE}",)
    nothing: Values = {"body": "", "due": None, "priority": None, "done": False, "assignees": ()}
    body = mapping.creation_body({"title": "Send fact find", "links": link, **nothing}, status_uuid="s")
    assert body == {
        "name": "Send fact find",
        "taskable_type": "client",
        "taskable_uuid": PRICE,
        "task_status_uuid": "s",
    }


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ({"is_type_completed": True}, True),
        ({"is_type_completed": 1}, True),
        ({"is_type_completed": 0}, False),
        ({"is_type_completed": False, "is_archived": True}, False),
    ],
)
def test_done_is_the_flag_of_the_status(task: Task, status: dict[str, Any], done: object) -> None:
    """Examples E9 and E10: neither completed_at nor the archive decides."""
    found = observed(task(status=status, completed_at="2026-06-04 08:22:10"))
    assert found.values["done"] is done
    assert found.completed == utc(2026, 6, 4, 7, 22, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01 09:00:00", utc(2026, 7, 1, 8)),
        ("2026-01-15 09:00:00", utc(2026, 1, 15, 9)),
        ("2026-03-29 01:30:00", utc(2026, 3, 29, 1, 30)),  # skipped: 02:30 BST
        ("2026-10-25 01:30:00", utc(2026, 10, 25, 0, 30)),  # comes twice: the first
        ("2026-10-25T01:30:00+00:00", utc(2026, 10, 25, 0, 30)),  # Plannr keeps the wall clock alone
        ("2025-04-22T13:44:18+01:00", utc(2025, 4, 22, 12, 44, 18)),
        ("2026-05-19T21:31:18.737139Z", utc(2026, 5, 19, 21, 31, 18)),
        ("2026-05-06", date(2026, 5, 6)),
        ("2026-05-06 00:00:00", date(2026, 5, 6)),
        ("2026-05-06T00:00:00+01:00", date(2026, 5, 6)),
        ("2026-05-05T23:00:00.000000Z", date(2026, 5, 6)),
        ("2026-01-06T00:00:00+00:00", date(2026, 1, 6)),
        ("", None),
        (None, None),
    ],
)
def test_due_dates_in_every_format(task: Task, text: str | None, expected: date | None) -> None:
    """The test vectors of protocols/plannr.md, section 6."""
    due = observed(task(due_at=text)).values["due"]
    assert due == expected
    assert type(due) is type(expected)


@pytest.mark.parametrize(
    ("due", "text"),
    [
        (utc(2026, 7, 1, 8), "2026-07-01 09:00:00"),
        (utc(2026, 1, 15, 9), "2026-01-15 09:00:00"),
        (utc(2026, 3, 29, 1, 30), "2026-03-29 02:30:00"),
        (utc(2026, 10, 25, 0, 30), "2026-10-25 01:30:00"),
        (date(2026, 6, 12), "2026-06-12"),
    ],
)
def test_due_dates_are_written_as_london_wall_clock(due: date, text: str) -> None:
    """No offset ever leaves us: Plannr would drop it and keep the clock."""
    assert mapping.changes_body({"due": due}) == {"due_at": text}


def test_line_ends_become_ours(task: Task) -> None:
    """CRLF and CR are line ends; a title has none."""
    values = observed(task(name="one\r\ntwo", description="a\r\nb\rc\n")).values
    assert (values["title"], values["body"]) == ("one two", "a\nb\nc")


def test_half_a_surrogate_pair_is_replaced(task: Task) -> None:
    """What cannot be encoded never gets into the mirror."""
    assert observed(task(name="a\ud800b")).values["title"] == "a?b"


def test_what_is_missing_is_unknown(task: Task) -> None:
    """A key that is not there is left out, not taken for empty; what is not known to us is ignored."""
    payload = task(something_new={"a": 1})
    for key in (
        "description",
        "due_at",
        "priority",
        "updated_at",
        "created_at",
        "completed_at",
        "taskable",
        "assigned_to",
    ):
        del payload[key]
    found = observed(payload)
    assert dict(found.values) == {"title": "Chase ceding provider", "done": False}
    assert found.modified is found.created is found.completed is None


def test_an_unknown_priority_is_left_out(task: Task) -> None:
    """A priority that Plannr may get one day is nothing that we can tell anybody."""
    assert "priority" not in observed(task(priority="urgent")).values


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": None}, "its name is missing"),
        ({"name": {"example": "x"}}, "its name is of type dict"),
        ({"status": None}, "its status is missing"),
        ({"status": "Doing"}, "its status is of type str"),
        ({"status": {}}, "its is_type_completed is missing"),
        ({"status": {"is_type_completed": "no"}}, "its is_type_completed is of type str"),
        ({"status": {"is_type_completed": 7}}, "its is_type_completed is of type int"),
        ({"description": 5}, "its description is of type int"),
        ({"priority": ["high"]}, "its priority is of type list"),
        ({"due_at": "next blue moon"}, "its due_at is no date"),
        ({"due_at": "0000-00-00 00:00:00"}, "its due_at is no date"),
        ({"due_at": "0001-01-01T00:00:00+01:00"}, "its due_at is no date"),
        ({"due_at": 1780557793}, "its due_at is of type int"),
        ({"updated_at": "yesterday"}, "its updated_at is no date"),
    ],
)
def test_a_task_that_is_none_is_named(task: Task, changes: dict[str, Any], complaint: str) -> None:
    """What cannot be understood is an error that says which task and why."""
    with pytest.raises(NotUnderstood, match=f"task d3b0a1c2-1111-4a2b-9c3d-4e5f6a7b8c01: {complaint}"):
        observed(task(**changes))


@pytest.mark.parametrize("payload", [None, [], "x", {}, {"uuid": ""}, {"uuid": {"example": "x"}}])
def test_something_without_a_uuid_is_no_task(payload: Any) -> None:
    """Nothing that could not be found again is taken for a task."""
    with pytest.raises(NotUnderstood, match="the task"):
        observed(payload)
