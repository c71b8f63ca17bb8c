"""Writing over the JSON protocol of the simulated Capsule (protocols/capsule.md 3.4, 3.5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

Dial = Callable[..., httpx.AsyncClient]


def _add(world: World, title: str, **fields: Any) -> str:
    return world.capsule.add(**{"title": title, "due": date(2026, 6, 10)} | fields)


async def _put(v2: httpx.AsyncClient, number: str, **changes: Any) -> dict[str, Any]:
    response = await v2.put(f"/tasks/{number}", json={"task": changes})
    assert response.status_code == 200, response.text
    task: dict[str, Any] = response.json()["task"]
    return task


async def test_create(world: World, v2: httpx.AsyncClient) -> None:
    """201 with a Location and the whole task; the owner is the token's user."""
    sent = {"description": "Draft", "detail": "Two variants", "dueOn": "2026-06-10", "category": {"id": 35}}
    response = await v2.post("/tasks", json={"task": sent | {"kase": {"id": 640}, "unknown": 1}})
    assert response.status_code == 201
    task = response.json()["task"]
    assert response.headers["location"] == f"http://crm.example/capsule/api/v2/tasks/{task['id']}"
    assert (task["owner"]["username"], task["category"]["name"]) == ("sandbox", "Milestone")
    assert task["kase"] == {"id": 640, "name": "Price pension transfer"}
    assert task["createdAt"] == task["updatedAt"] == "2026-06-04T07:15:00Z"
    assert (await v2.get(f"/tasks/{task['id']}")).json()["task"] == task


