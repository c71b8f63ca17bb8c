"""The v2 connector against a scripted server: opening, paging by Link, damaged answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasksync.core.record import Observation
from tasksync.errors import Misconnected, NeedsLogin, ServerFault
from tasksync.ports import Connector

BASE = "https://api.capsulecrm.com"
NEXT = f"{BASE}/api/v2/tasks?page=2&status=open,completed,pending&perPage=100"
MORE = {"link": f'<{NEXT}>; rel="next"', "x-pagination-has-more": "true"}


def task(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "category": None,
        "description": f"t{number}",
        "detail": None,
        "dueTime": None,
        "status": "OPEN",
        "owner": {"id": 77, "username": "a.singh"},
        "createdAt": "2025-05-30T15:02:11Z",
        "updatedAt": "2025-06-02T08:14:37Z",
        "dueOn": "2025-06-03",
        "completedAt": None,
        **changes,
    }


async def poll(connector: Connector) -> list[Observation]:
    return [found.read() async for page in connector.poll("task") for found in page]


async def test_open_tells_account_zone_and_categories(crm: Any, connect: Callable[..., Connector]) -> None:
    """The identity is host and user id; categories are read to the last page."""
    connector = connect()
    following = f"{BASE}/api/v2/categories?page=2&perPage=100"
    crm.expect("GET", "/api/v2/users/current", {"user": {"id": 77, "name": "A Singh", "timezone": "Europe/London"}})
    crm.expect(
        "GET",
        "/api/v2/categories",
        {"categories": [{"id": 1, "name": "A"}]},
        headers={"link": f"<{following}>;rel=next"},
    )
    crm.expect("GET", following, {"categories": [{"id": 2, "name": "B"}]})
    crm.expect("GET", "/api/v2/users", {"users": []})
    account = await connector.open()
    assert (account.identity, account.label) == ("api.capsulecrm.com 77", "A Singh at api.capsulecrm.com")
    assert account.zone == "Europe/London"
    assert connector.lenses("task")["category"].get("b") == "B"
    assert crm.sent[1].params == (("page", "1"), ("perPage", "100"))


async def test_a_configured_zone_holds_for_all_tasks(crm: Any, connect: Callable[..., Connector]) -> None:
    """No list of users is needed then."""
    connector = connect(timezone="America/New_York")
    crm.expect("GET", "/api/v2/users/current", {"user": {"id": 77, "timezone": "Europe/London"}})
    crm.expect("GET", "/api/v2/categories", {"categories": []})
    crm.expect("GET", "/api/v2/tasks/1", {"task": task(1, dueTime="09:00:00")})
    account = await connector.open()
    assert (account.zone, account.label) == ("America/New_York", "user 77 at api.capsulecrm.com")
    found = await connector.read("task", "1")
    assert found is not None
    assert found.values["due"] == datetime(2025, 6, 3, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, {"message": "invalid token"}, NeedsLogin, "401: invalid token"),
        (401, {"error": "invalid_token", "error_description": "It expired"}, NeedsLogin, "401: It expired"),
        (401, {"error": "invalid_token"}, NeedsLogin, "401: invalid_token"),
        (401, [], NeedsLogin, "HTTP 401"),
        (401, "[" * 100_000, NeedsLogin, "401: "),
        (404, {"message": "Could not find resource"}, Misconnected, "Could not find resource"),
        (500, "<html><title>Oops</title></html>", ServerFault, "Oops"),
        (200, "<html><title>Hello</title></html>", ServerFault, "no JSON"),
        (200, "", ServerFault, "no JSON"),
        (200, "[" * 100_000, ServerFault, "nested too deeply|no JSON"),
        (200, [], ServerFault, "no JSON object"),
        (200, {"users": []}, ServerFault, "no user"),
    ],
)
async def test_open_explains_what_is_wrong(
    crm: Any, connect: Callable[..., Connector], status: int, body: Any, error: type[Exception], words: str
) -> None:
    """A wrong token, a wrong url and a broken server each end in the error that says what follows."""
    connector = connect()
    crm.expect("GET", "/api/v2/users/current", body, status=status)
    with pytest.raises(error, match=words):
        await connector.open()


@pytest.mark.parametrize(
    ("user", "categories", "users", "words"),
    [
        ({"id": "77"}, [], None, "users/current .*id '77'"),
        ({"id": 77}, ["Call"], None, "categories .*without a name"),
        ({"id": 77}, [], ["x"], "/users .*no object"),
    ],
)
async def test_a_damaged_reference_list_is_a_fault(
    crm: Any, connect: Callable[..., Connector], user: Any, categories: Any, users: Any, words: str
) -> None:
    """What the connection rests on is not guessed."""
    connector = connect()
    crm.expect("GET", "/api/v2/users/current", {"user": user})
    crm.expect("GET", "/api/v2/categories", {"categories": categories})
    if users is not None:
        crm.expect("GET", "/api/v2/users", {"users": users})
    with pytest.raises(ServerFault, match=words):
        await connector.open()


async def test_poll_follows_the_links(crm: Any, v2: Connector) -> None:
    """One walk in all states; the address of the next page is the server's, raw commas and other links included."""
    crm.expect("GET", "/api/v2/tasks", {"tasks": [task(1), task(2, status="COMPLETED")]}, headers=MORE)
    last = {"link": f'<{BASE}/api/v2/tasks?page=1&status=open,completed>; rel="prev"', "x-pagination-has-more": "false"}
    crm.expect("GET", NEXT, {"tasks": [task(3, status="PENDING")]}, headers=last)
    found = await poll(v2)
    assert [(one.external_id, one.values["done"]) for one in found] == [("1", False), ("2", True), ("3", False)]
    assert crm.sent[0].params == (("status", "open,completed,pending"), ("page", "1"), ("perPage", "100"))
    assert crm.sent[1].params == ()
    assert not v2.capabilities.hides_finished


