r"""Records, replicas, and the values in them.

A *kind* (task, case) is data: a name and a tuple of fields. Nothing in the core knows a field by attribute, so a
second kind is a second `Kind` and no code.

A record's value of a field carries when and where it was made: a `Version`. A record that nobody could tell a field of
(priority, when only ONLYOFFICE has seen it) has no version of it, which is different from knowing that it is empty.

Values of a field, in canonical form:

========== ======================================== =======================
shape      Python                                   empty
========== ======================================== =======================
text       `str`, lines ended by ``\n``             ``""``
due        `date` (all-day), or aware UTC `datetime`  `None`
flag       `bool`                                   ``False``
choice     `str` from `Field.choices`                `None`
name       `str`                                    `None`
minutes    `int`                                    `None`
people     `tuple` of references, the first leads   ``()``
links      `tuple` of references, sorted            ``()``
========== ======================================== =======================

A reference names something of one CRM: see `reference`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from tasksync.core.reference import CONTACT, PERSON, is_reference, parse

Value: TypeAlias = str | bool | int | date | datetime | tuple[str, ...] | None
Values: TypeAlias = Mapping[str, Value]
Shape: TypeAlias = Literal["text", "due", "flag", "choice", "name", "minutes", "people", "links"]

EMPTY: Mapping[Shape, Value] = MappingProxyType(
    {
        "text": "",
        "due": None,
        "flag": False,
        "choice": None,
        "name": None,
        "minutes": None,
        "people": (),
        "links": (),
    }
)
_PEOPLE = frozenset({PERSON, CONTACT})
REFERRING: frozenset[Shape] = frozenset({"people", "links"})
"""The shapes whose values are references."""
NOTHING: Values = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One canonical field of a kind; `choices` only for the shape "choice"."""

    name: str
    shape: Shape
    choices: tuple[str, ...] = ()

    @property
    def empty(self) -> Value:
        """The canonical value that says: known to be empty."""
        return EMPTY[self.shape]

    def check(self, value: Value) -> None:
        """Raise `ValueError` unless `value` is a canonical value of this field (naive datetimes are none)."""
        if not self._fits(value):
            raise ValueError(f"{value!r} is no canonical value of {self.name} ({self.shape})")

    def _fits(self, value: Value) -> bool:
        if value is None:
            return self.empty is None
        match self.shape:
            case "text":
                fits = isinstance(value, str) and "\r" not in value
            case "flag":
                fits = isinstance(value, bool)
            case "due":
                fits = is_utc(value) if isinstance(value, datetime) else isinstance(value, date)
            case "choice":
                fits = value in self.choices
            case "name":
                fits = isinstance(value, str) and value != ""
            case "minutes":
                fits = isinstance(value, int) and not isinstance(value, bool) and value > 0
            case _:
                fits = isinstance(value, tuple) and self._refers(value)
        return fits

    def _refers(self, references: tuple[str, ...]) -> bool:
        if len(set(references)) < len(references) or not all(map(is_reference, references)):
            return False
        if self.shape == "links":
            return references == tuple(sorted(references))
        return all(parse(one).type in _PEOPLE for one in references)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record. `label`, `state` and `day` name the fields that play a part of their own: what people call the
    record by, whether it is finished (completed and reopened by operations of their own), and the day it is matched by
    ("" where there is none). `takes_along`: CRMs delete other records along with one of these, so a deletion is never
    carried out without asking a person.
    """

    name: str
    fields: tuple[Field, ...]
    label: str
    state: str
    day: str
    takes_along: bool = False

    def field(self, name: str) -> Field:
        """The field of that name; `KeyError` if this kind has none."""
        for candidate in self.fields:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def check(self, values: Values) -> None:
        """Raise `ValueError` for a field this kind does not have, or a value that is not canonical."""
        for name, value in values.items():
            try:
                spec = self.field(name)
            except KeyError:
                raise ValueError(f"a {self.name} has no field {name!r}") from None
            spec.check(value)


TASK = Kind(
    name="task",
    fields=(
        Field(name="title", shape="text"),
        Field(name="body", shape="text"),
        Field(name="due", shape="due"),
        Field(name="done", shape="flag"),
        Field(name="priority", shape="choice", choices=("low", "medium", "high", "highest")),
        Field(name="category", shape="name"),
        Field(name="assignees", shape="people"),
        Field(name="links", shape="links"),
        Field(name="reminder", shape="minutes"),
    ),
    label="title",
    state="done",
    day="due",
)
CASE = Kind(
    name="case",
    fields=(
        Field(name="title", shape="text"),
        Field(name="closed", shape="flag"),
        Field(name="members", shape="people"),
    ),
    label="title",
    state="closed",
    day="",
    takes_along=True,
)
KINDS: Mapping[str, Kind] = MappingProxyType({CASE.name: CASE, TASK.name: TASK})
"""By name; those that others refer to come first."""


def identical(left: object, right: object) -> bool:
    """Equal and of one type: a date is not the instant at its midnight, and 1 is not True."""
    return type(left) is type(right) and left == right


def is_utc(moment: datetime) -> bool:
    """Whether `moment` is aware and in UTC (offset zero)."""
    offset = moment.utcoffset()
    return offset is not None and not offset


def require_utc(moment: datetime) -> datetime:
    """`moment` in UTC. Raises `ValueError` for a naive one: its zone would be a guess."""
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no zone")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A value of one field and how it came about: when it was made (aware UTC, by our clock), in which replica, and
    whether that time is the CRM's word or our estimate.
    """

    value: Value
    at: datetime
    connection: str
    external_id: str
    estimated: bool = False

    def __post_init__(self) -> None:
        if self.at.tzinfo is not UTC:
            object.__setattr__(self, "at", require_utc(self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A task as the group knows it. `id` is ours and never changes; `deleted_at` is set once it counts as deleted."""

    id: str
    kind: str
    group: str
    versions: Mapping[str, Version]
    deleted_at: datetime | None = None

    @property
    def values(self) -> Values:
        """The current canonical values, of the fields that some replica could tell."""
        return {name: version.value for name, version in self.versions.items()}

    def value(self, name: str) -> Value:
        """The current value of a field, or None when no replica could tell it."""
        version = self.versions.get(name)
        return None if version is None else version.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a CRM said of one of its records: one item of a page, or the answer to a read or a write.

    `values` are remote forms (see `lens`), and only of the fields this answer can tell: a key that is missing means
    "this CRM, or this answer, does not say", never "empty". `modified`, `created`, `completed` are the CRM's own
    stamps, aware UTC by *its* clock, where it has them. `payload` is the connector's own form of the record, handed
    back to it on an update.
    """

    external_id: str
    values: Values
    modified: datetime | None = None
    created: datetime | None = None
    completed: datetime | None = None
    payload: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A record's copy in one connection: the shadow, and what we know of its age.

    `record_id` is None for one that belongs to no record (yet). `shadow` holds the remote forms as the server gave them
    when we last read or wrote the replica; `seen_at` (aware UTC, our clock) is when the request for that answer was
    started, or when the latest change found in it was made, so anything that differs from the shadow was made later.
    `settled` holds, for fields where the server's answer differed from what we sent, what we sent: the server has had
    its say, the same is not sent again. `gone_at`: since when the replica is known to be out of our sight, and to be
    left alone. `wrote` and `wrote_at`: see `guard`.
    """

    connection: str
    kind: str
    external_id: str
    record_id: str | None
    shadow: Values
    seen_at: datetime
    modified: datetime | None = None
    created: datetime | None = None
    completed: datetime | None = None
    settled: Values = field(default_factory=lambda: NOTHING)
    gone_at: datetime | None = None
    wrote: tuple[str, ...] = ()
    wrote_at: datetime | None = None

    @property
    def content(self) -> str:
        """The content hash of the shadow."""
        return content_hash(self.shadow)


def encode(values: Values) -> str:
    """Values as canonical JSON text: equal values give equal text. Dates and instants are tagged objects."""
    return _CANONICAL.encode(dict(values))


def decode(text: str) -> dict[str, Value]:
    """The inverse of `encode`."""
    values: dict[str, Any] = _DECODER.decode(text)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def content_hash(values: Values) -> str:
    """32 hex digits that are equal exactly when the values are (but for collisions of a 128-bit hash)."""
    return hash_of(encode(values))


def hash_of(encoded: str) -> str:
    """The content hash of values, from what `encode` made of them."""
    return hashlib.blake2b(encoded.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _tag(value: object) -> dict[str, str]:
    if isinstance(value, datetime):
        return {"$instant": require_utc(value).isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    raise TypeError(f"{type(value).__name__} is no value of a field")


_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_tag)


def _untag(found: dict[str, Any]) -> Any:
    if len(found) == 1:
        if "$instant" in found:
            return datetime.fromisoformat(found["$instant"])
        if "$date" in found:
            return date.fromisoformat(found["$date"])
    return found


_DECODER: Final = json.JSONDecoder(object_hook=_untag)
