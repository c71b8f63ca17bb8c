"""Creating, replacing and closing tasks of the simulated ONLYOFFICE (protocols/onlyoffice.md 2.4, 3, 8)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

OFFER = {"title": "Send offer", "deadline": "2026-06-12T14:00:00Z", "categoryId": 30, "isNotify": False}


async def _create(office: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    response = await office.post("/crm/task.json", json=OFFER | changes)
    assert response.status_code == 201, response.text
    task: dict[str, Any] = response.json()["response"]
    return task


async def _read(office: httpx.AsyncClient, number: int) -> dict[str, Any]:
    task: dict[str, Any] = (await office.get(f"/crm/task/{number}.json")).json()["response"]
    return task


async def test_post_answers_201_from_memory(office: httpx.AsyncClient) -> None:
    """The answer to a create lacks the description that was not sent; a read has it, empty."""
    task = await _create(office, alertValue=60, contactId=17)
    assert "description" not in task
    assert task["deadLine"] == "2026-06-12T15:00:00.0000000+01:00"
    assert (task["alertValue"], task["contact"]["id"], task["category"]["relativeItemsCount"]) == (60, 17, 1)
    assert (await _read(office, task["id"]))["description"] == ""


async def test_ids_increase_and_are_not_used_again(office: httpx.AsyncClient) -> None:
    """A deleted task's id does not come back."""
    first = await _create(office)
    await office.delete(f"/crm/task/{first['id']}")
    assert (await _create(office))["id"] == first["id"] + 1


async def test_put_zeroes_what_is_missing(world: World, office: httpx.AsyncClient) -> None:
    """A replacement without them loses description, responsible, contact, entity and reminder, but not its state."""
    number = world.onlyoffice.add(
        title="Full",
        body="text",
        due=date(2026, 6, 10),
        done=True,
        reminder=60,
        contact=17,
        link={"type": "case", "id": "8"},
        category="Meeting",
    )
    response = await office.put(
        f"/crm/task/{number}", json={"title": "Bare", "deadline": "2026-06-11", "categoryid": 30}
    )
    assert response.status_code == 200
    task = world.onlyoffice.task(number)
    assert task | {"created": None, "modified": None} == {
        "id": number,
        "title": "Bare",
        "body": "",
        "due": date(2026, 6, 11),
        "done": True,
        "category": "Call",
        "reminder": None,
        "owner": None,
        "contact": None,
        "link": None,
        "assignees": [],
        "links": {},
        "created": None,
        "modified": None,
    }


async def test_put_to_an_unknown_id_creates(world: World, office: httpx.AsyncClient) -> None:
    """A replacement of a deleted task is a new task with a new id, answered with 200."""
    task = await _create(office)
    await office.delete(f"/crm/task/{task['id']}")
    response = await office.put(f"/crm/task/{task['id']}", json=OFFER)
    assert response.status_code == 200
    assert response.json()["response"]["id"] == task["id"] + 1
    assert len(world.onlyoffice.tasks()) == 1


async def test_long_title_is_cut_in_silence(office: httpx.AsyncClient) -> None:
    """The answer echoes the whole title; a read gives 255 characters."""
    title = "ä" * 300
    task = await _create(office, title=title)
    assert task["title"] == title
    assert (await _read(office, task["id"]))["title"] == title[:255]


async def test_text_ends_at_the_first_emoji(office: httpx.AsyncClient) -> None:
    """Characters beyond the basic plane and what follows them are lost, while the answer echoes them."""
    task = await _create(office, title="Ring 📞 Owen", description="日本 🎉 party")
    assert (task["title"], task["description"]) == ("Ring 📞 Owen", "日本 🎉 party")
    stored = await _read(office, task["id"])
    assert (stored["title"], stored["description"]) == ("Ring ", "日本 ")


