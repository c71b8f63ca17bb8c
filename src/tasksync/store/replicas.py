"""Connections and their replicas."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, delete, func, select, update

from tasksync.core.record import NOTHING, Replica, Values, decode, encode, hash_of
from tasksync.ports import ConnectionState
from tasksync.store.columns import storable, values_to_text
from tasksync.store.section import Section, among, listed, upsert
from tasksync.store.tables import CONNECTION, REPLICA

_NOTHING = values_to_text(NOTHING)
_SAVE_CONNECTION = upsert(CONNECTION)
_SAVE_REPLICA = upsert(REPLICA)
_OF_KIND = and_(REPLICA.c.connection == bindparam("connection"), REPLICA.c.kind == bindparam("kind"))
_THERE = and_(_OF_KIND, among(REPLICA.c.external_id, "ids"))
_CONTENTS = select(REPLICA.c.external_id, REPLICA.c.content).where(_THERE, REPLICA.c.gone_at.is_(None))
_REPLICAS = select(REPLICA).where(_THERE)
_REPLICAS_OF = select(REPLICA).where(among(REPLICA.c.record_id, "ids"))
_REPLICAS_OF_ONE = _REPLICAS_OF.where(REPLICA.c.connection == bindparam("connection"))
_DROP_REPLICAS = delete(REPLICA).where(_THERE)
_COUNT = select(func.count()).where(_OF_KIND)
_EXTERNAL_IDS = select(REPLICA.c.external_id).where(_OF_KIND)


def _noted_otherwise() -> Select[Any]:
    """The database compares, so that of a page on which nothing is new nothing comes back."""
    sighted = func.json_each(bindparam("digests")).table_valued("key", "value")
    noted = (
        select(REPLICA.c.digest)
        .where(_OF_KIND)
        .where(REPLICA.c.external_id == sighted.c.key, REPLICA.c.gone_at.is_(None))
        .scalar_subquery()
    )
    return select(sighted.c.key).where(noted.is_distinct_from(sighted.c.value))


_DIFFERING = _noted_otherwise()
_NOTE_DIGEST = (
    update(REPLICA)
    .where(REPLICA.c.connection == bindparam("of_connection"), REPLICA.c.kind == bindparam("of_kind"))
    .where(REPLICA.c.external_id == bindparam("id"))
    .values(digest=bindparam("digest"))
)


class Connections(Section):
    """What is remembered of connections."""

    def connection(self, name: str, kind: str = "task") -> ConnectionState | None:
        wanted = select(CONNECTION).where(CONNECTION.c.name == name, CONNECTION.c.kind == kind)
        row = self._sql.execute(wanted).mappings().one_or_none()
        return None if row is None else ConnectionState(**row)

    def connections(self) -> Sequence[ConnectionState]:
        """Of all kinds, by name."""
        rows = self._sql.execute(select(CONNECTION).order_by(CONNECTION.c.name, CONNECTION.c.kind)).mappings()
        return [ConnectionState(**row) for row in rows]

    def save_connection(self, state: ConnectionState) -> None:
        self._sql.execute(_SAVE_CONNECTION, asdict(state))


class Replicas(Section):
    """The replicas, with their shadows."""

    def contents(self, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, str]:
        """Content hash by external id, of those that exist and are not gone."""
        rows = self._sql.execute(_CONTENTS, _place(connection, kind, external_ids))
        return {row.external_id: row.content for row in rows}

    def differing(self, connection: str, kind: str, digests: Mapping[str, str]) -> set[str]:
        """Of these digests by external id, the ids whose replica was not noted with that digest, is gone, or does not
        exist; and those whose digest is "".
        """
        wanted = {"connection": connection, "kind": kind, "digests": json.dumps(digests)}
        return set(self._sql.execute(_DIFFERING, wanted).scalars().all())

    def note_digests(self, connection: str, kind: str, digests: Mapping[str, str]) -> None:
        """Note of what sighting a replica is the outcome, by external id. It is forgotten when the replica is saved."""
        known = {"of_connection": connection, "of_kind": kind}
        self._write(_NOTE_DIGEST, ({**known, "id": id_, "digest": digest or None} for id_, digest in digests.items()))

    def replicas(self, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, Replica]:
        """By external id, of those that exist, linked or not."""
        rows = self._sql.execute(_REPLICAS, _place(connection, kind, external_ids))
        return {replica.external_id: replica for replica in map(_replica, rows)}

    def replicas_of(
        self, record_ids: Collection[str], connection: str | None = None
    ) -> Mapping[str, Mapping[str, Replica]]:
        """By record id, then by connection (of all, if not given); every asked record has an entry."""
        found: dict[str, dict[str, Replica]] = {record_id: {} for record_id in record_ids}
        if not found:
            return found
        wanted = {"ids": listed(found)}
        if connection is None:
            rows = self._sql.execute(_REPLICAS_OF, wanted)
        else:
            rows = self._sql.execute(_REPLICAS_OF_ONE, {**wanted, "connection": connection})
        for row in rows:
            found[row.record_id][row.connection] = _replica(row)
        return found

    def unlinked(self, connection: str, kind: str) -> Iterator[Replica]:
        """Replicas that belong to no record, by external id. May be written to while iterating."""
        statement = select(REPLICA).where(
            REPLICA.c.connection == connection, REPLICA.c.kind == kind, REPLICA.c.record_id.is_(None)
        )
        yield from map(_replica, self._read_in_pages(statement, REPLICA.c.external_id))

    def count_replicas(self, connection: str, kind: str) -> int:
        """How many there are of the connection, linked or not."""
        return int(self._sql.execute(_COUNT, {"connection": connection, "kind": kind}).scalar_one())

    def external_ids(self, connection: str, kind: str) -> set[str]:
        """Of all replicas of the connection, linked or not."""
        return set(self._sql.execute(_EXTERNAL_IDS, {"connection": connection, "kind": kind}).scalars().all())

    def linked(self, kind: str) -> Iterator[tuple[str, str, str]]:
        """Record id, connection and external id of all linked replicas of the kind."""
        statement = select(REPLICA.c.record_id, REPLICA.c.connection, REPLICA.c.external_id).where(
            REPLICA.c.kind == kind, REPLICA.c.record_id.is_not(None)
        )
        for row in self._sql.execute(statement):
            yield row.record_id, row.connection, row.external_id

    def last_seen(self) -> datetime | None:
        """The latest `seen_at` of all replicas; None when there is none."""
        latest: datetime | None = self._sql.execute(select(func.max(REPLICA.c.seen_at))).scalar_one()
        return latest

    def save_replicas(self, replicas: Iterable[Replica]) -> None:
        """Insert or replace, by (connection, kind, external id). A record that moves from one replica of a connection
        to another has to leave the first before it is given to the second; `MirrorUnusable` otherwise (I3).
        """
        self._write(_SAVE_REPLICA, map(_row, replicas))

    def drop_replicas(self, connection: str, kind: str, external_ids: Collection[str]) -> None:
        if external_ids:
            self._sql.execute(_DROP_REPLICAS, _place(connection, kind, external_ids))


def _place(connection: str, kind: str, external_ids: Collection[str]) -> dict[str, str]:
    return {"connection": connection, "kind": kind, "ids": listed(external_ids)}


def _row(replica: Replica) -> dict[str, Any]:
    shadow = encode(replica.shadow)
    return {
        "connection": replica.connection,
        "kind": replica.kind,
        "external_id": replica.external_id,
        "record_id": replica.record_id,
        "content": hash_of(shadow),
        "digest": None,
        "seen_at": replica.seen_at,
        "modified": replica.modified,
        "created": replica.created,
        "completed": replica.completed,
        "gone_at": replica.gone_at,
        "wrote": " ".join(replica.wrote),
        "wrote_at": replica.wrote_at,
        "shadow": storable(shadow),
        "settled": values_to_text(replica.settled) if replica.settled else _NOTHING,
    }


def _replica(row: Row[Any]) -> Replica:
    return Replica(
        connection=row.connection,
        kind=row.kind,
        external_id=row.external_id,
        record_id=row.record_id,
        shadow=decode(row.shadow),
        seen_at=row.seen_at,
        modified=row.modified,
        created=row.created,
        completed=row.completed,
        gone_at=row.gone_at,
        wrote=tuple(row.wrote.split()),
        wrote_at=row.wrote_at,
        settled=_settled(row.settled),
    )


def _settled(text: str) -> Values:
    # Nearly always empty: one object for all of them.
    return NOTHING if text == _NOTHING else decode(text)
