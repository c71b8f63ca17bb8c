"""What an account holds: tasks, users, parties, opportunities and projects, and those of them a new account has.

A project is a `kase` wherever the protocols can say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal, NamedTuple

TaskStatus = Literal["OPEN", "COMPLETED", "PENDING"]
KaseStatus = Literal["OPEN", "CLOSED"]
RecordKind = Literal["party", "opportunity", "kase"]
Due = date | datetime

OPENED = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
"""When the account was set up."""


class Ref(NamedTuple):
    """What a task belongs to."""

    kind: RecordKind
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """`username` is the key in v1, `id` in v2. `party`: the one that holds the user's e-mail, if there is one."""

    id: int
    username: str
    name: str
    party: int | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A person or an organisation. `organisation`: the one that a person belongs to."""

    id: int
    name: str
    is_person: bool = False
    email: str = ""
    organisation: int | None = None
    created: datetime = OPENED
    updated: datetime = OPENED

    @property
    def first(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def last(self) -> str:
        return self.name.partition(" ")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """A possible sale to a party."""

    id: int
    name: str
    party: int
    owner: int
    created: datetime = OPENED
    updated: datetime = OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Kase:
    """`closed`: the day on which it was, in the zone of the users. Owner or team may be missing, but not both."""

    id: int = 0
    name: str
    party: int
    status: KaseStatus = "OPEN"
    description: str | None = None
    owner: int | None = None
    team: int | None = None
    opportunity: int | None = None
    closed: date | None = None
    created: datetime = OPENED
    updated: datetime = OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`due` is a date, or an instant (aware UTC) when the task has a time of day; stamps are UTC in whole seconds."""

    id: int = 0
    description: str
    detail: str | None = None
    category: int | None = None
    due: Due
    status: TaskStatus = "OPEN"
    owner: int
    about: Ref | None = None
    created: datetime
    updated: datetime
    completed: datetime | None = None
    completed_by: str | None = None


DEFAULT_CATEGORIES = ("Call", "Email", "Follow-up", "Meeting", "Milestone", "Send")

USERS = {
    user.id: user
    for user in (
        User(id=77, username="sandbox", name="Ana Reid", party=300),
        User(id=78, username="b.osei", name="Ben Osei", party=301),
    )
}
ME = USERS[77]

TEAMS = {12: "Advice"}

PARTIES = {
    party.id: party
    for party in (
        Party(id=300, name="Ana Reid", is_person=True, email="sandbox@example.org"),
        Party(id=301, name="Ben Osei", is_person=True, email="ben.osei@example.org"),
        Party(id=302, name="Owen Price", is_person=True, email="owen.price@example.org"),
        Party(id=305, name="Zoë Ångström", is_person=True, email="zoe@example.org"),
        Party(id=311, name="Fairfield Joinery Ltd", email="office@fairfield.example"),
    )
}

OPPORTUNITIES = {88: Opportunity(id=88, name="Ångström ISA", party=305, owner=ME.id)}

KASES = {640: Kase(id=640, name="Price pension transfer", party=302, owner=ME.id)}
