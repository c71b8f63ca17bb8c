"""Reading Plannr's tasks, the listing and single ones, against a scripted server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.errors import Misconnected, NeedsLogin, ServerFault
from tasksync.ports import Connector

# The fixtures of conftest.py, which no test can import: the scripted server, payload makers, the connector's builder.
Script = Any
Make = Callable[..., dict[str, Any]]

TASK = "d3b0a1c2-1111-4a2b-9c3d-4e5f6a7b8c01"
ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
TASKS = "/api/v1/task"
ONE = f"{TASKS}/{TASK}"


async def poll(connector: Connector) -> list[str]:
    return [one.read().external_id async for page in connector.poll("task") for one in page]


async def test_before_it_is_opened(connect: Callable[..., Connector]) -> None:
    """There is nothing to read or to say, and asking all the same is a mistake of the program."""
    connector = connect()
    assert connector.lenses("task") == connector.defaults("task", datetime(2026, 1, 1, tzinfo=UTC)) == {}
    with pytest.raises(RuntimeError, match="comes first"):
        await connector.read("task", TASK)


async def test_other_kinds_are_unknown(connector: Connector) -> None:
    """Nothing is offered of them, and asking all the same is a mistake of the program."""
    assert connector.lenses("opportunity") == {}
    assert connector.defaults("opportunity", datetime(2026, 1, 1, tzinfo=UTC)) == {}
    with pytest.raises(ValueError, match="opportunity"):
        await connector.read("opportunity", TASK)


async def test_every_page_is_asked_for_by_hand(connector: Connector, script: Script, task: Make) -> None:
    """Full pages, subtasks included, in the order of creation, until the last one, as the account."""
    script.on_pages(TASKS, [task(uuid="a"), task(uuid="b")], [task(uuid="c")])
    assert await poll(connector) == ["a", "b", "c"]
    for number, request in enumerate(script.sent, start=1):
        assert request.account == ANA
        assert sorted(request.params) == [
            ("filter[subtask_visibility]", "include"),
            ("include", "author,completed_by,parent_task,custom_fields"),
            ("page", str(number)),
            ("per_page", "500"),
            ("sort", "created_at"),
        ]


async def test_an_empty_account_is_complete(connector: Connector, script: Script) -> None:
    """No task is one empty page."""
    script.on_pages(TASKS, [])
    assert await poll(connector) == []
    assert len(script.sent) == 1


async def test_the_older_filter_for_subtasks(connector: Connector, script: Script, task: Make) -> None:
    """E15: a Plannr that refuses the newer one gets the deprecated one, from then on at once."""
    script.on("GET", TASKS, 400, {"message": "Requested filter(s) `subtask_visibility` are not allowed."})
    script.on_pages(TASKS, [task()])
    assert await poll(connector) == [TASK]
    assert await poll(connector) == [TASK]
    assert [request.params[1] for request in script.sent] == [
        ("filter[subtask_visibility]", "include"),
        ("filter[show_child_tasks]", "true"),
        ("filter[show_child_tasks]", "true"),
    ]


async def test_both_filters_refused(connector: Connector, script: Script) -> None:
    """A listing without subtasks is never taken for a whole one."""
    script.on("GET", TASKS, 400, {"message": "Requested filter(s) are not allowed."})
    with pytest.raises(Misconnected, match="not allowed"):
        await poll(connector)


async def test_an_empty_page_in_the_middle_is_read_again(
    connector: Connector, script: Script, task: Make, page: Make
) -> None:
    """Pages that do not add up are all read once more."""
    a, b = task(uuid="a"), task(uuid="b")
    for items, number, last in (([a], 1, 3), ([], 2, 3), ([], 3, 3), ([a], 1, 2), ([b], 2, 2)):
        script.on("GET", TASKS, 200, page(items, number, last, 2))
    assert await poll(connector) == ["a", "a", "b"]


async def test_a_deletion_while_paging_is_noticed(connector: Connector, script: Script, task: Make, page: Make) -> None:
    """A total that shrinks means that a task may have moved to a page that was read already."""
    a, b, c = (task(uuid=uuid) for uuid in "abc")
    script.on("GET", TASKS, 200, page([a], 1, 3, 3))
    script.on("GET", TASKS, 200, page([c], 2, 2, 2))  # b moved to page 1: two seen, two counted, and one missed
    script.on("GET", TASKS, 200, page([b], 1, 2, 2))
    script.on("GET", TASKS, 200, page([c], 2, 2, 2))
    assert await poll(connector) == ["a", "c", "b", "c"]


async def test_tasks_created_while_paging_are_no_contradiction(
    connector: Connector, script: Script, task: Make, page: Make
) -> None:
    """New ones come at the end, on pages still to be read."""
    script.on("GET", TASKS, 200, page([task(uuid="a")], 1, 1, 1) | {"links": {"next": None}})
    assert await poll(connector) == ["a"]
    script.answers["GET", TASKS].clear()
    script.on("GET", TASKS, 200, page([task(uuid="a")], 1, 2, 2))
    script.on("GET", TASKS, 200, page([task(uuid="b")], 2, 3, 3))
    script.on("GET", TASKS, 200, page([task(uuid="c")], 3, 3, 3))
    script.sent.clear()
    assert await poll(connector) == ["a", "b", "c"]
    assert len(script.sent) == 3


@pytest.mark.parametrize(
    ("count", "following"),
    [(2, None), (0, None), (1, "https://plannr.example/api/v1/task?page=2")],
    ids=["too few", "too many", "a further page"],
)
async def test_a_listing_that_never_adds_up_is_no_snapshot(
    connector: Connector, script: Script, task: Make, page: Make, count: int, following: str | None
) -> None:
    """After three attempts it is a fault, not a complete snapshot."""
    script.on("GET", TASKS, 200, page([task()], 1, 1, count) | {"links": {"next": following}})
    with pytest.raises(ServerFault, match="did not hold still: 1 different"):
        await poll(connector)
    assert len(script.sent) == 3


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (200, b"<html>busy</html>", ServerFault, "no JSON"),
        (200, b"", ServerFault, "no JSON"),
        (200, b'{"data": [{"uuid"', ServerFault, "no JSON"),
        (200, {"data": []}, ServerFault, "without the number of its pages"),
        (200, {"data": [], "meta": []}, ServerFault, "without the number of its pages"),
        (200, {"data": [], "meta": {"current_page": 1, "last_page": "1", "total": 0}}, ServerFault, "number of its"),
        (200, {"data": [], "meta": {"current_page": 2, "last_page": 2, "total": 0}}, ServerFault, "page 2 instead"),
        (200, {"data": {"a": 1}}, ServerFault, "no list"),
        (200, {"message": "x"}, ServerFault, "no list"),
        (403, {"message": "This action is unauthorized."}, NeedsLogin, "unauthorized"),
        (404, b"nginx", Misconnected, "Check the connection's url"),
    ],
)
async def test_what_is_no_page(
    connector: Connector, script: Script, status: int, body: Any, error: type[Exception], words: str
) -> None:
    """Nothing that is not understood ends a poll as if it had been complete."""
    script.on("GET", TASKS, status, body)
    with pytest.raises(error, match=words):
        await poll(connector)


async def test_an_item_that_is_not_understood_is_named(connector: Connector, script: Script, task: Make) -> None:
    """A task does not vanish from the listing because we cannot read it."""
    script.on_pages(TASKS, [task(uuid="a"), task(uuid="b", status="App\\Http\\Resources\\TaskStatusResource")])
    with pytest.raises(ServerFault, match="task b: its status is of type str"):
        await poll(connector)


async def test_list_read_and_write_tell_the_same(connector: Connector, script: Script, task: Make) -> None:
    """E3, E5 and E7: one task, the same observation from each, bare or wrapped."""
    script.on_pages(TASKS, [task()])
    script.on("GET", ONE, 200, task())
    script.on("GET", ONE, 200, {"data": task()})
    script.on("PUT", ONE, 201, {"data": task()})
    (listed,) = [one.read() async for page in connector.poll("task") for one in page]
    read = await connector.read("task", TASK)
    wrapped = await connector.read("task", TASK)
    written = await connector.update("task", listed, {"title": "Chase ceding provider"})
    assert listed == read == wrapped == written


@pytest.mark.parametrize("status", [404, 410])
async def test_a_task_that_plannr_does_not_have_is_none(
    connector: Connector, script: Script, gone: dict[str, Any], status: int
) -> None:
    """E11."""
    script.on("GET", ONE, status, gone)
    assert await connector.read("task", TASK) is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (404, b"<h1>Not Found</h1>", ServerFault),
        (404, b"", ServerFault),
        (404, ["x"], ServerFault),
        (404, {"message": "The route api/v1/task/x could not be found."}, Misconnected),
        (401, {"message": "Unauthenticated."}, NeedsLogin),
        (403, {"message": "This action is unauthorized."}, NeedsLogin),
        (500, {"message": "Server Error"}, ServerFault),
        (200, b"null", ServerFault),
        (200, {}, ServerFault),
        (200, {"uuid": "another", "name": "x", "status": {"is_type_completed": False}}, ServerFault),
    ],
)
async def test_only_plannr_itself_says_that_a_task_is_gone(
    connector: Connector, script: Script, status: int, body: Any, error: type[Exception]
) -> None:
    """A proxy's 404, a wrong path, or anything else is no deletion."""
    script.on("GET", ONE, status, body)
    with pytest.raises(error):
        await connector.read("task", TASK)
