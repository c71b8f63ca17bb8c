"""The CRMs of a bench, as the people see them who work in them, and what came over the wire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, Final

import httpx

CRMS: Final = ("onlyoffice", "capsule", "plannr")

LISTINGS: Final = ("/crm/task/filter?", "/api/tasks?", "/api/v2/tasks?", "/api/v1/task?")
"""Where each protocol lists its tasks."""

Row = tuple[str, str, str, str]
"""A request as the bare client sends it again: method, target, body in base 64, content type."""

Requests = Mapping[str, tuple[Row, ...]]
"""By CRM, in their order."""

NO_REQUESTS: Final[Requests] = MappingProxyType({})


def is_page(row: Row) -> bool:
    """Whether it asks for a page of the listing."""
    return row[0] == "GET" and any(listing in row[1] for listing in LISTINGS)


def is_write(row: Row) -> bool:
    return row[0] != "GET"


class Crms:
    """Behind the url of the bench's server."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self.url = url
        self._http = stack.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=600.0))

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def begin(self, tasks: Mapping[str, int]) -> None:
        """Accounts with so many tasks each, the same ones in all of them, and no more."""
        self.pass_time(0.0)
        for crm in CRMS:
            self._ask("POST", f"/_admin/{crm}/reset", {"seed": False})
            self._ask("POST", f"/_bench/fill?crm={crm}&count={tasks.get(crm, 0)}")
        self.forget()

    def pass_time(self, seconds: float) -> None:
        """Let the CRMs' clocks be that far ahead, so that what was just written is not new any more."""
        for crm in CRMS:
            self._ask("PATCH", f"/_admin/{crm}/settings", {"clock_offset_s": seconds})

    def tasks(self, crm: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._ask("GET", f"/_admin/{crm}/tasks")
        return found

    def edit(self, crm: str, count: int, text: str) -> None:
        """People change the title of `count` tasks, spread over the account."""
        tasks = self.tasks(crm)
        for number in range(count):
            task = tasks[number * len(tasks) // count]
            self._ask("PATCH", f"/_admin/{crm}/tasks/{task['id']}", {"title": f"{text} {number:03}"})

    def in_step(self, crms: Sequence[str] = CRMS) -> bool:
        """Whether the same tasks are in all of these."""
        titles = [Counter(task["title"] for task in self.tasks(crm)) for crm in crms]
        return all(one == titles[0] for one in titles)

    def latency(self, seconds: float) -> None:
        """How long each answer takes from now on, besides the work."""
        self._ask("PUT", f"/_bench/latency?s={seconds}")

    def forget(self) -> None:
        self._ask("DELETE", "/_bench/requests")

    def requests(self) -> Requests:
        """All since they were last forgotten."""
        rows: Iterable[list[str]] = self._ask("GET", "/_bench/requests")
        found: dict[str, list[Row]] = {crm: [] for crm in CRMS}
        for method, target, body, kind in rows:
            found[target.split("/", 2)[1]].append((method, target, body, kind))
        return {crm: tuple(some) for crm, some in found.items()}
