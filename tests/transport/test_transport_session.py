"""What goes out, what comes back, and what is refused: against answers made in memory."""

from __future__ import annotations

import base64
import gzip
import json
import logging
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from http.cookiejar import CookieJar
from typing import Any

import httpx
import pytest

from tasksync import __version__
from tasksync.errors import AnswerLost, ConfigError, Misconnected, NeedsLogin, ServerFault, TasksyncError
from tasksync.ports import Dial, Http, RateLimit, Traffic
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.session import Session

Connect = Callable[..., Session]
ONCE = RetryPolicy(tries=1)


class Script:
    """Answers one after the other, the last one again and again, and remembers what was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def request(self) -> httpx.Request:
        (only,) = self.requests
        return only


def ok(body: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(200, json={} if body is None else body, headers=headers)


def test_ports(dialer: Callable[..., Dialer], connect: Connect) -> None:
    """Session and Dialer are what the connectors are promised."""
    dial: Dial = dialer()
    http: Http = connect(Script(ok()))
    assert dial is not None
    assert http.requests == 0
    assert http.clock_difference == timedelta(0)


# --- what goes out ---


async def test_request(connect: Connect) -> None:
    """A request goes below the base url, with the connection's headers, ours, and its own on top."""
    script = Script(ok())
    session = connect(script, url="http://crm.test/base/", headers={"Authorization": "t0ken", "X-Account": "one"})
    await session.send(
        "get", "/api/tasks", params=[("page", "2"), ("tag", "a"), ("tag", "b")], headers={"x-account": "two"}
    )
    sent = script.request
    assert (sent.method, str(sent.url)) == ("GET", "http://crm.test/base/api/tasks?page=2&tag=a&tag=b")
    assert sent.headers["user-agent"] == f"tasksync/{__version__}"
    assert sent.headers["accept-encoding"] == "gzip"
    assert sent.headers["accept"] == "application/json"
    assert sent.headers["authorization"] == "t0ken"
    assert sent.headers.get_list("x-account") == ["two"]
    assert "content-type" not in sent.headers


async def test_json_body(connect: Connect) -> None:
    """JSON goes out in ASCII, so that even half an emoji can be sent."""
    script = Script(ok())
    await connect(script).send("POST", "tasks", json={"title": "caf\u00e9 \ud83d"})
    assert script.request.content == b'{"title":"caf\\u00e9 \\ud83d"}'
    assert script.request.headers["content-type"] == "application/json"


async def test_xml_body(connect: Connect) -> None:
    """Other content is sent as it is, under the type of the connection unless another is given."""
    script = Script(httpx.Response(200, content=b"<task/>"))
    session = connect(script, expects="xml")
    await session.send("PUT", "tasks/1", content=b"<task/>")
    await session.send("PUT", "tasks/1", content=b"a=b", headers={"content-type": "application/x-www-form-urlencoded"})
    assert [request.content for request in script.requests] == [b"<task/>", b"a=b"]
    assert [request.headers["content-type"] for request in script.requests] == [
        "application/xml",
        "application/x-www-form-urlencoded",
    ]
    assert script.requests[0].headers["accept"] == "application/xml"


async def test_cookies_are_never_kept(connect: Connect) -> None:
    """A cookie that the server sets is neither handed out nor sent back."""
    script = Script(ok(**{"Set-Cookie": "asc_auth_key=stale; Path=/; Domain=crm.test"}))
    session = connect(script)
    first = await session.send("GET", "tasks")
    await session.send("GET", "tasks")
    assert "set-cookie" not in first.headers
    assert all("cookie" not in request.headers for request in script.requests)
    jar = session._clients.take().cookies.jar
    assert isinstance(jar, CookieJar)
    assert len(jar) == 0


async def test_absolute_url_of_the_same_origin(connect: Connect) -> None:
    """A link of the CRM is followed to the letter when it leads to the same origin."""
    script = Script(ok())
    link = "http://CRM.test:80/api/v2/tasks?page=2&embed=tags,fields"
    await connect(script).send("GET", link)
    assert str(script.request.url) == "http://crm.test/api/v2/tasks?page=2&embed=tags,fields"


