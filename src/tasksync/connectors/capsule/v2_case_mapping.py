"""v2: kase objects, which the product calls projects, <-> fields, and the lenses (protocols/capsule.md, 4.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasksync.connectors.capsule.mapping import Unreadable, headline, title_lens
from tasksync.connectors.capsule.references import members_lens, party_of, refer
from tasksync.connectors.capsule.v2_mapping import object_id, stamp, text_in
from tasksync.core.lens import Lens, same
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import CONTACT, Counterpart


def lenses(counterpart: Counterpart) -> Mapping[str, Lens]:
    """By field."""
    return {lens.field: lens for lens in (title_lens(), same("closed"), members_lens(counterpart))}


def read_case(kase: Any, connection: str) -> Observation:
    """What a kase says, with references of `connection`. The day of its closing is no moment, so it tells none. Raises
    `Unreadable`.
    """
    external_id = object_id(kase)
    try:
        return Observation(
            external_id=external_id,
            values=_values(kase, connection),
            modified=stamp(kase, "updatedAt"),
            created=stamp(kase, "createdAt"),
        )
    except Unreadable as error:
        raise Unreadable(f"case {external_id}: {error}") from None


def _values(kase: Mapping[str, Any], connection: str) -> dict[str, Value]:
    name, status, party = text_in(kase, "name"), text_in(kase, "status"), kase.get("party")
    if name is None or status is None:
        raise Unreadable("it has no name or no status")
    values: dict[str, Value] = {"title": headline(name), "closed": status == "CLOSED"}
    if isinstance(party, dict):
        values["members"] = (refer(connection, CONTACT, object_id(party)),)
    return values


def write_case(values: Values) -> dict[str, Any]:
    """A kase that sets `values` and nothing else. Neither owner nor team are ever among it: who sets the one takes the
    other away (4.4, [LIVE]). The state is not among what it writes. Raises `LookupError`, which names it, for a party
    that Capsule cannot have.
    """
    kase: dict[str, Any] = {}
    party = party_of(values.get("members"))
    if party is not None:
        kase["party"] = {"id": party[1]}
    if "title" in values:
        kase["name"] = headline(str(values["title"]))
    return kase
