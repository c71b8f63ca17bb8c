"""No secret gets through, in whatever spelling, and nothing else is harmed."""

from __future__ import annotations

import base64
import html
import json
import logging
import time
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.transport.redaction import MASK, RedactingFilter, Redactor

SECRET = "s3cr€t/p+w=\"q' &<x>\\y z"


def json_escape(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    units = character.encode("utf-16-be").hex().upper()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def spellings(secret: str) -> dict[str, str]:
    return {
        "plain": secret,
        "query": quote(secret, safe=""),
        "query lower case": "".join(c if c.isalnum() and c.isascii() else quote(c, safe="").lower() for c in secret),
        "form": quote_plus(secret),
        "json": json.dumps(secret)[1:-1],
        "json with characters": json.dumps(secret, ensure_ascii=False)[1:-1],
        "json with slashes escaped": json.dumps(secret)[1:-1].replace("/", "\\/"),
        "json with everything escaped": "".join(map(json_escape, secret)),
        "xml": html.escape(secret),
        "xml by number": "".join(f"&#{ord(c)};" if not (c.isascii() and c.isalnum()) else c for c in secret),
        "xml by hexadecimal number": "".join(
            f"&#x{ord(c):X};" if not (c.isascii() and c.isalnum()) else c for c in secret
        ),
        "base64": base64.b64encode(secret.encode()).decode(),
        "basic, no password": base64.b64encode(f"{secret}:".encode()).decode(),
        "basic, x for a password": base64.b64encode(f"{secret}:x".encode()).decode(),
        "basic, url alphabet": base64.urlsafe_b64encode(f"{secret}:x".encode()).decode(),
    }


@pytest.mark.parametrize("spelling", spellings(SECRET))
def test_told_secret_is_masked_in_every_spelling(spelling: str) -> None:
    """A secret that was told disappears in each form in which HTTP, JSON, XML and Basic auth show it."""
    redactor = Redactor()
    redactor.conceal(SECRET)
    shown = spellings(SECRET)[spelling]
    assert redactor.redact(f"before {shown} after").replace("=", "") == f"before {MASK} after"


@given(st.text(min_size=4).filter(lambda text: len(text.strip()) >= 4), st.sampled_from(sorted(spellings(SECRET))))
def test_any_secret_is_masked(secret: str, spelling: str) -> None:
    """Whatever characters a secret is made of, no spelling of it survives."""
    secret = secret.strip()
    redactor = Redactor()
    redactor.conceal(secret)
    shown = spellings(secret)[spelling]
    # The padding of base64 may stay: it tells nothing.
    assert redactor.redact(f"<{shown}>").replace("=", "") == f"<{MASK}>"


def test_secret_of_an_odd_environment() -> None:
    """A secret with half a character in it, as a badly encoded environment gives, is concealed like any other."""
    redactor = Redactor()
    redactor.conceal("abc\udce4def")
    assert redactor.redact("abc\udce4def") == MASK
    assert redactor.redact_bytes(b"abc\xe4def") == MASK.encode()


def test_secret_that_begins_like_another() -> None:
    """Of two secrets of which one begins with the other, neither leaves a rest."""
    redactor = Redactor()
    redactor.conceal("abcd")
    redactor.conceal("abcdefgh")
    assert redactor.redact("abcdefgh abcd") == f"{MASK} {MASK}"


@pytest.mark.parametrize("secret", ["", "abc", "  ab  "])
def test_short_secret_is_left_alone(secret: str) -> None:
    """A value of under four characters is not masked, because that would tear words apart."""
    redactor = Redactor()
    redactor.conceal(secret)
    assert redactor.redact("abc cab ab") == "abc cab ab"


def test_telling_twice_changes_nothing() -> None:
    """A secret may be told as often as one likes, and redacting may be repeated."""
    redactor = Redactor()
    redactor.conceal("abcdef")
    redactor.conceal(" abcdef\n")
    once = redactor.redact("x abcdef y")
    assert redactor.redact(once) == once == f"x {MASK} y"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ('{"access_token": "abc", "id": 7}', '{"access_token": "***", "id": 7}'),
        ('{"password":"a\\"b","x":"y"}', '{"password":"***","x":"y"}'),
        ('{"error":"{\\"password\\":\\"ab\\"}"}', '{"error":"{\\"password\\":\\"***"}'),
        ("{'refresh_token': 'abc'}", "{'refresh_token': '***'}"),
        ("[(b'Set-Cookie', b'asc=abc; path=/')]", "[(b'Set-Cookie', b'***')]"),
        ("GET /x?client_secret=abc&page=2", "GET /x?client_secret=***&page=2"),
        ("asc_auth_key=abc; path=/", "asc_auth_key=***; path=/"),
        ("sent Bearer abcdefgh1", "sent Bearer ***"),
        ("Basic YWJjOng=", "Basic ***"),
    ],
)
def test_values_behind_sensitive_names(text: str, redacted: str) -> None:
    """A value that stands behind the name of a secret is masked although nobody told of it."""
    assert Redactor().redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "The CRM does not accept the token: log in again.",
        '{"errors":{"password":["The password field is required."]}}',
        '{"required": ["token", "name"]}',
        "It wants basic authentication and a bearer certificate.",
        "GET https://crm.test/tasks?status=open&page=2 answered 200",
    ],
)
def test_prose_is_left_alone(text: str) -> None:
    """Sentences about tokens and passwords stay readable."""
    assert Redactor().redact(text) == text


