"""The JSON protocol of the simulated Capsule (protocols/capsule.md 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

Dial = Callable[..., httpx.AsyncClient]

RECORDED_KEYS = [
    "id",
    "category",
    "description",
    "detail",
    "dueTime",
    "status",
    "party",
    "opportunity",
    "owner",
    "daysAfter",
    "taskDelayRule",
    "nextTask",
    "active",
    "createdAt",
    "updatedAt",
    "dueOn",
    "completedBy",
    "completedAt",
    "kase",
    "taskDayDelayRule",
    "overrideToCurrentUser",
    "repeat",
    "hasTrack",
]


def _add(world: World, title: str, **fields: Any) -> str:
    return world.capsule.add(**{"title": title, "due": date(2026, 6, 10)} | fields)


async def _titles(v2: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await v2.get("/tasks", params=params)
    assert response.status_code == 200, response.text
    return [task["description"] for task in response.json()["tasks"]]


async def _put(v2: httpx.AsyncClient, number: str, **changes: Any) -> dict[str, Any]:
    response = await v2.put(f"/tasks/{number}", json={"task": changes})
    assert response.status_code == 200, response.text
    task: dict[str, Any] = response.json()["task"]
    return task


async def test_a_task_has_all_keys_in_the_recorded_order(world: World, v2: httpx.AsyncClient) -> None:
    """Nulls are shown, time of day is wall clock, and a plain task has the recorded oddities."""
    number = _add(world, "Ring", due=datetime(2026, 6, 10, 13, 30, tzinfo=UTC), link={"type": "party", "id": "302"})
    task = (await v2.get(f"/tasks/{number}")).json()["task"]
    assert list(task) == RECORDED_KEYS
    assert (task["dueOn"], task["dueTime"]) == ("2026-06-10", "14:30:00")
    assert (task["active"], task["taskDayDelayRule"], task["hasTrack"]) == (True, "TRACK_DAYS", False)
    assert (task["party"]["firstName"], task["party"]["type"]) == ("Owen", "person")
    assert list(task["owner"]) == ["id", "deleted", "username", "pictureURL", "name"]


async def test_both_protocols_show_the_same_tasks(world: World, v1: httpx.AsyncClient, v2: httpx.AsyncClient) -> None:
    """What one creates the other reads, under the same id, as the same instant."""
    body = "<task><description>x</description><dueDateTime>2026-07-01T08:00:00Z</dueDateTime></task>"
    made = await v1.post("/task", content=body)
    number = made.headers["location"].rsplit("/", 1)[1]
    task = (await v2.get(f"/tasks/{number}")).json()["task"]
    assert (task["dueOn"], task["dueTime"]) == ("2026-07-01", "09:00:00")
    await _put(v2, number, dueTime="10:15")
    assert "<dueDateTime>2026-07-01T09:15:00Z</dueDateTime>" in (await v1.get(f"/task/{number}")).text


async def test_pages_and_their_link_header(world: World, v2: httpx.AsyncClient) -> None:
    """Links are absolute, repeat all parameters, and have raw commas in them."""
    for number in range(5):
        _add(world, f"task {number}")
    query = "status=open,completed&perPage=2"
    first = await v2.get(f"/tasks?{query}")
    second = await v2.get(f"/tasks?page=2&{query}")
    last = await v2.get(f"/tasks?page=3&{query}")
    base = "http://crm.example/capsule/api/v2/tasks?page"
    assert first.headers["link"] == f'<{base}=2&{query}>; rel="next"'
    assert second.headers["link"] == f'<{base}=3&{query}>; rel="next", <{base}=1&{query}>; rel="prev"'
    assert last.headers["link"] == f'<{base}=2&{query}>; rel="prev"'
    more = [page.headers["x-pagination-has-more"] for page in (first, second, last)]
    assert more == ["true", "true", "false"]
    assert [len(page.json()["tasks"]) for page in (first, second, last)] == [2, 2, 1]


async def test_default_page_holds_50(world: World, v2: httpx.AsyncClient) -> None:
    """A client that never asks for more silently stops there."""
    world.capsule.fill(60)
    assert len(await _titles(v2)) == 50
    assert (await v2.get("/tasks", params={"perPage": 101})).status_code == 422
    world.capsule.settings.v2_per_page = "clamp"
    assert len(await _titles(v2, perPage=500)) == 60


async def test_status_filter(world: World, v2: httpx.AsyncClient) -> None:
    """Open tasks by default, a comma list otherwise, in any case."""
    _add(world, "open")
    _add(world, "finished", done=True)
    _add(world, "pending", status="PENDING")
    assert await _titles(v2) == ["open"]
    assert await _titles(v2, status="open,completed,pending") == ["open", "finished", "pending"]
    assert await _titles(v2, status="OPEN,COMPLETED") == ["open", "finished"]
    assert await _titles(v2, status="pending") == ["pending"]
    world.capsule.settings.v2_pending = "as_open"
    assert await _titles(v2, status="pending") == ["open"]


async def test_since_does_not_widen_the_status(world: World, v2: httpx.AsyncClient, clock: Any) -> None:
    """A poll with `since` alone misses what was just finished; the boundary is a setting."""
    _add(world, "old")
    clock.forward(seconds=10)
    _add(world, "new")
    _add(world, "finished", done=True)
    assert await _titles(v2, since="2026-06-04T07:15:01Z") == ["new"]
    assert await _titles(v2, since="2026-06-04T07:15:10+00:00") == ["new"]
    world.capsule.settings.v2_since = "exclusive"
    assert await _titles(v2, since="2026-06-04T07:15:10Z") == []
    world.capsule.settings.v2_since = "ignored"
    assert await _titles(v2, since="2026-06-04T07:15:10Z") == ["old", "new"]


async def test_order_is_by_due_day_or_id(world: World, v2: httpx.AsyncClient) -> None:
    """Nobody knows the real order, so it can be changed."""
    _add(world, "later", due=date(2026, 6, 12))
    _add(world, "sooner", due=date(2026, 6, 11))
    assert await _titles(v2) == ["sooner", "later"]
    world.capsule.settings.v2_order = "id"
    assert await _titles(v2) == ["later", "sooner"]


async def test_other_filters_and_the_total(world: World, v2: httpx.AsyncClient) -> None:
    """Owner, category and due days narrow the list, unknown parameters do not, and `embed=meta` counts it."""
    _add(world, "mine", category="Call")
    _add(world, "his", owner="b.osei", due=date(2026, 6, 20))
    assert await _titles(v2, owner=78) == ["his"]
    assert await _titles(v2, category=31) == ["mine"]
    assert await _titles(v2, dueFrom="2026-06-15T00:00:00Z") == ["his"]
    assert await _titles(v2, dueTo="2026-06-15") == ["mine"]
    assert await _titles(v2, nonsense=1) == ["mine", "his"]
    answer = await v2.get("/tasks", params={"embed": "party,meta", "perPage": 1})
    assert answer.json()["meta"] == {"totalCount": 2}


@pytest.mark.parametrize("params", [{"page": 0}, {"perPage": "all"}, {"since": "yesterday"}])
async def test_parameters_that_cannot_be_read(v2: httpx.AsyncClient, params: dict[str, Any]) -> None:
    """They are 422 and named."""
    response = await v2.get("/tasks", params=params)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, next(iter(params)))


async def test_multi_get(world: World, v2: httpx.AsyncClient) -> None:
    """Several ids give a list without those that are gone; more than ten are refused."""
    first, second = _add(world, "a"), _add(world, "b")
    answer = await v2.get(f"/tasks/{first},{second},1")
    assert [str(task["id"]) for task in answer.json()["tasks"]] == [first, second]
    assert (await v2.get("/tasks/" + ",".join(map(str, range(11))))).status_code == 422


async def test_reference_lists(v2: httpx.AsyncClient) -> None:
    """Categories, users and the token's own user; a new category gets the next id."""
    categories = (await v2.get("/categories")).json()["categories"]
    assert [one["name"] for one in categories] == ["Call", "Email", "Follow-up", "Meeting", "Milestone", "Send"]
    assert (await v2.get("/users/current")).json()["user"]["username"] == "sandbox"
    users = (await v2.get("/users")).json()["users"]
    assert [user["timezone"] for user in users] == ["Europe/London"] * 2
    assert (await v2.get("/users/78")).json()["user"]["name"] == "Ben Osei"
    assert (await v2.get("/users/1")).status_code == (await v2.get("/categories/1")).status_code == 404
    assert (await v2.post("/categories", json={"category": {}})).status_code == 422
    made = await v2.post("/categories", json={"category": {"name": "Compliance"}})
    assert (made.status_code, made.json()["category"]["id"]) == (201, 37)
    assert (await v2.get("/categories/37")).json()["category"]["name"] == "Compliance"


