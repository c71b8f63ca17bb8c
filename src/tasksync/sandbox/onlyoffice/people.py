"""What tasks refer to: people, contacts, opportunities, cases and categories, and those of them a new portal has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

NOBODY = "00000000-0000-0000-0000-000000000000"
LOST = "4a515a15-d4d6-4b8e-828e-e0586f18f3a3"
"""Stands in for a responsible user who is not set or not known (onlyoffice.md 2.3)."""


OPENED = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
"""When the portal was set up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the portal. `terminated`: since when this one has no access any more (aware UTC)."""

    id: str
    user_name: str
    first: str
    last: str
    job: str = ""
    email: str = ""
    terminated: datetime | None = None

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or company that tasks are about. `company`: the one that a person belongs to, or 0."""

    id: int
    name: str
    email: str = ""
    is_company: bool = False
    company: int = 0
    created: datetime = OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """A deal. `contact`: the one it is about, or 0; it counts among its members."""

    id: int
    title: str
    contact: int = 0
    responsible: str
    created: datetime = OPENED


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`members` are contacts. `access`: the users who may see it; nobody means everybody. `custom`: values by the id of
    the custom field. `modified` never shows on the wire.
    """

    id: int = 0
    title: str
    members: tuple[int, ...] = ()
    closed: bool = False
    access: tuple[str, ...] = ()
    custom: tuple[tuple[int, str], ...] = ()
    created: datetime
    created_by: str
    modified: datetime

    @property
    def is_private(self) -> bool:
        return bool(self.access)


ME = Person(
    id="0a77c2e4-5b1d-4c8e-9f30-2d6b8a41e501",
    user_name="sandbox",
    first="Ana",
    last="Reid",
    job="Adviser",
    email="sandbox@example.org",
)

PEOPLE = {
    person.id: person
    for person in (
        ME,
        Person(
            id="b1f5d8a0-3c62-47be-8a19-6e0f94c7d302",
            user_name="ben.osei",
            first="Ben",
            last="Osei",
            job="Paraplanner",
            email="ben.osei@example.org",
        ),
    )
}

CONTACTS = {
    contact.id: contact
    for contact in (
        Contact(id=17, name="Owen Price", email="owen.price@example.org"),
        Contact(id=22, name="Zoë Ångström", email="zoe@example.org"),
        Contact(id=31, name="Fairfield Joinery Ltd", email="office@fairfield.example", is_company=True),
    )
}

OPPORTUNITIES = {4: Opportunity(id=4, title="Ångström ISA 2026", contact=22, responsible=ME.id)}

CASES = {
    case.id: case
    for case in (
        Case(id=8, title="Price pension transfer", members=(17,), created=OPENED, created_by=ME.id, modified=OPENED),
        Case(id=9, title="Fairfield group scheme", members=(31,), created=OPENED, created_by=ME.id, modified=OPENED),
    )
}

CASE_FIELDS = {5: "Region"}
"""Labels by id, of the custom fields that cases have; all are single lines of text."""

FIRST_CATEGORY = 30
DEFAULT_CATEGORIES = (
    "Call",
    "Deal",
    "Demo",
    "Email",
    "Fax",
    "Follow-up",
    "Lunch",
    "Meeting",
    "Note",
    "Shipment",
    "Social networks",
    "Thank you",
)
"""Those of a new portal (onlyoffice.md 2.5)."""
