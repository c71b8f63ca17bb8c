"""What a connector has to know of the firm before it can speak of tasks: who is signed in, and the task statuses. Pure.

Statuses are known by their flags, never by their names, which every firm chooses for itself (protocols/plannr.md, 7.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasksync.connectors.plannr.payload import as_object, filled, flag, text
from tasksync.errors import DefaultNeeded, NeedsLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """One way in that a token has: an account at a firm. The rights are False only where Plannr says so."""

    uuid: str
    email: str
    account: str
    name: str
    type: str
    role: str
    firm: str
    firm_name: str
    may_write: bool
    may_delete: bool

    @property
    def identity(self) -> str:
        """Firm, account and login: the e-mail address and all names may change."""
        return f"{self.firm}/{self.account}/{self.uuid or self.email}"

    @property
    def scope(self) -> str:
        """Lists are cut to what the role may see (4.1), and a login that lost its rights may lose sight of more."""
        return f"role={self.role} write={'yes' if self.may_write else 'no'}"

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.name or self.email or self.account} at {self.firm_name or self.firm or 'Plannr'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A task status of the firm. A user's own status has none of the three flags."""

    uuid: str
    name: str
    position: int
    completed: bool
    archived: bool
    not_started: bool

    @property
    def open(self) -> bool:
        """Whether a task in this status is one that still has to be done."""
        return not (self.completed or self.archived)


def login(payload: object) -> Login:
    """One item of `/logins` (2.2). Raises `payload.NotUnderstood`."""
    found = as_object(payload, "a login")
    account = as_object(found.get("account"), "the account of a login")
    firm = found.get("firm")
    firm = firm if isinstance(firm, dict) else {}
    return Login(
        uuid=text(found, "uuid"),
        email=text(found, "email"),
        account=filled(account, "uuid", "the account of a login"),
        name=text(account, "name"),
        type=text(account, "type"),
        role=text(account, "role"),
        firm=text(firm, "uuid"),
        firm_name=text(firm, "name"),
        may_write=found.get("has_write_permission") not in (False, 0),
        may_delete=found.get("has_delete_permission") not in (False, 0),
    )


def preferred_account(payload: Mapping[str, Any], logins: Sequence[Any]) -> str | None:
    """`preferred_account_uuid`, beside `data` or in the logins: where it sits is unknown (2.2). None when there is
    none, or when they disagree.
    """
    named = {text(one, "preferred_account_uuid") for one in (payload, *logins)} - {""}
    return named.pop() if len(named) == 1 else None


def choose_login(logins: Sequence[Login], *, configured: str | None, preferred: str | None) -> Login:
    """The configured account, else the preferred one, else the only account of an employee. Raises `NeedsLogin`, with
    the list of what there is, when that decides nothing: the first one may well be the user's account as a client.
    """
    by_account = {one.account.casefold(): one for one in logins}
    wanted = configured or preferred
    if wanted and wanted.casefold() in by_account:
        return by_account[wanted.casefold()]
    employees = [one for one in by_account.values() if one.type == "employee"]
    if len(employees) == 1 and not configured:
        return employees[0]
    listed = "; ".join(f"{one.account} ({one.label}, {one.type or 'type unknown'})" for one in by_account.values())
    problem = f"the configured account {configured}" if configured else "exactly one account of an employee"
    raise NeedsLogin(
        f"The token does not lead to {problem}. "
        f"Set account_uuid to one of the accounts it leads to: {listed or 'none'}."
    )


def statuses(payloads: Sequence[object]) -> tuple[Status, ...]:
    """All statuses, by position. Raises `payload.NotUnderstood`."""
    return tuple(sorted((_status(payload) for payload in payloads), key=lambda one: one.position))


def _status(payload: object) -> Status:
    found = as_object(payload, "a task status")
    position = found.get("position")
    return Status(
        uuid=filled(found, "uuid", "a task status"),
        name=text(found, "name"),
        position=position if isinstance(position, int) else 0,
        completed=flag(found, "is_type_completed"),
        archived=flag(found, "is_archived"),
        not_started=flag(found, "is_not_started"),
    )


def starting_status(known: Sequence[Status], wanted: str | None) -> Status:
    """The configured default, a name in any case or a uuid. Raises `DefaultNeeded`, with what to configure, when there
    is none of that name, several, or when a task in it would not be open.
    """
    choices = ", ".join(repr(one.name) for one in known if one.open)
    advice = f"Set defaults.status to one of {choices}." if choices else "Create an open task status in Plannr."
    if wanted is None:
        raise DefaultNeeded(f"Plannr creates no task without a status, and no default is configured. {advice}")
    found = [one for one in known if wanted.casefold() == one.uuid.casefold()] or [
        one for one in known if wanted.strip().casefold() == one.name.strip().casefold()
    ]
    if not found:
        raise DefaultNeeded(f"Plannr has no task status {wanted!r}. {advice}")
    if len(found) > 1:
        listed = ", ".join(one.uuid for one in found)
        raise DefaultNeeded(f"Plannr has several task statuses {wanted!r}. Set defaults.status to one of {listed}.")
    if not found[0].open:
        raise DefaultNeeded(f"In Plannr's task status {wanted!r} a task counts as completed or archived. {advice}")
    return found[0]


def finished_status(known: Sequence[Status]) -> Status | None:
    """The first completed one."""
    return next((one for one in known if one.completed), None)


def reopening_status(known: Sequence[Status], wanted: str | None) -> Status:
    """Where a task goes that is not finished after all: the configured default, else the first not-started status,
    else the first without flags. Raises `DefaultNeeded` when the firm has none of them.
    """
    try:
        return starting_status(known, wanted)
    except DefaultNeeded:
        usable = [one for one in known if one.open]
    if not usable:
        raise DefaultNeeded("Plannr has no open task status to put a reopened task in. Create one there.")
    return next((one for one in usable if one.not_started), usable[0])
