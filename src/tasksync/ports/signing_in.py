"""Signing in by OAuth2."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthServer:
    """How a CRM gives out tokens: below the connection's base url, the path where a person allows it, the path where
    codes and refresh tokens are exchanged for tokens, and the scope to ask for. `pkce`: it is known to check a code
    challenge (RFC 7636).
    """

    authorize: str
    exchange: str
    scope: str
    pkce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a person's sign-in gave a connection. `audience` is where and for whom the tokens are good: they go nowhere
    else. `expires_at` is when the access token ends, by our clock; None: the CRM did not say. `refused` are the words
    with which the CRM refused to renew it: from then on only a new sign-in helps.
    """

    connection: str
    audience: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    obtained_at: datetime
    expires_at: datetime | None
    refused: str | None = None


class Tokens(Protocol):
    """Where sign-ins are kept. Shared with other processes: one may sign in or renew while another one runs."""

    def load(self, connection: str) -> SignIn | None:
        """What is stored at this moment; None when nobody has signed in. Raises `NeedsLogin` when it cannot be
        decrypted.
        """

    def save(self, sign_in: SignIn) -> None:
        """Insert or replace; committed when this returns."""

    def forget(self, connection: str) -> None:
        """Remove it; one that is not there is fine."""

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:
        """Within it, no other process and no other task renews this connection's tokens. Waits for whoever does, and
        raises `RetryLater` when that takes too long.
        """
