"""Cases in v1, against a scripted server: paths, paging, partial updates, the party in the path, closing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.core.record import Observation, Value
from tasksync.errors import AnswerLost, DefaultNeeded, Misconnected, NeedsLogin, Refused, ServerFault, Vanished
from tasksync.ports import Connector

HTML = "<html><head><title>Something went&nbsp;wrong</title></head><body>...</body></html>"
BEFORE = Observation(external_id="17", values={"title": "c17", "closed": False})


def kase(number: int, inside: str = "", status: str = "<status>OPEN</status>") -> str:
    return f"<kase><id>{number}</id>{status}<name>c{number}</name><partyId>302</partyId>{inside}</kase>"


def kases(*rows: str) -> str:
    return f'<kases size="{len(rows)}">{"".join(rows)}</kases>'


async def poll(connector: Connector) -> list[Observation]:
    return [found.read() async for page in connector.poll("case", datetime(2017, 3, 1, tzinfo=UTC)) for found in page]


def body(request: Any) -> str:
    content: bytes = request.content
    return content.decode().partition("?>\n")[2]


async def test_poll_crawls_all_cases(crm: Any, v1: Connector) -> None:
    """One walk, by start and limit, since no filter by state is documented; whatever the moment."""
    crm.expect("GET", "/api/kase", kases(kase(1), kase(2, status="<status>CLOSED</status>")))
    crm.expect("GET", "/api/kase", kases())
    found = await poll(v1)
    assert [(one.external_id, one.values["closed"]) for one in found] == [("1", False), ("2", True)]
    assert [dict(request.params) for request in crm.sent] == [
        {"start": "0", "limit": "100"},
        {"start": "2", "limit": "100"},
    ]
    assert v1.capabilities.incremental == frozenset()


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ("<tasks/>", ServerFault, "<tasks> in place of <kases>"),
        (kases("<task><id>1</id></task>"), ServerFault, "<task> in place of a <kase>"),
        (kases(kase(7, "<createdOn>?</createdOn>")), ServerFault, "case 7: '[?]' is no date"),
        (HTML, ServerFault, "no XML"),
    ],
)
async def test_a_damaged_page_is_no_snapshot(
    crm: Any, v1: Connector, answer: str, error: type[Exception], words: str
) -> None:
    """A page that is not wholly understood fails the poll; no case is left out of it."""
    crm.expect("GET", "/api/kase", answer)
    with pytest.raises(error, match=words):
        await poll(v1)


async def test_a_refused_list_is_no_empty_one(crm: Any, v1: Connector) -> None:
    """A server without cases is no Capsule."""
    crm.expect("GET", "/api/kase", HTML, status=400)
    with pytest.raises(Misconnected):
        await poll(v1)


async def test_only_404_and_410_mean_that_a_case_is_gone(crm: Any, v1: Connector) -> None:
    """I5: nothing else does."""
    for status in (404, 410):
        crm.expect("GET", "/api/kase/17", HTML, status=status)
        assert await v1.read("case", "17") is None
    crm.expect("GET", "/api/kase/17", HTML, status=403)
    with pytest.raises(NeedsLogin):
        await v1.read("case", "17")
    crm.expect("GET", "/api/kase/17", kase(18))
    with pytest.raises(ServerFault, match="asked for case 17 and answered with case 18"):
        await v1.read("case", "17")


async def test_a_case_is_created_below_its_party(crm: Any, v1: Connector) -> None:
    """POST, then a read where Location leads; what a server does not tell of a new case is that it is open."""
    crm.expect("POST", "/api/party/302/kase", status=201, headers={"location": "https://acme.x/api/kase/17"})
    crm.expect("GET", "/api/kase/17", kase(17, status=""))
    made = await v1.create("case", {"title": "c17", "members": ("capsule:contact:302",), "closed": True})
    assert made.external_id == "17"
    assert dict(made.values) == {"title": "c17", "closed": False, "members": ("capsule:contact:302",)}
    assert (body(crm.sent[0]), crm.sent[0].headers) == (
        "<kase><name>c17</name></kase>",
        {"Content-Type": "application/xml"},
    )


@pytest.mark.parametrize("members", [{}, {"members": ()}])
async def test_a_case_without_a_party_is_not_sent(crm: Any, v1: Connector, members: Any) -> None:
    """There is no path for it; the words say what to do."""
    with pytest.raises(DefaultNeeded, match=r"without a contact.*`links`"):
        await v1.create("case", {"title": "x", **members})
    assert crm.requests == 0


async def test_a_party_that_capsule_cannot_have_is_refused_before_it_is_sent(crm: Any, v1: Connector) -> None:
    """What the config calls so is told to whoever wrote it."""
    values: dict[str, Value] = {"title": "x", "members": ("capsule:contact:../users",)}
    for request in (v1.create("case", values), v1.update("case", BEFORE, values)):
        with pytest.raises(Refused, match=r"no contact '\.\./users'"):
            await request
    assert crm.requests == 0


@pytest.mark.parametrize("answer", [{"status": 404}, {"status": 500}, {"body": HTML}, {"body": "<kase/>"}])
async def test_a_create_that_cannot_be_read_back_is_a_lost_answer(
    crm: Any, v1: Connector, answer: dict[str, Any]
) -> None:
    """I3: the case exists, so no error may say that nothing was carried out."""
    crm.expect("POST", "/api/party/302/kase", status=201, headers={"location": "/api/kase/17"})
    crm.expect("GET", "/api/kase/17", **answer)
    with pytest.raises(AnswerLost, match="Case 17 was created"):
        await v1.create("case", {"title": "x", "members": ("capsule:contact:302",)})


async def test_a_create_without_a_usable_location_may_have_been_carried_out(crm: Any, v1: Connector) -> None:
    """A 201 that does not name the case is a lost answer."""
    crm.expect("POST", "/api/party/302/kase", status=201)
    with pytest.raises(AnswerLost, match="no Location that names a kase"):
        await v1.create("case", {"title": "x", "members": ("capsule:contact:302",)})


@pytest.mark.parametrize(
    ("changes", "path", "sent"),
    [
        ({"title": "x"}, "/api/kase/17", "<kase><name>x</name></kase>"),
        ({"members": ("capsule:contact:9",)}, "/api/party/9/kase/17", "<kase></kase>"),
        (
            {"title": "x", "members": ("capsule:contact:9",)},
            "/api/party/9/kase/17",
            "<kase><name>x</name></kase>",
        ),
    ],
)
async def test_an_update_sends_what_changes(
    crm: Any, v1: Connector, changes: dict[str, Any], path: str, sent: str
) -> None:
    """One PUT, which moves the case if its path is below a party, and a read."""
    crm.expect("PUT", path)
    crm.expect("GET", "/api/kase/17", kase(17))
    assert (await v1.update("case", BEFORE, changes)).values["title"] == "c17"
    assert body(crm.sent[0]) == sent


async def test_an_update_of_nothing_writes_nothing(crm: Any, v1: Connector) -> None:
    """An empty PUT might move the stamp."""
    crm.expect("GET", "/api/kase/17", kase(17))
    assert (await v1.update("case", BEFORE, {"closed": True})).values["closed"] is False


async def test_closing_and_opening_are_updates(crm: Any, v1: Connector) -> None:
    """The server chooses the day, and has the last word where it tells the state."""
    crm.expect("PUT", "/api/kase/17")
    crm.expect("GET", "/api/kase/17", kase(17, status="<status>CLOSED</status>"))
    crm.expect("PUT", "/api/kase/17")
    crm.expect("GET", "/api/kase/17", kase(17, status=""))
    closed = await v1.complete("case", BEFORE)
    assert closed.values["closed"] is True
    assert (await v1.reopen("case", closed)).values["closed"] is False
    assert [body(crm.sent[number]) for number in (0, 2)] == [
        "<kase><status>CLOSED</status></kase>",
        "<kase><status>OPEN</status></kase>",
    ]


async def test_what_is_in_that_state_already_needs_no_request(crm: Any, v1: Connector) -> None:
    """Opening an open case is a success."""
    assert await v1.reopen("case", BEFORE) is BEFORE
    assert crm.requests == 0


async def test_somebody_was_faster(crm: Any, v1: Connector) -> None:
    """A refusal to close what is closed by now is a success; else the CRM's words go on."""
    crm.expect("PUT", "/api/kase/17", "not today", status=400)
    crm.expect("GET", "/api/kase/17", kase(17, status="<status>CLOSED</status>"))
    assert (await v1.complete("case", BEFORE)).values["closed"] is True
    crm.expect("PUT", "/api/kase/17", "not today", status=400)
    crm.expect("GET", "/api/kase/17", kase(17))
    with pytest.raises(Refused, match="not today"):
        await v1.complete("case", BEFORE)


async def test_writing_to_a_case_that_is_gone(crm: Any, v1: Connector) -> None:
    """Whether the write or the read after it finds that out; deleting it again is a success."""
    crm.expect("PUT", "/api/kase/17", status=404)
    with pytest.raises(Vanished):
        await v1.update("case", BEFORE, {"title": "x"})
    crm.expect("PUT", "/api/kase/17")
    crm.expect("GET", "/api/kase/17", status=404)
    with pytest.raises(Vanished, match="Case 17 was deleted"):
        await v1.complete("case", BEFORE)
    for status in (200, 404):
        crm.expect("DELETE", "/api/kase/17", status=status)
        await v1.delete("case", "17")
