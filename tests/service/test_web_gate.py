"""Who gets an answer from the daemon's pages, and who does not: hostile requests over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from standings import StandingClock, busy_standing
from web import Daemon, asking

from tasksync.service.metrics import Metrics
from tasksync.service.web import create_app

TOKEN = "correct-horse-battery-staple"
PATHS = ("/", "/healthz", "/readyz", "/metrics", "/status.json", "/sync", "/nothing-here")


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(daemon) as made:
        yield made


@pytest.fixture
def guarded() -> Daemon:
    return Daemon(token=TOKEN)


@pytest.fixture
async def bearer(guarded: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(guarded) as made:
        yield made


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \xe9",
    ],
)
async def test_with_a_token_nothing_but_health_goes_without(
    guarded: Daemon, bearer: httpx.AsyncClient, authorization: str | None
) -> None:
    """None, a wrong one or another scheme: 401 with a challenge on every path, known or not, and nothing is done."""
    headers = [] if authorization is None else [(b"Authorization", authorization.encode("latin-1"))]
    async with httpx.AsyncClient(base_url=bearer.base_url, trust_env=False) as stranger:
        for path in PATHS:
            for method in ("GET", "POST"):
                answer = await stranger.request(method, path, headers=headers)
                if path == "/healthz":
                    assert answer.status_code == {"GET": 200, "POST": 405}[method]
                else:
                    assert answer.status_code == 401
                    assert answer.headers["www-authenticate"] == 'Bearer realm="tasksync"'
                    assert "office" not in answer.text
    assert not guarded.synced


async def test_with_the_token_everything_answers(guarded: Daemon, bearer: httpx.AsyncClient) -> None:
    """Under whatever name the daemon is known there, and the scheme's case does not matter."""
    for headers in ({}, {"Host": "tasksync.example:9460"}, {"Authorization": f"bearer {TOKEN}"}):
        assert (await bearer.get("/metrics", headers=headers)).status_code == 200
        assert (await bearer.post("/sync", headers=headers)).status_code == 202
    assert len(guarded.synced) == 3


async def test_a_token_may_have_any_letters() -> None:
    """It is compared byte by byte, in UTF-8."""
    token = "pässwörd-für-tasksync"
    daemon = Daemon()
    daemon.token = token
    async with daemon.listener() as listener, httpx.AsyncClient(trust_env=False) as client:
        authorization = [(b"Authorization", f"Bearer {token}".encode())]
        answer = await client.get(f"http://127.0.0.1:{listener.port}/status.json", headers=authorization)
    assert answer.status_code == 200


async def test_the_token_is_in_no_answer(bearer: httpx.AsyncClient) -> None:
    """Whatever is asked, it is not said back."""
    for path in PATHS:
        answer = await bearer.get(path)
        assert TOKEN not in answer.text
        assert TOKEN not in str(answer.headers)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9460", "127.0.0.1", "127.0.0.1:9460", "[::1]:9460", "127.1.2.3"]
)
async def test_names_of_this_machine(client: httpx.AsyncClient, host: str) -> None:
    """They all lead to the pages, whatever port a tunnel has at its other end."""
    assert (await client.get("/status.json", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9460",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "[::1",
        "",
        "a@b:c",
    ],
)
async def test_a_foreign_name_is_refused(daemon: Daemon, client: httpx.AsyncClient, host: str) -> None:
    """A page that points its own name at 127.0.0.1 reads nothing and changes nothing (DNS rebinding)."""
    for path in ("/", "/readyz", "/metrics", "/status.json"):
        answer = await client.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "office" not in answer.text
    assert (await client.post("/sync", headers={"Host": host})).status_code == 421
    assert not daemon.synced


async def test_health_answers_under_any_name(client: httpx.AsyncClient) -> None:
    """A probe asks by whatever address it has."""
    assert (await client.get("/healthz", headers={"Host": "10.0.0.7:9460"})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:{port}"},
    ],
)
async def test_a_page_of_another_site_syncs_nothing(
    daemon: Daemon, client: httpx.AsyncClient, headers: Mapping[str, str]
) -> None:
    """A form or script of another site, another port included, is refused: the browser says where it comes from."""
    filled = {name: value.format(port=daemon.port) for name, value in headers.items()}
    assert (await client.post("/sync", headers=filled)).status_code == 403
    assert not daemon.synced


async def test_another_site_with_the_token_is_refused_too(guarded: Daemon, bearer: httpx.AsyncClient) -> None:
    """A proxy in front that adds the token makes no difference."""
    answer = await bearer.post("/sync", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert not guarded.synced


async def test_our_own_page_may_sync(daemon: Daemon, client: httpx.AsyncClient) -> None:
    """So may the address bar, and a program that says nothing of itself."""
    for headers in (
        {"Origin": f"http://127.0.0.1:{daemon.port}", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {},
    ):
        assert (await client.post("/sync", headers=headers)).status_code == 202


async def test_nobody_is_allowed_in_by_cors(client: httpx.AsyncClient) -> None:
    """A script of another site may ask what it is allowed to, and hears nothing of it."""
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in ("/sync", "/status.json"):
        answer = await client.options(path, headers=preflight)
        assert answer.status_code in {403, 405}
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_without_a_token_other_machines_get_nothing() -> None:
    """Also if something lets their requests in: what counts is where the connection comes from."""
    daemon = Daemon()
    metrics = Metrics(busy_standing(), StandingClock())
    app = create_app(
        standing=daemon.standing,
        metrics=metrics,
        clock=daemon.clock,
        host="127.0.0.1",
        token=None,
        sync_now=daemon.sync_now,
        alive=lambda: True,
    )
    for address, expected in (("10.0.0.7", 403), ("::ffff:10.0.0.7", 403), ("::ffff:127.0.0.1", 200), ("::1", 200)):
        transport = httpx.ASGITransport(app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            assert (await client.get("/metrics")).status_code == expected
            assert (await client.get("/healthz")).status_code == 200


async def test_a_forwarded_address_is_not_believed(client: httpx.AsyncClient) -> None:
    """Where the connection comes from is not for a header to say."""
    answer = await client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_headers_of_every_answer(client: httpx.AsyncClient, path: str) -> None:
    """Nothing is stored, guessed, framed or loaded, and what software this is stays unsaid; refusals too."""
    for headers in ({}, {"Host": "evil.example"}):
        answer = await client.get(path, headers=headers)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["connection"] == "close"
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert "server" not in answer.headers


async def test_the_style_sheet_is_the_one_that_is_allowed(client: httpx.AsyncClient) -> None:
    """Its hash is the one in the policy, or browsers would show the page without it."""
    answer = await client.get("/")
    found = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


async def test_an_error_of_ours_tells_nothing(
    daemon: Daemon, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """500 without details, which are in the log; the next request is answered."""
    monkeypatch.setattr(daemon.clock, "now", None)
    answer = await client.get("/status.json")
    assert answer.status_code == 500
    assert "NoneType" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/healthz")).status_code == 200
    assert "NoneType" in caplog.text
