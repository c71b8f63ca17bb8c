"""Faults on demand, without sockets; test_sandbox_server.py has those that need a connection."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from tasksync.sandbox.gate import AnswerWithheld
from tasksync.sandbox.world import World

TASK = {"description": "x", "dueOn": "2026-06-10"}


async def _create(v2: httpx.AsyncClient) -> httpx.Response:
    return await v2.post("/tasks", json={"task": TASK})


async def test_status_with_headers(world: World, v2: httpx.AsyncClient) -> None:
    """The answer has status and headers of the fault, nothing is done, and the next request works again."""
    world.capsule.faults.add("status", status=429, headers={"Retry-After": "7"})
    response = await _create(v2)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert world.capsule.tasks() == []
    assert (await _create(v2)).status_code == 201


@pytest.mark.parametrize(
    ("crm", "path", "status", "start"),
    [
        ("onlyoffice", "/onlyoffice/api/2.0/people", 401, "Unauthorized"),
        ("onlyoffice", "/onlyoffice/api/2.0/people", 403, '{"status":1,"statusCode":403'),
        ("onlyoffice", "/onlyoffice/api/2.0/people", 502, "<!DOCTYPE html>"),
        ("capsule", "/capsule/api/tasks", 500, "<!DOCTYPE html>"),
        ("capsule", "/capsule/api/v2/tasks", 429, '{"error":"rate limit reached"}'),
        ("capsule", "/capsule/api/v2/tasks", 403, '{"message":"Forbidden"}'),
        ("plannr", "/plannr/api/v1/task", 500, '{"message":"Server Error"}'),
        ("plannr", "/plannr/api/v1/task", 503, "<!DOCTYPE html>"),
    ],
)
async def test_each_crm_has_its_own_errors(
    world: World, dial: Any, crm: str, path: str, status: int, start: str
) -> None:
    """A status fault looks like that CRM's own answer, or like a proxy's where it would be one."""
    world.crms[crm].faults.add("status", status=status)
    response = await dial("").get(path)
    assert response.status_code == status
    assert response.text.startswith(start)


async def test_lost_before_and_after_the_work(world: World, v2: httpx.AsyncClient) -> None:
    """Without a connection to close, a lost answer is an exception; only the second request was carried out."""
    world.capsule.faults.add("lose_before")
    with pytest.raises(AnswerWithheld):
        await _create(v2)
    assert world.capsule.tasks() == []
    world.capsule.faults.add("lose_after")
    with pytest.raises(AnswerWithheld):
        await _create(v2)
    assert len(world.capsule.tasks()) == 1
    assert [served.status for served in world.capsule.requests] == [0, 0]


@pytest.mark.parametrize(("fault", "work", "done"), [("garbage", {}, 1), ("html", {}, 0), ("html", {"work": True}, 1)])
async def test_unusable_answers(
    world: World, v2: httpx.AsyncClient, fault: str, work: dict[str, bool], done: int
) -> None:
    """Status 200 and nothing to parse; whether the work was done can be said."""
    world.capsule.faults.add(fault, **work)
    response = await _create(v2)
    assert response.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid|delimiter|control"):
        response.json()
    assert len(world.capsule.tasks()) == done


async def test_garbage_in_place_of_an_empty_answer(world: World, v1: httpx.AsyncClient) -> None:
    """Even an answer without a body becomes one that cannot be read."""
    number = world.capsule.add(title="x", due=date(2026, 6, 10))
    world.capsule.faults.add("garbage")
    response = await v1.put(f"/task/{number}", content="<task><description>y</description></task>")
    assert (response.status_code, response.content) == (200, b'<"\x00{')
    assert world.capsule.task(number)["title"] == "y"


async def test_slow_is_late_and_right(world: World, v2: httpx.AsyncClient) -> None:
    """A slow request is answered after all."""
    world.capsule.faults.add("slow", seconds=0.01)
    assert (await _create(v2)).status_code == 201


async def test_method_path_after_and_times(world: World, v2: httpx.AsyncClient) -> None:
    """A fault picks its requests by verb and by path with query, lets the first pass and ends by itself."""
    world.capsule.faults.add("status", method="get", path=r"tasks\?status=open$", after=1, times=2)
    wanted = {"status": "open"}
    assert (await _create(v2)).status_code == 201
    assert (await v2.get("/tasks")).status_code == 200
    answers = [(await v2.get("/tasks", params=wanted)).status_code for _ in range(4)]
    assert answers == [200, 503, 503, 200]
    assert world.capsule.faults.pending() == []


async def test_for_ever(world: World, v2: httpx.AsyncClient) -> None:
    """`times=None` lasts until the faults are cleared."""
    world.capsule.faults.add("status", times=None)
    assert [(await v2.get("/tasks")).status_code for _ in range(5)] == [503] * 5
    world.capsule.faults.clear()
    assert (await v2.get("/tasks")).status_code == 200


async def test_one_crm_alone(world: World, v2: httpx.AsyncClient, plannr: httpx.AsyncClient) -> None:
    """A fault of one CRM is none of another's."""
    world.capsule.faults.add("status", times=None)
    assert ((await v2.get("/tasks")).status_code, (await plannr.get("/task")).status_code) == (503, 200)


async def test_clock_offset(world: World, plannr: httpx.AsyncClient) -> None:
    """A CRM's clock can be wrong: it shows in its stamps and in its Date header, also in that of a fault."""
    world.plannr.settings.clock_offset_s = 3600
    number = world.plannr.add(title="x")
    response = await plannr.get(f"/task/{number}")
    assert response.headers["date"] == "Thu, 04 Jun 2026 08:15:00 GMT"
    assert response.json()["updated_at"] == "2026-06-04T09:15:00+01:00"
    world.plannr.faults.add("status")
    assert (await plannr.get("/task")).headers["date"] == "Thu, 04 Jun 2026 08:15:00 GMT"
