"""What is tried again, how often, after which waits, and what never is."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tasksync.errors import AnswerLost, ServerFault, TasksyncError, Throttled, Unreachable
from tasksync.ports import RateLimit
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import Session

Connect = Callable[..., Session]
Answer = httpx.Response | Exception
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAFE = ["GET", "PUT", "DELETE"]
UNSAFE = ["POST", "PATCH"]
NOTHING_SENT = [
    httpx.ConnectError("[Errno 111] Connection refused"),
    httpx.ConnectTimeout(""),
    httpx.PoolTimeout(""),
    httpx.ProxyError("407 Proxy Authentication Required"),
]
MAYBE_DONE = [
    httpx.ReadError("reset"),
    httpx.ReadTimeout(""),
    httpx.WriteError("broken pipe"),
    httpx.WriteTimeout(""),
    httpx.CloseError(""),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    TimeoutError(),
    OSError("tls went wrong"),
    httpx.Response(502),
    httpx.Response(503),
    httpx.Response(504, content=b"<html>Gateway</html>"),
    httpx.Response(200, content=b"<html>Portal is being warmed</html>"),
    httpx.Response(200, content=b'{"id":'),
]


def script(*answers: Answer) -> Callable[[httpx.Request], httpx.Response]:
    """Answers in this order, the last one for ever."""
    rest = list(answers)

    def answer(_request: httpx.Request) -> httpx.Response:
        now = rest.pop(0) if len(rest) > 1 else rest[0]
        if isinstance(now, Exception):
            raise now
        return httpx.Response(now.status_code, headers=now.headers, stream=httpx.ByteStream(now.content))

    return answer


def throttled(status: int = 429, /, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})


OK = httpx.Response(200, json={"id": 1})


def is_backoff(waits: Sequence[float]) -> bool:
    """Doubling from half a second, each with up to half a second on top."""
    return all(0.5 * 2**number <= wait_s <= 0.5 * 2**number + 0.5 for number, wait_s in enumerate(waits))


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize("trouble", NOTHING_SENT + MAYBE_DONE, ids=repr)
async def test_safe_request_is_repeated(connect: Connect, slept: list[float], method: str, trouble: Answer) -> None:
    """What can be repeated without harm is, after growing waits, until it succeeds."""
    session = connect(script(trouble, trouble, trouble, OK))
    response = await session.send(method, "tasks/1", json={"a": 1} if method == "PUT" else None)
    assert json.loads(response.body) == {"id": 1}
    assert session.requests == 4
    assert len(slept) == 3
    assert is_backoff(slept)


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize("trouble", MAYBE_DONE, ids=repr)
async def test_safe_request_is_given_up(connect: Connect, method: str, trouble: Answer) -> None:
    """After five tries it is a fault of the server, in a sentence that names the request."""
    session = connect(script(trouble))
    with pytest.raises(ServerFault, match=rf"^{method} http://crm.test/base/tasks/1 failed: .*\.$"):
        await session.send(method, "tasks/1", params=[("page", "1")])
    assert session.requests == 5


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("trouble", MAYBE_DONE, ids=repr)
async def test_unsafe_request_is_never_repeated(
    connect: Connect, slept: list[float], method: str, trouble: Answer
) -> None:
    """What may have been carried out is sent once, and the error says that it may have been."""
    session = connect(script(trouble, OK))
    with pytest.raises(AnswerLost, match=rf"^{method} http://crm.test/base/tasks was sent, but .* all the same\."):
        await session.send(method, "tasks", json={"title": "a"})
    assert session.requests == 1
    assert slept == []


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize("trouble", [*NOTHING_SENT, httpx.Response(429)], ids=repr)
async def test_unsafe_request_that_was_not_carried_out(connect: Connect, method: str, trouble: Answer) -> None:
    """What was certainly not carried out is sent again, whatever it does."""
    session = connect(script(trouble, trouble, OK))
    assert (await session.send(method, "tasks", json={})).status == 200
    assert session.requests == 3


async def test_unsafe_request_is_lost_on_a_later_try(connect: Connect) -> None:
    """Once a later try may have been carried out, there is no further one."""
    session = connect(script(httpx.ConnectError(""), httpx.ReadTimeout(""), OK))
    with pytest.raises(AnswerLost):
        await session.send("POST", "tasks", json={})
    assert session.requests == 2


@pytest.mark.parametrize("method", SAFE + UNSAFE)
@pytest.mark.parametrize("trouble", NOTHING_SENT, ids=repr)
async def test_unreachable(connect: Connect, method: str, trouble: Exception) -> None:
    """Without a connection nothing was carried out, and the message says where to look."""
    session = connect(script(trouble))
    with pytest.raises(Unreachable, match=r"was not sent, because http://crm.test cannot be reached \(.+\)\. Check"):
        await session.send(method, "tasks")
    assert session.requests == 5


async def test_certificate_that_is_not_accepted(connect: Connect, slept: list[float]) -> None:
    """A certificate does not become valid by trying again; the message names it and the way out."""
    refusal = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")
    session = connect(script(refusal), url="https://crm.test")
    with pytest.raises(Unreachable, match=r"self-signed certificate\). The certificate is not accepted.*SSL_CERT_FILE"):
        await session.send("GET", "tasks")
    assert session.requests == 1
    assert slept == []


# --- waiting as asked ---

DATE = "Sun, 01 Mar 2026 13:00:00 GMT"  # an hour ahead of our clock
SERVER = START + timedelta(hours=1)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"retry_after": "23"},
        {"retry_after": "Sun, 01 Mar 2026 13:00:23 GMT", "date": DATE},
        {"retry_after": "Sun, 01 Mar 2026 12:00:23 GMT"},
        {"x_ratelimit_reset": str(int(SERVER.timestamp()) + 23), "date": DATE},
        {"x_ratelimit_reset": str(int(START.timestamp()) + 23)},
    ],
)
async def test_asked_wait(connect: Connect, slept: list[float], method: str, headers: dict[str, str]) -> None:
    """A wait that the server asks for, by its own clock, is kept to the second."""
    session = connect(script(throttled(**headers), OK))
    await session.send(method, "tasks")
    assert slept == [23.0]
    assert session.requests == 2


async def test_reset_by_the_clock_known_from_before(connect: Connect, slept: list[float]) -> None:
    """A server that says its time only sometimes is believed by the difference measured before."""
    reset = str(int(SERVER.timestamp()) + 23)
    session = connect(script(httpx.Response(200, headers={"date": DATE}), throttled(x_ratelimit_reset=reset), OK))
    await session.send("GET", "tasks")
    await session.send("GET", "tasks")
    assert slept == [22.5]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_asked_wait_that_is_too_long(connect: Connect, slept: list[float], method: str) -> None:
    """A wait that does not fit into the time for a request is reported at once, with its end, and not begun."""
    session = connect(script(throttled(retry_after="61"), OK))
    with pytest.raises(Throttled, match=r"429: the CRM asks to wait until 2026-03-01 12:01:01 UTC\.") as caught:
        await session.send(method, "tasks")
    assert caught.value.retry_at == START + timedelta(seconds=61)
    assert slept == []
    # Neither does the next request go out before that moment.
    with pytest.raises(Throttled, match="Nothing was sent") as caught:
        await session.send("GET", "others")
    assert caught.value.retry_at == START + timedelta(seconds=61)
    assert session.requests == 1


async def test_throttled_without_a_time(connect: Connect, slept: list[float]) -> None:
    """A 429 that names no time is repeated after growing waits, then reported without a time."""
    session = connect(script(throttled()))
    with pytest.raises(Throttled, match=r"the CRM asks to wait\.") as caught:
        await session.send("POST", "tasks")
    assert caught.value.retry_at is None
    assert session.requests == 5
    assert is_backoff(slept)


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_gateway_that_asks_to_wait(connect: Connect, slept: list[float], status: int) -> None:
    """Retry-After counts on other passing faults too."""
    await connect(script(throttled(status, retry_after="7"), OK)).send("GET", "tasks")
    assert slept == [7.0]


async def test_unavailable_for_long(connect: Connect, slept: list[float]) -> None:
    """ONLYOFFICE throttles with 503 and Retry-After: that is reported like a 429."""
    with pytest.raises(Throttled) as caught:
        await connect(script(throttled(503, retry_after="100"))).send("PUT", "tasks/1")
    assert caught.value.retry_at == START + timedelta(seconds=100)
    assert slept == []


async def test_unavailable_for_what_changes_something(connect: Connect, slept: list[float]) -> None:
    """After a 503 a create may have been carried out; the connection still waits as asked."""
    session = connect(script(throttled(503, retry_after="30"), OK))
    with pytest.raises(AnswerLost):
        await session.send("POST", "tasks")
    assert session.requests == 1
    await session.send("GET", "tasks")
    assert slept == [30.0]


class Stage:
    """Time that stands still until it is moved on; who sleeps stays asleep until then."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.asleep: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    async def sleep(self, wait_s: float) -> None:
        end = asyncio.get_running_loop().create_future()
        self.asleep.append((self.elapsed_s + wait_s, end))
        await end

    async def move_on(self, by_s: float) -> None:
        self.elapsed_s += by_s
        due = [one for one in self.asleep if one[0] <= self.elapsed_s]
        self.asleep = [one for one in self.asleep if one not in due]
        for _until, end in due:
            end.set_result(None)
        await settle()


