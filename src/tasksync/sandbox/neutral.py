"""Tasks as a person sees them, in the same words for every CRM: what the admin API and tests read and write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

Due = date | datetime | None


class Unusable(ValueError):
    """What was sent has the wrong form; the message says which one it should have."""


class NoSuchTask(LookupError):
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


class Link(BaseModel):
    """What a task is about; `type` is one of the CRM's own words (party, case, client ...)."""

    model_config = ConfigDict(extra="forbid")

    type: str
    id: Annotated[str, BeforeValidator(str)]


class Fields(BaseModel):
    """What a person can set on a task. Only the fields that were given count; a CRM takes those that it has.

    `created` and `modified` say when the person did it (default: now), for histories that are made up.
    """

    model_config = ConfigDict(extra="forbid")

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
    created: Instant | None = None
    modified: Instant | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The fields that were given, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def to_json(task: Mapping[str, Any]) -> dict[str, Any]:
    """The same task with instants as `YYYY-MM-DDThh:mm:ssZ` and dates as `YYYY-MM-DD`."""
    return {name: _plain(value) for name, value in task.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return value
