"""Creating, changing and completing tasks of the simulated Plannr (protocols/plannr.md 4.2 to 4.4, 6, 9)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

ACCOUNT = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
OTHER = "93379910-564c-4d8a-838f-5a0a4a98111e"
CLIENT = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
TO_DO, DOING, DONE = (f"50000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
FACT_FIND = {
    "name": "Send fact find",
    "priority": "medium",
    "due_at": "2026-06-12",
    "taskable_type": "client",
    "taskable_uuid": CLIENT,
    "task_status_uuid": TO_DO,
}


async def _create(plannr: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    response = await plannr.post("/task", json=FACT_FIND | changes)
    assert response.status_code == 201, response.text
    task: dict[str, Any] = response.json()
    return task


async def _put(plannr: httpx.AsyncClient, task: dict[str, Any], **changes: Any) -> dict[str, Any]:
    response = await plannr.put(f"/task/{task['uuid']}", json=changes)
    assert response.status_code == 200, response.text
    changed: dict[str, Any] = response.json()
    return changed


async def test_create(plannr: httpx.AsyncClient) -> None:
    """201 with the bare task, author, assignees and custom fields."""
    task = await _create(plannr, assigned_to_uuids=[ACCOUNT], custom_fields={"sync_ref": "cap-88"})
    assert (task["name"], task["description"], task["priority"]) == ("Send fact find", None, "medium")
    assert (task["due_at"], task["status"]["name"]) == ("2026-06-12 00:00:00", "To do")
    assert task["created_at"] == task["updated_at"] == "2026-06-04T08:15:00+01:00"
    assert [one["uuid"] for one in task["assigned_to"]] == [task["author"]["uuid"]] == [ACCOUNT]
    assert [(one["reference"], one["value"]) for one in task["custom_fields"]] == [("sync_ref", "cap-88")]
    assert (await plannr.get(f"/task/{task['uuid']}")).json() == task


async def test_validation_reports_every_field(world: World, plannr: httpx.AsyncClient) -> None:
    """The first text, how many more there are, and all of them by field."""
    sent = {"priority": "urgent", "taskable_type": "deal", "taskable_uuid": "42", "due_at": "next blue moon"}
    response = await plannr.post("/task", json=sent)
    assert response.status_code == 422
    assert response.json() == {
        "message": "The name field is required. (and 5 more errors)",
        "errors": {
            "name": ["The name field is required."],
            "priority": ["The selected priority is invalid."],
            "due_at": ["The due at field must be a valid date."],
            "taskable_type": ["The selected taskable type is invalid."],
            "taskable_uuid": ["The taskable uuid field must be a valid UUID."],
            "task_status_uuid": ["The task status uuid field is required."],
        },
    }
    assert world.plannr.tasks() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": 7}, "name"),
        ({"description": ["x"]}, "description"),
        ({"taskable_uuid": OTHER}, "taskable_uuid"),
        ({"task_status_uuid": ACCOUNT}, "task_status_uuid"),
        ({"parent_task_uuid": ACCOUNT}, "parent_task_uuid"),
        ({"assigned_to_uuids": "x"}, "assigned_to_uuids"),
        ({"assigned_to_uuids": [ACCOUNT, "x"]}, "assigned_to_uuids.1"),
        ({"assigned_to_uuids": [DONE]}, "assigned_to_uuids.0"),
        ({"custom_fields": "x"}, "custom_fields"),
        ({"is_recurring": True}, "recurring_frequency"),
        ({"is_recurring": "yes"}, "is_recurring"),
        ({"is_recurring": True, "recurring_frequency": "often"}, "recurring_frequency"),
    ],
)
async def test_validation_by_field(plannr: httpx.AsyncClient, changes: dict[str, Any], field: str) -> None:
    """One wrong field is one error."""
    response = await plannr.post("/task", json=FACT_FIND | changes)
    assert response.status_code == 422
    assert list(response.json()["errors"]) == [field]
    assert response.json()["message"] == response.json()["errors"][field][0]


async def test_names_can_have_a_limit(world: World, plannr: httpx.AsyncClient) -> None:
    """Nobody knows the limit of a name, so by default there is none."""
    await _create(plannr, name="x" * 300)
    world.plannr.settings.name_most = 255
    response = await plannr.post("/task", json=FACT_FIND | {"name": "x" * 256})
    assert response.json()["errors"] == {"name": ["The name field must not be greater than 255 characters."]}


async def test_partial_update(plannr: httpx.AsyncClient, clock: Any) -> None:
    """What is not sent stays, null clears, lists replace, read-only and unknown keys do nothing."""
    task = await _create(plannr, description="text", assigned_to_uuids=[ACCOUNT])
    clock.forward(seconds=1)
    moved = await _put(plannr, task, name="Second call", due_at="2026-06-11 14:30:00")
    assert (moved["name"], moved["due_at"], moved["priority"]) == ("Second call", "2026-06-11 14:30:00", "medium")
    assert (moved["description"], moved["updated_at"]) == ("text", "2026-06-04T08:15:01+01:00")
    cleared = await _put(plannr, task, due_at=None, description="", assigned_to_uuids=[OTHER], completed_at="x")
    assert (cleared["due_at"], cleared["description"]) == (None, None)
    assert [one["uuid"] for one in cleared["assigned_to"]] == [OTHER]
    assert (await _put(plannr, task, assigned_to_uuids=[]))["assigned_to"] == []


async def test_full_update_is_a_switch(world: World, plannr: httpx.AsyncClient) -> None:
    """With it, what can be empty and is not sent becomes empty."""
    task = await _create(plannr, description="text", assigned_to_uuids=[ACCOUNT])
    world.plannr.settings.put_semantics = "full"
    changed = await _put(plannr, task, name="x")
    empty = [changed[name] for name in ("description", "priority", "due_at")]
    assert (empty, changed["assigned_to"], changed["status"]["name"]) == ([None] * 3, [], "To do")


async def test_strings_are_trimmed(plannr: httpx.AsyncClient) -> None:
    """White space at the ends goes, and an empty string is no value."""
    task = await _create(plannr, name="  Send  it ", description=" \n ")
    assert (task["name"], task["description"]) == ("Send  it", None)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-07-01T09:00:00Z", "2026-07-01 09:00:00"),
        ("2026-07-01T09:00:00+05:00", "2026-07-01 09:00:00"),
        ("2026-07-01 09:00", "2026-07-01 09:00:00"),
        ("2026-07-01T09:00:00.123456Z", "2026-07-01 09:00:00"),
        ("2026-03-29 01:30:00", "2026-03-29 02:30:00"),
        ("2026-10-25 01:30:00", "2026-10-25 01:30:00"),
    ],
)
async def test_offset_is_kept_as_wall_clock(plannr: httpx.AsyncClient, sent: str, stored: str) -> None:
    """An offset is dropped without conversion; an hour that does not exist moves on."""
    assert (await _create(plannr, due_at=sent))["due_at"] == stored


async def test_offset_and_granularity_switches(world: World, plannr: httpx.AsyncClient) -> None:
    """An offset can be converted, and the time can be cut off."""
    world.plannr.settings.offset_input = "convert"
    assert (await _create(plannr, due_at="2026-07-01T09:00:00Z"))["due_at"] == "2026-07-01 10:00:00"
    world.plannr.settings.due_at_granularity = "date"
    assert (await _create(plannr, due_at="2026-07-01T09:00:00Z"))["due_at"] == "2026-07-01 00:00:00"


async def test_doubled_hour_reads_as_the_first(world: World, plannr: httpx.AsyncClient) -> None:
    """The column has no zone, so the second half past one of that night is lost."""
    number = world.plannr.add(title="x", due=datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert (await plannr.get(f"/task/{number}")).json()["due_at"] == "2026-10-25 01:30:00"
    assert world.plannr.task(number)["due"] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


async def test_complete_and_uncomplete(plannr: httpx.AsyncClient, clock: Any) -> None:
    """Completing says who and when, once; going back needs a status or takes the first one."""
    task = await _create(plannr)
    clock.forward(seconds=1)
    for _ in range(2):
        done = (await plannr.patch(f"/task/{task['uuid']}/complete")).json()
        assert (done["status"]["uuid"], done["completed_at"]) == (DONE, "2026-06-04 08:15:01")
        assert (done["completed_by"]["uuid"], done["updated_at"]) == (ACCOUNT, "2026-06-04T08:15:01+01:00")
        clock.forward(seconds=1)
    back = (await plannr.patch(f"/task/{task['uuid']}/uncomplete/{DOING}")).json()
    assert (back["status"]["uuid"], back["completed_at"], back["completed_by"]) == (DOING, None, None)
    await plannr.patch(f"/task/{task['uuid']}/complete")
    assert (await plannr.patch(f"/task/{task['uuid']}/uncomplete")).json()["status"]["uuid"] == TO_DO
    assert (await plannr.patch(f"/task/{task['uuid']}/uncomplete/{ACCOUNT}")).status_code == 404


async def test_done_by_put(world: World, plannr: httpx.AsyncClient) -> None:
    """A finished status in a PUT fills the completion, unless the switch says no."""
    first, second = await _create(plannr), await _create(plannr)
    assert (await _put(plannr, first, task_status_uuid=DONE))["completed_at"] == "2026-06-04 08:15:00"
    world.plannr.settings.put_completed_status_sets_completed_at = False
    changed = await _put(plannr, second, task_status_uuid=DONE)
    assert (changed["status"]["is_type_completed"], changed["completed_at"]) == (True, None)


async def test_what_moves_updated_at(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """Neither a PUT of what is there nor assignees do, unless the switch says so."""
    task = await _create(plannr)
    clock.forward(seconds=1)
    assert (await _put(plannr, task, name="Send fact find"))["updated_at"] == task["updated_at"]
    assert (await _put(plannr, task, assigned_to_uuids=[OTHER]))["updated_at"] == task["updated_at"]
    world.plannr.settings.assignee_change_touches_updated_at = True
    assert (await _put(plannr, task, assigned_to_uuids=[]))["updated_at"] == "2026-06-04T08:15:01+01:00"


async def test_delete(world: World, plannr: httpx.AsyncClient) -> None:
    """204, or 200 with an empty object; afterwards the task is nowhere."""
    first, second = await _create(plannr), await _create(plannr)
    gone = await plannr.delete(f"/task/{first['uuid']}")
    assert (gone.status_code, gone.content) == (204, b"")
    world.plannr.settings.delete_status = 200
    assert (await plannr.delete(f"/task/{second['uuid']}")).json() == {}
    missing = await plannr.get(f"/task/{first['uuid']}")
    assert missing.json() == {"message": f"No query results for model [App\\Models\\Task] {first['uuid']}"}
    assert (await plannr.get("/task")).json()["meta"]["total"] == 0


async def test_read_only_login(world: World, plannr: httpx.AsyncClient) -> None:
    """Without the permissions writing and deleting are 403, after 404 and before 422."""
    task = await _create(plannr)
    world.plannr.settings.change({"has_write_permission": False, "has_delete_permission": False})
    path = f"/task/{task['uuid']}"
    for method, target in (("POST", "/task"), ("PUT", path), ("PATCH", f"{path}/complete"), ("DELETE", path)):
        response = await plannr.request(method, target, json={"priority": "urgent"})
        assert (response.status_code, response.json()) == (403, {"message": "This action is unauthorized."})
    assert (await plannr.put("/task/none", json={})).status_code == 404


async def test_recurrence(plannr: httpx.AsyncClient) -> None:
    """A frequency comes with the flag and goes with it."""
    task = await _create(plannr, is_recurring=True, recurring_frequency="weekly")
    assert (task["is_recurring"], task["recurring_frequency"]) == (True, "weekly")
    changed = await _put(plannr, task, is_recurring=False)
    assert (changed["is_recurring"], changed["recurring_frequency"]) == (False, None)


async def test_the_documented_request(world: World, plannr: httpx.AsyncClient) -> None:
    """The PUT of the vendor's page works, with ids that this firm has."""
    parent = world.plannr.add(title="parent")
    task = await _create(plannr)
    documented = {
        "name": "Check details",
        "description": "Check details",
        "priority": "low",
        "due_at": "2020-01-01 00:00:00",
        "taskable_type": "plan",
        "taskable_uuid": "5c1695df-0be1-48e2-9b01-71f8495a672f",
        "task_status_uuid": DOING,
        "parent_task_uuid": parent,
        "assigned_to_uuids": [OTHER],
        "custom_fields": [{"favourite_pet": "Dog"}],
        "group_uuids": ["6098c485-20e6-41ec-9b52-972cdacc65aa"],
    }
    changed = await _put(plannr, task, **documented)
    assert (changed["taskable"]["name"], changed["custom_fields"][0]["value"]) == ("Price SIPP", "Dog")
    neutral = world.plannr.task(task["uuid"])
    assert (neutral["title"], neutral["due"], neutral["parent"]) == ("Check details", date(2020, 1, 1), parent)
    assert (neutral["priority"], neutral["status"], neutral["owner"]) == ("low", "Doing", "Ben Osei")
