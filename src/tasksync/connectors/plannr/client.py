"""Plannr's endpoints and paging: dicts in, dicts out (protocols/plannr.md, 2 to 4 and 7)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tasksync.errors import Misconnected, Refused, ServerFault, Vanished
from tasksync.ports import Http, Response
from tasksync.transport.answers import parse_json, require, unreadable

TASKS = "/api/v1/task"
STATUSES = "/api/v1/task-status"
LOGINS = "/api/v1/logins"
# Where the record behind a link is read (7.2, 7.4, 7.5); clients and employees are both accounts.
LINKED = {"client": "/api/v1/account", "employee": "/api/v1/account", "case": "/api/v1/cases", "plan": "/api/v1/plans"}

PER_PAGE = 500  # the most Plannr gives (3.3 [S])
SWEEPS = 3
# Without these a listing leaves out subtasks (4.1). The second is the deprecated one, for a Plannr that refuses the
# first.
_SUBTASKS = ("filter[subtask_visibility]", "include")
_CHILD_TASKS = ("filter[show_child_tasks]", "true")
_INCLUDE = (
    "include",
    "author,completed_by,parent_task,custom_fields",
)  # 5: always asked for, so that no key is missing
# New tasks come at the end, so that pages that were read stay as they were, but for deletions.
_SORT = ("sort", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing; `total` is what Plannr says the whole listing has."""

    items: Sequence[dict[str, Any]]
    number: int
    last: int
    total: int
    goes_on: bool


@dataclass(slots=True)
class _Sweep:
    """What one passage through all pages of a listing has shown."""

    seen: set[str] = field(default_factory=set)
    total: int = 0
    contradicted: bool = False

    def take(self, page: Page) -> None:
        self.contradicted |= page.total < self.total or (page.goes_on and page.number >= page.last)
        self.total = page.total
        self.seen.update(str(item.get("uuid")) for item in page.items)

    @property
    def whole(self) -> bool:
        """Whether the pages add up. A deletion and a creation between two pages can still hide one task; it is not
        taken for deleted, because an absence counts only after a direct read (design.md, I5).
        """
        return not self.contradicted and len(self.seen) == self.total


class PlannrClient:
    """Speaks to one Plannr as one account. Raises what `ports.Http.send` and `answers.require` raise."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._headers: Mapping[str, str] = {}
        self._visibility = _SUBTASKS

    def act_as(self, account_uuid: str) -> None:
        """Every request from now on is made as this account (2.1)."""
        self._headers = {"X-PLANNR-ACCOUNT-UUID": account_uuid}

    async def logins(self) -> dict[str, Any]:
        """The answer of `/logins`, its `data` a list of objects. Needs no account (2.1)."""
        response = await self._http.send("GET", LOGINS)
        body, items = _listing(_found(response))
        return {**body, "data": items}

    async def statuses(self) -> list[dict[str, Any]]:
        """All task statuses, in no order."""
        items: list[dict[str, Any]] = []
        number = last = 1
        while number <= last:
            response = await self._http.send(
                "GET", STATUSES, params=[("per_page", str(PER_PAGE)), ("page", str(number))], headers=self._headers
            )
            body, found = _listing(_found(response))
            items += found
            # That this short list comes in pages is only inferred (7.1).
            if "meta" in body:
                last = _page(response, body, found, number).last
            number += 1
        return items

    async def tasks(self) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """All tasks that the account may see, page by page. Reads once more from the beginning, twice at most, when
        the pages do not add up to what Plannr says there is. Raises `ServerFault` if they never do.
        """
        sweep = _Sweep()
        for _ in range(SWEEPS):
            sweep = _Sweep()
            number = last = 1
            while number <= last:
                page = await self._task_page(number)
                sweep.take(page)
                yield page.items
                number, last = number + 1, page.last
            if sweep.whole:
                return
        raise ServerFault(
            f"Plannr's list of tasks did not hold still: {len(sweep.seen)} different tasks on its pages, {sweep.total} "
            f"by its own count, in the last of {SWEEPS} attempts."
        )

    async def _task_page(self, number: int) -> Page:
        response = await self._send_for_page(number)
        if response.status == 400 and self._visibility == _SUBTASKS:
            self._visibility = _CHILD_TASKS
            response = await self._send_for_page(number)
        return _page(response, *_listing(_found(response)), number)

    async def _send_for_page(self, number: int) -> Response:
        # Built by hand: whether Plannr's own links keep filter, sort and size is unknown (3.3).
        params = [_INCLUDE, self._visibility, _SORT, ("per_page", str(PER_PAGE)), ("page", str(number))]
        return await self._http.send("GET", TASKS, params=params, headers=self._headers)

    async def task(self, uuid: str) -> dict[str, Any] | None:
        """One task; None when Plannr itself says that it has none of this uuid (not visible looks the same, 3.6)."""
        response = await self._http.send("GET", _at(TASKS, uuid), headers=self._headers)
        if response.status in (404, 410):
            _require_own_words(response)
            return None
        return _single(require(response, words))

    async def create_task(self, body: Mapping[str, Any]) -> dict[str, Any]:
        response = await self._http.send("POST", TASKS, headers=self._headers, json=dict(body))
        return _single(require(response, words))

    async def update_task(self, uuid: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set what `body` names, leave the rest (4.3). Raises `Vanished`."""
        response = await self._http.send("PUT", _at(TASKS, uuid), headers=self._headers, json=dict(body))
        return _single(require(_still_there(response), words))

    async def complete_task(self, uuid: str) -> dict[str, Any]:
        """Raises `Vanished`."""
        response = await self._http.send("PATCH", f"{_at(TASKS, uuid)}/complete", headers=self._headers)
        return _single(require(_still_there(response), words))

    async def uncomplete_task(self, uuid: str, status_uuid: str) -> dict[str, Any]:
        """Raises `Vanished`; `Refused` when it is the status that is not there any more."""
        path = f"{_at(TASKS, uuid)}/uncomplete/{quote(status_uuid, safe='')}"
        response = await self._http.send("PATCH", path, headers=self._headers)
        # A 404 may mean either of the two.
        if response.status != 404 or await self.task(uuid) is None:
            _still_there(response)
        return _single(require(response, words))

    async def delete_task(self, uuid: str) -> None:
        """A task that is not there is a success."""
        response = await self._http.send("DELETE", _at(TASKS, uuid), headers=self._headers)
        if response.status not in (404, 410):
            require(response, words)

    async def read_linked(self, kind: str, uuid: str) -> None:
        """Raises `Refused` (404) when the account, case or plan cannot be seen."""
        require(await self._http.send("GET", _at(LINKED[kind], uuid), headers=self._headers), words)


