"""People, categories and links, across three CRMs that each have ids of their own for them."""

from __future__ import annotations

from datetime import date

import pytest
from firm import Firm

from tasksync.core.directory import Configured
from tasksync.sandbox.company import move_in

CRMS = ("onlyoffice", "capsule", "plannr")
KELLER = "Send the Keller fees letter"


@pytest.fixture
def api() -> str:
    return "v2"


@pytest.fixture
async def company(firm: Firm) -> Firm:
    """Ten people, their customers, cases and tasks, in step as far as they go."""
    for crm in firm.crms.values():
        move_in(crm)
    await firm.sync()
    report = await firm.sync()
    assert [member.error for member in report.members] == [None] * 3
    firm.forget_requests()
    return firm


def name_of(firm: Firm, crm: str, kind: str, id_: str) -> str:
    found = firm.crms[crm].shelf(kind).one(id_)
    return str(found.get("name") or found["title"])


def id_of(firm: Firm, crm: str, kind: str, name: str) -> str:
    records = firm.crms[crm].shelf(kind).all()
    return next(str(one["id"]) for one in records if name in {one.get("name"), one.get("title")})


def assignees(firm: Firm, title: str) -> dict[str, list[str]]:
    """The names of those who have the task, in every CRM."""
    found = firm.everywhere(title, "assignees")
    return {crm: sorted(name_of(firm, crm, "person", one) for one in ids) for crm, ids in found.items()}


def links(firm: Firm, title: str) -> dict[str, dict[str, str]]:
    """What the task is linked to, by kind, in every CRM."""
    found = firm.everywhere(title, "links")
    return {
        crm: {kind: name_of(firm, crm, kind, one) for kind, one in by_kind.items() if one is not None}
        for crm, by_kind in found.items()
    }


async def quiet(firm: Firm) -> None:
    """Nothing is left to write."""
    firm.forget_requests()
    await firm.sync()
    assert firm.writes() == []


async def test_the_first_meeting_settles(company: Firm) -> None:
    """What is alike is one task, what is not is copied, and nothing moves any more."""
    assert [company.titles(crm).count(KELLER) for crm in CRMS] == [1, 1, 1]
    assert company.titles("onlyoffice") == company.titles("capsule") == company.titles("plannr")
    assert company.holds() == []
    await quiet(company)


async def test_a_new_task_arrives_with_its_person_customer_and_category(company: Firm) -> None:
    """A task that only ONLYOFFICE had has its person and its contact in the others, found by e-mail."""
    title = "Draft the Keller letter of wishes"
    assert assignees(company, title) == {crm: ["Carla Nowak"] for crm in CRMS}
    assert company.everywhere(title, "category") == {"onlyoffice": "Email", "capsule": "Email"}
    assert {kind for shown in links(company, title).values() for kind in shown.values()} >= {"Keller estate plan"}


@pytest.mark.parametrize("crm", CRMS)
async def test_a_task_given_to_somebody_else_is_so_everywhere(company: Firm, crm: str) -> None:
    """Whoever has the task in one CRM has it in all of them, under ids of their own."""
    person = id_of(company, crm, "person", "Henry Moss")
    company.edit(crm, KELLER, assignees=[person])
    await company.sync()
    assert assignees(company, KELLER) == {other: ["Henry Moss"] for other in CRMS}
    await quiet(company)


@pytest.mark.parametrize("crm", ["onlyoffice", "capsule"])
async def test_the_others_stay_when_the_one_changes(company: Firm, crm: str) -> None:
    """Plannr knows two people for a task, the others show the first: when they replace that one, the second stays."""
    title = "Check the Keller will"
    before = assignees(company, title)["plannr"]
    (shown,) = assignees(company, title)[crm]
    company.edit(crm, title, assignees=[id_of(company, crm, "person", "Carla Nowak")])
    await company.sync()
    (other,) = set(before) - {shown}
    assert assignees(company, title)["plannr"] == sorted([other, "Carla Nowak"])
    await quiet(company)


@pytest.mark.parametrize("crm", ["onlyoffice", "capsule"])
async def test_a_category_arrives_under_the_name_it_has_there(company: Firm, crm: str) -> None:
    """One CRM's Compliance is the other's compliance."""
    own = {"onlyoffice": "Compliance", "capsule": "compliance"}
    company.edit(crm, KELLER, category=own[crm])
    await company.sync()
    assert company.everywhere(KELLER, "category") == own
    await quiet(company)


