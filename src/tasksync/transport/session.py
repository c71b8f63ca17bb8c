"""One connection's requests. The only module that sends anything."""

from __future__ import annotations

import asyncio
import json as jsonlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import httpx

from tasksync.errors import Misconnected, Stopping, TasksyncError, Throttled, Unreachable
from tasksync.ports import Clock, Meter, RateLimit, Response, Traffic
from tasksync.transport.address import Address, target_of
from tasksync.transport.body import Kind, Unusable, Weighed, check_kind, read_start, read_whole
from tasksync.transport.client import Certificates, Clients, Timeouts, open_client
from tasksync.transport.credentials import check_sendable, secrets_in
from tasksync.transport.faults import Fault, Judge
from tasksync.transport.halt import Halt
from tasksync.transport.headers import Quota, asked_wait_s, quota, quota_left, server_date
from tasksync.transport.limits import Gate, Monotonic, Sleep
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import Outcome, RetryPolicy, persist
from tasksync.transport.skew import ClockDifference

LARGEST_BODY = 32 * 1024 * 1024

# Of an answer that is no success only the CRM's words matter.
_LARGEST_COMPLAINT = 256 * 1024

# Escaped to ASCII, so that half an emoji in a title, which one CRM lets through, cannot stop a request.
_COMPACT = jsonlib.JSONEncoder(separators=(",", ":"), allow_nan=False)

# After these nothing was carried out.
_NOTHING_DONE = (Unreachable, Throttled)


