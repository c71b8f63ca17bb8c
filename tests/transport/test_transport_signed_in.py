"""Requests under a sign-in: renewed in time, by one at a time, stored before it is used, and never in a loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tasksync.errors import MirrorUnusable, NeedsLogin
from tasksync.ports import OAuthServer, RateLimit, SignIn
from tasksync.store.tokens import HeldTokens
from tasksync.transport.oauth import OAuthClient
from tasksync.transport.signed_in import OAuthDialer, SignedIn

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLIENT = OAuthClient(
    connection="capsule",
    base_url="http://crm.test",
    server=OAuthServer(authorize="/oauth/authorise", exchange="/oauth/token", scope="read write"),
    client_id="us",
    client_secret="hush-hush",
)
STORED = SignIn(
    connection="capsule",
    audience=CLIENT.audience,
    access_token="access-0",
    refresh_token="refresh-0",
    obtained_at=START,
    expires_at=START + timedelta(hours=1),
)


class Killed(BaseException):
    """The process ended here, as far as a process can be ended within a test."""


@dataclass
class Crm:
    """Lets in the last access token that it gave out, and takes each refresh token once (`grace`: its predecessor
    too).
    """

    good: str = "access-0"
    renewable: str = "refresh-0"
    before: str | None = None
    grace: bool = False
    seen: list[str] = field(default_factory=list)
    renewals: int = 0
    gate: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: deque[int] = field(default_factory=deque)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            self.seen.append("renew")
            return await self._renew(parse_qs(request.content.decode())["refresh_token"][0])
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.seen.append(f"{request.method} {token}")
        if self.answers:
            return httpx.Response(self.answers.popleft(), json={})
        return httpx.Response(200 if token == self.good else 401, json={})

    async def _renew(self, token: str) -> httpx.Response:
        self.asked.set()
        if token != self.renewable and not (self.grace and token == self.before):
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.renewals += 1
        self.before, self.renewable, self.good = token, f"refresh-{self.renewals}", f"access-{self.renewals}"
        given = {"access_token": self.good, "refresh_token": self.renewable, "expires_in": 3600}
        if self.gate is not None:
            await self.gate.wait()
        return httpx.Response(200, json=given)


class Shelf(HeldTokens):
    """Tokens that several processes share. `fails`: what storing ends with; `meanwhile`: what another process does
    while one waits for its turn.
    """

    def __init__(self, *sign_ins: SignIn) -> None:
        super().__init__(*sign_ins)
        self.turn = asyncio.Lock()
        self.fails: BaseException | None = None
        self.meanwhile: Callable[[], None] | None = None
        self.saved: list[SignIn] = []

    def save(self, sign_in: SignIn) -> None:
        if self.fails is not None:
            raise self.fails
        super().save(sign_in)
        self.saved.append(sign_in)

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:
        assert connection == "capsule"
        return self._exclusive()

    @asynccontextmanager
    async def _exclusive(self) -> AsyncIterator[None]:
        async with self.turn:
            if self.meanwhile is not None:
                self.meanwhile()
            yield


@pytest.fixture
def crm() -> Crm:
    return Crm()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(STORED)


@pytest.fixture
def process(dialer: Callable[..., Any], time: Any, crm: Crm, shelf: Shelf) -> Callable[[], SignedIn]:
    """A session of a process of its own, on the same shelf."""

    def start(headers: Mapping[str, str] | None = None) -> SignedIn:
        dial = dialer(transport=httpx.MockTransport(crm))
        return OAuthDialer(dial, CLIENT, shelf, time)(
            connection="capsule",
            base_url="http://crm.test",
            limit=RateLimit(requests=10_000, per_s=1),
            expects="json",
            headers=headers or {"Accept": "application/json"},
        )

    return start


@pytest.fixture
def http(process: Callable[[], SignedIn]) -> SignedIn:
    return process()


async def test_every_request_carries_the_token(http: SignedIn, crm: Crm) -> None:
    """What is stored and still good is used as it is, and nobody asks for more."""
    for method in ("GET", "POST"):
        assert (await http.send(method, "/tasks", json=None if method == "GET" else {})).status == 200
    assert crm.seen == ["GET access-0", "POST access-0"]
    assert http.requests == 2


@pytest.mark.parametrize(
    ("life_s", "at_s", "seen"),
    [
        (3600, 3539, ["GET access-0"]),
        (3600, 3541, ["renew", "GET access-1"]),
        (60, 53, ["GET access-0"]),
        (60, 55, ["renew", "GET access-1"]),
    ],
)
async def test_it_is_renewed_a_little_before_its_end(
    process: Callable[[], SignedIn], crm: Crm, shelf: Shelf, advance: Any, life_s: int, at_s: int, seen: list[str]
) -> None:
    """A minute before, or a tenth of its life if that is shorter."""
    shelf.save(replace(STORED, expires_at=START + timedelta(seconds=life_s)))
    advance(at_s)
    http = process()
    await http.send("GET", "/tasks")
    assert crm.seen == seen
    assert http.requests == len(seen)
    # A GET has no body, a renewal has.
    assert (http.traffic.sent_bytes > 0) == ("renew" in seen)
    assert http.traffic.received_bytes >= len(b"{}")


async def test_what_is_renewed_is_stored_before_it_is_used(http: SignedIn, crm: Crm, shelf: Shelf) -> None:
    """When storing fails, the new token is not used, and the error is the mirror's."""
    crm.good = "none"
    shelf.fails = MirrorUnusable("full")
    with pytest.raises(MirrorUnusable):
        await http.send("GET", "/tasks")
    assert crm.seen == ["GET access-0", "renew"]


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_401_is_answered_with_a_renewal_and_the_request_sent_once_more(
    http: SignedIn, crm: Crm, shelf: Shelf, method: str
) -> None:
    """Whatever it is: it was not carried out. The new pair is stored."""
    crm.good = "none"
    response = await http.send(method, "/tasks")
    assert response.status == 200
    assert crm.seen == [f"{method} access-0", "renew", f"{method} access-1"]
    assert [one.refresh_token for one in shelf.saved] == ["refresh-1"]


