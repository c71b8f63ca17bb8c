"""What a status means to everybody."""

from __future__ import annotations

import pytest

from tasksync.errors import (
    AnswerLost,
    Misconnected,
    NeedsLogin,
    Refused,
    ServerFault,
    TasksyncError,
    Throttled,
)
from tasksync.ports import Response
from tasksync.transport.answers import parse_json, require, unreadable


def answer(status: int = 200, body: bytes = b"", method: str = "GET") -> Response:
    return Response(
        status=status,
        headers={"content-type": "application/json"},
        body=body,
        method=method,
        url="http://crm.test/tasks",
    )


def words(response: Response) -> str:
    return response.body.decode()


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success(status: int) -> None:
    """A success is handed back as it is."""
    response = answer(status)
    assert require(response, words) is response


@pytest.mark.parametrize(
    ("status", "method", "expected"),
    [
        (401, "GET", NeedsLogin),
        (402, "GET", NeedsLogin),
        (403, "GET", NeedsLogin),
        (400, "POST", Refused),
        (404, "GET", Refused),
        (422, "PUT", Refused),
        (429, "GET", Throttled),
        (500, "GET", ServerFault),
        (500, "PUT", ServerFault),
        (500, "POST", AnswerLost),
        (520, "PATCH", AnswerLost),
        (405, "GET", Misconnected),
    ],
)
def test_failure(status: int, method: str, expected: type[TasksyncError]) -> None:
    """Each failure becomes the error that names what follows from it, with the CRM's own words."""
    with pytest.raises(expected, match=f"{method} http://crm.test/tasks was answered with {status}: too bad") as caught:
        require(answer(status, b"too \n bad", method), words)
    assert type(caught.value) is expected


def test_failure_without_words() -> None:
    """Where the CRM says nothing, the status has to do."""
    with pytest.raises(Refused, match="HTTP 404") as caught:
        require(answer(404), words)
    assert caught.value.status == 404


def test_long_words_are_cut() -> None:
    """A page of words does not become a page of error."""
    with pytest.raises(Refused) as caught:
        require(answer(400, b"x" * 5000), words)
    assert len(str(caught.value)) < 400


def test_json() -> None:
    """A body that is JSON is parsed."""
    assert parse_json(answer(body=b'{"id": 1}')) == {"id": 1}


@pytest.mark.parametrize(("method", "expected"), [("GET", ServerFault), ("POST", AnswerLost), ("PATCH", AnswerLost)])
def test_no_json(method: str, expected: type[TasksyncError]) -> None:
    """A body that is none is an answer lost if the request may have changed something; none of it is quoted."""
    with pytest.raises(expected, match=r"no JSON \(14 bytes, application/json\)") as caught:
        parse_json(answer(body=b'{"token":"abcd', method=method))
    assert "abcd" not in str(caught.value)


def test_empty_answer() -> None:
    """An empty body is called that."""
    assert "an empty body" in str(unreadable(answer(), "no task"))
