"""Lists of Capsule's second API: pages and their links, several ids at once, what changed since (capsule.md 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.capsule.records import RecordKind
from tasksync.sandbox.capsule.tables import Tables
from tasksync.sandbox.capsule.v2_wire import gone, invalid, print_instant, reply

_MOST_PER_PAGE = 100
_MOST_AT_ONCE = 10
Shape = dict[str, Any]
Row = TypeVar("Row")


class _Stamped(Protocol):
    @property
    def updated(self) -> datetime: ...


StampedRow = TypeVar("StampedRow", bound=_Stamped)


def embeds(request: Request) -> frozenset[str]:
    """What the client wants to have in full; names that nothing has are not looked at."""
    return frozenset(request.query_params.get("embed", "").split(","))


def listed(account: Tables, request: Request, key: str, rows: Sequence[Row], shape: Callable[[Row], Shape]) -> Response:
    """One page, with what its headers say of the others. Raises Refusal (422)."""
    number, size = _count(request, "page", 1), _count(request, "perPage", 50)
    if size > _MOST_PER_PAGE:
        if account.settings.v2_per_page == "refuse":
            raise Refusal(invalid(("perPage must be between 1 and 100", "perPage")))
        size = _MOST_PER_PAGE
    more = len(rows) > number * size
    links = []
    if more:
        links.append(f'<{_page_url(request, number + 1)}>; rel="next"')
    if number > 1:
        links.append(f'<{_page_url(request, number - 1)}>; rel="prev"')
    headers = {"X-Pagination-Has-More": "true" if more else "false"}
    if links:
        headers["Link"] = ", ".join(links)
    answer: Shape = {key: [shape(row) for row in rows[(number - 1) * size : number * size]]}
    if "meta" in embeds(request):
        answer["meta"] = {"totalCount": len(rows)}
    return reply(answer, headers=headers)


def shown(
    request: Request, one: str, many: str, find: Callable[[int], Row | None], shape: Callable[[Row], Shape]
) -> Response:
    """One id gives an object; several, at most ten, a list without those that are not there. Raises Refusal."""
    text = request.path_params["ids"]
    numbers = [int(part) for part in text.split(",") if part.isdecimal()]
    if len(numbers) > _MOST_AT_ONCE:
        raise Refusal(invalid(("too many ids", None), resource=one))
    found = [row for row in map(find, numbers) if row is not None]
    if "," in text:
        return reply({many: [shape(row) for row in found]})
    if not found:
        raise Refusal(gone())
    return reply({one: shape(found[0])})


def searched(request: Request, resource: str, rows: Iterable[Row], text: Callable[[Row], str]) -> list[Row]:
    """Those with all words of `q` in their `text`, without regard to case. Raises Refusal (422) without any."""
    words = request.query_params.get("q", "").lower().split()
    if not words:
        raise Refusal(invalid(("q is required", "q"), resource=resource))
    return [row for row in rows if all(word in text(row).lower() for word in words)]


def updated_since(account: Tables, request: Request, rows: list[StampedRow]) -> list[StampedRow]:
    """Those that `since` lets through, if it is there; its boundary is a setting. Raises Refusal (422)."""
    since = read_instant(request, "since")
    if since is None or account.settings.v2_since == "ignored":
        return rows
    exclusive = account.settings.v2_since == "exclusive"
    return [row for row in rows if row.updated > since or (row.updated == since and not exclusive)]


def deleted(account: Tables, request: Request, kind: RecordKind, key: str) -> Response:
    """Ids and times of what was deleted since then; the sibling list is for records that the user may not read
    (capsule.md 4.4, [LIVE]). Raises Refusal (422): `since` is required.
    """
    since = read_instant(request, "since")
    if since is None:
        raise Refusal(invalid(("since is required", "since"), resource=kind))
    rows = [one for one in account.deleted[kind] if one.at >= since]
    shapes = [{"id": one.id, "deletedAt": print_instant(one.at)} for one in rows]
    return reply({key: shapes, f"restricted{key.capitalize()}": []}, headers={"X-Pagination-Has-More": "false"})


def read_instant(request: Request, name: str) -> datetime | None:
    """A parameter that is a date-time; without a zone it is UTC. Raises Refusal (422)."""
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        # A bare + in a query string arrives as a blank.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise Refusal(invalid((f"{name} must be a date-time", name))) from None


def _count(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise Refusal(invalid((f"{name} must be a positive number", name)))
    return int(text)


def _page_url(request: Request, number: int) -> str:
    """All parameters again, commas as they are (capsule.md 3.2, [CLI])."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    query = "&".join(f"{name}={quote(value, safe=',:')}" for name, value in [("page", str(number)), *pairs])
    return f"{request.url.scheme}://{request.url.netloc}{request.url.path}?{query}"
