"""The listing, paging and shapes of the simulated ONLYOFFICE (protocols/onlyoffice.md 2.1 to 2.3)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World


async def _filter(office: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    response = await office.get("/crm/task/filter.json", params=params)
    assert response.status_code == 200
    answer: dict[str, Any] = response.json()
    return answer


@pytest.fixture
def five(world: World) -> list[int]:
    """Five open tasks."""
    return [int(world.onlyoffice.add(title=f"Task {n}", due=date(2026, 6, 10 - n))) for n in range(5)]


async def test_next_index_is_one_too_far(office: httpx.AsyncClient, five: list[int]) -> None:
    """A page that is followed by more says so with an index that skips one task."""
    answer = await _filter(office, isClosed="false", sortBy="id", count=2)
    assert list(answer) == ["count", "nextIndex", "total", "status", "statusCode", "response"]
    assert (answer["count"], answer["nextIndex"], answer["total"]) == (2, 3, 5)
    assert [task["id"] for task in answer["response"]] == five[:2]


async def test_last_page_has_no_next_index(office: httpx.AsyncClient, five: list[int]) -> None:
    """The last page ends the count at what came before it."""
    answer = await _filter(office, sortBy="id", count=2, startIndex=4)
    assert "nextIndex" not in answer
    assert (answer["startIndex"], answer["total"], answer["count"]) == (4, 5, 1)
    assert [task["id"] for task in answer["response"]] == five[4:]


async def test_total_past_the_end_is_the_start_index(office: httpx.AsyncClient, five: list[int]) -> None:
    """Asking beyond the end answers an empty page without a count, and a made-up total."""
    answer = await _filter(office, startIndex=50)
    assert answer == {"startIndex": 50, "total": 50, "status": 0, "statusCode": 200, "response": []}


async def test_total_is_cached_without_is_closed(world: World, office: httpx.AsyncClient, five: list[int]) -> None:
    """The count of one state is shown for the other, until something is created, updated or deleted."""
    await _filter(office, isClosed="false", count=1)
    for number in five[:3]:
        await office.put(f"/crm/task/{number}/close.json")
    assert (await _filter(office, isClosed="true", count=1))["total"] == 5
    world.onlyoffice.remove(str(five[4]))
    assert (await _filter(office, isClosed="true", count=1))["total"] == 3


async def test_open_tasks_come_before_closed_ones(office: httpx.AsyncClient, five: list[int]) -> None:
    """Whatever the order, closed tasks come last, and without `isClosed` both kinds are listed."""
    await office.put(f"/crm/task/{five[0]}/close")
    ascending = (await _filter(office, sortBy="id"))["response"]
    descending = (await _filter(office, sortBy="id", sortOrder="descending"))["response"]
    assert [task["id"] for task in ascending] == [*five[1:], five[0]]
    assert [task["id"] for task in descending] == [*five[:0:-1], five[0]]


async def test_default_order_is_by_deadline(office: httpx.AsyncClient, five: list[int]) -> None:
    """Without `sortBy` the nearest deadline comes first."""
    assert [task["id"] for task in (await _filter(office))["response"]] == five[::-1]


@pytest.mark.parametrize("count", ["5000", "-3", "many", None])
async def test_page_size_is_1000_at_most_and_by_default(
    world: World, office: httpx.AsyncClient, count: str | None
) -> None:
    """A larger, negative, unreadable or missing page size gives pages of 1,000."""
    world.onlyoffice.fill(1001)
    answer = await _filter(office, **({} if count is None else {"count": count}))
    assert (answer["count"], answer["nextIndex"], answer["total"]) == (1000, 1001, 1001)


async def test_parameters_are_read_in_any_case(office: httpx.AsyncClient, five: list[int]) -> None:
    """`ISCLOSED` is as good as `isClosed`."""
    await office.put(f"/crm/task/{five[0]}/close")
    answer = await _filter(office, ISCLOSED="true")
    assert [task["id"] for task in answer["response"]] == [five[0]]


async def test_filters_on_deadline_contact_and_words(world: World, office: httpx.AsyncClient) -> None:
    """Deadline bounds are inclusive, contacts exact, and words end at a comma."""
    one = world.onlyoffice.add(title="Ring Owen", body="about tea", due=date(2026, 6, 10), contact=17)
    two = world.onlyoffice.add(title="Write to Owen", due=datetime(2026, 6, 12, 9, tzinfo=UTC))
    by_date = await _filter(office, fromDate="2026-06-10", toDate="2026-06-11")
    by_contact = await _filter(office, entityType="Contact", entityid=17)
    by_words = await _filter(office, filterValue="write,nonsense")
    assert [task["id"] for task in by_date["response"]] == [int(one)]
    assert [task["id"] for task in by_contact["response"]] == [int(one)]
    assert [task["id"] for task in by_words["response"]] == [int(two)]


async def test_filters_on_people_category_and_entity(world: World, office: httpx.AsyncClient) -> None:
    """Each is exact, and an entity type that does not exist is 400."""
    add, due = world.onlyoffice.add, date(2026, 6, 10)
    one = int(add(title="a", due=due, owner="Ben Osei", category="Demo", link={"type": "case", "id": 8}))
    add(title="b", due=due)
    ben = (await office.get("/people/ben.osei")).json()["response"]["id"]
    for params in ({"responsibleId": ben}, {"categoryid": 32}, {"entityType": "case", "entityid": 8}):
        assert [task["id"] for task in (await _filter(office, **params))["response"]] == [one]
    assert (await office.get("/crm/task/filter", params={"entityType": "deal"})).status_code == 400


@pytest.mark.parametrize(
    ("order", "titles"),
    [
        ("title", "abc"),
        ("category", "bca"),
        ("contact", "cab"),
        ("contactmanager", "bac"),
        ("created", "acb"),
    ],
)
async def test_orders(world: World, office: httpx.AsyncClient, order: str, titles: str) -> None:
    """By name of category, contact (none last) or responsible; an unknown order falls back to ids."""
    add, due = world.onlyoffice.add, date(2026, 6, 10)
    add(title="a", due=due, category="Lunch", contact=22, owner="Ana Reid")
    add(title="c", due=due, category="Demo", contact=17, owner="Ana Reid")
    add(title="b", due=due, category="Call", owner="Ben Osei")
    world.onlyoffice.edit(world.onlyoffice.tasks()[0]["id"], due=date(2026, 6, 9))
    answer = await _filter(office, sortBy=order)
    assert "".join(task["title"] for task in answer["response"]) == titles


async def test_updated_since_has_no_effect(office: httpx.AsyncClient, five: list[int]) -> None:
    """There is no way to ask for what changed; a date that cannot be read is the server's fault."""
    assert (await _filter(office, updatedSince="2030-01-01"))["count"] == 5
    assert (await office.get("/crm/task/filter", params={"updatedSince": "never"})).status_code == 500


