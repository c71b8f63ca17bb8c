"""People, and what a task or a case belongs to, as both Capsule protocols name them. Pure.

A task has one owner, always (protocols/capsule.md, 2.3 and 3.3), and belongs to at most one party, opportunity or case
(3.4, [LIVE]). A case belongs to one party, always (2.8 and 4.4, [LIVE]).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from tasksync.core.directory import Referent, plain
from tasksync.core.lens import Lens
from tasksync.core.record import Value
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON, Counterpart, Reference, parse
from tasksync.core.referring import links, one_of_people

Table: TypeAlias = Literal["party", "opportunity", "kase"]
Link: TypeAlias = tuple[Table, int]

TABLES: Final[Mapping[str, Table]] = MappingProxyType({CASE: "kase", OPPORTUNITY: "opportunity", CONTACT: "party"})
"""What Capsule calls each type that a task can belong to. Of several links the first of these types is taken: a case or
an opportunity also says of which party it is.
"""
TYPES: Final[Mapping[Table, str]] = MappingProxyType({table: type_ for type_, table in TABLES.items()})
PLURALS: Final[Mapping[Table, str]] = MappingProxyType(
    {"party": "parties", "opportunity": "opportunities", "kase": "kases"}
)


def assignee_lens(counterpart: Counterpart) -> Lens:
    """`owner`: one person, always. Whether it can be cleared is not known (3.3, [UNK]), so that is never tried."""
    return one_of_people("assignees", counterpart, clearable=False)


def links_lens(counterpart: Counterpart, *, fixed: bool = False) -> Lens:
    """What the task belongs to: one thing, or nothing."""
    return links("links", counterpart, (tuple(TABLES),), fixed=fixed)


def members_lens(counterpart: Counterpart) -> Lens:
    """The party of a case: it can be another one, and never none."""
    return replace(one_of_people("members", counterpart, clearable=False), required=True)


def refer(connection: str, type_: str, id_: str) -> str:
    """The reference to something that Capsule calls `id_`."""
    return str(Reference(connection=connection, type=type_, id=id_))


def person_of(assignees: Value) -> str | None:
    """Capsule's own id of the first of `assignees`: a user's id in v2, the user name in v1."""
    return parse(assignees[0]).id if isinstance(assignees, tuple) and assignees else None


def link_of(links: Value) -> Link | None:
    """The table and number of the first of `links`. Raises `LookupError` for an id that Capsule cannot have."""
    if not isinstance(links, tuple) or not links:
        return None
    link = parse(links[0])
    return TABLES[link.type], number(link.id, link.type)


def party_of(members: Value) -> Link | None:
    """The first of `members`. Raises `LookupError` for an id that Capsule cannot have."""
    if not isinstance(members, tuple) or not members:
        return None
    return TABLES[CONTACT], number(parse(members[0]).id, CONTACT)


def number(id_: str, what: str = PERSON) -> int:
    """`id_` as Capsule has it. Raises `LookupError`: an id from the config may be anything."""
    if not is_number(id_):
        raise LookupError(f"{what} {id_!r}")
    return int(id_)


def is_number(id_: str) -> bool:
    """Whether Capsule can have that id: digits, and not so many that no number of 64 bits has them."""
    return id_.isascii() and id_.isdigit() and len(id_) < 20


def resembles(wanted: Referent, one: Referent) -> bool:
    """Whether `one` has one of the addresses, or the name, of `wanted`."""
    shared = set(map(plain, wanted.emails)) & set(map(plain, one.emails))
    return bool(shared) or (plain(wanted.name) != "" and plain(wanted.name) == plain(one.name))
