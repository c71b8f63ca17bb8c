"""Assignees and links of tasks, from a person's page in Plannr to ours and back, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from account_site import Site

from tasksync.core.record import TASK, Observation, Value
from tasksync.errors import DefaultNeeded, Refused
from tasksync.ports import Connector
from tasksync.sandbox.plannr import Plannr

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"
NOBODY = "00000000-0000-4000-8000-000000000000"
NOW = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
async def hills(hill: Site) -> Connector:
    connector = hill.connect(name="hill")
    await connector.open()
    return connector


async def read(connector: Connector, task_id: str) -> Observation:
    found = await connector.read("task", task_id)
    assert found is not None
    return found


def people(*uuids: str) -> Value:
    return tuple(f"hill:person:{uuid}" for uuid in uuids)


async def test_its_fields(hills: Connector) -> None:
    """A task needs a title and a link."""
    lenses = hills.lenses("task")
    assert set(lenses) == {field.name for field in TASK.fields} - {"category", "reminder"}
    assert {name for name, lens in lenses.items() if lens.required} == {"title", "links"}
    assert lenses["links"].get((f"hill:contact:{ZOE}", "office:contact:1")) == (f"hill:contact:{ZOE}",)
    known = hills.lenses("task", {"office:contact:1": f"hill:contact:{PRICE}"}.get)
    assert known["links"].get(("office:contact:1",)) == (f"hill:contact:{PRICE}",)


async def test_what_a_person_assigned_is_read(hills: Connector, crm: Plannr) -> None:
    """Everybody, sorted, in a listing as in a read; nobody, too."""
    made = crm.add(title="x", assignees=[BEN, ANA])
    nobodys = crm.add(title="y", assignees=[])
    assert (await read(hills, made)).values["assignees"] == people(ANA, BEN)
    listed = {one.external_id: one.read().values["assignees"] async for page in hills.poll("task") for one in page}
    assert listed == {made: people(ANA, BEN), nobodys: ()}


@pytest.mark.parametrize("uuids", [[BEN], [ANA, BEN], []])
async def test_people_are_replaced(hills: Connector, crm: Plannr, uuids: list[str]) -> None:
    """Whoever is set is all there are, and the answer says so; the rest of the task stays."""
    made = crm.add(title="x", assignees=[ANA], links={"case": TRANSFER})
    before = crm.task(made)
    after = await hills.update("task", await read(hills, made), {"assignees": people(*uuids)})
    assert after.values["assignees"] == people(*uuids)
    assert crm.task(made)["assignees"] == uuids
    assert {name for name, value in before.items() if crm.task(made)[name] != value} <= {"assignees", "owner"}


@pytest.mark.parametrize(
    ("link", "reference"),
    [
        ({"type": "client", "id": ZOE}, f"hill:contact:{ZOE}"),
        ({"type": "employee", "id": BEN}, f"hill:employee:{BEN}"),
        ({"type": "case", "id": TRANSFER}, f"hill:case:{TRANSFER}"),
        ({"type": "plan", "id": PLAN}, f"hill:plan:{PLAN}"),
    ],
)
async def test_links_there_and_back(hills: Connector, crm: Plannr, link: dict[str, Any], reference: str) -> None:
    """Read as a person set it, and moved there from another one."""
    made = crm.add(title="x", link=link)
    assert (await read(hills, made)).values["links"] == (reference,)
    other = await read(hills, crm.add(title="y"))
    assert (await hills.update("task", other, {"links": (reference,)})).values["links"] == (reference,)
    assert crm.task(other.external_id)["link"] == link


async def test_a_link_to_what_is_gone_is_not_told(hills: Connector, crm: Plannr) -> None:
    """The task is there, and nobody took its link away."""
    made = crm.add(title="x", links={"case": TRANSFER})
    crm.shelf("case").remove(TRANSFER)
    assert "links" not in (await read(hills, made)).values


async def test_a_task_is_created_with_its_people_and_link(hills: Connector, crm: Plannr) -> None:
    """In one request."""
    crm.requests.clear()
    made = await hills.create(
        "task", {"title": "x", "assignees": people(ANA, BEN), "links": (f"hill:plan:{PLAN}",), "done": False}
    )
    shown = crm.task(made.external_id)
    assert (shown["assignees"], shown["links"]) == ([ANA, BEN], {"plan": PLAN})
    assert (made.values["assignees"], made.values["links"]) == (people(ANA, BEN), (f"hill:plan:{PLAN}",))
    assert len(crm.requests) == 1


@pytest.mark.parametrize(("type_", "reference"), [("client", "contact"), ("employee", "employee"), ("case", "case")])
async def test_the_default_link_is_a_value(hill: Site, type_: str, reference: str) -> None:
    """It steps in where a task has no link that is known here; `create` itself adds none."""
    connector = hill.connect(name="hill", options={"defaults": {"link": {"type": type_, "id": PRICE.upper()}}})
    await connector.open()
    assert connector.defaults("task", NOW) == {"links": (f"hill:{reference}:{PRICE}",)}
    with pytest.raises(DefaultNeeded, match="without a link"):
        await connector.create("task", {"title": "x"})


async def test_without_a_default_there_is_none(hill: Site) -> None:
    """The status is no field, and nothing else is needed."""
    connector = hill.connect(options={})
    await connector.open()
    assert connector.defaults("task", NOW) == connector.defaults("case", NOW) == {}


@pytest.mark.parametrize(
    "changes",
    [{"assignees": people(NOBODY)}, {"links": (f"hill:contact:{NOBODY}",)}, {"links": (f"hill:case:{PRICE}",)}],
)
async def test_what_the_config_calls_by_a_wrong_id(hills: Connector, crm: Plannr, changes: dict[str, Value]) -> None:
    """Plannr refuses it, in its own words, and nothing changes."""
    made = crm.add(title="x")
    before = crm.task(made)
    with pytest.raises(Refused, match="invalid"):
        await hills.update("task", await read(hills, made), changes)
    assert crm.task(made) == before
