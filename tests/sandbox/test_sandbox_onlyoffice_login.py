"""Signing in to the simulated ONLYOFFICE (protocols/onlyoffice.md 1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tasksync.sandbox.world import World

BASE = "/onlyoffice/api/2.0"
Dial = Callable[..., httpx.AsyncClient]


async def _sign_in(client: httpx.AsyncClient, password: str | None = None) -> httpx.Response:
    body = {"userName": "sandbox@example.org", "password": password or "sandbox"}
    return await client.post("/authentication.json", json=body)


async def test_sign_in_answers_201_with_a_token_and_its_end(dial: Dial) -> None:
    """The token is good at once, bare, as a bearer and url-quoted, and ends in a year by portal time."""
    client = dial(BASE)
    response = await _sign_in(client)
    assert response.status_code == 201
    assert response.json()["count"] == 1
    assert response.json()["response"]["expires"] == "2027-06-04T08:15:00.0000000+01:00"
    token = response.json()["response"]["token"]
    assert token.endswith("++==")
    for header in (token, f"Bearer {token}", quote(token, safe="")):
        answer = await dial(BASE, headers={"Authorization": header}).get("/people/@self")
        assert answer.status_code == 200


async def test_wrong_password_is_500(dial: Dial) -> None:
    """Not 401, not 403."""
    response = await _sign_in(dial(BASE), "wrong")
    assert response.status_code == 500
    assert response.json() == {
        "status": 1,
        "statusCode": 500,
        "error": {"message": "User authentication failed", "hresult": -2146233087, "data": {}},
    }


async def test_too_many_tries_block_for_a_minute(dial: Dial, clock: Any) -> None:
    """The sixth try within a minute is refused even with the right password, for the next minute."""
    client = dial(BASE)
    for _ in range(5):
        assert (await _sign_in(client, "wrong")).json()["error"]["message"] == "User authentication failed"
    blocked = await _sign_in(client)
    assert blocked.status_code == 500
    assert blocked.json()["error"]["message"] == "Login Fail. Too many attempts"
    clock.forward(seconds=61)
    assert (await _sign_in(client)).status_code == 201


async def test_a_good_sign_in_takes_its_try_back(dial: Dial) -> None:
    """Signing in often is no attack."""
    client = dial(BASE)
    assert [(await _sign_in(client)).status_code for _ in range(8)] == [201] * 8


async def test_names_in_any_case_and_forms(dial: Dial) -> None:
    """`username` of the vendor's curl example works, and so does a form."""
    client = dial(BASE)
    body = {"username": "sandbox@example.org", "PASSWORD": "sandbox"}
    assert (await client.post("/authentication", json=body)).status_code == 201
    assert (await client.post("/authentication", data=body)).status_code == 201


@pytest.mark.parametrize("header", [None, "", "wrong", "bearer sandbox", "Basic c2FuZGJveDp3cm9uZw==", "Basic !"])
async def test_401_is_plain_text(dial: Dial, header: str | None) -> None:
    """No JSON, and a challenge only if something was sent."""
    client = dial(BASE, headers={} if header is None else {"Authorization": header})
    response = await client.get("/crm/task/filter")
    assert response.status_code == 401
    assert response.text == "Unauthorized"
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers.get("www-authenticate") == ('Basic Realm="crm.example"' if header else None)


async def test_basic_credentials_are_accepted(dial: Dial) -> None:
    """User name and password on each request work too."""
    client = dial(BASE, auth=("sandbox@example.org", "sandbox"))
    assert (await client.get("/people/@self")).status_code == 200


async def test_a_cookie_beats_the_header(dial: Dial) -> None:
    """With a good cookie the header does not matter; with a stale one a good bare token does not help."""
    good = dial(BASE, headers={"Authorization": "wrong"}, cookies={"asc_auth_key": "sandbox"})
    stale = dial(BASE, headers={"Authorization": "sandbox"}, cookies={"asc_auth_key": "stale"})
    assert (await good.get("/people/@self")).status_code == 200
    assert (await stale.get("/people/@self")).status_code == 401


async def test_sessions_end(world: World, dial: Dial, clock: Any) -> None:
    """With a session lifetime a token dies by the clock, and a changed setting ends the fixed one."""
    world.onlyoffice.settings.session_minutes = 10
    token = (await _sign_in(dial(BASE))).json()["response"]["token"]
    client = dial(BASE, headers={"Authorization": token})
    assert (await client.get("/people/@self")).status_code == 200
    clock.forward(minutes=11)
    assert (await client.get("/people/@self")).status_code == 401
    world.onlyoffice.settings.token = "another"
    assert (await dial(BASE, headers={"Authorization": "sandbox"}).get("/people/@self")).status_code == 401


async def test_limit_when_enforced(world: World, office: httpx.AsyncClient, clock: Any) -> None:
    """Past 500 requests in ten seconds comes 503 with the seconds to wait; by default nothing is enforced."""
    world.onlyoffice.settings.change({"enforce_limits": True, "limit_requests": 3})
    statuses = [(await office.get("/people/@self")).status_code for _ in range(3)]
    response = await office.get("/people/@self")
    assert (statuses, response.status_code, response.headers["retry-after"]) == ([200] * 3, 503, "10")
    clock.forward(seconds=10)
    assert (await office.get("/people/@self")).status_code == 200


@pytest.mark.parametrize(("factor", "told"), [("sms", "sms"), ("app", "tfa")])
async def test_a_second_factor_brings_no_token(dial: Dial, world: World, factor: str, told: str) -> None:
    """The right password is answered with 201, what is still missing, and a token that is null; a wrong one as ever."""
    world.onlyoffice.settings.change({"second_factor": factor})
    response = await _sign_in(dial(BASE))
    assert response.status_code == 201
    assert response.json()["response"]["token"] is None
    assert response.json()["response"][told] is True
    assert (await _sign_in(dial(BASE), "wrong")).status_code == 500
