"""How Capsule's first API answers, refuses and reads: XML records, pages of HTML, numbers and dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal, page
from tasksync.sandbox.capsule import xml
from tasksync.sandbox.capsule.records import Due
from tasksync.sandbox.capsule.tables import Tables

Row = TypeVar("Row")


def refuse() -> Any:
    """Raises Refusal (400)."""
    raise Refusal(page(400))


def read_number(text: str | None, default: int | None) -> int | None:
    """A parameter; `default` when it is not there. Raises Refusal (400)."""
    if text is None:
        return default
    if not text.isdecimal():
        raise Refusal(page(400))
    return int(text)


def print_due(moment: Due) -> str:
    """A day prints as its midnight with a Z, which is not an instant (capsule.md 4.1)."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"{moment.isoformat()}T00:00:00Z"


def read_day(text: str) -> date:
    """The day is what counts; a bare `YYYY-MM-DD` will do (capsule.md 2.4). Raises Refusal (400)."""
    return read_instant(f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text).date()


def read_instant(text: str) -> datetime:
    """Whole seconds with a Z and nothing else (capsule.md 2.4). Raises Refusal (400)."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text) is None:
        raise Refusal(page(400))
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(page(400)) from None


async def read_elements(request: Request, name: str) -> dict[str, str]:
    """The elements of the record in the body, by name. Raises Refusal (400)."""
    try:
        return xml.read_record(name, await request.body())
    except ValueError:
        raise Refusal(page(400)) from None


def part(account: Tables, request: Request, rows: Sequence[Row]) -> Sequence[Row]:
    """From `start` on, at most `limit` (capsule.md 2.2). Raises Refusal (400)."""
    query = request.query_params
    start, most = read_number(query.get("start"), 0), read_number(query.get("limit"), None)
    caps = [cap for cap in (most, account.settings.v1_most) if cap is not None]
    return rows[start or 0 :][: min(caps, default=None)]


def answer(request: Request, body: str) -> Response:
    """Asked without an Accept header, the server named the type `*/*` (capsule.md 2.4, [REC])."""
    kind = "application/xml;charset=UTF-8" if "accept" in request.headers else "*/*"
    return Response(xml.DECLARATION + body, 200, {"Content-Type": kind})


def empty(status: int, headers: dict[str, str] | None = None) -> Response:
    """What answers a write (capsule.md 2.4, [REC])."""
    return Response(b"", status, {"Content-Type": "text/plain; charset=UTF-8", **(headers or {})})
