"""Lists, lookups, headers and errors of the simulated Plannr (protocols/plannr.md 2, 3, 4.1, 5, 7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

Dial = Callable[..., httpx.AsyncClient]
ACCOUNT = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
CLIENT = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"


async def _names(plannr: httpx.AsyncClient, **params: Any) -> list[str]:
    response = await plannr.get("/task", params=params)
    assert response.status_code == 200, response.text
    return [task["name"] for task in response.json()["data"]]


async def test_logins_need_no_account_header(world: World, dial: Dial) -> None:
    """One employee account, and with the setting a client account of the same user."""
    client = dial("/plannr/api/v1", headers={"Authorization": "Bearer sandbox", "Accept": "application/json"})
    (login,) = (await client.get("/logins")).json()["data"]
    assert (login["account"]["uuid"], login["account"]["type"]) == (ACCOUNT, "employee")
    assert (login["has_write_permission"], login["expires_at"]) == (True, None)
    world.plannr.settings.second_login = True
    types = [one["account"]["type"] for one in (await client.get("/logins")).json()["data"]]
    assert types == ["employee", "client"]


async def test_account_header(world: World, plannr: httpx.AsyncClient) -> None:
    """Missing it is an error whose status can be set; a foreign account is 403."""
    foreign = await plannr.get("/task", headers={"X-PLANNR-ACCOUNT-UUID": CLIENT})
    assert (foreign.status_code, foreign.json()) == (403, {"message": "This action is unauthorized."})
    del plannr.headers["X-PLANNR-ACCOUNT-UUID"]
    for status in (400, 403, 422):
        world.plannr.settings.change({"missing_account_header": status})
        assert (await plannr.get("/task")).status_code == status


async def test_401_comes_before_everything(plannr: httpx.AsyncClient) -> None:
    """A wrong token is refused before the account header and the id are looked at."""
    del plannr.headers["X-PLANNR-ACCOUNT-UUID"]
    response = await plannr.get("/task/none", headers={"Authorization": "Bearer wrong"})
    assert (response.status_code, response.json()) == (401, {"message": "Unauthenticated."})


async def test_errors_without_accept_json(plannr: httpx.AsyncClient) -> None:
    """A client that does not ask for JSON is sent to the login page, or gets HTML."""
    browser = {"Accept": "*/*"}
    login = await plannr.get("/task", headers=browser | {"Authorization": "none"})
    assert (login.status_code, login.headers["location"]) == (302, "http://crm.example/plannr/login")
    missing = await plannr.get("/task/none", headers=browser)
    assert (missing.status_code, missing.headers["content-type"][:9]) == (404, "text/html")
    assert (await plannr.post("/task", headers=browser, json={})).status_code == 302


async def test_pages(world: World, plannr: httpx.AsyncClient) -> None:
    """Fifteen by default, links without the query, meta as Laravel has it."""
    world.plannr.fill(20)
    first = (await plannr.get("/task", params={"sort": "name"})).json()
    path = "http://crm.example/plannr/api/v1/task"
    assert len(first["data"]) == 15
    assert first["links"] == {
        "first": f"{path}?page=1",
        "last": f"{path}?page=2",
        "prev": None,
        "next": f"{path}?page=2",
    }
    meta = first["meta"]
    assert {name: meta[name] for name in ("current_page", "from", "to", "last_page", "per_page", "total", "path")} == {
        "current_page": 1,
        "from": 1,
        "to": 15,
        "last_page": 2,
        "per_page": 15,
        "total": 20,
        "path": path,
    }
    assert [link["label"] for link in meta["links"]] == ["&laquo; Previous", "1", "2", "Next &raquo;"]


async def test_page_past_the_end(world: World, plannr: httpx.AsyncClient) -> None:
    """An empty page with no from and to."""
    world.plannr.fill(3)
    answer = (await plannr.get("/task", params={"per_page": 2, "page": 9})).json()
    assert answer["data"] == []
    assert (answer["meta"]["from"], answer["meta"]["to"], answer["meta"]["last_page"]) == (None, None, 2)
    assert answer["links"]["next"] is None


async def test_links_can_keep_the_query(world: World, plannr: httpx.AsyncClient) -> None:
    """With the switch the next page repeats filter and size."""
    world.plannr.fill(3)
    world.plannr.settings.next_link_keeps_query = True
    answer = (await plannr.get("/task", params={"per_page": 2, "filter[open_tasks]": "true"})).json()
    following = (await plannr.get(answer["links"]["next"])).json()
    assert "filter%5Bopen_tasks%5D=true" in answer["links"]["next"]
    assert (len(following["data"]), following["meta"]["per_page"]) == (1, 2)


async def test_500_per_page_at_most(world: World, plannr: httpx.AsyncClient) -> None:
    """More is cut down, or refused with the switch."""
    world.plannr.fill(501)
    assert len(await _names(plannr, per_page=1000)) == 500
    world.plannr.settings.per_page_over_max = "refuse"
    refused = await plannr.get("/task", params={"per_page": 501})
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["per_page"])


async def test_subtasks_are_hidden_unless_asked_for(world: World, plannr: httpx.AsyncClient) -> None:
    """Lists leave them out; `subtask_visibility` or the older parameter shows them."""
    parent = world.plannr.add(title="parent")
    world.plannr.add(title="child", parent=parent)
    assert await _names(plannr) == ["parent"]
    assert await _names(plannr, **{"filter[subtask_visibility]": "include"}) == ["parent", "child"]
    assert await _names(plannr, **{"filter[subtask_visibility]": "only"}) == ["child"]
    assert await _names(plannr, **{"filter[show_child_tasks]": "true"}) == ["parent", "child"]
    assert await _names(plannr, **{"filter[subtask_visibility]": "sometimes"}) == ["parent"]
    answer = await plannr.get("/task", params={"include": "parent_task", "filter[subtask_visibility]": "only"})
    assert answer.json()["data"][0]["parent_task"]["uuid"] == parent


async def test_filters(world: World, plannr: httpx.AsyncClient) -> None:
    """Status flags, priority, due days, name, assignees and links all narrow the list."""
    add = world.plannr.add
    add(title="to do", priority="high", due=date(2026, 6, 10))
    add(title="finished", done=True, owner="Ben Osei")
    add(title="archived", status="Archive", link={"type": "case", "id": "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"})

    async def by(name: str, value: str) -> list[str]:
        return await _names(plannr, **{f"filter[{name}]": value})

    assert await by("open_tasks", "true") == ["to do"]
    assert await by("completed_status", "true") == ["finished"]
    assert await by("completed_status", "0") == ["to do", "archived"]
    assert await by("archived_status", "1") == ["archived"]
    assert await by("not_started_status", "true") == ["to do"]
    assert await by("priority", "high,low") == ["to do"]
    assert await by("due_before", "2026-06-10") == ["to do"]
    assert await by("due_after", "2026-06-11") == []
    assert await by("has_due_date", "false") == ["finished", "archived"]
    assert await by("name", "FINISH") == ["finished"]
    assert await by("assigned_to_uuids", "93379910-564c-4d8a-838f-5a0a4a98111e") == ["finished"]
    assert await by("client_uuid", CLIENT) == ["to do", "finished"]
    assert await by("taskable_type", "case,plan") == ["archived"]


@pytest.mark.parametrize(
    ("params", "start"),
    [
        ({"filter[updated_after]": "2026-06-01"}, "Requested filter(s) `updated_after` are not allowed."),
        ({"sort": "title"}, "Requested sort(s) `title` is not allowed."),
        ({"include": "author,owner"}, "Requested include(s) `owner` are not allowed."),
    ],
)
async def test_unknown_words_are_refused(plannr: httpx.AsyncClient, params: dict[str, str], start: str) -> None:
    """There is no way to ask for what changed since."""
    response = await plannr.get("/task", params=params)
    assert response.status_code == 400
    assert response.json()["message"].startswith(start)


async def test_unknown_filters_can_be_ignored(world: World, plannr: httpx.AsyncClient) -> None:
    """With the switch they do nothing."""
    world.plannr.add(title="x")
    world.plannr.settings.unknown_filter = "ignore"
    assert await _names(plannr, **{"filter[updated_after]": "2030-01-01"}) == ["x"]


async def test_order(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """Creation is the default; `-` reverses; priorities go by weight."""
    for name, priority in (("b", "low"), ("a", "highest"), ("c", None)):
        world.plannr.add(title=name, priority=priority)
        clock.forward(seconds=1)
    assert await _names(plannr) == ["b", "a", "c"]
    assert await _names(plannr, sort="-updated_at") == ["c", "a", "b"]
    assert await _names(plannr, sort="name") == ["a", "b", "c"]
    assert await _names(plannr, sort="-priority") == ["a", "b", "c"]


async def test_includes_are_absent_unless_asked_for(world: World, plannr: httpx.AsyncClient) -> None:
    """Lists lack author, completer and custom fields; single tasks and the switch have them."""
    number = world.plannr.add(title="x")
    names = {"author", "completed_by", "custom_fields"}
    assert not names & set((await plannr.get("/task")).json()["data"][0])
    asked = (await plannr.get("/task", params={"include": ",".join(names)})).json()["data"][0]
    assert names <= set(asked)
    assert names <= set((await plannr.get(f"/task/{number}")).json())
    world.plannr.settings.default_includes = "present"
    assert names <= set((await plannr.get("/task")).json()["data"][0])


async def test_shape_and_stamps(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """Stamps carry London's offset at that moment, due dates none; midnight is a whole day."""
    clock.moment = datetime(2026, 1, 15, 9, 0, 0, 999999, tzinfo=UTC)
    number = world.plannr.add(title="x", due=date(2026, 7, 1))
    clock.moment = datetime(2026, 6, 3, 15, 40, 5, tzinfo=UTC)
    world.plannr.edit(number, due=datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    task = (await plannr.get(f"/task/{number}")).json()
    assert (task["created_at"], task["updated_at"]) == ("2026-01-15T09:00:00+00:00", "2026-06-03T16:40:05+01:00")
    assert task["due_at"] == "2026-07-01 09:00:00"
    assert (task["description"], task["priority"], task["completed_at"]) == (None, None, None)
    assert task["status"]["is_not_started"] is True
    assert (task["taskable_type"], task["taskable"]["uuid"]) == ("client", CLIENT)
    assert [one["uuid"] for one in task["assigned_to"]] == [ACCOUNT]


async def test_related_tasks(world: World, plannr: httpx.AsyncClient) -> None:
    """A task can be read with its subtasks; one made for a case shows that case."""
    link = {"type": "case", "id": "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"}
    parent = world.plannr.add(title="parent", link=link)
    child = world.plannr.add(title="child", parent=parent)
    task = (await plannr.get(f"/task/{parent}", params={"include": "related_tasks,workflow_task"})).json()
    assert [one["uuid"] for one in task["related_tasks"]] == [child]
    assert (task["workflow_task"], task["taskable"]["name"]) == (None, "Price pension transfer")


async def test_shape_switches(world: World, plannr: httpx.AsyncClient) -> None:
    """Wrapping, due format and assignees can look otherwise."""
    number = world.plannr.add(title="x", due=datetime(2026, 7, 1, 8, 0, tzinfo=UTC))
    settings = world.plannr.settings
    settings.change({"single_wrap": "data", "due_at_format": "iso-offset", "assigned_to_shape": "single"})
    task = (await plannr.get(f"/task/{number}")).json()["data"]
    assert (task["due_at"], task["assigned_to"]["uuid"]) == ("2026-07-01T09:00:00+01:00", ACCOUNT)
    settings.due_at_format = "date-only"
    assert (await plannr.get(f"/task/{number}")).json()["data"]["due_at"] == "2026-07-01"


async def test_lookups(plannr: httpx.AsyncClient) -> None:
    """Statuses carry the flags that count; accounts can be found by type and one by one."""
    statuses = (await plannr.get("/task-status", params={"sort": "position", "per_page": 500})).json()
    assert [one["name"] for one in statuses["data"]] == ["To do", "Doing", "Done", "Archive"]
    flags = ("is_not_started", "is_type_completed", "is_archived")
    assert [[one[flag] for flag in flags].index(True) for one in statuses["data"] if one["name"] != "Doing"] == [
        0,
        1,
        2,
    ]
    assert statuses["meta"]["total"] == 4
    clients = (await plannr.get("/account", params={"filter[type]": "client"})).json()["data"]
    assert [one["name"] for one in clients] == ["Owen Price", "Zoë Ångström"]
    assert (await plannr.get(f"/account/{CLIENT}")).json()["name"] == "Owen Price"
    assert (await plannr.get("/account/none")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/task/d3b0a1c2-1111-4a2b-9c3d-4e5f6a7b8c10", 404, "No query results for model [App\\Models\\Task]"),
        ("GET", "/nothing", 404, "The route api/v1/nothing could not be found."),
        ("DELETE", "/task", 405, "The DELETE method is not supported for route api/v1/task."),
        ("POST", "/task/x/complete", 405, "The POST method is not supported for route api/v1/task/x/complete."),
    ],
)
async def test_errors(plannr: httpx.AsyncClient, method: str, path: str, status: int, text: str) -> None:
    """Laravel's words for unknown ids, paths and verbs."""
    response = await plannr.request(method, path)
    assert response.status_code == status
    assert response.json()["message"].startswith(text)


async def test_quota(world: World, plannr: httpx.AsyncClient, clock: Any) -> None:
    """Every answer tells the quota; only the 429 says when to come back; the window begins with its first request."""
    usual = await plannr.get("/task/none")
    assert (usual.headers["x-ratelimit-limit"], usual.headers["x-ratelimit-remaining"]) == ("500", "499")
    assert "retry-after" not in usual.headers
    clock.forward(minutes=2)
    world.plannr.settings.change({"enforce_limits": True, "limit_requests": 2})
    for remaining in ("1", "0"):
        assert (await plannr.get("/task")).headers["x-ratelimit-remaining"] == remaining
        clock.forward(seconds=15)
    over = await plannr.get("/task")
    assert (over.status_code, over.json()) == (429, {"message": "Too Many Attempts."})
    assert (over.headers["retry-after"], over.headers["x-ratelimit-remaining"]) == ("30", "0")
    assert over.headers["x-ratelimit-reset"] == str(int(clock.now().timestamp()) + 30)
    clock.forward(seconds=30)
    assert (await plannr.get("/task")).status_code == 200
