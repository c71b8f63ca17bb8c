"""What a complete snapshot does not show any more (I5, I6).

Absence alone is no deletion. A replica counts as deleted when a complete snapshot of the same scope lacks it, a direct
read says that it does not exist, and not more vanished at once than `max_deletes` allows. A record that was edited
elsewhere since is created again (I11); else it is deleted everywhere, or, with `deletions: keep`, just left out where
it was deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasksync.core.record import Observation, Replica
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner, chunks
from tasksync.engine.together import together
from tasksync.errors import RetryLater, SkipRecord, StopConnection
from tasksync.ports import Hold, HoldReason, Revision, Unit

_PARALLEL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What the direct reads found: records that are there after all, and replicas that are not."""

    there: tuple[Observation, ...]
    gone: tuple[Replica, ...]


class Absence:
    """Looks into what left the listing of a connection."""

    def __init__(self, context: Context, planner: Planner, intake: Intake) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake

    async def settle(self, member: Member) -> None:
        """Nothing happens unless the snapshot is complete and its scope is the one of last time."""
        if not member.complete or member.scope_changed:
            return
        with self._context.mirror.begin() as unit:
            missing, _ = self._missing(unit, member)
        # A CRM that lists unfinished records only may show that it does only now: the account may have none to list.
        await self._read(member, missing[:1])
        with self._context.mirror.begin() as unit:
            missing, known = self._missing(unit, member)
            suspicious = not self._context.policy.allow_deletes and not self._context.policy.max_deletes.allows(
                len(missing), known
            )
            self._hold(unit, member, len(missing) if suspicious else 0, known)
        if suspicious:
            self._context.log.warning("deletions_held", connection=member.name, missing=len(missing), known=known)
            return
        for part in chunks(missing):
            asked_at = self._context.clock.now()
            reading = await self._read(member, part)
            with self._context.mirror.begin() as unit:
                self._intake.take(unit, member, reading.there, asked_at=asked_at, answered_at=self._context.clock.now())
                self._delete(unit, member, reading.gone)

    def _missing(self, unit: Unit, member: Member) -> tuple[list[Replica], int]:
        """The linked replicas that the snapshot lacks, and how many replicas the connection has in all. Unlinked ones
        are forgotten at once.
        """
        kind = self._context.kind
        known = unit.external_ids(member.name, kind.name)
        missing: list[Replica] = []
        for ids in chunks(known - member.seen):
            replicas = unit.replicas(member.name, kind.name, ids).values()
            unlinked = [one.external_id for one in replicas if one.record_id is None]
            unit.drop_replicas(member.name, kind.name, unlinked)
            missing += [one for one in replicas if one.record_id is not None and not self._unlisted(member, one)]
        return missing, len(known)

    def _unlisted(self, member: Member, replica: Replica) -> bool:
        """Whether the listing does not show such a replica in the first place."""
        if replica.gone_at is not None:
            return True
        finished = replica.shadow.get(self._context.kind.state) is True
        return finished and not member.connector.capabilities.lists_finished

    def _hold(self, unit: Unit, member: Member, missing: int, known: int) -> None:
        """Hold the deletions, or release them: the records are back, or few enough are missing."""
        if not missing:
            unit.release(
                [
                    hold.id
                    for hold in unit.holds(member.name)
                    if hold.reason is HoldReason.DELETIONS and hold.id is not None
                ]
            )
            return
        message = (
            f"{missing} of {known} tasks have vanished from {member.name} at once, more than max_deletes allows, so "
            f"none of them was deleted "
            f"elsewhere. If they were deleted on purpose: tasksync sync --once --allow-deletes --only {member.name}. "
            "If not, find out what hides them; the hold goes when they are back."
        )
        unit.hold(
            [
                Hold(
                    connection=member.name,
                    kind=self._context.kind.name,
                    reason=HoldReason.DELETIONS,
                    message=message,
                    since=self._context.clock.now(),
                )
            ]
        )

    async def _read(self, member: Member, missing: Sequence[Replica]) -> _Reading:
        """Ask for each directly. One that cannot be read now is left for the next cycle."""
        gate = asyncio.Semaphore(_PARALLEL)

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
        if member.connector.capabilities.lists_finished:
            return found
        return replace(found, values={**found.values, self._context.kind.state: True})

    def _delete(self, unit: Unit, member: Member, gone: Sequence[Replica]) -> None:
        kind, now = self._context.kind, self._context.clock.now()
        record_ids = [replica.record_id for replica in gone if replica.record_id is not None]
        records = unit.records(record_ids)
        waiting = {queued.operation.record_id for queued in unit.queue(member.name)}
        if self._context.policy.deletions == "keep":
            unit.save_replicas(replace(replica, gone_at=now) for replica in gone)
        else:
            unit.drop_replicas(member.name, kind.name, [replica.external_id for replica in gone])
            deleted = [one for one in records.values() if one.deleted_at is None and one.id not in waiting]
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
            )
        self._planner.replan(unit, record_ids)
        if gone:
            self._context.log.info("deletions_found", connection=member.name, count=len(gone))
