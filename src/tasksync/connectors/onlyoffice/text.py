"""Texts as the portal's columns hold them, and bodies of requests that carry them unharmed. Pure.

A title holds 255 characters and a description 65,535 bytes, of Unicode's basic plane (protocols/onlyoffice.md, 2.4,
[S] for tasks; what happens to the rest is [I]: cut, mangled, or an error; so is that the title of a case is alike).
What is sent is cut here, so that the answer, which echoes what was sent, and later listings agree. What is read goes
through the same filters, so an observation is always a form that the lens leaves alone. White space at the ends stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from tasksync.connectors.onlyoffice.payload import member
from tasksync.core.lens import basic_plane, cut, cut_bytes

_REWRITTEN_IN_JSON = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|/Date\(", re.ASCII)


def encodable(value: str) -> str:
    """Without lone surrogates, which no request can carry."""
    return value.encode("utf-8", "replace").decode("utf-8")


TITLE: Final = (encodable, basic_plane, cut(255))
BODY: Final = (encodable, basic_plane, cut_bytes(65_535))


def shown_text(payload: Mapping[str, Any], name: str, *filters: Callable[[str], str]) -> str:
    """A text as the lens with these filters shows it; "" where there is none. Raises `NotUnderstood`."""
    found = (member(payload, name, str) or "").replace("\r\n", "\n").replace("\r", "\n")
    for change in filters:
        found = change(found)
    return found


def kept_text(payload: Mapping[str, Any], name: str) -> str:
    """A text as it has to be sent back to stay as it is. Raises `NotUnderstood`."""
    return encodable(member(payload, name, str) or "")


def as_form(body: Mapping[str, Any]) -> bytes | None:
    """`body` as form fields if JSON would not carry it unharmed, else None.

    The server reads a JSON body through Json.NET, which takes every string that looks like an ISO time for one and
    prints it anew (3, "JSON body trap"; 7.20, [L+I]). A text that begins like that goes as a form, which the server
    reads as well (4.6, [S]) and the vendor's own pages send.
    """
    fields = list(_fields(body))
    texts = (value for name, value in fields if name != "deadline" and isinstance(value, str))
    if not any(_REWRITTEN_IN_JSON.match(value) for value in texts):
        return None
    return urlencode(
        [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in fields]
    ).encode()


def _fields(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Lists as a form spells them: ``name[]``, and ``name[0][key]`` for lists of objects (4.6, [S])."""
    for name, value in body.items():
        if not isinstance(value, list):
            yield name, value
            continue
        for place, item in enumerate(value):
            if isinstance(item, dict):
                yield from ((f"{name}[{place}][{key}]", inner) for key, inner in item.items())
            else:
                yield f"{name}[]", item
