"""Which entries are likely the same person, category or thing, by their names. A guess, for a person to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from rapidfuzz import fuzz, utils

from tasksync.cli.entries import Entry

LIKELY: Final = 80
"""From how many percent on names are alike."""
AHEAD: Final = 5
"""By how many percent the best has to be better than the next: where two may be it, neither is proposed."""
_TOO_LITTLE: Final = LIKELY - AHEAD
_PARTLY: Final = 0.9
"""What counts a name all of whose words are in the other one, such as Anna in Anna Berg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """Entries made one, the names of which are alike by so many percent at least."""

    entry: Entry
    alike: int


@dataclass(frozen=True, slots=True)
class _Pair:
    alike: float
    left: int
    right: int


def likely(entries: Sequence[Entry]) -> list[Likely]:
    """What is proposed to be one, in the order of `entries`. In each pair of connections both have to be the one that
    is most like the other, and clearly so.
    """
    joined = {place: frozenset({place}) for place in range(len(entries))}
    alike: dict[int, float] = {}
    for pair in sorted(_pairs(entries), key=lambda one: (-one.alike, one.left, one.right)):
        left, right = joined[pair.left], joined[pair.right]
        here = [name for place in left for name in entries[place].names]
        if left != right and not any(name in here for place in right for name in entries[place].names):
            both = left | right
            joined |= dict.fromkeys(both, both)
            alike |= dict.fromkeys(both, min(pair.alike, *(alike.get(place, 100) for place in both)))
    return [
        Likely(entry=_merged([entries[one] for one in sorted(places)]), alike=int(alike[place]))
        for place, places in joined.items()
        if len(places) > 1 and place == min(places)
    ]


def _merged(entries: Sequence[Entry]) -> Entry:
    whole = entries[0]
    for entry in entries[1:]:
        whole = whole.with_(entry)
    return whole


def _pairs(entries: Sequence[Entry]) -> Iterator[_Pair]:
    comparable: dict[object, list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        comparable[entry.section, entry.type, tuple(entry.connections)].append(place)
    labels = [tuple(filter(None, map(utils.default_process, entry.labels))) for entry in entries]
    for places in comparable.values():
        for one, other in combinations(entries[places[0]].connections, 2):
            left = [place for place in places if one in entries[place].names and other not in entries[place].names]
            right = [place for place in places if other in entries[place].names and one not in entries[place].names]
            compared = (
                _Pair(_alike(labels[mine], labels[theirs]), mine, theirs)
                for mine in left
                for theirs in right
                if _may_be_one(entries[mine], entries[theirs])
            )
            yield from _clear([pair for pair in compared if pair.alike > _TOO_LITTLE])


def _clear(pairs: Sequence[_Pair]) -> Iterator[_Pair]:
    """Those in which both have no other choice that is nearly as good."""
    of_left: dict[int, list[_Pair]] = defaultdict(list)
    of_right: dict[int, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        of_left[pair.left].append(pair)
        of_right[pair.right].append(pair)
    for pair in pairs:
        near = [
            rival
            for rivals in (of_left[pair.left], of_right[pair.right])
            for rival in rivals
            if rival is not pair and pair.alike - rival.alike < AHEAD
        ]
        if pair.alike >= LIKELY and not near:
            yield pair


def _may_be_one(left: Entry, right: Entry) -> bool:
    """Not if a connection has both, or if they belong to different things."""
    if left.parents and right.parents and not left.parents & right.parents:
        return False
    return not left.names.keys() & right.names.keys()


def _alike(left: Sequence[str], right: Sequence[str]) -> float:
    """In percent, whatever the order of the words; 0 where that would be too little anyway."""
    scores = (
        max(
            fuzz.token_sort_ratio(mine, theirs, score_cutoff=_TOO_LITTLE),
            _PARTLY * fuzz.token_set_ratio(mine, theirs, score_cutoff=_TOO_LITTLE),
        )
        for mine in left
        for theirs in right
    )
    return max(scores, default=0)
