"""XML of v1 as bytes and as elements. Pure.

What arrives is not trusted: no DTD, and with it no entities and no external references, which only a DTD can declare;
bounded length and depth. So the elements take memory in proportion to the bytes, which the bound on the length keeps
small.

The parser is that of the standard library, which hands a DTD to its target. defusedxml, which also looks for nothing
but what a DTD declares, builds the elements in Python, and takes five times as long for a page.
"""

from __future__ import annotations

# What a DTD could do with it is refused.
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring

import orjson

from tasksync.connectors.capsule.mapping import Unreadable

LONGEST_BYTES = 32 * 1024 * 1024
DEEPEST = 16


class _PlainTree(TreeBuilder):
    """Gives up on a document with a DTD."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called before anything that the DTD declares."""
        del name, pubid, system
        raise Unreadable("XML with a DTD, which Capsule never sends")


def parse(body: bytes) -> Element:
    """The root element. Raises `Unreadable` for what is no XML, or XML that Capsule would not send."""
    if len(body) > LONGEST_BYTES:
        raise Unreadable("more XML than an answer of Capsule can hold")
    parser = XMLParser(target=_PlainTree())  # noqa: S314 -- what makes it dangerous is refused
    try:
        parser.feed(body)
        root: Element = parser.close()
    except Unreadable:
        raise
    except (ParseError, ValueError, LookupError):  # the latter two: encodings that expat cannot or does not know
        raise Unreadable("something that is no XML") from None
    if _deeper(root, DEEPEST):
        raise Unreadable("XML that is nested too deeply")
    return root


def _deeper(root: Element, most: int) -> bool:
    """Whether elements are nested deeper than that: Capsule's are not (tasks > task > field)."""
    level = [root]
    for _ in range(most):
        level = [child for element in level for child in element]
    return bool(level)


def form(element: Element) -> bytes:
    """All that the element and what is in it say, as bytes: equal for two only if they say the same."""
    return orjson.dumps([(one.tag, one.text, one.attrib) for one in element.iter()])


def render(root: Element) -> bytes:
    """The document with its declaration; empty elements written as pairs of tags, as in Capsule's own samples."""
    written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True, short_empty_elements=False)
    return written
