"""What Plannr's answers mean, and whose words are in them (protocols/plannr.md, 3.2 and 3.6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tasksync.connectors.plannr.payload import NotUnderstood, as_object, filled
from tasksync.connectors.sightings import json_form, sightings
from tasksync.core.record import Observation
from tasksync.errors import Misconnected, Refused, RetryLater, ServerFault, Vanished
from tasksync.ports import Response, Sighting
from tasksync.transport.answers import parse_json, require, unreadable


def words(response: Response) -> str:
    """Plannr's own words for what went wrong: `message`, then each field of `errors` (3.6)."""
    said = _json_object(response)
    parts = [said["message"]] if isinstance(said.get("message"), str) else []
    errors = said.get("errors")
    for name, texts in errors.items() if isinstance(errors, dict) else ():
        listed = texts if isinstance(texts, list) else [texts]
        parts.append(f"{name}: {' '.join(str(text) for text in listed)}")
    return "; ".join(parts)


def _json_object(response: Response) -> dict[str, Any]:
    try:
        said = json.loads(response.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def found(response: Response) -> Response:
    """The answer for a list. One that cannot be asked for concerns no single record: raises `Misconnected`, since it is
    the url, or another program behind it.
    """
    try:
        return require(response, words)
    except Refused as refused:
        raise Misconnected(f"{refused}. Check the connection's url and type.") from None


def still_there(response: Response, what: str) -> Response:
    """Raises `Vanished` when Plannr does not have the record that was to be changed; `what` names it."""
    if response.status in (404, 410):
        raise Vanished(f"Plannr does not have this {what} any more: {words(response) or f'HTTP {response.status}'}")
    return response


def require_own_words(response: Response) -> None:
    """A proxy's 404, or that of a wrong path, says nothing about the record, and taking it for an answer would delete
    it: raises `ServerFault` for the one and `Misconnected` for the other.
    """
    said = _json_object(response)
    if "message" not in said:
        raise ServerFault(f"GET {response.url} was answered with {response.status}, but not in Plannr's words.")
    if str(said["message"]).startswith("The route "):
        raise Misconnected(f"{said['message']} Check the connection's url and type.")


def single(response: Response) -> dict[str, Any]:
    """One record. Bare in every example, but Laravel wraps by default (3.2): it has a uuid and no `data`. Raises what
    `unreadable` makes of anything else.
    """
    body = parse_json(response)
    if isinstance(body, dict) and "uuid" not in body and isinstance(body.get("data"), dict):
        body = body["data"]
    if not isinstance(body, dict):
        raise unreadable(response, "no object")
    return body


def listed(rows: Sequence[Any], read: Callable[[Any], Observation], connection: str) -> list[Sighting]:
    """What `read` can make of the rows of a list, which it reads by nothing but the connection's name. Raises
    `ServerFault` when it is not understood which records they are.
    """
    try:
        return sightings(rows, id_of=_uuid_of, read=read, form=json_form, context=connection)
    except NotUnderstood as wrong:
        raise ServerFault(f"Plannr's answer cannot be understood: {wrong}.") from None


def _uuid_of(row: Any) -> str:
    return filled(as_object(row, "the record"), "uuid", "the record")


def understood(
    observe: Callable[[], Observation], asked: str | None = None, fault: type[RetryLater] = ServerFault
) -> Observation:
    """What `observe` makes of a payload. Raises `fault` when it is not understood, or is another record than the one
    that was `asked` for: `AnswerLost` where the request may have changed something and must not be repeated blindly.
    """
    try:
        observation = observe()
    except NotUnderstood as wrong:
        raise fault(f"Plannr's answer cannot be understood: {wrong}.") from None
    if asked is not None and observation.external_id != asked:
        raise fault(f"Plannr was asked for {asked} and answered with {observation.external_id}.")
    return observation
