"""Plans records within a unit of the mirror, many at a time, so that mirror and outbox never disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from tasksync.core.guard import oscillates
from tasksync.core.plan import Action, Gap, Missing, Operation, plan, remaining
from tasksync.core.record import Record, Replica
from tasksync.engine.member import Context, Member
from tasksync.ports import Decision, Hold, HoldReason, OperationState, Unit

CHUNK = 500
"""How many records are held in memory at once."""

_DOUBTFUL = frozenset({OperationState.SENDING, OperationState.UNKNOWN})
_BARRING = frozenset({HoldReason.AMBIGUOUS, HoldReason.DUPLICATE})
T = TypeVar("T")


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


class Planner:
    """Keeps the outbox equal to the plan of every record it is asked about."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def replan(self, unit: Unit, record_ids: Collection[str]) -> None:
        """Plan these records anew, against the mirror as it stands in `unit`."""
        for part in chunks(record_ids):
            self._replan(unit, part, unit.records(part))

    def replan_loaded(self, unit: Unit, records: Iterable[Record]) -> None:
        """Plan these anew, which are as the mirror has them."""
        for part in chunks(records):
            known = {record.id: record for record in part}
            self._replan(unit, list(known), known)

    def follow_up(self, unit: Unit, member: Member, written: Sequence[tuple[Record, Replica]]) -> None:
        """Plan anew those of these records of which there is still something to do, after a write that changed nothing
        but the member's replica. All that was planned for other connections stands; so does a record of which nothing
        waits here, nothing is held, and of which there is nothing more to do here.
        """
        ids, now = [record.id for record, _ in written], self._context.clock.now()
        open_ = {queued.operation.record_id for queued in unit.queue(member.name, records=ids)}
        open_ |= {hold.record_id for hold in unit.holds(records=ids) if hold.record_id is not None}
        view = member.view(self._context.kind, now)
        for record, replica in written:
            if any(remaining(self._context.kind, record, replica, view)):
                open_.add(record.id)
        self.replan(unit, list(open_))

    def _replan(self, unit: Unit, record_ids: list[str], records: Mapping[str, Record]) -> None:
        context, now = self._context, self._context.clock.now()
        views = [member.view(context.kind, now) for member in context.members if member.has(context.kind)]
        holds = unit.holds(records=record_ids)
        barred = self._barred(unit, record_ids, holds)
        replicas = unit.replicas_of(record_ids)
        operations: list[Operation] = []
        missing: list[Missing] = []
        gaps: list[Gap] = []
        for record in records.values():
            made = plan(
                context.kind,
                record,
                replicas[record.id],
                views,
                horizon=now - context.policy.completed_horizon,
                barred=barred[record.id],
            )
            operations += made.operations
            missing += made.missing
            gaps += made.gaps
        self._tell(unit.replace_gaps(record_ids, gaps))
        operations = self._without_oscillating(unit, holds, replicas, operations)
        unit.replace_pending(context.kind.name, record_ids, operations, at=now)
        self._hold_missing(unit, holds, missing)

    def _barred(self, unit: Unit, record_ids: list[str], holds: Iterable[Hold]) -> dict[str, set[str]]:
        """Where a record must not be created: a person has to decide first, or an earlier create may have worked."""
        barred: dict[str, set[str]] = defaultdict(set)
        for hold in holds:
            apart = hold.reason is HoldReason.AMBIGUOUS and hold.decision is Decision.APPROVED
            if hold.record_id is not None and hold.reason in _BARRING and not apart:
                barred[hold.record_id].add(hold.connection)
        for queued in unit.queue(states=_DOUBTFUL, records=record_ids):
            if queued.operation.action is Action.CREATE:
                barred[queued.operation.record_id].add(queued.operation.connection)
        return barred

    def _without_oscillating(
        self,
        unit: Unit,
        holds: Iterable[Hold],
        replicas: Mapping[str, Mapping[str, Replica]],
        operations: Sequence[Operation],
    ) -> list[Operation]:
        """The operations, but for those to replicas that are written to and fro; these are held. The hold goes when
        there is nothing to write there any more.
        """
        held: dict[tuple[str, str], Hold] = {}
        for one in operations:
            replica = replicas[one.record_id].get(one.connection)
            if replica is not None and one.action is not Action.DELETE and oscillates(replica.wrote):
                held[one.connection, one.record_id] = self._to_and_fro(one)
        over = [
            hold.id
            for hold in holds
            if hold.reason is HoldReason.OSCILLATING
            and (hold.connection, hold.record_id) not in held
            and hold.id is not None
        ]
        unit.release(over)
        unit.hold(held.values())
        return [one for one in operations if (one.connection, one.record_id) not in held]

    def _to_and_fro(self, operation: Operation) -> Hold:
        return Hold(
            connection=operation.connection,
            kind=operation.kind,
            reason=HoldReason.OSCILLATING,
            message=f"This {operation.kind} was written to {operation.connection} over and over with the same content, "
            "because something changes it back there or in another CRM each time. Find out which automation does that; "
            "then tasksync holds approve.",
            since=self._context.clock.now(),
            record_id=operation.record_id,
        )

    def _hold_missing(self, unit: Unit, holds: Iterable[Hold], missing: list[Missing]) -> None:
        still = {(one.connection, one.record_id) for one in missing}
        stale = [
            hold.id
            for hold in holds
            if hold.reason is HoldReason.DEFAULT_NEEDED
            and not hold.fingerprint
            and (hold.connection, hold.record_id) not in still
            and hold.id is not None
        ]
        unit.release(stale)
        unit.hold(self._needs(one) for one in missing)

    def _needs(self, missing: Missing) -> Hold:
        wanted = " and ".join(missing.fields)
        return Hold(
            connection=missing.connection,
            kind=self._context.kind.name,
            reason=HoldReason.DEFAULT_NEEDED,
            message=f"{missing.connection} stores no {self._context.kind.name} without {wanted}, which this one lacks. "
            f"Give it one, or set a default under connections.{missing.connection}.defaults in the config.",
            since=self._context.clock.now(),
            record_id=missing.record_id,
        )

    def _tell(self, gaps: Iterable[Gap]) -> None:
        for gap in gaps:
            self._context.log.warning("gap_found", connection=gap.connection, field=gap.field, value=gap.value)
