"""Matching by content: the first meeting of two accounts, and the search for a create whose answer was lost.

After the first meeting nothing is matched by content any more (design.md 5.3, 6), but for that search, and for tasks
that turn up while a record that looks just like them waits to be created there. The latter is the same task typed in by
hand in two places since the last poll, or one that a newer mirror knew and this one, restored from a backup, does not:
a copy would be a double in either case.

Two entries have the same *name* when their titles are alike but for case, white space, compatibility forms, characters
that some CRMs cannot store, and whatever comes after the first `COMPARED` characters (CRMs cut titles). They are alike
when name, day and state are the same. For every name and day:

======================= ======================= ===========================================
records of the group    replicas that join      becomes of the replicas
======================= ======================= ===========================================
none                    any number              new records
one                     one, same state         linked: a pair
one                     one, other state        ambiguous
one or more             more than one           ambiguous
more than one           one                     ambiguous
======================= ======================= ===========================================

A day that is not known on one side (the other CRM cannot do without a due date, and put one in) makes a name match
nothing for sure: ambiguous as well. What is ambiguous is held, never guessed, never copied.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from itertools import chain

from tasksync.core.lens import KEEP, Lens, Shown
from tasksync.core.record import Kind, Replica, Value, Values

COMPARED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is compared of a record or a replica; `id` is the record's id or the replica's external id. `day` is None
    for "no day", and `open_day` says that any day may stand there for want of one.
    """

    id: str
    name: str
    day: date | None
    finished: bool
    open_day: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ambiguity:
    """Entries of one name and day that cannot be told apart."""

    records: tuple[str, ...]
    replicas: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Pairs of (record id, external id), external ids that are new, and what a person has to decide."""

    pairs: tuple[tuple[str, str], ...]
    new: tuple[str, ...]
    ambiguous: tuple[Ambiguity, ...]


def entry_of_record(kind: Kind, record_id: str, values: Values, lenses: Mapping[str, Lens], zone: tzinfo) -> Entry:
    """A record as the joining connection would show it."""
    shown = {name: lenses[name].get(value) for name, value in values.items() if name in lenses}
    day, label = shown.get(kind.day), shown.get(kind.label, KEEP)
    return Entry(
        id=record_id,
        name=alike(values.get(kind.label) if label is KEEP else label),
        day=None if day is KEEP else day_of(day, zone),
        finished=values.get(kind.state) is True,
        open_day=day is KEEP,
    )


def entry_of_replica(kind: Kind, replica: Replica, zone: tzinfo) -> Entry:
    """A replica as it is."""
    return Entry(
        id=replica.external_id,
        name=alike(replica.shadow.get(kind.label)),
        day=day_of(replica.shadow.get(kind.day), zone),
        finished=replica.shadow.get(kind.state) is True,
    )


def match(records: Iterable[Entry], replicas: Iterable[Entry]) -> Matching:
    """Match the replicas that join with the group's records, one to one. See the table above."""
    theirs, ours = iter(replicas), iter(records)
    # A group may have many more than join, and the records are not even read when none does.
    if (joins := next(theirs, None)) is None:
        return Matching(pairs=(), new=(), ambiguous=())
    if (knows := next(ours, None)) is None:
        return Matching(pairs=(), new=tuple(entry.id for entry in chain([joins], theirs)), ambiguous=())
    joining, known = _Named(), _Named()
    for entry in chain([joins], theirs):
        joining.add(entry)
    for entry in chain([knows], ours):
        if (like := joining.first.get(entry.name)) is not None:
            known.add(entry if entry.day != like.day else replace(entry, name=like.name, day=like.day))
    return _matched(joining, known)


class _Named:
    """Entries by name. There may be as many as an account has tasks, nearly each with a name of its own: no list is
    made for the first of a name.
    """

    def __init__(self) -> None:
        self.first: dict[str, Entry] = {}
        self._more: dict[str, list[Entry]] = {}

    def add(self, entry: Entry) -> None:
        if self.first.setdefault(entry.name, entry) is not entry:
            self._more.setdefault(entry.name, []).append(entry)

    def take(self, name: str) -> list[Entry]:
        """Those of that name, in the order in which they came. They are gone from here."""
        first = self.first.pop(name, None)
        return [] if first is None else [first, *self._more.pop(name, ())]


def _matched(joining: _Named, known: _Named) -> Matching:
    pairs: list[tuple[str, str]] = []
    new: list[str] = []
    ambiguous: list[Ambiguity] = []
    for name in tuple(joining.first):
        for ours, theirs in _by_day(known.take(name), joining.take(name)):
            if not ours:
                new += [entry.id for entry in theirs]
            elif len(ours) == len(theirs) == 1 and _same(ours[0], theirs[0]):
                pairs.append((ours[0].id, theirs[0].id))
            else:
                ambiguous.append(
                    Ambiguity(records=tuple(entry.id for entry in ours), replicas=tuple(entry.id for entry in theirs))
                )
    return Matching(pairs=tuple(pairs), new=tuple(new), ambiguous=tuple(ambiguous))


def alike(title: Value) -> str:
    """The part of a title that is compared."""
    # What lies beyond the basic plane goes first: normalised, some of it would turn into plain letters.
    plain = "".join(char for char in str(title or "") if ord(char) <= 0xFFFF and char != "\ufffd")
    return " ".join(unicodedata.normalize("NFKC", plain).casefold().split())[:COMPARED].rstrip()


def day_of(due: Value | Shown, zone: tzinfo) -> date | None:
    """The calendar day of a due value, an instant's by the clocks of `zone`."""
    if isinstance(due, datetime):
        try:
            return due.astimezone(zone).date()
        except OverflowError:  # at the ends of the calendar
            return due.date()
    return due if isinstance(due, date) else None


def _same(ours: Entry, theirs: Entry) -> bool:
    return not ours.open_day and ours.finished == theirs.finished


def _by_day(ours: Sequence[Entry], theirs: Sequence[Entry]) -> list[tuple[list[Entry], list[Entry]]]:
    """Groups of the same day. With an open day on our side, nothing tells the days of that name apart: one group."""
    if any(entry.open_day for entry in ours):
        return [(list(ours), list(theirs))]
    days: dict[date | None, tuple[list[Entry], list[Entry]]] = {}
    for entry in theirs:
        days.setdefault(entry.day, ([], []))[1].append(entry)
    for entry in ours:
        if entry.day in days:
            days[entry.day][0].append(entry)
    return list(days.values())
