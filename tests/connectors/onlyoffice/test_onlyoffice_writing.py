"""Creating, replacing, closing and deleting, request by request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from tasksync.connectors.onlyoffice import OnlyofficeConnector
from tasksync.core.record import Value
from tasksync.errors import AnswerLost, Refused, ServerFault, TasksyncError, Vanished

Make = Callable[..., Any]
TASK_PATH = "/api/2.0/crm/task"
PAGE = b"<!DOCTYPE html><html>not here</html>"


def calls(http: Any) -> list[tuple[str, str]]:
    return [(sent.method, sent.path) for sent in http.sent]


NEW: dict[str, Value] = {
    "title": "Send offer",
    "due": datetime(2026, 3, 12, 14, tzinfo=UTC),
    "category": "Call",
    "reminder": 60,
}


async def test_a_create_posts_the_task_and_takes_the_answer(
    http: Any, connector: OnlyofficeConnector, task: Make, ids: dict[str, str]
) -> None:
    """8.6: a POST answered with 201; the account itself is responsible, nobody is notified."""
    http.says(task(id=130, title="Send offer", description=None), status=201, count=1)
    made = await connector.create("task", NEW)
    assert made.external_id == "130"
    assert http.sent[0].json == {
        "title": "Send offer",
        "deadline": "2026-03-12T14:00:00Z",
        "categoryId": 30,
        "alertValue": 60,
        "responsibleId": ids["ann"],
        "isNotify": False,
    }


@pytest.mark.parametrize(
    "body", [b'{"status":0,"response":null}', b'{"status":0,"response":{"title":"t"}}', b"", PAGE, b'{"id":1}']
)
async def test_a_create_with_an_unreadable_answer_may_have_worked(
    http: Any, connector: OnlyofficeConnector, body: bytes
) -> None:
    """After a 201 that cannot be understood the task may exist: the answer counts as lost."""
    http.says_raw(body, status=201)
    with pytest.raises(AnswerLost):
        await connector.create("task", NEW)


@pytest.mark.parametrize("status", [400, 404])
async def test_a_refused_create_gives_the_portals_words(http: Any, connector: OnlyofficeConnector, status: int) -> None:
    """8.8: what the portal refuses, it refuses in its own words, which reach the operator."""
    http.says_error(status, "Category is not found")
    with pytest.raises(Refused, match="Category is not found") as caught:
        await connector.create("task", NEW)
    assert caught.value.status == status


async def test_a_title_that_reads_as_a_time_is_sent_as_a_form(
    http: Any, connector: OnlyofficeConnector, task: Make
) -> None:
    """A title that the server's JSON reader would rewrite travels as a form field."""
    http.says(task(title="2026-03-10T06:30:00.500Z"), status=201, count=1)
    await connector.create("task", {**NEW, "title": "2026-03-10T06:30:00.500Z"})
    sent = http.sent[0]
    assert sent.json is None
    assert sent.headers == {"Authorization": "t0ken", "Content-Type": "application/x-www-form-urlencoded"}
    assert parse_qs(sent.content.decode())["title"] == ["2026-03-10T06:30:00.500Z"]


async def test_an_update_replaces_the_task_with_all_it_had(
    http: Any, connector: OnlyofficeConnector, task: Make
) -> None:
    """One PUT to the task's own path, with contact, case and reminder as they were read."""
    http.says(task(), count=1)
    http.says(task(title="New"), count=1)
    before = await connector.read("task", "101")
    assert before is not None
    after = await connector.update("task", before, {"title": "New"})
    assert after.values["title"] == "New"
    assert calls(http)[1:] == [("PUT", f"{TASK_PATH}/101")]
    body = http.sent[1].json
    assert (body["title"], body["contactid"], body["entityid"], body["alertValue"]) == ("New", 17, 8, 1440)


async def test_an_update_that_made_a_new_task_takes_it_back(
    http: Any, connector: OnlyofficeConnector, task: Make
) -> None:
    """2.4: the PUT to a deleted task creates another one; that one is deleted, and the task has vanished."""
    http.says(task(), count=1)
    http.says(task(id=131), count=1)
    http.says(task(id=131), count=1)
    before = await connector.read("task", "101")
    assert before is not None
    with pytest.raises(Vanished, match=r"131.*was removed"):
        await connector.update("task", before, {"title": "New"})
    assert calls(http)[1:] == [("PUT", f"{TASK_PATH}/101"), ("DELETE", f"{TASK_PATH}/131")]


