"""Takes what a CRM shows into the mirror: diff, merge, history and plan in one unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from tasksync.core.diff import RESOLUTION, Absorbed, Window, absorb
from tasksync.core.merge import Superseded
from tasksync.core.record import NOTHING, Observation, Record, Replica, Value, Values, content_hash, identical
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner
from tasksync.ports import Conflict, Revision, Sighting, Unit


class Intake:
    """The way of every observation into the mirror, wherever it comes from: a page, a read, the answer to a write."""

    def __init__(self, context: Context, planner: Planner) -> None:
        self._context = context
        self._planner = planner
        self.conflicts: list[Conflict] = []
        self.changes = 0

    def take_page(
        self, unit: Unit, member: Member, page: Sequence[Sighting], *, asked_at: datetime, answered_at: datetime
    ) -> None:
        """Take a page of the listing in. A row that came just so before is not even read."""
        kind, digests = self._context.kind.name, {one.external_id: one.digest for one in page}
        differing = unit.differing(member.name, kind, digests)
        if differing:
            # Of a record that is on the page twice, both: the one that comes last is the later one.
            seen = [one.read() for one in page if one.external_id in differing]
            self.take(unit, member, seen, asked_at=asked_at, answered_at=answered_at)
            # Last, since a replica that is saved is the outcome of no row any more.
            unit.note_digests(member.name, kind, {id_: digests[id_] for id_ in differing})

    def take(
        self, unit: Unit, member: Member, seen: Sequence[Observation], *, asked_at: datetime, answered_at: datetime
    ) -> set[str]:
        """Take observations in; the ids of the records that changed, all planned anew. What equals its shadow costs
        nothing more than the comparison of hashes. A replica that belongs to no record is stored, and stays so until
        the poll is over.
        """
        contents = unit.contents(member.name, self._context.kind.name, [one.external_id for one in seen])
        fresh = [one for one in seen if contents.get(one.external_id) != content_hash(one.values)]
        if not fresh:
            return set()
        ids = [one.external_id for one in fresh]
        replicas = dict(unit.replicas(member.name, self._context.kind.name, ids))
        records = dict(unit.records({one.record_id for one in replicas.values() if one.record_id is not None}))
        absorbed: list[Absorbed] = []
        for one in map(member.corrected, fresh):
            replica = replicas.get(one.external_id)
            record = None if replica is None or replica.record_id is None else records.get(replica.record_id)
            if replica is None or record is None:
                replicas[one.external_id] = self._unlinked(member, one, asked_at)
                continue
            window = Window(after=self._last_seen(member, replica), until=answered_at)
            sent = member.sent.get(record.id, NOTHING)
            taken = self.absorb(member, record, replica, one, window=window, seen_at=asked_at, sent=sent)
            if replica.gone_at is not None:  # it is back, so the record has something to show it
                taken = replace(taken, replica=replace(taken.replica, gone_at=None), changed=True)
            replicas[one.external_id], records[record.id] = taken.replica, taken.record
            absorbed.append(taken)
        unit.save_replicas(replicas.values())
        return self.keep(unit, absorbed)

    def keep(self, unit: Unit, absorbed: Iterable[Absorbed]) -> set[str]:
        """Save what records became of what was absorbed (the last state of each counts), their history and their plan.
        Returns the ids of those that changed.
        """
        changed = {one.record.id: one.record for one in absorbed if one.changed}
        superseded = [(one.record.id, lost) for one in absorbed for lost in one.superseded]
        unit.save_records(changed.values())
        unit.add_revisions(
            (self._revision(*one) for one in superseded), self._context.run, at=self._context.clock.now()
        )
        conflicts = [self._conflict(*one) for one in superseded if one[1].conflict]
        unit.add_conflicts(conflicts, self._context.run)
        self.conflicts += conflicts
        for one in conflicts:
            self._context.log.info(
                "conflict_decided",
                record=one.record_id,
                field=one.field,
                winner=one.winner_connection,
                loser=one.loser_connection,
            )
        self.changes += len(changed)
        self._planner.replan_loaded(unit, changed.values())
        return set(changed)

    def found(self, unit: Unit, member: Member, founded: Sequence[Absorbed]) -> None:
        """Save new records, each with the replica of the member that founds it, and plan them; but those of a
        connection that has yet to meet its group are planned when it does.
        """
        unit.save_records(one.record for one in founded)
        unit.save_replicas(one.replica for one in founded)
        self.changes += len(founded)
        if member.met:
            self._planner.replan_loaded(unit, (one.record for one in founded))

    def absorb(
        self,
        member: Member,
        record: Record,
        replica: Replica,
        seen: Observation,
        *,
        window: Window,
        seen_at: datetime,
        sent: Values = NOTHING,
    ) -> Absorbed:
        """`core.diff.absorb` with what this cycle knows."""
        return absorb(
            self._context.kind,
            record,
            replica,
            seen,
            lenses=member.lenses(self._context.kind),
            window=window,
            rank=self._context.rank,
            seen_at=seen_at,
            sent=sent,
        )

    def join(self, member: Member, record: Record, replica: Replica) -> Absorbed:
        """Make an unlinked replica the record's: its values meet the record's by last-modified alone, for neither has
        seen the other.
        """
        fuller, poorer = self._weigh(member, record, replica)
        kept = {name: version for name, version in record.versions.items() if name not in poorer}
        basis = {name: replica.shadow[name] for name in fuller}
        return self._meet(member, replace(record, versions=kept), replica, basis, after=None)

    def _weigh(self, member: Member, record: Record, replica: Replica) -> tuple[set[str], set[str]]:
        """The fields in which the record holds more than the replica, and those in which the replica holds more.

        One holds more when the other is empty, or when the other's CRM could not show more of it. Neither is an edit:
        nobody cleared what was never filled in there, and an earlier sync, whose mirror is lost, may have made the
        poorer one from the fuller one (I10).
        """
        fuller: set[str] = set()
        poorer: set[str] = set()
        for name, version in record.versions.items():
            remote = replica.shadow.get(name)
            if name not in replica.shadow or identical(remote, version.value):
                continue
            empty = self._context.kind.field(name).empty
            if identical(remote, empty) or self._stands_for(member, name, remote, version.value):
                fuller.add(name)
            elif identical(version.value, empty) or any(
                self._stands_for(origin, name, version.value, remote)
                for origin in self._context.members
                if origin.name == version.connection and origin.account is not None
            ):
                poorer.add(name)
        return fuller, poorer

    def _stands_for(self, member: Member, name: str, remote: Value, canonical: Value) -> bool:
        kind = self._context.kind
        lens = member.lenses(kind).get(name)
        default = member.connector.defaults(kind.name, self._context.clock.now()).get(name)
        return lens is not None and lens.stands_for(remote, canonical, default)

    def adopt(
        self, member: Member, record: Record, replica: Replica, sent: Values, *, attempted_at: datetime | None
    ) -> Absorbed:
        """Make an unlinked replica, found to be what a lost create of `sent` made, the record's. What differs from
        `sent` is a person's edit, made after the attempt, if the replica was modified since, or if nobody can say; else
        it is what the server made of it.
        """
        edited = replica.created is None or replica.modified is None or replica.modified > replica.created + RESOLUTION
        if edited:
            unsent = {name: self._context.kind.field(name).empty for name in replica.shadow}
            return self._meet(member, record, replica, {**unsent, **sent}, after=attempted_at)
        linked = replace(replica, record_id=record.id)
        settled = {name: value for name, value in sent.items() if not identical(replica.shadow.get(name, value), value)}
        return Absorbed(record=record, replica=replace(linked, settled=settled), superseded=(), changed=True)

    def _meet(
        self, member: Member, record: Record, replica: Replica, basis: Values, *, after: datetime | None
    ) -> Absorbed:
        seen = Observation(
            external_id=replica.external_id,
            values=replica.shadow,
            modified=replica.modified,
            created=replica.created,
            completed=replica.completed,
        )
        bare = replace(replica, record_id=record.id, shadow=basis)
        window = Window(after=after, until=replica.seen_at)
        met = self.absorb(member, record, bare, seen, window=window, seen_at=replica.seen_at)
        return replace(met, changed=True)

    def _unlinked(self, member: Member, seen: Observation, asked_at: datetime) -> Replica:
        return Replica(
            connection=member.name,
            kind=self._context.kind.name,
            external_id=seen.external_id,
            record_id=None,
            shadow=seen.values,
            seen_at=asked_at,
            modified=seen.modified,
            created=seen.created,
            completed=seen.completed,
        )

    def _last_seen(self, member: Member, replica: Replica) -> datetime:
        polled_at = None if member.remembered is None else member.remembered.polled_at
        return replica.seen_at if polled_at is None else max(replica.seen_at, polled_at)

    def _revision(self, record_id: str, lost: Superseded) -> Revision:
        reason = f"changed in {lost.winner.connection}"
        if lost.conflict:
            reason = f"conflict: older in {lost.loser.connection} than in {lost.winner.connection}"
        return Revision(
            record_id=record_id,
            field=lost.field,
            old=lost.loser.value,
            new=lost.winner.value,
            at=lost.winner.at,
            estimated=lost.winner.estimated,
            connection=lost.winner.connection,
            reason=reason,
        )

    def _conflict(self, record_id: str, lost: Superseded) -> Conflict:
        return Conflict(
            record_id=record_id,
            field=lost.field,
            winner=lost.winner.value,
            winner_connection=lost.winner.connection,
            winner_at=lost.winner.at,
            loser=lost.loser.value,
            loser_connection=lost.loser.connection,
            loser_at=lost.loser.at,
            estimated=lost.winner.estimated or lost.loser.estimated,
            seen_at=self._context.clock.now(),
        )
