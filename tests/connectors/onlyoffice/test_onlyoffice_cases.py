"""Cases over HTTP, request by request (protocols/onlyoffice.md, 5.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tasksync.connectors.onlyoffice import OnlyofficeConnector
from tasksync.core.record import Observation
from tasksync.errors import AnswerLost, Refused, ServerFault, Vanished

Make = Callable[..., Any]
CASE_PATH = "/api/2.0/crm/case"


def calls(http: Any) -> list[tuple[str, str]]:
    return [(sent.method, sent.path) for sent in http.sent]


@pytest.fixture
async def before(http: Any, connector: OnlyofficeConnector, case: Make) -> Observation:
    """The case of 8.10, freshly read; what was sent for it is forgotten."""
    http.says(case(), count=1)
    found = await connector.read("case", "8")
    assert found is not None
    assert calls(http) == [("GET", f"{CASE_PATH}/8")]
    http.sent.clear()
    return found


async def test_open_and_closed_cases_are_crawled_apart(http: Any, connector: OnlyofficeConnector, case: Make) -> None:
    """Two passes sorted by id, so that a case that is closed meanwhile moves no other to another page."""
    http.says([case(id=number) for number in range(1, 501)], count=500, nextIndex=501, total=501)
    http.says([case(id=501)], count=1, startIndex=500, total=501)
    http.says([case(id=9, isClosed=True)], count=1, total=1)
    pages = [[one.read() for one in page] async for page in connector.poll("case")]
    assert [len(page) for page in pages] == [500, 1, 1]
    assert [one.values["closed"] for one in (pages[0][0], pages[2][0])] == [False, True]
    assert [sent.path for sent in http.sent] == [f"{CASE_PATH}/filter"] * 3
    assert [sent.params for sent in http.sent] == [
        {"isClosed": closed, "sortBy": "id", "count": "500", "startIndex": start}
        for closed, start in [("false", "0"), ("false", "500"), ("true", "0")]
    ]


async def test_a_case_that_makes_no_sense_is_named(http: Any, connector: OnlyofficeConnector, case: Make) -> None:
    """One unreadable case spoils the snapshot and is named, instead of vanishing from it."""
    http.says([case(), case(id=9, members="all")], count=2)
    with pytest.raises(ServerFault, match="case 9"):
        _ = [[one.read() for one in page] async for page in connector.poll("case")]


async def test_a_create_posts_the_case_and_takes_the_answer(
    http: Any, connector: OnlyofficeConnector, case: Make
) -> None:
    """A POST answered with 201."""
    http.says(case(id=31), status=201, count=1)
    made = await connector.create("case", {"title": "Renewal", "members": ("office:contact:17",)})
    assert made.external_id == "31"
    assert calls(http) == [("POST", CASE_PATH)]
    assert http.sent[0].json == {"title": "Renewal", "members": [17], "isPrivate": False, "isNotify": False}


async def test_a_create_with_an_unreadable_answer_may_have_worked(http: Any, connector: OnlyofficeConnector) -> None:
    """After a 201 that cannot be understood the case may exist: the answer counts as lost."""
    http.says({"title": "Renewal"}, status=201, count=1)
    with pytest.raises(AnswerLost):
        await connector.create("case", {"title": "Renewal"})


async def test_an_update_goes_to_the_case_alone(
    http: Any, connector: OnlyofficeConnector, case: Make, before: Observation, ids: dict[str, str]
) -> None:
    """8.10: one PUT with all that was there. Without the id in its path it would delete cases."""
    http.says(case(title="New"), count=1)
    after = await connector.update("case", before, {"title": "New"})
    assert after.values == {**before.values, "title": "New"}
    assert calls(http) == [("PUT", f"{CASE_PATH}/8")]
    assert http.sent[0].json == {
        "title": "New",
        "members": [17, 22],
        "customFieldList": [{"key": 5, "value": "EMEA"}],
        "isPrivate": True,
        "accessList": [ids["igor"], ids["ann"]],
        "isNotify": False,
    }


@pytest.mark.parametrize("external_id", ["", "0", "..", "8/close", "8?x=1"])
@pytest.mark.parametrize("action", ["update", "complete", "reopen"])
async def test_nothing_is_put_without_an_id(
    http: Any, connector: OnlyofficeConnector, before: Observation, external_id: str, action: str
) -> None:
    """A PUT to `case` deletes all that it lists: without a number there is no request at all."""
    nameless = Observation(external_id=external_id, values=before.values, payload=before.payload)
    arguments = [{"title": "New"}] if action == "update" else []
    with pytest.raises(ValueError, match="no id"):
        await getattr(connector, action)("case", nameless, *arguments)
    assert calls(http) == []


async def test_a_case_that_may_be_private_is_not_written(http: Any, connector: OnlyofficeConnector, case: Make) -> None:
    """A PUT that does not say it makes a case public, so without the portal's word there is none."""
    http.says(case(isPrivate=None), count=1)
    before = await connector.read("case", "8")
    assert before is not None
    with pytest.raises(ServerFault, match=r"Case 8.*private"):
        await connector.update("case", before, {"title": "New"})
    assert http.requests == 1