async def test_a_stray_that_stays_is_named(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """If the task that an update made cannot be removed, the message says which one to remove by hand."""
    http.says(task(), count=1)
    http.says(task(id=131), count=1)
    http.says_error(403, "Access Denied")
    before = await connector.read("task", "101")
    assert before is not None
    with pytest.raises(Vanished, match=r"131.*by hand.*Access Denied"):
        await connector.update("task", before, {"title": "New"})


async def test_an_update_of_a_task_with_an_odd_category_sends_nothing(
    http: Any, connector: OnlyofficeConnector, task: Make
) -> None:
    """A category that has no id would be lost by a PUT, so there is none."""
    http.says(task(category={"title": "Call"}), count=1)
    before = await connector.read("task", "101")
    assert before is not None
    with pytest.raises(ServerFault, match="Task 101"):
        await connector.update("task", before, {"title": "New"})
    assert http.requests == 1


@pytest.mark.parametrize(("action", "route"), [("complete", "close"), ("reopen", "reopen")])
async def test_the_state_has_routes_of_its_own(
    http: Any, connector: OnlyofficeConnector, task: Make, action: str, route: str
) -> None:
    """Completing and reopening are PUTs with an empty body."""
    before = await _seen(http, connector, task)
    http.says(task(isClosed=True if action == "complete" else None), count=1)
    after = await getattr(connector, action)("task", before)
    assert after.values["done"] is (action == "complete")
    assert (http.sent[-1].method, http.sent[-1].path) == ("PUT", f"{TASK_PATH}/101/{route}")
    assert (http.sent[-1].json, http.sent[-1].content) == (None, None)


async def _seen(http: Any, connector: OnlyofficeConnector, task: Make) -> Any:
    http.says(task(), count=1)
    return await connector.read("task", "101")


@pytest.mark.parametrize("action", ["complete", "reopen"])
async def test_a_missing_task_is_recognised_behind_a_400(
    http: Any, connector: OnlyofficeConnector, task: Make, action: str
) -> None:
    """2.4: closing a missing task is answered with 400; a read that says 404 makes it `Vanished`."""
    before = await _seen(http, connector, task)
    http.says_error(400, "Value does not fall within the expected range.")
    http.says_error(404, "Not found")
    with pytest.raises(Vanished, match="101"):
        await getattr(connector, action)("task", before)


async def test_a_400_for_a_task_that_is_there_is_a_refusal(
    http: Any, connector: OnlyofficeConnector, task: Make
) -> None:
    """If the task can be read, the 400 meant something else, and the portal's words are passed on."""
    before = await _seen(http, connector, task)
    http.says_error(400, "Value does not fall within the expected range.")
    http.says(task(), count=1)
    with pytest.raises(Refused, match="expected range"):
        await connector.complete("task", before)


@pytest.mark.parametrize("action", ["complete", "reopen"])
async def test_a_forbidden_change_concerns_one_task(
    http: Any, connector: OnlyofficeConnector, task: Make, action: str
) -> None:
    """403 to a change of state is a refusal of this record and no stop of the connection."""
    before = await _seen(http, connector, task)
    http.says_error(403, "Access Denied")
    with pytest.raises(Refused, match="Access Denied"):
        await getattr(connector, action)("task", before)


async def test_deleting_twice_is_fine(http: Any, connector: OnlyofficeConnector, task: Make) -> None:
    """8.9: the answer is the task as it was, the second time 404; both are success."""
    http.says(task(), count=1)
    http.says_error(404, "Not found")
    await connector.delete("task", "101")
    await connector.delete("task", "101")
    assert calls(http) == [("DELETE", f"{TASK_PATH}/101")] * 2


@pytest.mark.parametrize(("status", "error"), [(200, ServerFault), (404, ServerFault), (500, ServerFault)])
async def test_a_page_is_no_proof_of_a_delete(
    http: Any, connector: OnlyofficeConnector, status: int, error: type[TasksyncError]
) -> None:
    """HTML in place of the portal's answer leaves the delete to be tried again."""
    http.says_raw(PAGE, status=status)
    with pytest.raises(error):
        await connector.delete("task", "101")


async def test_an_external_id_cannot_leave_its_path(http: Any, connector: OnlyofficeConnector) -> None:
    """An id that a person mistyped stays one segment of the path."""
    http.says_raw(PAGE, status=404)
    with pytest.raises(ServerFault):
        await connector.read("task", "../task/12?x=1")
    assert http.sent[0].path == f"{TASK_PATH}/..%2Ftask%2F12%3Fx%3D1"


async def test_errors_that_are_not_the_portals_own_are_survived(http: Any, connector: OnlyofficeConnector) -> None:
    """An error body of another shape gives a message with the status and no crash."""
    for body in (b"[]", b'{"error":"x"}', json.dumps({"error": {"message": 5}}).encode()):
        http.says_raw(body, status=400)
        with pytest.raises(Refused, match="400"):
            await connector.create("task", NEW)
