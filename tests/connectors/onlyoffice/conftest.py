"""An ONLYOFFICE portal that answers from a script, and the payloads of protocols/onlyoffice.md, section 8."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.manifest import ConnectionSettings
from tasksync.connectors.onlyoffice import OnlyofficeConnector, manifest
from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.ports import RateLimit, Response, Traffic

ANN = "b1f50000-1111-4222-8333-444444444444"
IGOR = "0a770000-1111-4222-8333-444444444444"
CATEGORIES = {"Call": 30, "Deal": 31, "Meeting": 32}
USER = {"id": ANN, "userName": "ann.lee", "displayName": "Ann Lee", "isAdmin": True, "isOwner": False}
SETTINGS = {
    "timezone": "Europe/Moscow;180;(UTC+03:00) Moscow;Moscow Standard Time;Moscow Daylight Time;;",
    "trustedDomains": [],
    "trustedDomainsType": 0,
    "culture": "en-US",
    "utcOffset": "03:00:00",
    "utcHoursOffset": 3.0,
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    json: Any
    content: bytes | None


class ScriptedHttp:
    """Implements `ports.Http`: notes what is sent, answers in the order of the script, and with nothing else."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.concealed: list[str] = []
        self.closed = False
        self.dialed: dict[str, Any] = {}
        self._script: deque[tuple[int, bytes, Mapping[str, str]]] = deque()

    @property
    def requests(self) -> int:
        return len(self.sent)

    @property
    def traffic(self) -> Traffic:
        return Traffic()

    @property
    def clock_difference(self) -> timedelta:
        return timedelta(seconds=2)

    def says(self, found: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, **envelope: Any) -> None:
        """Append an answer in the portal's envelope."""
        body = {**envelope, "status": 0, "statusCode": status, "response": found}
        self.says_raw(json.dumps(body).encode(), status=status, headers=headers)

    def says_error(self, status: int, message: str) -> None:
        error = {"message": message, "hresult": -2147024809, "data": {}}
        self.says_raw(json.dumps({"status": 1, "statusCode": status, "error": error}).encode(), status=status)

    def says_raw(self, body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self._script.append((status, body, headers or {}))

    @property
    def done(self) -> bool:
        """Whether all of the script was asked for."""
        return not self._script

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
        self.sent.append(
            Sent(method=method, path=path, params=dict(params), headers=dict(headers or {}), json=json, content=content)
        )
        # As on a network, others get a turn before the answer is there.
        await asyncio.sleep(0)
        assert self._script, f"nobody expected {method} {path}"
        status, body, told = self._script.popleft()
        return Response(status=status, headers=told, body=body, method=method, url=f"https://crm.example.org{path}")

    def conceal(self, secret: str) -> None:
        self.concealed.append(secret)

    async def close(self) -> None:
        self.closed = True


def _user_stub(user_id: str, name: str) -> dict[str, Any]:
    return {"id": user_id, "displayName": name, "avatarSmall": "/skins/a.png", "profileUrl": ""}


@pytest.fixture
def ids() -> dict[str, str]:
    """The users of the payloads."""
    return {"ann": ANN, "igor": IGOR}


@pytest.fixture
def portal() -> Portal:
    """The portal of section 8: three hours ahead of UTC."""
    return Portal(connection="office", zone=ZoneInfo("Europe/Moscow"), categories=CATEGORIES)


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """The first task of 8.4, with changes; None takes a member away."""

    def build(**changes: Any) -> dict[str, Any]:
        payload = {
            "createBy": _user_stub(ANN, "Ann Lee"),
            "created": "2026-03-01T11:02:44.0000000+03:00",
            "contact": {"displayName": "Bob Ray", "isCompany": False, "currency": None, "canEdit": True, "id": 17},
            "title": "Call about renewal",
            "description": "",
            "deadLine": "2026-03-10T00:00:00.0000000+03:00",
            "alertValue": 1440,
            "responsible": _user_stub(IGOR, "Igor Petrov"),
            "category": {"imagePath": "/c.png", "title": "Call", "description": "", "sortOrder": 1, "id": 30},
            "entity": {"entityType": "case", "entityId": 8, "entityTitle": "Renewal 2026"},
            "canEdit": True,
            "id": 101,
        }
        return {name: value for name, value in {**payload, **changes}.items() if value is not None}

    return build


@pytest.fixture
def case() -> Callable[..., dict[str, Any]]:
    """The case of 8.10, with changes; None takes a member away."""

    def build(**changes: Any) -> dict[str, Any]:
        payload = {
            "members": [{"displayName": "Bob Ray", "isCompany": False, "id": 17}, {"displayName": "Acme", "id": 22}],
            "createBy": _user_stub(ANN, "Ann Lee"),
            "created": "2026-01-15T10:00:00.0000000+03:00",
            "title": "Renewal 2026 (EU)",
            "isClosed": False,
            "isPrivate": True,
            "accessList": [_user_stub(IGOR, "Igor Petrov"), _user_stub(ANN, "Ann Lee")],
            "canEdit": True,
            "customFields": [
                {"entityId": 8, "label": "Region", "fieldValue": "EMEA", "fieldType": 0, "position": 1, "id": 5}
            ],
            "id": 8,
        }
        return {name: value for name, value in {**payload, **changes}.items() if value is not None}

    return build


@pytest.fixture
def seed() -> Callable[[str], dict[str, Any]]:
    """A request or response of the vendor's pages, as it stands there."""

    def load(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((Path(__file__).parent / f"seed_{name}.json").read_text("utf-8"))
        return found

    return load


@pytest.fixture
def http() -> ScriptedHttp:
    return ScriptedHttp()


@pytest.fixture
def connect(http: ScriptedHttp) -> Callable[..., OnlyofficeConnector]:
    """Builds the connector from the manifest, on `http`, with a token unless there is a password."""

    def dial(
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: str,
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> ScriptedHttp:
        http.dialed = {
            "connection": connection,
            "base_url": base_url,
            "limit": limit,
            "expects": expects,
            "headers": dict(headers),
            "secrets": list(secrets),
        }
        return http

    def build(*, options: Mapping[str, Any] | None = None, **settings: Any) -> OnlyofficeConnector:
        if "password" not in settings:
            settings.setdefault("token", "t0ken")
        built = manifest.build(
            ConnectionSettings(
                name="office",
                type="onlyoffice",
                url="https://crm.example.org",
                options=None if options is None else manifest.options.model_validate(options),
                **settings,
            ),
            dial,
        )
        assert isinstance(built, OnlyofficeConnector)
        return built

    return build


@pytest.fixture
def says_open(http: ScriptedHttp) -> Callable[..., None]:
    """Appends the answers to `open`: user, settings, categories."""

    def append(
        *,
        user: Mapping[str, Any] = USER,
        settings: Mapping[str, Any] = SETTINGS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        http.says(dict(user), count=1)
        http.says(dict(settings), count=1, headers=headers)
        listing = [{"title": title, "sortOrder": n, "id": id_} for n, (title, id_) in enumerate(CATEGORIES.items())]
        http.says(listing, count=len(listing))

    return append


@pytest.fixture
async def connector(
    http: ScriptedHttp, connect: Callable[..., OnlyofficeConnector], says_open: Callable[..., None]
) -> OnlyofficeConnector:
    """An opened connection; what `open` sent is forgotten."""
    built = connect()
    says_open()
    await built.open()
    http.sent.clear()
    return built
