"""A Plannr that answers from a script, and the payloads of protocols/plannr.md, section 9; and the simulated one, over
HTTP, for what its client asks of it beyond tasks.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from account_site import Sandbox, Site
from accounts import PROTOCOLS

from tasksync.connectors.manifest import ConnectionSettings
from tasksync.connectors.plannr import PlannrConnector, manifest
from tasksync.connectors.plannr.case_client import CaseClient
from tasksync.connectors.plannr.client import PlannrClient
from tasksync.connectors.plannr.options import PlannrOptions
from tasksync.ports import Connector, RateLimit, Response, Traffic
from tasksync.sandbox.plannr import Plannr

ANA = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
PRICE = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
TASK = "d3b0a1c2-1111-4a2b-9c3d-4e5f6a7b8c01"


def status(number: int, name: str, **flags: bool) -> dict[str, Any]:
    none = {"is_not_started": False, "is_type_completed": False, "is_archived": False}
    uuid = f"50000000-0000-4000-8000-00000000000{number}"
    return {"uuid": uuid, "name": name, "colour": "#8899aa", "position": number, **none, **flags}


STATUSES = [
    status(1, "To do", is_not_started=True),
    status(2, "Doing"),
    status(3, "Done", is_type_completed=True),
    status(4, "Archive", is_archived=True),
]
LOGIN: dict[str, Any] = {
    "uuid": "77e10000-0000-4000-8000-000000000001",
    "primary": True,
    "expires_at": None,
    "has_write_permission": True,
    "has_delete_permission": True,
    "first_name": "Ana",
    "last_name": "Reid",
    "email": "ana@hillfa.example",
    "account": {"uuid": ANA, "name": "Ana Reid", "type": "employee", "role": "admin"},
    "firm": {"uuid": "aa100000-0000-4000-8000-000000000001", "name": "Hill FA"},
}
E3_FIRST = {
    "uuid": TASK,
    "created_at": "2026-06-01T10:02:11+01:00",
    "updated_at": "2026-06-03T16:40:05+01:00",
    "name": "Chase ceding provider",
    "description": "Ring Aviva about the transfer pack",
    "priority": "high",
    "position": 3,
    "due_at": "2026-06-10 09:00:00",
    "status": STATUSES[1],
    "taskable_type": "case",
    "taskable": {
        "uuid": "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002",
        "name": "Price pension transfer",
        "slug": "price-pension-transfer",
        "completed_at": None,
    },
    "author": {"uuid": ANA, "name": "Ana Reid", "type": "employee", "role": "admin"},
    "assigned_to": [{"uuid": ANA, "name": "Ana Reid", "type": "employee", "role": "admin"}],
    "completed_at": None,
    "completed_by": None,
    "parent_task": None,
    "custom_fields": [{"name": "Sync ref", "reference": "sync_ref", "type": "string", "value": "oo-1234"}],
}
GONE = {"message": f"No query results for model [App\\Models\\Task] {TASK}"}


@dataclass
class Request:
    method: str
    path: str
    params: Sequence[tuple[str, str]]
    account: str | None
    json: Any


@dataclass
class Script:
    """`ports.Http` that answers each request with the next line of the script written for its method and path."""

    answers: dict[tuple[str, str], list[tuple[int, bytes]]] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)
    dialled: dict[str, Any] = field(default_factory=dict)
    closed: bool = False
    clock_difference: timedelta = timedelta(seconds=3)

    @property
    def requests(self) -> int:
        return len(self.sent)

    @property
    def traffic(self) -> Traffic:
        return Traffic()

    def dial(self, *, connection: str, base_url: str, limit: RateLimit, **more: Any) -> Script:
        self.dialled = {"connection": connection, "base_url": base_url, "limit": limit, **more}
        return self

    def on(self, method: str, path: str, status: int, body: Any = None) -> None:
        """Answer so the next time, in the order of the calls; the last line of a path is repeated for ever."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.answers.setdefault((method, path), []).append((status, content))

    def on_pages(self, path: str, *pages: Sequence[Any], total: int | None = None, last: int | None = None) -> None:
        """One complete listing, as the server's own count has it unless told otherwise."""
        count = sum(map(len, pages)) if total is None else total
        for number, items in enumerate(pages, start=1):
            self.on("GET", path, 200, listing(items, number, last or len(pages), count))

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
        assert content is None
        self.sent.append(Request(method, path, params, (headers or {}).get("X-PLANNR-ACCOUNT-UUID"), json))
        lines = self.answers[method, path]
        status, body = lines.pop(0) if len(lines) > 1 else lines[0]
        return Response(status=status, headers={}, body=body, method=method, url=f"https://plannr.example{path}")

    def conceal(self, secret: str) -> None:
        raise NotImplementedError("the connector has no secret but the token, which goes to dial")

    async def close(self) -> None:
        self.closed = True


