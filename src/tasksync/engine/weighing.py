"""What becomes of the values of two records that a person says are one.

They meet as at a first meeting (`Intake.join`), by what the mirror knows: nobody who wrote the one had seen the other,
so the later wins. But a value that is empty, or may be nothing but what a CRM could hold of the other, loses to it
whatever its time: nobody cleared what was never filled in there (I10).

The CRMs' lenses are known to a sync only, so here a text counts as cut by its look: it is long, and the other begins
just as it does, or goes on with what some CRMs cannot store. References are the fewer of two that mean the same, as far
as the directory knows. A default that a CRM was given for want of a value looks like any other value, and counts as
one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from tasksync.core.directory import Configured, People, is_person
from tasksync.core.lens import basic_plane
from tasksync.core.match import COMPARED
from tasksync.core.merge import Rank, Superseded, order
from tasksync.core.record import CASE, KINDS, REFERRING, Field, Record, Value, Version, identical
from tasksync.core.reference import parse
from tasksync.ports import Unit

Same: TypeAlias = Callable[[str, str], bool]
"""Whether two references mean the same person, contact, opportunity, case or plan."""


def sameness(unit: Unit, configured: Configured) -> Same:
    """What earlier syncs found out about references, and what the config says of them."""
    people = People.of(unit.people())
    found = {(one.reference, one.connection): one.counterpart for one in unit.correspondences()}

    def called(reference: str, connection: str) -> str | None:
        if is_person(reference):
            return people.counterpart(reference, connection, configured)
        return configured.counterpart(reference, connection) or found.get((reference, connection))

    def linked(reference: str) -> str | None:
        where = parse(reference)
        replica = unit.replicas(where.connection, CASE.name, [where.id]).get(where.id)
        return None if replica is None or where.type != CASE.name else replica.record_id

    def same(one: str, other: str) -> bool:
        if one == other or called(one, parse(other).connection) == other or called(other, parse(one).connection) == one:
            return True
        return linked(one) is not None and linked(one) == linked(other)

    return same


def meet(ours: Record, theirs: Record, rank: Rank, same: Same) -> tuple[Record, list[Superseded]]:
    """Our record with what theirs has later, or fuller, and what that costs. Being empty is no value that theirs could
    lose; of ours, it is what the record said until now.
    """
    kind, versions = KINDS[ours.kind], dict(ours.versions)
    lost: list[Superseded] = []
    for name, version in theirs.versions.items():
        field, current = kind.field(name), versions.setdefault(name, version)
        winner = _fuller(field, current, version, same)
        if winner is None:
            winner = max(current, version, key=lambda one: order(one, rank))
        loser = current if winner is version else version
        versions[name] = winner
        told = loser is current or not identical(loser.value, field.empty)
        if told and not _says(field, loser.value, winner.value, same):
            lost.append(Superseded(field=name, loser=loser, winner=winner, conflict=True))
    return replace(ours, versions=versions), lost


def _says(field: Field, value: Value, other: Value, same: Same) -> bool:
    """Whether both say the same, in whatever CRM's words."""
    if field.shape in REFERRING:
        return _may_be_of(field, value, other, same) and _may_be_of(field, other, value, same)
    return identical(value, other)


def _fuller(field: Field, one: Version, other: Version, same: Same) -> Version | None:
    """The version that holds more than the other, if one does."""
    one_is_poorer = _may_be_of(field, one.value, other.value, same)
    other_is_poorer = _may_be_of(field, other.value, one.value, same)
    if one_is_poorer == other_is_poorer:
        return None
    return other if one_is_poorer else one


def _may_be_of(field: Field, value: Value, whole: Value, same: Same) -> bool:
    """Whether `value` may be nothing but what a CRM has of `whole`."""
    if identical(value, field.empty):
        return True
    if isinstance(value, tuple) and isinstance(whole, tuple):
        return all(any(same(one, other) for other in whole) for one in value)
    if field.shape != "text" or not isinstance(value, str) or not isinstance(whole, str):
        return False
    had, full = (" ".join(basic_plane(text).split()) for text in (value, whole))
    if had == full:
        return value == basic_plane(value) and whole != basic_plane(whole)
    return len(had) >= COMPARED and full.startswith(had)
