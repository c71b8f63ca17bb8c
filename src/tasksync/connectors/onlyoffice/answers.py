"""What the portal's answers mean, and which words in them are its own (protocols/onlyoffice.md, 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from tasksync.errors import Refused
from tasksync.ports import Response
from tasksync.transport.answers import parse_json, require, unreadable

_GONE: Final = frozenset({404, 410})


def judged(response: Response) -> Response:
    """The answer about one record. 403 concerns this record alone, whatever it means elsewhere (1.4, 2.4, [S]); a 404
    that is not in the portal's own form is somebody else's page, and no word about the record.
    """
    if response.status == 403:
        raise Refused(
            f"{response.method} {response.url} was answered with 403: {words(response) or 'access denied'}. "
            "Only a CRM administrator may see and change everything.",
            status=403,
        )
    if response.status in _GONE and own_error(response) is None:
        raise unreadable(response, f"a {response.status} that is not the portal's")
    return require(response, words)


def says_gone(response: Response) -> bool:
    """Whether the portal itself says that there is no such thing."""
    return response.status in _GONE and own_error(response) is not None


def may_say_gone(response: Response) -> bool:
    """Whether a change may have been refused because there is nothing to change any more: a task that is closed or
    reopened is missing with 400 (2.4, [S]), a case with 404 (5.3, [S]).
    """
    return response.status == 400 or says_gone(response)


def envelope_of(response: Response, holding: type = dict) -> dict[str, Any]:
    """The envelope (4.1) of a 2xx, its `response` of that type."""
    envelope = parse_json(response)
    if not isinstance(envelope, dict) or envelope.get("status", 0) != 0:
        raise unreadable(response, "no envelope of ONLYOFFICE")
    if not isinstance(envelope.get("response"), holding):
        raise unreadable(response, f"an envelope whose response is {type(envelope.get('response')).__name__}")
    return envelope


def item_of(response: Response) -> Mapping[str, Any]:
    """The one object that a 2xx is about."""
    item: Mapping[str, Any] = envelope_of(response)["response"]
    return item


def rows_of(response: Response) -> tuple[Mapping[str, Any], Sequence[Any]]:
    """Envelope and rows of a list; `count` is the number of rows, and absent for none or in old versions (2.2, 4.1)."""
    envelope = envelope_of(response, list)
    rows: list[Any] = envelope["response"]
    if envelope.get("count", len(rows)) != len(rows):
        raise unreadable(response, f"{len(rows)} of {envelope['count']} rows")
    return envelope, rows


def own_error(response: Response) -> Mapping[str, Any] | None:
    """The `error` of an answer in the portal's own form (4.3), None for pages, texts and other people's JSON."""
    try:
        envelope = json.loads(response.body)
    except ValueError:
        return None
    error = envelope.get("error") if isinstance(envelope, dict) else None
    return error if isinstance(error, dict) else None


def words(response: Response) -> str:
    """The portal's own words for what went wrong, in its language."""
    message = (own_error(response) or {}).get("message")
    return message if isinstance(message, str) else ""


def answered_at(response: Response) -> datetime | None:
    """When the portal answered, by its own clock and in UTC, if it said so."""
    try:
        return parsedate_to_datetime(response.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None
