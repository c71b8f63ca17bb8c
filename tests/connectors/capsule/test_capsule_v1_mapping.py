"""v1 tasks as elements: the documents of seed 002 as they stand there, and those of protocols/capsule.md, section 7."""

from __future__ import annotations

from datetime import UTC, date, datetime
from xml.etree.ElementTree import Element

import pytest

from tasksync.connectors.capsule import v1_mapping, v1_xml
from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.connectors.capsule.v1_mapping import Generation
from tasksync.core.record import TASK, Value
from tasksync.core.reference import only_own

EARLY, LATE, UNKNOWN = Generation.EARLY, Generation.LATE, Generation.UNKNOWN

SEED_TASK = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<task>
<id>729</id>
<description>meet with customer</description> <!-- required -->
<category>Meeting</category> <!-- Optional -->
<dueDate>2010-02-24T00:00:00Z</dueDate>
<!-- Required when no time set on task -->
<dueDateTime>2010-02-24T15:00:00Z</dueDateTime>
<!-- Required when time is set on task -->
<owner>phillip</owner>
<!-- optional, defaults to authenticated user -->
<partyId>1</partyId> <!-- read-only -->
<partyName>Eric Jones</partyName> <!-- read-only -->
<opportunityId>2</opportunityId> <!-- read-only -->
<opportunityName>CRM System</opportunityName> <!-- read-only -->
<caseId>3</caseId> <!-- read-only -->
<caseName>Invoicing</caseName> <!-- read-only -->
</task>
"""
SEED_CREATE_FOR_PARTY = b"""<?xml version="1.0"?>
<task>
<description>Call customer</description>
<dueDateTime>2010-04-21T15:00:00Z</dueDateTime>
</task>
"""
SEED_CREATE_UNRELATED = b"""<?xml version="1.0"?>
<task>
<description>Update time sheets</description>
<dueDateTime>2010-04-21T15:00:00Z</dueDateTime>
</task>
"""
SEED_UPDATE = b"""<?xml version="1.0"?>
<task>
<description>Update time sheets</description>
<dueDate>2010-04-21T00:00:00Z</dueDate>
</task>
"""
PAGE_LIST = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><tasks size="2"><task><id>4711</id><description>Send '
    b"revised quote</description><category>Send</category><dueDate>2017-03-20T00:00:00Z</dueDate><owner>m.keller"
    b"</owner><opportunityId>88</opportunityId><opportunityName>Warehouse refit</opportunityName><status>OPEN</status>"
    b"<createdOn>2017-03-14T09:12:44Z</createdOn><updatedOn>2017-03-14T09:12:44Z</updatedOn></task><task><id>4712</id>"
    b"<description>Ring about delivery</description><detail>Ask for Jo&#xD;\nExtension 12</detail><category>Call"
    b"</category><dueDateTime>2017-03-15T13:30:00Z</dueDateTime><owner>a.singh</owner><partyId>302</partyId>"
    b"<partyName>Jo Marsh</partyName><status>OPEN</status><createdOn>2017-03-10T16:00:01Z</createdOn>"
    b"<updatedOn>2017-03-14T08:01:10Z</updatedOn></task></tasks>"
)
PAGE_COMPLETED = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><task><id>4690</id><description>Book meeting room'
    b"</description><dueDate>2017-03-01T00:00:00Z</dueDate><owner>a.singh</owner><caseId>17</caseId><caseName>Spring "
    b"launch</caseName><status>COMPLETED</status><completedOn>2017-02-28T11:20:09Z</completedOn>"
    b"<createdOn>2017-02-20T10:00:00Z</createdOn><updatedOn>2017-02-28T11:20:09Z</updatedOn></task>"
)
PAGE_CREATE = (
    b'<?xml version="1.0" encoding="UTF-8"?><task><description>Post the sample box</description><category>Send'
    b"</category><dueDateTime>2017-03-22T09:00:00Z</dueDateTime></task>"
)
PAGE_UPDATE = b"<task><detail></detail><dueDate>2017-03-16T00:00:00Z</dueDate></task>"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]  # year to second, spread


def fields(document: bytes | Element) -> dict[str, str]:
    """What a request sets: the text of each child, comments and layout aside."""
    root = document if isinstance(document, Element) else v1_xml.parse(document)
    assert root.tag == "task"
    return {child.tag: child.text or "" for child in root}


def task(inside: str, *, number: str = "<id>5</id>") -> Element:
    return v1_xml.parse(f"<task>{number}{inside}</task>".encode())


def test_the_seeds_task_is_read_with_its_time_of_day_and_without_what_a_2012_server_does_not_tell() -> None:
    """Of two due elements the timed one counts, of three links the case; neither state, body nor stamps are made up."""
    found = v1_mapping.read_task(v1_xml.parse(SEED_TASK), EARLY, "crm")
    assert found.external_id == "729"
    assert dict(found.values) == {
        "title": "meet with customer",
        "category": "Meeting",
        "due": at(2010, 2, 24, 15),
        "assignees": ("crm:person:phillip",),
        "links": ("crm:case:3",),
    }
    assert (found.modified, found.created, found.completed) == (None, None, None)


def test_a_2012_task_in_the_open_list_is_open() -> None:
    """The list tells the state that the task itself does not."""
    found = v1_mapping.read_task(v1_xml.parse(SEED_TASK), EARLY, "crm", listed_open=True)
    assert found.values["done"] is False


@pytest.mark.parametrize(
    ("values", "document"),
    [
        ({"title": "Call customer", "due": at(2010, 4, 21, 15)}, SEED_CREATE_FOR_PARTY),
        ({"title": "Update time sheets", "due": at(2010, 4, 21, 15)}, SEED_CREATE_UNRELATED),
        ({"title": "Update time sheets", "due": date(2010, 4, 21)}, SEED_UPDATE),
        ({"title": "Post the sample box", "category": "Send", "due": at(2017, 3, 22, 9)}, PAGE_CREATE),
        ({"body": "", "due": date(2017, 3, 16)}, PAGE_UPDATE),
        ({"assignees": ("crm:person:a.singh",)}, b"<task><owner>a.singh</owner></task>"),
        ({"assignees": (), "links": ("crm:case:17",)}, b"<task/>"),
    ],
)
def test_requests_say_what_the_documents_say(values: dict[str, Value], document: bytes) -> None:
    """Each request document of the seed and of section 7 is what the mapping writes for its values."""
    assert fields(v1_xml.render(v1_mapping.write_task(values))) == fields(document)


def test_the_open_list_of_the_page() -> None:
    """Both tasks of example 1 arrive with all fields and stamps; CR LF is a line end."""
    first, second = (
        v1_mapping.read_task(row, LATE, "crm", listed_open=True) for row in v1_xml.parse(PAGE_LIST).iter("task")
    )
    assert dict(first.values) == {
        "title": "Send revised quote",
        "body": "",
        "due": date(2017, 3, 20),
        "done": False,
        "category": "Send",
        "assignees": ("crm:person:m.keller",),
        "links": ("crm:opportunity:88",),
    }
    assert first.modified == first.created == at(2017, 3, 14, 9, 12, 44)
    assert dict(second.values) == {
        "title": "Ring about delivery",
        "body": "Ask for Jo\nExtension 12",
        "due": at(2017, 3, 15, 13, 30),
        "done": False,
        "category": "Call",
        "assignees": ("crm:person:a.singh",),
        "links": ("crm:contact:302",),
    }
    assert (second.created, second.modified) == (at(2017, 3, 10, 16, 0, 1), at(2017, 3, 14, 8, 1, 10))


def test_the_completed_task_of_the_page() -> None:
    """Example 2 is done, uncategorised, of a case, and tells when it was completed."""
    found = v1_mapping.read_task(v1_xml.parse(PAGE_COMPLETED), LATE, "crm")
    assert (found.values["done"], found.values["category"], found.values["body"]) == (True, None, "")
    assert found.completed == at(2017, 2, 28, 11, 20, 9)
    assert found.values["links"] == ("crm:case:17",)
    TASK.check(found.values)


@pytest.mark.parametrize(
    ("written", "due"),
    [
        ("<dueDate>2017-03-26T00:00:00Z</dueDate>", date(2017, 3, 26)),
        ("<dueDate>2017-10-29T23:59:59Z</dueDate>", date(2017, 10, 29)),
        ("<dueDate>2017-03-26</dueDate>", date(2017, 3, 26)),
        ("<dueDateTime>2017-03-26T00:00:00Z</dueDateTime>", at(2017, 3, 26)),
        ("<dueDateTime>2017-03-26T01:00:00.75+01:00</dueDateTime>", at(2017, 3, 26)),
        ("<dueDate/><dueDateTime/>", None),
        ("", None),
    ],
)
def test_due_dates_are_dates_and_due_times_are_instants(written: str, due: Value) -> None:
    """`dueDate` is never shifted nor given a time, `dueDateTime` is UTC in whole seconds, midnight included."""
    found = v1_mapping.read_task(task(f"<description>x</description>{written}"), LATE, "crm")
    assert found.values["due"] == due
    assert type(found.values["due"]) is type(due)


@pytest.mark.parametrize(
    ("moment", "element", "written"),
    [
        (date(2017, 10, 29), "dueDate", "2017-10-29T00:00:00Z"),
        (at(2017, 10, 29), "dueDateTime", "2017-10-29T00:00:00Z"),
        (at(2017, 10, 29, 1, 30, 59, 999_999), "dueDateTime", "2017-10-29T01:30:59Z"),
        (at(33, 1, 2, 3, 4, 5), "dueDateTime", "0033-01-02T03:04:05Z"),
    ],
)
def test_exactly_one_due_element_is_written(moment: Value, element: str, written: str) -> None:
    """All-day and timed have an element each, without fractions of a second."""
    assert fields(v1_mapping.write_task({"due": moment})) == {element: written}


def test_only_what_changes_is_written_and_empty_elements_clear() -> None:
    """A partial update holds its fields and no others; the state is no element."""
    changes: dict[str, Value] = {"body": "", "category": None, "done": True, "due": None}
    assert fields(v1_mapping.write_task(changes)) == {"detail": "", "category": ""}


def test_characters_that_xml_cannot_hold_are_replaced_and_the_others_survive() -> None:
    """The rendered document is well-formed whatever the text, and reads back as the text that the lens shows."""
    text = "a\x00b\x1bc\ud800d\ufffee\u2028\U0001f600 <&]]>\t\r\nf\rg"
    sent = v1_xml.render(v1_mapping.write_task({"title": "t", "body": text}))
    assert fields(sent)["detail"] == "a\ufffdb\ufffdc\ufffdd\ufffde\u2028\U0001f600 <&]]>\t\nf\ng"


@pytest.mark.parametrize(
    ("before", "tasks", "after"),
    [
        (UNKNOWN, [], UNKNOWN),
        (UNKNOWN, [""], EARLY),
        (UNKNOWN, ["", "<status>OPEN</status>"], LATE),
        (EARLY, [], EARLY),
        (EARLY, [""], EARLY),
        (EARLY, ["<status>COMPLETED</status>"], LATE),
        (LATE, [], LATE),
        (LATE, [""], LATE),
    ],
)
def test_generations_are_told_by_the_tasks(before: Generation, tasks: list[str], after: Generation) -> None:
    """One status ever seen makes a late server for good, tasks without make an early one, no tasks tell nothing."""
    assert before.after([task(inside) for inside in tasks]) is after


def test_a_late_servers_task_without_status_is_not_taken_for_either() -> None:
    """Outside the open list, a task that shows no status has no state."""
    assert "done" not in v1_mapping.read_task(task("<description>x</description>"), LATE, "crm").values


def test_a_detail_that_is_there_is_read_from_an_early_server_too() -> None:
    """Only the absence of the element tells nothing there."""
    found = v1_mapping.read_task(task("<description>x</description><detail>y</detail>"), EARLY, "crm")
    assert found.values["body"] == "y"


@pytest.mark.parametrize("status", ["PENDING", "", "completed?"])
def test_only_completed_is_done(status: str) -> None:
    """Whatever else the status may say, the task is not done."""
    found = v1_mapping.read_task(task(f"<description>x</description><status>{status}</status>"), LATE, "crm")
    assert found.values["done"] is False


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (task("", number=""), "a task with the id ''"),
        (task("", number="<id>7a</id>"), "a task with the id '7a'"),
        (task("", number="<id>\u0663</id>"), "a task with the id"),
        (v1_xml.parse(b"<person><id>5</id></person>"), "<person> in place of a <task>"),
        (task(""), "task 5: it has no description"),
        (task("<description>x</description><dueDate>soon</dueDate>"), "task 5: 'soon' is no date"),
        (task("<description>x</description><dueDate>2017-02-30T00:00:00Z</dueDate>"), "task 5: '2017-02-30' is no"),
        (task("<description>x</description><dueDateTime>2017-02-03T10:00:00</dueDateTime>"), "task 5: .* offset"),
        (task("<description>x</description><dueDateTime>2017-02-03T25:00:00Z</dueDateTime>"), "task 5: .* is no date"),
        (task("<description>x</description><partyId>Jo</partyId>"), "task 5: its partyId is 'Jo'"),
        (task("<description>x</description><updatedOn>0001-01-01T00:00:00+01:00</updatedOn>"), "task 5: .* is no date"),
    ],
)
def test_what_is_no_task_is_refused_by_name(element: Element, message: str) -> None:
    """An item that cannot be understood is an error that names the task, never a task left out or a KeyError."""
    with pytest.raises(Unreadable, match=message):
        v1_mapping.read_task(element, LATE, "crm")


def test_an_early_server_has_no_lens_for_the_body() -> None:
    """What it cannot store is neither compared nor planned there (I10)."""
    own = only_own("crm")
    fields = {"title", "due", "done", "category", "assignees", "links"}
    assert set(v1_mapping.lenses(["Call"], EARLY, own)) == fields
    assert set(v1_mapping.lenses(["Call"], LATE, own)) == {*fields, "body"}
    assert set(v1_mapping.lenses(["Call"], UNKNOWN, own)) == {*fields, "body"}


def test_reference_lists_are_read() -> None:
    """Categories keep their order, empty ones aside; the user is the one who is logged in."""
    categories = v1_xml.parse(
        b"<taskCategories><taskCategory>B</taskCategory><taskCategory/><taskCategory>A</taskCategory></taskCategories>"
    )
    assert v1_mapping.read_categories(categories) == ("B", "A")
    users = v1_xml.parse(
        b"<users><user><username>x</username></user><user><username>y</username>"
        b"<loggedIn>true</loggedIn></user></users>"
    )
    assert v1_mapping.signed_in(users)["username"] == "y"


@pytest.mark.parametrize(
    "document", [b"<tasks/>", b"<users/>", b"<users><user><loggedIn>true</loggedIn></user></users>"]
)
def test_a_list_of_users_without_the_signed_in_one_is_refused(document: bytes) -> None:
    """Without a user there is no identity to sync under."""
    with pytest.raises(Unreadable):
        v1_mapping.signed_in(v1_xml.parse(document))


def test_a_list_of_something_else_is_no_list_of_categories() -> None:
    """The root element has to be the documented one."""
    with pytest.raises(Unreadable, match="<html> in place of <taskCategories>"):
        v1_mapping.read_categories(v1_xml.parse(b"<html/>"))
