"""What tasks of the simulated firm refer to: statuses, accounts, cases, plans. Fixed ids, most of plannr.md 9."""

from __future__ import annotations

from dataclasses import dataclass

EMPLOYEE = "1f0d6a52-7a3e-4c1b-9a55-0b7f3f2f9c11"
CLIENT = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
FIRM = "aa10c3f2-64d8-4b0a-8e0e-5a51c8f7b001"

TO_DO = "50000000-0000-4000-8000-000000000001"
DOING = "50000000-0000-4000-8000-000000000002"
DONE = "50000000-0000-4000-8000-000000000003"
ARCHIVE = "50000000-0000-4000-8000-000000000004"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A column of the firm's task board; the flags are what counts, not the name."""

    uuid: str
    name: str
    colour: str
    position: int
    not_started: bool = False
    completed: bool = False
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person: `type` is client or employee, `role` depends on it."""

    uuid: str
    first: str
    last: str
    type: str
    role: str
    email: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


STATUSES = {
    status.uuid: status
    for status in (
        Status(uuid=TO_DO, name="To do", colour="#8899aa", position=1, not_started=True),
        Status(uuid=DOING, name="Doing", colour="#3366cc", position=2),
        Status(uuid=DONE, name="Done", colour="#33aa66", position=3, completed=True),
        Status(uuid=ARCHIVE, name="Archive", colour="#777777", position=4, archived=True),
    )
}

ACCOUNTS = {
    account.uuid: account
    for account in (
        Account(uuid=EMPLOYEE, first="Ana", last="Reid", type="employee", role="admin", email="sandbox@example.org"),
        Account(
            uuid="93379910-564c-4d8a-838f-5a0a4a98111e",
            first="Ben",
            last="Osei",
            type="employee",
            role="member",
            email="ben.osei@example.org",
        ),
        Account(
            uuid=CLIENT, first="Owen", last="Price", type="client", role="individual", email="owen.price@example.org"
        ),
        Account(
            uuid="8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e002",
            first="Zoë",
            last="Ångström",
            type="client",
            role="individual",
            email="zoe@example.org",
        ),
    )
}

CASES = {"b7a9c0de-52c4-4b0e-8a57-2f4f0c9ad002": "Price pension transfer"}
PLANS = {"5c1695df-0be1-48e2-9b01-71f8495a672f": "Price SIPP"}
CUSTOM_FIELDS = {"sync_ref": "Sync ref", "favourite_pet": "Favourite pet"}
"""Name by reference, of the fields that tasks have; all hold text, none is required."""


def taskable_name(kind: str, uuid: str) -> str | None:
    """The name of what a task can be linked to, or None when there is no such thing."""
    match kind:
        case "client" | "employee":
            account = ACCOUNTS.get(uuid)
            return account.name if account is not None and account.type == kind else None
        case "case":
            return CASES.get(uuid)
        case "plan":
            return PLANS.get(uuid)
        case _:
            return None
