"""The endpoints of tasks (plannr.md 4)."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.plannr.initial import EMPLOYEE
from tasksync.sandbox.plannr.listings import TASKS
from tasksync.sandbox.plannr.paging import listed
from tasksync.sandbox.plannr.query import choose, includes, includes_of_one
from tasksync.sandbox.plannr.reading import read_body
from tasksync.sandbox.plannr.records import Task
from tasksync.sandbox.plannr.replies import Routes, check_right, deleted, missing, single
from tasksync.sandbox.plannr.tables import Tables
from tasksync.sandbox.plannr.task_reading import read_task
from tasksync.sandbox.plannr.work_shapes import task_shape


class Tasks:
    """One method per endpoint; each raises Refusal."""

    def __init__(self, firm: Tables) -> None:
        self._firm = firm

    def routes(self) -> Routes:
        return [
            ("/task", {"GET": self.list, "POST": self.create}),
            ("/task/{uuid}", {"GET": self.show, "PUT": self.update, "DELETE": self.delete}),
            ("/task/{uuid}/complete", {"PATCH": self.complete}),
            ("/task/{uuid}/uncomplete", {"PATCH": self.uncomplete}),
            ("/task/{uuid}/uncomplete/{status}", {"PATCH": self.uncomplete}),
        ]

    async def list(self, request: Request) -> Response:
        wanted = includes(self._firm, request, TASKS)
        rows = choose(self._firm, request, TASKS, self._firm.rows())
        return listed(self._firm, request, rows, lambda row: task_shape(self._firm, row, wanted))

    async def show(self, request: Request) -> Response:
        return self._one(self._existing(request), request)

    async def create(self, request: Request) -> Response:
        check_right(self._firm, "write")
        changes = read_task(self._firm, await read_body(request), None)
        now = self._firm.stamp()
        required = {name: changes[name] for name in ("name", "taskable_type", "taskable")}
        # Made in a status that is not done, so that one that is done goes the way of every change into it.
        start = self._firm.status_with("not_started").uuid
        row = self._firm.insert(Task(**required, status=start, author=EMPLOYEE, created=now, updated=now))
        return self._one(self._change(row, changes), request, status=201)

    async def update(self, request: Request) -> Response:
        row = self._existing(request)
        check_right(self._firm, "write")
        changes = read_task(self._firm, await read_body(request), row)
        return self._one(self._change(row, changes), request)

    def _change(self, row: Task, changes: dict[str, Any]) -> Task:
        new = self._firm.change(row, changes)
        finished = self._firm.is_done(new) and not self._firm.is_done(row)
        if finished and not self._firm.settings.put_completed_status_sets_completed_at:
            new = self._firm.change(new, {"completed": None, "completed_by": None})
        return new

    async def delete(self, request: Request) -> Response:
        row = self._existing(request)
        check_right(self._firm, "delete")
        self._firm.delete(row.uuid)
        return deleted(self._firm)

    async def complete(self, request: Request) -> Response:
        row = self._existing(request)
        check_right(self._firm, "write")
        changes = {} if self._firm.is_done(row) else {"status": self._firm.status_with("completed").uuid}
        return self._one(self._firm.change(row, changes), request)

    async def uncomplete(self, request: Request) -> Response:
        """Without a status in the path the server picks one."""
        row = self._existing(request)
        uuid = request.path_params.get("status", self._firm.status_with("not_started").uuid)
        if uuid not in self._firm.statuses:
            raise missing("TaskStatus", uuid)
        check_right(self._firm, "write")
        return self._one(self._firm.change(row, {"status": uuid}), request)

    def _existing(self, request: Request) -> Task:
        uuid = request.path_params["uuid"]
        row = self._firm.row(uuid)
        if row is None:
            raise missing("Task", uuid)
        return row

    def _one(self, row: Task, request: Request, *, status: int = 200) -> Response:
        """Examples of single tasks always show author, completer and custom fields (plannr.md 5)."""
        wanted = includes_of_one(self._firm, request, TASKS)
        return single(self._firm, task_shape(self._firm, row, wanted), status)
