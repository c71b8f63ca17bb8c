"""The v1 connector against a scripted server: opening, paging, generations, damaged answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.core.record import Observation
from tasksync.errors import Misconnected, NeedsLogin, ServerFault
from tasksync.ports import Connector

HTML = "<html><head><title>Something went&nbsp;wrong</title></head><body>...</body></html>"


def late(number: int, inside: str = "", status: str = "OPEN") -> str:
    return f"<task><id>{number}</id><description>t{number}</description><status>{status}</status>{inside}</task>"


def early(number: int) -> str:
    return f"<task><id>{number}</id><description>t{number}</description><dueDate>2012-01-02T00:00:00Z</dueDate></task>"


def tasks(*rows: str) -> str:
    return f'<tasks size="{len(rows)}">{"".join(rows)}</tasks>'


def pages(sent: list[Any]) -> list[dict[str, str]]:
    return [dict(request.params) for request in sent]


async def poll(connector: Connector) -> list[Observation]:
    return [found.read() async for page in connector.poll("task") for found in page]


async def test_open_tells_account_and_zone(crm: Any, connect: Callable[..., Connector]) -> None:
    """The identity is host and user id; the zone that of the user who is logged in."""
    connector = connect(api="v1")
    crm.expect(
        "GET",
        "/api/users",
        "<users><user><id>77</id><username>a.singh</username><name>A Singh</name>"
        "<timezone>Europe/London</timezone><loggedIn>true</loggedIn></user></users>",
    )
    crm.expect("GET", "/api/task/categories", "<taskCategories><taskCategory>Call</taskCategory></taskCategories>")
    account = await connector.open()
    assert (account.identity, account.label) == ("acme.capsulecrm.com 77", "A Singh at acme.capsulecrm.com")
    assert (account.zone, connector.requests, connector.connection) == ("Europe/London", 2, "capsule")
    assert connector.lenses("task")["category"].get("CALL") == "Call"


async def test_open_goes_by_the_user_name_where_there_is_no_id(crm: Any, connect: Callable[..., Connector]) -> None:
    """An early server tells neither id nor name; a configured zone stands above the server's."""
    connector = connect(api="v1", timezone="Europe/Paris")
    crm.expect("GET", "/api/users", "<users><user><username>phillip</username><loggedIn>true</loggedIn></user></users>")
    crm.expect("GET", "/api/task/categories", "<taskCategories/>")
    account = await connector.open()
    assert (account.identity, account.label, account.zone) == (
        "acme.capsulecrm.com phillip",
        "phillip at acme.capsulecrm.com",
        "Europe/Paris",
    )


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, "<html></html>", NeedsLogin, "401: HTTP 401"),
        (403, HTML, NeedsLogin, "Something went wrong"),
        (404, HTML, Misconnected, "Something went wrong"),
        (500, "", ServerFault, "HTTP 500"),
        (200, HTML, ServerFault, "no XML"),
        (200, "", ServerFault, "no XML"),
        (200, "<users/>", ServerFault, "logged in"),
    ],
)
async def test_open_explains_what_is_wrong(
    crm: Any, connect: Callable[..., Connector], status: int, body: str, error: type[Exception], words: str
) -> None:
    """A wrong token, a wrong url and a broken server each end in the error that says what follows."""
    connector = connect(api="v1")
    crm.expect("GET", "/api/users", body, status=status)
    if body == "<users/>":
        crm.expect("GET", "/api/task/categories", "<taskCategories/>")
    with pytest.raises(error, match=words):
        await connector.open()


async def test_poll_crawls_tasks_in_all_states(crm: Any, v1: Connector) -> None:
    """Three walks, the first by the default filter, each by start and limit until a page is empty."""
    crm.expect("GET", "/api/tasks", tasks(late(1), late(2)))
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks(late(4, status="PENDING")))
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks(late(3, status="COMPLETED")))
    crm.expect("GET", "/api/tasks", "<tasks/>")
    found = await poll(v1)
    done = [(one.external_id, one.values["done"]) for one in found]
    assert done == [("1", False), ("2", False), ("4", False), ("3", True)]
    assert pages(crm.sent) == [
        {"start": "0", "limit": "100"},
        {"start": "2", "limit": "100"},
        {"status": "PENDING", "start": "0", "limit": "100"},
        {"status": "PENDING", "start": "1", "limit": "100"},
        {"status": "COMPLETED", "start": "0", "limit": "100"},
        {"status": "COMPLETED", "start": "1", "limit": "100"},
    ]
    assert not v1.capabilities.hides_finished


