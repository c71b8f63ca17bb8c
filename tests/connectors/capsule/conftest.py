"""A Capsule that answers from a script, request by request, and connections to it in both versions."""

from __future__ import annotations

import json as jsonlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.capsule import manifest
from tasksync.connectors.manifest import ConnectionSettings
from tasksync.ports import Connector, Http, RateLimit, Response, Traffic

V1_URL = "https://acme.capsulecrm.com"
V2_URL = "https://api.capsulecrm.com"
USERS_XML = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><users>'
    "<user><id>76</id><username>m.keller</username><name>M Keller</name><timezone>Europe/Berlin</timezone></user>"
    "<user><id>77</id><username>a.singh</username><name>A Singh</name><currency>GBP</currency>"
    "<timezone>Europe/London</timezone><loggedIn>true</loggedIn><partyId>9</partyId></user></users>"
)
CATEGORIES_XML = (
    "<taskCategories><taskCategory>Call</taskCategory><taskCategory>Send</taskCategory>"
    "<taskCategory>Meeting</taskCategory></taskCategories>"
)
USER_JSON = {"id": 77, "username": "a.singh", "name": "A Singh", "status": "ACTIVE", "timezone": "Europe/London"}
USERS_JSON = [USER_JSON, {"id": 78, "username": "n.york", "name": "N York", "timezone": "America/New_York"}]
CATEGORIES_JSON = [
    {"id": 31, "name": "Call", "colour": "#d16c1a"},
    {"id": 35, "name": "Milestone", "colour": "#d1c21a"},
]


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    json: Any
    content: bytes | None


@dataclass
class ScriptedHttp:
    """`ports.Http` that insists on the requests of the script, in their order, and keeps what was sent."""

    base_url: str = ""
    script: deque[tuple[str, str, Response | Exception]] = field(default_factory=deque)
    sent: list[Request] = field(default_factory=list)
    closed: bool = False
    clock_difference: timedelta = timedelta(0)

    @property
    def requests(self) -> int:
        return len(self.sent)

    @property
    def traffic(self) -> Traffic:
        return Traffic()

    def expect(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        fails: Exception | None = None,
    ) -> None:
        """The next request, and its answer: bytes or text as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else (body if isinstance(body, str) else jsonlib.dumps(body)).encode()
        url = path if path.startswith("http") else self.base_url + path
        answer = Response(status=status, headers=dict(headers or {}), body=content, method=method, url=url)
        self.script.append((method, path, fails or answer))

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
        assert self.script, f"{method} {path} is one request too many"
        expected_method, expected_path, answer = self.script.popleft()
        assert (method, path) == (expected_method, expected_path)
        self.sent.append(
            Request(
                method=method, path=path, params=tuple(params), headers=dict(headers or {}), json=json, content=content
            )
        )
        if isinstance(answer, Exception):
            raise answer
        return answer

    def conceal(self, secret: str) -> None:
        raise AssertionError("Capsule's secrets are all known when the connection is dialled")

    async def close(self) -> None:
        self.closed = True


@dataclass
class Dialled:
    """`ports.Dial` that hands out the scripted http and remembers how it was dialled."""

    http: ScriptedHttp
    arguments: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Literal["json", "xml"],
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> Http:
        self.http.base_url = base_url
        self.arguments = {
            "connection": connection,
            "base_url": base_url,
            "limit": limit,
            "expects": expects,
            "headers": headers,
            "secrets": secrets,
        }
        return self.http


@pytest.fixture
def crm() -> Iterator[ScriptedHttp]:
    """The script; at the end of the test all of it must have been played."""
    http = ScriptedHttp()
    yield http
    assert not http.script, f"never asked for: {[line[:2] for line in http.script]}"


@pytest.fixture
def dial(crm: ScriptedHttp) -> Dialled:
    """The way to the script."""
    return Dialled(crm)


@pytest.fixture
def connect(dial: Dialled) -> Callable[..., Connector]:
    """Builds a connection as bootstrap does, from options as they stand in the config, with one category that the
    config calls otherwise.
    """

    def build(timezone: str | None = None, url: str | None = None, **options: Any) -> Connector:
        settings = ConnectionSettings(
            name="capsule",
            type="capsule",
            url=url or (V1_URL if options.get("api") == "v1" else V2_URL),
            token="t0ken",
            timezone=ZoneInfo(timezone) if timezone else None,
            options=manifest.options.model_validate(options),
            categories={"phone call": "Call"},
        )
        return manifest.build(settings, dial)

    return build


@pytest.fixture
async def v1(crm: ScriptedHttp, connect: Callable[..., Connector]) -> Connector:
    """An opened connection that speaks v1."""
    connector = connect(api="v1", defaults={"category": "send", "due": "+7d"})
    crm.base_url = V1_URL
    crm.expect("GET", "/api/users", USERS_XML)
    crm.expect("GET", "/api/task/categories", CATEGORIES_XML)
    await connector.open()
    crm.sent.clear()
    return connector


@pytest.fixture
async def v2(crm: ScriptedHttp, connect: Callable[..., Connector]) -> Connector:
    """An opened connection that speaks v2, with a colleague in New York."""
    connector = connect(defaults={"category": "call", "due": "+7d"})
    crm.base_url = V2_URL
    crm.expect("GET", "/api/v2/users/current", {"user": USER_JSON})
    crm.expect("GET", "/api/v2/categories", {"categories": CATEGORIES_JSON})
    crm.expect("GET", "/api/v2/users", {"users": USERS_JSON})
    await connector.open()
    crm.sent.clear()
    return connector
