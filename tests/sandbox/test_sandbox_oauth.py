"""The OAuth2 servers of the simulated Capsule and Plannr, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tasksync.sandbox.oauth import OAuthCrm
from tasksync.sandbox.world import World

REDIRECT = "http://127.0.0.1:5005/back"
CLIENT = {"client_id": "sandbox", "client_secret": "sandbox-secret"}
# Of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = {"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}

# Where a person allows it, and a request that needs a token.
PLACES = {"capsule": ("/oauth/authorise", "/api/v2/users"), "plannr": ("/oauth/authorize", "/api/v1/logins")}


class Side:
    """One CRM and a client of it, as whoever signs in there knows them."""

    def __init__(self, crm: OAuthCrm, http: httpx.AsyncClient) -> None:
        self.crm = crm
        self.http = http
        self._authorize, self._read = PLACES[crm.name]

    async def ask(self, **query: str) -> httpx.Response:
        wanted = {"response_type": "code", "client_id": "sandbox", "redirect_uri": REDIRECT, "state": "s1", **query}
        return await self.http.get(self._authorize, params=wanted)

    async def code(self, **query: str) -> str:
        location = urlsplit((await self.ask(**query)).headers["location"])
        said = dict(parse_qsl(location.query))
        assert (location.netloc, location.path, said["state"]) == ("127.0.0.1:5005", "/back", "s1")
        return said["code"]

    async def token(self, **form: str) -> httpx.Response:
        return await self.http.post("/oauth/token", data={**CLIENT, **form})

    async def redeem(self, code: str, **form: str) -> httpx.Response:
        return await self.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT, **form)

    async def refresh(self, token: str) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=token)

    async def sign_in(self) -> dict[str, Any]:
        given: dict[str, Any] = (await self.redeem(await self.code())).json()
        return given

    async def status(self, access_token: str) -> int:
        """Of a request with this token."""
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return (await self.http.get(self._read, headers=headers)).status_code


@pytest.fixture(params=["capsule", "plannr"])
def side(request: pytest.FixtureRequest, world: World, dial: Callable[..., httpx.AsyncClient]) -> Side:
    crm = world.crms[request.param]
    assert isinstance(crm, OAuthCrm)
    return Side(crm, dial(f"/{request.param}"))


async def test_a_code_becomes_tokens_that_are_let_in(side: Side) -> None:
    """The page sends the browser back with a code and its state; the code gives a bearer token that works."""
    given = await side.sign_in()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 3600)
    assert given.get("subdomain") == ("sandbox" if side.crm.name == "capsule" else None)
    assert await side.status(given["access_token"]) == 200
    assert await side.status("another") == 401
    assert await side.status("sandbox") == 200


async def test_a_code_is_good_once_and_for_ten_minutes(side: Side, clock: Any) -> None:
    """The second exchange of a code fails, and so does one that comes late."""
    code = await side.code()
    assert (await side.redeem(code)).status_code == 200
    again = await side.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    late = await side.code()
    clock.forward(minutes=10)
    assert (await side.redeem(late)).json()["error"] == "invalid_grant"


async def test_a_code_is_bound_to_its_redirect_and_its_challenge(side: Side) -> None:
    """Another redirect URI, no verifier, or another one: no tokens. The verifier of the challenge gives them."""
    elsewhere = await side.token(
        grant_type="authorization_code", code=await side.code(), redirect_uri="http://127.0.0.1:5006/"
    )
    assert elsewhere.json()["error"] == "invalid_grant"
    for verifier in ({}, {"code_verifier": "x" * 43}):
        refused = await side.redeem(await side.code(**CHALLENGE), **verifier)
        assert refused.json()["error"] == "invalid_grant"
    assert (await side.redeem(await side.code(**CHALLENGE), code_verifier=VERIFIER)).status_code == 200


async def test_a_person_may_say_no(side: Side) -> None:
    """The browser then comes back with an error, and still with its state."""
    side.crm.settings.change({"consent": "deny"})
    location = (await side.ask()).headers["location"]
    assert dict(parse_qsl(urlsplit(location).query)) == {
        "error": "access_denied",
        "error_description": "The user denied the request",
        "state": "s1",
    }


@pytest.mark.parametrize(
    "query",
    [
        {"client_id": "other"},
        {"response_type": "token"},
        {"redirect_uri": ""},
        {"redirect_uri": "nowhere"},
        {"code_challenge_method": "plain"},
    ],
)
async def test_a_request_that_is_none_is_sent_nowhere(side: Side, query: dict[str, str]) -> None:
    """Who asks wrongly is shown a page, and no redirect that might lead to a stranger."""
    response = await side.ask(**query)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_a_refresh_rotates(side: Side) -> None:
    """Each refresh brings a new pair, and its refresh token is good once."""
    first = await side.sign_in()
    second = (await side.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert await side.status(second["access_token"]) == 200
    again = await side.refresh(first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await side.refresh(second["refresh_token"])).status_code == 200


async def test_how_a_refresh_goes_can_be_set(side: Side) -> None:
    """Without rotation the token stays; with grace the old one is taken once more; it may end the old access token."""
    first = await side.sign_in()
    side.crm.settings.change({"rotates": False})
    assert (await side.refresh(first["refresh_token"])).json()["refresh_token"] == first["refresh_token"]
    side.crm.settings.change({"rotates": True, "grace": True})
    assert [(await side.refresh(first["refresh_token"])).status_code for _ in range(3)] == [200, 200, 400]
    side.crm.settings.change({"refresh_ends_access": True})
    second = await side.sign_in()
    await side.refresh(second["refresh_token"])
    assert await side.status(second["access_token"]) == 401
    side.crm.settings.change({"dead_refresh": "invalid_request"})
    old = await side.refresh("never given")
    assert (old.status_code, old.json()["error"]) == (401, "invalid_request")


async def test_access_ends(side: Side, clock: Any) -> None:
    """By time, by use, by the person's own hand; the last takes the refresh token along."""
    first = await side.sign_in()
    clock.forward(seconds=3600)
    assert await side.status(first["access_token"]) == 401
    side.crm.settings.change({"access_s": 5, "access_uses": 2})
    second = (await side.refresh(first["refresh_token"])).json()
    assert second["expires_in"] == 5
    assert [await side.status(second["access_token"]) for _ in range(3)] == [200, 200, 401]
    third = (await side.refresh(second["refresh_token"])).json()
    side.crm.sign_ins.expire()
    assert await side.status(third["access_token"]) == 401
    fourth = (await side.refresh(third["refresh_token"])).json()
    side.crm.sign_ins.revoke()
    assert await side.status(fourth["access_token"]) == 401
    assert (await side.refresh(fourth["refresh_token"])).status_code == 400


