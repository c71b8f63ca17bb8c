"""The external ids that a listing has shown.

A set of them holds a string for each, and each of these lies in memory among what else was made for its page. As long
as it lives, the room around it serves little else: several times what the ids themselves need, for all pages until the
listing is done with. So they are kept as one text for each page, of which each is read again as it was, whatever
characters it is made of.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise


class Seen:
    """Ids, page by page. One may come more than once, when what is listed moves while it is read."""

    __slots__ = ("_different", "_pages")

    def __init__(self) -> None:
        self._pages: list[tuple[str, array[int]]] = []
        self._different: int | None = 0

    def add(self, ids: Sequence[str]) -> None:
        """Those of one more page."""
        if ids:
            self._pages.append(("".join(ids), array("I", map(len, ids))))
            self._different = None

    def __bool__(self) -> bool:
        return bool(self._pages)

    def __iter__(self) -> Iterator[str]:
        """In the order in which they came, as often as they came."""
        for text, lengths in self._pages:
            yield from [text[begin:end] for begin, end in pairwise(accumulate(lengths, initial=0))]

    def count(self) -> int:
        """How many different ones there are. Looks at each when some were added since it was last asked for."""
        if self._different is None:
            # Ids of different hashes are different ones, and hashes need less room. Else only the ids tell.
            different = len(set(map(hash, self)))
            rows = sum(len(lengths) for _, lengths in self._pages)
            self._different = different if different == rows else len(set(self))
        return self._different
