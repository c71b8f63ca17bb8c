"""The XML protocol of the simulated Capsule (protocols/capsule.md 2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import Element

import httpx
import pytest
from defusedxml.ElementTree import fromstring

from tasksync.sandbox.world import World

XML = {"Content-Type": "application/xml"}
Dial = Callable[..., httpx.AsyncClient]


async def _list(v1: httpx.AsyncClient, **params: Any) -> tuple[str | None, list[str | None]]:
    """The `size` and the descriptions."""
    response = await v1.get("/tasks", params=params)
    assert response.status_code == 200
    root = fromstring(response.content)
    return root.get("size"), [task.findtext("description") for task in root]


async def _read(v1: httpx.AsyncClient, number: str) -> Element:
    response = await v1.get(f"/task/{number}")
    assert response.status_code == 200
    root: Element = fromstring(response.content)
    return root


def _add(world: World, title: str, **fields: Any) -> str:
    return world.capsule.add(**{"title": title, "due": date(2026, 6, 10)} | fields)


async def test_exact_xml_of_2017(world: World, v1: httpx.AsyncClient) -> None:
    """A declaration, no white space, CR LF as `&#xD;` and newline, dates that tell all-day from timed."""
    number = _add(
        world,
        "Ring & ask",
        body="Ask for Jo\nExtension 12",
        due=datetime(2026, 6, 10, 13, 30, tzinfo=UTC),
        category="Call",
        link={"type": "party", "id": "302"},
    )
    response = await v1.get(f"/task/{number}", headers={"Accept": "application/xml"})
    assert response.headers["content-type"] == "application/xml;charset=UTF-8"
    assert response.text == (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f"<task><id>{number}</id><description>Ring &amp; ask</description>"
        "<detail>Ask for Jo&#xD;\nExtension 12</detail><category>Call</category>"
        "<dueDateTime>2026-06-10T13:30:00Z</dueDateTime><owner>sandbox</owner>"
        "<partyId>302</partyId><partyName>Owen Price</partyName><status>OPEN</status>"
        "<createdOn>2026-06-04T07:15:00Z</createdOn><updatedOn>2026-06-04T07:15:00Z</updatedOn></task>"
    )


async def test_exact_xml_of_2012(world: World, v1: httpx.AsyncClient) -> None:
    """The older server shows no detail, no status and no dates, not even of a finished task."""
    world.capsule.settings.generation = "2012"
    number = _add(world, "Old", body="text", done=True, link={"type": "kase", "id": "640"})
    text = (await v1.get(f"/task/{number}")).text
    assert text.endswith(
        f"<task><id>{number}</id><description>Old</description><dueDate>2026-06-10T00:00:00Z</dueDate>"
        "<owner>sandbox</owner><caseId>640</caseId><caseName>Price pension transfer</caseName></task>"
    )


async def test_content_type_without_accept(dial: Dial, world: World) -> None:
    """Asked without an Accept header, the answer's type is `*/*`."""
    client = dial("/capsule/api", auth=("sandbox", ""))
    del client.headers["accept"]
    assert (await client.get("/tasks")).headers["content-type"] == "*/*"


async def test_lists_open_tasks_by_default(world: World, v1: httpx.AsyncClient) -> None:
    """Finished tasks need `status=COMPLETED`; no third kind of answer has both."""
    _add(world, "open")
    _add(world, "finished", done=True)
    _add(world, "pending", status="PENDING")
    assert await _list(v1) == ("1", ["open"])
    assert await _list(v1, status="COMPLETED") == ("1", ["finished"])
    assert (await v1.get("/tasks", params={"status": "OPEN,COMPLETED"})).status_code == 400


async def test_the_server_of_2012_ignores_status(world: World, v1: httpx.AsyncClient) -> None:
    """A question that it does not know is answered with the open tasks."""
    world.capsule.settings.generation = "2012"
    _add(world, "open")
    _add(world, "finished", done=True)
    assert await _list(v1, status="COMPLETED") == ("1", ["open"])


async def test_size_counts_this_answer(world: World, v1: httpx.AsyncClient) -> None:
    """`start` and `limit` cut the list, and `size` is what is left."""
    for number in range(5):
        _add(world, f"task {number}")
    assert (await _list(v1))[0] == "5"
    assert await _list(v1, start=1, limit=2) == ("2", ["task 1", "task 2"])
    assert await _list(v1, start=4, limit=2) == ("1", ["task 4"])
    assert await _list(v1, start=9) == ("0", [])
    world.capsule.settings.v1_most = 3
    assert (await _list(v1, limit=4))[0] == "3"


async def test_filters_by_category_and_user(world: World, v1: httpx.AsyncClient) -> None:
    """Both go by name."""
    _add(world, "call", category="Call")
    _add(world, "ben", owner="b.osei")
    assert (await _list(v1, category="Call"))[1] == ["call"]
    assert (await _list(v1, user="b.osei"))[1] == ["ben"]


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/task", None),
        ("/party/302/task", {"type": "party", "id": "302"}),
        ("/opportunity/88/task", {"type": "opportunity", "id": "88"}),
        ("/kase/640/task", {"type": "kase", "id": "640"}),
    ],
)
async def test_four_creates(world: World, v1: httpx.AsyncClient, path: str, link: dict[str, str] | None) -> None:
    """Each answers 201, no body, and where the task is; the link comes from the path."""
    body = (
        '<?xml version="1.0"?>\n<task>\n<description>Call customer</description>\n'
        "<dueDateTime>2010-04-21T15:00:00Z</dueDateTime>\n</task>"
    )
    response = await v1.post(path, content=body, headers={"Content-Type": "text/xml"})
    (task,) = world.capsule.tasks()
    assert (response.status_code, response.content) == (201, b"")
    assert response.headers["location"] == f"http://crm.example/capsule/api/task/{task['id']}"
    assert response.headers["content-type"] == "text/plain; charset=UTF-8"
    assert response.headers["content-length"] == "0"
    assert (task["title"], task["due"]) == ("Call customer", datetime(2010, 4, 21, 15, tzinfo=UTC))
    assert (task["link"], task["owner"], task["category"]) == (link, "sandbox", None)
    if link is not None:
        listed = await v1.get(path + "s")
        assert fromstring(listed.content).findtext("task/id") == task["id"]