async def test_a_second_401_ends_it(http: SignedIn, crm: Crm) -> None:
    """A token that is refused a moment after it was given out is not renewed again."""
    crm.answers.extend([401, 401])
    with pytest.raises(NeedsLogin, match=r"even a token that it gave out a moment ago.*tasksync login capsule"):
        await http.send("GET", "/tasks")
    assert crm.seen == ["GET access-0", "renew", "GET access-1"]


async def test_other_refusals_are_the_connectors_to_judge(http: SignedIn, crm: Crm) -> None:
    """A 403 is no matter of tokens."""
    crm.answers.append(403)
    assert (await http.send("GET", "/tasks")).status == 403
    assert crm.seen == ["GET access-0"]


async def test_requests_at_once_share_one_renewal(http: SignedIn, crm: Crm) -> None:
    """Ten requests meet the end of a token at the same time: it is renewed once."""
    crm.good = "none"
    answers = await asyncio.gather(*(http.send("GET", "/tasks") for _ in range(10)))
    assert {one.status for one in answers} == {200}
    assert crm.renewals == 1


async def test_two_processes_never_burn_each_others_token(process: Callable[[], SignedIn], crm: Crm) -> None:
    """Both find the token ended at the same moment: one renews it, the other takes what that one stored."""
    crm.good = "none"
    crm.gate = asyncio.Event()
    running = [asyncio.create_task(process().send("GET", "/tasks")) for _ in range(2)]
    await crm.asked.wait()
    crm.gate.set()
    assert [(await one).status for one in running] == [200, 200]
    assert (crm.seen.count("renew"), crm.renewals) == (1, 1)


async def test_what_another_process_renewed_while_one_waited_is_taken(http: SignedIn, crm: Crm, shelf: Shelf) -> None:
    """Under the lock, what is stored is read again before the CRM is asked."""
    crm.good = "access-elsewhere"
    shelf.meanwhile = lambda: shelf.save(replace(STORED, access_token="access-elsewhere"))
    assert (await http.send("GET", "/tasks")).status == 200
    assert crm.seen == ["GET access-0", "GET access-elsewhere"]


async def test_a_dead_refresh_token_is_remembered(process: Callable[[], SignedIn], crm: Crm, shelf: Shelf) -> None:
    """The refusal is stored: later requests and processes tell it without asking again, until somebody signs in."""
    crm.good = crm.renewable = "none"
    http = process()
    for one in (http, http, process()):
        with pytest.raises(NeedsLogin, match=r"invalid_grant.*tasksync login capsule"):
            await one.send("GET", "/tasks")
    assert crm.seen == ["GET access-0", "renew"]
    crm.good = "access-new"
    shelf.save(replace(STORED, access_token="access-new"))
    assert (await http.send("GET", "/tasks")).status == 200


