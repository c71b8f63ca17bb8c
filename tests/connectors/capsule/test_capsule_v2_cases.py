"""Cases in v2, where they are kases, against a scripted server: listing, partial updates, closing, damaged answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.core.record import Observation, Value
from tasksync.errors import AnswerLost, DefaultNeeded, Misconnected, NeedsLogin, Refused, ServerFault, Vanished
from tasksync.ports import Connector

BASE = "https://api.capsulecrm.com"
BEFORE = Observation(external_id="17", values={"title": "c17", "closed": False})


def kase(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "owner": {"id": 77, "username": "a.singh"},
        "team": {"id": 12, "name": "Advice"},
        "party": {"id": 302, "type": "person", "firstName": "Jo", "lastName": "Marsh"},
        "status": "OPEN",
        "createdAt": "2025-05-30T15:02:11Z",
        "updatedAt": "2025-06-02T08:14:37Z",
        "name": f"c{number}",
        **changes,
    }


async def poll(connector: Connector, since: datetime | None = None) -> list[Observation]:
    return [found.read() async for page in connector.poll("case", since) for found in page]


async def test_poll_follows_the_links(crm: Any, v2: Connector) -> None:
    """Open and closed ones in one walk."""
    following = f"{BASE}/api/v2/kases?page=2&perPage=100"
    crm.expect("GET", "/api/v2/kases", {"kases": [kase(1)]}, headers={"link": f'<{following}>; rel="next"'})
    crm.expect("GET", following, {"kases": [kase(2, status="CLOSED")]})
    found = await poll(v2)
    assert [(one.external_id, one.values["closed"]) for one in found] == [("1", False), ("2", True)]
    assert found[0].modified == datetime(2025, 6, 2, 8, 14, 37, tzinfo=UTC)
    assert crm.sent[0].params == (("page", "1"), ("perPage", "100"))


async def test_poll_asks_for_what_changed_since(crm: Any, v2: Connector) -> None:
    """In whole seconds, and not later than asked for."""
    crm.expect("GET", "/api/v2/kases", {"kases": [kase(1)]})
    found = await poll(v2, datetime(2025, 6, 2, 8, 0, 7, 999_999, tzinfo=UTC))
    assert [one.external_id for one in found] == ["1"]
    assert crm.sent[0].params == (("since", "2025-06-02T08:00:07Z"), ("page", "1"), ("perPage", "100"))
    assert "case" in v2.capabilities.incremental


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"tasks": []}, "no list of kases"),
        ({"kases": [kase(1), None]}, "no object"),
        ({"kases": [kase(7, updatedAt="?")]}, "case 7: '[?]' is no date"),
        ("<html></html>", "no JSON"),
    ],
)
async def test_a_damaged_page_is_no_snapshot(crm: Any, v2: Connector, body: Any, words: str) -> None:
    """A page that is not wholly understood fails the poll; no case is left out of it."""
    crm.expect("GET", "/api/v2/kases", body)
    with pytest.raises(ServerFault, match=words):
        await poll(v2)


@pytest.mark.parametrize("status", [404, 410])
async def test_only_404_and_410_mean_that_a_case_is_gone(crm: Any, v2: Connector, status: int) -> None:
    """I5: nothing else does."""
    crm.expect("GET", "/api/v2/kases/17", {"message": "kase not found"}, status=status)
    assert await v2.read("case", "17") is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, {"message": "Requires additional scope"}, NeedsLogin),
        (422, {}, Misconnected),
        (200, {"task": kase(17)}, ServerFault),
        (200, {"kase": kase(18)}, ServerFault),
        (200, {"kase": {"id": 17}}, ServerFault),
    ],
)
async def test_a_failed_read_is_an_error(
    crm: Any, v2: Connector, status: int, body: Any, error: type[Exception]
) -> None:
    """A read that was refused, or answered with something else, says nothing of the case."""
    crm.expect("GET", "/api/v2/kases/17", body, status=status)
    with pytest.raises(error):
        await v2.read("case", "17")


async def test_a_case_is_created_for_its_party(crm: Any, v2: Connector) -> None:
    """With name and party; whose it becomes is the CRM's business."""
    crm.expect("POST", "/api/v2/kases", {"kase": kase(17)}, status=201)
    made = await v2.create("case", {"title": "c17", "members": ("capsule:contact:302",), "closed": True})
    assert made.external_id == "17"
    assert dict(made.values) == {"title": "c17", "closed": False, "members": ("capsule:contact:302",)}
    assert crm.sent[0].json == {"kase": {"name": "c17", "party": {"id": 302}}}


