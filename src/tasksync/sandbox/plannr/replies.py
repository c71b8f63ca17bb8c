"""What the endpoints of Plannr answer with when they do not answer with a row, and how they show a single one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tasksync.sandbox.answers import Refusal
from tasksync.sandbox.plannr.tables import Tables

Endpoint = Callable[[Request], Awaitable[Response]]
Routes = list[tuple[str, dict[str, Endpoint]]]
"""Path below `/api/v1`, and endpoint by method."""


def message(status: int, text: str) -> Response:
    """The form of every refusal but those of 422 (plannr.md 3.6)."""
    return JSONResponse({"message": text}, status)


def forbidden() -> Refusal:
    """403 (plannr.md 3.6, [F])."""
    return Refusal(message(403, "This action is unauthorized."))


def unsupported(request: Request, methods: Iterable[str]) -> Refusal:
    """405: the path is there, but not for this method. `methods`: those that it has."""
    allowed = ", ".join("GET, HEAD" if name == "GET" else name for name in methods)
    text = f"The {request.method} method is not supported for route {path(request)}. Supported methods: {allowed}."
    return Refusal(message(405, text))


def path(request: Request) -> str:
    """As Laravel prints it: below the host, without a slash at its beginning."""
    return request.url.path.removeprefix(f"{request.scope.get('root_path', '')}/")


def missing(model: str, uuid: str) -> Refusal:
    """Unknown, deleted and not visible look the same (plannr.md 3.6, [F]; the names of the models are a guess)."""
    return Refusal(message(404, f"No query results for model [App\\Models\\{model}] {uuid}"))


def refuse_fields(errors: Mapping[str, list[str]]) -> Refusal:
    """422: the first text of all, how many more there are, and all of them by field."""
    texts = [text for several in errors.values() for text in several]
    rest = len(texts) - 1
    more = f" (and {rest} more error{'s' if rest > 1 else ''})" if rest else ""
    return Refusal(JSONResponse({"message": texts[0] + more, "errors": dict(errors)}, 422))


def check_right(firm: Tables, to: Literal["write", "delete"]) -> None:
    """Raises Refusal (403) when the login lacks it (plannr.md 2.2, [I])."""
    if not getattr(firm.settings, f"has_{to}_permission"):
        raise forbidden()


def single(firm: Tables, shape: Mapping[str, Any], status: int = 200) -> Response:
    """Bare, or wrapped as Laravel does by default (plannr.md 3.2)."""
    return JSONResponse({"data": shape} if firm.settings.single_wrap == "data" else shape, status)


def deleted(firm: Tables) -> Response:
    """The answer to a deletion that was done (plannr.md 4)."""
    return JSONResponse({}) if firm.settings.delete_status == 200 else Response(status_code=204)
