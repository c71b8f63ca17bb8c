"""The section `http`: where the daemon answers, and who may ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tasksync.config.document import Document
from tasksync.config.secrets import SecretFolders, secret_at
from tasksync.config.settings import HttpSettings, Listen

_SHORTEST_TOKEN: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """`token` is what a request has to carry, as a bearer token; None: none is asked for, as only this machine can
    reach the address.
    """

    listen: Listen
    token: str | None = field(default=None, repr=False)


def read_serving(document: Document, settings: HttpSettings | None, folders: SecretFolders) -> Serving | None:
    """What the section says; None when there is none, or after complaining to `document`."""
    values = document.values.get("http")
    if settings is None or not isinstance(values, Mapping):
        return None
    written = {"token", "token_file"} & values.keys()
    file = None if written else folders.find("http.token")
    token = secret_at(document, ("http", "token"), values, {} if file is None else {"token": file}, folders)
    if token is not None and len(token) < _SHORTEST_TOKEN:
        advice = f"needs {_SHORTEST_TOKEN} characters or more; make one with: openssl rand -hex 32"
        document.complain(("http", "token"), advice)
    if token is None and not written and not settings.listen.loopback:
        reached = "can be reached from other machines, so a token is needed as well: set token_file or token"
        document.complain(("http", "listen"), reached)
    return Serving(listen=settings.listen, token=token)
