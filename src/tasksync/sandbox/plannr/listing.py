"""Lists of Plannr: filters, order, includes, pages, in the grammar of its query builder (plannr.md 3.3, 3.4, 4.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse

from tasksync.sandbox.answers import Refusal, below
from tasksync.sandbox.plannr.firm import Plannr, Task
from tasksync.sandbox.plannr.reading import PRIORITIES, refuse_fields
from tasksync.sandbox.plannr.records import STATUSES
from tasksync.sandbox.plannr.shapes import USUAL_INCLUDES

INCLUDES = ("author", "completed_by", "parent_task", "related_tasks", "custom_fields", "workflow_task")
_MOST_PER_PAGE = 500
Test = Callable[[Task], bool]


def _among(name: str) -> Callable[[str], Test]:
    def make(text: str) -> Test:
        wanted = set(text.lower().split(","))
        return lambda row: getattr(row, name) in wanted

    return make


def _flagged(flag: str) -> Callable[[str], Test]:
    def make(text: str) -> Test:
        wanted = _is_true(text)
        return lambda row: getattr(STATUSES[row.status], flag) == wanted

    return make


def _open(text: str) -> Test:
    wanted = _is_true(text)
    return lambda row: not wanted or not (STATUSES[row.status].completed or STATUSES[row.status].archived)


def _has_due(text: str) -> Test:
    wanted = _is_true(text)
    return lambda row: (row.due is not None) == wanted


def _is_true(text: str) -> bool:
    return text.lower() in {"true", "1"}


_FILTERS: Mapping[str, Callable[[str], Test]] = {
    "name": lambda text: lambda row: text.lower() in row.name.lower(),
    "taskable_type": _among("taskable_type"),
    "taskable_uuid": _among("taskable"),
    "client_uuid": lambda text: lambda row: (row.taskable_type, row.taskable) == ("client", text.lower()),
    "priority": _among("priority"),
    "assigned_to_uuids": lambda text: lambda row: not set(text.lower().split(",")).isdisjoint(row.assignees),
    "status_uuid": _among("status"),
    "due_before": lambda text: lambda row: row.due is not None and row.due.date().isoformat() <= text[:10],
    "due_after": lambda text: lambda row: row.due is not None and row.due.date().isoformat() >= text[:10],
    "has_due_date": _has_due,
    "open_tasks": _open,
    "completed_status": _flagged("completed"),
    "archived_status": _flagged("archived"),
    "not_started_status": _flagged("not_started"),
}
_SUBTASKS: Mapping[str, Test] = {
    "include": lambda _: True,
    "exclude": lambda row: row.parent is None,
    "only": lambda row: row.parent is not None,
}

_SORTS: Mapping[str, Callable[[Task], Any]] = {
    "created_at": lambda row: row.created,
    "updated_at": lambda row: row.updated,
    "name": lambda row: row.name.lower(),
    "priority": lambda row: PRIORITIES.index(row.priority) if row.priority else -1,
    "due_at": lambda row: (row.due is not None, row.due.timestamp() if row.due else 0.0),
    "completed_last": lambda row: row.done,
}


def chosen_tasks(firm: Plannr, request: Request) -> list[Task]:
    """All that match, in order. Subtasks are left out unless asked for. Raises Refusal (400)."""
    filters = _bracketed(request)
    known = (*_FILTERS, "circle_uuids", "show_child_tasks", "subtask_visibility")
    if firm.settings.unknown_filter == "refuse":
        _check("filter(s)", "are", filters, known)
    rows = firm.rows()
    for name, text in filters.items():
        if name in _FILTERS:
            test = _FILTERS[name](text)
            rows = [row for row in rows if test(row)]
    usual = "include" if _is_true(filters.get("show_child_tasks", "")) else "exclude"
    visible = _SUBTASKS.get(filters.get("subtask_visibility", usual), _SUBTASKS["exclude"])
    sort = request.query_params.get("sort", "created_at")
    field = sort.removeprefix("-")
    _check("sort(s)", "is", [field], tuple(_SORTS))
    return sorted(filter(visible, rows), key=_SORTS[field], reverse=sort.startswith("-"))


def _bracketed(request: Request) -> dict[str, str]:
    found = {}
    for name, value in request.query_params.multi_items():
        inner = re.fullmatch(r"filter\[([^]]+)\]", name)
        if inner is not None:
            found[inner[1]] = value
    return found


def includes(firm: Plannr, request: Request) -> set[str]:
    """What was asked for, and what is there anyway. Raises Refusal (400)."""
    asked = {name for name in request.query_params.get("include", "").split(",") if name}
    _check("include(s)", "are", sorted(asked), INCLUDES)
    return asked | (USUAL_INCLUDES if firm.settings.default_includes == "present" else set())


def _check(what: str, verb: str, asked: Mapping[str, str] | Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in asked if name not in known]
    if unknown:
        text = f"Requested {what} `{', '.join(unknown)}` {verb} not allowed. Allowed {what} are `{', '.join(known)}`."
        raise Refusal(JSONResponse({"message": text}, 400))


def envelope(firm: Plannr, request: Request, items: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """The items of the page that was asked for, and `links` and `meta` around them. Raises Refusal (422)."""
    size, number = _page_size(firm, request), max(1, _whole(request.query_params.get("page"), 1))
    last = max(1, -(-len(items) // size))
    chosen = items[(number - 1) * size : number * size]
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
        "total": len(items),
    }
    return chosen, {"links": links, "meta": meta}


def _query(firm: Plannr, request: Request) -> str:
    if not firm.settings.next_link_keeps_query:
        return ""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
    return "".join(f"{quote(name, safe='')}={quote(value, safe='')}&" for name, value in pairs)


def _page_size(firm: Plannr, request: Request) -> int:
    size = _whole(request.query_params.get("per_page"), 15)
    if size > _MOST_PER_PAGE and firm.settings.per_page_over_max == "refuse":
        text = f"The per page field must not be greater than {_MOST_PER_PAGE}."
        raise refuse_fields({"per_page": [text]})
    return min(size, _MOST_PER_PAGE) if size > 0 else 15


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdecimal() else default
