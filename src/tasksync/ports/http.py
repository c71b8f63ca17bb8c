"""HTTP, as connectors see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol

from tasksync.ports.cost import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer. `body` was read to its end and is no longer than the transport's limit; header names are lower
    case.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `requests` per `per_s` seconds. With `by_quota` the server's X-RateLimit-Remaining and -Reset spread what
    is left over the time that is left.
    """

    requests: int
    per_s: float
    by_quota: bool = False


class Http(Protocol):
    """One connection's way to its CRM: timeouts, retries of what is safe, rate limit, size limit, redaction."""

    @property
    def requests(self) -> int:
        """How many requests went out so far, every try counted."""

    @property
    def traffic(self) -> Traffic:
        """What they and their answers came to so far."""

    @property
    def clock_difference(self) -> timedelta:
        """The CRM's clock minus ours, from its `Date` headers; zero while there was none."""

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
    ) -> Response:
        """One request to `path` below the connection's base url (an absolute url only if it has the same origin).

        Repeats GET, PUT and DELETE when that may help; never POST and PATCH. Returns every answer the connector has to
        judge: 2xx, 4xx other than 429, and 500. Raises `Unreachable`, `Throttled`, `AnswerLost`, `ServerFault` (see
        `errors`) for the rest, and `Misconnected` for a redirect.
        """

    def conceal(self, secret: str) -> None:
        """From now on, `secret` (and its base64 and url-quoted forms) never shows in logs or errors."""

    async def close(self) -> None:
        """Give the sockets back."""


class Dial(Protocol):
    """Makes the `Http` of one connection. Connectors get it from outside; they know no transport of their own."""

    def __call__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Literal["json", "xml"],
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> Http: ...