async def settle() -> None:
    """Until everything that can go on without time passing has done so."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
async def stage() -> AsyncIterator[tuple[Stage, Callable[..., Session], list[str]]]:
    """A stage, a way to open connections on it, and the paths that were asked for. The first answer on a path that
    ends in `busy` asks to wait for 20 seconds.
    """
    time, asked = Stage(), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        again = request.url.path in asked
        asked.append(request.url.path)
        return OK if again or not request.url.path.endswith("busy") else throttled(retry_after="20")

    dialer = Dialer(
        time,
        RetryPolicy(),
        Redactor(),
        transport=httpx.MockTransport(answer),
        sleep=time.sleep,
        monotonic=time.monotonic,
    )

    def dial() -> Session:
        limit = RateLimit(requests=100, per_s=1)
        return dialer(connection="office", base_url="http://crm.test", limit=limit, expects="json", headers={})

    yield time, dial, asked
    await dialer.close()


async def test_whole_connection_waits(stage: tuple[Stage, Callable[[], Session], list[str]]) -> None:
    """While one request waits as asked, others of its connection wait as well, and those of another do not."""
    time, dial, asked = stage
    session, other = dial(), dial()
    tasks = [asyncio.create_task(session.send("POST", "busy"))]
    await settle()
    tasks += [asyncio.create_task(session.send("GET", "second")), asyncio.create_task(other.send("GET", "third"))]
    await settle()
    assert asked == ["/busy", "/third"]
    await time.move_on(19.5)
    assert asked == ["/busy", "/third"]
    await time.move_on(0.5)
    assert asked[2:] == ["/busy", "/second"]
    assert [response.status for response in await asyncio.gather(*tasks)] == [200, 200, 200]


async def test_pause_that_grows_beyond_the_time(stage: tuple[Stage, Callable[[], Session], list[str]]) -> None:
    """A request whose own wait is over gives up when its connection was told to wait much longer meanwhile."""
    time, dial, asked = stage
    session = dial()
    waits = asyncio.create_task(session.send("POST", "busy"))
    await settle()
    session._gate.pause(61)
    await time.move_on(20)
    with pytest.raises(Throttled, match="before 2026-03-01 12:01:01 UTC"):
        await waits
    assert asked == ["/busy"]


async def test_backoff_of_one_holds_back_nobody(connect: Connect, slept: list[float]) -> None:
    """A gateway's fault makes one request wait, not its connection."""
    session = connect(script(httpx.Response(502)), retry=RetryPolicy(tries=1))
    with pytest.raises(ServerFault):
        await session.send("GET", "tasks")
    with pytest.raises(ServerFault):
        await session.send("GET", "tasks")
    assert slept == []


