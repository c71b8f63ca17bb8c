"""The records, with where each of their values comes from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from tasksync.core.record import Record, Version, decode
from tasksync.store.columns import values_to_text
from tasksync.store.section import Section, among, listed, upsert
from tasksync.store.tables import RECORD, REPLICA

_SAVE_RECORD = upsert(RECORD)
_HAD = (
    select(func.count())
    .where(REPLICA.c.record_id == RECORD.c.id, among(REPLICA.c.connection, "connections"))
    .scalar_subquery()
)
_LACKING = (
    select(RECORD)
    .where(RECORD.c.group_name == bindparam("group"), RECORD.c.kind == bindparam("kind"), RECORD.c.deleted_at.is_(None))
    .where(RECORD.c.id > bindparam("after"), bindparam("all") > _HAD)
    .order_by(RECORD.c.id)
    .limit(bindparam("most"))
)
_RECORDS = select(RECORD).where(among(RECORD.c.id, "ids"))


class Records(Section):
    """The records of all groups."""

    def records(self, record_ids: Collection[str]) -> Mapping[str, Record]:
        """By id, of those that exist (deleted ones included)."""
        if not record_ids:
            return {}
        rows = self._sql.execute(_RECORDS, {"ids": listed(record_ids)})
        return {record.id: record for record in map(_record, rows)}

    def records_of_group(self, group: str, kind: str) -> Iterator[Record]:
        """All records of the group that are not deleted, by id. May be written to while iterating."""
        statement = select(RECORD).where(
            RECORD.c.group_name == group, RECORD.c.kind == kind, RECORD.c.deleted_at.is_(None)
        )
        yield from map(_record, self._read_in_pages(statement, RECORD.c.id))

    def records_lacking(
        self, group: str, kind: str, connections: Collection[str], *, after: str, most: int
    ) -> Sequence[Record]:
        """Of the group's records that are not deleted and lack a replica in one of these connections, those with ids
        beyond `after`, `most` at most, by id.
        """
        wanted = {
            "group": group,
            "kind": kind,
            "connections": listed(connections),
            "all": len(connections),
            "after": after,
            "most": most,
        }
        return [_record(row) for row in self._sql.execute(_LACKING, wanted)]

    def save_records(self, records: Iterable[Record]) -> None:
        """Insert or replace, by id."""
        self._write(_SAVE_RECORD, map(_row, records))

    def find_record(self, reference: str) -> Record | None:
        """By our id, or by `CONNECTION:EXTERNAL_ID`. External ids may contain colons, names of connections do not.
        Where kinds share an external id, the first kind by name is meant.
        """
        row = self._sql.execute(select(RECORD).where(RECORD.c.id == reference)).one_or_none()
        if row is None:
            connection, _, external_id = reference.partition(":")
            row = self._sql.execute(
                select(RECORD)
                .join(REPLICA, REPLICA.c.record_id == RECORD.c.id)
                .where(REPLICA.c.connection == connection, REPLICA.c.external_id == external_id)
                .order_by(REPLICA.c.kind)
                .limit(1)
            ).one_or_none()
        return None if row is None else _record(row)

    def deleted_records(self, limit: int = 100) -> Sequence[Record]:
        """Those that count as deleted, of all groups; the last deleted first."""
        statement = select(RECORD).where(RECORD.c.deleted_at.is_not(None))
        newest = statement.order_by(RECORD.c.deleted_at.desc(), RECORD.c.id).limit(limit)
        return [_record(row) for row in self._sql.execute(newest)]


def _row(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "kind": record.kind,
        "group_name": record.group,
        "deleted_at": record.deleted_at,
        "fields": values_to_text(record.values),
        "origins": json.dumps(
            {
                name: [version.at.isoformat(), version.connection, version.external_id, version.estimated]
                for name, version in record.versions.items()
            },
            separators=(",", ":"),
        ),
    }


def _record(row: Row[Any]) -> Record:
    values = decode(row.fields)
    return Record(
        id=row.id,
        kind=row.kind,
        group=row.group_name,
        versions={
            name: Version(
                value=values[name],
                at=datetime.fromisoformat(at),
                connection=connection,
                external_id=external_id,
                estimated=estimated,
            )
            for name, (at, connection, external_id, estimated) in json.loads(row.origins).items()
        },
        deleted_at=row.deleted_at,
    )