async def test_a_server_that_lists_no_pending_tasks(crm: Any, v1: Connector) -> None:
    """It says so at the first page; the rest of the listing is none the worse."""
    crm.expect("GET", "/api/tasks", tasks(late(1)))
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", HTML, status=400)
    crm.expect("GET", "/api/tasks", tasks(late(3, status="COMPLETED")))
    crm.expect("GET", "/api/tasks", tasks())
    assert [found.external_id for found in await poll(v1)] == ["1", "3"]


async def test_a_refusal_in_the_middle_of_a_list_is_no_end(crm: Any, v1: Connector) -> None:
    """What the server has begun to list it has to list to the end, and the open tasks all the more."""
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks(late(4, status="PENDING")))
    crm.expect("GET", "/api/tasks", HTML, status=400)
    with pytest.raises(Misconnected):
        await poll(v1)
    crm.expect("GET", "/api/tasks", HTML, status=400)
    with pytest.raises(Misconnected):
        await poll(v1)


async def test_v1_cannot_list_what_changed(crm: Any, v1: Connector) -> None:
    """It lists everything, and says that it cannot do better."""
    crm.expect("GET", "/api/tasks", tasks(late(1)))
    for _ in range(3):
        crm.expect("GET", "/api/tasks", tasks())
    moment = datetime(2025, 6, 2, 9, tzinfo=UTC)
    assert [found.read().external_id async for page in v1.poll("task", moment) for found in page] == ["1"]
    assert pages(crm.sent)[0] == {"start": "0", "limit": "100"}
    assert v1.capabilities.incremental == frozenset()


async def test_paging_advances_by_the_rows_received(crm: Any, v1: Connector) -> None:
    """A server that gives fewer rows than asked for loses nothing; a page shorter than one before it is the last."""
    crm.expect("GET", "/api/tasks", tasks(late(1), late(2)))
    crm.expect("GET", "/api/tasks", tasks(late(3), late(4)))
    crm.expect("GET", "/api/tasks", tasks(late(5)))
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks())
    assert [found.external_id for found in await poll(v1)] == ["1", "2", "3", "4", "5"]
    assert [page["start"] for page in pages(crm.sent)] == ["0", "2", "4", "0", "0"]


async def test_a_full_page_and_a_shorter_one_are_the_whole_list(crm: Any, v1: Connector) -> None:
    """Where the limit is honoured, no empty page is asked for."""
    crm.expect("GET", "/api/tasks", tasks(*(late(number) for number in range(100))))
    crm.expect("GET", "/api/tasks", tasks(late(100)))
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks())
    assert len(await poll(v1)) == 101


async def test_a_server_that_ignores_start_is_noticed(crm: Any, v1: Connector) -> None:
    """The same page twice shows no complete list."""
    crm.expect("GET", "/api/tasks", tasks(late(1), late(2)))
    crm.expect("GET", "/api/tasks", tasks(late(1), late(2)))
    with pytest.raises(ServerFault, match="start=2"):
        await poll(v1)


async def test_a_server_without_any_paging_gives_all_at_once(crm: Any, v1: Connector) -> None:
    """More rows than were asked for, twice the same: that is the whole list."""
    everything = tasks(*(late(number) for number in range(150)))
    crm.expect("GET", "/api/tasks", everything)
    crm.expect("GET", "/api/tasks", everything)
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks())
    assert len(await poll(v1)) == 150


