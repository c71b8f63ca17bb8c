"""Which rows a list shows, in which order and with which members: the grammar of Plannr's query builder, the same for
all lists (plannr.md 3.4, [F]).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.plannr.tables import Tables

Row = TypeVar("Row")
Test = Callable[[Row], bool]
_FILTER = re.compile(r"filter\[([^]]+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[Row]):
    """What one list can be asked for. A filter makes a test of its text; `finish` narrows or widens what the filters
    found, for those that work only together. `usual`: includes that are there unasked when includes are.
    """

    filters: Mapping[str, Callable[[Tables, str], Test[Row]]] = field(default_factory=dict)
    finish: Callable[[Mapping[str, str], Sequence[Row]], Sequence[Row]] = lambda _, rows: rows
    finish_filters: tuple[str, ...] = ()
    sorts: Mapping[str, Callable[[Tables, Row], Any]]
    usual_sort: str
    includes: tuple[str, ...] = ()
    usual: frozenset[str] = frozenset()


def choose(firm: Tables, request: Request, listing: Listing[Row], rows: Sequence[Row]) -> list[Row]:
    """All that match, in order. Raises Refusal (400) for a filter or order that the list does not have."""
    filters = _filters(request)
    if firm.settings.unknown_filter == "refuse":
        _check("filter(s)", "are", list(filters), (*listing.filters, *listing.finish_filters))
    for name, text in filters.items():
        if name in listing.filters:
            rows = list(filter(listing.filters[name](firm, text), rows))
    sort = request.query_params.get("sort", listing.usual_sort)
    name = sort.removeprefix("-")
    _check("sort(s)", "is", [name], tuple(listing.sorts))
    chosen = list(listing.finish(filters, rows))
    if firm.settings.ties == "shuffled":
        firm.random.shuffle(chosen)
    return sorted(chosen, key=lambda row: listing.sorts[name](firm, row), reverse=sort.startswith("-"))


def includes(firm: Tables, request: Request, listing: Listing[Any]) -> set[str]:
    """What was asked for, and what is there anyway. Raises Refusal (400)."""
    asked = {name for name in request.query_params.get("include", "").split(",") if name}
    _check("include(s)", "are", sorted(asked), listing.includes)
    return asked | (listing.usual if firm.settings.default_includes == "present" else set())


def includes_of_one(firm: Tables, request: Request, listing: Listing[Any]) -> set[str]:
    """The same for what is shown alone, of which includes are not documented (plannr.md 5). Raises Refusal (400)."""
    match firm.settings.single_include:
        case "works":
            return includes(firm, request, listing) | listing.usual
        case "ignored":
            return set(listing.usual)
        case "refused":
            _check("include(s)", "are", request.query_params.getlist("include"), ())
            return set(listing.usual)


def _filters(request: Request) -> dict[str, str]:
    pairs = ((_FILTER.fullmatch(name), value) for name, value in request.query_params.multi_items())
    return {inner[1]: value for inner, value in pairs if inner is not None}


def _check(what: str, verb: str, asked: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in asked if name not in known]
    if unknown:
        text = f"Requested {what} `{', '.join(unknown)}` {verb} not allowed. Allowed {what} are `{', '.join(known)}`."
        raise Refusal(JSONResponse({"message": text}, 400))


# --- tests that several lists use ---


def texts(text: str) -> set[str]:
    """Several values, separated by commas; upper and lower case are the same."""
    return {one.strip() for one in text.lower().split(",")} - {""}


def is_true(text: str) -> bool:
    """Both spellings of a yes (plannr.md 3.4)."""
    return text.lower() in {"true", "1"}


def among(name: str) -> Callable[[Tables, str], Test[Any]]:
    """The attribute is one of the values."""

    def make(_: Tables, text: str) -> Test[Any]:
        wanted = texts(text)
        return lambda row: getattr(row, name) in wanted

    return make


def overlaps(name: str) -> Callable[[Tables, str], Test[Any]]:
    """The attribute, a tuple, has one of the values."""

    def make(_: Tables, text: str) -> Test[Any]:
        wanted = texts(text)
        return lambda row: not wanted.isdisjoint(getattr(row, name))

    return make


def partial(read: Callable[[Any], str | None]) -> Callable[[Tables, str], Test[Any]]:
    """One of the values is part of what `read` finds."""

    def make(_: Tables, text: str) -> Test[Any]:
        parts = texts(text)
        return lambda row: any(part in (read(row) or "").lower() for part in parts)

    return make


def on_or(side: str, read: Callable[[Any], str | None]) -> Callable[[Tables, str], Test[Any]]:
    """The day (YYYY-MM-DD) that `read` finds is not after, or not before, the one of the text; inclusive or not is
    unknown (plannr.md 12).
    """

    def make(_: Tables, text: str) -> Test[Any]:
        def test(row: Any) -> bool:
            day = read(row)
            return day is not None and (day <= text[:10] if side == "before" else day >= text[:10])

        return test

    return make


def never(_: Tables, _text: str) -> Test[Any]:
    """Rows of this firm lack what the filter looks for."""
    return lambda _row: False
