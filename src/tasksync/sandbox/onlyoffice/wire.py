"""How ONLYOFFICE prints and reads: its envelope, its errors, its dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import PlainTextResponse, Response

from tasksync.sandbox.answers import Refusal, as_json, phrase

_MESSAGES = {
    400: ("Value does not fall within the expected range.", -2147024809),
    402: ("Payment required", -2146233088),
    403: ("Access Denied", -2146233078),
    404: ("Not found", -2147467259),
    500: ("Object reference not set to an instance of an object.", -2147467261),
}
"""Usual text and hresult by status (onlyoffice.md 4.3, [I])."""

_ARGUMENT, _GENERAL = -2147024809, -2146233088

_DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"(?:T(?P<hour>\d\d)(?P<sep>[:-])(?P<minute>\d\d)(?P=sep)(?P<second>\d\d)(?:\.(?P<fraction>\d{3}|\d{7}))?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?"
)
"""The shapes that are accepted, exactly (onlyoffice.md 3, [S])."""

_JSON_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,7})?(Z|[+-]\d\d:\d\d)?")


# --- answers ---


def success(response: Any, *, status: int = 200, paging: dict[str, int] | None = None) -> Response:
    """One object or a page of them. Members that have their default are left out (onlyoffice.md 4.1, [S])."""
    many = isinstance(response, list)
    count = len(response) if many else int(bool(response))
    envelope: dict[str, Any] = {"count": count} if count else {}
    envelope |= paging or {}
    return _json(envelope | {"status": 0, "statusCode": status, "response": response}, status)


def failure(status: int, message: str | None = None, hresult: int | None = None) -> Response:
    """An error envelope; 401 is the one answer that is plain text."""
    if status == 401:
        return PlainTextResponse("Unauthorized", 401, media_type="text/html")
    usual, number = _MESSAGES.get(status, (phrase(status), _GENERAL))
    error = {"message": message or usual, "hresult": number if hresult is None else hresult, "data": {}}
    return _json({"status": 1, "statusCode": status, "error": error}, status)


def _json(envelope: dict[str, Any], status: int) -> Response:
    # Their serialiser escapes every slash; it cannot stand outside a string in JSON.
    return Response(as_json(envelope).replace("/", "\\/"), status, media_type="application/json; charset=UTF-8")


# --- dates ---


def print_date(moment: datetime, zone: ZoneInfo) -> str:
    """Portal time, seven digits, `Z` only where the offset is zero (onlyoffice.md 3, [S])."""
    local = moment.astimezone(zone)
    offset = "Z" if not local.utcoffset() else local.isoformat()[-6:]
    return f"{local:%Y-%m-%dT%H:%M:%S.%f}0{offset}"


def read_date(text: str, zone: ZoneInfo) -> datetime:
    """Aware UTC. A value without zone is portal time. Raises Refusal (400)."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise _bad_date(text)
    clock = f"{found['hour']}:{found['minute']}:{found['second']}" if found["hour"] else "00:00:00"
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{clock}").replace(tzinfo=_zone(found["zone"], zone))
        microseconds = int((found["fraction"] or "0").ljust(7, "0")) // 10
        return moment.replace(microsecond=microseconds).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_date(text) from None


def _zone(text: str | None, portal: ZoneInfo) -> timezone | ZoneInfo:
    if text is None:
        return portal
    if text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text.startswith("-") else offset)


def _bad_date(text: str) -> Refusal:
    shown = f"invalid date time format: {text}" if len(text) >= 7 else "invalid date time format"
    return Refusal(failure(400, shown, _ARGUMENT))


def reprint_json_date(text: str) -> str:
    """What Json.NET makes of a string in a JSON body that looks like a date in the colon form: trailing zeros of its
    fraction go, and an offset becomes the server's own, which is UTC here (onlyoffice.md 3, [L+I]).
    """
    found = _JSON_DATE.fullmatch(text)
    if found is None:
        return text
    seconds, fraction, zone = found[1], (found[2] or "").rstrip("0").rstrip("."), found[3] or ""
    if zone not in {"", "Z"}:
        try:
            moment = datetime.fromisoformat(seconds + zone).astimezone(UTC)
        except (ValueError, OverflowError):
            return text
        seconds, zone = f"{moment:%Y-%m-%dT%H:%M:%S}", "+00:00"
    return f"{seconds}{fraction}{zone}"
