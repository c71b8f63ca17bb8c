"""What all simulated CRMs answer with: JSON as they print it, pages of HTML, and refusals that end a request early."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response


class Refusal(Exception):
    """Ends a request with `response`; raised wherever the CRM notices that it will not do what was asked."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def as_json(data: Any) -> str:
    """Minified, characters beyond ASCII as they are."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def page(status: int, title: str | None = None) -> Response:
    """What a web server or a proxy shows when no application answers."""
    title = title or phrase(status)
    body = (
        "<!DOCTYPE html>\n"
        f"<html><head><title>{status} {title}</title></head>"
        f"<body><center><h1>{status} {title}</h1></center><hr></body></html>\n"
    )
    return Response(body, status, media_type="text/html")


def phrase(status: int) -> str:
    """The reason phrase, or a plain word for a code that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def below(request: Request) -> str:
    """The absolute url under which the application that serves `request` is mounted, without a slash at its end."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
