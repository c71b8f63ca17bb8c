"""Keeping secrets out of everything that is written down (I12).

One `Redactor` is shared by all connections and by the log: whoever learns a secret tells it, whoever writes something
down passes it through. There are two lines of defence. Secrets that were told are found by value, in every spelling
in which HTTP, JSON, XML or Basic auth show them. Values that only look like secrets, because they stand behind a name
such as `access_token`, are masked even if nobody told of them, as with a token in an answer that was never
understood.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

MASK = "***"

# Masking a shorter value would tear ordinary words and numbers apart, hide what an operator has to read, and protect
# nothing: so short a secret is guessed in no time.
SHORTEST_SECRET = 4

_DEEPEST = 16
_NAMES = r"(?:authori[sz]ation|token|passw(?:or)?d|secret|cookie|api[_-]?key|auth[_-]?key|credential)"
_SENSITIVE_NAME = re.compile(_NAMES, re.IGNORECASE)

# The repetitions are bounded and anchored so that no text, however made, costs more than linear time. Before each one
# stand the signs of which there must be one, which is sooner seen: the address of every request comes by here.
_NAMED_VALUES = (
    # "token": "value", as in JSON (also inside a JSON string) and in Python's repr of mappings, and
    # (b'set-cookie', b'value'), as httpcore shows headers
    (
        ('"', "'"),
        re.compile(
            rf"""(?P<keep>(?P<q>["'])[\w.-]{{0,40}}{_NAMES}[\w.-]{{0,40}}\\{{0,3}}(?P=q)"""
            r"""(?:\s{0,9}:\s{0,9}b?|,\s{0,9}b)\\{0,3}(?P<v>["']))(?:\\.|(?!(?P=v))[^\\])*""",
            re.IGNORECASE | re.DOTALL,
        ),
    ),
    # token=value, as in queries and forms
    (
        ("=",),
        re.compile(
            rf"""(?P<keep>(?<![\w.-])[\w.-]{{0,40}}{_NAMES}[\w.-]{{0,40}}=)[^\s&;,"'<>\\)\]}}]+""", re.IGNORECASE
        ),
    ),
    # Bearer value; a word without a digit or a sign is prose ("basic authentication")
    (
        ("",),
        re.compile(r"(?P<keep>\b(?:Bearer|Basic)\s{1,9})(?=[\w.~-]{0,400}[0-9+/=])[\w.~+/=-]{8,}", re.IGNORECASE),
    ),
)


class Redactor:
    """Replaces secrets with `***`. Knows nothing until it is told."""

    def __init__(self) -> None:
        self._spellings: set[str] = set()
        self._told: re.Pattern[str] | None = None

    def conceal(self, secret: str) -> None:
        """From now on `secret` is replaced, as well as its forms in queries, JSON, XML and Basic auth. Values shorter
        than `SHORTEST_SECRET` are left alone: masking them would only make the text unreadable.
        """
        secret = secret.strip()
        if len(secret) < SHORTEST_SECRET:
            return
        spellings = {_any_spelling(form) for form in {secret, *_base64_forms(secret)}}
        if spellings <= self._spellings:
            return
        self._spellings |= spellings
        # The longest first, or a secret that begins like another would leave the rest of the other one standing.
        self._told = re.compile("|".join(sorted(self._spellings, key=lambda one: (-len(one), one))))

    def redact(self, text: str) -> str:
        """`text` without secrets. Doing it again changes nothing."""
        if self._told is not None:
            text = self._told.sub(MASK, text)
        for signs, pattern in _NAMED_VALUES:
            if any(sign in text for sign in signs):
                text = pattern.sub(rf"\g<keep>{MASK}", text)
        return text

    def redact_bytes(self, content: bytes) -> bytes:
        """The same for the body of an answer. Bytes that are no UTF-8 stay as they are."""
        return self.redact(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def redact_data(self, data: Any) -> Any:
        """The same for the data of a log event: mappings and sequences at any depth, everything else by what its repr
        would show. Values of keys that name a secret are masked whatever they are, except None, True and whatever
        is empty, which hide nothing.
        """
        return self._redact_data(data, _DEEPEST)

    def _redact_data(self, data: Any, depth: int) -> Any:
        redacted: Any
        if isinstance(data, str):
            redacted = self.redact(data)
        elif isinstance(data, bytes):
            redacted = self.redact_bytes(data)
        elif depth and isinstance(data, Mapping):
            redacted = {self._redact_data(key, 0): self._redact_item(key, data[key], depth - 1) for key in data}
        elif depth and type(data) in (list, tuple):
            redacted = type(data)(self._redact_data(one, depth - 1) for one in data)
        elif depth and isinstance(data, AbstractSet):
            redacted = [self._redact_data(one, depth - 1) for one in data]
        else:
            # Whatever else it is, a renderer can show no more of it than this.
            shown = repr(data)
            redacted = self.redact(shown)
            redacted = data if redacted == shown else redacted
        return redacted

    def _redact_item(self, key: Any, value: Any, depth: int) -> Any:
        if names_secret(key):
            return value if not value or value is True else MASK
        return self._redact_data(value, depth)


class RedactingFilter(logging.Filter):
    """Redacts what a library logs by itself: httpx writes whole URLs, httpcore header values."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = self._redactor.redact(record.getMessage())
        record.args = ()
        return True


def names_secret(key: object) -> bool:
    """Whether a key or a header name says that its value is a secret."""
    name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
    return _SENSITIVE_NAME.search(name) is not None


def _base64_forms(secret: str) -> set[str]:
    """As Basic auth sends it: with nothing or an `x` for the password, which is how tokens travel as a user name.
    Without the padding, which some servers strip when they echo.
    """
    plain = [(secret + suffix).encode("utf-8", "surrogatepass") for suffix in ("", ":", ":x")]
    encoded = [encode(one) for one in plain for encode in (base64.b64encode, base64.urlsafe_b64encode)]
    return {one.decode("ascii").rstrip("=") for one in encoded}


def _any_spelling(form: str) -> str:
    """A pattern for `form` in which every character may be escaped on its own: servers differ in what they escape."""
    return "".join(_spellings_of(character) for character in form)


def _spellings_of(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    # "surrogatepass": a secret from a badly encoded environment must not stop the program here.
    utf16 = character.encode("utf-16-be", "surrogatepass").hex()
    hexadecimal = {
        "".join(f"\\u{utf16[start : start + 4]}" for start in range(0, len(utf16), 4)),
        "".join(f"%{byte:02x}" for byte in character.encode("utf-8", "surrogatepass")),
        f"&#x{ord(character):x};",
    }
    exact = {
        character,
        f"\\{character}",
        json.dumps(character)[1:-1],
        html.escape(character),
        f"&#{ord(character)};",
        "&apos;" if character == "'" else character,
        "+" if character == " " else character,
    }
    # Escapes first: a bare backslash must not match where it begins the escape of the same character.
    return f"(?:{_either(exact - {character})}|(?i:{_either(hexadecimal)})|{re.escape(character)})"


def _either(texts: set[str]) -> str:
    return "|".join(re.escape(text) for text in sorted(texts, key=lambda one: (-len(one), one)))
