"""The endpoints for tasks of Capsule's second API (capsule.md 3)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, below
from tasksync.sandbox.capsule.records import ME, Task
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_listing import embeds, listed, read_instant, shown, updated_since
from tasksync.sandbox.capsule.v2_reading import read_changes
from tasksync.sandbox.capsule.v2_shapes import task_shape
from tasksync.sandbox.capsule.v2_wire import gone, read_envelope, reply


class TaskApi:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, account: Tables) -> None:
        self._account = account

    async def list_all(self, request: Request) -> Response:
        rows = self._filtered(request)
        if self._account.settings.v2_order == "id":
            rows.sort(key=lambda row: row.id)
        else:
            rows.sort(key=lambda row: (self._account.wall_clock(row.due)[0], row.id))
        return listed(self._account, request, "tasks", rows, lambda row: self._shape(request, row))

    def _shape(self, request: Request, row: Task) -> dict[str, Any]:
        return task_shape(self._account, row, embeds(request))

    def _filtered(self, request: Request) -> list[Task]:
        """Unknown parameters are not looked at; `since` does not widen the default of open tasks (capsule.md 3.2)."""
        query = request.query_params
        statuses = set(query.get("status", "open").upper().split(","))
        if self._account.settings.v2_pending == "as_open" and "PENDING" in statuses:
            statuses = (statuses - {"PENDING"}) | {"OPEN"}
        rows = [row for row in self._account.rows() if row.status in statuses]
        rows = updated_since(self._account, request, rows)
        for name in ("owner", "category"):
            if wanted := query.get(name):
                rows = [row for row in rows if str(getattr(row, name)) == wanted]
        first, last = read_instant(request, "dueFrom"), read_instant(request, "dueTo")
        if first:
            rows = [row for row in rows if self._account.wall_clock(row.due)[0] >= first.date()]
        if last:
            rows = [row for row in rows if self._account.wall_clock(row.due)[0] <= last.date()]
        return rows

    async def show(self, request: Request) -> Response:
        return shown(request, "task", "tasks", self._account.row, lambda row: self._shape(request, row))

    async def create(self, request: Request) -> Response:
        changes = read_changes(self._account, await read_envelope(request, "task"), None)
        now = self._account.stamp()
        blank = Task(description=changes["description"], due=changes["due"], owner=ME.id, created=now, updated=now)
        row = self._account.insert(blank)
        row = self._account.change(row, changes)
        location = f"{below(request)}/tasks/{row.id}"
        return reply({"task": self._shape(request, row)}, 201, {"Location": location})

    async def update(self, request: Request) -> Response:
        """Only the keys that are there change (capsule.md 3.4)."""
        row = self._existing(request)
        changes = read_changes(self._account, await read_envelope(request, "task"), row)
        row = self._account.change(row, changes, touch=self._account.settings.v2_no_change_put == "moves")
        return reply({"task": self._shape(request, row)})

    async def delete(self, request: Request) -> Response:
        self._account.delete(self._existing(request).id)
        return Response(status_code=204)

    def _existing(self, request: Request) -> Task:
        text = request.path_params["ids"]
        row = self._account.row(int(text)) if text.isdecimal() else None
        if row is None:
            raise Refusal(gone())
        return row
