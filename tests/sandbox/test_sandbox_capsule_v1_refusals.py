"""What the XML protocol of the simulated Capsule refuses (protocols/capsule.md 1.1, 2.7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from tasksync.sandbox.world import World

XML = {"Content-Type": "application/xml"}
Dial = Callable[..., httpx.AsyncClient]


@pytest.mark.parametrize(
    "body",
    [
        "<task><description>no date</description></task>",
        "<task><dueDate>2026-06-10T00:00:00Z</dueDate></task>",
        "<task><description/><dueDate>2026-06-10T00:00:00Z</dueDate></task>",
        "<task><description>x</description><dueDateTime>2026-06-10T09:00:00.000Z</dueDateTime></task>",
        "<task><description>x</description><dueDateTime>2026-06-10T09:00:00+01:00</dueDateTime></task>",
        "<task><description>x</description><dueDate>2026-02-30</dueDate></task>",
        "<task><description>x</description><dueDate>2026-06-10</dueDate><owner>nobody</owner></task>",
        "<person/>",
        "<task>",
        '<!DOCTYPE t [<!ENTITY e "x">]><task><description>&e;</description><dueDate>2026-06-10</dueDate></task>',
    ],
)
async def test_refusals_are_pages(world: World, v1: httpx.AsyncClient, body: str) -> None:
    """What cannot be stored is 400 with a page of HTML, and nothing is stored."""
    response = await v1.post("/task", content=body, headers=XML)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/html")
    assert world.capsule.tasks() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/task/999999", 404),
        ("PUT", "/task/999999", 404),
        ("POST", "/party/1/task", 404),
        ("GET", "/nothing", 404),
        ("POST", "/tasks", 405),
        ("GET", "/tasks?limit=x", 400),
    ],
)
async def test_errors_are_pages(v1: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """Whatever is wrong, the body is HTML."""
    response = await v1.request(method, path)
    assert (response.status_code, response.text[:15]) == (status, "<!DOCTYPE html>")


@pytest.mark.parametrize("auth", [None, ("wrong", "x"), ("wrong", "sandbox")])
async def test_only_the_user_part_counts(dial: Dial, auth: tuple[str, str] | None) -> None:
    """A wrong or missing token is 401 with a page of HTML, whatever the password."""
    response = await dial("/capsule/api", auth=auth).get("/tasks")
    assert (response.status_code, response.text[:15]) == (401, "<!DOCTYPE html>")
    assert response.headers["www-authenticate"].startswith("Basic")


async def test_credentials_that_cannot_be_read(dial: Dial) -> None:
    """What is not base64 is no token either."""
    client = dial("/capsule/api", headers={"Authorization": "Basic sandbox"})
    assert (await client.get("/tasks")).status_code == 401


async def test_quota(world: World, v1: httpx.AsyncClient) -> None:
    """Successes tell the quota; past it comes 429 with the same headers and JSON under another key."""
    usual = await v1.get("/tasks")
    assert usual.headers["x-ratelimit-limit"] == "4000"
    assert usual.headers["x-ratelimit-remaining"] == "3999"
    assert usual.headers["x-ratelimit-reset"] == str(int(datetime(2026, 6, 4, 8, 15, tzinfo=UTC).timestamp()))
    world.capsule.settings.change({"enforce_limits": True, "limit_requests": 2})
    last = await v1.get("/tasks")
    over = await v1.get("/tasks")
    assert (last.headers["x-ratelimit-remaining"], over.headers["x-ratelimit-remaining"]) == ("0", "0")
    assert (over.status_code, over.json()) == (429, {"error": "rate limit reached"})
    assert "retry-after" not in over.headers
