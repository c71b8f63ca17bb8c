"""The v1 connector against a scripted server: the four creates, partial updates, completing, deleting."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from xml.etree.ElementTree import canonicalize

import pytest

from tasksync.connectors.capsule import v1_mapping
from tasksync.connectors.capsule.references import Link
from tasksync.connectors.capsule.v1_client import V1Client
from tasksync.core.record import Observation
from tasksync.errors import AnswerLost, NeedsLogin, Refused, Throttled, Vanished
from tasksync.ports import Connector

HTML = "<html><head><title>Something went&nbsp;wrong</title></head><body>...</body></html>"
PARTY_TASK = b"""<?xml version="1.0"?>
<task>
<description>Call customer</description>
<dueDateTime>2010-04-21T15:00:00Z</dueDateTime>
</task>"""
TIME_SHEETS = PARTY_TASK.replace(b"Call customer", b"Update time sheets")
AFTERNOON = datetime(2010, 4, 21, 15, tzinfo=UTC)


def late(number: int, inside: str = "", status: str = "OPEN") -> str:
    return f"<task><id>{number}</id><description>t{number}</description><status>{status}</status>{inside}</task>"


def early(number: int) -> str:
    return f"<task><id>{number}</id><description>t{number}</description><dueDate>2012-01-02T00:00:00Z</dueDate></task>"


def same_xml(left: bytes, right: bytes) -> bool:
    return canonicalize(left.decode(), strip_text=True) == canonicalize(right.decode(), strip_text=True)


@pytest.mark.parametrize(
    ("link", "path", "document"),
    [
        (("party", 1), "/api/party/1/task", PARTY_TASK),
        (("opportunity", 2), "/api/opportunity/2/task", PARTY_TASK),
        (("kase", 3), "/api/kase/3/task", TIME_SHEETS),
        (None, "/api/task", TIME_SHEETS),
    ],
)
async def test_the_four_creates_of_the_seed(crm: Any, link: Link | None, path: str, document: bytes) -> None:
    """Each goes to its own path with the seed's body, and the id is the last part of Location."""
    crm.expect("POST", path, status=201, headers={"location": "https://sample.capsulecrm.com/api/task/59"})
    title = "Call customer" if document is PARTY_TASK else "Update time sheets"
    made = await V1Client(crm).create(v1_mapping.write_task({"title": title, "due": AFTERNOON}), link)
    assert made == "59"
    assert same_xml(crm.sent[0].content, document)
    assert crm.sent[0].headers["Content-Type"] == "application/xml"


async def test_create_returns_what_the_server_made_of_it(crm: Any, v1: Connector) -> None:
    """POST, then a read: the observation is the server's, not ours."""
    crm.expect("POST", "/api/task", status=201, headers={"location": "https://acme.capsulecrm.com/api/task/59"})
    crm.expect("GET", "/api/task/59", late(59, "<detail>a&#xD;\nb</detail>"))
    made = await v1.create("task", {"title": "T59", "body": "a\nb", "due": date(2017, 3, 20), "category": "Send"})
    assert (made.external_id, made.values["title"], made.values["body"]) == ("59", "t59", "a\nb")
    assert same_xml(
        crm.sent[0].content,
        b"<task><description>T59</description><detail>a\nb</detail><category>Send</category>"
        b"<dueDate>2017-03-20T00:00:00Z</dueDate></task>",
    )


async def test_create_gives_owner_and_link(crm: Any, v1: Connector) -> None:
    """The owner by user name, the link in the path; both are read back."""
    crm.expect("POST", "/api/kase/17/task", status=201, headers={"location": "/api/task/59"})
    crm.expect("GET", "/api/task/59", late(59, "<owner>m.keller</owner><caseId>17</caseId>"))
    references = {"assignees": ("capsule:person:m.keller",), "links": ("capsule:case:17",)}
    made = await v1.create("task", {"title": "t59", **references})
    assert {name: made.values[name] for name in references} == references
    assert same_xml(crm.sent[0].content, b"<task><description>t59</description><owner>m.keller</owner></task>")


async def test_an_id_that_capsule_cannot_have_is_refused_before_it_is_sent(crm: Any, v1: Connector) -> None:
    """What the config calls so is told to whoever wrote it."""
    with pytest.raises(Refused, match="no contact 'Jo'"):
        await v1.create("task", {"title": "x", "links": ("capsule:contact:Jo",)})
    assert crm.requests == 0


