"""What becomes of replicas that belong to no record, once a poll is over and lost creates are settled (see `lost`).

One may have a counterpart when two accounts meet for the first time (design.md 6); else it is a new task, and becomes a
new record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tasksync.core.match import Ambiguity, Entry, Matching, entry_of_record, entry_of_replica, match
from tasksync.core.plan import Action
from tasksync.core.record import Record, Replica
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner, chunks
from tasksync.engine.unlinked import Unlinked, ids_of
from tasksync.ports import Decision, Hold, HoldReason, Unit


class Meeting:
    """Settles the unlinked replicas of one connection after another, in the order of the config."""

    def __init__(self, context: Context, planner: Planner, intake: Intake, unlinked: Unlinked) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake
        self._unlinked = unlinked

    def settle(self, unit: Unit, member: Member) -> None:
        """Settle what this poll left. A connection that was never met joins the group only with a complete snapshot."""
        if member.met:
            if self._unlinked.holds(unit, member, HoldReason.AMBIGUOUS):
                self._rematch(unit, member)
            self._meet_again(unit, member)
        elif member.complete:
            self._join(unit, member)

    # --- first meeting ---

    def _join(self, unit: Unit, member: Member) -> None:
        """The connection meets its group. From here on its records are everybody's, and everybody's records are its
        own.
        """
        if self._context.policy.first_sync == "copy":
            self._unlinked.found(unit, member, self._unlinked.of(unit, member))
        else:
            records = unit.records_of_group(self._context.group, self._context.kind.name)
            self._apply(unit, member, self._match(unit, member, records, self._unlinked.of(unit, member)))
        member.met = True
        assert member.remembered is not None
        member.remembered = replace(member.remembered, met_at=self._context.clock.now())
        unit.save_connection(member.remembered)
        for part in chunks(unit.records_of_group(self._context.group, self._context.kind.name)):
            replicas = unit.replicas_of([record.id for record in part])
            self._planner.replan(unit, [one.id for one in part if member.name not in replicas[one.id]])
        self._context.log.info("connection_joined", connection=member.name, group=self._context.group)

    def _rematch(self, unit: Unit, member: Member) -> None:
        """A person may have told apart what was ambiguous, by renaming or deleting: look at just that again. What a
        person said is a task of its own becomes one; what is to be left alone stays held.
        """
        holds = self._unlinked.holds(unit, member, HoldReason.AMBIGUOUS)
        apart = [hold for hold in holds if hold.decision is Decision.APPROVED]
        unsaid = [hold for hold in holds if hold.decision is None]
        unit.release(ids_of([*apart, *unsaid]))
        self._unlinked.found(unit, member, self._unlinked.held(unit, member, apart))
        records = [hold.record_id for hold in unsaid if hold.record_id is not None]
        present = [record for record in unit.records(records).values() if record.deleted_at is None]
        unlinked = self._unlinked.held(unit, member, unsaid)
        self._apply(unit, member, self._match(unit, member, present, unlinked))
        self._planner.replan(unit, [hold.record_id for hold in (*apart, *unsaid) if hold.record_id is not None])

    def _match(self, unit: Unit, member: Member, records: Iterable[Record], replicas: Iterable[Replica]) -> Matching:
        joining = (entry_of_replica(self._context.kind, one, member.zone) for one in replicas)
        return match(self._entries(unit, member, records), joining)

    def _entries(self, unit: Unit, member: Member, records: Iterable[Record]) -> Iterator[Entry]:
        kind, lenses = self._context.kind, member.lenses(self._context.kind)
        for part in chunks(records):
            replicas = unit.replicas_of([record.id for record in part])
            for record in part:
                if member.name not in replicas[record.id]:
                    yield entry_of_record(kind, record.id, record.values, lenses, member.zone)

    def _apply(self, unit: Unit, member: Member, matching: Matching) -> None:
        for ambiguity in matching.ambiguous:
            unit.hold(self._hold_ambiguous(member, ambiguity))
            # One of them may wait to be created here already.
            self._planner.replan(unit, ambiguity.records)
        for part in chunks(matching.pairs):
            records = unit.records([record_id for record_id, _ in part])
            found = self._unlinked.load(unit, member, [external_id for _, external_id in part])
            joined = [self._intake.join(member, records[one], found[other]) for one, other in part]
            unit.save_replicas([one.replica for one in joined])
            self._intake.keep(unit, joined)
        for ids in chunks(matching.new):
            self._unlinked.found(unit, member, self._unlinked.load(unit, member, ids).values())

    def _hold_ambiguous(self, member: Member, ambiguity: Ambiguity) -> Iterator[Hold]:
        message = (
            f"{len(ambiguity.replicas)} of {member.name}'s tasks and {len(ambiguity.records)} of the group's have the "
            "same title and day, or nearly so, and nothing tells which belong together. "
            "Say which are one (tasksync link), give them different titles or days, or delete what is superfluous."
        )
        for external_id in ambiguity.replicas:
            yield self._unlinked.hold(member, HoldReason.AMBIGUOUS, message, external_id=external_id)
        for record_id in ambiguity.records:
            yield self._unlinked.hold(member, HoldReason.AMBIGUOUS, message, record_id=record_id)

    def _meet_again(self, unit: Unit, member: Member) -> None:
        """New tasks found new records, but for those that look just like a record which waits to be created here: typed
        in by hand in two places meanwhile, or known to a newer mirror than this one, which was restored from a backup.
        """
        held = {hold.external_id for hold in unit.holds(member.name, kind=self._context.kind.name)}
        new = (one for one in self._unlinked.of(unit, member) if one.external_id not in held)
        self._apply(unit, member, self._match(unit, member, self._waiting(unit, member), new))

    def _waiting(self, unit: Unit, member: Member) -> Iterator[Record]:
        """The records that wait to be created there."""
        for part in chunks(unit.waiting_records(member.name, self._context.kind.name, Action.CREATE)):
            yield from unit.records(part).values()
