"""What a task refers to: who is responsible, the contact, and the case or opportunity; and who is in a case. Pure.

From protocols/onlyoffice.md, 2.3 and 2.4, [S]: a task has one responsible user, or none, for whom a stand-in is
printed; a contact, or none; and besides it one case or one opportunity, or neither. What has none of them lacks the
member. The server stores any number for a link, and shows none for what is not there.

The members of a case are contacts (5.3, [S]). A case that is made has any number of them, and none as well; an update
replaces them all, but not by nobody, which it takes for "as they are".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tasksync.connectors.onlyoffice.payload import identifier, member, objects
from tasksync.core.lens import KEEP, Lens, Shown
from tasksync.core.record import Value
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON, Counterpart, Reference, parse
from tasksync.core.referring import links, one_of_people, several_people

# Printed instead of the responsible of a task that has none, or whose user was removed (2.3, [S]).
LOST_USER: Final = "4a515a15-d4d6-4b8e-828e-e0586f18f3a3"
NOBODY: Final = "00000000-0000-0000-0000-000000000000"

# The portal's own words for them, too.
_ENTITIES: Final = (CASE, OPPORTUNITY)
_NUMBER = re.compile(r"[1-9]\d{0,9}", re.ASCII)


def refer(connection: str, type_: str, own_id: str | int) -> str:
    """A reference to something of this connection; the ids of users are read without regard to case."""
    return str(Reference(connection=connection, type=type_, id=str(own_id).lower()))


def is_number(own_id: str) -> bool:
    """Whether it can be the id of a contact, an opportunity or a case."""
    return _NUMBER.fullmatch(own_id) is not None


# --- Lenses ---


def assignees_lens(counterpart: Counterpart) -> Lens:
    """The responsible. It cannot be emptied: a task without one reads as one whose user was removed."""
    return one_of_people("assignees", counterpart, clearable=False)


def links_lens(counterpart: Counterpart) -> Lens:
    """A contact, and a case or an opportunity."""
    return links("links", _numbered(counterpart), ((CONTACT,), _ENTITIES))


def members_lens(counterpart: Counterpart) -> Lens:
    """The members of a case. That there are none is a form only where there are none: it cannot be brought about."""
    lens = several_people("members", _numbered(counterpart, CONTACT))

    def onto(value: Value, held: Value) -> Shown:
        shown = lens.show(value)
        return KEEP if shown == () and held != () else shown

    return replace(lens, show=lambda value: lens.show(value) or KEEP, onto=onto)


def _numbered(counterpart: Counterpart, *types: str) -> Counterpart:
    """Of these types, if any are named. What the config calls by an id that is no number has no counterpart."""

    def find(reference: str) -> str | None:
        found = counterpart(reference)
        if found is None:
            return None
        known = parse(found)
        return found if is_number(known.id) and (not types or known.type in types) else None

    return find


# --- Payload -> remote forms ---


def responsible(payload: Mapping[str, Any], connection: str) -> tuple[str, ...] | None:
    """None when the task does not say: nobody, and somebody who was removed, look the same."""
    user = user_of(payload)
    return None if user == NOBODY else (refer(connection, PERSON, user),)


def linked(payload: Mapping[str, Any], connection: str) -> tuple[str, ...] | None:
    """All that the task is linked to; None when that is something which tasksync knows no name for."""
    number, (type_, entity) = contact_of(payload), entity_of(payload)
    if entity and type_ not in _ENTITIES:
        return None
    found = [refer(connection, CONTACT, number)] if number else []
    return tuple(sorted([*found, refer(connection, type_, entity)] if entity else found))


def members(payload: Mapping[str, Any], connection: str) -> tuple[str, ...] | None:
    """The contacts that are in a case, sorted; None when the answer does not say."""
    numbers = member_numbers(payload)
    return None if numbers is None else tuple(sorted({refer(connection, CONTACT, one) for one in numbers if one}))


def member_numbers(payload: Mapping[str, Any]) -> list[int] | None:
    """Their numbers, in the order of the payload. Raises `NotUnderstood`."""
    found = objects(payload, "members")
    return None if found is None else [identifier(one) for one in found]


def user_of(payload: Mapping[str, Any]) -> str:
    """The id of the responsible user, `NOBODY` where that is a stand-in: written back, it would be stored as it is."""
    user = member(member(payload, "responsible", dict) or {}, "id", str) or NOBODY
    return NOBODY if user.lower() == LOST_USER else str(user)


def contact_of(payload: Mapping[str, Any]) -> int:
    """The number of the contact, or 0."""
    contact = member(payload, "contact", dict)
    return 0 if contact is None else identifier(contact)


def entity_of(payload: Mapping[str, Any]) -> tuple[str, int]:
    """Type and number of what else the task is linked to; ("", 0) for nothing."""
    entity = member(payload, "entity", dict) or {}
    type_, number = member(entity, "entityType", str) or "", member(entity, "entityId", int) or 0
    return (type_, number) if type_ and number else ("", 0)


# --- Remote forms -> members of a request ---


def user_member(assignees: tuple[str, ...]) -> dict[str, Any]:
    """The member that makes the first of `assignees` responsible; none where there is nobody."""
    return {"responsibleid": parse(assignees[0]).id} if assignees else {}


def link_members(references: tuple[str, ...]) -> dict[str, Any]:
    """The members that link a task to these and to nothing else; 0 and "" take a link away (2.4, [S])."""
    numbers = {link.type: int(link.id) for link in map(parse, references)}
    entity = next((type_ for type_ in _ENTITIES if type_ in numbers), "")
    return {"contactid": numbers.get(CONTACT, 0), "entityType": entity, "entityid": numbers.get(entity, 0)}


def numbers_of(references: tuple[str, ...]) -> list[int]:
    """The numbers of contacts."""
    return [int(parse(one).id) for one in references]
