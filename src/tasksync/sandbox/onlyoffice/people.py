"""The portal's people, contacts, cases and categories: fixed, the same on every start."""

from __future__ import annotations

from dataclasses import dataclass

NOBODY = "00000000-0000-0000-0000-000000000000"
LOST = "4a515a15-d4d6-4b8e-828e-e0586f18f3a3"
"""Stands in for a responsible user who is not set or not known (onlyoffice.md 2.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the portal."""

    id: str
    user_name: str
    first: str
    last: str
    job: str
    email: str

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person or company that tasks are about."""

    id: int
    name: str
    email: str
    is_company: bool = False


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

ENTITIES = {
    ("case", 8): "Price pension transfer",
    ("case", 9): "Fairfield group scheme",
    ("opportunity", 4): "Ångström ISA 2026",
}

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
