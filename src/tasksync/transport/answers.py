"""What an answer means, in the words of `errors`: the classification that all CRMs share.

A connector that knows better (ONLYOFFICE answers a wrong password with 500) looks at the status before it comes here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from tasksync.errors import AnswerLost, Misconnected, NeedsLogin, Refused, ServerFault, TasksyncError, Throttled
from tasksync.ports import Response

NOT_REPEATABLE = frozenset({"POST", "PATCH"})
_LONGEST_WORDS = 300


def parse_json(response: Response) -> Any:
    """The body as JSON. Raises `ServerFault` when it is none, `AnswerLost` where the request may have done work."""
    try:
        return orjson.loads(response.body)
    except orjson.JSONDecodeError:
        return _parse_leniently(response)


def _parse_leniently(response: Response) -> Any:
    """What is no JSON to the letter: half a character, of a text that a CRM has cut in two."""
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):  # the latter for an absurdly deep document
        raise unreadable(response, "no JSON") from None


def unreadable(response: Response, why: str) -> TasksyncError:
    """The error for a 2xx answer that cannot be understood: for a POST or PATCH it may have been carried out all the
    same.
    """
    lost = response.method in NOT_REPEATABLE
    return (AnswerLost if lost else ServerFault)(f"{_request(response)} was answered with {why} ({_shape(response)})")


def require(response: Response, words: Callable[[Response], str]) -> Response:
    """`response` if it is a 2xx. Else raises what its status means; `words` finds the CRM's own words in the body."""
    status = response.status
    if 200 <= status < 300:
        return response
    said = " ".join(words(response).split())[:_LONGEST_WORDS] or f"HTTP {status}"
    message = f"{_request(response)} was answered with {status}: {said}"
    if status == 401:
        raise NeedsLogin(f"The CRM does not accept the credentials. {message}")
    if status in (402, 403):
        raise NeedsLogin(f"The CRM does not allow this to the account. {message}")
    if status in (400, 404, 409, 410, 413, 422):
        raise Refused(message, status=status)
    if status == 429:
        raise Throttled(message)
    if status >= 500:
        raise (AnswerLost if response.method in NOT_REPEATABLE else ServerFault)(message)
    raise Misconnected(f"{message}. Check the connection's url and type.")


def _request(response: Response) -> str:
    return f"{response.method} {response.url}"


def _shape(response: Response) -> str:
    """Not a word of the body: it may hold a task, or a token that nobody has had the chance to conceal."""
    content_type = response.headers.get("content-type", "no content type")
    return f"{len(response.body)} bytes, {content_type}" if response.body else "an empty body"
