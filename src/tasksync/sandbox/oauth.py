"""A CRM's OAuth2 server (RFC 6749, 7636, 7009): the page and the endpoints below `/oauth`, and what they gave out."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tasksync.ports import Clock
from tasksync.sandbox.answers import Refusal, page
from tasksync.sandbox.crm import Crm, Settings

_CODE_LIVES = timedelta(minutes=10)


class OAuthSettings(Settings):
    """What the registered client is, and how the CRM treats it.

    `consent`: what the person answers. `access_s`: how long an access token is good; `access_uses`: for how many
    requests (None: any number). `rotates`: a refresh brings a new refresh token and ends the old one, which is taken
    once more with `grace`. `refresh_ends_access`: it also ends the access tokens of the old one. `dead_refresh`: what
    the error for a refresh token that is no good is called (plannr.md 2.3).
    """

    client_id: str = "sandbox"
    client_secret: str = "sandbox-secret"
    consent: Literal["approve", "deny"] = "approve"
    access_s: int = Field(default=3600, ge=1)
    access_uses: int | None = Field(default=None, ge=1)
    rotates: bool = True
    grace: bool = False
    refresh_ends_access: bool = False
    dead_refresh: Literal["invalid_grant", "invalid_request"] = "invalid_grant"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    redirect_uri: str
    challenge: str | None
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Access:
    refresh: str
    ends: datetime
    uses: int = 0


class OAuthCrm(Crm):
    """A CRM that takes the token of its settings, and those that its OAuth2 server gave out."""

    settings: OAuthSettings

    def __init__(self, clock: Clock, settings: OAuthSettings) -> None:
        super().__init__(clock, settings)
        self.sign_ins = SignIns(self)

    def accepts(self, token: str) -> bool:
        """Whether a request with this token is let in; counts it."""
        return token == self.settings.token or self.sign_ins.accepts(token)


class SignIns:
    """All that was given out. Access tokens are good until they end, are used up, or are revoked."""

    def __init__(self, crm: OAuthCrm) -> None:
        self._crm = crm
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Access] = {}
        self._refresh: set[str] = set()
        self._graced: set[str] = set()

    def accepts(self, token: str) -> bool:
        """Whether this is an access token that is good; counts its use."""
        found = self._access.get(token)
        if found is None or found.ends <= self._crm.now():
            return False
        most = self._crm.settings.access_uses
        if most is not None and found.uses >= most:
            return False
        self._access[token] = replace(found, uses=found.uses + 1)
        return True

    def expire(self) -> None:
        """End all access tokens, as time would."""
        self._access.clear()

    def revoke(self) -> None:
        """What a person does in the CRM's settings: the client has no access any more, until it is allowed again."""
        self._access.clear()
        self._refresh.clear()
        self._graced.clear()

    def allow(self, redirect_uri: str, challenge: str | None) -> str:
        """A code for what the person just allowed."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(redirect_uri=redirect_uri, challenge=challenge, ends=self._crm.now() + _CODE_LIVES)
        return code

    def redeem(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code. Raises Refusal; a code is gone after the first try."""
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.ends <= self._crm.now():
            raise Refusal(_error("invalid_grant", "The authorization code is invalid or has expired"))
        if code.redirect_uri != form.get("redirect_uri"):
            raise Refusal(_error("invalid_grant", "The redirect URI is another one than that of the code"))
        if code.challenge is not None and code.challenge != _challenge(form.get("code_verifier", "")):
            raise Refusal(_error("invalid_grant", "The code verifier does not match the code challenge"))
        return self._give(self._new_refresh())

    def refresh(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a refresh token. Raises Refusal."""
        token = form.get("refresh_token", "")
        if token not in self._refresh and token not in self._graced:
            error = self._crm.settings.dead_refresh
            raise Refusal(_error(error, "The refresh token is invalid", 401 if error == "invalid_request" else 400))
        if self._crm.settings.refresh_ends_access:
            self._access = {one: found for one, found in self._access.items() if found.refresh != token}
        if not self._crm.settings.rotates:
            return self._give(token)
        if self._crm.settings.grace and token in self._refresh:
            self._graced.add(token)
        else:
            self._graced.discard(token)
        self._refresh.discard(token)
        return self._give(self._new_refresh())

    def forget(self, token: str) -> None:
        """The client gives a token back (RFC 7009); a refresh token with the access that came of it."""
        self._refresh.discard(token)
        self._graced.discard(token)
        self._access = {one: found for one, found in self._access.items() if token not in {one, found.refresh}}

    def _new_refresh(self) -> str:
        token = f"sandbox-refresh-{secrets.token_urlsafe(24)}"
        self._refresh.add(token)
        return token

    def _give(self, refresh: str) -> dict[str, Any]:
        access = f"sandbox-access-{secrets.token_urlsafe(24)}"
        lives = self._crm.settings.access_s
        self._access[access] = _Access(refresh=refresh, ends=self._crm.now() + timedelta(seconds=lives))
        return {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": lives}


class OAuthPages:
    """The endpoints. `extra` is what this CRM adds to its answers with tokens."""

    def __init__(self, crm: OAuthCrm, **extra: str) -> None:
        self._crm = crm
        self._extra = extra

    def routes(self, *, authorize: str) -> list[Route]:
        """Below the CRM's base url; `authorize` is the path of the page, which every CRM spells in its own way."""
        return [
            Route(authorize, self._authorize),
            Route("/oauth/token", self._token, methods=["POST"]),
            Route("/oauth/token/revoke", self._revoke, methods=["POST"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        """The person is signed in to the CRM already, and says yes, or whatever the settings want, at once."""
        query = request.query_params
        redirect_uri = query.get("redirect_uri", "")
        known = query.get("client_id") == self._crm.settings.client_id and query.get("response_type") == "code"
        if not known or not urlsplit(redirect_uri).hostname or query.get("code_challenge_method", "S256") != "S256":
            # Nobody is sent to an address that a stranger gave.
            return page(400)
        state = {"state": query["state"]} if "state" in query else {}
        if self._crm.settings.consent == "deny":
            denied = {"error": "access_denied", "error_description": "The user denied the request"}
            return RedirectResponse(f"{redirect_uri}?{urlencode(denied | state)}", 302)
        code = self._crm.sign_ins.allow(redirect_uri, query.get("code_challenge"))
        return RedirectResponse(f"{redirect_uri}?{urlencode({'code': code} | state)}", 302)

    async def _token(self, request: Request) -> Response:
        form = await _form(request)
        grants = {"authorization_code": self._crm.sign_ins.redeem, "refresh_token": self._crm.sign_ins.refresh}
        grant = grants.get(form.get("grant_type", ""))
        if not self._is_client(form):
            return _WRONG_CLIENT
        if grant is None:
            return _error("unsupported_grant_type", "This grant type is not supported")
        try:
            return JSONResponse(grant(form) | self._extra, headers={"Cache-Control": "no-store"})
        except Refusal as refusal:
            return refusal.response

    async def _revoke(self, request: Request) -> Response:
        form = await _form(request)
        if not self._is_client(form):
            return _WRONG_CLIENT
        self._crm.sign_ins.forget(form.get("token", ""))
        return Response(status_code=200)

    def _is_client(self, form: Mapping[str, str]) -> bool:
        known = {"client_id": self._crm.settings.client_id, "client_secret": self._crm.settings.client_secret}
        return all(form.get(name) == value for name, value in known.items())


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("latin-1")))


def _error(error: str, description: str, status: int = 400) -> Response:
    """RFC 6749, 5.2; `message` is what Laravel adds."""
    return JSONResponse({"error": error, "error_description": description, "message": description}, status)


_WRONG_CLIENT = _error("invalid_client", "Client authentication failed", 401)


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
