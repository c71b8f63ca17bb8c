"""Records as a person sees them, in the same words for every CRM: what the admin API and tests read and write.

Ids are the CRM's own, as text; `assignees` are ids of people, and `links` go by what is linked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

Due = date | datetime | None


class Unusable(ValueError):
    """What was sent has the wrong form; the message says which one it should have."""


class NoSuchRecord(LookupError):
    """The CRM has no record of the kind with this id."""


class NoSuchTask(NoSuchRecord):
    """The CRM has no task with this id."""


def read_due(value: object) -> Due:
    """A date, an aware datetime, or either as ISO 8601 text; datetimes come out in UTC, in whole seconds.

    Raises ValueError for anything else, a datetime without zone included.
    """
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == len("2026-03-10") else datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return _read_instant(value)
    if value is None or isinstance(value, date):
        return value
    raise ValueError("due is a date (YYYY-MM-DD), an instant (YYYY-MM-DDThh:mm:ssZ) or null")


def _read_instant(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise Unusable("this is no instant (YYYY-MM-DDThh:mm:ssZ)")
    if value.tzinfo is None:
        raise ValueError("an instant needs a zone, such as the Z at its end")
    return value.astimezone(UTC).replace(microsecond=0)


Instant = Annotated[datetime, PlainValidator(_read_instant)]


Id = Annotated[str, BeforeValidator(str)]
LinkKind = Literal["contact", "opportunity", "case", "plan"]
Links = dict[LinkKind, Id | None]
"""What is linked, by its kind. On an edit the kinds that are not named stay, and None takes one away."""


class Link(BaseModel):
    """What a task is about; `type` is one of the CRM's own words (party, case, client ...)."""

    model_config = ConfigDict(extra="forbid")

    type: str
    id: Id


class Given(BaseModel):
    """What a person can set on a record. Only the fields that were given count; a CRM takes those that it has.

    `created` and `modified` say when the person did it (default: now), for histories that are made up.
    """

    model_config = ConfigDict(extra="forbid")

    created: Instant | None = None
    modified: Instant | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The fields that were given, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Fields(Given):
    """Of a task. `owner`, `link` and `contact` are the older words for one of `assignees` and of `links`."""

    title: str = Field(default="", min_length=1)
    body: str = ""
    due: Annotated[Due, PlainValidator(read_due)] = None
    done: bool = False
    priority: Literal["low", "medium", "high", "highest"] | None = None
    category: str | None = None
    reminder: int | None = Field(default=None, ge=0)
    owner: str = ""
    status: str = ""
    link: Link | None = None
    contact: int | None = None
    parent: str | None = None
    assignees: list[Id] = Field(default_factory=list)
    links: Links = Field(default_factory=dict)


class CaseFields(Given):
    """Of a case, which is a project in Capsule. `members` are contacts, and `access` the people who may see a case that
    not everybody may (ONLYOFFICE).
    """

    title: str = Field(default="", min_length=1)
    body: str = ""
    done: bool = False
    members: list[Id] = Field(default_factory=list)
    access: list[Id] = Field(default_factory=list)
    assignees: list[Id] = Field(default_factory=list)
    links: Links = Field(default_factory=dict)


class PersonFields(Given):
    """Of a person who can sign in and be given tasks. One who is not `active` has left but is still known."""

    name: str = Field(default="", min_length=1)
    email: str = ""
    username: str = Field(default="", min_length=1)
    active: bool = True


class ContactFields(Given):
    """Of a customer. `organisation`: the contact, a company, that this one belongs to."""

    name: str = Field(default="", min_length=1)
    email: str = ""
    company: bool = False
    organisation: Id | None = None


class OpportunityFields(Given):
    """Of an opportunity."""

    name: str = Field(default="", min_length=1)
    links: Links = Field(default_factory=dict)


class CategoryFields(Given):
    """Of a category of tasks."""

    name: str = Field(default="", min_length=1)


def to_json(record: Mapping[str, Any]) -> dict[str, Any]:
    """The same record with instants as `YYYY-MM-DDThh:mm:ssZ` and dates as `YYYY-MM-DD`."""
    return {name: _plain(value) for name, value in record.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
