"""OAuth2 at a CRM's token endpoint: a code becomes a sign-in, and a sign-in is renewed (RFC 6749, 4.1.3 and 6).

Authlib writes and reads the protocol (here the bodies; in `code_flow` the addresses and the code challenge). Its
session classes are not used: they would send by a client of their own, past this package's rules of what is repeated,
how long is waited, how much is read and what is concealed; and they renew a token without asking whether another
process has just done so, which with rotating refresh tokens burns both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from authlib.oauth2.rfc6749.parameters import prepare_token_request

from tasksync.errors import AnswerLost, Misconnected, NeedsLogin, ServerFault, TasksyncError
from tasksync.ports import Clock, Dial, Http, OAuthServer, RateLimit, Response, SignIn, Traffic
from tasksync.transport.answers import parse_json, unreadable

# Nobody documents a limit of its own; Laravel's usual one stands in (protocols/plannr.md, 2.3, [F]).
_LIMIT: Final = RateLimit(requests=60, per_s=60)
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
# What older servers behind Plannr call a refresh token that they do not know (protocols/plannr.md, 2.3, [I]).
_DEAD: Final = frozenset({"invalid_grant", "invalid_request"})
_WORDS: Final = ("error", "error_description", "message", "hint")
_LONGEST_WORDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """One connection as a client of its CRM's OAuth2 server. `redirect_uri` is the one that is registered there, if the
    config names it.
    """

    connection: str
    base_url: str
    server: OAuthServer
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str | None = None

    @property
    def audience(self) -> str:
        """See `ports.SignIn`."""
        return f"{self.client_id} at {self.base_url}"

    @property
    def remedy(self) -> str:
        """The end of every message after which only a person can help."""
        return f"Sign in again with: tasksync login {self.connection}"


class SignInRefused(NeedsLogin):
    """The CRM does not take this refresh token, and never will again."""


class TokenEndpoint:
    """Asks for tokens. What it gets is concealed before anybody else sees it.

    Whatever is raised says that the request for whose sake this was asked did not go out: never `AnswerLost`, never an
    error about one record.
    """

    def __init__(self, client: OAuthClient, dial: Dial, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._http: Http = dial(
            connection=client.connection,
            base_url=client.base_url,
            limit=_LIMIT,
            expects="json",
            headers={"Accept": "application/json"},
            secrets=(client.client_secret,),
        )

    @property
    def requests(self) -> int:
        return self._http.requests

    @property
    def traffic(self) -> Traffic:
        return self._http.traffic

    def conceal(self, sign_in: SignIn) -> None:
        """Keep its tokens out of logs and errors."""
        for secret in (sign_in.access_token, sign_in.refresh_token):
            if secret:
                self._http.conceal(secret)

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str | None) -> SignIn:
        """What `code` is good for. Raises `NeedsLogin` when the CRM does not take it."""
        for secret in (code, verifier):
            if secret:
                self._http.conceal(secret)
        asked_at = self._clock.now()
        response = await self._ask("authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier)
        if _error(response) == "invalid_grant":
            raise NeedsLogin(
                f"The CRM does not take the code ({_words(response)}): it is good only once, for a few minutes and for "
                f"the sign-in that it was given for. Try again with: tasksync login {self._client.connection}"
            )
        return self._sign_in(self._require(response), asked_at, refresh_token=None)

    async def renew(self, sign_in: SignIn) -> SignIn:
        """The next sign-in; the refresh token of `sign_in` may be worth nothing from now on, even if this raises.

        Raises `SignInRefused` when it was worth nothing already, `NeedsLogin` when there is none.
        """
        if sign_in.refresh_token is None:
            raise NeedsLogin(
                f"The sign-in of connection {self._client.connection} has ended, and the CRM gave nothing to renew it "
                f"with. {self._client.remedy}"
            )
        asked_at = self._clock.now()
        response = await self._ask("refresh_token", refresh_token=sign_in.refresh_token)
        if _error(response) in _DEAD:
            raise SignInRefused(
                f"The CRM does not renew the sign-in of connection {self._client.connection} ({_words(response)}): it "
                "was revoked or has ended, or tasksync was stopped in the moment of its last renewal. "
                f"{self._client.remedy}"
            )
        # Without a new one the old one stays good (protocols/plannr.md, 2.3, [T]).
        return self._sign_in(self._require(response), asked_at, refresh_token=sign_in.refresh_token)

    async def close(self) -> None:
        await self._http.close()

    async def _ask(self, grant_type: str, **given: str | None) -> Response:
        client = self._client
        # In the body and not as Basic auth, which neither CRM is known to take (protocols/capsule.md, 1.2;
        # protocols/plannr.md, 2.3).
        body: str = prepare_token_request(
            grant_type, client_id=client.client_id, client_secret=client.client_secret, **given
        )
        try:
            return await self._http.send("POST", client.server.exchange, headers=_FORM, content=body.encode("ascii"))
        except AnswerLost as lost:
            raise ServerFault(f"No tokens for connection {client.connection} this time. {lost}") from lost

    def _require(self, response: Response) -> Response:
        if 200 <= response.status < 300:
            return response
        said = f"POST {response.url} was answered with {response.status}: {_words(response) or 'no reason given'}"
        raise self._meaning(response)(said if response.status >= 500 else f"{said}. {self._advice(response)}")

    def _meaning(self, response: Response) -> type[TasksyncError]:
        if response.status >= 500:
            return ServerFault
        return NeedsLogin if _error(response) or response.status in (401, 403) else Misconnected

    def _advice(self, response: Response) -> str:
        if _error(response) or response.status in (401, 403):
            return f"Check client_id and client_secret of connection {self._client.connection}."
        return "Check the connection's url."

    def _sign_in(self, response: Response, asked_at: datetime, *, refresh_token: str | None) -> SignIn:
        try:
            answer = parse_json(response)
            access_token = _text(answer, "access_token")
            if access_token is None or (_text(answer, "token_type") or "bearer").lower() != "bearer":
                raise unreadable(response, "no bearer token")
        except AnswerLost as lost:
            raise ServerFault(f"No tokens for connection {self._client.connection} this time. {lost}") from lost
        life = _seconds(answer.get("expires_in"))
        sign_in = SignIn(
            connection=self._client.connection,
            audience=self._client.audience,
            access_token=access_token,
            refresh_token=_text(answer, "refresh_token") or refresh_token,
            obtained_at=asked_at,
            expires_at=None if life is None else asked_at + life,
        )
        self.conceal(sign_in)
        return sign_in


def _said(response: Response) -> Mapping[str, Any]:
    try:
        said = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _error(response: Response) -> str | None:
    """The code of RFC 6749, 5.2, in an answer that is no success."""
    return None if 200 <= response.status < 300 or response.status >= 500 else _text(_said(response), "error")


def _words(response: Response) -> str:
    """Code and description, whatever the CRM calls it. They were redacted with the body."""
    said = _said(response)
    found = dict.fromkeys(text for name in _WORDS if (text := _text(said, name)) is not None)
    return " ".join(": ".join(found).split())[:_LONGEST_WORDS]


def _text(answer: Any, name: str) -> str | None:
    found = answer.get(name) if isinstance(answer, Mapping) else None
    return found if isinstance(found, str) and found else None


def _seconds(value: Any) -> timedelta | None:
    """`expires_in`; None for anything that is no time to come."""
    try:
        return timedelta(seconds=float(value)) if float(value) > 0 else None
    except (TypeError, ValueError, OverflowError):
        return None