@pytest.mark.parametrize(
    "link",
    [
        "https://crm.test/tasks",
        "http://crm.test:8080/tasks",
        "http://crm.test.evil.test/tasks",
        "HTTP://evil.test/tasks",
        "http://user:pass@crm.test/tasks",
    ],
)
async def test_absolute_url_elsewhere(connect: Connect, link: str) -> None:
    """A link that leads anywhere else, or brings credentials along, is refused before anything is sent."""
    script = Script(ok())
    with pytest.raises(Misconnected, match="was not followed") as caught:
        await connect(script).send("GET", link)
    assert "pass@" not in str(caught.value)
    assert script.requests == []


async def test_path_that_looks_like_a_host(connect: Connect) -> None:
    """Two slashes at the start of a path do not lead to another host."""
    script = Script(ok())
    await connect(script).send("GET", "//evil.test/tasks")
    assert str(script.request.url) == "http://crm.test/base/evil.test/tasks"


async def test_path_that_cannot_be(connect: Connect) -> None:
    """A path with control characters in it is refused."""
    with pytest.raises(Misconnected, match="characters that no url has"):
        await connect(Script(ok())).send("GET", "tasks/\x00")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://crm.test", "no http or https address"),
        ("crm.test", "no http or https address"),
        ("http://", "no http or https address"),
        ("http://[::1", "no http or https address"),
        ("http://crm.test:99999", "no http or https address"),
        ("https://user:hunter22@crm.test", "holds credentials"),
        ("https://crm.test/?a=b", "without"),
        ("https://crm.test/#a", "without"),
    ],
)
def test_base_url_that_cannot_be_used(connect: Connect, url: str, words: str) -> None:
    """A base url that is no plain http address is a mistake in the config, and its credentials are not shown."""
    with pytest.raises(ConfigError, match=words) as caught:
        connect(Script(ok()), url=url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://crm.test", "http://localhost:8800", "http://127.0.0.1:1"])
def test_proxy_from_the_environment(connect: Connect, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The environment's proxies count, except on the way to this very machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ALL_PROXY", "NO_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.test:3128")
    proxies = connect(url=url)._clients.take()._mounts
    assert bool(proxies) is (url == "http://crm.test")


def test_environment_that_cannot_be_used(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that makes no sense is a mistake in the config; the message does not show its password."""
    monkeypatch.setenv("ALL_PROXY", "gopher://user:hunter22@proxy.test")
    with pytest.raises(ConfigError, match="ALL_PROXY") as caught:
        connect(url="https://crm.test")
    assert "hunter22" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("token", ["two\r\nX-Evil: lines", "nön-ascii", "\ud83d"])
async def test_token_that_is_no_header(connect: Connect, token: str) -> None:
    """Credentials that cannot be a header are reported as wrong credentials, without showing them."""
    script = Script(ok())
    with pytest.raises(NeedsLogin, match="header Authorization") as caught:
        await connect(script, headers={"Authorization": token}).send("GET", "tasks")
    assert token not in str(caught.value)
    assert script.requests == []


# --- what comes back ---


@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 403, 404, 405, 409, 410, 422, 500, 501, 520])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_answers_for_the_connector_to_judge(
    connect: Connect, slept: list[float], status: int, method: str
) -> None:
    """Successes, refusals and plain server errors are handed back after one try."""
    script = Script(httpx.Response(status, content=b'{"a":1}', headers=[("X-Thing", "a"), ("x-thing", "b")]))
    session = connect(script)
    response = await session.send(method, "tasks", params=[("page", "1")])
    assert (response.status, response.body, response.method) == (status, b'{"a":1}', method)
    assert response.url == "http://crm.test/base/tasks?page=1"
    assert response.headers["x-thing"] == "a, b"
    assert session.requests == 1
    assert slept == []


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
async def test_packed_answer(connect: Connect, coding: str) -> None:
    """A packed body is unpacked, also when it comes in several members."""
    packed = gzip.compress(b'{"a":') + gzip.compress(b"1}")
    response = await connect(
        Script(httpx.Response(200, stream=httpx.ByteStream(packed), headers={"content-encoding": coding}))
    ).send("GET", "tasks")
    assert json.loads(response.body) == {"a": 1}


async def test_traffic_is_what_goes_over_the_wire(connect: Connect) -> None:
    """Bodies count both ways, those of refused and repeated requests too; what comes packed counts packed."""
    packed = gzip.compress(b'{"a":"' + b"b" * 5000 + b'"}')
    script = Script(
        httpx.ReadError("reset"),
        httpx.Response(200, stream=httpx.ByteStream(packed), headers={"content-encoding": "gzip"}),
        httpx.Response(422, stream=httpx.ByteStream(b"{}")),
    )
    session = connect(script)
    assert session.traffic == Traffic()
    await session.send("PUT", "tasks/1", content=b"<task/>")
    assert session.traffic == Traffic(received_bytes=len(packed), sent_bytes=2 * len(b"<task/>"))
    await session.send("POST", "tasks", json={"a": 1})
    sent_bytes = 2 * len(b"<task/>") + len(b'{"a":1}')
    assert session.traffic == Traffic(received_bytes=len(packed) + len(b"{}"), sent_bytes=sent_bytes)


async def test_what_came_before_an_answer_broke_off_is_traffic(connect: Connect) -> None:
    """It was paid for, too."""

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b'{"half'
            raise httpx.ReadError("reset")

    session = connect(Script(httpx.Response(200, stream=Broken())), retry=ONCE)
    with pytest.raises(AnswerLost):
        await session.send("POST", "tasks", json={})
    assert session.traffic == Traffic(received_bytes=6, sent_bytes=2)


async def test_packed_but_empty_answer(connect: Connect) -> None:
    """A success without a body may claim to be packed."""
    answer = httpx.Response(204, stream=httpx.ByteStream(b""), headers={"content-encoding": "gzip"})
    assert (await connect(Script(answer)).send("DELETE", "tasks/1")).body == b""


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(64)), packer.flush()])


UNUSABLE = {
    "large": (b"[" + b" " * 2000 + b"]", {}, "larger than 1000 bytes"),
    "bomb": (bomb(), {"content-encoding": "gzip"}, "larger than 1000 bytes"),
    "packed strangely": (b"{}", {"content-encoding": "gzip, gzip"}, "packed in a way"),
    "damaged": (b"no gzip at all", {"content-encoding": "gzip"}, "is damaged"),
    "packed and cut": (gzip.compress(b'{"a":1}')[:-9], {"content-encoding": "gzip"}, "end of the answer is missing"),
    "cut": (b'{"a":', {}, "end of the answer is missing"),
    "cut list": (b'\xef\xbb\xbf [{"a":1}', {}, "end of the answer is missing"),
    "page by type": (b"Portal is being warmed", {"content-type": "text/html; charset=utf-8"}, "a page came"),
    "page by looks": (b"\n <!DOCTYPE HTML><html></html>", {"content-type": "application/json"}, "a page came"),
    "markup": (b"<error/>", {"content-type": "application/json"}, "a page came"),
}


@pytest.mark.parametrize("case", UNUSABLE)
@pytest.mark.parametrize(
    ("method", "expected"), [("GET", ServerFault), ("PUT", ServerFault), ("POST", AnswerLost), ("PATCH", AnswerLost)]
)
async def test_unusable_success(connect: Connect, case: str, method: str, expected: type[TasksyncError]) -> None:
    """A success that cannot be used is a fault of the server, or a lost answer where it may have changed something."""
    body, headers, words = UNUSABLE[case]
    script = Script(httpx.Response(200, stream=httpx.ByteStream(body), headers=headers))
    session = connect(script, retry=RetryPolicy(tries=2), largest_body=1000)
    with pytest.raises(expected, match=words):
        await session.send(method, "tasks")
    hopeless = "larger" in words or "packed in" in words
    assert session.requests == (1 if hopeless or expected is AnswerLost else 2)


async def test_bomb_is_not_unpacked(connect: Connect) -> None:
    """Of 64 MiB that come packed in one piece, only what the limit allows is ever unpacked."""
    packed = httpx.ByteStream(bomb())
    script = Script(httpx.Response(200, stream=packed, headers={"content-encoding": "gzip"}))
    session = connect(script, largest_body=1000)
    tracemalloc.start()
    try:
        with pytest.raises(ServerFault, match="larger than"):
            await session.send("GET", "tasks")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("body", [b"<html><body/></html>", b"<!doctype html>", b"<tasks><task"])
async def test_unusable_xml(connect: Connect, body: bytes) -> None:
    """Where XML is expected, a page and a document without its end are refused too."""
    with pytest.raises(ServerFault):
        await connect(Script(httpx.Response(200, content=body)), expects="xml", retry=ONCE).send("GET", "tasks")


@pytest.mark.parametrize(
    "body", [b"", b" \n", b"<?xml version='1.0'?>\n<tasks></tasks>\n", "<tasks/>".encode("utf-16"), b"plain"]
)
async def test_usable_xml(connect: Connect, body: bytes) -> None:
    """Documents, empty answers, and what only a parser can judge, are handed on."""
    response = await connect(Script(httpx.Response(200, content=body)), expects="xml").send("GET", "tasks")
    assert response.body == body


async def test_empty_page(connect: Connect) -> None:
    """A success without a body may call itself a page."""
    answer = httpx.Response(200, headers={"content-type": "text/html"})
    assert (await connect(Script(answer)).send("POST", "tasks/1/complete")).body == b""


async def test_long_complaint_is_cut(connect: Connect) -> None:
    """Of a refusal only the start is read, however long it is: the status says what it means."""
    body = b"x" * 1_000_000
    response = await connect(Script(httpx.Response(404, content=body)), largest_body=10).send("POST", "tasks")
    assert (response.status, len(response.body)) == (404, 256 * 1024)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_redirect(connect: Connect, status: int, method: str) -> None:
    """A redirect is not followed, not repeated, and reported with the origin it leads to."""
    script = Script(httpx.Response(status, headers={"location": "https://login.evil.test:8443/auth?next=secret"}))
    with pytest.raises(
        Misconnected, match=rf"answered with {status} that leads to https://login.evil.test:8443\."
    ) as caught:
        await connect(script, headers={"Authorization": "t0ken"}).send(method, "tasks", params=[("q", "x")])
    assert "next=" not in str(caught.value)
    assert "q=" not in str(caught.value)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "answered with 302. tasksync"),
        ({"location": "/Auth.aspx"}, "leads to http://crm.test. tasksync"),
        ({"location": "http://[::1"}, "leads to an address that cannot be read. tasksync"),
    ],
)
async def test_odd_redirect(connect: Connect, headers: dict[str, str], words: str) -> None:
    """A redirect within the server, to nowhere or to nonsense is reported as well."""
    with pytest.raises(Misconnected, match=words):
        await connect(Script(httpx.Response(302, headers=headers))).send("GET", "tasks")


async def test_clock_difference(connect: Connect) -> None:
    """The server's Date is compared with our clock."""
    session = connect(Script(ok(Date="Sun, 01 Mar 2026 13:00:00 GMT")))
    await session.send("GET", "tasks")
    assert session.clock_difference == timedelta(hours=1, seconds=0.5)


# --- secrets ---

SECRET = "hunter22/+=x"


async def test_refusal_that_echoes_the_token(connect: Connect) -> None:
    """A CRM that quotes the token in a refusal, escaped as it likes, does not get it into what connectors quote."""
    echo = {"message": f"bad token {SECRET}", "basic": base64.b64encode(f"{SECRET}:x".encode()).decode()}
    body = json.dumps(echo).replace("/", "\\/").encode()
    script = Script(httpx.Response(401, content=body, headers={"www-authenticate": f"Bearer error={SECRET}"}))
    response = await connect(script, secrets=(SECRET,)).send("GET", "tasks", params=[("token", SECRET)])
    assert json.loads(response.body)["message"] == "bad token ***"
    for shown in (repr(response), response.body.decode(), response.url):
        assert "hunter22" not in shown
        assert base64.b64encode(SECRET.encode()).decode()[:12] not in shown


async def test_success_is_left_alone(connect: Connect) -> None:
    """Data is not redacted: a task may hold a word that is also somebody's password."""
    response = await connect(Script(ok({"title": SECRET})), secrets=(SECRET,)).send("GET", "tasks")
    assert json.loads(response.body) == {"title": SECRET}


@pytest.mark.parametrize(
    ("header", "secrets"),
    [
        ("tok3nvalue", ["tok3nvalue"]),
        ("Bearer tok3nvalue", ["tok3nvalue"]),
        (
            "Basic " + base64.b64encode(b"tok3nvalue:x").decode(),
            ["tok3nvalue", base64.b64encode(b"tok3nvalue:x").decode()],
        ),
        (
            "Basic " + base64.b64encode(b"anna:passw0rd").decode(),
            ["passw0rd", base64.b64encode(b"anna:passw0rd").decode()],
        ),
        ("Basic !!notbase64", ["!!notbase64"]),
    ],
)
async def test_sent_credentials_conceal_themselves(
    connect: Connect, redactor: Redactor, header: str, secrets: list[str]
) -> None:
    """What was sent as credentials is concealed from then on, even if nobody told of it."""
    session = connect(Script(ok()), headers={"Authorization": header, "X-Harmless": "visible"})
    await session.send("GET", "tasks")
    await session.send("GET", "tasks")
    for secret in secrets:
        assert secret not in redactor.redact(f"<{secret}>")
    assert redactor.redact("visible anna") == "visible anna"


def test_conceal(connect: Connect, redactor: Redactor) -> None:
    """A secret that a connector learns reaches the redactor that all share."""
    connect(Script(ok())).conceal("abcdef")
    assert redactor.redact("abcdef") == "***"


async def test_httpx_log_lines(
    connect: Connect, caplog: pytest.LogCaptureFixture, dialer: Callable[..., Dialer]
) -> None:
    """What httpx logs by itself shows no secret, as long as a dialer is open."""
    session = connect(Script(ok()), secrets=(SECRET,))
    with caplog.at_level(logging.DEBUG):
        await session.send("GET", "tasks", params=[("key", SECRET), ("access_token", "unknown")])
    assert "HTTP Request: GET http://crm.test/base/tasks?key=***&access_token=***" in caplog.text
    assert "hunter22" not in caplog.text


async def test_nothing_global_stays(dialer: Callable[..., Dialer]) -> None:
    """A closed dialer leaves httpx's logger as it was."""
    before = list(logging.getLogger("httpx").filters)
    made = dialer()
    assert logging.getLogger("httpx").filters != before
    await made.close()
    assert logging.getLogger("httpx").filters == before


async def test_close_closes_all(dialer: Callable[..., Dialer]) -> None:
    """Closing the dialer closes every session it made, and may be done twice."""
    made = dialer(transport=httpx.MockTransport(Script(ok())))
    limit = RateLimit(requests=10, per_s=1)
    sessions = [
        made(connection=name, base_url="http://crm.test", limit=limit, expects="json", headers={})
        for name in ("one", "two")
    ]
    await sessions[0].send("GET", "tasks")
    await sessions[1].close()
    await made.close()
    await made.close()
    for session in sessions:
        with pytest.raises(RuntimeError, match="closed"):
            await session.send("GET", "tasks")
