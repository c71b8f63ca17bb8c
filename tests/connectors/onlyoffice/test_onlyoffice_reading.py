"""The listing, page by page, and single tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tasksync.connectors.onlyoffice import OnlyofficeConnector
from tasksync.errors import Misconnected, Refused, ServerFault

Make = Callable[..., Any]
TASK_PATH = "/api/2.0/crm/task"
LIST_PATH = "/api/2.0/crm/task/filter"
PAGE = b"<!DOCTYPE html><html>not here</html>"


def rows(task: Make, start: int, count: int) -> list[dict[str, Any]]:
    return [task(id=number) for number in range(start, start + count)]


async def crawl(connector: OnlyofficeConnector) -> list[str]:
    return [one.read().external_id async for page in connector.poll("task") for one in page]


async def test_open_and_closed_tasks_are_crawled_apart(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """Two passes sorted by id, advancing by the rows received whatever `nextIndex` and `total` claim."""
    http.says(rows(task, 1, 500), count=500, nextIndex=501, total=500)
    http.says(rows(task, 501, 500), count=500, startIndex=500, total=1000)
    http.says([], startIndex=1000, total=1000)
    http.says([task(id=2000, isClosed=True)], count=1, total=1000)
    pages = [[one.read() for one in page] async for page in connector.poll("task")]
    assert [len(page) for page in pages] == [500, 500, 0, 1]
    assert [one.values["done"] for one in (pages[0][0], pages[3][0])] == [False, True]
    assert [sent.path for sent in http.sent] == [LIST_PATH] * 4
    assert [sent.params for sent in http.sent] == [
        {"isClosed": closed, "sortBy": "id", "count": "500", "startIndex": start}
        for closed, start in [("false", "0"), ("false", "500"), ("false", "1000"), ("true", "0")]
    ]


async def test_a_smaller_page_that_announces_more_is_not_the_last(
    http: Any, connector: OnlyofficeConnector, task: Make
) -> None:
    """A server that gives fewer rows at a time than asked is crawled to its end all the same."""
    http.says(rows(task, 1, 25), count=25, nextIndex=26)
    http.says(rows(task, 26, 3), count=3, startIndex=25)
    http.says([])
    assert len(await crawl(connector)) == 28
    assert [sent.params["startIndex"] for sent in http.sent] == ["0", "25", "0"]


async def test_a_listing_that_stands_still_is_given_up(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """A server that ignores startIndex would be read for ever: the page that comes again is a fault."""
    http.says(rows(task, 1, 500), count=500)
    http.says(rows(task, 1, 500), count=500)
    with pytest.raises(ServerFault, match="startIndex"):
        await crawl(connector)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":0,"response":null}',
        b'{"status":0,"response":{}}',
        b'{"status":0}',
        b'{"status":1,"response":[]}',
        b'{"status":0,"count":2,"response":[]}',
        b'{"status":0,"nextIndex":501,"response":[]}',
        b'{"status":0,"response":[null]}',
        b'{"status":0,"response":[{"title":"no id"}]}',
        b'{"status":0,"response":[{"id":[1]}]}',
        b"[]",
        b"",
        PAGE,
    ],
)
async def test_a_damaged_page_makes_the_snapshot_incomplete(
    http: Any, connector: OnlyofficeConnector, body: bytes
) -> None:
    """Missing rows, null, a page of HTML: a fault that is tried again, never an end of the listing."""
    http.says_raw(body)
    with pytest.raises(ServerFault):
        await crawl(connector)


async def test_a_row_that_makes_no_sense_is_named(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """One unreadable task spoils the snapshot and is named, instead of vanishing from it."""
    http.says([task(), task(id=102, deadLine="soon")], count=2)
    with pytest.raises(ServerFault, match="task 102"):
        await crawl(connector)


@pytest.mark.parametrize("status", [400, 404])
async def test_a_listing_that_is_not_there_is_a_wrong_url(http: Any, connect: Make, status: int) -> None:
    """A 404 to what every portal has means that the url leads elsewhere."""
    http.says_raw(PAGE, status=status)
    with pytest.raises(Misconnected, match="url"):
        await connect().open()


async def test_one_task_is_read(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """A read asks for the task by its id."""
    http.says(task(), count=1)
    seen = await connector.read("task", "101")
    assert seen is not None
    assert seen.values["due"] == date(2026, 3, 10)
    assert [(sent.method, sent.path) for sent in http.sent] == [("GET", f"{TASK_PATH}/101")]


async def test_only_the_portal_can_say_that_a_task_is_gone(http: Any, connector: OnlyofficeConnector) -> None:
    """The portal's 404 means gone; a proxy's page with the same status does not."""
    http.says_error(404, "Not found")
    assert await connector.read("task", "777") is None
    http.says_raw(PAGE, status=404)
    with pytest.raises(ServerFault):
        await connector.read("task", "777")


async def test_a_forbidden_task_holds_back_no_other(http: Any, connector: OnlyofficeConnector) -> None:
    """403 on one task concerns that task, and the advice is to use an administrator."""
    http.says_error(403, "Access Denied")
    with pytest.raises(Refused, match=r"Access Denied.*administrator") as caught:
        await connector.read("task", "101")
    assert caught.value.status == 403


async def test_a_read_of_nonsense_is_a_fault(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """A task that cannot be understood is neither there nor gone."""
    http.says(task(isClosed="no"), count=1)
    with pytest.raises(ServerFault, match="task 101"):
        await connector.read("task", "101")
