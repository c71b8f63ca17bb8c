"""What is known of who and what is which, for a person to look at: people, links, and the gaps."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from tasksync.core.directory import Configured, People, Referent, is_person
from tasksync.core.plan import Gap
from tasksync.core.record import KINDS, REFERRING, Record, Shape
from tasksync.core.reference import CASE, Reference, parse
from tasksync.ports import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the config says: the connections of each group in their order, the kinds of records that are kept in step,
    who and what is the same, and, by connection, what it calls a category that others call otherwise (casefolded).
    """

    groups: Mapping[str, Sequence[str]]
    kinds: Collection[str]
    same: Configured
    categories: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Somebody or something, as the connections of `group` know it: those in which a counterpart is known."""

    group: str
    members: Mapping[str, Referent]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGap:
    """A gap that `tasks` records have, of a field of this shape; `group` is that of the connection.

    `source` is the connection whose name or reference the value is; None if that is not in the group any more. `known`
    is the counterpart that is known by now: the next sync puts the gap right. `said` is what the config calls it there,
    which helps if there is such a one. `sought`: it was looked for there. `case` is the record that it is, if cases are
    kept in step too: then it is shown there once that record is there.
    """

    gap: Gap
    shape: Shape
    tasks: int
    group: str
    source: str | None
    referent: Referent | None
    known: str | None
    said: str | None
    sought: bool
    case: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Rows by group, in it by the order of the connections, also of those to whom nothing is known to correspond; gaps
    as they came up.
    """

    everybody: People
    people: Sequence[Row]
    links: Sequence[Row]
    gaps: Sequence[OpenGap]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A case that is kept in step: its record, and references to it by connection."""

    record_id: str
    replicas: dict[str, str]


def _cases(unit: Unit) -> Mapping[str, _Case]:
    """By reference."""
    cases: dict[str, _Case] = {}
    for record_id, connection, id_ in unit.linked(CASE):
        case = cases.setdefault(record_id, _Case(record_id=record_id, replicas={}))
        case.replicas[connection] = str(Reference(connection=connection, type=CASE, id=id_))
    return {reference: case for case in cases.values() for reference in case.replicas.values()}


def survey(unit: Unit, said: Said) -> Survey:
    """What the mirror knows, and what the config says now. A gap that the config closes is one until the next sync."""
    return _Surveying(unit, said).survey()


class _Surveying:
    def __init__(self, unit: Unit, said: Said) -> None:
        self._unit = unit
        self._said = said
        self._group = {name: group for group, names in said.groups.items() for name in names}
        self._gaps = unit.gaps()
        self._records = unit.records({gap.record_id for gap in self._gaps})
        self._people = People.of(unit.people())
        self._listed = frozenset(name for name in self._group if unit.listed_at(name) is not None)
        self._found = {(one.reference, one.connection): one.counterpart for one in unit.correspondences()}
        self._cases = _cases(unit) if CASE in said.kinds else {}
        self._referents = unit.referents(self._things())

    def survey(self) -> Survey:
        return Survey(
            everybody=self._people,
            people=tuple(self._rows(dict.fromkeys((*self._people.known, *filter(is_person, self._asked()))))),
            links=tuple(self._rows(self._things())),
            gaps=tuple(self._open(gap, self._records[gap.record_id]) for gap in self._gaps),
        )

    def _things(self) -> list[str]:
        """Everything but people that anything is known of, or asked."""
        found = chain.from_iterable((reference, other) for (reference, _), other in self._found.items())
        every = {*found, *self._asked(), *chain.from_iterable(self._said.same.same)}
        return sorted(one for one in every if one is not None and not is_person(one))

    def _asked(self) -> list[str]:
        return [gap.value for gap in self._gaps if self._refers(gap)]

    def _rows(self, references: Iterable[str]) -> Iterator[Row]:
        everything = list(references)
        for group, connections in self._said.groups.items():
            shown: set[str] = set()
            for reference in (one for name in connections for one in everything if parse(one).connection == name):
                if reference not in shown:
                    found = {name: self._counterpart(reference, name) for name in connections}
                    members = {name: self._described(one) for name, one in found.items() if one is not None}
                    shown |= {one.reference for one in members.values()}
                    yield Row(group=group, members=members)

    def _counterpart(self, reference: str, connection: str) -> str | None:
        """As a cycle finds it, from what is known."""
        if parse(reference).connection == connection:
            return reference
        if is_person(reference):
            return self._people.counterpart(reference, connection, self._said.same)
        said = self._said.same.counterpart(reference, connection)
        if said is None and reference in self._cases:
            return self._cases[reference].replicas.get(connection)
        return said or self._found.get((reference, connection))

    def _described(self, reference: str) -> Referent:
        return self._known(reference) or Referent(reference=reference)

    def _known(self, reference: str) -> Referent | None:
        return self._people.known.get(reference) or self._referents.get(reference)

    def _open(self, gap: Gap, record: Record) -> OpenGap:
        refers, version = self._refers(gap), record.versions.get(gap.field)
        group = self._group.get(gap.connection, "")
        source = parse(gap.value).connection if refers else "" if version is None else version.connection
        near = source != gap.connection and self._group.get(source) == group
        return OpenGap(
            gap=gap,
            shape=self._shape(gap),
            tasks=len(self._unit.records_with_gap(gap)),
            group=group,
            source=source if near else None,
            referent=self._known(gap.value) if refers else None,
            known=self._counterpart(gap.value, gap.connection) if refers else None,
            said=self._name_said(gap) if refers else self._category_said(gap),
            sought=self._sought(gap),
            case=self._cases[gap.value].record_id if refers and gap.value in self._cases else None,
        )

    def _sought(self, gap: Gap) -> bool:
        if not self._refers(gap):
            return True
        return gap.connection in self._listed if is_person(gap.value) else (gap.value, gap.connection) in self._found

    def _name_said(self, gap: Gap) -> str | None:
        where, referent = parse(gap.value), self._known(gap.value)
        names = (where.id, *(() if referent is None else referent.emails))
        return self._said.same.counterpart(gap.value, gap.connection, ((where.connection, name) for name in names))

    def _category_said(self, gap: Gap) -> str | None:
        return self._said.categories.get(gap.connection, {}).get(gap.value.casefold())

    def _refers(self, gap: Gap) -> bool:
        return self._shape(gap) in REFERRING

    def _shape(self, gap: Gap) -> Shape:
        return KINDS[self._records[gap.record_id].kind].field(gap.field).shape
