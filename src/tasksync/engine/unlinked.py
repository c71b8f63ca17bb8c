"""Replicas that belong to no record: found in a CRM, and nobody knows yet what they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tasksync.core.record import Record, Replica
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import chunks
from tasksync.ports import Hold, HoldReason, Unit


class Unlinked:
    """The unlinked replicas of a group's connections, of one kind, and the holds that ask a person about them."""

    def __init__(self, context: Context, intake: Intake) -> None:
        self._context = context
        self._intake = intake

    def of(self, unit: Unit, member: Member) -> Iterator[Replica]:
        """All of one connection, by external id."""
        return unit.unlinked(member.name, self._context.kind.name)

    def load(self, unit: Unit, member: Member, ids: list[str]) -> dict[str, Replica]:
        """Those of these external ids that exist, linked or not."""
        return dict(unit.replicas(member.name, self._context.kind.name, ids))

    def found(self, unit: Unit, member: Member, replicas: Iterable[Replica]) -> None:
        """Each of these replicas founds a record of its own."""
        for part in chunks(replicas):
            self._intake.found(
                unit, member, [self._intake.join(member, self._empty_record(), replica) for replica in part]
            )

    def _empty_record(self) -> Record:
        return Record(id=self._context.new_id(), kind=self._context.kind.name, group=self._context.group, versions={})

    # --- holds ---

    def holds(self, unit: Unit, member: Member, reason: HoldReason) -> list[Hold]:
        """The holds of one connection for that reason."""
        return [hold for hold in unit.holds(member.name, kind=self._context.kind.name) if hold.reason is reason]

    def held(self, unit: Unit, member: Member, holds: Iterable[Hold]) -> list[Replica]:
        """Those that these holds are about."""
        ids = [hold.external_id for hold in holds if hold.external_id is not None]
        return [replica for replica in self.load(unit, member, ids).values() if replica.record_id is None]

    def hold(
        self,
        member: Member,
        reason: HoldReason,
        message: str,
        *,
        record_id: str | None = None,
        external_id: str | None = None,
        fingerprint: str = "",
    ) -> Hold:
        """A new hold, not saved yet."""
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


def ids_of(holds: Iterable[Hold]) -> list[int]:
    """Of holds that were saved."""
    return [hold.id for hold in holds if hold.id is not None]
