"""Plannr's cases and our values, both ways (protocols/plannr.md, 7.4). Pure.

A case is closed when it has a time of completion. Whether its column, the status, follows that or leads it is unknown,
so the column is neither read nor written. Its members are those of its participants who are clients.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tasksync.connectors.plannr.payload import NotUnderstood, as_name, as_object, filled, own_name, stamp
from tasksync.connectors.plannr.references import members, members_lens, uuids_of
from tasksync.core import lens
from tasksync.core.lens import Lens
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import Counterpart


def lenses(counterpart: Counterpart) -> Mapping[str, Lens]:
    """By field."""
    offered = (lens.text("title", as_name, required=True), lens.same("closed"), members_lens(counterpart))
    return MappingProxyType({one.field: one for one in offered})


def observation(payload: object, connection: str) -> Observation:
    """A case as it is listed, read or written; `payload` of the observation is that. Raises `NotUnderstood`."""
    case = as_object(payload, "the case")
    uuid = filled(case, "uuid", "the case")
    try:
        completed = stamp(case, "completed_at")
        values: dict[str, Value] = {"title": own_name(case)}
        if "completed_at" in case:
            values["closed"] = completed is not None
        who = members(case, connection)
        if who is not None:
            values["members"] = who
        return Observation(
            external_id=uuid,
            values=values,
            modified=stamp(case, "updated_at"),
            created=stamp(case, "created_at"),
            completed=completed,
            payload=case,
        )
    except NotUnderstood as wrong:
        raise NotUnderstood(f"case {uuid}: {wrong}") from None


def with_participants_of(answer: Mapping[str, Any], before: object) -> Mapping[str, Any]:
    """The answer to a write that left the participants as they are. They are not in it unless they are included, which
    is documented for lists alone; then they are those of the case as it was read just before.
    """
    known = before.get("participants") if isinstance(before, Mapping) else None
    return answer if "participants" in answer or known is None else {**answer, "participants": known}


def creation_body(values: Values) -> dict[str, Any]:
    """The body of a POST. The state is set afterwards: that a case can be created closed is not documented."""
    return {"name": values.get("title"), "participants": uuids_of(values.get("members"))}


def changes_body(changes: Values) -> dict[str, Any]:
    """The body of a PUT; members have routes of their own, and the state is no field of ours to set with others."""
    return {"name": changes["title"]} if "title" in changes else {}


def moved(before: Value, after: Value) -> tuple[list[str], list[str]]:
    """Who comes into a case and who leaves it, by uuid."""
    old, new = uuids_of(before), uuids_of(after)
    return [one for one in new if one not in old], [one for one in old if one not in new]