async def test_members_with_their_default_are_left_out(world: World, office: httpx.AsyncClient) -> None:
    """A plain open task shows no contact, no reminder, no entity and no `isClosed`."""
    number = world.onlyoffice.add(title="Plain", due=date(2026, 6, 10), owner="")
    task = (await office.get(f"/crm/task/{number}")).json()["response"]
    assert list(task) == [
        "createBy",
        "created",
        "title",
        "description",
        "deadLine",
        "responsible",
        "category",
        "canEdit",
        "id",
    ]
    assert task["description"] == ""
    assert task["responsible"]["id"] == "4a515a15-d4d6-4b8e-828e-e0586f18f3a3"


async def test_everything_that_a_task_can_show(world: World, office: httpx.AsyncClient) -> None:
    """Contact, entity, reminder and state appear once they have a value."""
    number = world.onlyoffice.add(
        title="Full",
        due=datetime(2026, 6, 10, 9, 30, tzinfo=UTC),
        done=True,
        reminder=60,
        contact=17,
        link={"type": "case", "id": "8"},
        category="Meeting",
    )
    task = (await office.get(f"/crm/task/{number}")).json()["response"]
    assert task["deadLine"] == "2026-06-10T10:30:00.0000000+01:00"
    assert (task["alertValue"], task["isClosed"], task["contact"]["displayName"]) == (60, True, "Owen Price")
    assert task["entity"] == {"entityType": "case", "entityId": 8, "entityTitle": "Price pension transfer"}
    assert task["category"]["title"] == "Meeting"
    assert task["category"]["relativeItemsCount"] == 1
    (listed,) = (await _filter(office))["response"]
    assert "relativeItemsCount" not in listed["category"]


async def test_slashes_are_escaped(world: World, office: httpx.AsyncClient) -> None:
    """The raw JSON has a backslash before every slash."""
    world.onlyoffice.add(title="either/or", due=date(2026, 6, 10))
    text = (await office.get("/crm/task/filter")).text
    assert r"either\/or" in text
    assert "/" not in text.replace(r"\/", "")


async def test_fields_narrow_the_answer(office: httpx.AsyncClient, five: list[int]) -> None:
    """`fields` names the members to keep, in any case."""
    answer = await _filter(office, fields="ID,deadline", count=1, sortBy="id")
    assert answer["response"] == [{"deadLine": "2026-06-10T00:00:00.0000000+01:00", "id": five[0]}]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crm/task/777", 404),
        ("DELETE", "/crm/task/777", 404),
        ("PUT", "/crm/task/777/close", 400),
        ("PUT", "/crm/task/777/reopen", 400),
        ("GET", "/crm/task/0", 400),
    ],
)
async def test_unknown_ids(office: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """An unknown id is 404 to read and delete, but 400 to close and reopen."""
    response = await office.request(method, path)
    assert response.status_code == status
    error = response.json()
    assert (error["status"], error["statusCode"]) == (1, status)
    assert error["error"]["data"] == {}


@pytest.mark.parametrize(("method", "path"), [("GET", "/crm/task"), ("PATCH", "/crm/task/1"), ("GET", "/crm/task/x")])
async def test_unknown_routes_answer_a_page(office: httpx.AsyncClient, method: str, path: str) -> None:
    """What matches no route gets the web site's HTML, whatever the verb."""
    response = await office.request(method, path)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")


async def test_reference_lists(office: httpx.AsyncClient) -> None:
    """The default categories begin at 30, and the portal tells who asks and in which zone it is."""
    categories = (await office.get("/crm/task/category.json")).json()["response"]
    assert [(one["id"], one["title"]) for one in categories][:2] == [(30, "Call"), (31, "Deal")]
    assert len(categories) == 12
    assert (await office.get("/crm/task/category/41")).json()["response"]["title"] == "Thank you"
    assert (await office.get("/crm/task/category/99")).status_code == 404
    me = (await office.get("/people/@self.json")).json()["response"]
    assert me["email"] == "sandbox@example.org"
    assert (await office.get("/people")).json()["count"] == 2
    assert (await office.get("/people/nobody")).json()["error"]["message"] == "User not found"
    contact = (await office.get("/crm/contact/31")).json()["response"]
    assert (contact["displayName"], contact["isCompany"]) == ("Fairfield Joinery Ltd", True)
    assert (await office.get("/crm/contact/1")).status_code == 404
    settings = (await office.get("/settings.json")).json()["response"]
    assert settings["timezone"].split(";")[0] == "Europe/London"
    assert (settings["utcOffset"], settings["utcHoursOffset"]) == ("01:00:00", 1.0)