def words(response: Response) -> str:
    """Plannr's own words for what went wrong: `message`, then each field of `errors` (3.6)."""
    said = _json_object(response)
    parts = [said["message"]] if isinstance(said.get("message"), str) else []
    errors = said.get("errors")
    for name, texts in errors.items() if isinstance(errors, dict) else ():
        listed = texts if isinstance(texts, list) else [texts]
        parts.append(f"{name}: {' '.join(str(text) for text in listed)}")
    return "; ".join(parts)


def _json_object(response: Response) -> dict[str, Any]:
    try:
        said = json.loads(response.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _found(response: Response) -> Response:
    # A list that cannot be asked for concerns no single record: it is the url, or another program behind it.
    try:
        return require(response, words)
    except Refused as refused:
        raise Misconnected(f"{refused}. Check the connection's url and type.") from None


def _still_there(response: Response) -> Response:
    if response.status in (404, 410):
        raise Vanished(f"Plannr does not have this task any more: {words(response) or f'HTTP {response.status}'}")
    return response


def _require_own_words(response: Response) -> None:
    # A proxy's 404, or that of a wrong path, says nothing about the task; taking it for an answer would delete it.
    said = _json_object(response)
    if "message" not in said:
        raise ServerFault(f"GET {response.url} was answered with {response.status}, but not in Plannr's words.")
    if str(said["message"]).startswith("The route "):
        raise Misconnected(f"{said['message']} Check the connection's url and type.")


def _listing(response: Response) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    body = parse_json(response)
    items = body.get("data") if isinstance(body, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise unreadable(response, "no list of objects")
    return body, items


def _page(response: Response, body: Mapping[str, Any], items: Sequence[dict[str, Any]], number: int) -> Page:
    meta, links = body.get("meta"), body.get("links")
    meta = meta if isinstance(meta, dict) else {}
    current, last, total = (meta.get(key) for key in ("current_page", "last_page", "total"))
    if not isinstance(last, int) or not isinstance(total, int):
        raise unreadable(response, "a list without the number of its pages")
    if current != number:
        raise unreadable(response, f"page {current} instead of page {number}")
    goes_on = isinstance(links, dict) and links.get("next") is not None
    return Page(items=items, number=number, last=last, total=total, goes_on=goes_on)


def _single(response: Response) -> dict[str, Any]:
    # Bare in every example, but Laravel wraps by default (3.2). A task has a uuid and no `data`.
    body = parse_json(response)
    if isinstance(body, dict) and "uuid" not in body and isinstance(body.get("data"), dict):
        body = body["data"]
    if not isinstance(body, dict):
        raise unreadable(response, "no object")
    return body


def _at(collection: str, uuid: str) -> str:
    return f"{collection}/{quote(uuid, safe='')}"
