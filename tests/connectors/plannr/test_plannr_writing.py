"""Creating, changing and deleting Plannr's tasks, against a scripted server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tasksync.core.record import Observation, Values
from tasksync.errors import (
    AnswerLost,
    DefaultNeeded,
    NeedsLogin,
    Refused,
    RetryLater,
    ServerFault,
    Vanished,
)
from tasksync.ports import Connector

# The fixtures of conftest.py, which no test can import: the scripted server, payload makers, the connector's builder.
Script = Any
Make = Callable[..., dict[str, Any]]
Connect = Callable[..., Connector]

TASK = "d3b0a1c2-1111-4a2b-9c3d-4e5f6a7b8c01"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
TASKS = "/api/v1/task"
ONE = f"{TASKS}/{TASK}"
TO_DO, DOING, DONE = (f"50000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
LATER = "50000000-0000-4000-8000-000000000009"
LINK = (f"advisers:contact:{PRICE}",)
PLAIN: Values = {"title": "x", "links": LINK}
OPEN = Observation(external_id=TASK, values={"title": "x", "done": False})
FINISHED = Observation(external_id=TASK, values={"title": "x", "done": True})


def sent(script: Script) -> list[tuple[str, str, Any]]:
    return [(request.method, request.path, request.json) for request in script.sent]


async def test_creating_adds_link_and_status(connector: Connector, script: Script, task: Make) -> None:
    """E6: the defaults go into the request, and what the server made of it is returned."""
    script.on("POST", TASKS, 201, task(due_at="2026-06-12 00:00:00", priority="medium"))
    values: Values = {
        "title": "Send fact find",
        "body": "",
        "due": date(2026, 6, 12),
        "done": False,
        "priority": "medium",
        "assignees": (),
        "links": LINK,
    }
    created = await connector.create("task", values)
    assert sent(script) == [
        (
            "POST",
            TASKS,
            {
                "name": "Send fact find",
                "priority": "medium",
                "due_at": "2026-06-12",
                "taskable_type": "client",
                "taskable_uuid": PRICE,
                "task_status_uuid": TO_DO,
            },
        )
    ]
    assert created.values["title"] == "Chase ceding provider"


async def test_a_finished_task_is_created_finished(
    connector: Connector, script: Script, task: Make, status_payloads: list[dict[str, Any]]
) -> None:
    """One request, so that nothing can come between."""
    script.on("POST", TASKS, 201, task(status=status_payloads[2]))
    created = await connector.create("task", {**PLAIN, "done": True})
    assert script.sent[0].json["task_status_uuid"] == DONE
    assert created.values["done"] is True


@pytest.mark.parametrize("status", ["Doing", " doing ", "DOING", DOING, DOING.upper()])
async def test_the_default_status_by_name_or_uuid(
    connect: Connect, script: Script, ready: dict[str, Any], task: Make, status: str
) -> None:
    """A name in any case, or a uuid."""
    ready["defaults"]["status"] = status
    connector = connect(**ready)
    await connector.open()
    script.on("POST", TASKS, 201, task())
    await connector.create("task", PLAIN)
    assert script.sent[-1].json["task_status_uuid"] == DOING


@pytest.mark.parametrize(
    ("defaults", "words"),
    [
        ({"status": "To do"}, r"without a link.*Set defaults\.link"),
        ({"link": {"type": "case", "id": PRICE}}, r"without a status.*'To do', 'Doing'"),
        ({"link": {"type": "case", "id": PRICE}, "status": "Later"}, "no task status 'Later'"),
        ({"link": {"type": "case", "id": PRICE}, "status": "Done"}, "counts as completed or archived"),
    ],
)
async def test_missing_defaults_are_named(connect: Connect, script: Script, defaults: Any, words: str) -> None:
    """Nothing is sent, and the message says what to configure."""
    connector = connect(defaults=defaults)
    await connector.open()
    script.sent.clear()
    with pytest.raises(DefaultNeeded, match=words):
        await connector.create("task", {"title": "x", **connector.defaults("task", datetime(2026, 1, 1, tzinfo=UTC))})
    assert not script.sent


async def test_two_statuses_of_one_name(
    connect: Connect, script: Script, ready: dict[str, Any], status_payloads: list[dict[str, Any]]
) -> None:
    """Then only a uuid will do, and the message has them."""
    script.answers["GET", "/api/v1/task-status"] = []
    script.on_pages("/api/v1/task-status", [status_payloads[0], {**status_payloads[1], "name": "TO DO"}])
    connector = connect(**ready)
    await connector.open()
    with pytest.raises(DefaultNeeded, match=f"several.*{TO_DO}, {DOING}"):
        await connector.create("task", PLAIN)


async def test_a_refusal_has_the_words_of_every_field(connector: Connector, script: Script) -> None:
    """E12: message and errors of a 422."""
    errors = {"name": ["The name field is required."], "priority": "The selected priority is invalid."}
    script.on("POST", TASKS, 422, {"message": "The name field is required. (and 1 more error)", "errors": errors})
    with pytest.raises(Refused) as caught:
        await connector.create("task", {"body": "x", "links": LINK})
    assert caught.value.status == 422
    assert str(caught.value).endswith(
        "(and 1 more error); name: The name field is required.; priority: The selected priority is invalid."
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, b""),
        (201, b"<html>"),
        (201, b"[]"),
        (201, {"name": "no uuid"}),
        (201, {"uuid": TASK, "name": "x"}),
        (500, {"message": "Server Error"}),
        (502, b"<html>Bad Gateway</html>"),
    ],
)
async def test_an_answer_to_a_create_that_is_none(connector: Connector, script: Script, status: int, body: Any) -> None:
    """The task may exist all the same, so that it must not be created blindly again."""
    script.on("POST", TASKS, status, body)
    with pytest.raises(AnswerLost):
        await connector.create("task", PLAIN)
    assert len(script.sent) == 1


async def test_an_update_sends_the_changes_alone(connector: Connector, script: Script, task: Make) -> None:
    """E8: everything else stays as it is, and what the server made of it is returned."""
    script.on("PUT", ONE, 200, task(due_at=None))
    updated = await connector.update("task", OPEN, {"due": None})
    assert sent(script) == [("PUT", ONE, {"due_at": None})]
    assert updated.values["due"] is None


async def test_an_update_without_changes_sends_nothing(connector: Connector, script: Script) -> None:
    """An empty PUT would only move updated_at."""
    assert await connector.update("task", OPEN, {}) is OPEN
    assert not script.sent


async def test_completing_has_its_own_route(
    connector: Connector, script: Script, task: Make, status_payloads: list[dict[str, Any]]
) -> None:
    """E9: a PATCH without body."""
    script.on("PATCH", f"{ONE}/complete", 200, task(status=status_payloads[2], completed_at="2026-06-04 08:22:10"))
    completed = await connector.complete("task", OPEN)
    assert sent(script) == [("PATCH", f"{ONE}/complete", None)]
    assert completed.values["done"] is True
    assert completed.completed == datetime(2026, 6, 4, 7, 22, 10, tzinfo=UTC)


async def test_what_is_done_is_not_done_again(connector: Connector, script: Script) -> None:
    """A recurring task might recur once more, and completed_at move."""
    assert await connector.complete("task", FINISHED) is FINISHED
    assert await connector.reopen("task", OPEN) is OPEN
    assert not script.sent


@pytest.mark.parametrize(
    ("wanted", "left", "expected"),
    [
        ("Doing", (0, 1, 2, 3), DOING),  # the default
        (None, (3, 2, 1, 0), TO_DO),  # the not-started one
        (None, (1, 4), LATER),  # wherever it stands
        ("Done", (0, 1, 2, 3), TO_DO),  # a default that will not do
        ("gone", (1, 2, 3), DOING),  # none is not-started: the first without flags
    ],
)
async def test_the_status_a_reopened_task_gets(
    connect: Connect,
    script: Script,
    task: Make,
    status_payloads: list[dict[str, Any]],
    wanted: str | None,
    left: tuple[int, ...],
    expected: str,
) -> None:
    """E10: the default status, else a not-started one, else one without flags."""
    script.answers["GET", "/api/v1/task-status"] = []
    payloads = [*status_payloads, {**status_payloads[0], "uuid": LATER, "position": 9}]
    script.on_pages("/api/v1/task-status", [payloads[index] for index in left])
    connector = connect(defaults={"status": wanted})
    await connector.open()
    script.on("PATCH", f"{ONE}/uncomplete/{expected}", 200, task())
    assert (await connector.reopen("task", FINISHED)).values["done"] is False


async def test_a_firm_without_an_open_status(
    connect: Connect, script: Script, status_payloads: list[dict[str, Any]], ready: dict[str, Any], task: Make
) -> None:
    """Nothing can be reopened or created there, and the message says why."""
    script.answers["GET", "/api/v1/task-status"] = []
    script.on_pages("/api/v1/task-status", status_payloads[2:])
    connector = connect(**ready)
    await connector.open()
    with pytest.raises(DefaultNeeded, match="no open task status"):
        await connector.reopen("task", FINISHED)
    with pytest.raises(DefaultNeeded, match="Create an open task status"):
        await connector.create("task", PLAIN)


async def test_a_firm_without_a_finished_status(
    connect: Connect, script: Script, status_payloads: list[dict[str, Any]], ready: dict[str, Any], task: Make
) -> None:
    """A finished task is created open, which its answer shows."""
    script.answers["GET", "/api/v1/task-status"] = []
    script.on_pages("/api/v1/task-status", status_payloads[:2])
    script.on("POST", TASKS, 201, task())
    connector = connect(**ready)
    await connector.open()
    assert (await connector.create("task", {**PLAIN, "done": True})).values["done"] is False


Write = Callable[[Connector], Any]
WRITES = [
    pytest.param("PUT", ONE, lambda connector: connector.update("task", OPEN, {"title": "y"}), id="update"),
    pytest.param("PATCH", f"{ONE}/complete", lambda connector: connector.complete("task", OPEN), id="complete"),
    pytest.param(
        "PATCH", f"{ONE}/uncomplete/{TO_DO}", lambda connector: connector.reopen("task", FINISHED), id="reopen"
    ),
]


@pytest.mark.parametrize(("method", "path", "write"), WRITES)
async def test_writing_to_a_task_that_is_gone(
    connector: Connector, script: Script, gone: dict[str, Any], method: str, path: str, write: Write
) -> None:
    """404 means that there is nothing to write to any more."""
    script.on(method, path, 404, gone)
    script.on("GET", ONE, 404, gone)
    with pytest.raises(Vanished, match="No query results"):
        await write(connector)


@pytest.mark.parametrize(("method", "path", "write"), WRITES)
@pytest.mark.parametrize(
    ("status", "error"), [(422, Refused), (409, Refused), (401, NeedsLogin), (403, NeedsLogin), (500, RetryLater)]
)
async def test_writes_that_are_refused(
    connector: Connector, script: Script, method: str, path: str, write: Write, status: int, error: type[Exception]
) -> None:
    """E13, E14: each status has its consequence, and the words come along."""
    script.on(method, path, status, {"message": "In Plannr's words."})
    with pytest.raises(error, match="In Plannr's words"):
        await write(connector)


@pytest.mark.parametrize(("method", "path", "write"), WRITES)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", {"uuid": TASK}, {"uuid": "another", "name": "x"}])
async def test_answers_to_writes_that_are_none(
    connector: Connector, script: Script, method: str, path: str, write: Write, body: Any
) -> None:
    """A PUT can be repeated; a PATCH may have been carried out."""
    script.on(method, path, 200, body)
    with pytest.raises(ServerFault if method == "PUT" else AnswerLost):
        await write(connector)


async def test_a_write_answered_with_another_task(connector: Connector, script: Script, task: Make) -> None:
    """Another task's state is never taken for this one's."""
    script.on("PUT", ONE, 200, task(uuid="another"))
    with pytest.raises(ServerFault, match="answered with another"):
        await connector.update("task", OPEN, {"title": "y"})


async def test_a_status_that_is_gone_is_no_task_that_is_gone(connector: Connector, script: Script, task: Make) -> None:
    """A 404 to uncomplete may mean the status; the task is asked for before it counts as vanished."""
    script.on("PATCH", f"{ONE}/uncomplete/{TO_DO}", 404, {"message": "No query results for model [TaskStatus]"})
    script.on("GET", ONE, 200, task())
    with pytest.raises(Refused, match="TaskStatus"):
        await connector.reopen("task", FINISHED)


@pytest.mark.parametrize("status", [200, 204, 404, 410])
async def test_deleting(connector: Connector, script: Script, status: int) -> None:
    """E11: what is not there any more is a success."""
    script.on("DELETE", ONE, status)
    await connector.delete("task", TASK)
    assert sent(script) == [("DELETE", ONE, None)]


async def test_deleting_without_the_right_to(connector: Connector, script: Script) -> None:
    """A refusal is not taken for a deletion."""
    script.on("DELETE", ONE, 403, {"message": "This action is unauthorized."})
    with pytest.raises(NeedsLogin):
        await connector.delete("task", TASK)


async def test_an_id_is_quoted(connector: Connector, script: Script, gone: dict[str, Any]) -> None:
    """An id with a slash leads to no other route."""
    script.on("GET", "/api/v1/task/a%2Fcomplete", 404, gone)
    assert await connector.read("task", "a/complete") is None
