"""People, contacts, opportunities and cases of the portal, as far as others are compared with them. Pure.

From protocols/onlyoffice.md, 5, [S]. A user's e-mail is null where the portal hides it. A contact's are among its
`commonData`, next to phone numbers and the like. An opportunity is about one contact; a case has any number of
members, and counts as being about a contact when that is its only one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from tasksync.connectors.onlyoffice.payload import NotUnderstood, identifier, member
from tasksync.connectors.onlyoffice.references import contact_of, refer
from tasksync.core.directory import Referent
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON

_EMAIL: Final = 1  # of the kinds of `infoType`
_TERMINATED: Final = 2  # of the values of a user's `status`

_Read: TypeAlias = Callable[[Mapping[str, Any], str], Referent]


def describe(type_: str, rows: Iterable[Any], connection: str) -> list[Referent]:
    """What rows of a list say of contacts, opportunities or cases. Raises `NotUnderstood`."""
    return [_READ[type_](row, connection) for row in _objects(rows, type_)]


def staff(rows: Iterable[Any], connection: str) -> list[Referent]:
    """The users among the rows who have not left. Raises `NotUnderstood`."""
    users = (row for row in _objects(rows, PERSON) if member(row, "status", int) != _TERMINATED)
    return [_person(row, connection) for row in users]


def _objects(rows: Iterable[Any], type_: str) -> Iterator[Mapping[str, Any]]:
    for row in rows:
        if not isinstance(row, dict):
            raise NotUnderstood(f"a {type_} that is {type(row).__name__}")
        yield row


def _person(payload: Mapping[str, Any], connection: str) -> Referent:
    user, email = member(payload, "id", str), member(payload, "email", str)
    if not user:
        raise NotUnderstood("a person without an id")
    return Referent(
        reference=refer(connection, PERSON, user),
        name=member(payload, "displayName", str) or "",
        emails=(email,) if email else (),
    )


def _contact(payload: Mapping[str, Any], connection: str) -> Referent:
    """With the e-mails of a whole contact, and with that of a stub."""
    infos = [*(member(payload, "commonData", list) or ()), payload.get("email")]
    found = [member(info, "data", str) for info in infos if isinstance(info, dict) and info.get("infoType") == _EMAIL]
    return Referent(
        reference=refer(connection, CONTACT, identifier(payload)),
        name=member(payload, "displayName", str) or "",
        emails=tuple(dict.fromkeys(email for email in found if email)),
    )


def _opportunity(payload: Mapping[str, Any], connection: str) -> Referent:
    contact = contact_of(payload)
    return Referent(
        reference=refer(connection, OPPORTUNITY, identifier(payload)),
        name=member(payload, "title", str) or "",
        parent=refer(connection, CONTACT, contact) if contact else None,
    )


def _case(payload: Mapping[str, Any], connection: str) -> Referent:
    members = [identifier(row) for row in _objects(member(payload, "members", list) or (), CONTACT)]
    return Referent(
        reference=refer(connection, CASE, identifier(payload)),
        name=member(payload, "title", str) or "",
        parent=refer(connection, CONTACT, members[0]) if len(members) == 1 else None,
    )


_READ: Final[Mapping[str, _Read]] = MappingProxyType({CONTACT: _contact, OPPORTUNITY: _opportunity, CASE: _case})
