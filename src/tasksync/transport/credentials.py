"""Secrets among the headers of a request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from tasksync.errors import NeedsLogin
from tasksync.transport.redaction import names_secret

_SENDABLE = re.compile(r"[\t\x20-\x7e]*")


def check_sendable(headers: Mapping[str, str]) -> None:
    """Raises `NeedsLogin` if a value cannot be a header's. Otherwise httpx would, and show the value."""
    for name, value in headers.items():
        if not _SENDABLE.fullmatch(value):
            raise NeedsLogin(
                f"The header {name} cannot be sent: its value holds characters that HTTP does not allow there. Check "
                "the connection's credentials for line breaks and characters other than ASCII."
            )


def secrets_in(headers: Mapping[str, str]) -> Iterator[str]:
    """What is secret in them: whole values, tokens without their scheme, and what Basic auth is made of."""
    for name, value in headers.items():
        if not names_secret(name):
            continue
        scheme, _, rest = value.strip().partition(" ")
        credentials = rest.strip() or scheme
        yield credentials
        if scheme.lower() == "basic":
            yield from _basic(credentials)


def _basic(credentials: str) -> Iterator[str]:
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return
    # With a token for the user name the password is empty or an x; otherwise the user name is no secret.
    yield user if password in ("", "x") else password
    yield user + colon + password
