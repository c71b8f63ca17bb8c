"""Who a task is assigned to, what it hangs on, and who takes part in a case, as Plannr names them. Pure.

All ids are uuids. A task has any number of assignees, and exactly one link (protocols/plannr.md, 4.2, [S]): to a plan,
a case, a client or an employee. Clients and employees are both accounts; only a client is a contact, and an employee
that a task is about corresponds to nothing elsewhere. Of the participants of a case, those who are clients are its
members; there is always one (`client`, [S]).

What is not told leaves its field out: a single assignee stands for a list (5, [I]), the documentation's stubs for
nobody, and a link to what is gone for no choice of anybody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from tasksync.connectors.plannr.payload import text
from tasksync.core.lens import KEEP, Lens, Shown
from tasksync.core.record import Value
from tasksync.core.reference import CASE, CONTACT, PERSON, PLAN, Counterpart, Reference, parse
from tasksync.core.referring import links, several_people

Linked: TypeAlias = Literal["client", "employee", "case", "plan"]

EMPLOYEE: Final = "employee"
TAKEN: Final[Mapping[str, Linked]] = MappingProxyType(
    {PLAN: "plan", CASE: "case", CONTACT: "client", EMPLOYEE: "employee"}
)
"""What Plannr calls each type that a task can hang on. Of several links the first of these types is taken: a plan or a
case also says of which client it is.
"""
TYPES: Final[Mapping[str, str]] = MappingProxyType({taken: type_ for type_, taken in TAKEN.items()})


def refer(connection: str, type_: str, uuid: str) -> str:
    """The reference to something of this connection; case makes no difference to a uuid."""
    return str(Reference(connection=connection, type=type_, id=uuid.lower()))


def is_uuid(id_: str) -> bool:
    """Whether Plannr can have that id, in the one spelling that references have."""
    try:
        return str(UUID(id_)) == id_
    except ValueError:
        return False


# --- lenses ---


def assignees_lens(counterpart: Counterpart) -> Lens:
    """Any number of people, nobody included."""
    return several_people("assignees", _with_uuid(counterpart))


def links_lens(counterpart: Counterpart) -> Lens:
    """The one link, which cannot be taken away."""
    return links("links", _with_uuid(counterpart), (tuple(TAKEN),), required=True)


def members_lens(counterpart: Counterpart) -> Lens:
    """The clients in a case, of whom one has to be left."""
    lens = several_people("members", _with_uuid(counterpart))

    def show(value: Value) -> Shown:
        return lens.show(value) or KEEP

    return replace(lens, show=show, required=True)


def _with_uuid(counterpart: Counterpart) -> Counterpart:
    """What the config calls by an id that is no uuid has no counterpart; in capitals it is the same uuid."""

    def find(reference: str) -> str | None:
        found = counterpart(reference)
        if found is None:
            return None
        known = parse(found)
        small = refer(known.connection, known.type, known.id)
        return small if is_uuid(parse(small).id) else None

    return find


# --- payload to remote forms ---


def assigned(task: Mapping[str, Any], connection: str) -> tuple[str, ...] | None:
    """The assignees of a task, sorted; None when it does not say."""
    if "assigned_to" not in task:
        return None
    told = task["assigned_to"]
    people = told if isinstance(told, list) else [] if told is None else [told]
    return _referred(people, PERSON, connection)


def linked(task: Mapping[str, Any], connection: str) -> tuple[str, ...] | None:
    """What a task hangs on; None when it does not say, or that is gone, or of a type that nobody has told us of."""
    type_, found = TYPES.get(text(task, "taskable_type")), task.get("taskable")
    return None if type_ is None or found is None else _referred([found], type_, connection)


def members(case: Mapping[str, Any], connection: str) -> tuple[str, ...] | None:
    """The clients that take part in a case, sorted; None when it does not say, or when none of them is left."""
    people = case.get("participants")
    if not isinstance(people, list) or not all(isinstance(one, dict) and text(one, "type") for one in people):
        return None
    return _referred([one for one in people if one["type"] == "client"], CONTACT, connection) or None


def _referred(found: Sequence[Any], type_: str, connection: str) -> tuple[str, ...] | None:
    uuids = {text(one, "uuid").lower() if isinstance(one, dict) else "" for one in found}
    return tuple(sorted(refer(connection, type_, uuid) for uuid in uuids)) if all(map(is_uuid, uuids)) else None


# --- remote forms to request bodies ---


def uuids_of(references: Value) -> list[str]:
    """The uuids in `references`, in their order."""
    return [parse(one).id for one in references] if isinstance(references, tuple) else []


def link_keys(links: Value) -> dict[str, str]:
    """The two keys that hang a task on the first of `links`, which belong together (4.3, [I]); none without a link."""
    if not isinstance(links, tuple) or not links:
        return {}
    link = parse(links[0])
    return {"taskable_type": TAKEN[link.type], "taskable_uuid": link.id}
