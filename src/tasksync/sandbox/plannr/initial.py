"""What the simulated firm has on its first day. Ids are fixed, most of them those of protocols/plannr.md, section 9."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

from tasksync.sandbox.plannr.records import Account, Case, CaseStatus, CaseType, ClientStatus, Plan, Status

EMPLOYEE = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
COLLEAGUE = "93379910-564c-4d8a-838f-5a0a4a98111e"
CLIENT = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
FIRM = "aa10c3f2-64d8-4b0a-8e0e-5a51c8f7b001"
CASE = "b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002"
PLAN = "5c1695df-0be1-48e2-9b01-71f8495a672f"

TO_DO = "50000000-0000-4000-8000-000000000001"
DOING = "50000000-0000-4000-8000-000000000002"
DONE = "50000000-0000-4000-8000-000000000003"
ARCHIVE = "50000000-0000-4000-8000-000000000004"

CASE_OPEN = "60000000-0000-4000-8000-000000000001"
CASE_CLOSED = "60000000-0000-4000-8000-000000000003"
CASE_TYPE = "61000000-0000-4000-8000-000000000001"

CUSTOM_FIELDS = {"sync_ref": "Sync ref", "favourite_pet": "Favourite pet"}
"""Name by reference, of the fields that tasks have; all hold text, none is required."""


class _Identified(Protocol):
    @property
    def uuid(self) -> str: ...


_Row = TypeVar("_Row", bound=_Identified)


def _by_uuid(rows: Iterable[_Row]) -> dict[str, _Row]:
    return {row.uuid: row for row in rows}


STATUSES = _by_uuid(
    (
        Status(uuid=TO_DO, name="To do", colour="#8899aa", position=1, not_started=True),
        Status(uuid=DOING, name="Doing", colour="#3366cc", position=2),
        Status(uuid=DONE, name="Done", colour="#33aa66", position=3, completed=True),
        Status(uuid=ARCHIVE, name="Archive", colour="#777777", position=4, archived=True),
    )
)


CASE_STATUSES = _by_uuid(
    (
        CaseStatus(uuid=CASE_OPEN, name="To be reviewed", colour="#23852b", position=1),
        CaseStatus(uuid="60000000-0000-4000-8000-000000000002", name="In progress", colour="#3366cc", position=2),
        CaseStatus(uuid=CASE_CLOSED, name="Completed", colour="#33aa66", position=3, completed=True),
    )
)


CASE_TYPES = _by_uuid(
    (
        CaseType(uuid=CASE_TYPE, name="Pension transfer"),
        CaseType(uuid="61000000-0000-4000-8000-000000000002", name="Annual review"),
    )
)


CLIENT_STATUSES = _by_uuid(
    (ClientStatus(uuid="62000000-0000-4000-8000-000000000001", name="Active", colour="#33aa66"),)
)


ACCOUNTS = _by_uuid(
    (
        Account(uuid=EMPLOYEE, first="Ana", last="Reid", type="employee", role="admin", email="sandbox@example.org"),
        Account(
            uuid=COLLEAGUE,
            first="Ben",
            last="Osei",
            type="employee",
            role="member",
            email="ben.osei@example.org",
        ),
        Account(
            uuid=CLIENT,
            first="Owen",
            last="Price",
            type="client",
            role="individual",
            email="owen.price@example.org",
        ),
        Account(
            uuid="8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002",
            first="Zoë",
            last="Ångström",
            type="client",
            role="individual",
            email="zoe@example.org",
        ),
        Account(
            uuid="4e7d0b52-9c63-4d0e-8f11-2ab06f3c7d01",
            entity="Hart & Lowe Accountants",
            type="external",
            role="introducer",
            email="office@hart-lowe.example",
        ),
    )
)


PLANS = _by_uuid((Plan(uuid=PLAN, name="Price SIPP", type="sipp", policy_number="SIPP-20417", owner=CLIENT),))


CASES = _by_uuid(
    (
        Case(
            uuid=CASE,
            name="Price pension transfer",
            status=CASE_OPEN,
            type=CASE_TYPE,
            value=150_000,
            participants=(CLIENT,),
            plans=(PLAN,),
            board="63000000-0000-4000-8000-000000000001",
        ),
    )
)