class Session:
    """Implements `ports.Http`. Errors and their messages: `faults`.

    Whatever is not a 2xx is redacted before anybody sees it, body and headers, because connectors quote the CRM in
    their messages and a CRM may quote the token. Successes are left as they are: they are data. `Set-Cookie` is never
    handed out.
    """

    def __init__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Kind,
        headers: Mapping[str, str],
        clock: Clock,
        retry: RetryPolicy,
        redactor: Redactor,
        timeouts: Timeouts,
        certificates: Certificates,
        largest_body: int,
        transport: httpx.AsyncBaseTransport | None,
        sleep: Sleep,
        monotonic: Monotonic,
        halt: Halt,
        meter: Meter | None,
    ) -> None:
        self._connection = connection
        self._halt = halt
        self._meter = meter
        self._address = Address(connection, base_url, redactor.redact)
        self._expects: Kind = expects
        self._headers = {"Accept": f"application/{expects}", **headers}
        self._clock = clock
        self._retry = retry
        self._redactor = redactor
        self._timeouts = timeouts
        self._largest_body = largest_body
        self._sleep = sleep
        self._monotonic = monotonic
        self._gate = Gate(limit, clock=clock, monotonic=monotonic, sleep=sleep)
        self._difference = ClockDifference()
        self._limit = limit
        self._quota: Quota | None = None
        self._requests = 0
        self._traffic = Traffic()
        self._concealed: set[str] = set()
        self._clients = Clients(
            lambda: open_client(self._address, timeouts, certificates, transport, self._refuse_redirect), monotonic
        )

    @property
    def requests(self) -> int:
        return self._requests

    @property
    def traffic(self) -> Traffic:
        return self._traffic

    @property
    def clock_difference(self) -> timedelta:
        return self._difference.value

    @property
    def quota(self) -> Quota | None:
        """What the last answer that spoke of it said of the quota, by our clock; None while there was none."""
        return self._quota

    def conceal(self, secret: str) -> None:
        self._redactor.conceal(secret)

    async def close(self) -> None:
        await self._clients.close()

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
        """See `ports.Http.send`. Also raises `NeedsLogin` when a header cannot be sent as it is, which only wrong
        credentials can cause, and `Throttled` when a wait that is longer than the retry policy allows is not over yet.
        """
        request = self._build(method.upper(), path, params, headers or {}, json, content)
        judge = Judge(request, self._redactor)
        patience_s = self._retry.total.total_seconds()
        await self._enter(patience_s)
        deadline = self._monotonic() + patience_s

        failed: list[TasksyncError] = []

        async def attempt() -> Outcome:
            outcome = await self._attempt(request, judge)
            if isinstance(outcome, Fault):
                failed.append(outcome.error)
            return outcome

        async def rest(wait_s: float) -> None:
            try:
                await self._sleep(wait_s)
                await self._enter(max(0.0, deadline - self._monotonic()))
            except (Throttled, Stopping) as nothing_sent:
                # That holds for this try alone.
                raise next((one for one in failed if not isinstance(one, _NOTHING_DONE)), nothing_sent) from None

        outcome = await persist(attempt, self._retry, monotonic=self._monotonic, rest=rest, throttled=self._gate.pause)
        if isinstance(outcome, Response):
            return outcome
        if outcome.throttled and outcome.wait_s is not None:
            # It was not waited for here, so nobody else of this connection needs to try before it is over.
            self._gate.pause(outcome.wait_s)
        raise outcome.error

    async def _enter(self, patience_s: float) -> None:
        """Wait for the request's turn. Raises `Throttled` and `Stopping`."""
        self._halt.check()
        await self._gate.enter(patience_s)
        self._halt.check()

    def _build(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        json: Any,
        content: bytes | None,
    ) -> httpx.Request:
        url = self._address.resolve(path)
        if params:
            url = url.copy_merge_params(tuple(params))
        if json is not None:
            content = _COMPACT.encode(json).encode("ascii")
        # Not by `AsyncClient.build_request`, which merges the client's headers, cookies and query anew each time.
        request = httpx.Request(method, url, headers=self._common_headers, content=content)
        if headers:
            check_sendable(headers)
            self._conceal_new(headers)
            request.headers.update(headers)
        if content is not None:
            request.headers.setdefault("Content-Type", f"application/{self._expects if json is None else 'json'}")
        return request

    @cached_property
    def _common_headers(self) -> httpx.Headers:
        """Those of all requests. Raises `NeedsLogin`."""
        check_sendable(self._headers)
        self._conceal_new(self._headers)
        common = self._clients.headers.copy()
        common.update(self._headers)
        return common

    def _conceal_new(self, headers: Mapping[str, str]) -> None:
        for secret in secrets_in(headers):
            if secret not in self._concealed:
                self._concealed.add(secret)
                self._redactor.conceal(secret)

    async def _attempt(self, request: httpx.Request, judge: Judge) -> Outcome:
        """One try: the answer, or what became of it. Raises `Misconnected` for a redirect."""
        self._requests += 1
        try:
            async with asyncio.timeout(self._timeouts.whole):
                return await self._exchange(request, judge)
        except (httpx.HTTPError, OSError) as error:
            return judge.broken(error)
        except Unusable as unusable:
            return judge.unusable(unusable)

    async def _exchange(self, request: httpx.Request, judge: Judge) -> Outcome:
        sent, started, status = self._clock.now(), self._monotonic(), None
        body: Weighed | None = None
        client = self._clients.take()
        try:
            answer = await client.send(request, stream=True)
            status = answer.status_code
            assert isinstance(answer.stream, httpx.AsyncByteStream)
            answer.stream = body = Weighed(answer.stream)
            return await self._weigh(request, answer, judge, sent)
        finally:
            received_bytes = 0 if body is None else body.received_bytes
            traffic = Traffic(received_bytes=received_bytes, sent_bytes=len(request.content))
            self._traffic += traffic
            if self._meter is not None:
                elapsed_s = self._monotonic() - started
                self._meter.requested(self._connection, request.method, status, elapsed_s, traffic)
            await self._clients.give_back(client)

    async def _weigh(self, request: httpx.Request, answer: httpx.Response, judge: Judge, sent: datetime) -> Outcome:
        try:
            headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
            wait_s = self._learn(headers, sent)
            fault = judge.status(answer.status_code, wait_s=wait_s, now=self._clock.now())
            if fault is not None:
                return fault
            return await self._accept(request, answer, headers)
        finally:
            await answer.aclose()

    def _learn(self, headers: Mapping[str, str], sent: datetime) -> float | None:
        """Take note of what an answer says about time and quota; how long it asks to wait."""
        now = self._clock.now()
        date = server_date(headers)
        if date is not None:
            self._difference.add(date, sent=sent, received=now)
        server_now = date or now + self._difference.value
        left = quota(headers)
        if left is not None:
            self._gate.observe(left, server_now)
        remaining = quota_left(headers)
        if remaining is not None:
            # Where no end of the window is told, it is the one that the CRM documents (protocols/plannr.md, 3.5).
            window = timedelta(seconds=self._limit.per_s) if left is None else left.reset - server_now
            limit = self._limit.requests if left is None or left.limit is None else left.limit
            self._quota = Quota(limit=limit, remaining=remaining, reset=now + window)
        return asked_wait_s(headers, server_now)

    async def _accept(self, request: httpx.Request, answer: httpx.Response, headers: dict[str, str]) -> Response:
        redact = self._redactor.redact
        if answer.is_success:
            body = await read_whole(answer, self._largest_body)
            check_kind(self._expects, headers.get("content-type", ""), body)
        else:
            body = self._redactor.redact_bytes(await read_start(answer, _LARGEST_COMPLAINT))
            headers = {name: redact(value) for name, value in headers.items()}
        return Response(
            status=answer.status_code,
            headers=headers,
            body=body,
            method=request.method,
            url=redact(str(request.url)),
        )

    async def _refuse_redirect(self, answer: httpx.Response) -> None:
        """Called by httpx before it looks at an answer by itself, and fails on a Location that it cannot read."""
        if 200 <= answer.status_code < 300 or answer.status_code >= 400:
            return
        request = answer.request
        location = answer.headers.get("location")
        where = "" if location is None else f" that leads to {target_of(location, request.url)}"
        raise Misconnected(
            self._redactor.redact(
                f"{request.method} {request.url.copy_with(query=None)} was answered with {answer.status_code}{where}. "
                "tasksync follows no redirect, because the credentials would go along. Check the connection's url."
            )
        )
