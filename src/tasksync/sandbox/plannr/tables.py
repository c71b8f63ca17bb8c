"""A firm as Plannr's database holds it, and the ways in which its tasks and cases change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, ClassVar, Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from tasksync.ports import Clock
from tasksync.sandbox.oauth import OAuthCrm
from tasksync.sandbox.plannr import initial
from tasksync.sandbox.plannr.initial import EMPLOYEE
from tasksync.sandbox.plannr.records import Account, Case, CaseStatus, Plan, Status, Task
from tasksync.sandbox.plannr.settings import PlannrSettings

LONDON = ZoneInfo("Europe/London")
"""The zone of Plannr's servers, not of the account (plannr.md 6, [I])."""

_Row = TypeVar("_Row", Task, Case)
_OWN_TABLES = frozenset({"assignees", "custom", "participants", "groups", "plans"})
"""What Eloquent keeps beside a row, so that a change of it does not move `updated_at` (plannr.md 8.1, point 4)."""


def wall_clock(moment: datetime) -> datetime:
    """In London, as a column without zone can hold it: what is lost is which of two equal hours it was."""
    return moment.astimezone(LONDON).replace(fold=0)


class Tables(OAuthCrm):
    """All rows of one firm, seen by an employee who may see everything. Tasks change only through `insert`, `change`,
    `delete`, cases through the methods of those names with `_case`; the other tables are plain dicts by uuid.
    """

    name: ClassVar[str] = "plannr"
    settings: PlannrSettings

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, PlannrSettings())
        self._rows: dict[str, Task] = {}
        self.random = Random(2004)
        self.statuses = dict(initial.STATUSES)
        self.client_statuses = dict(initial.CLIENT_STATUSES)
        self.case_statuses = dict(initial.CASE_STATUSES)
        self.case_types = dict(initial.CASE_TYPES)
        self.accounts = dict(initial.ACCOUNTS)
        self.plans = dict(initial.PLANS)
        self._cases = dict(initial.CASES)

    def _clear(self) -> None:
        self._rows.clear()
        self.accounts = dict(initial.ACCOUNTS)
        self.plans = dict(initial.PLANS)
        self._cases = dict(initial.CASES)

    @property
    def zone(self) -> ZoneInfo:
        return LONDON

    def new_uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    # --- tasks ---

    def rows(self) -> list[Task]:
        """All tasks, in the order in which they were made."""
        return list(self._rows.values())

    def row(self, uuid: str) -> Task | None:
        return self._rows.get(uuid.lower())

    def insert(self, task: Task) -> Task:
        uuid = self.new_uuid()
        task = self._rows[uuid] = replace(task, uuid=uuid, position=len(self._rows) + 1)
        return task

    def change(self, row: Task, changes: Mapping[str, Any], *, at: datetime | None = None, touch: bool = False) -> Task:
        """Set `changes`; the updated stamp moves if a column of its own became different, or with `touch`."""
        now = at or self.stamp()
        new = replace(row, **changes)
        new = replace(new, **self._completion(row, new, now))
        self._rows[row.uuid] = new = self._stamped(row, new, now, touch=touch)
        return new

    def delete(self, uuid: str) -> Task | None:
        return self._rows.pop(uuid.lower(), None)

    def is_done(self, row: Task) -> bool:
        return self.statuses[row.status].completed

    def status_with(self, flag: Literal["completed", "not_started"]) -> Status:
        """The firm's first status with this flag."""
        return next(status for status in self.statuses.values() if getattr(status, flag))

    def _completion(self, before: Task, after: Task, now: datetime) -> dict[str, Any]:
        if not self.is_done(after):
            return {"completed": None, "completed_by": None}
        return {} if self.is_done(before) else {"completed": now, "completed_by": EMPLOYEE}

    # --- cases ---

    def case_rows(self) -> list[Case]:
        """In the order in which they were made."""
        return list(self._cases.values())

    def case_row(self, uuid: str) -> Case | None:
        return self._cases.get(uuid.lower())

    def new_case(self, name: str, made: datetime) -> Case:
        """One in the first column, which is not kept yet."""
        status = self.case_status_with(completed=False).uuid
        place = 1 + sum(other.status == status for other in self._cases.values())
        return Case(
            uuid=self.new_uuid(),
            board=self.new_uuid(),
            name=name,
            status=status,
            position=place,
            created=made,
            updated=made,
        )

    def keep_case(self, row: Case) -> None:
        self._cases[row.uuid] = row

    def change_case(self, row: Case, changes: Mapping[str, Any]) -> Case:
        """Set `changes`; the updated stamp moves as that of a task does."""
        now = self.stamp()
        new = replace(row, **changes)
        if self.settings.case_completion == "linked":
            new = replace(new, **self._closing(row, new, changes, now))
        new = self._stamped(row, new, now)
        self.keep_case(new)
        return new

    def delete_case(self, uuid: str) -> Case | None:
        """Its tasks stay, and their link leads nowhere (plannr.md 5, [I])."""
        return self._cases.pop(uuid.lower(), None)

    def case_status_with(self, *, completed: bool) -> CaseStatus:
        """The firm's first one of this kind."""
        return next(status for status in self.case_statuses.values() if status.completed == completed)

    def _closing(self, before: Case, after: Case, changes: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """What a completion does to the status, or a status to the completion; both given are both taken."""
        closed = self.case_statuses[after.status].completed
        if "completed" in changes:
            follows = "status" not in changes and closed != (after.completed is not None)
            return {"status": self.case_status_with(completed=not closed).uuid} if follows else {}
        if after.status == before.status or closed == (after.completed is not None):
            return {}
        return {"completed": now if closed else None}

    # --- the rest ---

    def account(self, uuid: str) -> Account | None:
        return self.accounts.get(uuid.lower())

    def plan_rows(self) -> list[Plan]:
        """Those in sight: a deleted one is for a while yet (plannr.md 7.5, [S])."""
        hidden = self.now() - timedelta(seconds=self.settings.plan_deletion_s)
        return [plan for plan in self.plans.values() if plan.deleted is None or plan.deleted > hidden]

    def plan(self, uuid: str) -> Plan | None:
        return next((plan for plan in self.plan_rows() if plan.uuid == uuid.lower()), None)

    def linked(self, kind: str, uuid: str) -> Account | Case | Plan | None:
        """What a task can be linked to, or None when there is no such thing. Clients and employees are both accounts,
        but one is no link of the other's type (plannr.md 4.2, [I]).
        """
        match kind:
            case "client" | "employee":
                account = self.account(uuid)
                return account if account is not None and account.type == kind else None
            case "case":
                return self.case_row(uuid)
            case "plan":
                return self.plan(uuid)
            case _:
                return None

    def _stamped(self, before: _Row, after: _Row, now: datetime, *, touch: bool = False) -> _Row:
        own = (field.name for field in fields(after) if field.name not in _OWN_TABLES)
        moved = touch or any(getattr(after, name) != getattr(before, name) for name in own)
        if moved or (after != before and self.settings.assignee_change_touches_updated_at):
            return replace(after, updated=now)
        return after