@pytest.mark.parametrize("piece", ['"token', "token", "Bearer ", "a", '"\\'])
def test_cost_is_bounded(piece: str) -> None:
    """A large answer made to defeat the patterns takes time in proportion to its length."""
    redactor = Redactor()
    redactor.conceal("abcdef/+")
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    redactor.redact(text)
    # Quadratic time would be minutes.
    assert time.process_time() - started < 10


class Pair(NamedTuple):
    left: str
    right: str


class Shown:
    def __repr__(self) -> str:
        return "Shown(hunter22)"


def test_data_of_log_events() -> None:
    """Nested data is redacted by value and by key, and what is harmless keeps its type and identity."""
    redactor = Redactor()
    redactor.conceal("hunter22")
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    error = ValueError("harmless")
    data = {
        "event": "poll hunter22",
        "headers": {"Authorization": "anything", b"cookie": b"x=y", "Accept": "json"},
        "pages": [1, ("hunter22", b"a hunter22"), {"hunter22"}],
        "token": None,
        "password_set": True,
        "secret": "",
        "pair": Pair("hunter22", "x"),
        "moment": moment,
        "error": error,
        "object": Shown(),
        "hunter22": 1.5,
    }
    redacted = redactor.redact_data(data)
    assert redacted == {
        "event": "poll ***",
        "headers": {"Authorization": MASK, b"cookie": MASK, "Accept": "json"},
        "pages": [1, (MASK, b"a ***"), [MASK]],
        "token": None,
        "password_set": True,
        "secret": "",
        "pair": "Pair(left='***', right='x')",
        "moment": moment,
        "error": error,
        "object": "Shown(***)",
        MASK: 1.5,
    }
    assert redacted["error"] is error


def test_data_that_contains_itself() -> None:
    """Data that refers to itself is redacted and ends."""
    redactor = Redactor()
    redactor.conceal("hunter22")
    data: list[object] = ["hunter22"]
    data.append(data)
    assert "hunter22" not in repr(redactor.redact_data(data))


def test_filter_redacts_foreign_records() -> None:
    """A record that a library logs with arguments comes out redacted and can still be formatted."""
    redactor = Redactor()
    redactor.conceal("hunter22")
    record = logging.LogRecord("httpx", logging.INFO, __file__, 1, "GET %s%%", ("http://x/?t=hunter22",), None)
    assert RedactingFilter(redactor).filter(record)
    assert record.getMessage() == "GET http://x/?t=***%"