async def test_partial_put(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """What is not sent stays; null clears detail, time, category and link."""
    number = _add(
        world,
        "Ring",
        body="text",
        due=datetime(2026, 6, 10, 13, 30, tzinfo=UTC),
        category="Call",
        link={"type": "party", "id": "302"},
    )
    clock.forward(seconds=1)
    moved = await _put(v2, number, dueOn="2026-06-11")
    assert (moved["dueOn"], moved["dueTime"], moved["detail"]) == ("2026-06-11", "14:30:00", "text")
    assert moved["updatedAt"] == "2026-06-04T07:15:01Z"
    bare = await _put(v2, number, detail=None, dueTime=None, category=None, party=None)
    assert [bare[name] for name in ("detail", "dueTime", "category", "party")] == [None] * 4
    assert (bare["description"], bare["dueOn"]) == ("Ring", "2026-06-11")


async def test_no_change_moves_no_stamp(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """A PUT of what is there is a true no-op, unless the account is set to move the stamp."""
    number = _add(world, "Ring")
    clock.forward(seconds=5)
    assert (await _put(v2, number, description="Ring", status="OPEN"))["updatedAt"] == "2026-06-04T07:15:00Z"
    world.capsule.settings.v2_no_change_put = "moves"
    assert (await _put(v2, number, description="Ring"))["updatedAt"] == "2026-06-04T07:15:05Z"


async def test_status_changes(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """Completing says who and when, once; a client may bring its own time; reopening takes both away."""
    number = _add(world, "Ring")
    clock.forward(seconds=5)
    done = await _put(v2, number, status="COMPLETED")
    assert (done["completedBy"], done["completedAt"]) == ("sandbox", "2026-06-04T07:15:05Z")
    clock.forward(seconds=5)
    again = await _put(v2, number, status="COMPLETED")
    assert (again["completedAt"], again["updatedAt"]) == ("2026-06-04T07:15:05Z", "2026-06-04T07:15:05Z")
    reopened = await _put(v2, number, status="OPEN")
    assert (reopened["completedBy"], reopened["completedAt"]) == (None, None)
    own = await _put(v2, number, status="COMPLETED", completedAt="2026-06-01T13:05:00Z")
    assert (own["completedAt"], own["updatedAt"]) == ("2026-06-01T13:05:00Z", "2026-06-04T07:15:10Z")


async def test_links_move_by_null_and_id(world: World, v2: httpx.AsyncClient) -> None:
    """One link at most: swapping needs the old one nulled in the same request."""
    number = _add(world, "Ring", link={"type": "party", "id": "302"})
    assert (await _put(v2, number, party={"id": 305}))["party"]["id"] == 305
    second = {"task": {"kase": {"id": 640}}}
    refused = await v2.put(f"/tasks/{number}", json=second)
    assert refused.json()["errors"] == [{"message": "task can be related to at most one entity", "resource": "task"}]
    swapped = await _put(v2, number, party=None, kase={"id": 640})
    assert (swapped["party"], swapped["kase"]["id"]) == (None, 640)
    world.capsule.settings.v2_second_link = "replace"
    assert (await _put(v2, number, opportunity={"id": 88}))["kase"] is None


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"description": "x"}, [("dueOn is required", "dueOn")]),
        ({}, [("description is required", "description"), ("dueOn is required", "dueOn")]),
        ({"description": "x", "dueOn": "10/06/2026"}, [("dueOn must be a date", "dueOn")]),
        (
            {"description": "x", "dueOn": "2026-06-10", "dueTime": "9 pm"},
            [("dueTime must be a time", "dueTime")],
        ),
        (
            {"description": "x", "dueOn": "2026-06-10", "status": "PENDING"},
            [("cannot set task status to PENDING", "status")],
        ),
        (
            {"description": "x", "dueOn": "2026-06-10", "category": {"name": "Call"}},
            [("category not found", "category")],
        ),
        ({"description": "x", "dueOn": "2026-06-10", "owner": None}, [("owner not found", "owner")]),
        ({"description": "x", "dueOn": "2026-06-10", "detail": 7}, [("detail must be text", "detail")]),
        ({"description": "x", "dueOn": "2026-02-30"}, [("dueOn must be a date", "dueOn")]),
        ({"description": "x", "dueOn": "2026-06-10", "dueTime": "25:00"}, [("dueTime must be a time", "dueTime")]),
        ({"description": "x", "dueOn": "2026-06-10", "status": "LATE"}, [("status is not valid", "status")]),
        ({"description": "x", "dueOn": "2026-06-10", "party": {"id": 1}}, [("party not found", "party")]),
        (
            {"description": "x", "dueOn": "2026-06-10", "status": "COMPLETED", "completedAt": "then"},
            [("completedAt must be a date-time", "completedAt")],
        ),
    ],
)
async def test_validation(
    world: World, v2: httpx.AsyncClient, sent: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    """422 names each field that is wrong."""
    response = await v2.post("/tasks", json={"task": sent})
    assert response.status_code == 422
    assert response.json() == {
        "message": "Validation Failed",
        "errors": [{"message": text, "resource": "task", "field": field} for text, field in errors],
    }
    assert world.capsule.tasks() == []


async def test_envelope_and_json(world: World, v2: httpx.AsyncClient) -> None:
    """Broken JSON is 400, a missing envelope 422."""
    broken = await v2.post("/tasks", content=b'{"task":', headers={"Content-Type": "application/json"})
    naked = await v2.post("/tasks", json={"description": "x", "dueOn": "2026-06-10"})
    assert (broken.status_code, naked.status_code) == (400, 422)


async def test_delete(world: World, v2: httpx.AsyncClient) -> None:
    """204 without a body; then 404."""
    number = _add(world, "Ring")
    gone = await v2.delete(f"/tasks/{number}")
    assert (gone.status_code, gone.content) == (204, b"")
    again = await v2.delete(f"/tasks/{number}")
    assert (again.status_code, again.json()) == (404, {"message": "Could not find resource"})


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("PATCH", "/tasks/1", 405, "Method not allowed"),
        ("POST", "/tasks/1/complete", 404, "Could not find resource"),
        ("GET", "/nothing", 404, "Could not find resource"),
        ("GET", "/users/me", 404, "Could not find resource"),
        ("GET", "/tasks/x", 404, "Could not find resource"),
    ],
)
async def test_unknown_paths_and_verbs(
    v2: httpx.AsyncClient, method: str, path: str, status: int, message: str
) -> None:
    """JSON messages for both; there is no path to complete a task."""
    response = await v2.request(method, path)
    assert (response.status_code, response.json()) == (status, {"message": message})


async def test_credentials_and_scope(world: World, dial: Dial, v2: httpx.AsyncClient) -> None:
    """A wrong token is 401 and too little scope 403, both with a challenge."""
    wrong = await dial("/capsule/api/v2", headers={"Authorization": "Bearer wrong"}).get("/tasks")
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    world.capsule.settings.read_only = True
    assert (await v2.get("/tasks")).status_code == 200
    refused = await v2.post("/tasks", json={})
    assert (refused.status_code, refused.json()) == (403, {"message": "Requires additional scope"})