async def test_a_2012_server_lists_open_tasks_only(crm: Any, v1: Connector) -> None:
    """Without a status on any task, the other walks are left out and the engine is told."""
    crm.expect("GET", "/api/tasks", tasks(early(1), early(2)))
    crm.expect("GET", "/api/tasks", tasks())
    found = await poll(v1)
    assert [one.values["done"] for one in found] == [False, False]
    assert all("body" not in one.values for one in found)
    assert v1.capabilities.hides_finished == {"task"}
    assert "body" not in v1.lenses("task")


async def test_rows_without_status_are_never_read_as_completed(crm: Any, v1: Connector) -> None:
    """A 2012 server ignores the status in the query: what it lists under PENDING or COMPLETED is open."""
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks(early(1)))
    crm.expect("GET", "/api/tasks", tasks())
    assert [found.values["done"] for found in await poll(v1)] == [False]
    assert v1.capabilities.hides_finished == {"task"}


async def test_a_late_servers_completed_row_without_status_has_no_state(crm: Any, v1: Connector) -> None:
    """Once a status was seen, its absence elsewhere is not filled with a guess."""
    crm.expect("GET", "/api/tasks", tasks(late(1)))
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks(early(2)))
    crm.expect("GET", "/api/tasks", tasks())
    assert ["done" in found.values for found in await poll(v1)] == [True, False]


async def test_an_empty_account_counts_as_late(crm: Any, v1: Connector) -> None:
    """Nothing seen, nothing taken away."""
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks())
    crm.expect("GET", "/api/tasks", tasks())
    assert await poll(v1) == []
    assert not v1.capabilities.hides_finished
    assert "body" in v1.lenses("task")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<task/>", "<task> in place of <tasks>"),
        ("<tasks><task><description>x</description></task></tasks>", "a task with the id ''"),
        ("<tasks><error/></tasks>", "<error> in place of a <task>"),
        (f'<tasks size="3">{late(1)}</tasks>', "1 tasks where its size says '3'"),
        (tasks(late(7, "<dueDate>?</dueDate>")), "task 7: '[?]' is no date"),
        ('<!DOCTYPE tasks [<!ENTITY a "b">]><tasks/>', "DTD"),
        ('<tasks size="1"><task><id>1</id>', "no XML"),
        (HTML.replace("&nbsp;", " "), "<html> in place of|no XML"),
    ],
)
async def test_a_damaged_page_is_no_snapshot(crm: Any, v1: Connector, body: str, words: str) -> None:
    """A page that is not wholly understood fails the poll; no item is left out of it."""
    crm.expect("GET", "/api/tasks", body)
    with pytest.raises(ServerFault, match=words):
        await poll(v1)


async def test_read_tells_the_state_only_where_the_server_does(crm: Any, v1: Connector) -> None:
    """A 2012 task read directly is neither open nor done."""
    crm.expect("GET", "/api/task/1", early(1))
    crm.expect("GET", "/api/task/2", late(2, status="COMPLETED"))
    first, second = await v1.read("task", "1"), await v1.read("task", "2")
    assert first is not None
    assert second is not None
    assert "done" not in first.values
    assert second.values["done"] is True


@pytest.mark.parametrize("status", [404, 410])
async def test_only_404_and_410_mean_that_a_task_is_gone(crm: Any, v1: Connector, status: int) -> None:
    """I5: nothing else does."""
    crm.expect("GET", "/api/task/1", HTML, status=status)
    assert await v1.read("task", "1") is None


@pytest.mark.parametrize(
    ("status", "error"), [(401, NeedsLogin), (403, NeedsLogin), (400, Misconnected), (500, ServerFault)]
)
async def test_a_failed_read_is_an_error(crm: Any, v1: Connector, status: int, error: type[Exception]) -> None:
    """A read that was refused says nothing of the task."""
    crm.expect("GET", "/api/task/1", "", status=status)
    with pytest.raises(error):
        await v1.read("task", "1")


async def test_another_task_than_the_one_asked_for_is_a_fault(crm: Any, v1: Connector) -> None:
    """An answer that belongs to another request must not become a shadow."""
    crm.expect("GET", "/api/task/1", late(2))
    with pytest.raises(ServerFault, match="asked for task 1 and answered with task 2"):
        await v1.read("task", "1")
