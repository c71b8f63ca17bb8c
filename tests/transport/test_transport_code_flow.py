"""The addresses of a sign-in: what a person opens, and what comes back."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tasksync.errors import NeedsLogin, WrongUsage
from tasksync.ports import OAuthServer
from tasksync.transport.code_flow import Authorization, begin, read_code
from tasksync.transport.oauth import OAuthClient

SERVER = OAuthServer(authorize="/oauth/authorize", exchange="/oauth/token", scope="read write", pkce=True)
CLIENT = OAuthClient(
    connection="advisers", base_url="https://crm.test/base", server=SERVER, client_id="a&b", client_secret="hush-hush"
)
REDIRECT = "http://127.0.0.1:5005/back"
BEGUN = Authorization(
    connection="advisers", url="https://crm.test", redirect_uri=REDIRECT, state="the-state", verifier=None
)


def query(authorization: Authorization) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(authorization.url).query).items()}


def test_the_address_asks_for_a_code() -> None:
    """All of RFC 6749, 4.1.1, and the S256 challenge of the verifier; nothing in it is secret."""
    begun = begin(CLIENT, REDIRECT)
    assert begun.url.startswith("https://crm.test/base/oauth/authorize?")
    assert begun.verifier is not None
    digest = hashlib.sha256(begun.verifier.encode()).digest()
    assert query(begun) == {
        "response_type": "code",
        "client_id": "a&b",
        "redirect_uri": REDIRECT,
        "scope": "read write",
        "state": begun.state,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    assert 43 <= len(begun.verifier) <= 128
    for secret in ("hush-hush", begun.verifier):
        assert secret not in begun.url
    assert begun.verifier not in repr(begun)


def test_no_challenge_where_it_is_not_known_to_be_checked() -> None:
    """A server that is not known to take PKCE gets none."""
    begun = begin(replace(CLIENT, server=replace(SERVER, pkce=False)), REDIRECT)
    assert begun.verifier is None
    assert not any(name.startswith("code_challenge") for name in query(begun))


def test_every_sign_in_is_its_own() -> None:
    """State and verifier are never the same twice."""
    begun = [begin(CLIENT, REDIRECT) for _ in range(5)]
    assert len({one.state for one in begun}) == len({one.verifier for one in begun}) == 5


@pytest.mark.parametrize(
    "answer",
    [
        f"{REDIRECT}?code=abc%2F1%3D&state=the-state",
        f"  {REDIRECT}?state=the-state&code=abc%2F1%3D\n",
        "/back?code=abc%2F1%3D&state=the-state",
        "abc/1=",
        " abc/1= ",
    ],
)
def test_the_code_is_found(answer: str) -> None:
    """In the whole address, and alone, as a person may paste it."""
    assert read_code(BEGUN, answer) == "abc/1="


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (f"{REDIRECT}?code=abc&state=another", "of another sign-in"),
        (f"{REDIRECT}?code=abc", "of another sign-in"),
        (f"{REDIRECT}?state=the-state", "There is no code"),
        (f"{REDIRECT}?code=&state=the-state", "There is no code"),
        ("", "There is no code"),
        ("   ", "There is no code"),
    ],
)
def test_what_is_no_answer(answer: str, words: str) -> None:
    """Another sign-in's address, or none at all, is wrong usage, and says how to begin again."""
    with pytest.raises(WrongUsage, match=f"{words}.*tasksync login advisers"):
        read_code(BEGUN, answer)


def test_a_refusal_is_told() -> None:
    """The CRM's own words, and nothing in them that steers a terminal."""
    refused = f"{REDIRECT}?error=access_denied&error_description=No%1b%5b31m%20way&state=the-state"
    with pytest.raises(NeedsLogin, match=r"\(access_denied: No\[31m way\).*tasksync login advisers"):
        read_code(BEGUN, refused)
