"""Signing in with a token, or with a password that is never tried twice when it is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tasksync.errors import NeedsLogin, ServerFault, TasksyncError

Make = Callable[..., Any]
TASK_PATH = "/api/2.0/crm/task"
LOGIN_PATH = "/api/2.0/authentication"
PAGE = b"<!DOCTYPE html><html>not here</html>"


def calls(http: Any) -> list[tuple[str, str]]:
    return [(sent.method, sent.path) for sent in http.sent]


async def test_a_token_goes_bare_into_the_header(http: Any, connect: Make, says_open: Make) -> None:
    """A configured token is sent as it is with every request, and nobody logs in."""
    says_open()
    await connect(token="t0ken").open()
    assert [sent.headers for sent in http.sent] == [{"Authorization": "t0ken"}] * 3
    assert calls(http) == [
        ("GET", "/api/2.0/people/@self"),
        ("GET", "/api/2.0/settings"),
        ("GET", "/api/2.0/crm/task/category"),
    ]


async def test_a_password_is_exchanged_for_a_token_once(http: Any, connect: Make, says_open: Make) -> None:
    """User name and password log in once, without a header; the token is concealed and used from then on."""
    http.says({"token": "Zm9v+Q==", "expires": "2027-03-10T12:00:00.0000000+03:00"}, status=201, count=1)
    says_open()
    says_open()
    office = connect(username="sync@example.org", password="secret")
    await office.open()
    await office.open()
    assert [path for _, path in calls(http)].count(LOGIN_PATH) == 1
    assert http.sent[0].json == {"userName": "sync@example.org", "password": "secret"}
    assert http.sent[0].headers == {}
    assert {sent.headers["Authorization"] for sent in http.sent[1:]} == {"Zm9v+Q=="}
    assert http.concealed == ["Zm9v+Q=="]
    assert http.dialed["secrets"] == ["secret"]


async def test_an_expired_token_is_replaced_even_for_a_create(
    http: Any, connect: Make, says_open: Make, task: Make
) -> None:
    """After a 401 the connector logs in once more and sends the same request again, since it was not carried out."""
    http.says({"token": "old"}, status=201)
    says_open()
    http.says_raw(b"Unauthorized", status=401)
    http.says({"token": "new"}, status=201)
    http.says(task(), status=201, count=1)
    office = connect(username="sync", password="secret")
    await office.open()
    await office.create("task", {"title": "t", "due": date(2026, 3, 10), "category": "Call"})
    assert calls(http)[-3:] == [("POST", TASK_PATH), ("POST", LOGIN_PATH), ("POST", TASK_PATH)]
    assert [sent.headers.get("Authorization") for sent in http.sent[-3:]] == ["old", None, "new"]
    assert http.sent[-1].json == http.sent[-3].json


async def test_a_second_401_ends_it(http: Any, connect: Make) -> None:
    """A token that was fetched a moment ago and is refused is not fetched a third time."""
    http.says({"token": "old"}, status=201)
    http.says_raw(b"Unauthorized", status=401)
    http.says({"token": "new"}, status=201)
    http.says_raw(b"Unauthorized", status=401)
    with pytest.raises(NeedsLogin):
        await connect(username="sync", password="secret").open()
    assert http.done


async def test_a_refused_token_needs_a_person(http: Any, connect: Make) -> None:
    """Without a password there is nothing to log in with: one request, one clear error."""
    http.says_raw(b"Unauthorized", status=401)
    with pytest.raises(NeedsLogin, match="does not accept the credentials"):
        await connect(token="wrong").open()


async def test_a_wrong_password_is_tried_once_in_a_process(http: Any, connect: Make) -> None:
    """8.2: the 500 to a wrong password is told in the portal's words, and never provoked a second time."""
    http.says_error(500, "User authentication failed")
    office = connect(username="sync", password="wrong")
    for _ in range(2):
        with pytest.raises(NeedsLogin, match="User authentication failed"):
            await office.open()
    assert calls(http) == [("POST", LOGIN_PATH)]


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (500, PAGE, ServerFault),
        (502, PAGE, ServerFault),
        (201, b'{"status":0,"response":null}', ServerFault),
        (201, b'{"status":0,"response":{"token":7}}', ServerFault),
        (402, b"", NeedsLogin),
    ],
)
async def test_a_login_that_did_not_work_out_is_tried_again_later(
    http: Any, connect: Make, says_open: Make, status: int, body: bytes, error: type[TasksyncError]
) -> None:
    """A portal that is ill or closed says nothing of the password, and a lost login nothing of what it was for."""
    http.says_raw(body, status=status)
    office = connect(username="sync", password="secret")
    with pytest.raises(error):
        await office.open()
    http.says({"token": "new"}, status=201)
    says_open()
    await office.open()


@pytest.mark.parametrize("factor", [{"sms": True}, {"tfa": True, "tfaKey": "ABC"}])
async def test_a_second_factor_is_explained(http: Any, connect: Make, factor: dict[str, Any]) -> None:
    """A null token means two-factor sign-in; asking again would send the user a code with every cycle."""
    http.says({"token": None, **factor}, status=201)
    office = connect(username="sync", password="secret")
    for _ in range(2):
        with pytest.raises(NeedsLogin, match="second factor"):
            await office.open()
    assert http.requests == 1


async def test_nothing_to_sign_in_with_is_said(connect: Make) -> None:
    """A connection without any credentials asks for them instead of asking the portal."""
    with pytest.raises(NeedsLogin, match="neither"):
        await connect(token=None).open()


async def test_requests_at_once_log_in_once(http: Any, connect: Make, says_open: Make, task: Make) -> None:
    """Two requests that meet an expired token at the same time share the new one."""
    http.says({"token": "old"}, status=201)
    says_open()
    office = connect(username="sync", password="secret")
    await office.open()
    http.sent.clear()
    http.says_raw(b"Unauthorized", status=401)
    http.says_raw(b"Unauthorized", status=401)
    http.says({"token": "new"}, status=201)
    http.says(task(), count=1)
    http.says(task(id=102), count=1)
    await asyncio.gather(office.read("task", "101"), office.read("task", "102"))
    assert [sent.headers.get("Authorization") for sent in http.sent] == ["old", "old", None, "new", "new"]
