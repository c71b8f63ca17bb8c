"""v2: endpoints and paging, dicts in and out (protocols/capsule.md, 3.1 and 3.2)."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from tasksync.connectors.capsule import client
from tasksync.connectors.capsule.client import ROWS_PER_PAGE, page_words
from tasksync.errors import Misconnected, ServerFault
from tasksync.ports import Http, Response
from tasksync.transport import answers

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

    async def users(self) -> list[Any]:
        """All users. No paging is documented; should there be some, it is followed."""
        return [user async for page in self._pages("/api/v2/users", (), "users") for user in page]

    async def categories(self) -> list[Any]:
        """All task categories."""
        return [one async for page in self._pages("/api/v2/categories", _PAGE, "categories") for one in page]

    def task_pages(self) -> AsyncIterator[list[Any]]:
        """All tasks in any state, page by page. The same may come twice, as pages shift while tasks change."""
        return self._pages("/api/v2/tasks", (_ALL_STATES, *_PAGE), "tasks")

    async def task(self, external_id: str) -> dict[str, Any] | None:
        """The task, or None when there is none."""
        response = client.read(await self._http.send("GET", _path(external_id)), words)
        return None if response is None else _one(response, "task")

    async def create(self, task: dict[str, Any]) -> dict[str, Any]:
        """The task that was made."""
        response = await self._http.send("POST", "/api/v2/tasks", json={"task": task})
        return _one(answers.require(response, words), "task")

    async def update(self, external_id: str, task: dict[str, Any]) -> dict[str, Any]:
        """The task after the keys of `task` were set. Raises `Vanished`."""
        response = await self._http.send("PUT", _path(external_id), json={"task": task})
        return _one(client.written(response, words), "task")

    async def delete(self, external_id: str) -> None:
        """Delete; one that is not there is a success."""
        client.deleted(await self._http.send("DELETE", _path(external_id)), words)

    async def _pages(self, path: str, params: Sequence[tuple[str, str]], key: str) -> AsyncIterator[list[Any]]:
        response = client.listed(await self._http.send("GET", path, params=params), words)
        followed = set[str]()
        while True:
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


def _path(external_id: str) -> str:
    return f"/api/v2/tasks/{quote(external_id, safe='')}"


def _envelope(response: Response) -> dict[str, Any]:
    try:
        found = answers.parse_json(response)
    except RecursionError:
        raise answers.unreadable(response, "JSON that is nested too deeply") from None
    if not isinstance(found, dict):
        raise answers.unreadable(response, "no JSON object")
    return found


def _one(response: Response, key: str) -> dict[str, Any]:
    found = _envelope(response).get(key)
    if not isinstance(found, dict):
        raise answers.unreadable(response, f"no {key}")
    return found
