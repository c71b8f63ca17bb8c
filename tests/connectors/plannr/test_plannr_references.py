"""People and links of tasks, and members of cases, in Plannr's payloads and in what is sent to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasksync.connectors.plannr import case_mapping, mapping
from tasksync.core.record import TASK, Value, Values

Task = Callable[..., dict[str, Any]]
ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
STUB = {"uuid": {"example": ANA, "description": "The UUID of the resource."}}


def told(payload: dict[str, Any], name: str) -> Value:
    values = mapping.observation(payload, "hill").values
    TASK.check(values)
    return values.get(name)


# --- reading ---


@pytest.mark.parametrize(
    ("assigned_to", "assignees"),
    [
        ([{"uuid": BEN}, {"uuid": ANA}], (f"hill:person:{ANA}", f"hill:person:{BEN}")),
        ([{"uuid": ANA.upper()}, {"uuid": ANA}], (f"hill:person:{ANA}",)),
        ({"uuid": ANA, "name": "Ana Reid"}, (f"hill:person:{ANA}",)),
        ([], ()),
        (None, ()),
        ([{"uuid": ANA}, STUB], None),
        (STUB, None),
        ("App\\Http\\Resources\\AccountResource", None),
        ([{"uuid": "ana"}], None),
        ([{}], None),
    ],
)
def test_people_come_as_a_list_or_alone(task: Task, assigned_to: Any, assignees: Value) -> None:
    """In any order, in any case; what is not understood, the documentation's stubs, leaves all of them unknown."""
    assert told(task(assigned_to=assigned_to), "assignees") == assignees


@pytest.mark.parametrize(
    ("type_", "reference"), [("client", "contact"), ("employee", "employee"), ("case", "case"), ("plan", "plan")]
)
def test_a_task_hangs_on_one_thing(task: Task, type_: str, reference: str) -> None:
    """A client is what others call a contact; an employee as such is nothing that others know."""
    found = told(task(taskable_type=type_, taskable={"uuid": PRICE}), "links")
    assert found == (f"hill:{reference}:{PRICE}",)


@pytest.mark.parametrize(
    "changes",
    [
        {"taskable": None},
        {"taskable": "App\\Http\\Resources\\CaseResource"},
        {"taskable": {"uuid": None}},
        {"taskable_type": "circle"},
        {"taskable_type": None},
    ],
)
def test_a_link_that_is_gone_says_nothing(task: Task, changes: dict[str, Any]) -> None:
    """Nobody took it away: the task's links stay as they are elsewhere."""
    assert told(task(**changes), "links") is None


# --- writing ---


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        (
            {"assignees": (f"hill:person:{BEN}", f"hill:person:{ANA}")},
            {"assigned_to_uuids": [BEN, ANA]},
        ),
        ({"assignees": ()}, {"assigned_to_uuids": []}),
        ({"links": (f"hill:contact:{PRICE}",)}, {"taskable_type": "client", "taskable_uuid": PRICE}),
        ({"links": (f"hill:employee:{ANA}",)}, {"taskable_type": "employee", "taskable_uuid": ANA}),
        ({"links": ()}, {}),
        ({"title": "x"}, {"name": "x"}),
    ],
)
def test_what_is_sent_of_people_and_links(changes: Values, body: dict[str, Any]) -> None:
    """A list takes the place of the one before; a link is two keys at once, and is never taken away."""
    assert mapping.changes_body(changes) == body


# --- members of cases ---


def client(uuid: str) -> dict[str, Any]:
    return {"uuid": uuid, "type": "client", "role": "individual"}


@pytest.mark.parametrize(
    ("participants", "members"),
    [
        ([client(PRICE)], (f"hill:contact:{PRICE}",)),
        ([client(PRICE), client(BEN)], (f"hill:contact:{PRICE}", f"hill:contact:{BEN}")),
        (
            [{"uuid": ANA, "type": "employee"}, client(PRICE), {"uuid": BEN, "type": "external"}],
            (f"hill:contact:{PRICE}",),
        ),
        ([{"uuid": ANA, "type": "employee"}], None),
        ([], None),
        (None, None),
        ("App\\Http\\Resources\\AccountResource", None),
        ([client(PRICE), {"uuid": ANA}], None),
        ([client(PRICE), "x"], None),
        ([client(PRICE), client("x")], None),
    ],
)
def test_the_clients_in_a_case_are_its_members(participants: Any, members: Value) -> None:
    """Who else takes part is nothing that others know. There is always one: without any, the case does not say."""
    case = {"uuid": "u", "name": "n", "participants": participants}
    assert case_mapping.observation(case, "hill").values.get("members") == members
