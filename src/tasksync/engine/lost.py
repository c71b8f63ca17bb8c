"""What became of operations whose answer was lost (design.md 5.3).

Only a complete snapshot that was started after the attempt tells. A lost update was carried out or not: what is still
to do is planned anew. A lost create is looked for among the unlinked replicas:

=================== =====================================================================
found               becomes of the create
=================== =====================================================================
exactly one         it is what the create made: adopted
more than one       held, and never sent again by itself
none                sent again
=================== =====================================================================

A replica may be what the create made if it has the title and the day that were sent. One that was there before is none,
because it would have been linked with the record instead (see `meet`), unless a person is being asked about it. A
person may have changed the title or the day since; then it must have been created just at the time of the attempt, by
the CRM's own clock, and still have the title, or else the day and the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from tasksync.core.match import entry_of_replica
from tasksync.core.plan import Action
from tasksync.core.record import Replica, identical
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner
from tasksync.engine.unlinked import Unlinked, ids_of
from tasksync.ports import Decision, HoldReason, OperationState, Queued, Unit

_SLACK = timedelta(minutes=2)
"""How far from our attempt a replica may have been created and be its result, though a person has edited it since: a
request may take its time, stamps have a resolution of a second, and a clock difference is measured, not known.
"""


class LostAnswers:
    """Settles what a poll tells of lost answers, one connection after another."""

    def __init__(self, context: Context, planner: Planner, intake: Intake, unlinked: Unlinked) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake
        self._unlinked = unlinked

    def settle(self, unit: Unit, member: Member) -> None:
        """Settle what became of operations whose answer was lost, as far as this poll tells."""
        if member.complete:
            self._settle_writes(unit, member)
            self._heed_duplicates(unit, member)
            self._settle_creates(unit, member)

    def creates(self, unit: Unit, member: Member) -> Iterator[Queued]:
        """The creates that are still in doubt, but for those that a person is being asked about."""
        held = {one.record_id for one in self._unlinked.holds(unit, member, HoldReason.DUPLICATE)}
        for queued in self._doubtful(unit, member):
            if queued.operation.action is Action.CREATE and queued.operation.record_id not in held:
                yield queued

    def _doubtful(self, unit: Unit, member: Member) -> Sequence[Queued]:
        return unit.queue(member.name, {OperationState.UNKNOWN}, kind=self._context.kind.name)

    def _started_after(self, member: Member, queued: Queued) -> bool:
        attempted_at = queued.attempted_at
        if member.started_at is None or attempted_at is None:
            return attempted_at is None
        # A time yet to come is one from before our clock jumped back.
        return member.started_at > attempted_at or attempted_at > self._context.clock.now()

    # --- updates ---

    def _settle_writes(self, unit: Unit, member: Member) -> None:
        over = [
            queued
            for queued in self._doubtful(unit, member)
            if queued.operation.action is not Action.CREATE and self._started_after(member, queued)
        ]
        unit.finish([queued.id for queued in over])
        self._planner.replan(unit, list({queued.operation.record_id for queued in over}))

    # --- creates ---

    def _heed_duplicates(self, unit: Unit, member: Member) -> None:
        """Look at possible duplicates anew, unless a person has said what they are: tasks of their own, and the create
        is sent once more (approved) or never (dropped).
        """
        holds = self._unlinked.holds(unit, member, HoldReason.DUPLICATE)
        said = {hold.fingerprint for hold in holds if hold.decision is not None}
        unit.release(ids_of(one for one in holds if one.decision is not Decision.DROPPED or one.record_id is None))
        told_apart = [one for one in holds if one.fingerprint in said]
        self._unlinked.found(unit, member, self._unlinked.held(unit, member, told_apart))
        settled = [one for one in self._doubtful(unit, member) if one.operation.record_id in said]
        unit.finish([queued.id for queued in settled])
        self._planner.replan(unit, [queued.operation.record_id for queued in settled])

    def _settle_creates(self, unit: Unit, member: Member) -> None:
        lost = [queued for queued in self.creates(unit, member) if self._started_after(member, queued)]
        if not lost:
            return
        asked = {one.external_id for one in self._unlinked.holds(unit, member, HoldReason.AMBIGUOUS)}
        candidates = {one.external_id: one for one in self._unlinked.of(unit, member) if one.external_id not in asked}
        for made in (self._made, self._made_and_edited):
            for queued in tuple(lost):
                if found := [one for one in candidates.values() if made(member, one, queued)]:
                    lost.remove(queued)
                    self._settle_create(unit, member, queued, found)
                    for one in found:
                        del candidates[one.external_id]
        for queued in lost:
            self._settle_create(unit, member, queued, [])

    def _settle_create(self, unit: Unit, member: Member, queued: Queued, found: Sequence[Replica]) -> None:
        record_id = queued.operation.record_id
        record = unit.records([record_id]).get(record_id)
        if len(found) > 1:
            self._hold(unit, member, queued, found)
        elif found and record is not None:
            unit.finish([queued.id])
            adopted = self._intake.adopt(
                member, record, found[0], queued.operation.values, attempted_at=queued.attempted_at
            )
            unit.save_replicas([adopted.replica])
            self._intake.keep(unit, [adopted])
            self._context.log.info("lost_create_adopted", connection=member.name, record=record_id)
        else:
            unit.finish([queued.id])
            self._planner.replan(unit, [record_id])

    def _made(self, member: Member, replica: Replica, queued: Queued) -> bool:
        sent = replace(replica, shadow=queued.operation.values)
        wanted, found = (entry_of_replica(self._context.kind, one, member.zone) for one in (sent, replica))
        return (wanted.name, wanted.day) == (found.name, found.day)

    def _made_and_edited(self, member: Member, replica: Replica, queued: Queued) -> bool:
        kind, values = self._context.kind, queued.operation.values
        if queued.attempted_there is None or replica.created is None:
            return False
        sent = replace(replica, shadow=values)
        wanted, found = (entry_of_replica(kind, one, member.zone) for one in (sent, replica))
        texts = {one.name for one in kind.fields if one.shape == "text" and values.get(one.name)} - {kind.label}
        same_texts = bool(texts) and all(identical(values[name], replica.shadow.get(name)) for name in texts)
        alike = wanted.name == found.name or (wanted.day == found.day and same_texts)
        created_there = replica.created + member.connector.clock_difference
        return alike and abs(created_there - queued.attempted_there) <= _SLACK

    def _hold(self, unit: Unit, member: Member, queued: Queued, found: Sequence[Replica]) -> None:
        message = (
            f"A create in {member.name} got no answer, and {len(found)} tasks there could be its result. "
            "Say which it is (tasksync link), or delete or rename all but one of them."
        )
        record_id = queued.operation.record_id
        unit.hold(
            self._unlinked.hold(
                member,
                HoldReason.DUPLICATE,
                message,
                record_id=about,
                external_id=external_id,
                fingerprint=record_id,
            )
            for about, external_id in chain([(record_id, None)], ((None, one.external_id) for one in found))
        )
