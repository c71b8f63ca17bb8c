"""The mirror: the local database of what tasksync knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from tasksync.core.directory import Referent
from tasksync.core.plan import Action, Gap, Operation
from tasksync.core.record import Record, Replica
from tasksync.ports.kept import (
    Conflict,
    ConnectionState,
    Correspondence,
    Decision,
    Depth,
    Hold,
    OperationState,
    Queued,
    Revision,
    RunReport,
)


class Unit(Protocol):
    """The mirror within one transaction. Reads see what was written before in the same unit. Bulk by nature: no method
    costs a query per item of what it is given.
    """

    # connections
    def connection(self, name: str, kind: str = "task") -> ConnectionState | None: ...
    def connections(self) -> Sequence[ConnectionState]:
        """Of all kinds, by name."""

    def save_connection(self, state: ConnectionState) -> None: ...

    # replicas
    def contents(self, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, str]:
        """Content hash by external id, of those that exist and are not gone."""

    def differing(self, connection: str, kind: str, digests: Mapping[str, str]) -> set[str]:
        """Of these digests by external id, the ids whose replica was not noted with that digest, is gone, or does not
        exist; and those whose digest is "".
        """

    def note_digests(self, connection: str, kind: str, digests: Mapping[str, str]) -> None:
        """Note of what sighting a replica is the outcome, by external id. It is forgotten when the replica is saved."""

    def replicas(self, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, Replica]:
        """By external id, of those that exist, linked or not."""

    def replicas_of(
        self, record_ids: Collection[str], connection: str | None = None
    ) -> Mapping[str, Mapping[str, Replica]]:
        """By record id, then by connection (of all, if not given); every asked record has an entry."""

    def unlinked(self, connection: str, kind: str) -> Iterator[Replica]:
        """Replicas that belong to no record, by external id. May be written to while iterating."""

    def count_replicas(self, connection: str, kind: str) -> int:
        """How many there are of the connection, linked or not."""

    def external_ids(self, connection: str, kind: str) -> set[str]:
        """Of all replicas of the connection, linked or not."""

    def linked(self, kind: str) -> Iterator[tuple[str, str, str]]:
        """Record id, connection and external id of all linked replicas of the kind."""

    def last_seen(self) -> datetime | None:
        """The latest `seen_at` of all replicas; None when there is none."""

    def save_replicas(self, replicas: Iterable[Replica]) -> None:
        """Insert or replace, by (connection, kind, external id)."""

    def drop_replicas(self, connection: str, kind: str, external_ids: Collection[str]) -> None: ...

    # records
    def records(self, record_ids: Collection[str]) -> Mapping[str, Record]:
        """By id, of those that exist (deleted ones included)."""

    def records_of_group(self, group: str, kind: str) -> Iterator[Record]:
        """All records of the group that are not deleted, by id. May be written to while iterating."""

    def records_lacking(
        self, group: str, kind: str, connections: Collection[str], *, after: str, most: int
    ) -> Sequence[Record]:
        """Of the group's records that are not deleted and lack a replica in one of these connections, those with ids
        beyond `after`, `most` at most, by id.
        """

    def save_records(self, records: Iterable[Record]) -> None:
        """Insert or replace, by id."""

    def find_record(self, reference: str) -> Record | None:
        """By our id, or by `CONNECTION:EXTERNAL_ID`."""

    def deleted_records(self, limit: int = 100) -> Sequence[Record]:
        """Those that count as deleted, of all groups; the last deleted first."""

    # directory
    def people(self) -> Sequence[Referent]:
        """Of all connections, as they were last listed."""

    def listed_at(self, connection: str) -> datetime | None:
        """When the people of the connection were last listed; None: never."""

    def save_people(self, connection: str, people: Iterable[Referent], at: datetime) -> None:
        """Replace the connection's list."""

    def save_referents(self, referents: Iterable[Referent]) -> None:
        """Insert or replace what is known of contacts, opportunities, cases and plans, by reference."""

    def referents(self, references: Collection[str]) -> Mapping[str, Referent]:
        """Of those known, people included."""

    def correspondences(self) -> Sequence[Correspondence]:
        """All that was found out about references to other things than people."""

    def save_correspondences(self, found: Iterable[Correspondence]) -> None:
        """Insert or replace, by reference and connection."""

    def replace_gaps(self, record_ids: Collection[str], gaps: Iterable[Gap]) -> Sequence[Gap]:
        """The gaps of these records are now these. Returns those of a value that was a gap in no record before."""

    def gaps(self) -> Sequence[Gap]:
        """One for each connection, field and value, with the record that has had it longest."""

    def records_with_gap(self, gap: Gap) -> Sequence[str]:
        """The ids of all records with the same connection, field and value."""

    # outbox
    def replace_pending(
        self, kind: str, record_ids: Collection[str], operations: Iterable[Operation], *, at: datetime
    ) -> None:
        """All that is planned for these records is now, `at`, this: their pending and held operations go, `operations`
        come, in the order given. One that equals what was waiting keeps its place, its attempts, its error and since
        when it waits. Sending and unknown ones stay.
        """

    def queue(
        self,
        connection: str | None = None,
        states: Collection[OperationState] = (),
        *,
        kind: str | None = None,
        records: Collection[str] | None = None,
    ) -> Sequence[Queued]:
        """In the order in which they have to be sent; of all connections, states, kinds or records, if not given."""

    def pending(self, connection: str, kind: str) -> tuple[int, int]:
        """How many operations are pending there, and the id of the last one (0 for none)."""

    def next_operations(self, connection: str, kind: str, *, after: int, until: int, most: int) -> Sequence[Queued]:
        """Of the pending operations with ids beyond `after` and up to `until` the first ones, `most` at most, in the
        order in which they have to be sent. Left out are those that follow another of the same record, pending or on
        its way.
        """

    def waiting_records(self, connection: str, kind: str, action: Action | None = None) -> Sequence[str]:
        """The ids of the records for which something is pending or held there, each once, the longest known first; with
        `action`, that.
        """

    def unheld(self) -> Mapping[tuple[str, str], int]:
        """By connection and kind, how many operations wait for something else than a person: what follows a held one
        waits for that person, too.
        """

    def last_attempt(self) -> datetime | None:
        """When the operation that was last sent was; None when none was, of those that are here."""

    def outbox_depth(self) -> Sequence[Depth]:
        """What the outbox holds, counted: one for each connection, kind and state that anything of is there."""

    def mark(
        self,
        ids: Collection[int],
        state: OperationState,
        *,
        at: datetime | None = None,
        there: datetime | None = None,
        error: str | None = None,
    ) -> None:
        """Change the state. To SENDING: counts an attempt, made `at`, which was `there` by the CRM's clock."""

    def finish(self, ids: Collection[int]) -> None:
        """They are done: out of the outbox."""

    # holds, history
    def hold(self, holds: Iterable[Hold]) -> None:
        """Insert; one that exists already for the same connection, kind, reason, record and external id is updated and
        keeps its id and `since`.
        """

    def decide(self, ids: Collection[int], decision: Decision) -> None:
        """Note what a person said. It stands until the hold is released, or held again with another fingerprint."""

    def release(self, ids: Collection[int]) -> None: ...
    def holds(
        self, connection: str | None = None, *, kind: str | None = None, records: Collection[str] | None = None
    ) -> Sequence[Hold]:
        """The longest known first; of all connections, kinds or records, if not given."""

    def hold_counts(self) -> Mapping[str, int]:
        """How many holds still wait for a decision, by connection; of those that have any."""

    def add_revisions(self, revisions: Iterable[Revision], run: str, *, at: datetime) -> None:
        """Note them, now, `at`."""

    def add_conflicts(self, conflicts: Iterable[Conflict], run: str) -> None: ...
    def revisions(self, record_id: str) -> Sequence[Revision]:
        """Oldest first."""

    def last_revised(self) -> datetime | None:
        """When what the last row of the history tells of was made; None when there is none."""

    def conflicts(self, limit: int = 100) -> Sequence[Conflict]:
        """Newest first."""

    def save_run(self, report: RunReport, *, replaces: str | None = None) -> None:
        """Insert or replace, by id. The run `replaces` is forgotten for it."""

    def runs(self, limit: int = 20) -> Sequence[RunReport]:
        """Newest first."""

    def forget_before(self, moment: datetime, most: int) -> int:
        """Delete revisions noted, conflicts seen and runs finished before `moment`: the oldest, at most `most` of each,
        and never the newest run. Returns how many; none is left to be deleted when that is 0.
        """


class Mirror(Protocol):
    """The local database: what tasksync knows. Used from one thread."""

    @property
    def rows_written(self) -> int:
        """Rows inserted, changed and deleted since it was opened, also in units that were rolled back."""

    def begin(self) -> AbstractContextManager[Unit]:
        """One transaction, committed when the block ends and rolled back when it raises. Never held across an `await`.
        Raises `MirrorUnusable` when the database cannot be read or written.
        """

    def tidy(self) -> None:
        """Now and then, outside a unit: keep the files beside the database small and its statistics true. Waits for
        nobody: what another program is in the way of is left for the next time. Raises `MirrorUnusable`.
        """

    def close(self) -> None: ...
