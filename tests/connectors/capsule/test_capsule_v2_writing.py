"""The v2 connector against a scripted server: partial updates with null, the owner's clock, completing, deleting."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasksync.core.record import Observation, Value
from tasksync.errors import AnswerLost, NeedsLogin, Refused, ServerFault, Vanished
from tasksync.ports import Connector


def task(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "category": None,
        "description": f"t{number}",
        "detail": None,
        "dueTime": None,
        "status": "OPEN",
        "owner": {"id": 77, "username": "a.singh"},
        "createdAt": "2025-05-30T15:02:11Z",
        "updatedAt": "2025-06-02T08:14:37Z",
        "dueOn": "2025-06-03",
        "completedAt": None,
        **changes,
    }


def seen(number: int, **changes: Any) -> Observation:
    """A fresh read of such a task, as far as writing looks at it."""
    values = {"done": changes.get("status") == "COMPLETED"}
    return Observation(external_id=str(number), values=values, payload=task(number, **changes))


async def test_create_sends_what_there_is(crm: Any, v2: Connector) -> None:
    """The category by id, the time by the clock of the token's user, nothing that is empty."""
    made = task(9, dueTime="10:30:00", category={"id": 31, "name": "Call"})
    crm.expect("POST", "/api/v2/tasks", {"task": made}, status=201)
    due = datetime(2025, 6, 3, 9, 30, tzinfo=UTC)
    found = await v2.create("task", {"title": "t9", "body": "", "due": due, "category": "Call", "done": True})
    told: dict[str, Value] = {"title": "t9", "body": "", "due": due, "category": "Call", "done": False}
    assert dict(found.values) == {**told, "assignees": ("capsule:person:77",)}
    assert crm.sent[0].json == {
        "task": {"description": "t9", "category": {"id": 31}, "dueOn": "2025-06-03", "dueTime": "10:30:00"}
    }


async def test_create_gives_owner_and_link(crm: Any, v2: Connector) -> None:
    """Both by id, the link alone; the time by the owner's clock."""
    made = task(9, dueTime="05:30:00", owner={"id": 78}, kase={"id": 640, "name": "Warehouse refit"})
    crm.expect("POST", "/api/v2/tasks", {"task": made}, status=201)
    values: dict[str, Value] = {
        "title": "t9",
        "due": datetime(2025, 6, 3, 9, 30, tzinfo=UTC),
        "assignees": ("capsule:person:78",),
        "links": ("capsule:case:640",),
    }
    found = await v2.create("task", values)
    assert {name: found.values[name] for name in values} == values
    assert crm.sent[0].json["task"] == {
        "description": "t9",
        "owner": {"id": 78},
        "kase": {"id": 640},
        "dueOn": "2025-06-03",
        "dueTime": "05:30:00",
    }


@pytest.mark.parametrize("method", ["create", "update"])
async def test_an_id_that_capsule_cannot_have_is_refused_before_it_is_sent(
    crm: Any, v2: Connector, method: str
) -> None:
    """What the config calls so is told to whoever wrote it."""
    values: dict[str, Value] = {"title": "x", "links": ("capsule:case:refit",)}
    with pytest.raises(Refused, match="no case 'refit'"):
        await (v2.create("task", values) if method == "create" else v2.update("task", seen(1), values))
    assert crm.requests == 0


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            422,
            {
                "message": "Validation Failed",
                "errors": [
                    {"message": "dueOn is required", "resource": "task", "field": "dueOn"},
                    {"message": "task can be related to at most one entity", "resource": "task"},
                    {"message": "bare"},
                    {"field": "x"},
                    "?",
                ],
            },
            Refused,
            "422: Validation Failed; dueOn: dueOn is required; task: task can be related to at most one entity; bare$",
        ),
        (422, {"errors": "all"}, Refused, "HTTP 422"),
        (403, {"message": "Requires additional scope"}, NeedsLogin, "Requires additional scope"),
        (500, "", AnswerLost, "HTTP 500"),
        (201, "", AnswerLost, "no JSON"),
        (201, {"tasks": []}, AnswerLost, "no task"),
        (201, {"task": {"id": 9}}, AnswerLost, "task 9: it has no description"),
    ],
)
async def test_a_create_that_failed(
    crm: Any, v2: Connector, status: int, body: Any, error: type[Exception], words: str
) -> None:
    """A refusal is told with message and fields; an answer that is not understood may have been carried out."""
    crm.expect("POST", "/api/v2/tasks", body, status=status)
    with pytest.raises(error, match=words):
        await v2.create("task", {"title": "x"})


async def test_a_category_that_is_gone_is_refused_before_it_is_sent(crm: Any, v2: Connector) -> None:
    """There is no id to send."""
    with pytest.raises(Refused, match="no task category 'Lunch'"):
        await v2.create("task", {"title": "x", "category": "Lunch"})
    assert crm.requests == 0


async def test_update_is_partial_and_clears_with_null(crm: Any, v2: Connector) -> None:
    """A task made all-day loses its time, one without detail gets null."""
    crm.expect("PUT", "/api/v2/tasks/1", {"task": task(1)})
    after = await v2.update("task", seen(1), {"body": "", "category": None, "due": date(2025, 6, 3)})
    assert after.values["due"] == date(2025, 6, 3)
    assert after.modified == datetime(2025, 6, 2, 8, 14, 37, tzinfo=UTC)
    assert crm.sent[0].json == {"task": {"detail": None, "category": None, "dueOn": "2025-06-03", "dueTime": None}}


