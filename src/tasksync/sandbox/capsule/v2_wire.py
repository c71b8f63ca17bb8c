"""How Capsule's second API answers, refuses and reads: JSON in an envelope, validation, values in it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, as_json


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Minified JSON (capsule.md 1.2)."""
    return Response(as_json(data), status, dict(headers or {}), media_type="application/json")


def invalid(*errors: tuple[str, str | None], resource: str = "task") -> Response:
    """422 with one entry per (message, field); an error of the whole object has no field (capsule.md 3.5)."""
    entries = [
        {"message": message, "resource": resource} | ({"field": field} if field else {}) for message, field in errors
    ]
    return reply({"message": "Validation Failed", "errors": entries}, 422)


def gone() -> Response:
    """404 for an unknown path or id (capsule.md 3.5)."""
    return reply({"message": "Could not find resource"}, 404)


async def read_envelope(request: Request, name: str) -> dict[str, Any]:
    """What is inside `{"task": {...}}`. Raises Refusal (400 for no JSON, 422 for no envelope)."""
    try:
        data = json.loads(await request.body())
    except ValueError:
        raise Refusal(reply({"message": "Malformed JSON"}, 400)) from None
    if not isinstance(data, dict) or not isinstance(data.get(name), dict):
        raise Refusal(invalid((f"{name} is required", None), resource=name))
    inner: dict[str, Any] = data[name]
    return inner


def print_instant(moment: datetime) -> str:
    """UTC in whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_id(value: Any) -> int:
    """0, which nothing has, for anything but `{"id": n}`."""
    number = value.get("id") if isinstance(value, dict) else None
    return number if type(number) is int else 0


def read_day(value: Any) -> date | None:
    """None for anything but `YYYY-MM-DD`."""
    if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def read_clock(value: Any) -> time | None:
    """None for anything but `HH:MM` or `HH:MM:SS`."""
    if not isinstance(value, str) or re.fullmatch(r"\d\d:\d\d(:\d\d)?", value) is None:
        return None
    try:
        return time.fromisoformat(value)
    except ValueError:
        return None
