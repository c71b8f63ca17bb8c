"""Plannr's cases as the documents have them, and what is sent of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tasksync.connectors.plannr import case_mapping
from tasksync.connectors.plannr.payload import NotUnderstood
from tasksync.core.record import CASE, Values

TRANSFER = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
ZOE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002"
BEN = "93379910-564c-4d8a-838f-5a0a4a98111e"


def case(**changes: Any) -> dict[str, Any]:
    """As the protocol page describes it (5.2)."""
    return {
        "uuid": TRANSFER,
        "created_at": "2026-01-01T10:02:11+00:00",
        "updated_at": "2026-06-03T16:40:05+01:00",
        "name": "Price pension transfer",
        "slug": "price-pension-transfer",
        "review_at": None,
        "completed_at": None,
        "status_position": 4,
        "participants": [{"uuid": PRICE, "type": "client"}],
        **changes,
    }


def test_a_case_is_read() -> None:
    """An open one, with its stamps, and with itself for the next write."""
    found = case_mapping.observation(case(), "hill")
    assert found.external_id == TRANSFER
    assert found.values == {"title": "Price pension transfer", "closed": False, "members": (f"hill:contact:{PRICE}",)}
    assert found.created == datetime(2026, 1, 1, 10, 2, 11, tzinfo=UTC)
    assert found.modified == datetime(2026, 6, 3, 15, 40, 5, tzinfo=UTC)
    assert found.completed is None
    assert found.payload == case()
    CASE.check(found.values)


def test_a_case_is_closed_when_it_has_a_time_of_completion() -> None:
    """Whatever column it is in."""
    found = case_mapping.observation(
        case(completed_at="2026-04-09T17:35:05+01:00", status={"is_type_completed": False}), "hill"
    )
    assert found.values["closed"] is True
    assert found.completed == datetime(2026, 4, 9, 16, 35, 5, tzinfo=UTC)


def test_what_is_missing_is_unknown() -> None:
    """A case needs a name and no more; what is not there is not empty."""
    found = case_mapping.observation({"uuid": "u", "name": " a\r\nb "}, "hill")
    assert found.values == {"title": "a b"}
    assert found.modified is found.created is found.completed is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": None}, "its name is missing"),
        ({"completed_at": True}, "its completed_at is of type bool"),
        ({"updated_at": "yesterday"}, "its updated_at is no date"),
    ],
)
def test_a_case_that_is_none_is_named(changes: dict[str, Any], complaint: str) -> None:
    """What cannot be understood is an error that says which case and why."""
    with pytest.raises(NotUnderstood, match=f"case {TRANSFER}: {complaint}"):
        case_mapping.observation(case(**changes), "hill")


@pytest.mark.parametrize("payload", [None, [], {}, {"uuid": ""}])
def test_something_without_a_uuid_is_no_case(payload: Any) -> None:
    """Nothing that could not be found again is taken for a case."""
    with pytest.raises(NotUnderstood, match="the case"):
        case_mapping.observation(payload, "hill")


@pytest.mark.parametrize(
    ("answer", "before", "participants"),
    [
        ({"name": "x"}, {"participants": ["p"]}, ["p"]),
        ({"participants": ["a"]}, {"participants": ["p"]}, ["a"]),
        ({"name": "x"}, {}, None),
        ({"name": "x"}, None, None),
    ],
)
def test_an_answer_without_participants_has_those_of_before(answer: Any, before: Any, participants: Any) -> None:
    """The write did not touch them."""
    assert case_mapping.with_participants_of(answer, before) == {
        **answer,
        **({} if participants is None else {"participants": participants}),
    }


def test_what_is_sent_of_a_case() -> None:
    """Name and clients of a new one; of a change the name alone, because the rest has routes of its own."""
    clients = (f"hill:contact:{PRICE}", f"hill:contact:{ZOE}")
    values: Values = {"title": "Will", "closed": True, "members": clients}
    assert case_mapping.creation_body(values) == {"name": "Will", "participants": [PRICE, ZOE]}
    assert case_mapping.changes_body(values) == {"name": "Will"}
    assert case_mapping.changes_body({"members": clients}) == {}


@pytest.mark.parametrize(
    ("before", "come", "leave"), [((PRICE, ZOE), [BEN], [PRICE]), ((ZOE, BEN), [], []), (None, [ZOE, BEN], [])]
)
def test_who_comes_and_who_leaves(before: Any, come: list[str], leave: list[str]) -> None:
    """The difference is what is sent; who was not known to be in it is not sent away."""
    old = None if before is None else tuple(f"hill:contact:{uuid}" for uuid in before)
    new = tuple(f"hill:contact:{uuid}" for uuid in (ZOE, BEN))
    assert case_mapping.moved(old, new) == (come, leave)
