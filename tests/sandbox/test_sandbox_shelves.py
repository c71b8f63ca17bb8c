"""The person's side of everything that is not a task, in Python and over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tasksync.sandbox.neutral import NoSuchRecord
from tasksync.sandbox.world import World

KEPT = [
    ("onlyoffice", "case"),
    ("onlyoffice", "person"),
    ("onlyoffice", "contact"),
    ("onlyoffice", "opportunity"),
    ("onlyoffice", "category"),
    ("capsule", "case"),
    ("capsule", "person"),
    ("capsule", "contact"),
    ("capsule", "opportunity"),
    ("capsule", "category"),
]
"""What the two CRMs keep besides tasks."""
CONTACT = {"onlyoffice": "17", "capsule": "302"}
PLURAL = {"person": "people", "opportunity": "opportunities", "category": "categories"}


def _needed(crm: str, kind: str) -> dict[str, Any]:
    """The least that a new record takes in both CRMs."""
    label = "title" if kind == "case" else "name"
    links = {"links": {"contact": CONTACT[crm]}} if kind in {"case", "opportunity"} else {}
    return {label: "A new one", **links}


@pytest.mark.parametrize(("crm", "kind"), KEPT)
async def test_a_persons_day(admin: httpx.AsyncClient, crm: str, kind: str) -> None:
    """Create, read, change and delete, in the same words for both."""
    path = f"/{crm}/{PLURAL.get(kind, kind + 's')}"
    before = (await admin.get(path)).json()
    made = await admin.post(path, json=_needed(crm, kind))
    assert made.status_code == 201, made.text
    record = made.json()
    assert record["id"] not in {one["id"] for one in before}
    label = "title" if kind == "case" else "name"
    changed = await admin.patch(f"{path}/{record['id']}", json={label: "Another name"})
    assert changed.json() == record | {label: "Another name"}
    assert (await admin.get(path)).json() == [*before, changed.json()]
    assert (await admin.get(f"{path}/{record['id']}")).json() == changed.json()
    assert (await admin.delete(f"{path}/{record['id']}")).status_code == 204
    assert (await admin.get(path)).json() == before
    assert (await admin.get(f"{path}/{record['id']}")).status_code == 404


@pytest.mark.parametrize(("crm", "kind"), KEPT)
def test_what_no_record_can_be(world: World, crm: str, kind: str) -> None:
    """One without a name, one with a field that nothing has, and one that is not there."""
    shelf = world.crms[crm].shelf(kind)
    before = shelf.all()
    label = "title" if kind == "case" else "name"
    for wrong in (_needed(crm, kind) | {label: ""}, _needed(crm, kind) | {"colour": "red"}):
        with pytest.raises(ValueError, match=label if wrong[label] == "" else "colour"):
            shelf.add(**wrong)
    missing = {name: value for name, value in _needed(crm, kind).items() if name != label}
    with pytest.raises(ValueError, match=f"needs a {label}"):
        shelf.add(**missing)
    for unknown in ("1", "²", "none"):
        with pytest.raises(NoSuchRecord, match=f"no {kind} {unknown}"):
            shelf.remove(unknown)
    assert shelf.all() == before


def test_tasks_are_a_shelf_like_the_others(world: World) -> None:
    """It does what the CRM's own methods for tasks do."""
    for crm in world.crms.values():
        shelf = crm.shelf("task")
        number = shelf.add(title="x", due="2026-06-10")
        shelf.edit(number, title="y")
        assert shelf.all() == [shelf.one(number)] == crm.tasks()
        assert shelf.one(number)["title"] == "y"
        shelf.remove(number)
        assert crm.tasks() == []


async def test_what_a_crm_does_not_keep(world: World, admin: httpx.AsyncClient) -> None:
    """A kind that this CRM lacks, and a path that no CRM has."""
    with pytest.raises(ValueError, match="capsule keeps no plan; it keeps task, case, person"):
        world.capsule.shelf("plan")
    lacking = await admin.get("/capsule/plans")
    assert (lacking.status_code, "keeps no plan" in lacking.json()["message"]) == (400, True)
    unknown = await admin.get("/capsule/invoices")
    assert (unknown.status_code, "tasks, cases, people" in unknown.json()["message"]) == (404, True)
    assert (await admin.post("/capsule/contacts", json={"name": "x", "organisation": 1})).status_code == 400


@pytest.mark.parametrize("crm", ["onlyoffice", "capsule"])
def test_a_reset_brings_back_the_new_account(world: World, crm: str) -> None:
    """People, contacts, opportunities and cases are those of the first day; ids are not used again."""
    one = world.crms[crm]
    kinds = ("case", "person", "contact", "opportunity")
    before = {kind: one.shelf(kind).all() for kind in kinds}
    first = {kind: one.shelf(kind).add(**_needed(crm, kind)) for kind in kinds}
    for kind in kinds:
        one.shelf(kind).remove(before[kind][-1]["id"])
    one.reset()
    assert {kind: one.shelf(kind).all() for kind in kinds} == before
    for kind in kinds:
        assert one.shelf(kind).add(**_needed(crm, kind)) not in {first[kind], *(row["id"] for row in before[kind])}


def test_a_category_that_is_needed_stays(world: World) -> None:
    """ONLYOFFICE asks where its tasks shall go."""
    shelf = world.onlyoffice.shelf("category")
    world.onlyoffice.add(title="x", due="2026-06-10", category="Lunch")
    with pytest.raises(ValueError, match="there are tasks of category 36"):
        shelf.remove("36")
    shelf.remove("35")
    assert "Follow-up" not in [one["name"] for one in shelf.all()]


def test_older_and_newer_words_for_the_same(world: World) -> None:
    """`owner`, `contact` and `link` go on to work beside `assignees` and `links`."""
    office = world.onlyoffice
    number = office.add(title="x", due="2026-06-10", owner="Ben Osei", contact=17, link={"type": "case", "id": 8})
    ben = next(one["id"] for one in office.shelf("person").all() if one["name"] == "Ben Osei")
    assert office.task(number)["assignees"] == [ben]
    assert office.task(number)["links"] == {"contact": "17", "case": "8"}
    capsule = world.capsule
    number = capsule.add(title="x", due="2026-06-10", owner="b.osei", link={"type": "party", "id": 302})
    assert (capsule.task(number)["assignees"], capsule.task(number)["links"]) == (["78"], {"contact": "302"})
    capsule.edit(number, links={"case": "640"})
    assert capsule.task(number)["link"] == {"type": "kase", "id": "640"}
