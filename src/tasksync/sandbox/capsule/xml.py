"""XML as Capsule's first API prints it: a declaration, no namespace, no white space between elements, line breaks as
`&#xD;` and a newline (capsule.md 2.4, [REC]).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def element(name: str, text: str) -> str:
    """Characters that XML cannot hold are left out."""
    plain = _UNPRINTABLE.sub("", text).replace("\r\n", "\n")
    return f"<{name}>{escape(plain).replace(chr(13), chr(10)).replace(chr(10), '&#xD;' + chr(10))}</{name}>"


def record(name: str, details: Mapping[str, str | None]) -> str:
    """Values that are missing have no element."""
    return f"<{name}>{''.join(element(part, text) for part, text in details.items() if text is not None)}</{name}>"


def container(name: str, items: Sequence[str]) -> str:
    """`size` counts the items of this answer, not of the account."""
    return f'<{name} size="{len(items)}">{"".join(items)}</{name}>'


def read_record(name: str, body: bytes) -> dict[str, str]:
    """The text of each child of the root, an empty one as "". Raises ValueError for anything but such a record."""
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(f"not XML: {error}") from error
    if root.tag != name:
        raise ValueError(f"not a {name}")
    return {child.tag: child.text or "" for child in root}
