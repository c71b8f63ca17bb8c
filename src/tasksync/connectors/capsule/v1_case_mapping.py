"""v1: ``<kase>`` elements <-> fields, and the lenses (protocols/capsule.md, 2.8, [OD]). Pure.

A case has a status in the documentation of all ages, unlike a task. What a server does not tell is left out all the
same.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement

from tasksync.connectors.capsule.mapping import Unreadable, headline, plain, title_lens
from tasksync.connectors.capsule.references import is_number, members_lens, refer
from tasksync.connectors.capsule.v1_directory import record_id
from tasksync.connectors.capsule.v1_mapping import stamp, text_in, word_in
from tasksync.core.lens import Lens, same
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import CONTACT, Counterpart


def lenses(counterpart: Counterpart) -> Mapping[str, Lens]:
    """By field."""
    return {lens.field: lens for lens in (title_lens(), same("closed"), members_lens(counterpart))}


def case_id(kase: Element) -> str:
    """The id of a ``<kase>``: digits. Raises `Unreadable`."""
    if kase.tag != "kase":
        raise Unreadable(f"<{kase.tag}> in place of a <kase>")
    return record_id(kase)


def read_case(kase: Element, connection: str) -> Observation:
    """What a ``<kase>`` says, with references of `connection`. The day of its closing is no moment, so it tells none.
    Raises `Unreadable`.
    """
    external_id = case_id(kase)
    try:
        return Observation(
            external_id=external_id,
            values=_values(kase, connection),
            modified=stamp(kase, "updatedOn"),
            created=stamp(kase, "createdOn"),
        )
    except Unreadable as error:
        raise Unreadable(f"case {external_id}: {error}") from None


def _values(kase: Element, connection: str) -> dict[str, Value]:
    name, status, party = text_in(kase, "name"), word_in(kase, "status"), word_in(kase, "partyId")
    if name is None:
        raise Unreadable("it has no name")
    if party and not is_number(party):
        raise Unreadable(f"its partyId is {party[:40]!r}")
    values: dict[str, Value] = {"title": headline(name)}
    if status:
        values["closed"] = status == "CLOSED"
    if party:
        values["members"] = (refer(connection, CONTACT, party),)
    return values


def write_case(values: Values) -> Element:
    """A ``<kase>`` that sets the title, and nothing of a case that is not ours to set. The party is not among what it
    writes, since it stands in the path.
    """
    kase = Element("kase")
    if "title" in values:
        SubElement(kase, "name").text = plain(str(values["title"]))
    return kase


def write_state(*, closed: bool) -> Element:
    """A ``<kase>`` that closes a case or opens it again. The server chooses the day."""
    kase = Element("kase")
    SubElement(kase, "status").text = "CLOSED" if closed else "OPEN"
    return kase
