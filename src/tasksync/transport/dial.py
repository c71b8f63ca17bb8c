"""Making connections, and keeping them together to close them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Literal

import httpx

from tasksync.ports import Clock, Meter, RateLimit
from tasksync.transport.client import Certificates, Timeouts
from tasksync.transport.halt import Halt
from tasksync.transport.headers import Quota
from tasksync.transport.limits import Monotonic, Sleep
from tasksync.transport.redaction import RedactingFilter, Redactor
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import LARGEST_BODY, Session

# Every logger that httpx and httpcore write to. A filter on a parent does not see its children's records.
_CHATTY = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


class Dialer:
    """Implements `ports.Dial`. `redactor` is shared with whatever else writes something down. As long as the dialer is
    open, what httpx logs by itself is redacted too.

    `meter` hears of every request. `transport` stands in for the network, `sleep` and `monotonic` for time.
    """

    def __init__(
        self,
        clock: Clock,
        retry: RetryPolicy,
        redactor: Redactor,
        *,
        meter: Meter | None = None,
        timeouts: Timeouts | None = None,
        largest_body: int = LARGEST_BODY,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._clock = clock
        self._retry = retry
        self._redactor = redactor
        self._timeouts = timeouts or Timeouts()
        self._certificates = Certificates()
        self._largest_body = largest_body
        self._transport = transport
        self._halt = Halt()
        self._meter = meter
        self._sleep = self._halt.cutting(sleep)
        self._monotonic = monotonic
        self._open = AsyncExitStack()
        self._sessions: list[tuple[str, Session]] = []
        log_filter = RedactingFilter(redactor)
        for name in _CHATTY:
            logger = logging.getLogger(name)
            logger.addFilter(log_filter)
            self._open.callback(logger.removeFilter, log_filter)

    def __call__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Literal["json", "xml"],
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> Session:
        """Nothing is sent yet. Raises `ConfigError` for a url that cannot be used."""
        for secret in secrets:
            self._redactor.conceal(secret)
        session = Session(
            connection=connection,
            base_url=base_url,
            limit=limit,
            expects=expects,
            headers=headers,
            clock=self._clock,
            retry=self._retry,
            redactor=self._redactor,
            timeouts=self._timeouts,
            certificates=self._certificates,
            largest_body=self._largest_body,
            transport=self._transport,
            sleep=self._sleep,
            monotonic=self._monotonic,
            halt=self._halt,
            meter=self._meter,
        )
        self._open.push_async_callback(session.close)
        self._sessions.append((connection, session))
        return session

    def stop(self) -> None:
        """From now on no request goes out: whoever sends one, or waits for its turn, gets `Stopping`. What is under way
        goes on.
        """
        self._halt.stop()

    def quota(self, connection: str) -> Quota | None:
        """What the connection's CRM says remains, until when by our clock; None if it never said."""
        told = [session.quota for name, session in self._sessions if name == connection]
        return next((quota for quota in reversed(told) if quota is not None), None)

    async def close(self) -> None:
        """Close every session made so far, even if closing one of them fails. Closing twice is fine."""
        await self._open.aclose()
