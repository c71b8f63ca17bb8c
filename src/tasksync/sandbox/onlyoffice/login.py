"""Signing in to ONLYOFFICE, and what is accepted afterwards (onlyoffice.md 1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.onlyoffice.people import ME
from tasksync.sandbox.onlyoffice.portal import Onlyoffice
from tasksync.sandbox.onlyoffice.wire import failure, success

MOST_TRIES = 5
_WINDOW = timedelta(seconds=60)
_SIGN_IN_FAILED = -2146233087
COOKIE = "asc_auth_key"
_FACTORS: dict[str, dict[str, Any]] = {"sms": {"sms": True, "phoneNoise": "+44*******12"}, "app": {"tfa": True}}


class Desk:
    """Gives out tokens and knows those that are still good."""

    def __init__(self, portal: Onlyoffice) -> None:
        self._portal = portal
        self._tokens: dict[str, datetime] = {}
        self._tries: dict[str, list[datetime]] = {}
        self._blocked: dict[str, datetime] = {}

    def sign_in(self, user: str, password: str) -> tuple[str, datetime]:
        """A new token and when it ends. Raises Refusal (500: that is what a wrong password is here; 201 without a token
        where a second factor is asked for).
        """
        now = self._portal.now()
        login = user.lower()
        self._count_try(login, now)
        if login not in {ME.email, ME.user_name} or password != self._portal.settings.password:
            raise Refusal(failure(500, "User authentication failed", _SIGN_IN_FAILED))
        self._tries[login].pop()
        factor = self._portal.settings.second_factor
        if factor != "none":
            raise Refusal(success({"token": None, **_FACTORS[factor]}, status=201))
        minutes = self._portal.settings.session_minutes
        ends = now + (timedelta(minutes=minutes) if minutes else timedelta(days=365))
        seed = f"{login} {now.isoformat()} {len(self._tokens)}".encode()
        # The ++ makes sure that a client cannot take the token for text that needs no quoting.
        token = base64.b64encode(hashlib.sha512(seed).digest()).decode().rstrip("=") + "++=="
        self._tokens[token] = ends
        return token, ends

    def _count_try(self, login: str, now: datetime) -> None:
        recent = [moment for moment in self._tries.get(login, []) if moment > now - _WINDOW]
        self._tries[login] = [*recent, now]
        if len(recent) >= MOST_TRIES:
            self._blocked[login] = now + _WINDOW
        if self._blocked.get(login, now) > now:
            raise Refusal(failure(500, "Login Fail. Too many attempts", _SIGN_IN_FAILED))

    def admit(self, request: Request) -> None:
        """Raises Refusal (401). A cookie beats the header, even a cookie that is no longer good."""
        header = request.headers.get("authorization", "")
        credentials = request.cookies.get(COOKIE) or header
        is_bearer = header.startswith("Bearer ") and self._is_token(header.removeprefix("Bearer "))
        if self._is_token(credentials) or is_bearer or self._is_basic(header):
            return
        response = failure(401)
        if header:
            response.headers["WWW-Authenticate"] = f'Basic Realm="{request.url.hostname}"'
        raise Refusal(response)

    def _is_token(self, text: str) -> bool:
        token = unquote(text).replace(" ", "+")
        ends = self._tokens.get(token)
        return token == self._portal.settings.token or (ends is not None and ends > self._portal.now())

    def _is_basic(self, header: str) -> bool:
        if not header.startswith("Basic "):
            return False
        try:
            user, _, password = base64.b64decode(header[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return user.lower() in {ME.email, ME.user_name} and password == self._portal.settings.password