async def test_quota_slows_down(connect: Connect, slept: list[float]) -> None:
    """What an answer says of the quota holds for the next request."""
    reset = str(int(SERVER.timestamp()) + 40)
    left = {"x-ratelimit-limit": "4000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset, "date": DATE}
    limit = RateLimit(requests=4000, per_s=3600, by_quota=True)
    session = connect(script(httpx.Response(200, headers=left), OK), limit=limit)
    await session.send("GET", "tasks")
    await session.send("GET", "tasks")
    assert slept == [40.0]


# --- bounds ---


async def test_total_time(connect: Connect, slept: list[float]) -> None:
    """No try starts later than the total time after the first."""
    session = connect(script(throttled(retry_after="25"), throttled(retry_after="30"), throttled(retry_after="10"), OK))
    with pytest.raises(Throttled):
        await session.send("GET", "tasks")
    assert slept == [25.0, 30.0]


async def test_slow_tries_use_up_the_time(
    connect: Connect, slept: list[float], advance: Callable[[float], None]
) -> None:
    """Time spent on tries counts as well."""

    def answer(_request: httpx.Request) -> httpx.Response:
        advance(30)
        raise httpx.ReadTimeout("")

    session = connect(answer)
    with pytest.raises(ServerFault):
        await session.send("GET", "tasks")
    assert session.requests == 2
    assert len(slept) == 1


@pytest.mark.parametrize("settings", [{"tries": 0}, {"total": timedelta(0)}])
def test_policy_that_allows_nothing(settings: dict[str, Any]) -> None:
    """A policy without a try or without time is refused."""
    with pytest.raises(ValueError, match="at least one try"):
        RetryPolicy(**settings)


# --- secrets and tracebacks ---

SECRET = "hunter22/+=x"
FAILURES: list[tuple[str, Answer, type[TasksyncError]]] = [
    ("GET", httpx.ConnectError(f"cannot reach {SECRET}"), Unreachable),
    ("POST", httpx.ReadError(f"broke on {SECRET}"), AnswerLost),
    ("GET", httpx.Response(502, content=SECRET.encode()), ServerFault),
    ("GET", httpx.Response(429, content=SECRET.encode()), Throttled),
    ("POST", httpx.Response(200, content=f"<html>{SECRET}".encode()), AnswerLost),
]


@pytest.mark.parametrize(("method", "trouble", "expected"), FAILURES, ids=repr)
async def test_no_secret_in_an_error(
    connect: Connect, method: str, trouble: Answer, expected: type[TasksyncError]
) -> None:
    """Neither the message nor the traceback of an error shows a secret, and no cause holds the request."""
    session = connect(
        script(trouble),
        url=f"http://crm.test/{SECRET}",
        headers={"Authorization": f"Bearer {SECRET}"},
        secrets=(SECRET,),
        retry=RetryPolicy(tries=1),
    )
    with pytest.raises(expected) as caught:
        await session.send(method, "tasks", params=[("token", SECRET)], json={"password": SECRET})
    shown = [str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value))]
    assert all("hunter22" not in text for text in shown)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
