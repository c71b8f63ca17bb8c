"""Polls of what has changed: which tasks they show, how far they read, and what does not hold still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from account_site import Site

from tasksync.errors import ServerFault
from tasksync.ports import Connector
from tasksync.sandbox.plannr import Plannr

# The fixtures of conftest.py, which no test can import: the scripted server, payload makers.
Script = Any
Make = Callable[..., dict[str, Any]]

TASKS = "/api/v1/task"
SINCE = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)


async def ids(connector: Connector, since: datetime = SINCE) -> list[str]:
    return [one.read().external_id async for page in connector.poll("task", since) for one in page]


def updated(task: Make, uuid: str, hour: int | None) -> dict[str, Any]:
    """A task that was updated at that hour of the day, UTC, or does not tell."""
    return task(uuid=uuid, updated_at=None if hour is None else f"2026-06-03T{hour + 1:02}:00:00+01:00")


# --- scripted ---


async def test_only_tasks_tell_what_changed(connector: Connector) -> None:
    """Of cases no order by their changes is documented."""
    assert connector.capabilities.incremental == {"task"}


async def test_the_latest_come_first_until_an_older_one(connector: Connector, script: Script, task: Make) -> None:
    """Everything since, the very moment included, and not a page more than is needed."""
    pages = [[("a", 15), ("b", 14)], [("c", 12), ("d", 11)], [("e", 10)]]
    script.on_pages(TASKS, *([updated(task, uuid, hour) for uuid, hour in page] for page in pages))
    assert await ids(connector) == ["a", "b", "c"]
    assert [dict(request.params)["page"] for request in script.sent] == ["1", "2"]
    for request in script.sent:
        assert {("sort", "-updated_at"), ("filter[subtask_visibility]", "include"), ("per_page", "500")} <= set(
            request.params
        )


@pytest.mark.parametrize("pages", [[[]], [[("a", 15)]], [[("a", 15)], [("b", 14)]]])
async def test_all_of_it_may_be_new(connector: Connector, script: Script, task: Make, pages: Any) -> None:
    """Then the last page is the end."""
    script.on_pages(TASKS, *([updated(task, uuid, hour) for uuid, hour in page] for page in pages))
    assert await ids(connector) == [uuid for page in pages for uuid, _ in page]
    assert len(script.sent) == len(pages)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param([("b", 9), ("a", 15), ("d", 10)], id="another order"),
        pytest.param([("a", 15), ("b", None), ("d", 9)], id="a stamp is missing"),
    ],
)
async def test_a_listing_in_another_order(connector: Connector, script: Script, task: Make, page: Any) -> None:
    """A page that is not in the order that was asked for does not say what comes after it: all are read."""
    first = [updated(task, uuid, hour) for uuid, hour in page]
    script.on_pages(TASKS, first, [updated(task, "e", 13)])
    assert await ids(connector) == [uuid for uuid, hour in page if hour is None or hour >= 12] + ["e"]


async def test_a_stamp_that_is_none(connector: Connector, script: Script, task: Make) -> None:
    """It is no reason to pass a task by, and an error like any other."""
    script.on_pages(TASKS, [task(uuid="a", updated_at="yesterday")])
    with pytest.raises(ServerFault, match="task a: its updated_at"):
        await ids(connector)


async def test_a_deletion_while_reading_makes_it_read_again(
    connector: Connector, script: Script, task: Make, page: Make
) -> None:
    """The first task of the second page may have moved to the first, which was read already."""
    a, b, c, old = (updated(task, uuid, hour) for uuid, hour in (("a", 15), ("b", 14), ("c", 13), ("d", 9)))
    script.on("GET", TASKS, 200, page([a, b], 1, 2, 4))
    script.on("GET", TASKS, 200, page([old], 2, 2, 3))  # a is gone, and c is the last of page 1 now
    script.on("GET", TASKS, 200, page([b, c], 1, 2, 3))
    script.on("GET", TASKS, 200, page([old], 2, 2, 3))
    assert await ids(connector) == ["a", "b", "b", "c"]


async def test_a_listing_that_never_holds_still(connector: Connector, script: Script, task: Make, page: Make) -> None:
    """After three attempts it is a fault: what was seen of it is not all that changed."""
    script.on("GET", TASKS, 200, page([updated(task, "a", 15)], 1, 1, 1) | {"links": {"next": "more"}})
    with pytest.raises(ServerFault, match="did not hold still"):
        await ids(connector)
    assert len(script.sent) == 3


# --- over HTTP ---


@pytest.fixture
async def hills(hill: Site) -> Connector:
    connector = hill.connect()
    await connector.open()
    return connector


async def test_what_changed_in_a_large_firm_costs_one_request(hills: Connector, crm: Plannr, hill: Site) -> None:
    """Edited, completed and new tasks, and none of the others."""
    crm.fill(1001)
    edited, finished = crm.tasks()[7]["id"], crm.tasks()[900]["id"]
    hill.clock.tick(minutes=30)
    since = crm.stamp()
    crm.edit(edited, title="Edited")
    crm.edit(finished, done=True)
    new = crm.add(title="New")
    crm.requests.clear()
    assert sorted(await ids(hills, since)) == sorted([edited, finished, new])
    assert len(crm.requests) == 1
    assert await ids(hills, since + timedelta(seconds=1)) == []


async def test_an_edit_while_reading_is_there_the_next_time(hills: Connector, crm: Plannr, hill: Site) -> None:
    """It goes to the front of what was read already; the next look begins before this one was over."""
    crm.fill(600)
    moved = crm.tasks()[599]["id"]
    begun = crm.stamp()
    seen: set[str] = set()
    async for page in hills.poll("task", begun - timedelta(days=1)):
        if not seen:
            hill.clock.tick(seconds=5)
            crm.edit(moved, title="Edited")
        seen |= {one.external_id for one in page}
    assert moved in {*seen, *await ids(hills, begun)}


async def test_cases_are_listed_whole(hills: Connector, crm: Plannr) -> None:
    """Whatever was asked for."""
    later = crm.stamp() + timedelta(days=1)
    assert [one.read().values["title"] async for page in hills.poll("case", later) for one in page] == [
        "Price pension transfer"
    ]