@pytest.mark.parametrize("members", [{}, {"members": ()}])
async def test_a_case_without_a_party_is_not_sent(crm: Any, v2: Connector, members: Any) -> None:
    """Capsule would refuse it; the words say what to do."""
    with pytest.raises(DefaultNeeded, match=r"without a contact.*`links`"):
        await v2.create("case", {"title": "x", **members})
    assert crm.requests == 0


async def test_a_party_that_capsule_cannot_have_is_refused_before_it_is_sent(crm: Any, v2: Connector) -> None:
    """What the config calls so is told to whoever wrote it."""
    values: dict[str, Value] = {"title": "x", "members": ("capsule:contact:Jo",)}
    for request in (v2.create("case", values), v2.update("case", BEFORE, values)):
        with pytest.raises(Refused, match="no contact 'Jo'"):
            await request
    assert crm.requests == 0


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (
            422,
            {"message": "Validation Failed", "errors": [{"message": "party not found", "field": "party"}]},
            Refused,
            "party: party not found",
        ),
        (500, "", AnswerLost, "HTTP 500"),
        (201, {"kase": {"id": 17}}, AnswerLost, "case 17: it has no name"),
        (201, {"task": {}}, AnswerLost, "no kase"),
    ],
)
async def test_a_create_that_failed(
    crm: Any, v2: Connector, status: int, body: Any, error: type[Exception], words: str
) -> None:
    """A refusal is told with message and field; an answer that is not understood may have been carried out."""
    crm.expect("POST", "/api/v2/kases", body, status=status)
    with pytest.raises(error, match=words):
        await v2.create("case", {"title": "x", "members": ("capsule:contact:302",)})


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"title": "x"}, {"name": "x"}),
        ({"members": ("capsule:contact:9",)}, {"party": {"id": 9}}),
        ({"title": "x", "members": ("capsule:contact:9",)}, {"name": "x", "party": {"id": 9}}),
    ],
)
async def test_an_update_sends_what_changes(
    crm: Any, v2: Connector, changes: dict[str, Any], sent: dict[str, Any]
) -> None:
    """Never the owner, which would take the team away, nor anything else that is not ours to set."""
    crm.expect("PUT", "/api/v2/kases/17", {"kase": kase(17)})
    assert (await v2.update("case", BEFORE, changes)).values["title"] == "c17"
    assert crm.sent[0].json == {"kase": sent}


async def test_an_update_of_nothing_writes_nothing(crm: Any, v2: Connector) -> None:
    """Even an empty PUT might move the stamp."""
    crm.expect("GET", "/api/v2/kases/17", {"kase": kase(17)})
    assert (await v2.update("case", BEFORE, {"closed": True})).values["closed"] is False


async def test_closing_and_opening_are_a_status(crm: Any, v2: Connector) -> None:
    """Words of their own, and nothing besides; what is so already needs no request."""
    crm.expect("PUT", "/api/v2/kases/17", {"kase": kase(17, status="CLOSED", closedOn="2025-06-02")})
    crm.expect("PUT", "/api/v2/kases/17", {"kase": kase(17)})
    closed = await v2.complete("case", BEFORE)
    assert closed.values["closed"] is True
    assert await v2.complete("case", closed) is closed
    assert (await v2.reopen("case", closed)).values["closed"] is False
    assert [request.json for request in crm.sent] == [{"kase": {"status": "CLOSED"}}, {"kase": {"status": "OPEN"}}]


async def test_somebody_was_faster(crm: Any, v2: Connector) -> None:
    """A refusal to close what is closed by now is a success."""
    crm.expect("PUT", "/api/v2/kases/17", {"message": "already closed"}, status=422)
    crm.expect("GET", "/api/v2/kases/17", {"kase": kase(17, status="CLOSED")})
    assert (await v2.complete("case", BEFORE)).values["closed"] is True


async def test_a_change_answered_with_another_case_is_a_fault(crm: Any, v2: Connector) -> None:
    """An answer that belongs to another request must not become a shadow."""
    crm.expect("PUT", "/api/v2/kases/17", {"kase": kase(18)})
    with pytest.raises(ServerFault, match="change case 17 and answered 18"):
        await v2.update("case", BEFORE, {"title": "x"})


async def test_writing_to_a_case_that_is_gone(crm: Any, v2: Connector) -> None:
    """There is nothing to write to any more; deleting it again is a success."""
    crm.expect("PUT", "/api/v2/kases/17", {"message": "kase not found"}, status=404)
    with pytest.raises(Vanished, match="kase not found"):
        await v2.update("case", BEFORE, {"title": "x"})
    for status in (204, 404):
        crm.expect("DELETE", "/api/v2/kases/17", status=status)
        await v2.delete("case", "17")