async def test_close_and_reopen(world: World, office: httpx.AsyncClient) -> None:
    """Both can be repeated, answer the task, and move no stamp."""
    number = world.onlyoffice.add(title="x", due=date(2026, 6, 10))
    before = world.onlyoffice.task(number)["modified"]
    for verb, closed in (("close", True), ("close", True), ("reopen", None), ("reopen", None)):
        response = await office.put(f"/crm/task/{number}/{verb}.json")
        assert response.status_code == 200
        assert response.json()["response"].get("isClosed") is closed
    assert world.onlyoffice.task(number)["modified"] == before


async def test_delete_answers_the_task(office: httpx.AsyncClient) -> None:
    """A delete answers the task as it was; a second one is 404."""
    task = await _create(office)
    assert (await office.delete(f"/crm/task/{task['id']}")).json()["response"]["title"] == "Send offer"
    assert (await office.delete(f"/crm/task/{task['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"title": ""}, 400, "Value does not fall within the expected range."),
        ({"deadline": None}, 400, "Value does not fall within the expected range."),
        ({"deadline": "0001-01-01T00:00:00Z"}, 400, "Value does not fall within the expected range."),
        ({"categoryId": 0}, 400, "Value does not fall within the expected range."),
        ({"categoryId": 9999}, 404, "Category is not found"),
        ({"categoryId": "thirty"}, 400, "Input string was not in a correct format."),
        ({"categoryId": 2**40}, 400, "Value was either too large or too small for an Int32."),
        ({"entityType": "deal"}, 400, "Value does not fall within the expected range."),
        ({"responsibleId": "me"}, 400, "Guid should contain 32 digits"),
        ({"isNotify": "perhaps"}, 400, "String was not recognized as a valid Boolean."),
        ({"deadline": "2026-06-12T14:00:00.123456Z"}, 400, "invalid date time format: 2026-06-12T14:00:00.123456Z"),
        ({"deadline": "soon"}, 400, "invalid date time format"),
        ({"deadline": "2026-02-30"}, 400, "invalid date time format: 2026-02-30"),
        ({"deadline": "2026-02-30T09:00:00+01:00"}, 400, "invalid date time format: 2026-02-30T09:00:00+01:00"),
    ],
)
async def test_refusals(
    world: World, office: httpx.AsyncClient, changes: dict[str, Any], status: int, message: str
) -> None:
    """Each mistake has its status and its text, and nothing is stored."""
    response = await office.post("/crm/task", json=OFFER | changes)
    assert response.status_code == response.json()["statusCode"] == status
    assert response.json()["error"]["message"].startswith(message)
    assert world.onlyoffice.tasks() == []


@pytest.mark.parametrize(
    ("sent", "due"),
    [
        ("2026-03-10T06:30:00.0000000Z", datetime(2026, 3, 10, 6, 30, tzinfo=UTC)),
        ("2008-04-10T06-30-00.000Z", datetime(2008, 4, 10, 6, 30, tzinfo=UTC)),
        ("2026-07-10T06:30:00.000Z", datetime(2026, 7, 10, 6, 30, tzinfo=UTC)),
        ("2026-07-10T06-30-00", datetime(2026, 7, 10, 5, 30, tzinfo=UTC)),
        ("2026-07-10T06:30:00", datetime(2026, 7, 10, 5, 30, tzinfo=UTC)),
        ("2026-07-10T06:30:00+03:00", datetime(2026, 7, 10, 3, 30, tzinfo=UTC)),
        ("2026-07-09T23:00:00Z", date(2026, 7, 10)),
        ("2026-07-10", date(2026, 7, 10)),
    ],
)
async def test_accepted_dates(world: World, office: httpx.AsyncClient, sent: str, due: object) -> None:
    """A date without zone is portal time, and midnight in the portal is a whole day."""
    await _create(office, deadline=sent)
    assert [task["due"] for task in world.onlyoffice.tasks()] == [due]


@pytest.mark.parametrize(
    ("fraction", "status"), [("000", 201), ("123", 201), ("5000000", 400), ("500", 400), ("1230000", 201)]
)
async def test_json_date_fraction_trap(office: httpx.AsyncClient, fraction: str, status: int) -> None:
    """The JSON reader strips trailing zeros of a fraction, after which only three or seven digits are a date."""
    response = await office.post("/crm/task", json=OFFER | {"deadline": f"2026-06-12T14:00:00.{fraction}Z"})
    assert response.status_code == status


