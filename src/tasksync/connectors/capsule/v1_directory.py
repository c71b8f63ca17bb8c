"""v1: ``<user>``, ``<person>``, ``<organisation>``, ``<opportunity>`` and ``<kase>`` -> referents. Pure.

The facts are in protocols/capsule.md, 2.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from xml.etree.ElementTree import Element

from tasksync.connectors.capsule.mapping import Unreadable, headline
from tasksync.connectors.capsule.references import is_number, refer
from tasksync.core.directory import Referent
from tasksync.core.reference import CASE, CONTACT, OPPORTUNITY, PERSON

# The root tells which kind of party it is (2.8, [REC]).
_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"person": CONTACT, "organisation": CONTACT, "opportunity": OPPORTUNITY, "kase": CASE}
)


def read_people(root: Element, connection: str) -> tuple[tuple[Referent, str | None], ...]:
    """Everybody in ``<users>``, by user name, each with the id of the party that has the e-mail addresses, if the
    server tells that (2.8, [CLI]). Raises `Unreadable`.
    """
    if root.tag != "users":
        raise Unreadable(f"<{root.tag}> in place of <users>")
    people = []
    for user in root.iter("user"):
        username, party = _text(user, "username"), _text(user, "partyId")
        if not username:
            raise Unreadable("a user without a user name")
        one = Referent(reference=refer(connection, PERSON, username), name=_text(user, "name") or username)
        people.append((one, party if is_number(party) else None))
    return tuple(people)


def read_referent(found: Element, connection: str) -> Referent:
    """What such an element says, whose tag names the type. The parent of an opportunity or a case is its party. Raises
    `Unreadable`.
    """
    if found.tag not in _TYPES:
        raise Unreadable(f"<{found.tag}> in place of a party, an opportunity or a case")
    type_, party = _TYPES[found.tag], _text(found, "partyId")
    return Referent(
        reference=refer(connection, type_, record_id(found)),
        name=_text(found, "name") or " ".join(filter(None, (_text(found, "firstName"), _text(found, "lastName")))),
        emails=addresses(found),
        parent=refer(connection, CONTACT, party) if type_ != CONTACT and is_number(party) else None,
    )


def addresses(party: Element) -> tuple[str, ...]:
    """The e-mail addresses of a party."""
    found = ((one.text or "").strip() for one in party.iterfind("contacts/email/emailAddress"))
    return tuple(dict.fromkeys(filter(None, found)))


def record_id(found: Element) -> str:
    """The id of such an element: digits. Raises `Unreadable`."""
    written = _text(found, "id")
    if not is_number(written):
        raise Unreadable(f"a <{found.tag}> with the id {written!r}")
    return written


def _text(found: Element, name: str) -> str:
    """The text of a child in one line, without blanks at its ends; empty when there is no such child."""
    return headline(found.findtext(name) or "").strip()
