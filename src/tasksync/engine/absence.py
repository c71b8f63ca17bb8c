"""What a complete snapshot does not show any more (I5, I6).

Absence alone is no deletion. A replica counts as deleted when a complete snapshot of the same scope lacks it, a direct
read says that it does not exist, and not more vanished at once than `max_deletes` allows. A record that was edited
elsewhere since is created again (I11); else it is deleted everywhere, or, with `deletions: keep`, just left out where
it was deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tasksync.core.guard import DeletionLimit
from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import Observation, Record, Replica, Value, content_hash
from tasksync.core.seen import Seen
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner, chunks
from tasksync.engine.together import PARALLEL, together
from tasksync.errors import RetryLater, SkipRecord, StopConnection
from tasksync.ports import Decision, Hold, HoldReason, Revision, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What the direct reads found: records that are there after all, and replicas that are not."""

    there: tuple[Observation, ...]
    gone: tuple[Replica, ...]


class Absence:
    """Looks into what left the listings of a group."""

    def __init__(self, context: Context, planner: Planner, intake: Intake) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake

    async def settle(self, members: Sequence[Member]) -> None:
        """Look into what the complete snapshots of `members` do not show any more."""
        missing: dict[str, list[Replica]] = {}
        for member in members:
            if member.complete and member.scope_changed:
                self._lose_sight(member)
            elif member.complete:
                missing[member.name] = await self._missing(member)
            if member.complete:
                # Nobody asks for it any more, and a daemon's report keeps the member until the next turn is over.
                member.seen = Seen()
        elsewhere = self._elsewhere(missing)
        for member in members:
            if member.name not in missing:
                continue
            found = missing[member.name]
            decision = self._decide(member, found, elsewhere)
            if decision is not None:
                await self._settle(member, found, bring_back=decision is Decision.DROPPED)

    async def _missing(self, member: Member) -> list[Replica]:
        with self._context.mirror.begin() as unit:
            missing = self._unseen(unit, member)
        if missing and not self._hides_finished(member):
            # A CRM that lists unfinished records only may show that it does only now: it may have had none to list.
            await self._read(member, missing[:1])
        return [replica for replica in missing if not self._unlisted(member, replica)]

    def _unseen(self, unit: Unit, member: Member) -> list[Replica]:
        """The linked replicas that the snapshot lacks. Unlinked ones are forgotten at once."""
        kind = self._context.kind.name
        unseen: list[Replica] = []
        # What was seen has a replica by now, so as many are the same ones.
        if unit.count_replicas(member.name, kind) == member.seen.count():
            return unseen
        left = unit.external_ids(member.name, kind)
        left.difference_update(member.seen)
        for ids in chunks(left):
            replicas = unit.replicas(member.name, kind, ids).values()
            unit.drop_replicas(member.name, kind, [one.external_id for one in replicas if one.record_id is None])
            unseen += [one for one in replicas if one.record_id is not None and one.gone_at is None]
        return unseen

    def _unlisted(self, member: Member, replica: Replica) -> bool:
        """Whether the listing does not show such a replica in the first place."""
        finished = replica.shadow.get(self._context.kind.state) is True
        return finished and self._hides_finished(member)

    def _hides_finished(self, member: Member) -> bool:
        return self._context.kind.name in member.connector.capabilities.hides_finished

    def _lose_sight(self, member: Member) -> None:
        """The listing shows other records than last time because of other rights or filters. What it does not show any
        more is out of our sight and not deleted: it is left alone, here and elsewhere, until it is seen again.
        """
        with self._context.mirror.begin() as unit:
            unseen = self._unseen(unit, member)
            unit.save_replicas(replace(replica, gone_at=self._context.clock.now()) for replica in unseen)
            self._planner.replan(unit, [one.record_id for one in unseen if one.record_id is not None])
        self._context.log.warning("scope_changed", connection=member.name, out_of_sight=len(unseen))

    def _elsewhere(self, missing: Mapping[str, Sequence[Replica]]) -> set[str]:
        """The ids of missing records that some other connection still has: those that would be deleted there."""
        absent = {(name, one.record_id) for name, found in missing.items() for one in found}
        wanted = [one.record_id for found in missing.values() for one in found if one.record_id is not None]
        left: set[str] = set()
        with self._context.mirror.begin() as unit:
            for part in chunks(dict.fromkeys(wanted)):
                for record_id, replicas in unit.replicas_of(part).items():
                    if any(one.gone_at is None and (name, record_id) not in absent for name, one in replicas.items()):
                        left.add(record_id)
        return left

    def _decide(self, member: Member, missing: Sequence[Replica], elsewhere: set[str]) -> Decision | None:
        """Whether so many may be deleted at once: approved when it is within the limit or a person said so, dropped
        when a person said no, None while that is open. The hold goes when the records are back, or gone everywhere.
        """
        policy, harmful = self._context.policy, [one for one in missing if one.record_id in elsewhere]
        limit = DeletionLimit(count=0) if self._context.kind.takes_along else policy.max_deletes
        with self._context.mirror.begin() as unit:
            known = unit.count_replicas(member.name, self._context.kind.name)
            decision: Decision | None = Decision.APPROVED
            if not policy.allow_deletes and not limit.allows(len(harmful), known):
                unit.hold([self._hold(member, harmful, known)])
                (decision,) = (one.decision for one in self._holds(unit, member))
            if decision is not None:
                unit.release([one.id for one in self._holds(unit, member) if one.id is not None])
                return decision
        self._context.log.warning("deletions_held", connection=member.name, missing=len(harmful), known=known)
        return None

    def _holds(self, unit: Unit, member: Member) -> list[Hold]:
        return [
            one for one in unit.holds(member.name, kind=self._context.kind.name) if one.reason is HoldReason.DELETIONS
        ]

    def _hold(self, member: Member, missing: Sequence[Replica], known: int) -> Hold:
        kind = self._context.kind
        why = "at once, more than max_deletes allows"
        if kind.takes_along:
            why = f"and a CRM deletes the tasks of a {kind.name} along with it"
        return Hold(
            connection=member.name,
            kind=kind.name,
            reason=HoldReason.DELETIONS,
            message=f"{len(missing)} of {known} {kind.name}s have vanished from {member.name} {why}, so none of them "
            "was deleted elsewhere. If they were deleted on purpose: tasksync holds approve. To have them created "
            "there again: tasksync holds drop. Else find out what hides them; the hold goes when they are back.",
            since=self._context.clock.now(),
            fingerprint=content_hash({one.external_id: True for one in missing}),
        )

    async def _settle(self, member: Member, missing: Sequence[Replica], *, bring_back: bool) -> None:
        for part in chunks(missing):
            asked_at = self._context.clock.now()
            reading = await self._read(member, part)
            with self._context.mirror.begin() as unit:
                self._intake.take(unit, member, reading.there, asked_at=asked_at, answered_at=self._context.clock.now())
                if bring_back:
                    self._forget(unit, member, reading.gone)
                else:
                    self._delete(unit, member, reading.gone)

    async def _read(self, member: Member, missing: Sequence[Replica]) -> _Reading:
        """Ask for each directly. One that cannot be read now is left for the next cycle."""
        gate = asyncio.Semaphore(PARALLEL)

        async def read(replica: Replica) -> Observation | Replica | None:
            async with gate:
                try:
                    found = await member.connector.read(self._context.kind.name, replica.external_id)
                except (RetryLater, StopConnection, SkipRecord) as error:
                    self._context.log.warning("read_failed", connection=member.name, error=self._context.words(error))
                    return None
            return replica if found is None else self._finished(member, found)

        results = await together(read(replica) for replica in missing)
        return _Reading(
            there=tuple(one for one in results if isinstance(one, Observation)),
            gone=tuple(one for one in results if isinstance(one, Replica)),
        )

    def _finished(self, member: Member, found: Observation) -> Observation:
        """Where the listing shows unfinished records only, one that left it and still exists is finished."""
        if not self._hides_finished(member):
            return found
        return replace(found, values={**found.values, self._context.kind.state: True})

    def _forget(self, unit: Unit, member: Member, gone: Sequence[Replica]) -> None:
        """The records have no replica here any more, so one is planned."""
        unit.drop_replicas(member.name, self._context.kind.name, [replica.external_id for replica in gone])
        self._planner.replan(unit, [replica.record_id for replica in gone if replica.record_id is not None])

    def _delete(self, unit: Unit, member: Member, gone: Sequence[Replica]) -> None:
        kind, now = self._context.kind, self._context.clock.now()
        record_ids = [replica.record_id for replica in gone if replica.record_id is not None]
        records = unit.records(record_ids)
        seen_at = {replica.record_id: replica.seen_at for replica in gone}
        waiting = {queued.operation.record_id for queued in unit.queue(member.name)}
        if self._context.policy.deletions == "keep":
            unit.save_replicas(replace(replica, gone_at=now) for replica in gone)
        else:
            unit.drop_replicas(member.name, kind.name, [replica.external_id for replica in gone])
            deleted = [
                record
                for record in records.values()
                if record.deleted_at is None
                and record.id not in waiting
                and not self._edited_unseen(member, record, seen_at[record.id])
            ]
            unit.save_records(replace(record, deleted_at=now) for record in deleted)
            unit.add_revisions(
                (
                    Revision(
                        record_id=record.id,
                        field="deleted",
                        old=False,
                        new=True,
                        at=now,
                        estimated=True,
                        connection=member.name,
                        reason=f"deleted in {member.name}",
                    )
                    for record in deleted
                ),
                self._context.run,
                at=now,
            )
        self._planner.replan(unit, record_ids)
        if gone:
            self._context.log.info("deletions_found", connection=member.name, count=len(gone))

    def _edited_unseen(self, member: Member, record: Record, seen_at: datetime) -> bool:
        """Whether the record was edited since the member's last poll (the replica was seen at `seen_at`, when there was
        none) in a field of which this CRM shows nothing. Other edits that whoever deleted it cannot have seen still
        wait to be sent.
        """
        polled_at = None if member.remembered is None else member.remembered.polled_at
        lenses = member.lenses(self._context.kind)
        return any(
            version.at > (polled_at or seen_at) and _shows_nothing(lenses.get(name), version.value)
            for name, version in record.versions.items()
            if version.connection != member.name
        )


def _shows_nothing(lens: Lens | None, value: Value) -> bool:
    return lens is None or lens.fixed or lens.get(value) is KEEP