async def test_a_due_time_is_written_by_the_clock_of_the_owner(crm: Any, v2: Connector) -> None:
    """And read back by it: the instant is the same."""
    changed = task(1, owner={"id": 78}, dueOn="2025-06-02", dueTime="20:15:00")
    crm.expect("PUT", "/api/v2/tasks/1", {"task": changed})
    due = datetime(2025, 6, 3, 0, 15, tzinfo=UTC)
    after = await v2.update("task", seen(1, owner={"id": 78}), {"due": due})
    assert crm.sent[0].json == {"task": {"dueOn": "2025-06-02", "dueTime": "20:15:00"}}
    assert after.values["due"] == due


async def test_a_task_that_is_handed_on_keeps_its_moment(crm: Any, v2: Connector) -> None:
    """The owner changes and the instant does not, so the answer shows nothing that could pass for a person's edit."""
    changed = task(1, owner={"id": 78}, dueOn="2025-06-03", dueTime="05:00:00")
    crm.expect("GET", "/api/v2/tasks/1", {"task": task(1, dueTime="10:00:00")})
    crm.expect("PUT", "/api/v2/tasks/1", {"task": changed})
    before = await v2.read("task", "1")
    assert before is not None
    after = await v2.update("task", before, {"assignees": ("capsule:person:78",)})
    assert crm.sent[1].json == {"task": {"owner": {"id": 78}, "dueOn": "2025-06-03", "dueTime": "05:00:00"}}
    assert dict(after.values) == {**before.values, "assignees": ("capsule:person:78",)}


async def test_a_link_is_moved_in_one_request(crm: Any, v2: Connector) -> None:
    """Nothing is left of the old one."""
    crm.expect("PUT", "/api/v2/tasks/1", {"task": task(1, party=None, opportunity={"id": 12}, kase=None)})
    after = await v2.update("task", seen(1, party={"id": 5520}), {"links": ("capsule:opportunity:12",)})
    assert crm.sent[0].json == {"task": {"party": None, "opportunity": {"id": 12}, "kase": None}}
    assert after.values["links"] == ("capsule:opportunity:12",)


async def test_an_update_of_nothing_that_v2_can_store_writes_nothing(crm: Any, v2: Connector) -> None:
    """Even an empty PUT might move the task's stamp."""
    crm.expect("GET", "/api/v2/tasks/1", {"task": task(1)})
    assert (await v2.update("task", seen(1), {"done": True})).values["done"] is False


@pytest.mark.parametrize("status", [404, 410])
async def test_writing_to_a_task_that_is_gone(crm: Any, v2: Connector, status: int) -> None:
    """There is nothing to write to any more."""
    crm.expect("PUT", "/api/v2/tasks/1", {"message": "task not found"}, status=status)
    with pytest.raises(Vanished, match="task not found"):
        await v2.update("task", seen(1), {"title": "x"})


@pytest.mark.parametrize("answer", [{"task": task(2)}, {"task": {"id": 1}}, {}, "<html>"])
async def test_an_update_answered_with_something_else(crm: Any, v2: Connector, answer: Any) -> None:
    """It is tried again; a PUT is safe to repeat."""
    crm.expect("PUT", "/api/v2/tasks/1", answer)
    with pytest.raises(ServerFault):
        await v2.update("task", seen(1), {"title": "x"})


async def test_complete_and_reopen_are_a_status(crm: Any, v2: Connector) -> None:
    """There are no paths of their own in v2."""
    crm.expect("PUT", "/api/v2/tasks/1", {"task": task(1, status="COMPLETED", completedAt="2025-06-03T13:05:00Z")})
    crm.expect("PUT", "/api/v2/tasks/1", {"task": task(1)})
    done = await v2.complete("task", seen(1))
    assert done.values["done"] is True
    assert done.completed == datetime(2025, 6, 3, 13, 5, tzinfo=UTC)
    assert (await v2.reopen("task", done)).values["done"] is False
    assert [request.json for request in crm.sent] == [{"task": {"status": "COMPLETED"}}, {"task": {"status": "OPEN"}}]


async def test_a_pending_task_is_completed_but_never_reopened(crm: Any, v2: Connector) -> None:
    """It counts as not done, and its status is the CRM's business until somebody finishes it."""
    pending = seen(1, status="PENDING")
    assert await v2.reopen("task", pending) is pending
    assert crm.requests == 0
    crm.expect("PUT", "/api/v2/tasks/1", {"task": task(1, status="COMPLETED")})
    assert (await v2.complete("task", pending)).values["done"] is True


async def test_somebody_was_faster(crm: Any, v2: Connector) -> None:
    """A completion refused because the task is completed by now is a success."""
    crm.expect("PUT", "/api/v2/tasks/1", {"message": "already completed"}, status=422)
    crm.expect("GET", "/api/v2/tasks/1", {"task": task(1, status="COMPLETED")})
    assert (await v2.complete("task", seen(1))).values["done"] is True


@pytest.mark.parametrize("answer", [{"body": {"task": task(1)}}, {"status": 404}])
async def test_a_refused_completion_is_refused(crm: Any, v2: Connector, answer: dict[str, Any]) -> None:
    """The CRM's words go on when the task is not completed."""
    crm.expect("PUT", "/api/v2/tasks/1", {"message": "no"}, status=422)
    crm.expect("GET", "/api/v2/tasks/1", **answer)
    with pytest.raises(Refused, match="422: no"):
        await v2.complete("task", seen(1))


@pytest.mark.parametrize("status", [204, 404, 410])
async def test_delete_is_done_when_the_task_is_gone(crm: Any, v2: Connector, status: int) -> None:
    """A task that was not there is a success."""
    crm.expect("DELETE", "/api/v2/tasks/1", status=status)
    await v2.delete("task", "1")
