"""v2: endpoints and paging, dicts in and out (protocols/capsule.md, 3.1, 3.2, 4.2 to 4.4)."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

from tasksync.connectors.capsule import client
from tasksync.connectors.capsule.client import ROWS_PER_PAGE, Judge, page_words
from tasksync.connectors.capsule.references import PLURALS, Table
from tasksync.errors import Misconnected, ServerFault
from tasksync.ports import Http, Response
from tasksync.transport import answers

Kept: TypeAlias = Literal["task", "kase"]
"""What is kept in step, as one of it is named."""
_KEPT: Final[Mapping[Kept, str]] = MappingProxyType({"task": "tasks", "kase": PLURALS["kase"]})

_PAGE = (("page", "1"), ("perPage", str(ROWS_PER_PAGE)))
# The default is open ones only; a filter by PENDING alone is not to be relied on (3.2, [LIVE]).
_ALL_STATES = ("status", "open,completed,pending")
# The addresses hold raw commas (3.2, [CLI]), so links are told apart by their angle brackets.
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r';\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))', re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def words(response: Response) -> str:
    """The CRM's own words: `message`, else what OAuth calls it, and each of `errors` with its field."""
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        return page_words(response)
    if not isinstance(found, dict):
        return ""
    said = [text for key in ("message", "error_description", "error") if isinstance(text := found.get(key), str)][:1]
    errors = found.get("errors")
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict) and isinstance(error.get("message"), str):
            about = error.get("field") or error.get("resource")
            said.append(f"{about}: {error['message']}" if isinstance(about, str) else error["message"])
    return "; ".join(said)


def next_link(response: Response, base_url: str) -> str | None:
    """The absolute address of the next page, None on the last. Raises `Misconnected` for one at another origin, which
    must not get the token, and `ServerFault` when more is promised than the links lead to.
    """
    for target, parameters in _LINK.findall(response.headers.get("link", "")):
        relations = " ".join(quoted or bare for quoted, bare in _REL.findall(parameters))
        if "next" in relations.lower().split():
            address: str = urljoin(response.url, target)
            if _origin(address) != _origin(base_url):
                raise Misconnected("The CRM's list goes on at another server. Check the connection's url.")
            return address
    if response.headers.get("x-pagination-has-more", "").strip().lower() == "true":
        raise ServerFault(f"GET {response.url} says that there is more, and does not link to it.")
    return None


def _origin(address: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return "", None, None


class V2Client:
    """One account, spoken to in JSON."""

    def __init__(self, http: Http, base_url: str) -> None:
        self._http = http
        self._base_url = base_url

    async def current_user(self) -> dict[str, Any]:
        """The user whose token this is."""
        return _one(client.listed(await self._http.send("GET", "/api/v2/users/current"), words), "user")

    async def users(self, *, with_parties: bool = False) -> list[Any]:
        """All users, on request with their parties in full. No paging is documented; should there be some, it is
        followed.
        """
        embed = (("embed", "party"),) if with_parties else ()
        return [user async for page in self._pages("/api/v2/users", embed, "users") for user in page]

    async def categories(self) -> list[Any]:
        """All task categories."""
        return [one async for page in self._pages("/api/v2/categories", _PAGE, "categories") for one in page]

    def pages(self, what: Kept, since: datetime | None = None) -> AsyncIterator[list[Any]]:
        """All tasks or cases in any state, or those that were changed since then, page by page. The same may come
        twice, as pages shift while records change.
        """
        # `since` does not widen the default of open ones (3.2, [INF]), so the states are always named.
        states = (_ALL_STATES,) if what == "task" else ()
        changed = () if since is None else (("since", f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"),)
        return self._pages(f"/api/v2/{_KEPT[what]}", (*states, *changed, *_PAGE), _KEPT[what])

    async def one(self, what: Kept, external_id: str) -> dict[str, Any] | None:
        """A task or a case, or None when there is none."""
        response = client.read(await self._http.send("GET", _path(what, external_id)), words)
        return None if response is None else _one(response, what)

    async def create(self, what: Kept, record: dict[str, Any]) -> dict[str, Any]:
        """What was made."""
        response = await self._http.send("POST", f"/api/v2/{_KEPT[what]}", json={what: record})
        return _one(answers.require(response, words), what)

    async def update(self, what: Kept, external_id: str, record: dict[str, Any]) -> dict[str, Any]:
        """The task or case after the keys of `record` were set. Raises `Vanished`."""
        response = await self._http.send("PUT", _path(what, external_id), json={what: record})
        return _one(client.written(response, words), what)

    async def delete(self, what: Kept, external_id: str) -> None:
        """Delete; one that is not there is a success."""
        client.deleted(await self._http.send("DELETE", _path(what, external_id)), words)

    async def record(self, table: Table, number: str) -> dict[str, Any] | None:
        """A party, opportunity or kase; None when there is none, or none for this user."""
        response = client.visible(await self._http.send("GET", _place(table, number)), words)
        return None if response is None else _one(response, table)

    async def search(self, table: Table, wanted: str) -> list[Any]:
        """What Capsule finds of that name, or of that e-mail address (source S8, `Party`, `Opportunity`, `Project`,
        [OD]; the address [CLI]): possibly more than that; nothing if it finds too much.
        """
        params = (("q", wanted), *_PAGE)
        return await client.few(self._pages(f"/api/v2/{PLURALS[table]}/search", params, PLURALS[table]))

    async def records_of(self, party: str, table: Table) -> list[Any]:
        """The opportunities or kases that have to do with a party; nothing if there are too many, or no such party."""
        path = f"{_place('party', party)}/{PLURALS[table]}"
        return await client.few(self._pages(path, _PAGE, PLURALS[table], client.visible))

    async def _pages(
        self, path: str, params: Sequence[tuple[str, str]], key: str, judge: Judge = client.listed
    ) -> AsyncGenerator[list[Any], None]:
        response = judge(await self._http.send("GET", path, params=params), words)
        followed = set[str]()
        while response is not None:
            found = _envelope(response).get(key)
            if not isinstance(found, list):
                raise answers.unreadable(response, f"no list of {key}")
            if found:
                yield found
            address = next_link(response, self._base_url)
            if address is None:
                return
            if address in followed:
                raise ServerFault(f"The pages of GET {path} lead in a circle.")
            followed.add(address)
            response = client.listed(await self._http.send("GET", address), words)


def _path(what: Kept, external_id: str) -> str:
    return f"/api/v2/{_KEPT[what]}/{quote(external_id, safe='')}"


def _place(table: Table, number: str) -> str:
    return f"/api/v2/{PLURALS[table]}/{quote(number, safe='')}"


def _envelope(response: Response) -> dict[str, Any]:
    found = answers.parse_json(response)
    if not isinstance(found, dict):
        raise answers.unreadable(response, "no JSON object")
    return found


def _one(response: Response, key: str) -> dict[str, Any]:
    found = _envelope(response).get(key)
    if not isinstance(found, dict):
        raise answers.unreadable(response, f"no {key}")
    return found