async def test_a_client_can_give_its_tokens_back(side: Side) -> None:
    """Revoking a refresh token ends the access that came of it, for the client alone; anybody else is refused."""
    given = await side.sign_in()
    form = {**CLIENT, "token": given["refresh_token"]}
    stranger = await side.http.post("/oauth/token/revoke", data={**form, "client_secret": "guessed"})
    assert (stranger.status_code, stranger.json()["error"]) == (401, "invalid_client")
    assert await side.status(given["access_token"]) == 200
    assert (await side.http.post("/oauth/token/revoke", data=form)).status_code == 200
    assert await side.status(given["access_token"]) == 401
    assert (await side.refresh(given["refresh_token"])).status_code == 400


async def test_what_is_no_request_for_tokens(side: Side) -> None:
    """Another client, another secret, another grant: each has its error."""
    wrong = await side.token(grant_type="refresh_token", refresh_token="r", client_secret="guessed")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    other = await side.token(grant_type="password")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_person_takes_the_access_away_by_the_admin_api(side: Side, admin: httpx.AsyncClient) -> None:
    """`DELETE /_admin/CRM/sign-ins` is the button in the CRM's settings; ONLYOFFICE has none."""
    given = await side.sign_in()
    assert (await admin.delete(f"/{side.crm.name}/sign-ins")).status_code == 204
    assert await side.status(given["access_token"]) == 401
    assert (await admin.delete("/onlyoffice/sign-ins")).status_code == 404
