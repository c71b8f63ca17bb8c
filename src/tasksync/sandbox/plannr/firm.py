"""The firm as a person sees it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from starlette.responses import JSONResponse, Response

from tasksync.sandbox.answers import page, phrase
from tasksync.sandbox.neutral import Fields, Links, NoSuchTask
from tasksync.sandbox.plannr.initial import CLIENT, EMPLOYEE
from tasksync.sandbox.plannr.records import Task
from tasksync.sandbox.plannr.shelves import Cases, Contacts, People, Plans, Statuses
from tasksync.sandbox.plannr.tables import LONDON, Tables, wall_clock
from tasksync.sandbox.shelf import Shelf


class Plannr(Tables):
    """One firm. Beside what other CRMs keep it has the shelf "status": the columns that a task's `status` names."""

    def shelves(self) -> dict[str, Shelf[Any]]:
        own = (Cases(self), People(self), Contacts(self), Plans(self), Statuses(self))
        return super().shelves() | {shelf.kind: shelf for shelf in own}

    def tasks(self) -> list[dict[str, Any]]:
        return [self._neutral(row) for row in self.rows()]

    def task(self, task_id: str) -> dict[str, Any]:
        return self._neutral(self._find(task_id))

    def remove(self, task_id: str) -> None:
        self.delete(self._find(task_id).uuid)

    def error_answer(self, path: str, status: int) -> Response:
        del path
        usual = {
            401: "Unauthenticated.",
            403: "This action is unauthorized.",
            429: "Too Many Attempts.",
            500: "Server Error",
        }
        if status in {502, 503, 504}:
            return page(status)
        return JSONResponse({"message": usual.get(status, phrase(status))}, status)

    def _find(self, task_id: str) -> Task:
        row = self.row(task_id)
        if row is None:
            raise NoSuchTask(f"Plannr has no task {task_id}")
        return row

    def _neutral(self, row: Task) -> dict[str, Any]:
        owner = self.account(row.assignees[0]) if row.assignees else None
        kind = _KINDS.get(row.taskable_type)
        return {
            "id": row.uuid,
            "title": row.name,
            "body": row.description or "",
            "due": _neutral_due(row.due),
            "done": self.is_done(row),
            "priority": row.priority,
            "status": self.statuses[row.status].name,
            "owner": owner.name if owner else None,
            "assignees": list(row.assignees),
            "link": {"type": row.taskable_type, "id": row.taskable},
            "links": {kind: row.taskable} if kind else {},
            "parent": row.parent,
            "created": row.created,
            "modified": row.updated,
        }

    def _add(self, fields: Fields) -> str:
        changes = self._changes(fields, None)
        made = fields.created or fields.modified or self.stamp()
        blank = Task(
            name=fields.title,
            status=self.status_with("not_started").uuid,
            taskable_type="client",
            taskable=CLIENT,
            author=EMPLOYEE,
            assignees=(EMPLOYEE,),
            created=made,
            updated=made,
        )
        row = self.insert(blank)
        self.change(row, changes, at=fields.modified or made, touch=True)
        return row.uuid

    def _edit(self, task_id: str, fields: Fields) -> None:
        row = self._find(task_id)
        self.change(row, self._changes(fields, row), at=fields.modified, touch=True)

    def _changes(self, fields: Fields, row: Task | None) -> dict[str, Any]:
        done = row is not None and self.is_done(row)
        changes: dict[str, Any] = {}
        for name, value in fields.given.items():
            match name:
                case "title" | "body" | "priority":
                    changes[_COLUMNS[name]] = value or None
                case "due":
                    changes["due"] = _stored_due(value)
                case "done" if value != done and "status" not in fields.given:
                    wanted = self.status_with("completed" if value else "not_started")
                    changes["status"] = wanted.uuid
                case "status":
                    changes["status"] = self._status(value)
                case "owner" if "assignees" not in fields.given:
                    changes["assignees"] = (self._employee(value),) if value else ()
                case "assignees":
                    changes["assignees"] = tuple(People(self).uuid(one) for one in value)
                case "parent":
                    changes["parent"] = self._find(value).uuid if value else None
                case _:
                    pass
        return changes | self._linking(fields, row)

    def _status(self, name: str) -> str:
        for status in self.statuses.values():
            if status.name == name:
                return status.uuid
        raise ValueError(f"this firm has no task status {name!r}")

    def _employee(self, name: str) -> str:
        for account in self.accounts.values():
            if account.name == name and account.type == "employee":
                return account.uuid
        raise ValueError(f"this firm has no employee {name!r}")

    def _linking(self, fields: Fields, row: Task | None) -> dict[str, str]:
        old = self._link(fields.link.type, fields.link.id) if fields.link else {}
        return old | (self._only_link(fields.links, row) if fields.links else {})

    def _link(self, kind: str, uuid: str) -> dict[str, str]:
        linked = self.linked(kind, uuid)
        if linked is None:
            raise ValueError(f"this firm has no {kind} {uuid}")
        return {"taskable_type": kind, "taskable": linked.uuid}

    def _only_link(self, links: Links, row: Task | None) -> dict[str, str]:
        """A task here has exactly one link, so that another one takes its place."""
        wanted = {kind: uuid for kind, uuid in links.items() if uuid is not None}
        unknown = wanted.keys() - set(_KINDS.values())
        if unknown or len(wanted) > 1:
            raise ValueError("a task of Plannr has exactly one link, to a contact, a case or a plan")
        for kind, uuid in wanted.items():
            return self._link("client" if kind == "contact" else kind, uuid)
        if row is not None and _KINDS.get(row.taskable_type) in links:
            raise ValueError("a task of Plannr cannot be without its link")
        return {}


_COLUMNS = {"title": "name", "body": "description", "priority": "priority"}
_KINDS = {"client": "contact", "case": "case", "plan": "plan"}
"""What neutral links call what a task can be linked to; they have no word for an employee."""


def _neutral_due(due: datetime | None) -> date | datetime | None:
    if due is None:
        return None
    return due.date() if due.time() == time() else due.astimezone(UTC)


def _stored_due(due: date | datetime | None) -> datetime | None:
    if due is None:
        return None
    return wall_clock(due) if isinstance(due, datetime) else datetime.combine(due, time(), LONDON)
