"""The rows of a Plannr firm's database (protocols/plannr.md, 5 and 7). Stamps are aware UTC in whole seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

OPENED = datetime(2025, 1, 6, 9, tzinfo=UTC)
"""When the firm signed up with Plannr, and all that it had from the beginning was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A column of the firm's task board; the flags are what counts, not the name. A user's own has none (7.1)."""

    uuid: str
    name: str
    colour: str
    position: int
    not_started: bool = False
    completed: bool = False
    archived: bool = False
    created: datetime = OPENED
    updated: datetime = OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStatus:
    """A column of the firm's board of cases: a table of its own, with one flag (7.4)."""

    uuid: str
    name: str
    colour: str
    position: int
    completed: bool = False
    created: datetime = OPENED
    updated: datetime = OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseType:
    """What kind of work a case is; the firm's own words."""

    uuid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStatus:
    """What a firm calls the state of its relation to a client (7.3)."""

    uuid: str
    name: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A client, an employee or somebody from outside (`type`); `role` depends on the type (5.1). A trust or a business
    has an `entity` name and neither a first nor a last one. Two accounts may have one e-mail address: whoever works for
    the firm can be its client as well (2.2). `inactive`: since which day.
    """

    uuid: str
    first: str | None = None
    last: str | None = None
    entity: str | None = None
    type: str
    role: str
    email: str | None = None
    phone: str | None = None
    inactive: date | None = None
    created: datetime = OPENED
    updated: datetime = OPENED

    @property
    def name(self) -> str:
        return self.entity or " ".join(filter(None, (self.first, self.last)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A policy of a client. `deleted`: when somebody deleted it; it stays in sight for a while (7.5)."""

    uuid: str
    name: str
    type: str
    policy_number: str | None = None
    owner: str
    created: datetime = OPENED
    updated: datetime = OPENED
    deleted: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`position` counts within its column; `board` is one of tasks of another kind (7.6); `value` is in pennies.
    `participants` (accounts, at least one of them a client), `assignees`, `groups` and `plans` are tables of their own
    there, which do not count as a change of the case.
    """

    uuid: str
    name: str
    status: str
    type: str | None = None
    position: int = 1
    review: datetime | None = None
    value: int | None = None
    participants: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    plans: tuple[str, ...] = ()
    board: str
    created: datetime = OPENED
    updated: datetime = OPENED
    completed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`due` is London wall clock, its midnight meaning a whole day. `assignees` and `custom` are tables of their own
    there, which do not count as a change of the task.
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
    author: str
    assignees: tuple[str, ...] = ()
    custom: tuple[tuple[str, Any], ...] = ()
    created: datetime
    updated: datetime
    completed: datetime | None = None
    completed_by: str | None = None
