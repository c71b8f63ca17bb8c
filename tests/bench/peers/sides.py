"""The two CRMs of the sandbox as a program that syncs pairs would talk to them: plain, blocking, and no more than it
needs. A task is a dict of id, title, body, due (YYYY-MM-DD) and done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import httpx

Item = dict[str, Any]


class Side(Protocol):
    """One account."""

    name: str

    def list(self) -> Iterator[Item]:
        """All tasks, by as few pages as the CRM allows."""

    def get(self, number: str) -> Item: ...

    def create(self, item: Item) -> Item: ...

    def update(self, number: str, item: Item) -> Item: ...

    def delete(self, number: str) -> None: ...


class Office:
    """ONLYOFFICE. A PUT replaces the whole task, so it is read before."""

    name = "office"

    def __init__(self, url: str) -> None:
        headers = {"Authorization": "sandbox"}
        self._http = httpx.Client(base_url=f"{url}/onlyoffice/api/2.0/crm/", headers=headers, trust_env=False)
        self._category = self._ask("GET", "task/category")[0]["id"]

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        answer.raise_for_status()
        return answer.json()["response"]

    def list(self) -> Iterator[Item]:
        start, rows = 0, [None]
        while rows:
            rows = self._ask("GET", "task/filter", params={"count": 500, "startIndex": start, "sortBy": "id"})
            yield from map(self._item, rows)
            start += len(rows)
            if len(rows) < 500:
                return

    def get(self, number: str) -> Item:
        return self._item(self._ask("GET", f"task/{number}"))

    def create(self, item: Item) -> Item:
        return self._item(self._ask("POST", "task", json={"categoryid": self._category, **self._body(item)}))

    def update(self, number: str, item: Item) -> Item:
        before = self._ask("GET", f"task/{number}")
        kept = {"categoryid": before["category"]["id"], "responsibleid": before["responsible"]["id"]}
        return self._item(self._ask("PUT", f"task/{number}", json={**kept, **self._body(item)}))

    def delete(self, number: str) -> None:
        self._ask("DELETE", f"task/{number}")

    @staticmethod
    def _item(row: Any) -> Item:
        return {
            "id": str(row["id"]),
            "title": row["title"],
            "body": row.get("description") or "",
            "due": row["deadLine"][:10],
            "done": row.get("isClosed", False),
        }

    @staticmethod
    def _body(item: Item) -> Item:
        return {"title": item["title"], "description": item["body"], "deadline": f"{item['due']}T00:00:00"}


class Capsule:
    """Capsule's second API."""

    name = "capsule"

    def __init__(self, url: str) -> None:
        headers = {"Authorization": "Bearer sandbox"}
        self._http = httpx.Client(base_url=f"{url}/capsule/api/v2/", headers=headers, trust_env=False)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, path, **more)
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def list(self) -> Iterator[Item]:
        number, rows = 1, [None]
        while rows:
            wanted = {"page": number, "perPage": 100, "status": "open,completed"}
            rows = self._ask("GET", "tasks", params=wanted)["tasks"]
            yield from map(self._item, rows)
            number += 1
            if len(rows) < 100:
                return

    def get(self, number: str) -> Item:
        # One that is asked for by its id comes in a list of one, or alone, by the version.
        answer = self._ask("GET", f"tasks/{number}")
        return self._item(answer["task"] if "task" in answer else answer["tasks"][0])

    def create(self, item: Item) -> Item:
        return self._item(self._ask("POST", "tasks", json=self._body(item))["task"])

    def update(self, number: str, item: Item) -> Item:
        return self._item(self._ask("PUT", f"tasks/{number}", json=self._body(item))["task"])

    def delete(self, number: str) -> None:
        self._ask("DELETE", f"tasks/{number}")

    @staticmethod
    def _item(row: Any) -> Item:
        return {
            "id": str(row["id"]),
            "title": row["description"],
            "body": row["detail"] or "",
            "due": row["dueOn"],
            "done": row["status"] == "COMPLETED",
        }

    @staticmethod
    def _body(item: Item) -> Item:
        return {"task": {"description": item["title"], "detail": item["body"], "dueOn": item["due"]}}
