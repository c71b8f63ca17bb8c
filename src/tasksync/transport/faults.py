"""What a try that brought no answer to judge means: which error, and whether another try may help.

=====================================  =============  =====================  ================================
what happened                          may have been  GET, PUT, DELETE       POST, PATCH
                                       carried out
=====================================  =============  =====================  ================================
no connection, none free, proxy        no             repeat, `Unreachable`  repeat, `Unreachable`
certificate not accepted               no             `Unreachable`          `Unreachable`
429                                    no             repeat, `Throttled`    repeat, `Throttled`
502, 503, 504                          yes            repeat, `ServerFault`  `AnswerLost`
503 with a wait that is asked for      yes            repeat, `Throttled`    `AnswerLost`
broken off, timed out, cut, a page     yes            repeat, `ServerFault`  `AnswerLost`
too large, packed strangely            yes            `ServerFault`          `AnswerLost`
=====================================  =============  =====================  ================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from tasksync.errors import AnswerLost, ServerFault, TasksyncError, Throttled, Unreachable
from tasksync.transport.address import origin
from tasksync.transport.answers import NOT_REPEATABLE
from tasksync.transport.body import Unusable
from tasksync.transport.redaction import Redactor

# The request was not even begun: httpx raises these before the first byte of it goes out.
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

_REPEATED_STATUS = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A try that failed. `repeat`: another one is safe and may help. `wait_s`: what the server asked for. `throttled`:
    the whole connection has to wait, not this request alone.
    """

    error: TasksyncError
    repeat: bool
    wait_s: float | None = None
    throttled: bool = False


class Judge:
    """Names the faults of one request. Every text that comes from outside goes through the redactor."""

    def __init__(self, request: httpx.Request, redactor: Redactor) -> None:
        self._request = request
        self._redactor = redactor

    @property
    def what(self) -> str:
        """Without the query: what a request is about, its path says, and queries are where secrets hide."""
        return self._redactor.redact(f"{self._request.method} {self._request.url.copy_with(query=None)}")

    def broken(self, error: httpx.HTTPError | OSError) -> Fault:
        """No answer, or not to its end. A TimeoutError is the bound on the whole request; other OSErrors are what
        httpx lets through from TLS.
        """
        if isinstance(error, _NOTHING_SENT):
            return self._unreachable(error)
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            return self._lost("no answer came in time", repeat=True)
        return self._lost("the connection broke before the answer was complete", repeat=True)

    def unusable(self, unusable: Unusable) -> Fault:
        advice = " Check the connection's url if this does not pass." if unusable.passing else ""
        return self._lost(unusable.reason, repeat=unusable.passing, advice=advice)

    def status(self, status: int, *, wait_s: float | None, now: datetime) -> Fault | None:
        """None for a status that is the connector's to judge. `wait_s` is what the server asked for, `now` ours."""
        if status == 429 or (status == 503 and wait_s is not None and self._repeatable):
            return self._throttled(status, wait_s, now)
        if status in _REPEATED_STATUS:
            reason = f"the CRM, or a proxy in front of it, answered with {status}"
            return self._lost(reason, repeat=True, wait_s=wait_s, throttled=wait_s is not None and status == 503)
        return None

    @property
    def _repeatable(self) -> bool:
        return self._request.method not in NOT_REPEATABLE

    def _throttled(self, status: int, wait_s: float | None, now: datetime) -> Fault:
        retry_at = None if wait_s is None else now + timedelta(seconds=wait_s)
        until = "" if retry_at is None else f" until {retry_at:%Y-%m-%d %H:%M:%S} UTC"
        error = Throttled(f"{self.what} was answered with {status}: the CRM asks to wait{until}.", retry_at=retry_at)
        return Fault(error=error, repeat=True, wait_s=wait_s, throttled=True)

    def _lost(
        self, reason: str, *, repeat: bool, wait_s: float | None = None, throttled: bool = False, advice: str = ""
    ) -> Fault:
        error: TasksyncError
        if self._repeatable:
            error = ServerFault(f"{self.what} failed: {reason}.{advice}")
        else:
            error = AnswerLost(
                f"{self.what} was sent, but {reason}. It may have been carried out all the same.{advice}"
            )
        return Fault(error=error, repeat=repeat and self._repeatable, wait_s=wait_s, throttled=throttled)

    def _unreachable(self, error: httpx.HTTPError) -> Fault:
        if isinstance(error, httpx.TimeoutException):
            said = "no connection in time"
        else:
            said = " ".join(self._redactor.redact(str(error)).split()) or "no reason given"
        certificate = "CERTIFICATE_VERIFY_FAILED" in said
        if certificate:
            advice = (
                "The certificate is not accepted. Check the connection's url; if a certificate authority of your own "
                "signed it, name its file in SSL_CERT_FILE."
            )
        else:
            advice = "Check the connection's url and the network."
        there = self._redactor.redact(origin(self._request.url))
        message = f"{self.what} was not sent, because {there} cannot be reached ({said}). {advice}"
        return Fault(error=Unreachable(message), repeat=not certificate)
