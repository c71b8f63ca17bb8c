"""Merge: what a field is after several people changed it in several CRMs.

The theory
----------
A `Version` is a value with the moment it was made. The versions of one field are totally ordered by

    (moment, position of the connection in the config: earlier wins, external id, value)

and merging is taking the greatest. Taking the greatest of a set is commutative, associative and idempotent, so the
result depends neither on who was polled first nor on how the changes were grouped into cycles (I7), and no side is
"left".

Last-modified-wins alone would be wrong, though: an edit made by somebody *who had the current value before them* is
newer than that value, whatever a CRM's clock says. So `diff` places every change after the shadow it differs from (it
was made after we last looked), and an *aware* change, one whose replica showed the current value, after the current
version. A field changed on one side thereby always wins over an unchanged one, and the plain maximum is a three-way
merge.

The table
---------
Current is the record's version; A stands before B in the config. "a" and "b" are values that differ from the current
"c".

=== ============== =============== =============== ========= ===================
 #  current        A               B               becomes   in conflict, lost
=== ============== =============== =============== ========= ===================
 1  c @1           -               -               c
 2  c @1           a @2 aware      -               a
 3  c @1           -               b @2 aware      b
 4  c @1           a @2 aware      a @3 aware      a
 5  c @1           a @2 aware      b @3 aware      b         a
 6  c @1           a @3 aware      b @2 aware      a         b
 7  c @1           a @2 aware      b @2 aware      a         b
 8  c @5           a @3 unaware    -               c         a
 9  c @5           a @7 unaware    -               a         c
10  c @5           a @5 unaware    -               see order whichever is not
11  c @5           a @3 unaware    b @6 aware      b         a
12  none           a @1            -               a
13  none           a @1            b @2            b         a
=== ============== =============== =============== ========= ===================

In row 10 the current version's own connection and id decide. What is lost goes into the history with its reason (I2);
so does a current value that an aware change replaced, which is no conflict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from tasksync.core.record import Version, encode, identical


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A value that somebody set in a replica. `aware`: the replica showed the record's current value until then."""

    field: str
    version: Version
    aware: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """A value that is not current any more, or never became so, and the one that is. `conflict`: nobody who had seen
    the loser replaced it; it lost to a change made without knowing of it.
    """

    field: str
    loser: Version
    winner: Version
    conflict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The version of a field after a merge, and what it cost."""

    version: Version
    superseded: tuple[Superseded, ...] = ()


Rank = Callable[[str], int]
"""The position of a connection in the config, from 0; of one that is not there any more, beyond all others."""


def order(version: Version, rank: Rank) -> tuple[datetime, int, str, str, str]:
    """The key of the total order; the greatest wins. Names tell apart connections that left the config."""
    at, name = version.at, version.connection
    return at, -rank(name), name, version.external_id, encode({"": version.value})


def merge(name: str, current: Version | None, changes: Iterable[Change], rank: Rank) -> Merged:
    """Merge all `changes` of the field `name`, one at least, into its `current` version. See the table above."""
    found = list(changes)
    if current is None and len(found) == 1:
        return Merged(version=found[0].version)
    versions = [change.version for change in found] + ([] if current is None else [current])
    winner = max(versions, key=lambda version: order(version, rank))
    lost = [
        Superseded(field=name, loser=change.version, winner=winner, conflict=True)
        for change in found
        if not identical(change.version.value, winner.value)
    ]
    if current is not None and not identical(current.value, winner.value):
        aware = any(change.aware for change in found)
        lost.append(Superseded(field=name, loser=current, winner=winner, conflict=not aware))
    return Merged(version=winner, superseded=tuple(lost))
