"""Encrypting the few secrets that the mirror holds, with a key that lies elsewhere.

Fernet of `cryptography`: AES-128 in CBC mode with an HMAC over it, each text under a random vector of its own. The key
is derived from whatever the operator's file holds, so that any file of enough random bytes will do.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class WrongKey(Exception):
    """The text was sealed with another key, or changed since."""


class Seal:
    """`key` is the content of the key file. HKDF makes no weak secret strong: it has to be random, not thought up."""

    def __init__(self, key: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tasksync tokens").derive(key)
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def close(self, text: str) -> str:
        """`text` encrypted, as text."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """The inverse of `close`. Raises `WrongKey`."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise WrongKey from None
