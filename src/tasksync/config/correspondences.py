"""The sections `people`, `categories` and `links`: what is called differently in each CRM, and is the same.

Each entry of a section is one person, category or thing: what it is called in each of two connections or more.
Messages name keys and never what stands there: that may be anything, put into the wrong place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tasksync.config.document import Document, KeyPath, dotted, suggestion
from tasksync.core.directory import Configured, plain
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PLAN, Reference

TYPES: Final = (CONTACT, OPPORTUNITY, CASE, PLAN)
"""What an entry of `links` can be about."""
TO_FILL_IN: Final = "..."
"""What stands in a proposed entry where a person has to write something."""

_EXAMPLE: Final = "such as {office: Call, capsule: Phone call}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What one thing is called, by connection, and where that stands in the file. `type` only in `links`."""

    at: KeyPath
    names: Mapping[str, str]
    type: str = ""


def read_correspondences(document: Document, connections: Collection[str]) -> Configured:
    """What the sections `people` and `links` say. Complains to `document` about all that is wrong."""
    people = tuple(_entries(document, "people", connections))
    _check_twice(document, people, plain)
    links = tuple(_entries(document, "links", connections, typed=True))
    for type_ in TYPES:
        _check_twice(document, [entry for entry in links if entry.type == type_], str)
    return Configured(
        same=tuple(
            frozenset(str(Reference(connection=where, type=entry.type, id=id_)) for where, id_ in entry.names.items())
            for entry in links
        ),
        people=tuple(entry.names for entry in people),
    )


def read_categories(document: Document, connections: Collection[str]) -> Mapping[str, Mapping[str, str]]:
    """By connection: what it calls a category that another connection calls so (in lower case, as `str.casefold` makes
    it). Complains to `document` about all that is wrong.
    """
    entries = tuple(_entries(document, "categories", connections))
    _check_meanings(document, entries)
    aliases: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in entries:
        for where, own in entry.names.items():
            aliases[where] |= {name.casefold(): own for other, name in entry.names.items() if other != where}
    return {where: MappingProxyType(found) for where, found in aliases.items()}


def _entries(
    document: Document, section: str, connections: Collection[str], *, typed: bool = False
) -> Iterator[_Entry]:
    """Those that are right as far as they go; the others are complained about."""
    found = document.values.get(section)
    if found is None or not connections:
        return
    if not isinstance(found, list):
        document.complain((section,), f"needs a list of entries, {_EXAMPLE}")
        return
    for index, values in enumerate(found):
        at: KeyPath = (section, index)
        if not isinstance(values, Mapping):
            document.complain(at, f"needs names of connections, and what it is called there, {_EXAMPLE}")
            continue
        type_ = _type(document, at, values) if typed else ""
        rest = {key: value for key, value in values.items() if not typed or key != "type"}
        names = {key: name for key in rest if (name := _name(document, (*at, key), rest[key], connections)) is not None}
        if len([key for key in rest if rest[key] is not None or document.unreadable((*at, key))]) < 2:
            document.complain(at, f"needs two connections or more, {_EXAMPLE}")
        elif len(names) > 1 and type_ is not None:
            yield _Entry(at=at, names=names, type=type_)


def _type(document: Document, at: KeyPath, values: Mapping[str, object]) -> str | None:
    found = values.get("type")
    if isinstance(found, str) and found in TYPES:
        return found
    told = "is missing" if found is None else "unknown type"
    document.complain((*at, "type"), f"{told}; known are: {', '.join(TYPES)}")
    return None


def _name(document: Document, path: KeyPath, value: object, connections: Collection[str]) -> str | None:
    """What it is called in the connection that the last part of `path` names; None if not said, or after complaining.
    An id may be written as a number.
    """
    connection = str(path[-1])
    if connection not in connections:
        document.complain(path, f"there is no connection of this name; {suggestion(connection, connections)}")
        return None
    if value is None:
        return None
    name = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if name is None:
        document.complain(path, "needs text, or a whole number; put anything else into quotes")
    elif not name.strip():
        document.complain(path, "must not be empty")
    elif name == TO_FILL_IN:
        document.complain(path, "has three dots where you have to write what it is called there")
    else:
        return name
    return None


def _check_twice(document: Document, entries: Sequence[_Entry], compared: Callable[[str], str]) -> None:
    """Nobody and nothing can be two."""
    seen: dict[tuple[str, str], _Entry] = {}
    for entry in entries:
        for where, name in entry.names.items():
            first = seen.setdefault((where, compared(name)), entry)
            if first is not entry:
                _complain_of_twice(document, entry, where, first)


def _check_meanings(document: Document, entries: Sequence[_Entry]) -> None:
    """A task says the name of its category, and not where that name comes from. So of all entries that have to do with
    one connection, only one may have a name, wherever it is called so.
    """
    seen: dict[tuple[str, str], _Entry] = {}
    for entry in entries:
        for where, name in entry.names.items():
            owners = (seen.setdefault((about, name.casefold()), entry) for about in entry.names)
            first = next((owner for owner in owners if owner is not entry), None)
            if first is not None:
                _complain_of_twice(document, entry, where, first)


def _complain_of_twice(document: Document, entry: _Entry, where: str, first: _Entry) -> None:
    told = f"stands in {dotted(first.at)} already; put all that means the same into one entry"
    document.complain((*entry.at, where), told)