async def test_hyphens_and_forms_bypass_the_fraction_trap(office: httpx.AsyncClient) -> None:
    """The hyphen form is no date to the JSON reader, and a form body is not read by it."""
    hyphens = await office.post("/crm/task", json=OFFER | {"deadline": "2026-06-12T14-00-00.500Z"})
    form = await office.post("/crm/task", data=OFFER | {"deadline": "2026-06-12T14:00:00.500Z"})
    assert (hyphens.status_code, form.status_code) == (201, 201)


async def test_a_title_that_is_a_date_is_rewritten(office: httpx.AsyncClient) -> None:
    """The same reader changes a title that looks like a date."""
    assert (await _create(office, title="2026-06-12T14:00:00.500Z"))["title"] == "2026-06-12T14:00:00.5Z"


async def test_fractions_survive_in_the_answer_only(office: httpx.AsyncClient) -> None:
    """The deadline is echoed as sent and stored in whole seconds."""
    task = await _create(office, deadline="2026-06-12T14:00:00.123Z")
    assert task["deadLine"] == "2026-06-12T15:00:00.1230000+01:00"
    assert (await _read(office, task["id"]))["deadLine"] == "2026-06-12T15:00:00.0000000+01:00"


async def test_offset_zero_prints_as_z(office: httpx.AsyncClient) -> None:
    """In winter London's dates end in Z, in summer in +01:00."""
    task = await _create(office, deadline="2026-12-01T09:00:00Z")
    assert task["deadLine"] == "2026-12-01T09:00:00.0000000Z"


async def test_bodies_that_do_not_reach_the_server(office: httpx.AsyncClient) -> None:
    """JSON without its content type, broken JSON and a JSON list are all 400."""
    text = json.dumps(OFFER)
    lost = await office.post("/crm/task", content=text, headers={"Content-Type": "text/plain"})
    broken = await office.post("/crm/task", content=text[:-1], headers={"Content-Type": "application/json"})
    many = await office.post("/crm/task", json=[OFFER])
    assert [response.status_code for response in (lost, broken, many)] == [400, 400, 400]


async def test_the_documented_requests(world: World, office: httpx.AsyncClient) -> None:
    """The POST and PUT of the vendor's pages work, with a category that exists and a related entity of a known type."""
    documented = {
        "title": "some text",
        "description": "some text",
        "deadline": "2008-04-10T06-30-00.000Z",
        "responsibleid": "9924256A-739C-462b-AF15-E652A3B1B6EB",
        "categoryid": 30,
        "contactid": 1234,
        "entityType": "case",
        "entityid": 1234,
        "isNotify": True,
        "alertValue": 1234,
    }
    made = await office.post("/crm/task", json=documented)
    number = made.json()["response"]["id"]
    changed = await office.put(f"/crm/task/{number}", json=documented | {"title": "other"})
    assert (made.status_code, changed.status_code) == (201, 200)
    assert [task["title"] for task in world.onlyoffice.tasks()] == ["other"]
    # Nothing checks that user, contact and case exist; they just do not show.
    assert not {"contact", "entity"} & set(changed.json()["response"])
    assert changed.json()["response"]["responsible"]["displayName"] == "Profile has been removed"


async def test_hidden_date_routes(world: World, office: httpx.AsyncClient) -> None:
    """The test aids set the stamps and answer an empty object without a count."""
    number = world.onlyoffice.add(title="x", due=date(2026, 6, 10))
    made = await office.put(f"/crm/task/{number}/creationdate", json={"creationDate": "2020-01-01T00:00:00Z"})
    touched = await office.put(f"/crm/task/{number}/lastmodifeddate", json={"lastModifedDate": "2020-01-02T00:00:00Z"})
    assert made.json() == touched.json() == {"status": 0, "statusCode": 200, "response": {}}
    task = world.onlyoffice.task(number)
    assert (task["created"], task["modified"]) == (datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
