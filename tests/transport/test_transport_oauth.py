"""The token endpoint: what is sent, what is made of the answer, and what each refusal means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tasksync.errors import Misconnected, NeedsLogin, ServerFault, TasksyncError, Throttled, Unreachable
from tasksync.ports import OAuthServer, SignIn
from tasksync.transport.oauth import OAuthClient, SignInRefused, TokenEndpoint

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIENT = OAuthClient(
    connection="capsule",
    base_url="http://crm.test/base",
    server=OAuthServer(authorize="/oauth/authorise", exchange="/oauth/token", scope="read write"),
    client_id="our client",
    client_secret="hush-hush&more",
)
STORED = SignIn(
    connection="capsule",
    audience=CLIENT.audience,
    access_token="access-one",
    refresh_token="refresh-one",
    obtained_at=START - timedelta(hours=2),
    expires_at=START - timedelta(hours=1),
)
GIVEN = {"access_token": "access-two", "refresh_token": "refresh-two", "token_type": "bearer", "expires_in": 600}

Make = Callable[..., TokenEndpoint]


@pytest.fixture
def sent() -> list[httpx.Request]:
    return []


@pytest.fixture
def endpoint(dialer: Callable[..., Any], time: Any, sent: list[httpx.Request]) -> Make:
    """One that is answered with a status and a body, JSON unless it is bytes, or by an exception."""

    def make(status: int | Exception, body: Any = b"") -> TokenEndpoint:
        def answer(request: httpx.Request) -> httpx.Response:
            sent.append(request)
            if isinstance(status, Exception):
                raise status
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return httpx.Response(status, content=content)

        return TokenEndpoint(CLIENT, dialer(transport=httpx.MockTransport(answer)), time)

    return make


def form(request: httpx.Request) -> dict[str, str]:
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: value for name, (value,) in parse_qs(request.content.decode(), strict_parsing=True).items()}


async def test_a_code_is_exchanged(endpoint: Make, sent: list[httpx.Request]) -> None:
    """The form of RFC 6749, 4.1.3, with the client's credentials in it and nowhere else; the answer is a sign-in whose
    life counts from the moment of asking.
    """
    found = await endpoint(200, GIVEN).exchange("the/code", redirect_uri="http://127.0.0.1:1/", verifier="v3rifier")
    (request,) = sent
    assert (request.method, str(request.url)) == ("POST", "http://crm.test/base/oauth/token")
    assert "authorization" not in request.headers
    assert form(request) == {
        "grant_type": "authorization_code",
        "code": "the/code",
        "redirect_uri": "http://127.0.0.1:1/",
        "client_id": "our client",
        "client_secret": "hush-hush&more",
        "code_verifier": "v3rifier",
    }
    assert found == SignIn(
        connection="capsule",
        audience="our client at http://crm.test/base",
        access_token="access-two",
        refresh_token="refresh-two",
        obtained_at=START,
        expires_at=START + timedelta(seconds=600),
    )


async def test_without_a_verifier_none_is_sent(endpoint: Make, sent: list[httpx.Request]) -> None:
    """A CRM that is not known to check it does not get an empty one."""
    await endpoint(200, GIVEN).exchange("c", redirect_uri="http://127.0.0.1:1/", verifier=None)
    assert "code_verifier" not in form(sent[0])


async def test_a_sign_in_is_renewed(endpoint: Make, sent: list[httpx.Request]) -> None:
    """The form of RFC 6749, 6."""
    renewed = await endpoint(200, GIVEN).renew(STORED)
    assert form(sent[0]) == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-one",
        "client_id": "our client",
        "client_secret": "hush-hush&more",
    }
    assert (renewed.access_token, renewed.refresh_token) == ("access-two", "refresh-two")


@pytest.mark.parametrize("refresh", [{}, {"refresh_token": None}, {"refresh_token": ""}])
async def test_a_refresh_token_that_is_not_replaced_stays_good(endpoint: Make, refresh: dict[str, Any]) -> None:
    """Where a renewal brings none, the old one is kept (protocols/plannr.md, 2.3, [T])."""
    renewed = await endpoint(200, {"access_token": "access-two", **refresh}).renew(STORED)
    assert renewed.refresh_token == "refresh-one"


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(600, 600), ("600", 600), (1.5, 1.5), (None, None), (0, None), (-1, None), ("soon", None), (1e300, None)],
)
async def test_how_long_a_token_lives(endpoint: Make, told: Any, seconds: float | None) -> None:
    """Seconds, as number or text; what makes no sense counts as not said."""
    renewed = await endpoint(200, {**GIVEN, "expires_in": told}).renew(STORED)
    assert renewed.expires_at == (None if seconds is None else START + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "gone"}, SignInRefused, "invalid_grant: gone"),
        (401, {"error": "invalid_request", "hint": "Token is revoked"}, SignInRefused, "Token is revoked"),
        (401, {"error": "invalid_client"}, NeedsLogin, "Check client_id and client_secret"),
        (400, {"error": "unauthorized_client", "message": "no"}, NeedsLogin, "unauthorized_client: no"),
        (403, b"<html>", NeedsLogin, "Check client_id and client_secret"),
        (404, b"<html>", Misconnected, "Check the connection's url"),
        (400, {"message": "?"}, Misconnected, "Check the connection's url"),
        (500, {"error": "server_error"}, ServerFault, "500"),
        (503, b"", ServerFault, "503"),
        (429, b"", Throttled, "asks to wait"),
        (200, b"<html>maintenance</html>", ServerFault, "a page came"),
        (200, b"", ServerFault, "no JSON"),
        (200, [], ServerFault, "no bearer token"),
        (200, {"access_token": ""}, ServerFault, "no bearer token"),
        (200, {"access_token": "a", "token_type": "mac"}, ServerFault, "no bearer token"),
        (httpx.ReadError("reset"), b"", ServerFault, "No tokens for connection capsule this time"),
        (httpx.ConnectError("refused"), b"", Unreachable, "cannot be reached"),
    ],
)
async def test_what_an_answer_to_a_renewal_means(
    endpoint: Make, status: Any, body: Any, error: type[TasksyncError], words: str
) -> None:
    """A dead refresh token is told from a wrong client, a wrong url, and what passes; and no answer makes it look as if
    a record had been refused, or as if something might have been carried out.
    """
    with pytest.raises(error, match=words) as caught:
        await endpoint(status, body).renew(STORED)
    assert type(caught.value) is error
    if error is SignInRefused:
        assert "tasksync login capsule" in str(caught.value)


async def test_a_code_that_is_not_taken_is_no_dead_refresh_token(endpoint: Make) -> None:
    """`invalid_grant` for a code says to try again, and nothing of what is stored."""
    with pytest.raises(NeedsLogin, match=r"does not take the code .*tasksync login capsule") as caught:
        await endpoint(400, {"error": "invalid_grant"}).exchange("c", redirect_uri="http://127.0.0.1:1/", verifier=None)
    assert not isinstance(caught.value, SignInRefused)


async def test_without_a_refresh_token_nothing_is_asked(endpoint: Make, sent: list[httpx.Request]) -> None:
    """There is nothing to renew it with: a person has to sign in."""
    with pytest.raises(NeedsLogin, match="tasksync login capsule"):
        await endpoint(200, GIVEN).renew(replace(STORED, refresh_token=None))
    assert sent == []


async def test_no_error_shows_a_secret(endpoint: Make, redactor: Any) -> None:
    """A CRM that repeats the refresh token, the client's secret or the code in its refusal is not quoted with them."""
    echo = {"error": "invalid_grant", "error_description": "refresh-one / hush-hush&more / the/code"}
    subject = endpoint(400, echo)
    subject.conceal(STORED)
    with pytest.raises(NeedsLogin) as renewing:
        await subject.renew(STORED)
    with pytest.raises(NeedsLogin) as exchanging:
        await endpoint(400, echo).exchange("the/code", redirect_uri="http://127.0.0.1:1/", verifier=None)
    for secret in ("refresh-one", "hush-hush&more", "the/code"):
        assert secret not in str(exchanging.value)
    assert "refresh-one" not in str(renewing.value)
    await endpoint(200, GIVEN).renew(STORED)
    assert redactor.redact("access-two and refresh-two") == "*** and ***"


def test_nothing_secret_in_reprs() -> None:
    """What ends in a traceback by way of a repr shows neither tokens nor the client's secret."""
    shown = repr(STORED) + repr(CLIENT)
    for secret in ("access-one", "refresh-one", "hush-hush"):
        assert secret not in shown
