"""The part of an OAuth2 sign-in that a person and a browser play (RFC 6749, 4.1.1 and 4.1.2; RFC 7636; RFC 8252).

Pure: addresses in and out, nothing is sent.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749.errors import MismatchingStateException, MissingCodeException
from authlib.oauth2.rfc6749.parameters import parse_authorization_code_response, prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tasksync.errors import NeedsLogin, WrongUsage
from tasksync.transport.oauth import OAuthClient

_LONGEST_WORDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A sign-in that has begun. `url` is what the person opens; it holds nothing that has to be kept from anybody.
    `redirect_uri` is where the CRM then sends the browser. `verifier` proves that the code comes back to who asked for
    it; None where the CRM is not known to check that.
    """

    connection: str
    url: str
    redirect_uri: str
    state: str = field(repr=False)
    verifier: str | None = field(repr=False)


def begin(client: OAuthClient, redirect_uri: str) -> Authorization:
    """A sign-in of its own, with a state and a verifier that nobody can guess."""
    state = secrets.token_urlsafe(32)
    verifier = secrets.token_urlsafe(48) if client.server.pkce else None
    challenge = {}
    if verifier is not None:
        challenge = {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    url = prepare_grant_uri(
        f"{client.base_url}{client.server.authorize}",
        client_id=client.client_id,
        response_type="code",
        redirect_uri=redirect_uri,
        scope=client.server.scope,
        state=state,
        **challenge,
    )
    return Authorization(
        connection=client.connection, url=url, redirect_uri=redirect_uri, state=state, verifier=verifier
    )


def read_code(authorization: Authorization, answer: str) -> str:
    """The code in `answer`: the address that the browser was sent to, or the code alone.

    Raises `NeedsLogin` when the CRM, or the person, said no, and `WrongUsage` when it answers no question of ours.
    """
    answer = answer.strip()
    again = f"Try again with: tasksync login {authorization.connection}"
    if answer and not any(part in answer for part in ("://", "code=", "error=")):
        return answer
    said = dict(parse_qsl(urlsplit(answer).query))
    if "error" in said:
        words = ": ".join(said[key] for key in ("error", "error_description") if key in said)
        # It came by way of a browser, and goes to a terminal.
        words = "".join(character for character in words if character.isprintable())[:_LONGEST_WORDS]
        raise NeedsLogin(f"The CRM did not let connection {authorization.connection} sign in ({words}). {again}")
    try:
        found: str = parse_authorization_code_response(answer, state=authorization.state)["code"]
    except MissingCodeException:
        raise WrongUsage(f"There is no code in this. It needs the whole address, from http on. {again}") from None
    except MismatchingStateException:
        raise WrongUsage(f"This is the address of another sign-in than the one that was just begun. {again}") from None
    return found