@pytest.mark.parametrize(
    ("zone", "day", "clock_time", "instant"),
    [
        ("Europe/London", "2026-03-29", "01:30:00", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("Europe/London", "2026-10-25", "01:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", "2026-06-10", "21:00:00", datetime(2026, 6, 11, 1, 0, tzinfo=UTC)),
    ],
)
async def test_wall_clock_in_the_users_zone(
    world: World, v2: httpx.AsyncClient, zone: str, day: str, clock_time: str, instant: datetime
) -> None:
    """A skipped hour moves on, of a doubled hour it is the first, and the zone can be set."""
    world.capsule.settings.zone = zone
    sent = {"description": "x", "dueOn": day, "dueTime": clock_time}
    await v2.post("/tasks", json={"task": sent})
    assert world.capsule.tasks()[0]["due"] == instant


async def test_quota_headers(world: World, v2: httpx.AsyncClient) -> None:
    """The same quota serves both protocols; 429 has no Retry-After."""
    assert (await v2.get("/tasks")).headers["x-ratelimit-limit"] == "4000"
    world.capsule.settings.change({"enforce_limits": True, "limit_requests": 1})
    over = await v2.get("/tasks")
    assert (over.status_code, over.json()) == (429, {"error": "rate limit reached"})
    assert "retry-after" not in over.headers
