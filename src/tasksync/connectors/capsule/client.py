"""What the clients of both protocols share: what an answer means for a listing, a read, a write.

The endpoints and their paging are in `v1_client` (elements in and out) and `v2_client` (dicts in and out).
"""

from __future__ import annotations

import html
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import TypeVar

from tasksync.connectors.capsule.mapping import Unreadable
from tasksync.errors import Misconnected, Refused, RetryLater, ServerFault, Vanished
from tasksync.ports import Response
from tasksync.transport import answers

Words = Callable[[Response], str]
Judge = Callable[[Response, Words], Response | None]
T = TypeVar("T")

# v2 allows no more (protocols/capsule.md, 3.2, [OD]); v1 names no maximum.
ROWS_PER_PAGE = 100
GONE = (404, 410)
_HIDDEN = 403
_NO_QUESTION = 400
MOST_PAGES = 3
"""How many pages a search looks through. Of more hits than those hold, nothing can be told: neither that there is but
one of a name, nor that there is none.
"""
_TITLE = re.compile(r"<title[^<>]*>([^<]*)</title>", re.IGNORECASE)
_LOOKED_AT_BYTES = 8192


def page_words(response: Response) -> str:
    """The words of an error page: its title if it is HTML, else the text as it is."""
    text = response.body[:_LOOKED_AT_BYTES].decode("utf-8", "replace")
    title = _TITLE.search(text)
    if title:
        return html.unescape(title[1])
    return "" if "<" in text else text


def listed(response: Response, words: Words) -> Response:
    """The answer to a request for something that every account has; a refusal means that this is no Capsule."""
    try:
        return answers.require(response, words)
    except Refused as error:
        raise Misconnected(f"{error}. Check the connection's url and api.") from None


def read(response: Response, words: Words) -> Response | None:
    """The answer to a request for one record; None when the CRM says that there is none."""
    return None if response.status in GONE else listed(response, words)


def offered(response: Response, words: Words) -> Response | None:
    """The answer to a question that a server may not know; None when it says so (400)."""
    return None if response.status == _NO_QUESTION else listed(response, words)


def visible(response: Response, words: Words) -> Response | None:
    """The answer to a request for something that tasks refer to; None when the CRM says that there is no such thing, or
    none for this user.
    """
    return None if response.status in (*GONE, _HIDDEN) else listed(response, words)


class TooMany(RetryLater):
    """A search that found more than can be looked through."""


async def few(pages: AsyncGenerator[list[T], None]) -> list[T]:
    """All that the pages hold. Raises `TooMany` if there are more than `MOST_PAGES`."""
    found: list[T] = []
    async with aclosing(pages):
        number = 0
        async for page in pages:
            number += 1
            if number > MOST_PAGES:
                raise TooMany(
                    "More come up in this search in Capsule than can be looked through to tell whether one is it. Say "
                    "under `links` in the config which one it is."
                )
            found += page
    return found


def written(response: Response, words: Words) -> Response:
    """The answer to a change of a record."""
    try:
        return answers.require(response, words)
    except Refused as error:
        if error.status in GONE:
            raise Vanished(str(error)) from None
        raise


def deleted(response: Response, words: Words) -> None:
    """The answer to a deletion; that there was nothing to delete is a success."""
    if response.status not in GONE:
        answers.require(response, words)


@contextmanager
def understood(request: str, fault: type[RetryLater] = ServerFault) -> Iterator[None]:
    """Turns what a mapping cannot read of the answer to `request` into `fault`."""
    try:
        yield
    except Unreadable as error:
        raise fault(f"The answer to {request} cannot be understood: {error}.") from None
