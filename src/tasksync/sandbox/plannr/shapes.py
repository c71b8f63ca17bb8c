"""What tasks, statuses and accounts of Plannr look like in answers (plannr.md 5, 7)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from tasksync.sandbox.plannr.firm import LONDON, Plannr, Task
from tasksync.sandbox.plannr.records import (
    ACCOUNTS,
    CUSTOM_FIELDS,
    EMPLOYEE,
    FIRM,
    STATUSES,
    Account,
    Status,
    taskable_name,
)

_SINCE = "2025-01-06T09:00:00+00:00"
USUAL_INCLUDES = frozenset({"author", "completed_by", "custom_fields"})


def print_stamp(moment: datetime) -> str:
    """`2025-04-22T13:44:18+01:00`: whole seconds, London's offset at that moment."""
    return moment.astimezone(LONDON).isoformat(timespec="seconds")


def task_shape(firm: Plannr, row: Task, includes: Collection[str]) -> dict[str, Any]:
    """`includes`: which of the members that have to be asked for are there."""
    assignees = [account_stub(ACCOUNTS[uuid]) for uuid in row.assignees]
    single = firm.settings.assigned_to_shape == "single"
    shape = {
        "uuid": row.uuid,
        "created_at": print_stamp(row.created),
        "updated_at": print_stamp(row.updated),
        "name": row.name,
        "description": row.description,
        "priority": row.priority,
        "position": row.position,
        "due_at": _wall(firm, row.due),
        "status": status_shape(STATUSES[row.status]),
        "taskable_type": row.taskable_type,
        "taskable": _taskable(row),
        "assigned_to": (assignees[0] if assignees else None) if single else assignees,
        "completed_at": _wall(firm, row.completed),
        "is_recurring": row.is_recurring,
        "recurring_frequency": row.frequency,
    }
    return shape | _included(firm, row, includes)


def _included(firm: Plannr, row: Task, includes: Collection[str]) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    if "author" in includes:
        shape["author"] = account_stub(ACCOUNTS[row.author])
    if "completed_by" in includes:
        shape["completed_by"] = account_stub(ACCOUNTS[row.completed_by]) if row.completed_by else None
    if "custom_fields" in includes:
        shape["custom_fields"] = [_custom_field(reference, value) for reference, value in row.custom]
    if "parent_task" in includes:
        parent = firm.row(row.parent) if row.parent else None
        shape["parent_task"] = task_shape(firm, parent, ()) if parent else None
    if "related_tasks" in includes:
        children = [child for child in firm.rows() if child.parent == row.uuid]
        shape["related_tasks"] = [task_shape(firm, child, ()) for child in children]
    if "workflow_task" in includes:
        shape["workflow_task"] = None
    return shape


def _wall(firm: Plannr, moment: datetime | None) -> str | None:
    if moment is None:
        return None
    local = moment.astimezone(LONDON)
    match firm.settings.due_at_format:
        case "zoneless":
            return local.strftime("%Y-%m-%d %H:%M:%S")
        case "iso-offset":
            return local.isoformat(timespec="seconds")
        case "date-only":
            return local.date().isoformat()


def _taskable(row: Task) -> dict[str, Any] | None:
    account = ACCOUNTS.get(row.taskable)
    if account is not None:
        return account_stub(account)
    name = taskable_name(row.taskable_type, row.taskable)
    if name is None:
        return None
    slug = name.lower().replace(" ", "-")
    return {"uuid": row.taskable, "name": name, "slug": slug, "created_at": _SINCE, "updated_at": _SINCE}


def _custom_field(reference: str, value: Any) -> dict[str, Any]:
    return {
        "uuid": f"c0f10000-0000-4000-8000-00000000000{list(CUSTOM_FIELDS).index(reference) + 1}",
        "name": CUSTOM_FIELDS[reference],
        "reference": reference,
        "type": "string",
        "value": value,
        "help_text": None,
        "is_required": False,
        "selection_options": None,
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }


def status_shape(status: Status) -> dict[str, Any]:
    """plannr.md 7.1."""
    return {
        "uuid": status.uuid,
        "name": status.name,
        "colour": status.colour,
        "position": status.position,
        "is_not_started": status.not_started,
        "is_type_completed": status.completed,
        "is_archived": status.archived,
        "created_at": _SINCE,
        "updated_at": _SINCE,
    }


def account_stub(account: Account) -> dict[str, Any]:
    """plannr.md 5.1."""
    return {
        "uuid": account.uuid,
        "name": account.name,
        "first_name": account.first,
        "last_name": account.last,
        "email": account.email,
        "role": account.role,
        "type": account.type,
        "photo_url": f"https://avatars.example/?name={account.first}+{account.last}",
        "created_at": _SINCE,
        "updated_at": _SINCE,
        "external_references": [],
    }


def login_shape(firm: Plannr, account: Account) -> dict[str, Any]:
    """plannr.md 2.2."""
    me = ACCOUNTS[EMPLOYEE]
    return {
        "uuid": f"77e1{account.uuid[4:]}",
        "created_at": _SINCE,
        "updated_at": _SINCE,
        "expires_at": None,
        "has_write_permission": firm.settings.has_write_permission,
        "has_delete_permission": firm.settings.has_delete_permission,
        "primary": account is me,
        "tasks_enabled": True,
        "first_name": me.first,
        "last_name": me.last,
        "email": me.email,
        "user_type": account.type,
        "account": account_stub(account),
        "firm": {"uuid": FIRM, "name": "Hill Financial Advice", "ip_whitelist": []},
    }
