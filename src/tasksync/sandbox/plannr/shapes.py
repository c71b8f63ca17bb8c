"""What people and columns of Plannr look like in answers (plannr.md 2.2, 5.1, 7.1 to 7.4)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from tasksync.sandbox.plannr.initial import EMPLOYEE, FIRM
from tasksync.sandbox.plannr.records import OPENED, Account, CaseStatus, CaseType, ClientStatus, Status
from tasksync.sandbox.plannr.tables import LONDON, Tables


def print_stamp(moment: datetime) -> str:
    """`2025-04-22T13:44:18+01:00`: whole seconds, London's offset at that moment."""
    return moment.astimezone(LONDON).isoformat(timespec="seconds")


def _stamps(row: Account | Status | CaseStatus) -> dict[str, str]:
    return {"created_at": print_stamp(row.created), "updated_at": print_stamp(row.updated)}


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
        **_stamps(status),
    }


def case_status_shape(status: CaseStatus) -> dict[str, Any]:
    """As the vendor's page on POST /api/v1/cases-status has it ([S]): of the three flags only the one."""
    return {
        "uuid": status.uuid,
        "name": status.name,
        "colour": status.colour,
        "position": status.position,
        "is_type_completed": status.completed,
        **_stamps(status),
    }


def case_type_shape(kind: CaseType) -> dict[str, Any]:
    """plannr.md 7.4."""
    return {"uuid": kind.uuid, "name": kind.name, **_since_opening()}


def client_status_shape(status: ClientStatus) -> dict[str, Any]:
    """plannr.md 7.3."""
    return {"uuid": status.uuid, "name": status.name, "colour": status.colour, **_since_opening()}


def _since_opening() -> dict[str, str]:
    return {"created_at": print_stamp(OPENED), "updated_at": print_stamp(OPENED)}


# --- people ---


def account_stub(firm: Tables, account: Account) -> dict[str, Any]:
    """plannr.md 5.1. `email` is called deprecated there: `primary_email` of the account takes its place."""
    shape: dict[str, Any] = {
        "uuid": account.uuid,
        "name": account.name,
        "first_name": account.first,
        "last_name": account.last,
        "email": account.email if firm.settings.deprecated_email == "present" else None,
        "role": account.role,
        "type": account.type,
        "photo_url": f"https://avatars.example/?name={account.name.replace(' ', '+')}",
        **_stamps(account),
        "external_references": [],
    }
    if firm.settings.deprecated_email == "absent":
        del shape["email"]
    return shape


def stub_of(firm: Tables, uuid: str | None) -> dict[str, Any] | None:
    """None for nobody, and for somebody whose account is gone."""
    account = firm.account(uuid) if uuid else None
    return None if account is None else account_stub(firm, account)


def stubs(firm: Tables, uuids: Collection[str]) -> list[dict[str, Any]]:
    """Those who still have an account."""
    found = (stub_of(firm, uuid) for uuid in uuids)
    return [shape for shape in found if shape is not None]


def account_shape(firm: Tables, account: Account, includes: Collection[str]) -> dict[str, Any]:
    """plannr.md 7.2. `includes`: which of the members that have to be asked for are there."""
    shape = account_stub(firm, account) | {
        "first_contact_date": None,
        "next_review_date": None,
        "previous_review_date": None,
        "anniversary_review_date": None,
        "with_login": account.type == "employee",
        "has_joint_account": False,
        "inactive_at": account.inactive.isoformat() if account.inactive else None,
    }
    return shape | {name: _included(account, name) for name in includes}


def _included(account: Account, name: str) -> Any:
    match name:
        case "primary_email":
            return _contact_detail(account, "email", account.email)
        case "primary_phone_number":
            return _contact_detail(account, "phone_number", account.phone)
        case "groups" | "tags" | "owners" | "custom_fields" | "external_references":
            return []
        case _:
            return None


def _contact_detail(account: Account, kind: str, value: str | None) -> dict[str, Any] | None:
    """An object, not a text: the vendor's pages name its class, and show it on that of an account's contact details
    (GET /api/v1/account/{account_uuid}/contact-detail, [S]).
    """
    if value is None:
        return None
    return {
        "uuid": f"{'c1' if kind == 'email' else 'c2'}{account.uuid[2:]}",
        "type": kind,
        "primary": True,
        "name": "Work",
        "value": value,
        **_stamps(account),
    }


def login_shape(firm: Tables, account: Account) -> dict[str, Any]:
    """plannr.md 2.2."""
    me = firm.accounts[EMPLOYEE]
    return {
        "uuid": f"77e1{account.uuid[4:]}",
        **_since_opening(),
        "expires_at": None,
        "has_write_permission": firm.settings.has_write_permission,
        "has_delete_permission": firm.settings.has_delete_permission,
        "primary": account is me,
        "tasks_enabled": True,
        "first_name": me.first,
        "last_name": me.last,
        "email": me.email,
        "user_type": account.type,
        "account": account_stub(firm, account),
        "firm": {"uuid": FIRM, "name": "Hill Financial Advice", "ip_whitelist": []},
    }
