"""XML of v1 as bytes and as elements. Pure.

What arrives is not trusted: no DTD, no entities, no external references, bounded length and depth. With entities
refused, the elements take memory in proportion to the bytes, which the bound on the length keeps small.
"""

from __future__ import annotations

# Only to build and to name elements: parsing is defusedxml's.
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from tasksync.connectors.capsule.mapping import Unreadable

LONGEST_BYTES = 32 * 1024 * 1024
DEEPEST = 16


class _ShallowTree(TreeBuilder):
    """Gives up on documents nested deeper than any of Capsule's (tasks > task > field)."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("XML that is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse(body: bytes) -> Element:
    """The root element. Raises `Unreadable` for what is no XML, or XML that Capsule would not send."""
    if len(body) > LONGEST_BYTES:
        raise Unreadable("more XML than an answer of Capsule can hold")
    parser = DefusedXMLParser(target=_ShallowTree(), forbid_dtd=True)
    try:
        parser.feed(body)
        root: Element = parser.close()
    except DefusedXmlException:
        raise Unreadable("XML with a DTD or entities, which Capsule never sends") from None
    except Unreadable:
        raise
    except (ParseError, ValueError, LookupError):  # the latter two: encodings that expat cannot or does not know
        raise Unreadable("something that is no XML") from None
    return root


def form(element: Element) -> bytes:
    """All that the element and what is in it say, as bytes: equal for two only if they say the same."""
    said = [(one.tag, one.text, one.attrib and sorted(one.items())) for one in element.iter()]
    return repr(said).encode("utf-8", "surrogatepass")


def render(root: Element) -> bytes:
    """The document with its declaration; empty elements written as pairs of tags, as in Capsule's own samples."""
    written: bytes = tostring(root, encoding="UTF-8", xml_declaration=True, short_empty_elements=False)
    return written
