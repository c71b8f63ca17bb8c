"""How ONLYOFFICE prints and reads: its envelope, its errors, its dates, its bag of parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tasksync.sandbox.answers import Refusal, as_json, phrase
from tasksync.sandbox.onlyoffice.people import NOBODY

_MESSAGES = {
    400: ("Value does not fall within the expected range.", -2147024809),
    402: ("Payment required", -2146233088),
    403: ("Access Denied", -2146233078),
    404: ("Not found", -2147467259),
    500: ("Object reference not set to an instance of an object.", -2147467261),
}
"""Usual text and hresult by status (onlyoffice.md 4.3, [I])."""

_FORMAT, _OVERFLOW, _ARGUMENT, _GENERAL = -2146233033, -2146233066, -2147024809, -2146233088
_INT32 = range(-(2**31), 2**31)

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


# --- parameters ---


class Params:
    """Query first, then body; names in any case; the first value wins (onlyoffice.md 4.6, [S])."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), value)

    def given(self, name: str) -> bool:
        return name.lower() in self._values

    def text(self, name: str) -> str:
        return self._values.get(name.lower(), "")

    def number(self, name: str) -> int:
        """0 when missing or empty. Raises Refusal (400)."""
        text = self.text(name).strip()
        if not text:
            return 0
        if re.fullmatch(r"[+-]?\d+", text, re.ASCII) is None:
            raise Refusal(failure(400, "Input string was not in a correct format.", _FORMAT))
        if int(text) not in _INT32:
            raise Refusal(failure(400, "Value was either too large or too small for an Int32.", _OVERFLOW))
        return int(text)

    def guid(self, name: str) -> str:
        """The zero guid when missing or empty. Raises Refusal (400)."""
        text = self.text(name).strip()
        if not text:
            return NOBODY
        try:
            return str(UUID(text))
        except ValueError:
            message = "Guid should contain 32 digits with 4 dashes (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)."
            raise Refusal(failure(400, message, _FORMAT)) from None

    def flag(self, name: str) -> bool | None:
        """None when missing or empty. Raises Refusal (400)."""
        text = self.text(name).strip().lower()
        if text not in {"", "true", "false"}:
            raise Refusal(failure(400, "String was not recognized as a valid Boolean.", _FORMAT))
        return None if not text else text == "true"

    def date(self, name: str, zone: ZoneInfo) -> datetime | None:
        """None when missing, empty or the year 1. Raises Refusal (400)."""
        text = self.text(name)
        if not text or text.startswith("0001-01-01"):
            return None
        return read_date(text, zone)


async def read_params(request: Request) -> Params:
    """Raises Refusal (400) for a body that says it is JSON and is no JSON object."""
    pairs = list(request.query_params.multi_items())
    body = await request.body()
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        pairs += _json_pairs(body)
    elif body:
        pairs += parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    return Params(pairs)


def _json_pairs(body: bytes) -> Sequence[tuple[str, str]]:
    try:
        data = json.loads(body) if body.strip() else {}
    except ValueError:
        raise Refusal(failure(400, "Unexpected character encountered while parsing value.", _GENERAL)) from None
    if not isinstance(data, dict):
        raise Refusal(failure(400, "XmlNodeConverter can only convert JSON that begins with an object.", _GENERAL))
    return [(name, _scalar(value)) for name, value in data.items()]


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return reprint_json_date(value) if isinstance(value, str) else str(value)