async def test_a_new_owner_is_written_and_a_link_is_not(crm: Any, v1: Connector) -> None:
    """A task stays where it was made; who has it can change."""
    before = Observation(external_id="1", values={})
    crm.expect("PUT", "/api/task/1")
    crm.expect("GET", "/api/task/1", late(1, "<owner>m.keller</owner>"))
    changes = {"assignees": ("capsule:person:m.keller",), "links": ("capsule:case:17",)}
    after = await v1.update("task", before, changes)
    assert same_xml(crm.sent[0].content, b"<task><owner>m.keller</owner></task>")
    assert after.values["assignees"] == ("capsule:person:m.keller",)


async def test_create_on_a_2012_server_sends_no_detail_and_knows_that_a_new_task_is_open(
    crm: Any, v1: Connector
) -> None:
    """What that server has no element for is not sent, and what it does not tell follows from the creation."""
    crm.expect("GET", "/api/task/1", early(1))
    crm.expect("POST", "/api/task", status=201, headers={"location": "/api/task/59/?x=1"})
    crm.expect("GET", "/api/task/59", early(59))
    await v1.read("task", "1")
    made = await v1.create("task", {"title": "t59", "body": "b", "due": date(2012, 1, 2)})
    assert made.values["done"] is False
    assert b"detail" not in crm.sent[1].content


@pytest.mark.parametrize("location", ["", "https://acme.capsulecrm.com/api/task/", "/api/task/new", "http://[x/1"])
async def test_a_create_without_a_usable_location_may_have_been_carried_out(
    crm: Any, v1: Connector, location: str
) -> None:
    """A 201 that does not name the task is a lost answer: the task has to be searched for, not sent again."""
    crm.expect("POST", "/api/task", status=201, headers={"location": location})
    with pytest.raises(AnswerLost, match="no Location"):
        await v1.create("task", {"title": "x"})


@pytest.mark.parametrize(
    "answer",
    [
        {"fails": Throttled("wait")},
        {"status": 401},
        {"status": 404},
        {"status": 500},
        {"body": HTML},
        {"body": "<task/>"},
    ],
)
async def test_a_create_that_cannot_be_read_back_is_a_lost_answer(
    crm: Any, v1: Connector, answer: dict[str, Any]
) -> None:
    """I3: the task exists, so no error may say that nothing was carried out."""
    crm.expect("POST", "/api/task", status=201, headers={"location": "/api/task/59"})
    crm.expect("GET", "/api/task/59", **answer)
    with pytest.raises(AnswerLost, match="Task 59 was created"):
        await v1.create("task", {"title": "x"})


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, "dueDate or dueDateTime is required", Refused, "dueDate or dueDateTime is required"),
        (400, HTML, Refused, "Something went wrong"),
        (500, HTML, AnswerLost, "Something went wrong"),
        (500, "", AnswerLost, "HTTP 500"),
    ],
)
async def test_a_refused_create(
    crm: Any, v1: Connector, status: int, body: str, error: type[Exception], words: str
) -> None:
    """A refusal is told in the CRM's words, from HTML pages too; a 500 may have been carried out."""
    crm.expect("POST", "/api/task", body, status=status)
    with pytest.raises(error, match=words):
        await v1.create("task", {"title": "x"})


async def test_update_sends_the_changed_elements_only(crm: Any, v1: Connector) -> None:
    """Example 4 of the page, a PUT with an empty answer, and a read."""
    before = Observation(external_id="4712", values={"title": "t4712", "done": False})
    crm.expect("PUT", "/api/task/4712")
    crm.expect("GET", "/api/task/4712", late(4712, "<dueDate>2017-03-16T00:00:00Z</dueDate>"))
    after = await v1.update("task", before, {"body": "", "due": date(2017, 3, 16)})
    assert after.values["due"] == date(2017, 3, 16)
    assert same_xml(crm.sent[0].content, b"<task><detail></detail><dueDate>2017-03-16T00:00:00Z</dueDate></task>")


async def test_an_update_of_nothing_that_v1_can_store_writes_nothing(crm: Any, v1: Connector) -> None:
    """An empty PUT would move the task's stamp."""
    crm.expect("GET", "/api/task/1", late(1))
    after = await v1.update("task", Observation(external_id="1", values={}), {"done": True})
    assert after.values["done"] is False


