"""ONLYOFFICE case payloads as observations, remote forms as request bodies, and the lenses. Pure.

Rules, all from protocols/onlyoffice.md, 5.3, [S]:

state
    `isClosed` is always printed, and changed by requests of its own.
members
    See `references`.
PUT replaces, in part
    A case that is not said to be private, or that nobody is named for, becomes public: both are sent back as they were
    read. Custom fields can be set, but not cleared: those without a value are left out. The account joins those who may
    see a private case with every update; that cannot be helped.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tasksync.connectors.onlyoffice.mapping import Portal
from tasksync.connectors.onlyoffice.payload import NotUnderstood, identifier, member, objects
from tasksync.connectors.onlyoffice.references import LOST_USER, member_numbers, members, members_lens, numbers_of
from tasksync.connectors.onlyoffice.text import TITLE, kept_text, shown_text
from tasksync.connectors.onlyoffice.times import parse_moment
from tasksync.core.lens import Lens, same, text
from tasksync.core.record import Observation, Value, Values
from tasksync.core.reference import Counterpart, only_own
from tasksync.errors import DefaultNeeded


def lenses(portal: Portal, counterpart: Counterpart | None = None) -> Mapping[str, Lens]:
    """By field. `counterpart`: as for `ports.Connector.lenses`."""
    called = only_own(portal.connection) if counterpart is None else counterpart
    offered = (text("title", *TITLE, required=True), same("closed"), members_lens(called))
    return MappingProxyType({lens.field: lens for lens in offered})


# --- Payload -> observation ---


def observe(payload: Any, portal: Portal) -> Observation:
    """The case of one payload. Raises `NotUnderstood` that names the case if it cannot be understood."""
    external_id = str(identifier(payload))
    try:
        return Observation(
            external_id=external_id,
            values=_values(payload, portal.connection),
            created=parse_moment(member(payload, "created", str), portal.zone),
            payload=payload,
        )
    except NotUnderstood as error:
        raise NotUnderstood(f"case {external_id}, {error}") from None


def _values(payload: Mapping[str, Any], connection: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    title, closed = shown_text(payload, "title", *TITLE), member(payload, "isClosed", bool)
    who = members(payload, connection)
    if title:
        values["title"] = title
    if closed is not None:
        values["closed"] = closed
    if who is not None:
        values["members"] = who
    return values


# --- Remote forms -> request body ---


def create_body(values: Values) -> dict[str, Any]:
    """The body of a POST, for a case that everybody may see. Raises `DefaultNeeded`."""
    return _titled({"isPrivate": False, "isNotify": False, **_changed(values)})


def update_body(payload: Mapping[str, Any], changes: Values, *, user: str) -> dict[str, Any]:
    """The body of a PUT that sets `changes` and keeps the rest of `payload`, a case as it was just read. `user` is our
    own id. Raises `DefaultNeeded`, and `NotUnderstood` if the payload cannot be understood.
    """
    body = {
        "title": kept_text(payload, "title"),
        "members": member_numbers(payload) or [],
        "customFieldList": _custom_fields(payload),
        **_access(payload, user),
        "isNotify": False,
        **_changed(changes),
    }
    return _titled(body)


def _changed(values: Values) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if "title" in values:
        body["title"] = values["title"]
    who = values.get("members")
    if isinstance(who, tuple) and who:
        body["members"] = numbers_of(who)
    return body


def _titled(body: dict[str, Any]) -> dict[str, Any]:
    if not body.get("title"):
        raise DefaultNeeded("ONLYOFFICE stores no case without a title; give it one.")
    return body


def _custom_fields(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    fields = objects(payload, "customFields") or []
    return [{"key": identifier(one), "value": kept_text(one, "fieldValue")} for one in fields if one.get("fieldValue")]


def _access(payload: Mapping[str, Any], user: str) -> dict[str, Any]:
    """Who may see the case, as it is. Of those who were removed the portal tells no id; where nobody else is left,
    `user` is named, as the portal would do itself, for with nobody the case would become public.
    """
    private = member(payload, "isPrivate", bool)
    if private is None:
        raise NotUnderstood("whether it is private is missing")
    if not private:
        return {"isPrivate": False, "accessList": []}
    allowed = objects(payload, "accessList")
    if allowed is None:
        raise NotUnderstood("who may see it is missing, though it is private")
    users = [member(one, "id", str) for one in allowed]
    if not all(users):
        raise NotUnderstood("one of those who may see it has no id")
    return {"isPrivate": True, "accessList": [one for one in users if one.lower() != LOST_USER] or [user]}
