"""What tasks, cases and plans of Plannr look like in answers (plannr.md 5, 7.4, 7.5)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from tasksync.sandbox.plannr.initial import CUSTOM_FIELDS
from tasksync.sandbox.plannr.records import OPENED, Account, Case, Plan, Task
from tasksync.sandbox.plannr.shapes import (
    account_stub,
    case_status_shape,
    case_type_shape,
    print_stamp,
    status_shape,
    stub_of,
    stubs,
)
from tasksync.sandbox.plannr.tables import LONDON, Tables

# --- tasks ---


def task_shape(firm: Tables, row: Task, includes: Collection[str]) -> dict[str, Any]:
    """`includes`: which of the members that have to be asked for are there."""
    assignees = stubs(firm, row.assignees)
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
        "status": status_shape(firm.statuses[row.status]),
        "taskable_type": row.taskable_type,
        "taskable": _taskable(firm, row),
        "assigned_to": (assignees[0] if assignees else None) if single else assignees,
        "completed_at": _wall(firm, row.completed),
        "is_recurring": row.is_recurring,
        "recurring_frequency": row.frequency,
    }
    return shape | _included(firm, row, includes)


def _included(firm: Tables, row: Task, includes: Collection[str]) -> dict[str, Any]:
    shape: dict[str, Any] = {}
    if "author" in includes:
        shape["author"] = stub_of(firm, row.author)
    if "completed_by" in includes:
        shape["completed_by"] = stub_of(firm, row.completed_by)
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


def _wall(firm: Tables, moment: datetime | None) -> str | None:
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


def _taskable(firm: Tables, row: Task) -> dict[str, Any] | None:
    """Its form depends on the type (plannr.md 5.2); None when what was linked is gone ([I])."""
    match firm.linked(row.taskable_type, row.taskable):
        case Account() as account:
            return account_stub(firm, account)
        case Case() as case:
            return case_shape(firm, case, {"status", "type", "participants_count", "custom_fields"})
        case Plan() as plan:
            return plan_shape(firm, plan)
        case None:
            return None


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
        "created_at": print_stamp(OPENED),
        "updated_at": print_stamp(OPENED),
    }


# --- cases and plans ---


def case_shape(firm: Tables, row: Case, includes: Collection[str]) -> dict[str, Any]:
    """plannr.md 5.2. `includes`: which of the members that have to be asked for are there. Dates carry an
    offset, unlike those of a task (plannr.md 6).
    """
    shape: dict[str, Any] = {
        "uuid": row.uuid,
        "created_at": print_stamp(row.created),
        "updated_at": print_stamp(row.updated),
        "name": row.name,
        "slug": _slug(row.name),
        "review_at": print_stamp(row.review) if row.review else None,
        "assigned_to_uuids": list(row.assignees),
        "group_uuids": list(row.groups),
        "completed_at": print_stamp(row.completed) if row.completed else None,
        "value": _money(row.value),
        "status_position": row.position,
        "task_board_uuid": row.board,
    }
    if "status" in includes:
        shape["status"] = case_status_shape(firm.case_statuses[row.status])
    if "type" in includes:
        shape["type"] = case_type_shape(firm.case_types[row.type]) if row.type else None
    if "participants_count" in includes:
        shape["participants_count"] = len(row.participants)
    if "participants" in includes:
        shape["participants"] = stubs(firm, row.participants)
    if "assigned_to" in includes:
        shape["assigned_to"] = stubs(firm, row.assignees)
    if "plans" in includes:
        found = (firm.plan(uuid) for uuid in row.plans)
        shape["plans"] = [plan_shape(firm, plan) for plan in found if plan is not None]
    # The firm has none of these.
    return shape | {name: [] for name in includes if name in {"tags", "custom_fields", "groups"}}


def plan_shape(firm: Tables, row: Plan) -> dict[str, Any]:
    """plannr.md 7.5."""
    client = stub_of(firm, row.owner)
    return {
        "uuid": row.uuid,
        "created_at": print_stamp(row.created),
        "updated_at": print_stamp(row.updated),
        "opened_at": None,
        "name": row.name,
        "type": row.type,
        "sub_type": None,
        "abstract_type": None,
        "policy_number": row.policy_number,
        "proposal_reference": None,
        "status": "active",
        "inactive_at": None,
        "is_deleting": row.deleted is not None,
        "main_account": None,
        "sub_accounts": [],
        "provider": None,
        "client": client,
        "accounts": [client] if client else [],
        "cases": [{"uuid": case.uuid, "name": case.name} for case in firm.case_rows() if row.uuid in case.plans],
        "seller": None,
    }


def _money(pennies: int | None) -> dict[str, str] | None:
    if pennies is None:
        return None
    return {"amount": str(pennies), "formatted": f"£{pennies / 100:,.2f}", "currency": "GBP"}


def _slug(name: str) -> str:
    return "-".join(name.lower().split())
