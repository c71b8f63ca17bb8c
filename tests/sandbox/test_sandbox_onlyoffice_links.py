"""What tasks of the simulated ONLYOFFICE are about: on the wire and to a person (protocols/onlyoffice.md 2.3, 2.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World

BEN = "b1f5d8a0-3c62-47be-8a19-6e0f94c7d302"
ME = "0a77c2e4-5b1d-4c8e-9f30-2d6b8a41e501"
OFFER = {"title": "Send offer", "deadline": "2026-06-12T14:00:00Z", "categoryId": 30}


async def _task_shown(office: httpx.AsyncClient, number: str) -> Any:
    answer = await office.get(f"/crm/task/{number}")
    assert answer.status_code == 200, answer.text
    return answer.json()["response"]


def _task(world: World, **fields: Any) -> str:
    return world.onlyoffice.add(**{"title": "x", "due": date(2026, 6, 10)} | fields)


async def test_a_task_may_have_a_contact_and_an_entity(world: World, office: httpx.AsyncClient) -> None:
    """A contact beside one case or opportunity; what a PUT leaves out is gone."""
    linked = OFFER | {"contactId": 17, "entityType": "CASE", "entityId": 8}
    number = (await office.post("/crm/task", json=linked)).json()["response"]["id"]
    assert world.onlyoffice.task(str(number))["links"] == {"contact": "17", "case": "8"}
    await office.put(f"/crm/task/{number}", json=OFFER | {"contactid": 17})
    assert world.onlyoffice.task(str(number))["links"] == {"contact": "17"}


async def test_unknown_links_are_stored_and_not_shown(world: World, office: httpx.AsyncClient) -> None:
    """Nothing checks that they exist."""
    sent = OFFER | {"contactId": 9999, "entityType": "case", "entityId": 9999}
    task = (await office.post("/crm/task", json=sent)).json()["response"]
    assert not {"contact", "entity"} & set(task)
    row = world.onlyoffice.row(task["id"])
    assert row is not None
    assert (row.contact, row.entity) == (9999, 9999)


async def test_a_renamed_case_shows_in_its_tasks(world: World, office: httpx.AsyncClient) -> None:
    """The title in a task is that of the case now."""
    task = _task(world, links={"case": "8"})
    world.onlyoffice.shelf("case").edit("8", title="Price SIPP transfer")
    assert (await _task_shown(office, task))["entity"]["entityTitle"] == "Price SIPP transfer"


async def test_a_task_whose_category_is_gone(world: World, office: httpx.AsyncClient) -> None:
    """It is still listed, but cannot be read alone."""
    task = _task(world, category="Lunch")
    del world.onlyoffice.categories[36]
    (listed,) = (await office.get("/crm/task/filter")).json()["response"]
    assert (str(listed["id"]), "category" in listed) == (task, False)
    assert (await office.get(f"/crm/task/{task}")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"assignees": ["someone"]}, "no person someone"),
        ({"assignees": [ME, BEN]}, "one responsible user"),
        ({"links": {"contact": "1"}}, "no contact 1"),
        ({"links": {"case": "1"}}, "no case 1"),
        ({"links": {"opportunity": "1"}}, "no opportunity 1"),
    ],
)
def test_what_a_person_cannot_choose(world: World, fields: dict[str, Any], text: str) -> None:
    """Only what there is."""
    with pytest.raises(ValueError, match=text):
        _task(world, **fields)
    assert world.onlyoffice.tasks() == []


def test_a_person_changes_one_link_at_a_time(world: World) -> None:
    """The kinds that are not named stay, None takes one away, and a case takes the place of an opportunity."""
    number = _task(world, links={"contact": "17", "opportunity": "4"})
    world.onlyoffice.edit(number, links={"case": "8"})
    assert world.onlyoffice.task(number)["links"] == {"contact": "17", "case": "8"}
    world.onlyoffice.edit(number, links={"opportunity": None})
    assert world.onlyoffice.task(number)["links"] == {"contact": "17", "case": "8"}
    world.onlyoffice.edit(number, links={"contact": None, "case": None, "plan": None})
    assert world.onlyoffice.task(number)["links"] == {}
