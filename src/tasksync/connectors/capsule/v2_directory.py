"""v2: users, parties, opportunities and kases -> referents (protocols/capsule.md, 4.2 and 4.4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tasksync.connectors.capsule.mapping import Unreadable, headline
from tasksync.connectors.capsule.references import TYPES, Table, refer
from tasksync.connectors.capsule.v2_mapping import object_id
from tasksync.core.directory import Referent
from tasksync.core.reference import CONTACT, PERSON


def read_people(users: Iterable[Any], connection: str) -> tuple[Referent, ...]:
    """The users in a list of users, but for those who were deleted. Their e-mail addresses are on their parties, and
    here only if those are embedded (4.2, [OD]). Raises `Unreadable`.
    """
    people = []
    for user in users:
        if not isinstance(user, dict):
            raise Unreadable("a user that is no object")
        if user.get("deleted") is not True:
            people.append(
                Referent(
                    reference=refer(connection, PERSON, object_id(user)),
                    name=_text(user, "name") or _text(user, "username"),
                    emails=_addresses(user.get("party")),
                )
            )
    return tuple(people)


def read_referent(found: Any, table: Table, connection: str) -> Referent:
    """A party, an opportunity or a kase. The parent of the latter two is their party. Raises `Unreadable`."""
    if not isinstance(found, dict):
        raise Unreadable(f"something in place of a {table} that is no object")
    party = found.get("party")
    return Referent(
        reference=refer(connection, TYPES[table], object_id(found)),
        name=_text(found, "name") or " ".join(filter(None, (_text(found, "firstName"), _text(found, "lastName")))),
        emails=_addresses(found),
        parent=refer(connection, CONTACT, object_id(party)) if isinstance(party, dict) else None,
    )


def _addresses(party: Any) -> tuple[str, ...]:
    listed = party.get("emailAddresses") if isinstance(party, dict) else None
    found = [_text(one, "address") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(filter(None, found)))


def _text(found: Mapping[str, Any], key: str) -> str:
    """The text in one line, without blanks at its ends; empty when there is none."""
    value = found.get(key)
    return headline(value).strip() if isinstance(value, str) else ""
