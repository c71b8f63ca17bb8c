"""What each list of Plannr can be asked for (plannr.md 4.1, 7). Filters for what this firm has none of (circles, tags,
groups, departments, prospects) are known, and find nothing.

Only tasks and accounts can be had in the order of their changes: there is no such order of cases, and no list has a
filter for what changed since (plannr.md 4.1, 7.2, 7.4, [S]).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasksync.sandbox.plannr.query import (
    Listing,
    Test,
    among,
    is_true,
    never,
    on_or,
    overlaps,
    partial,
    texts,
)
from tasksync.sandbox.plannr.records import Account, Case, CaseStatus, ClientStatus, Plan, Status, Task
from tasksync.sandbox.plannr.tables import LONDON, Tables
from tasksync.sandbox.plannr.task_reading import PRIORITIES


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(LONDON).date().isoformat()


def _instant(moment: datetime | None) -> tuple[bool, float]:
    return moment is not None, moment.timestamp() if moment else 0.0


# --- tasks (4.1) ---


def _flagged(flag: str) -> Callable[[Tables, str], Test[Task]]:
    def make(firm: Tables, text: str) -> Test[Task]:
        wanted = is_true(text)
        return lambda row: getattr(firm.statuses[row.status], flag) == wanted

    return make


def _open(firm: Tables, text: str) -> Test[Task]:
    wanted = is_true(text)
    return lambda row: not wanted or not (firm.statuses[row.status].completed or firm.statuses[row.status].archived)


def _subtasks(filters: Mapping[str, str], rows: Sequence[Task]) -> Sequence[Task]:
    """Left out unless asked for, by either of the two filters; the newer one wins."""
    usual = "include" if is_true(filters.get("show_child_tasks", "")) else "exclude"
    match filters.get("subtask_visibility", usual):
        case "include":
            return rows
        case "only":
            return [row for row in rows if row.parent is not None]
        case _:
            return [row for row in rows if row.parent is None]


TASKS: Listing[Task] = Listing(
    filters={
        "name": partial(lambda row: row.name),
        "taskable_type": among("taskable_type"),
        "taskable_uuid": among("taskable"),
        "client_uuid": lambda _, text: lambda row: (row.taskable_type, row.taskable) == ("client", text.lower()),
        "priority": among("priority"),
        "assigned_to_uuids": overlaps("assignees"),
        "circle_uuids": never,
        "status_uuid": among("status"),
        "due_before": on_or("before", lambda row: _day(row.due)),
        "due_after": on_or("after", lambda row: _day(row.due)),
        "has_due_date": lambda _, text: lambda row: (row.due is not None) == is_true(text),
        "open_tasks": _open,
        "completed_status": _flagged("completed"),
        "archived_status": _flagged("archived"),
        "not_started_status": _flagged("not_started"),
    },
    finish=_subtasks,
    finish_filters=("show_child_tasks", "subtask_visibility"),
    sorts={
        "created_at": lambda _, row: row.created,
        "updated_at": lambda _, row: row.updated,
        "name": lambda _, row: row.name.lower(),
        "priority": lambda _, row: PRIORITIES.index(row.priority) if row.priority else -1,
        "due_at": lambda _, row: _instant(row.due),
        "completed_last": lambda firm, row: firm.is_done(row),
    },
    usual_sort="created_at",
    includes=("author", "completed_by", "parent_task", "related_tasks", "custom_fields", "workflow_task"),
    usual=frozenset({"author", "completed_by", "custom_fields"}),
)


# --- accounts (7.2, 7.3) ---


def _prospect(_: Tables, text: str) -> Test[Account]:
    wanted = is_true(text)
    return lambda _row: not wanted


def _not_in(_: Tables, _text: str) -> Test[Account]:
    return lambda _row: True


def _inactive_day(account: Account) -> str | None:
    return account.inactive.isoformat() if account.inactive else None


ACCOUNTS: Listing[Account] = Listing(
    filters={
        "name": partial(lambda row: row.name),
        "primary_email": partial(lambda row: row.email),
        "email": partial(lambda row: row.email),
        "primary_phone_number": partial(lambda row: row.phone),
        "status": never,
        "is_prospect": _prospect,
        "inactive_after": on_or("after", _inactive_day),
        "inactive_before": on_or("before", _inactive_day),
        "role": among("role"),
        "type": among("type"),
        "created_after": on_or("after", lambda row: _day(row.created)),
        "created_before": on_or("before", lambda row: _day(row.created)),
        "tags": never,
        "groups": never,
        "exclude_groups": _not_in,
        "departments": never,
    },
    sorts={
        "created_at": lambda _, row: row.created,
        "updated_at": lambda _, row: row.updated,
        "first_name": lambda _, row: (row.first or "").lower(),
        "last_name": lambda _, row: (row.last or "").lower(),
        "email": lambda _, row: (row.email or "").lower(),
        "next_review_date": lambda _firm, _row: 0,
        "previous_review_date": lambda _firm, _row: 0,
        "anniversary_review_date": lambda _firm, _row: 0,
    },
    usual_sort="first_name",
    includes=(
        "primary_phone_number",
        "primary_email",
        "primary_address",
        "assigned_adviser",
        "assigned_administrator",
        "assigned_paraplanner",
        "groups",
        "tags",
        "owners",
        "custom_fields",
        "external_references",
        "charge_split_schema",
    ),
    usual=frozenset({"primary_email", "primary_phone_number"}),
)


# --- cases (7.4) ---


def _completed(_: Tables, text: str) -> Test[Case]:
    wanted = is_true(text)
    return lambda row: (row.completed is not None) == wanted


def _in_progress(_: Tables, text: str) -> Test[Case]:
    wanted = is_true(text)
    return lambda row: (row.completed is None) == wanted


def _in_status(firm: Tables, text: str) -> Test[Case]:
    """By uuid or by name: the page says "statuses" and no more."""
    wanted = texts(text)
    return lambda row: not wanted.isdisjoint({row.status, firm.case_statuses[row.status].name.lower()})


CASES: Listing[Case] = Listing(
    filters={
        "uuid": among("uuid"),
        "completed": _completed,
        "in_progress": _in_progress,
        "type": among("type"),
        "status": _in_status,
        "tags": never,
        "plan_uuid": overlaps("plans"),
        "account_uuids": overlaps("participants"),
        "circle_uuids": never,
        "employee_account_uuids": overlaps("assignees"),
        "completed_after": on_or("after", lambda row: _day(row.completed)),
        "completed_before": on_or("before", lambda row: _day(row.completed)),
        "review_at_after": on_or("after", lambda row: _day(row.review)),
        "review_at_before": on_or("before", lambda row: _day(row.review)),
    },
    sorts={
        "created_at": lambda _, row: row.created,
        "name": lambda _, row: row.name.lower(),
        "status_position": lambda _, row: row.position,
        "value": lambda _, row: row.value or 0,
        "completed_at": lambda _, row: _instant(row.completed),
        "review_at": lambda _, row: _instant(row.review),
    },
    usual_sort="name",
    includes=(
        "participants",
        "participants_count",
        "type",
        "status",
        "tags",
        "plans",
        "custom_fields",
        "groups",
        "assigned_to",
    ),
    usual=frozenset({"participants_count", "type", "status", "custom_fields"}),
)


# --- what tasks and cases refer to ---

_COLUMN_SORTS: Mapping[str, Callable[[Tables, Any], Any]] = {
    "created_at": lambda _, row: row.created,
    "position": lambda _, row: row.position,
}
STATUSES: Listing[Status] = Listing(sorts=_COLUMN_SORTS, usual_sort="created_at")
CASE_STATUSES: Listing[CaseStatus] = Listing(sorts=_COLUMN_SORTS, usual_sort="created_at")
CLIENT_STATUSES: Listing[ClientStatus] = Listing(sorts={"name": lambda _, row: row.name.lower()}, usual_sort="name")
# The parameters of this list were not to be had (7.5).
PLANS: Listing[Plan] = Listing(sorts={"created_at": lambda _, row: row.created}, usual_sort="created_at")
