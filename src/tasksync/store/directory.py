"""Who and what tasks refer to, what corresponds to what, and where a counterpart is missing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, select
from sqlalchemy.dialects.sqlite import insert

from tasksync.core.directory import Referent, is_person
from tasksync.core.plan import Gap
from tasksync.core.reference import PERSON, parse
from tasksync.ports import Correspondence
from tasksync.store.columns import value_from_text, value_to_text
from tasksync.store.section import Section, among, listed, upsert
from tasksync.store.tables import CORRESPONDENCE, GAP, PEOPLE_LIST, REFERENT

_REFERENTS = select(REFERENT).where(among(REFERENT.c.reference, "ids"))
_GAPS_OF = select(GAP).where(among(GAP.c.record_id, "ids"))
_DROP_GAPS = delete(GAP).where(among(GAP.c.id, "ids"))
_SAVE_LIST = upsert(PEOPLE_LIST)
_SAVE_REFERENT = upsert(REFERENT)
_SAVE_CORRESPONDENCE = upsert(CORRESPONDENCE)

_Subject: TypeAlias = tuple[str, str, str]
"""Connection, field and value of a gap, the value as text: what gaps of several records may have in common."""
_SUBJECT: tuple[ColumnElement[str], ...] = (GAP.c.connection, GAP.c.field, GAP.c.value)


class Directory(Section):
    """What is known of the referents of all connections, and the gaps."""

    def people(self) -> Sequence[Referent]:
        """Of all connections, as they were last listed; by reference."""
        rows = self._sql.execute(select(REFERENT).where(REFERENT.c.type == PERSON).order_by(REFERENT.c.reference))
        return [_referent(row) for row in rows]

    def listed_at(self, connection: str) -> datetime | None:
        """When the people of the connection were last listed; None: never."""
        moment: datetime | None = self._sql.scalar(
            select(PEOPLE_LIST.c.listed_at).where(PEOPLE_LIST.c.connection == connection)
        )
        return moment

    def save_people(self, connection: str, people: Iterable[Referent], at: datetime) -> None:
        """Replace the connection's list. Raises `ValueError` for anybody of another connection, and for what is no
        person.
        """
        self._sql.execute(delete(REFERENT).where(REFERENT.c.type == PERSON, REFERENT.c.connection == connection))
        self._write(_SAVE_REFERENT, map(_referent_row, _listed(connection, people)))
        self._sql.execute(_SAVE_LIST, {"connection": connection, "listed_at": at})

    def save_referents(self, referents: Iterable[Referent]) -> None:
        """Insert or replace what is known of contacts, opportunities, cases and plans, by reference. Raises
        `ValueError` for a person: people are known as whole lists.
        """
        self._write(_SAVE_REFERENT, map(_referent_row, _not_listed(referents)))

    def referents(self, references: Collection[str]) -> Mapping[str, Referent]:
        """Of those known, people included."""
        rows = self._sql.execute(_REFERENTS, {"ids": listed(references)})
        return {referent.reference: referent for referent in map(_referent, rows)}

    def correspondences(self) -> Sequence[Correspondence]:
        """All that was found out about references to other things than people; by reference and connection."""
        everything = select(CORRESPONDENCE).order_by(CORRESPONDENCE.c.reference, CORRESPONDENCE.c.connection)
        return [Correspondence(**row) for row in self._sql.execute(everything).mappings()]

    def save_correspondences(self, found: Iterable[Correspondence]) -> None:
        """Insert or replace, by reference and connection."""
        self._write(_SAVE_CORRESPONDENCE, map(asdict, found))

    def replace_gaps(self, record_ids: Collection[str], gaps: Iterable[Gap]) -> Sequence[Gap]:
        """The gaps of these records are now these. Returns those of a value that was a gap in no record before, each
        once, in the order given. Raises `ValueError` for a gap of another record.
        """
        covered = set(record_ids)
        wanted: dict[tuple[str, _Subject], Gap] = {}
        for gap in gaps:
            if gap.record_id not in covered:
                raise ValueError(f"a gap of {gap.record_id} is not among those replaced")
            wanted.setdefault((gap.record_id, _subject(gap)), gap)
        rows = self._sql.execute(_GAPS_OF, {"ids": listed(covered)})
        # A row that stays keeps its id, by which the record that has had a gap longest is known.
        before = {(row.record_id, _subject_of(row)): row.id for row in rows}
        added = {place: gap for place, gap in wanted.items() if place not in before}
        fresh = self._fresh(added) if added else []
        gone = [id_ for place, id_ in before.items() if place not in wanted]
        if gone:
            self._sql.execute(_DROP_GAPS, {"ids": listed(gone)})
        self._write(insert(GAP), map(_gap_row, added.values()))
        return fresh

    def gaps(self) -> Sequence[Gap]:
        """One for each connection, field and value, with the record that has had it longest; the longest known
        first.
        """
        oldest = select(func.min(GAP.c.id)).group_by(*_SUBJECT)
        return [_gap(row) for row in self._sql.execute(select(GAP).where(GAP.c.id.in_(oldest)).order_by(GAP.c.id))]

    def records_with_gap(self, gap: Gap) -> Sequence[str]:
        """The ids of all records with the same connection, field and value, in the order in which they got it."""
        alike = and_(*(column == part for column, part in zip(_SUBJECT, _subject(gap), strict=True)))
        return self._sql.scalars(select(GAP.c.record_id).where(alike).order_by(GAP.c.id)).all()

    def _fresh(self, added: Mapping[tuple[str, _Subject], Gap]) -> list[Gap]:
        """The first of each subject of which no row is there yet."""
        firsts: dict[_Subject, Gap] = {}
        for (_, subject), gap in added.items():
            firsts.setdefault(subject, gap)
        each = func.json_each(json.dumps(list(firsts))).table_valued("key", "value")
        part = [func.json_extract(each.c.value, f"$[{place}]") for place in range(len(_SUBJECT))]
        alike = and_(*(column == asked for column, asked in zip(_SUBJECT, part, strict=True)))
        known = set(self._sql.scalars(select(each.c.key).where(exists().where(alike))))
        return [gap for place, gap in enumerate(firsts.values()) if place not in known]


def _listed(connection: str, people: Iterable[Referent]) -> Iterator[Referent]:
    for one in people:
        if not is_person(one.reference) or parse(one.reference).connection != connection:
            raise ValueError(f"{one.reference} is nobody of {connection}")
        yield one


def _not_listed(referents: Iterable[Referent]) -> Iterator[Referent]:
    for one in referents:
        if is_person(one.reference):
            raise ValueError(f"{one.reference} is a person, and people are saved as a list")
        yield one


def _referent_row(referent: Referent) -> dict[str, Any]:
    where = parse(referent.reference)
    return {
        "reference": referent.reference,
        "connection": where.connection,
        "type": where.type,
        "name": referent.name,
        "emails": json.dumps(referent.emails),
        "parent": referent.parent,
    }


def _referent(row: Row[Any]) -> Referent:
    return Referent(reference=row.reference, name=row.name, emails=tuple(json.loads(row.emails)), parent=row.parent)


def _subject(gap: Gap) -> _Subject:
    return (gap.connection, gap.field, value_to_text(gap.value))


def _subject_of(row: Row[Any]) -> _Subject:
    return (row.connection, row.field, row.value)


def _gap_row(gap: Gap) -> dict[str, Any]:
    return {**asdict(gap), "value": value_to_text(gap.value)}


def _gap(row: Row[Any]) -> Gap:
    return Gap(
        connection=row.connection, record_id=row.record_id, field=row.field, value=str(value_from_text(row.value))
    )