@pytest.mark.parametrize(
    ("crm", "contact"), [("onlyoffice", "Nadia Petrova"), ("capsule", "N. Petrova"), ("plannr", "Nadia Petrova")]
)
async def test_a_task_moved_to_another_customer_is_so_everywhere(company: Firm, crm: str, contact: str) -> None:
    """The customer is found by e-mail, whatever each CRM calls her."""
    company.edit(crm, KELLER, links=only(crm, "contact", id_of(company, crm, "contact", contact)))
    for _ in range(2):
        await company.sync()
    assert links(company, KELLER) == {
        "onlyoffice": {"contact": "Nadia Petrova"},
        "capsule": {"contact": "N. Petrova"},
        "plannr": {"contact": "Nadia Petrova"},
    }
    await quiet(company)


def only(crm: str, kind: str, id_: str) -> dict[str, str | None]:
    """A link in place of all others that the CRM has."""
    kinds = {
        "onlyoffice": ("contact", "opportunity", "case"),
        "capsule": ("contact", "opportunity", "case"),
        "plannr": ("contact", "case", "plan"),
    }[crm]
    gone: dict[str, str | None] = {} if crm == "plannr" else dict.fromkeys(kinds)
    return {**gone, kind: id_}


async def test_a_customer_who_may_be_either_of_two_is_not_guessed(company: Firm) -> None:
    """Two John Smiths in one CRM: the link is left as it is there, and the gap is said."""
    company.edit(
        "capsule", KELLER, links=only("capsule", "contact", id_of(company, "capsule", "contact", "John Smith"))
    )
    for _ in range(2):
        await company.sync()
    assert links(company, KELLER)["onlyoffice"] == {"contact": "Marta Keller"}
    gaps = {(connection, field) for connection, field, value in company.gaps() if value.startswith("capsule:contact:")}
    assert ("onlyoffice", "links") in gaps
    await quiet(company)


async def test_a_person_missing_in_one_crm_is_said_and_put_right_by_the_config(company: Firm) -> None:
    """Nobody in Plannr has that address: the task is synced otherwise, the gap is said once, and once the config says
    who it is, he has the task there as well.
    """
    jack = id_of(company, "capsule", "person", "Jack Doyle")
    company.log.lines.clear()
    company.edit("capsule", KELLER, assignees=[jack], body="For Jack.")
    report = await company.sync()
    await company.sync()
    assert report.exit_code == 0
    assert set(company.everywhere(KELLER, "body").values()) == {"For Jack."}
    assert assignees(company, KELLER)["plannr"] == ["Carla Nowak"]
    assert ("plannr", "assignees", f"capsule:person:{jack}") in company.gaps()

    julia = id_of(company, "plannr", "person", "Julia Stone")
    company.configured = Configured(people=[{"capsule": "jack.doyle@example.org", "plannr": julia}])
    await company.sync()
    assert assignees(company, KELLER)["plannr"] == ["Julia Stone"]
    assert not [gap for gap in company.gaps() if gap[0] == "plannr" and gap[2] == f"capsule:person:{jack}"]
    await quiet(company)


async def test_a_gap_closes_when_the_crm_learns_of_the_customer(company: Firm) -> None:
    """A customer whom the other CRM did not know is linked there within an hour of being typed in."""
    title = "Renewal terms for Quill"
    assert links(company, title)["capsule"] == {}
    company.world.capsule.shelf("contact").add(name="Quill & Sons", email="post@quill.example", company=True)
    company.clock.tick(hours=1)
    await company.sync()
    assert links(company, title)["capsule"] == {"contact": "Quill & Sons"}
    await quiet(company)


async def test_links_cost_nothing_while_nothing_changes(company: Firm) -> None:
    """A quiet cycle asks for no person and no contact."""
    company.forget_requests()
    await company.sync()
    asked = [one.path for crm in company.crms.values() for one in crm.requests]
    assert not [path for path in asked if "/contact" in path or "/parties" in path or "/account/" in path]


async def test_the_rest_of_a_task_is_synced_whatever_is_missing(company: Firm) -> None:
    """Of a task whose customer, opportunity and person are unknown elsewhere, everything else arrives."""
    title = "Compare annuity quotes"
    company.edit("capsule", title, due=date(2026, 5, 5))
    await company.sync()
    assert set(company.everywhere(title, "due").values()) == {date(2026, 5, 5)}