async def test_an_answer_about_another_case_is_no_answer(
    http: Any, connector: OnlyofficeConnector, case: Make, before: Observation
) -> None:
    """Unlike a task, a missing case is not made anew, so nothing is removed on that suspicion."""
    http.says(case(id=9), count=1)
    with pytest.raises(ServerFault, match=r"8.*9"):
        await connector.update("case", before, {"title": "New"})
    assert calls(http) == [("PUT", f"{CASE_PATH}/8")]


@pytest.mark.parametrize(("action", "route"), [("complete", "close"), ("reopen", "reopen")])
async def test_the_state_has_routes_of_its_own(
    http: Any, connector: OnlyofficeConnector, case: Make, before: Observation, action: str, route: str
) -> None:
    """Closing and reopening are PUTs with an empty body."""
    http.says(case(isClosed=action == "complete"), count=1)
    after = await getattr(connector, action)("case", before)
    assert after.values["closed"] is (action == "complete")
    assert calls(http) == [("PUT", f"{CASE_PATH}/8/{route}")]
    assert (http.sent[-1].json, http.sent[-1].content) == (None, None)


@pytest.mark.parametrize("action", ["update", "complete", "reopen"])
async def test_a_missing_case_has_vanished(
    http: Any, connector: OnlyofficeConnector, before: Observation, action: str
) -> None:
    """404 to a change, and to a read after it."""
    http.says_error(404, "Not found")
    http.says_error(404, "Not found")
    arguments = [{"title": "New"}] if action == "update" else []
    with pytest.raises(Vanished, match="Case 8"):
        await getattr(connector, action)("case", before, *arguments)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_a_refusal_for_a_case_that_is_there(
    http: Any, connector: OnlyofficeConnector, case: Make, before: Observation, status: int
) -> None:
    """If the case can be read, the refusal meant something else, and the portal's words are passed on."""
    http.says_error(status, "No such member")
    http.says(case(), count=1)
    with pytest.raises(Refused, match="No such member") as caught:
        await connector.update("case", before, {"title": "New"})
    assert caught.value.status == status


async def test_only_an_administrator_knows_that_a_case_is_gone(
    http: Any, connect: Make, says_open: Make, connector: OnlyofficeConnector
) -> None:
    """404 also means "not for you": what is hidden from the account is never taken for deleted."""
    http.says_error(404, "Not found")
    assert await connector.read("case", "8") is None
    says_open(user={"id": "u-1", "isAdmin": False})
    somebody = connect()
    await somebody.open()
    http.says_error(404, "Not found")
    with pytest.raises(Refused, match="administrator"):
        await somebody.read("case", "8")
    http.says_error(404, "Not found")
    assert await somebody.read("task", "101") is None


async def test_deleting_twice_is_fine(http: Any, connector: OnlyofficeConnector, case: Make) -> None:
    """The answer is the case as it was, the second time 404; both are success."""
    http.says(case(), count=1)
    http.says_error(404, "Not found")
    await connector.delete("case", "8")
    await connector.delete("case", "8")
    assert calls(http) == [("DELETE", f"{CASE_PATH}/8")] * 2
