"""The firm with its ten people in every CRM: what is alike in them, and what on purpose is not."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import pytest

from tasksync.sandbox.world import World


@pytest.fixture
def company(clock: Any) -> World:
    """Without the sample tasks."""
    return World(clock, seed=False, company=True)


def _all(world: World, kind: str) -> dict[str, list[dict[str, Any]]]:
    """Of the CRMs that keep the kind."""
    return {name: crm.shelf(kind).all() for name, crm in world.crms.items() if kind in crm.shelves()}


def test_ten_people_under_different_ids(company: World) -> None:
    """E-mails are mostly alike: one is missing in each of two CRMs, one is written in other letters, one is another."""
    people = _all(company, "person")
    assert [len(found) for found in people.values()] == [10, 10, 10]
    ids = [one["id"] for found in people.values() for one in found]
    assert len(set(ids)) == 30
    emails = {crm: {one["name"]: one["email"] for one in found} for crm, found in people.items()}
    assert [[name for name, email in found.items() if not email] for found in emails.values()] == [
        ["Elif Çelik"],
        ["Farid Haddad"],
        [],
    ]
    office, capsule, plannr = (set(found.values()) - {""} for found in emails.values())
    assert len(office & capsule & plannr) == 5
    assert "David.Kim@Example.org" in capsule
    assert "David.Kim@Example.org".lower() in office
    assert set(emails["onlyoffice"]) - set(emails["plannr"]) == {"Jack Doyle"}
    assert set(emails["plannr"]) - set(emails["capsule"]) == {"Julia Stone"}
    assert emails["plannr"]["Grace Liu"] != emails["capsule"]["Grace Liu"]


def test_categories_partly_alike(company: World) -> None:
    """Some have the same name, one only without regard to case, and each CRM has some of its own."""
    office, capsule = ({one["name"] for one in found} for found in _all(company, "category").values())
    assert {"Call", "Email"} <= office & capsule
    assert ("Compliance" in office, "Compliance" in capsule, "compliance" in capsule) == (True, False, True)
    assert ("Valuation" in office - capsule, "Site visit" in capsule - office) == (True, True)


def test_contacts_partly_alike(company: World) -> None:
    """By e-mail under another name, by name alone, twice of one name, and in one CRM only."""
    contacts = _all(company, "contact")
    names = {crm: Counter(one["name"] for one in found) for crm, found in contacts.items()}
    emails = {crm: {one["email"]: one["name"] for one in found if one["email"]} for crm, found in contacts.items()}
    assert {crm: found["nadia@petrova.example"] for crm, found in emails.items()} == {
        "onlyoffice": "Nadia Petrova",
        "capsule": "N. Petrova",
        "plannr": "Nadia Petrova",
    }
    assert [found["Oakfield Bakery"] for found in names.values()] == [1, 1, 1]
    assert [found["John Smith"] for found in names.values()] == [2, 1, 1]
    assert [found["Quill & Sons"] for found in names.values()] == [1, 0, 0]
    assert ("rosa@lind.example" in emails["capsule"], "rosa@lind.example" in emails["plannr"]) == (True, False)


def test_cases_and_opportunities_partly_alike(company: World) -> None:
    """With the same contact where both have them; one case is closed everywhere."""
    cases = {crm: {one["title"]: one["done"] for one in found} for crm, found in _all(company, "case").items()}
    assert [found["Keller estate plan"] for found in cases.values()] == [False, False, False]
    assert [found["Keller mortgage"] for found in cases.values()] == [True, True, True]
    assert [crm for crm, found in cases.items() if "Smith probate" in found] == ["onlyoffice"]
    marta = {
        crm: next(one["id"] for one in found if one["name"] == "Marta Keller")
        for crm, found in _all(company, "contact").items()
    }
    deals = _all(company, "opportunity")
    for crm, found in deals.items():
        (deal,) = [one for one in found if one["name"] == "Keller ISA transfer"]
        assert deal["links"] == {"contact": marta[crm]}
    office = company.onlyoffice.shelf("case").all()
    assert [one["members"] for one in office if one["title"] == "Keller estate plan"] == [[marta["onlyoffice"]]]


def test_tasks_hang_on_people_and_links(company: World) -> None:
    """Of every kind of link that a CRM has; one is with nobody, and one is the same everywhere."""
    kinds = {name: {kind for task in crm.tasks() for kind in task["links"]} for name, crm in company.crms.items()}
    assert kinds == {
        "onlyoffice": {"contact", "case", "opportunity"},
        "capsule": {"contact", "case", "opportunity"},
        "plannr": {"contact", "case", "plan"},
    }
    assert [task["title"] for task in company.onlyoffice.tasks() if not task["assignees"]] == ["Sort the archive room"]
    assert all(task["assignees"] for task in company.capsule.tasks())
    assert any(len(task["assignees"]) == 2 for task in company.plannr.tasks())
    shared = {name: crm.tasks()[0] for name, crm in company.crms.items()}
    assert {(task["title"], task["due"]) for task in shared.values()} == {
        ("Send the Keller fees letter", shared["capsule"]["due"])
    }
    for name, crm in company.crms.items():
        (carla,) = [one["id"] for one in crm.shelf("person").all() if one["name"] == "Carla Nowak"]
        assert shared[name]["assignees"] == [carla]


def test_nothing_of_it_unless_asked(clock: Any) -> None:
    """The usual world has two people in every CRM."""
    for crm in World(clock).crms.values():
        assert [one["name"] for one in crm.shelf("person").all()] == ["Ana Reid", "Ben Osei"]


async def test_over_http(world: World, admin: httpx.AsyncClient) -> None:
    """A reset can bring the company, with the sample tasks or without, and a plain one takes it away again."""
    for crm, count in (("onlyoffice", 6), ("capsule", 5)):
        answer = await admin.post(f"/{crm}/reset", json={"seed": False, "company": True})
        assert answer.json() == {"tasks": count}
        assert len((await admin.get(f"/{crm}/people")).json()) == 10
        both = await admin.post(f"/{crm}/reset", json={"company": True})
        assert both.json()["tasks"] > count
        await admin.post(f"/{crm}/reset")
        assert len(world.crms[crm].shelf("person").all()) == 2
    refused = await admin.post("/capsule/reset", json={"company": "yes"})
    assert (refused.status_code, refused.json()["message"]) == (400, "company has to be true or false")
