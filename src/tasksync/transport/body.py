"""Reading an answer's body: never more of it than agreed, unpacked or not, and only if it is what was asked for.

httpx can unpack by itself, but unpacks each piece as a whole, and a few kilobytes can hold gigabytes; it also takes a
packed body that was cut for complete.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Literal

import httpx

Kind = Literal["json", "xml"]

# All that we ask for. ONLYOFFICE finds `gzip` in Accept-Encoding only if it stands alone between commas
# (protocols/onlyoffice.md, 4.1, [S]).
ACCEPT_ENCODING = "gzip"

_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_SPACE = b" \t\r\n"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_CLOSING = {b"{": b"}", b"[": b"]", b"<": b">"}


class Unusable(Exception):
    """The answer came, but cannot be used. The message goes on after "but"; `passing`: another try may go better."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


class Weighed(httpx.AsyncByteStream):
    """`stream`, and how many bytes of it came, as they came: packed or not."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream
        self.received_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self.received_bytes += len(piece)
            yield piece

    async def aclose(self) -> None:
        """Give the connection back."""
        await self._stream.aclose()


async def read_whole(response: httpx.Response, limit: int) -> bytes:
    """The body, unpacked. Raises `Unusable` when it is longer than `limit` bytes, damaged or packed in a way that
    nobody asked for, and what httpx raises when the connection breaks.
    """
    body = bytearray()
    async for piece in _unpacked(response):
        body += piece
        if len(body) > limit:
            raise Unusable(f"the answer is larger than {limit} bytes", passing=False)
    return bytes(body)


async def read_start(response: httpx.Response, limit: int) -> bytes:
    """At most `limit` bytes, or what there is if it is damaged: of an answer whose status says it all, only the words
    in it are of interest.
    """
    body = bytearray()
    try:
        async for piece in _unpacked(response):
            body += piece
            if len(body) >= limit:
                break
    except (httpx.HTTPError, Unusable):
        pass
    return bytes(body[:limit])


def check_kind(expects: Kind, content_type: str, body: bytes) -> None:
    """Raises `Unusable` for a page where data should be, which proxies, captive portals and CRMs that are starting up
    answer with 200; and for data whose end is missing. An empty body is fine: not every success has one.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").strip(_SPACE)
    if not text or body.startswith(_UTF16):
        return
    head = text[:16].lower()
    page = head.startswith((b"<!doctype html", b"<html"))
    if "text/html" in content_type.lower() or page or (expects == "json" and head.startswith(b"<")):
        raise Unusable(f"a page came where {expects.upper()} was expected", passing=True)
    closing = _CLOSING.get(text[:1])
    if closing is not None and not text.endswith(closing):
        raise Unusable("the end of the answer is missing", passing=True)


async def _unpacked(response: httpx.Response) -> AsyncIterator[bytes]:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    # `stream` and not `aiter_raw`: it is the same, but also there for answers that a test made up in memory.
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    if coding in ("", "identity"):
        async for piece in stream:
            yield piece
    elif coding in ("gzip", "x-gzip"):
        async for piece in _gunzipped(stream):
            yield piece
    else:
        raise Unusable("the answer is packed in a way that was not asked for", passing=False)


async def _gunzipped(stream: httpx.AsyncByteStream) -> AsyncIterator[bytes]:
    """In pieces of bounded size. A file may consist of several members (RFC 1952, 2.2)."""
    unpacker = zlib.decompressobj(_GZIP)
    begun = False
    try:
        async for packed in stream:
            rest = packed
            while rest:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(_GZIP)
                begun = True
                yield unpacker.decompress(rest, _PIECE)
                rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    except zlib.error:
        raise Unusable("the answer is damaged", passing=True) from None
    if begun and not unpacker.eof:
        raise Unusable("the end of the answer is missing", passing=True)