async def test_poll_asks_for_what_changed_since(crm: Any, v2: Connector) -> None:
    """In all states, as the default is the open ones only; whole seconds, in UTC, and not later than asked for."""
    moment = datetime(2025, 6, 2, 9, 0, 7, 999_999, tzinfo=ZoneInfo("Europe/London"))
    crm.expect("GET", "/api/v2/tasks", {"tasks": [task(1)]})
    assert [found.read().external_id async for page in v2.poll("task", moment) for found in page] == ["1"]
    assert crm.sent[0].params == (
        ("status", "open,completed,pending"),
        ("since", "2025-06-02T08:00:07Z"),
        ("page", "1"),
        ("perPage", "100"),
    )
    assert v2.capabilities.incremental == {"task", "case"}


@pytest.mark.parametrize(
    "link",
    [
        f'<{BASE}/api/v2/tasks?page=0&embed=party,owner>; rel="prev", <{NEXT}>; rel="next"',
        f'<{NEXT}>; title="b, c"; rel="next", <{BASE}/x>; rel="prev"',
        f"<{NEXT}>;REL=Next",
        f'<{NEXT}>; rel="last next"',
        '</api/v2/tasks?page=2&status=open,completed,pending&perPage=100>; rel="next"',
        f'<{BASE}:443/api/v2/tasks?page=2&status=open,completed,pending&perPage=100>; rel="next"',
    ],
)
async def test_links_in_all_their_forms(crm: Any, v2: Connector, link: str) -> None:
    """Several links, parameters in any order, quoted or not, relative ones, the default port written out."""
    crm.expect("GET", "/api/v2/tasks", {"tasks": [task(1)]}, headers={"link": link})
    crm.expect("GET", NEXT.replace(BASE, f"{BASE}:443") if ":443" in link else NEXT, {"tasks": []})
    assert [found.external_id for found in await poll(v2)] == ["1"]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/api/v2/tasks?page=2",
        "http://api.capsulecrm.com/api/v2/tasks?page=2",
        "https://api.capsulecrm.com:8443/api/v2/tasks?page=2",
        "//evil.example/api/v2/tasks?page=2",
        "https://api.capsulecrm.com:port/api/v2/tasks",
    ],
)
async def test_a_link_to_another_origin_does_not_get_the_token(crm: Any, v2: Connector, target: str) -> None:
    """Host, scheme and port have to be those of the connection."""
    crm.expect("GET", "/api/v2/tasks", {"tasks": [task(1)]}, headers={"link": f'<{target}>; rel="next"'})
    with pytest.raises(Misconnected, match="another server"):
        await poll(v2)


async def test_pages_that_lead_in_a_circle(crm: Any, v2: Connector) -> None:
    """A next page that was there already ends the poll with a fault."""
    crm.expect("GET", "/api/v2/tasks", {"tasks": [task(1)]}, headers=MORE)
    crm.expect("GET", NEXT, {"tasks": [task(2)]}, headers=MORE)
    with pytest.raises(ServerFault, match="circle"):
        await poll(v2)


async def test_more_without_a_link_is_no_complete_list(crm: Any, v2: Connector) -> None:
    """The hint alone leads nowhere, but the list it belongs to is not whole."""
    crm.expect("GET", "/api/v2/tasks", {"tasks": [task(1)]}, headers={"x-pagination-has-more": "true"})
    with pytest.raises(ServerFault, match="there is more"):
        await poll(v2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"tasks": None}, "no list of tasks"),
        ({"tasks": {"id": 1}}, "no list of tasks"),
        ({}, "no list of tasks"),
        ({"tasks": [task(1), None]}, "no object"),
        ({"tasks": [task(1), task(7, dueOn="?")]}, "task 7: '[?]' is no date"),
        ('{"tasks": [', "no JSON"),
        ("<html></html>", "no JSON"),
    ],
)
async def test_a_damaged_page_is_no_snapshot(crm: Any, v2: Connector, body: Any, words: str) -> None:
    """A page that is not wholly understood fails the poll; no item is left out of it."""
    crm.expect("GET", "/api/v2/tasks", body)
    with pytest.raises(ServerFault, match=words):
        await poll(v2)


@pytest.mark.parametrize("status", [404, 410])
async def test_only_404_and_410_mean_that_a_task_is_gone(crm: Any, v2: Connector, status: int) -> None:
    """I5: nothing else does."""
    crm.expect("GET", "/api/v2/tasks/1", {"message": "task not found"}, status=status)
    assert await v2.read("task", "1") is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {}, NeedsLogin),
        (403, {"message": "Requires additional scope"}, NeedsLogin),
        (422, {}, Misconnected),
        (500, {}, ServerFault),
        (200, {"task": task(2)}, ServerFault),
        (200, {"task": []}, ServerFault),
        (200, {"task": {"id": 1}}, ServerFault),
    ],
)
async def test_a_failed_read_is_an_error(
    crm: Any, v2: Connector, status: int, body: Any, error: type[Exception]
) -> None:
    """A read that was refused, or answered with something else, says nothing of the task."""
    crm.expect("GET", "/api/v2/tasks/1", body, status=status)
    with pytest.raises(error):
        await v2.read("task", "1")