@pytest.mark.parametrize("method", ["update", "complete", "reopen"])
async def test_writing_to_a_task_that_is_gone(crm: Any, v1: Connector, method: str) -> None:
    """A 404 to a write says that there is nothing to write to any more."""
    before = Observation(external_id="1", values={})
    if method == "update":
        crm.expect("PUT", "/api/task/1", status=404)
        with pytest.raises(Vanished):
            await v1.update("task", before, {"title": "x"})
    else:
        crm.expect("POST", f"/api/task/1/{method}", status=404)
        with pytest.raises(Vanished):
            await (v1.complete if method == "complete" else v1.reopen)("task", before)


async def test_a_task_deleted_between_write_and_read(crm: Any, v1: Connector) -> None:
    """The read after the write finds nothing: vanished."""
    crm.expect("PUT", "/api/task/1")
    crm.expect("GET", "/api/task/1", status=404)
    with pytest.raises(Vanished):
        await v1.update("task", Observation(external_id="1", values={}), {"title": "x"})


async def test_complete_and_reopen_have_paths_of_their_own(crm: Any, v1: Connector) -> None:
    """POST without a body, then a read."""
    crm.expect("POST", "/api/task/1/complete")
    crm.expect("GET", "/api/task/1", late(1, status="COMPLETED"))
    crm.expect("POST", "/api/task/1/reopen")
    crm.expect("GET", "/api/task/1", late(1))
    done = await v1.complete("task", Observation(external_id="1", values={"done": False}))
    assert done.values["done"] is True
    assert (await v1.reopen("task", done)).values["done"] is False
    assert crm.sent[0].content is None


async def test_a_2012_server_that_said_yes_has_completed_the_task(crm: Any, v1: Connector) -> None:
    """The read does not tell; the answer to the request did."""
    crm.expect("POST", "/api/task/1/complete")
    crm.expect("GET", "/api/task/1", early(1))
    crm.expect("POST", "/api/task/1/reopen")
    crm.expect("GET", "/api/task/1", early(1))
    before = Observation(external_id="1", values={})
    assert (await v1.complete("task", before)).values["done"] is True
    assert (await v1.reopen("task", before)).values["done"] is False


async def test_a_server_that_tells_the_state_has_the_last_word(crm: Any, v1: Connector) -> None:
    """Reopened by somebody between the completion and the read: the task is open."""
    crm.expect("POST", "/api/task/1/complete")
    crm.expect("GET", "/api/task/1", late(1))
    after = await v1.complete("task", Observation(external_id="1", values={"done": False}))
    assert after.values["done"] is False


async def test_what_is_in_that_state_already_needs_no_request(crm: Any, v1: Connector) -> None:
    """Completing a completed task is a success."""
    done = Observation(external_id="1", values={"done": True})
    assert await v1.complete("task", done) is done
    assert crm.requests == 0


async def test_somebody_was_faster(crm: Any, v1: Connector) -> None:
    """A refused completion of a task that is completed by now is a success."""
    crm.expect("POST", "/api/task/1/complete", status=400)
    crm.expect("GET", "/api/task/1", late(1, status="COMPLETED"))
    after = await v1.complete("task", Observation(external_id="1", values={"done": False}))
    assert after.values["done"] is True


async def test_a_refused_completion_of_an_open_task_is_refused(crm: Any, v1: Connector) -> None:
    """It is still open: the CRM's words go on."""
    crm.expect("POST", "/api/task/1/complete", "not today", status=400)
    crm.expect("GET", "/api/task/1", late(1))
    with pytest.raises(Refused, match="not today"):
        await v1.complete("task", Observation(external_id="1", values={"done": False}))


@pytest.mark.parametrize("status", [200, 204, 404, 410])
async def test_delete_is_done_when_the_task_is_gone(crm: Any, v1: Connector, status: int) -> None:
    """A task that was not there is a success."""
    crm.expect("DELETE", "/api/task/1", status=status)
    await v1.delete("task", "1")


async def test_a_refused_delete_is_an_error(crm: Any, v1: Connector) -> None:
    """Without the right to delete, the connection says so."""
    crm.expect("DELETE", "/api/task/1", HTML, status=403)
    with pytest.raises(NeedsLogin):
        await v1.delete("task", "1")


async def test_ids_do_not_reach_other_paths(crm: Any, v1: Connector) -> None:
    """Whatever stands in the mirror as an id stays one path segment."""
    crm.expect("DELETE", "/api/task/..%2Fparty%2F1")
    await v1.delete("task", "../party/1")