async def test_partial_update(world: World, v1: httpx.AsyncClient, clock: Any) -> None:
    """Only what is sent changes, a day replaces a time, an empty element clears, and the answer is empty."""
    number = _add(world, "Ring", body="text", due=datetime(2026, 6, 10, 13, 30, tzinfo=UTC), category="Call")
    clock.forward(minutes=1)
    body = "<task><detail></detail><category/><dueDate>2026-06-11T00:00:00Z</dueDate></task>"
    response = await v1.put(f"/task/{number}", content=body, headers=XML)
    assert (response.status_code, response.content) == (200, b"")
    task = world.capsule.task(number)
    assert (task["title"], task["body"], task["category"]) == ("Ring", "", None)
    assert (task["due"], task["modified"]) == (date(2026, 6, 11), clock.now())


async def test_detail_is_unknown_in_2012(world: World, v1: httpx.AsyncClient) -> None:
    """The older server takes a detail without a word and does nothing with it."""
    number = _add(world, "Ring", body="typed by hand")
    world.capsule.settings.generation = "2012"
    body = "<task><description>Phone</description><detail>sent</detail></task>"
    assert (await v1.put(f"/task/{number}", content=body, headers=XML)).status_code == 200
    task = world.capsule.task(number)
    assert (task["title"], task["body"]) == ("Phone", "typed by hand")


async def test_complete_and_reopen(world: World, v1: httpx.AsyncClient, clock: Any) -> None:
    """Both take no body and can be repeated; only the first one moves the stamp."""
    number = _add(world, "Ring")
    clock.forward(minutes=1)
    completed_at = "2026-06-04T07:16:00Z"
    for _ in range(2):
        response = await v1.post(f"/task/{number}/complete")
        assert (response.status_code, response.content) == (200, b"")
        clock.forward(minutes=1)
    task = await _read(v1, number)
    assert [task.findtext(name) for name in ("status", "completedOn", "updatedOn")] == [
        "COMPLETED",
        completed_at,
        completed_at,
    ]
    assert (await v1.post(f"/task/{number}/reopen")).status_code == 200
    assert (await _read(v1, number)).find("completedOn") is None
    assert world.capsule.task(number)["done"] is False


async def test_delete_answers_200(world: World, v1: httpx.AsyncClient) -> None:
    """Not 204; and 404 the second time."""
    number = _add(world, "Ring")
    assert (await v1.delete(f"/task/{number}")).status_code == 200
    assert (await v1.delete(f"/task/{number}")).status_code == 404


async def test_bare_day_and_both_dues(world: World, v1: httpx.AsyncClient) -> None:
    """A day without midnight will do; of both kinds the time wins, unless the account is set to refuse."""
    both = "<dueDate>2026-06-10</dueDate><dueDateTime>2026-06-10T09:00:00Z</dueDateTime>"
    body = f"<task><description>x</description>{both}</task>"
    assert (await v1.post("/task", content=body, headers=XML)).status_code == 201
    assert world.capsule.tasks()[0]["due"] == datetime(2026, 6, 10, 9, tzinfo=UTC)
    world.capsule.settings.v1_both_dues = "refuse"
    assert (await v1.post("/task", content=body, headers=XML)).status_code == 400


async def test_unknown_category(world: World, v1: httpx.AsyncClient) -> None:
    """A new name makes a new category, unless the account is set to refuse."""
    body = "<task><description>x</description><dueDate>2026-06-10</dueDate><category>Compliance</category></task>"
    assert (await v1.post("/task", content=body, headers=XML)).status_code == 201
    categories = fromstring((await v1.get("/task/categories")).content)
    assert [one.text for one in categories] == [
        "Call",
        "Email",
        "Follow-up",
        "Meeting",
        "Milestone",
        "Send",
        "Compliance",
    ]
    world.capsule.settings.v1_unknown_category = "refuse"
    refused = await v1.post("/task", content=body.replace("Compliance", "Other"), headers=XML)
    assert refused.status_code == 400


async def test_text_that_xml_cannot_hold_is_left_out(world: World, v1: httpx.AsyncClient) -> None:
    """Control characters would break the document; emoji do not."""
    number = _add(world, "a\x0bb 📞")
    assert (await _read(v1, number)).findtext("description") == "ab 📞"


async def test_users(v1: httpx.AsyncClient) -> None:
    """Only the token's own user is logged in."""
    users = fromstring((await v1.get("/users")).content)
    assert [(user.findtext("username"), user.findtext("loggedIn")) for user in users] == [
        ("sandbox", "true"),
        ("b.osei", None),
    ]
    assert users.findtext("user/timezone") == "Europe/London"
