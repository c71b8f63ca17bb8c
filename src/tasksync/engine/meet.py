"""What becomes of replicas that belong to no record, once a poll is over.

In this order: one may be what an earlier create made whose answer was lost (design.md 5.3); it may have a counterpart
when two accounts meet for the first time (6); else it is a new task, and becomes a new record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from tasksync.core.match import Ambiguity, Entry, Matching, entry_of_record, entry_of_replica, match
from tasksync.core.plan import Action
from tasksync.core.record import Record, Replica, identical
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner, chunks
from tasksync.ports import ConnectionState, Decision, Hold, HoldReason, OperationState, Queued, Unit

_SLACK = timedelta(minutes=2)
"""How much earlier than our attempt a replica may seem to have been created and still be its result: stamps have a
resolution of a second,
and a clock difference is measured, not known."""


class Meeting:
    """Settles the unlinked replicas of one connection after another, in the order of the config."""

    def __init__(self, context: Context, planner: Planner, intake: Intake) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake

    def settle_lost(self, unit: Unit, member: Member) -> None:
        """Settle what became of operations whose answer was lost, as far as this poll tells."""
        if member.complete:
            self._settle_lost_writes(unit, member)
            self._settle_lost_creates(unit, member)

    def settle(self, unit: Unit, member: Member) -> None:
        """Settle what this poll left. A connection that was never met joins the group only with a complete snapshot."""
        if not member.met:
            if member.complete:
                self._join(unit, member)
            return
        if any(self._lost_creates(unit, member)):
            return  # any of them may be the create's: wait for a complete snapshot
        if any(hold.reason is HoldReason.AMBIGUOUS for hold in unit.holds(member.name)):
            self._rematch(unit, member)
        self._meet_again(unit, member)

    # --- answers that were lost ---

    def _settle_lost_writes(self, unit: Unit, member: Member) -> None:
        """A snapshot started after a lost update has shown whether it was carried out: what is still to do is planned
        anew.
        """
        over = [
            queued
            for queued in unit.queue(member.name, {OperationState.UNKNOWN})
            if queued.operation.action is not Action.CREATE and self._started_after(member, queued)
        ]
        unit.finish([queued.id for queued in over])
        self._planner.replan(unit, list({queued.operation.record_id for queued in over}))

    def _settle_lost_creates(self, unit: Unit, member: Member) -> None:
        self._heed_duplicates(unit, member)
        lost = [queued for queued in self._lost_creates(unit, member) if self._started_after(member, queued)]
        if not lost:
            return
        candidates = {one.external_id: one for one in self._unlinked(unit, member)}
        for made in (self._made_by, self._made_and_edited):
            for queued in tuple(lost):
                if found := [one for one in candidates.values() if made(member, one, queued)]:
                    lost.remove(queued)
                    self._settle_lost_create(unit, member, queued, found)
                    for one in found:
                        del candidates[one.external_id]
        for queued in lost:
            self._settle_lost_create(unit, member, queued, [])

    def _heed_duplicates(self, unit: Unit, member: Member) -> None:
        """Look at possible duplicates anew, unless a person has said what they are: tasks of their own, and the create
        is sent once more (approved) or never (dropped).
        """
        holds = [hold for hold in unit.holds(member.name) if hold.reason is HoldReason.DUPLICATE]
        said = {hold.fingerprint for hold in holds if hold.decision is not None}
        over = [hold for hold in holds if hold.decision is not Decision.DROPPED or hold.record_id is None]
        unit.release(_ids(over))
        self._found(unit, member, self._held_replicas(unit, member, [one for one in holds if one.fingerprint in said]))
        settled = [one for one in unit.queue(member.name, {OperationState.UNKNOWN}) if one.operation.record_id in said]
        unit.finish([queued.id for queued in settled])
        self._planner.replan(unit, [queued.operation.record_id for queued in settled])

    def _settle_lost_create(self, unit: Unit, member: Member, queued: Queued, found: list[Replica]) -> None:
        record_id = queued.operation.record_id
        record = unit.records([record_id]).get(record_id)
        if len(found) > 1:
            self._hold_duplicates(unit, member, queued, found)
        elif found and record is not None:
            unit.finish([queued.id])
            adopted = self._intake.adopt(member, record, found[0], queued.operation.values)
            unit.save_replicas([adopted.replica])
            self._intake.keep(unit, [adopted])
            self._context.log.info("lost_create_adopted", connection=member.name, record=record_id)
        else:
            unit.finish([queued.id])
            self._planner.replan(unit, [record_id])

    def _lost_creates(self, unit: Unit, member: Member) -> Iterator[Queued]:
        held = {one.record_id for one in unit.holds(member.name) if one.reason is HoldReason.DUPLICATE}
        for queued in unit.queue(member.name, {OperationState.UNKNOWN}):
            if queued.operation.action is Action.CREATE and queued.operation.record_id not in held:
                yield queued

    def _started_after(self, member: Member, queued: Queued) -> bool:
        attempted_at = queued.attempted_at
        if member.started_at is None or attempted_at is None:
            return attempted_at is None
        # A time yet to come is one from before our clock jumped back.
        return member.started_at > attempted_at or attempted_at > self._context.clock.now()

    def _made_by(self, member: Member, replica: Replica, queued: Queued) -> bool:
        sent = replace(replica, shadow=queued.operation.values)
        wanted, found = (entry_of_replica(self._context.kind, one, member.zone) for one in (sent, replica))
        if queued.attempted_at is not None and replica.created is not None:
            early = replica.created < queued.attempted_at - _SLACK
        else:
            early = False
        return not early and (wanted.name, wanted.day) == (found.name, found.day)

    def _made_and_edited(self, member: Member, replica: Replica, queued: Queued) -> bool:
        """Whether the replica may be the create's result with another title, or another day, given to it since by a
        person: it was created just then, and has the same title, or else the same day and the same text.
        """
        kind, values = self._context.kind, queued.operation.values
        if queued.attempted_at is None or replica.created is None:
            return False
        sent = replace(replica, shadow=values)
        wanted, found = (entry_of_replica(kind, one, member.zone) for one in (sent, replica))
        texts = {one.name for one in kind.fields if one.shape == "text" and values.get(one.name)} - {kind.label}
        same_texts = bool(texts) and all(identical(values[name], replica.shadow.get(name)) for name in texts)
        alike = wanted.name == found.name or (wanted.day == found.day and same_texts)
        return alike and abs(replica.created - queued.attempted_at) <= _SLACK

    def _hold_duplicates(self, unit: Unit, member: Member, queued: Queued, found: list[Replica]) -> None:
        unit.hold(
            self._hold(
                member,
                HoldReason.DUPLICATE,
                f"A create in {member.name} got no answer, and {len(found)} tasks there could be its result. "
                "Delete or rename all but one of them.",
                record_id=record_id,
                external_id=external_id,
                fingerprint=queued.operation.record_id,
            )
            for record_id, external_id in chain(
                [(queued.operation.record_id, None)], ((None, one.external_id) for one in found)
            )
        )

    # --- first meeting ---

    def _join(self, unit: Unit, member: Member) -> None:
        """The connection meets its group. From here on its records are everybody's, and everybody's records are its
        own.
        """
        assert member.account is not None
        if self._context.policy.first_sync == "copy":
            self._found(unit, member, self._unlinked(unit, member))
        else:
            records = unit.records_of_group(self._context.group, self._context.kind.name)
            self._apply(unit, member, self._match(unit, member, records, self._unlinked(unit, member)))
        member.met = True
        state = member.remembered or ConnectionState(
            name=member.name, identity=member.account.identity, scope=member.account.scope
        )
        member.remembered = replace(state, met_at=self._context.clock.now())
        unit.save_connection(member.remembered)
        for part in chunks(unit.records_of_group(self._context.group, self._context.kind.name)):
            replicas = unit.replicas_of([record.id for record in part])
            self._planner.replan(unit, [one.id for one in part if member.name not in replicas[one.id]])
        self._context.log.info("connection_joined", connection=member.name, group=self._context.group)

    def _rematch(self, unit: Unit, member: Member) -> None:
        """A person may have told apart what was ambiguous, by renaming or deleting: look at just that again. What a
        person said is a task of its own becomes one; what is to be left alone stays held.
        """
        holds = [hold for hold in unit.holds(member.name) if hold.reason is HoldReason.AMBIGUOUS]
        apart = [hold for hold in holds if hold.decision is Decision.APPROVED]
        unsaid = [hold for hold in holds if hold.decision is None]
        unit.release(_ids([*apart, *unsaid]))
        self._found(unit, member, self._held_replicas(unit, member, apart))
        records = [hold.record_id for hold in unsaid if hold.record_id is not None]
        present = [record for record in unit.records(records).values() if record.deleted_at is None]
        unlinked = self._held_replicas(unit, member, unsaid)
        self._apply(unit, member, self._match(unit, member, present, unlinked))
        self._planner.replan(unit, [hold.record_id for hold in (*apart, *unsaid) if hold.record_id is not None])

    def _held_replicas(self, unit: Unit, member: Member, holds: Iterable[Hold]) -> list[Replica]:
        ids = [hold.external_id for hold in holds if hold.external_id is not None]
        return [replica for replica in self._load(unit, member, ids).values() if replica.record_id is None]

    def _match(self, unit: Unit, member: Member, records: Iterable[Record], replicas: Iterable[Replica]) -> Matching:
        joining = (entry_of_replica(self._context.kind, one, member.zone) for one in replicas)
        return match(self._entries(unit, member, records), joining)

    def _entries(self, unit: Unit, member: Member, records: Iterable[Record]) -> Iterator[Entry]:
        kind, lenses = self._context.kind, member.connector.lenses(self._context.kind.name)
        for part in chunks(records):
            replicas = unit.replicas_of([record.id for record in part])
            for record in part:
                if member.name not in replicas[record.id]:
                    yield entry_of_record(kind, record.id, record.values, lenses, member.zone)

    def _apply(self, unit: Unit, member: Member, matching: Matching) -> None:
        for ambiguity in matching.ambiguous:
            unit.hold(self._hold_ambiguous(member, ambiguity))
        for part in chunks(matching.pairs):
            records = unit.records([record_id for record_id, _ in part])
            found = self._load(unit, member, [external_id for _, external_id in part])
            joined = [self._intake.join(member, records[one], found[other]) for one, other in part]
            unit.save_replicas([one.replica for one in joined])
            self._intake.keep(unit, joined)
        for ids in chunks(matching.new):
            self._found(unit, member, self._load(unit, member, ids).values())

    def _hold_ambiguous(self, member: Member, ambiguity: Ambiguity) -> Iterator[Hold]:
        message = (
            f"{len(ambiguity.replicas)} of {member.name}'s tasks and {len(ambiguity.records)} of the group's have the "
            f"same title "
            "and day, or nearly so, and nothing tells which belong together. "
            "Give them different titles or days, or delete what is superfluous."
        )
        for external_id in ambiguity.replicas:
            yield self._hold(member, HoldReason.AMBIGUOUS, message, external_id=external_id)
        for record_id in ambiguity.records:
            yield self._hold(member, HoldReason.AMBIGUOUS, message, record_id=record_id)

    def _meet_again(self, unit: Unit, member: Member) -> None:
        """New tasks found new records, but for those that look just like a record which waits to be created here: typed
        in by hand in two places meanwhile, or known to a newer mirror than this one, which was restored from a backup.
        """
        held = {hold.external_id for hold in unit.holds(member.name)}
        waiting = {
            queued.operation.record_id
            for queued in unit.queue(member.name, {OperationState.PENDING, OperationState.HELD})
            if queued.operation.action is Action.CREATE
        }
        new = (one for one in self._unlinked(unit, member) if one.external_id not in held)
        self._apply(unit, member, self._match(unit, member, unit.records(waiting).values(), new))

    # --- new tasks ---

    def _found(self, unit: Unit, member: Member, replicas: Iterable[Replica]) -> None:
        """Each of these replicas founds a record of its own."""
        for part in chunks(replicas):
            founded = [self._intake.join(member, self._empty_record(), replica) for replica in part]
            unit.save_records(one.record for one in founded)
            unit.save_replicas(one.replica for one in founded)
            self._intake.keep(unit, founded)

    def _empty_record(self) -> Record:
        return Record(id=self._context.new_id(), kind=self._context.kind.name, group=self._context.group, versions={})

    def _unlinked(self, unit: Unit, member: Member) -> Iterator[Replica]:
        return unit.unlinked(member.name, self._context.kind.name)

    def _load(self, unit: Unit, member: Member, ids: list[str]) -> dict[str, Replica]:
        return dict(unit.replicas(member.name, self._context.kind.name, ids))

    def _hold(
        self,
        member: Member,
        reason: HoldReason,
        message: str,
        *,
        record_id: str | None = None,
        external_id: str | None = None,
        fingerprint: str = "",
    ) -> Hold:
        return Hold(
            connection=member.name,
            kind=self._context.kind.name,
            reason=reason,
            message=message,
            since=self._context.clock.now(),
            record_id=record_id,
            external_id=external_id,
            fingerprint=fingerprint,
        )


def _ids(holds: Iterable[Hold]) -> list[int]:
    return [hold.id for hold in holds if hold.id is not None]