async def test_what_passes_is_not_remembered(http: SignedIn, crm: Crm, shelf: Shelf) -> None:
    """A CRM that is ill when a token has to be renewed is asked again the next time."""
    crm.good = "none"
    ill = crm._renew

    async def fail(token: str) -> httpx.Response:
        del token
        return httpx.Response(500, json={"error": "server_error"})

    crm._renew = fail  # type: ignore[method-assign]  # for this once
    with pytest.raises(Exception, match="500"):
        await http.send("GET", "/tasks")
    crm._renew = ill  # type: ignore[method-assign]  # as it was
    assert (await http.send("GET", "/tasks")).status == 200
    assert [one.refused for one in shelf.saved] == [None]


async def test_nobody_has_signed_in(process: Callable[[], SignedIn], crm: Crm, shelf: Shelf) -> None:
    """Without a sign-in nothing is sent, and the message says how to get one."""
    shelf.forget("capsule")
    with pytest.raises(NeedsLogin, match=r"Nobody has signed in connection capsule yet.*tasksync login capsule"):
        await process().send("GET", "/tasks")
    assert crm.seen == []


@pytest.mark.parametrize("changed", [{"base_url": "http://evil.test"}, {"client_id": "others"}])
async def test_tokens_go_nowhere_else(process: Callable[[], SignedIn], crm: Crm, shelf: Shelf, changed: Any) -> None:
    """When the config leads to another url or client, the old tokens are not sent there."""
    shelf.save(replace(STORED, audience=replace(CLIENT, **changed).audience))
    with pytest.raises(NeedsLogin, match="for another url or client_id"):
        await process().send("GET", "/tasks")
    assert crm.seen == []


async def test_killed_between_the_answer_and_the_store(process: Callable[[], SignedIn], crm: Crm, shelf: Shelf) -> None:
    """The new pair is lost: one clear sentence says to sign in, and after that nothing is asked again."""
    await kill_in_the_renewal(process, crm, shelf)
    for _ in range(2):
        with pytest.raises(NeedsLogin, match=r"stopped in the moment of its last renewal.*tasksync login capsule"):
            await process().send("GET", "/tasks")
    assert crm.seen == ["GET access-0", "renew"]


async def test_a_crm_that_takes_a_used_refresh_token_once_more(
    process: Callable[[], SignedIn], crm: Crm, shelf: Shelf
) -> None:
    """After the same end it just gives another pair, and nothing has happened."""
    crm.grace = True
    await kill_in_the_renewal(process, crm, shelf)
    assert (await process().send("GET", "/tasks")).status == 200
    assert crm.seen == ["GET access-0", "renew", "GET access-2"]


async def kill_in_the_renewal(process: Callable[[], SignedIn], crm: Crm, shelf: Shelf) -> None:
    """When the answer is there, and before it is stored."""
    crm.good = "none"
    shelf.fails = Killed()
    with pytest.raises(Killed):
        await process().send("GET", "/tasks")
    shelf.fails = None
    crm.seen.clear()


async def test_cancelled_in_the_middle_of_a_renewal_it_is_stored_all_the_same(
    process: Callable[[], SignedIn], crm: Crm, shelf: Shelf
) -> None:
    """Ctrl-C, or another connection's failure, waits for the answer and the commit: the token is not lost."""
    crm.good = "none"
    crm.gate = asyncio.Event()
    running = asyncio.create_task(process().send("GET", "/tasks"))
    await crm.asked.wait()
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    crm.gate.set()
    with suppress(asyncio.CancelledError):
        await running
    assert running.cancelled()
    assert [one.access_token for one in shelf.saved] == ["access-1"]
    assert not shelf.turn.locked()


async def test_closing_gives_everything_back(http: SignedIn) -> None:
    """Both ways, that of the requests and that of the tokens."""
    await http.close()
    with pytest.raises(RuntimeError, match="closed"):
        await http.send("GET", "/tasks")


async def test_tokens_are_concealed(http: SignedIn, crm: Crm, redactor: Any) -> None:
    """Those that were stored and those that came of a renewal, before anybody could write them down."""
    crm.good = "none"
    await http.send("GET", "/tasks")
    assert redactor.redact("access-0 refresh-0 access-1 refresh-1 hush-hush") == "*** *** *** *** ***"
