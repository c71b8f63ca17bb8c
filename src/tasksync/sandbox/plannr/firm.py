"""A firm's tasks as Plannr's database holds them, and what a person does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time
from random import Random
from typing import Any, ClassVar, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from starlette.responses import JSONResponse, Response

from tasksync.ports import Clock
from tasksync.sandbox.answers import page, phrase
from tasksync.sandbox.crm import Crm, Settings
from tasksync.sandbox.neutral import Fields, NoSuchTask
from tasksync.sandbox.plannr.records import ACCOUNTS, CLIENT, EMPLOYEE, STATUSES, TO_DO, Status, taskable_name

LONDON = ZoneInfo("Europe/London")
"""The zone of Plannr's servers, not of the account (plannr.md 6, [I])."""


class PlannrSettings(Settings):
    """The uncertain points of plannr.md 11, the suggested default first, and the rights of the login.
    `second_login`: the user also has a client account. `name_most`: characters in a name (unknown; None: no limit).
    """

    limit_requests: int = Field(default=500, ge=1)
    limit_per_s: float = Field(default=60.0, gt=0)
    single_wrap: Literal["bare", "data"] = "bare"
    due_at_format: Literal["zoneless", "iso-offset", "date-only"] = "zoneless"
    due_at_granularity: Literal["datetime", "date"] = "datetime"
    offset_input: Literal["keep", "convert"] = "keep"
    missing_account_header: Literal[400, 403, 422] = 400
    put_semantics: Literal["partial", "full"] = "partial"
    unknown_filter: Literal["refuse", "ignore"] = "refuse"
    per_page_over_max: Literal["clamp", "refuse"] = "clamp"
    next_link_keeps_query: bool = False
    assignee_change_touches_updated_at: bool = False
    put_completed_status_sets_completed_at: bool = True
    default_includes: Literal["absent", "present"] = "absent"
    delete_status: Literal[204, 200] = 204
    assigned_to_shape: Literal["list", "single"] = "list"
    name_most: int | None = Field(default=None, ge=1)
    has_write_permission: bool = True
    has_delete_permission: bool = True
    second_login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row. `due` is London wall clock, its midnight meaning a whole day; stamps are UTC in whole seconds.
    `assignees` and `custom` are tables of their own there, which do not count as a change of the task.
    """

    uuid: str = ""
    name: str
    description: str | None = None
    priority: str | None = None
    due: datetime | None = None
    status: str
    taskable_type: str
    taskable: str
    parent: str | None = None
    is_recurring: bool = False
    frequency: str | None = None
    position: int = 1
    author: str = EMPLOYEE
    assignees: tuple[str, ...] = ()
    custom: tuple[tuple[str, Any], ...] = ()
    created: datetime
    updated: datetime
    completed: datetime | None = None
    completed_by: str | None = None

    @property
    def done(self) -> bool:
        return STATUSES[self.status].completed


_OWN_COLUMNS = tuple(field.name for field in fields(Task) if field.name not in {"assignees", "custom"})


def wall_clock(moment: datetime) -> datetime:
    """In London, as a column without zone can hold it: what is lost is which of two equal hours it was."""
    return moment.astimezone(LONDON).replace(fold=0)


class Plannr(Crm):
    """One firm, seen by an employee who may see everything. Tasks change only through `insert`, `change`, `delete`."""

    name: ClassVar[str] = "plannr"
    settings: PlannrSettings

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, PlannrSettings())
        self._rows: dict[str, Task] = {}
        self._random = Random(2004)

    @property
    def zone(self) -> ZoneInfo:
        return LONDON

    def rows(self) -> list[Task]:
        """In the order in which they were made."""
        return list(self._rows.values())

    def row(self, uuid: str) -> Task | None:
        return self._rows.get(uuid.lower())

    def insert(self, task: Task) -> Task:
        uuid = str(UUID(int=self._random.getrandbits(128), version=4))
        task = self._rows[uuid] = replace(task, uuid=uuid, position=len(self._rows) + 1)
        return task

    def change(self, row: Task, changes: Mapping[str, Any], *, at: datetime | None = None, touch: bool = False) -> Task:
        """Set `changes`; the updated stamp moves if a column of its own became different, or with `touch`."""
        new = replace(row, **changes)
        new = replace(new, **self._completion(row, new, at or self.stamp()))
        own = any(getattr(new, name) != getattr(row, name) for name in _OWN_COLUMNS)
        if own or touch or (new != row and self.settings.assignee_change_touches_updated_at):
            new = replace(new, updated=at or self.stamp())
        self._rows[row.uuid] = new
        return new

    @staticmethod
    def _completion(before: Task, after: Task, now: datetime) -> dict[str, Any]:
        if after.done and not before.done:
            return {"completed": now, "completed_by": EMPLOYEE}
        return {} if after.done else {"completed": None, "completed_by": None}

    def delete(self, uuid: str) -> Task | None:
        return self._rows.pop(uuid.lower(), None)

    def status_with(self, flag: Literal["completed", "not_started"]) -> Status:
        """The firm's first status with this flag."""
        return next(status for status in STATUSES.values() if getattr(status, flag))

    # --- as a person ---

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
        return {
            "id": row.uuid,
            "title": row.name,
            "body": row.description or "",
            "due": _neutral_due(row.due),
            "done": row.done,
            "priority": row.priority,
            "status": STATUSES[row.status].name,
            "owner": ACCOUNTS[row.assignees[0]].name if row.assignees else None,
            "link": {"type": row.taskable_type, "id": row.taskable},
            "parent": row.parent,
            "created": row.created,
            "modified": row.updated,
        }

    def _add(self, fields: Fields) -> str:
        changes = self._changes(fields, done=False)
        made = fields.created or fields.modified or self.stamp()
        blank = Task(
            name=fields.title,
            status=TO_DO,
            taskable_type="client",
            taskable=CLIENT,
            assignees=(EMPLOYEE,),
            created=made,
            updated=made,
        )
        row = self.insert(blank)
        self.change(row, changes, at=fields.modified or made, touch=True)
        return row.uuid

    def _edit(self, task_id: str, fields: Fields) -> None:
        row = self._find(task_id)
        self.change(row, self._changes(fields, done=row.done), at=fields.modified, touch=True)

    def _changes(self, fields: Fields, *, done: bool) -> dict[str, Any]:
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
                    changes["status"] = _status(value)
                case "owner":
                    changes["assignees"] = (_employee(value),) if value else ()
                case "link":
                    changes |= _link(value.type, value.id) if value else {}
                case "parent":
                    changes["parent"] = self._find(value).uuid if value else None
                case _:
                    pass
        return changes

    def _clear(self) -> None:
        self._rows.clear()


_COLUMNS = {"title": "name", "body": "description", "priority": "priority"}


def _neutral_due(due: datetime | None) -> date | datetime | None:
    if due is None:
        return None
    return due.date() if due.time() == time() else due.astimezone(UTC)


def _stored_due(due: date | datetime | None) -> datetime | None:
    if due is None:
        return None
    return wall_clock(due) if isinstance(due, datetime) else datetime.combine(due, time(), LONDON)


def _status(name: str) -> str:
    for status in STATUSES.values():
        if status.name == name:
            return status.uuid
    raise ValueError(f"this firm has no task status {name!r}")


def _employee(name: str) -> str:
    for account in ACCOUNTS.values():
        if account.name == name and account.type == "employee":
            return account.uuid
    raise ValueError(f"this firm has no employee {name!r}")


def _link(kind: str, uuid: str) -> dict[str, str]:
    if taskable_name(kind, uuid) is None:
        raise ValueError(f"this firm has no {kind} {uuid}")
    return {"taskable_type": kind, "taskable": uuid}