def listing(items: Sequence[Any], number: int, last: int, total: int) -> dict[str, Any]:
    following = f"https://plannr.example/api/v1/task?page={number + 1}" if number < last else None
    meta = {"current_page": number, "last_page": last, "per_page": 500, "total": total, "links": []}
    return {"data": list(items), "links": {"prev": None, "next": following}, "meta": meta}


@pytest.fixture
def script() -> Script:
    """A Plannr with Ana's login and four statuses, and nothing else yet."""
    script = Script()
    script.on("GET", "/api/v1/logins", 200, {"data": [LOGIN]})
    script.on_pages("/api/v1/task-status", STATUSES)
    return script


@pytest.fixture
def connect(script: Script) -> Callable[..., Connector]:
    """Builds the connector as the program does; keywords are the connection's own options."""

    def connect(**options: Any) -> Connector:
        settings = ConnectionSettings(
            name="advisers",
            type="plannr",
            url="https://plannr.example",
            token="plnr_pat_x",
            options=PlannrOptions.model_validate(options),
        )
        return manifest.build(settings, script.dial)

    return connect


@pytest.fixture
def ready() -> dict[str, Any]:
    """Options with which tasks can be created."""
    return {"defaults": {"status": "to do", "link": {"type": "client", "id": PRICE}}}


@pytest.fixture
def task() -> Callable[..., dict[str, Any]]:
    """The first task of example E3, with changes."""
    return lambda **changes: {**E3_FIRST, **changes}


@pytest.fixture
def login() -> Callable[..., dict[str, Any]]:
    """The login of example E1, with changes; `account` changes are merged into its account."""

    def login(account: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        return {**LOGIN, **changes, "account": {**LOGIN["account"], **(account or {})}}

    return login


@pytest.fixture
def status_payloads() -> list[dict[str, Any]]:
    """The four statuses of example E2: to do, doing, done, archive."""
    return list(STATUSES)


@pytest.fixture
def gone() -> dict[str, Any]:
    """What Plannr says of a task that it does not have (E11)."""
    return GONE


@pytest.fixture
def page() -> Callable[..., dict[str, Any]]:
    """One page of a listing: items, number, last page, total."""
    return listing


@pytest.fixture
async def connector(connect: Callable[..., Connector], script: Script, ready: dict[str, Any]) -> Connector:
    """Open, able to create tasks, and the requests of opening forgotten."""
    connector = connect(**ready)
    await connector.open()
    script.sent.clear()
    return connector


@pytest.fixture
async def hill(sandbox: Sandbox) -> AsyncIterator[Site]:
    """The firm in the sandbox as on its first day, on a socket."""
    (arrangement,) = (one for one in PROTOCOLS if one.type == "plannr")
    site = Site(arrangement, sandbox)
    yield site
    await site.close()


@pytest.fixture
def crm(hill: Site) -> Plannr:
    """The same as a person sees it."""
    assert isinstance(hill.crm, Plannr)
    return hill.crm


@pytest.fixture
async def client(hill: Site) -> PlannrClient:
    """Signed in there as Ana, with the requests of that forgotten."""
    connector = hill.connect()
    await connector.open()
    assert isinstance(connector, PlannrConnector)
    hill.crm.requests.clear()
    return connector._client


@pytest.fixture
def case_client(client: PlannrClient) -> CaseClient:
    """Its part for cases."""
    return client.of_cases
