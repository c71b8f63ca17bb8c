"""Plannr's endpoints for tasks and for what they refer to: dicts in, dicts out (protocols/plannr.md, 2 to 4 and 7).
Those for cases are in `case_client`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from tasksync.connectors.plannr.answers import found, require_own_words, single, still_there, words
from tasksync.connectors.plannr.case_client import CASES, INCLUDE_OF_CASES, OLDEST_FIRST, CaseClient
from tasksync.connectors.plannr.paging import Page, items_of, latest, sweep
from tasksync.connectors.plannr.references import Linked
from tasksync.connectors.plannr.session import Session, at
from tasksync.ports import Http, Response
from tasksync.transport.answers import require

TASKS = "/api/v1/task"
STATUSES = "/api/v1/task-status"
LOGINS = "/api/v1/logins"
ACCOUNTS = "/api/v1/account"
PLANS = "/api/v1/plans"
# Where the record behind a link is read (7.2, 7.4, 7.5); clients and employees are both accounts, and the route for
# clients alone is deprecated (7.3).
LINKED: Mapping[str, str] = {"client": ACCOUNTS, "employee": ACCOUNTS, "case": CASES, "plan": PLANS}

# Without these a listing leaves out subtasks (4.1). The second is the deprecated one, for a Plannr that refuses the
# first.
_SUBTASKS = ("filter[subtask_visibility]", "include")
_CHILD_TASKS = ("filter[show_child_tasks]", "true")
# 5: always asked for, so that no key is missing.
_INCLUDE = ("include", "author,completed_by,parent_task,custom_fields")
_LATEST_FIRST = ("sort", "-updated_at")
# Of an account only `primary_email` has the address, now that `email` is deprecated (5.1, 7.2).
_INCLUDE_EMAIL = ("include", "primary_email")
_INCLUDES: Mapping[str, Sequence[tuple[str, str]]] = {
    "client": [_INCLUDE_EMAIL],
    "employee": [_INCLUDE_EMAIL],
    "case": [INCLUDE_OF_CASES],
    "plan": [],
}


class PlannrClient:
    """Speaks to one Plannr as one account. Raises what `session.Session` raises."""

    def __init__(self, http: Http) -> None:
        self._session = Session(http)
        self._visibility = _SUBTASKS
        self.of_cases = CaseClient(self._session)

    def act_as(self, account_uuid: str) -> None:
        """Every request from now on is made as this account, but for `logins` (2.1)."""
        self._session.act_as(account_uuid)

    async def logins(self) -> dict[str, Any]:
        """The answer of `/logins`, its `data` a list of objects. Needs no account (2.1)."""
        response = await self._session.send("GET", LOGINS, as_account=False)
        body, items = items_of(found(response))
        return {**body, "data": items}

    # --- tasks ---

    async def statuses(self) -> list[dict[str, Any]]:
        """All task statuses, in no order."""
        return await self._session.items(STATUSES)

    async def tasks(self, since: datetime | None = None) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """All tasks that the account may see, page by page; see `paging.sweep`. With `since`, by Plannr's clock, those
        that were updated then or later; see `paging.latest`.
        """
        if since is None:
            pages = sweep(lambda number: self._task_page(number, OLDEST_FIRST), "tasks")
        else:
            pages = latest(lambda number: self._task_page(number, _LATEST_FIRST), "tasks", since)
        async for items in pages:
            yield items

    async def _task_page(self, number: int, order: tuple[str, str]) -> Page:
        response = await self._send_for_tasks(number, order)
        if response.status == 400 and self._visibility == _SUBTASKS:
            self._visibility = _CHILD_TASKS
            response = await self._send_for_tasks(number, order)
        return self._session.read_page(response, number)

    async def _send_for_tasks(self, number: int, order: tuple[str, str]) -> Response:
        return await self._session.send_for_page(TASKS, [_INCLUDE, self._visibility, order], number)

    async def task(self, uuid: str) -> dict[str, Any] | None:
        """One task; None when Plannr itself says that it has none of this uuid (not visible looks the same, 3.6)."""
        return await self._session.one(at(TASKS, uuid))

    async def create_task(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return single(require(await self._session.send("POST", TASKS, json=body), words))

    async def update_task(self, uuid: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set what `body` names, leave the rest (4.3). Raises `Vanished`."""
        response = await self._session.send("PUT", at(TASKS, uuid), json=body)
        return single(require(still_there(response, "task"), words))

    async def complete_task(self, uuid: str) -> dict[str, Any]:
        """Raises `Vanished`."""
        response = await self._session.send("PATCH", f"{at(TASKS, uuid)}/complete")
        return single(require(still_there(response, "task"), words))

    async def uncomplete_task(self, uuid: str, status_uuid: str) -> dict[str, Any]:
        """Raises `Vanished`; `Refused` when it is the status that is not there any more."""
        path = f"{at(TASKS, uuid)}/uncomplete/{quote(status_uuid, safe='')}"
        response = await self._session.send("PATCH", path)
        # A 404 may mean either of the two.
        if response.status != 404 or await self.task(uuid) is None:
            still_there(response, "task")
        return single(require(response, words))

    async def delete_task(self, uuid: str) -> None:
        """A task that is not there is a success."""
        response = await self._session.send("DELETE", at(TASKS, uuid))
        if response.status not in (404, 410):
            require(response, words)

    # --- accounts and plans ---

    async def employees(self) -> list[dict[str, Any]]:
        """Everybody who works for the firm, with `primary_email`, in the order of their accounts. Who has left is among
        them, with `inactive_at`.
        """
        wanted = [_INCLUDE_EMAIL, OLDEST_FIRST, ("filter[type]", "employee")]
        return await self._session.items(ACCOUNTS, wanted)

    async def find_clients(self, by: Literal["name", "primary_email"], text: str) -> list[dict[str, Any]]:
        """Clients of whom `text` is that, and others, with `primary_email`. Raises `RetryLater` when there are too
        many.
        """
        # The longest word alone. A comma separates values in this grammar, of which nobody knows what partial matches
        # make (3.4), and names are looked for in each of their parts (7.2 [S]): in which of them all is not said. It
        # finds more than was wanted, which does no harm.
        word = max(re.split(r"[\s,]+", text), key=len)
        if not word:
            return []
        wanted = [_INCLUDE_EMAIL, OLDEST_FIRST, ("filter[type]", "client"), (f"filter[{by}]", word)]
        return await self._session.items(ACCOUNTS, wanted, searched="contact")

    async def look_up(self, kind: Linked, uuid: str) -> dict[str, Any] | None:
        """The account with `primary_email`, case or plan that a task can hang on; None when Plannr itself says that it
        has none, or that it is not for this account to see (403). A plan with `is_deleting` is as good as gone (7.5).
        """
        response = await self._session.ask_for_one(at(LINKED[kind], uuid), _INCLUDES[kind])
        if response.status in (403, 404, 410):
            require_own_words(response)
            return None
        record = single(require(response, words))
        return await self.of_cases.whole(record) if kind == "case" else record

    async def read_linked(self, kind: str, uuid: str) -> None:
        """Raises `Refused` (404) when the account, case or plan cannot be seen."""
        require(await self._session.send("GET", at(LINKED[kind], uuid)), words)
