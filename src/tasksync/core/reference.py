"""References: how a value names a person, a contact, an opportunity, a case or a plan.

Each CRM has ids of its own for them, so a reference says whose id it is: ``connection:type:id``. A record keeps the
reference that whoever set it wrote, and the lens of every other CRM looks up what corresponds to it there
(`Counterpart`). What corresponds to what is thus never part of a value: it may become known later, or change, and no
record has to be rewritten for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

PERSON: Final = "person"
CONTACT: Final = "contact"
OPPORTUNITY: Final = "opportunity"
CASE: Final = "case"
PLAN: Final = "plan"

Counterpart: TypeAlias = Callable[[str], str | None]
"""What a reference is called in one connection: itself if it is of that connection, None while nothing is known there
that corresponds to it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference in its parts. `id` is the CRM's, as text."""

    connection: str
    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.connection}:{self.type}:{self.id}"


def is_reference(text: str) -> bool:
    """Whether `text` has the parts of a reference."""
    return len([part for part in text.split(":", 2) if part]) == 3


@lru_cache(maxsize=4096)
def parse(text: str) -> Reference:
    """The inverse of `str`. Raises `ValueError` for what is no reference."""
    if not is_reference(text):
        raise ValueError(f"{text!r} is no reference: those look like office:contact:123")
    connection, type_, id_ = text.split(":", 2)
    return Reference(connection=connection, type=type_, id=id_)


def only_own(connection: str) -> Counterpart:
    """Knows the references of `connection` itself, and no others."""
    return lambda reference: reference if reference.startswith(f"{connection}:") else None
