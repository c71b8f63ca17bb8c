"""Pages of a list, and the `links` and `meta` around them, as Laravel has them (plannr.md 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tasksync.sandbox.answers import below
from tasksync.sandbox.plannr.replies import refuse_fields
from tasksync.sandbox.plannr.tables import Tables

_MOST_PER_PAGE = 500
_Row = TypeVar("_Row")


def listed(firm: Tables, request: Request, rows: Sequence[_Row], shape: Callable[[_Row], Any]) -> Response:
    """The page of `rows` that was asked for. Raises Refusal (422)."""
    chosen, around = _envelope(firm, request, rows)
    return JSONResponse({"data": [shape(row) for row in chosen], **around})


def _envelope(firm: Tables, request: Request, rows: Sequence[_Row]) -> tuple[Sequence[_Row], dict[str, Any]]:
    size, number = _page_size(firm, request), max(1, _whole(request.query_params.get("page"), 1))
    last = max(1, -(-len(rows) // size))
    chosen = rows[(number - 1) * size : number * size]
    path = f"{below(request)}{request.url.path.removeprefix(request.scope.get('root_path', ''))}"

    def url(page: int) -> str | None:
        return f"{path}?{_query(firm, request)}page={page}" if 1 <= page <= last else None

    previous = url(number - 1) if number <= last else url(last)
    links = {"first": url(1), "last": url(last), "prev": previous, "next": url(number + 1)}
    around = range(max(1, number - 3), min(last, number + 3) + 1)
    pages = [{"url": url(page), "label": str(page), "active": page == number} for page in around]
    meta = {
        "current_page": number,
        "from": (number - 1) * size + 1 if chosen else None,
        "last_page": last,
        "links": [
            {"url": previous, "label": "&laquo; Previous", "active": False},
            *pages,
            {"url": links["next"], "label": "Next &raquo;", "active": False},
        ],
        "path": path,
        "per_page": size,
        "to": (number - 1) * size + len(chosen) if chosen else None,
        "total": len(rows),
    }
    return chosen, {"links": links, "meta": meta}


def _query(firm: Tables, request: Request) -> str:
    if not firm.settings.next_link_keeps_query:
        return ""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return "".join(f"{quote(name, safe='')}={quote(value, safe='')}&" for name, value in pairs)


def _page_size(firm: Tables, request: Request) -> int:
    size = _whole(request.query_params.get("per_page"), 15)
    if size > _MOST_PER_PAGE and firm.settings.per_page_over_max == "refuse":
        text = f"The per page field must not be greater than {_MOST_PER_PAGE}."
        raise refuse_fields({"per_page": [text]})
    return min(size, _MOST_PER_PAGE) if size > 0 else 15


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default
