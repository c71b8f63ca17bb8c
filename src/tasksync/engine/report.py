"""What a cycle did, or would do, as data: for the table, for `--json`, for the mirror."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasksync.core.plan import Action
from tasksync.core.record import Value
from tasksync.engine.member import Member
from tasksync.errors import ExitCode
from tasksync.ports import Conflict, Cost, Hold, HoldReason, Mirror, OperationState, RunReport, Traffic, Unit

WITH_OPERATION = frozenset({HoldReason.DEFAULT_NEEDED, HoldReason.REFUSED})
"""Holds that stand for an operation which waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedWrite:
    """One line of the plan that `--dry-run` prints. `fields` are remote forms."""

    connection: str
    action: Action
    record: str
    external_id: str | None
    title: str
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleReport:
    """What a cycle did, or would do: then `plan` is not None. `holds` are those that a person has not decided yet.
    `changed`: how many records an observation changed. `cost`: what it took, which varies from run to run.
    """

    run: str
    started_at: datetime
    finished_at: datetime
    members: tuple[Member, ...]
    conflicts: tuple[Conflict, ...]
    changed: int
    holds: tuple[Hold, ...]
    plan: tuple[PlannedWrite, ...] | None
    cost: Cost

    @property
    def exit_code(self) -> ExitCode:
        """What the run comes to."""
        codes = {code for member in self.members if member.selected for code in member.exit_codes}
        return ExitCode.worst(codes | {ExitCode.HELD} if self.holds else codes)

    @property
    def requests(self) -> int:
        """Requests sent to all connections."""
        return sum(member.requests for member in self.members)

    @property
    def traffic(self) -> Traffic:
        """What they and their answers came to."""
        return sum((member.traffic for member in self.members), Traffic())

    @property
    def quiet(self) -> bool:
        """Whether nothing has happened."""
        return not (
            self.changed or self.conflicts or any(member.tally.wrote or member.tally.failed for member in self.members)
        )

    def instead_of(self, last: CycleReport | None) -> str | None:
        """The run that this one stands for as well, in the mirror: one after the other in which nothing happened, and
        with the same outcome. A daemon makes millions of those.
        """
        alike = last is not None and last.quiet and self.quiet and last.exit_code == self.exit_code
        return last.run if last is not None and alike else None

    def summary(self) -> dict[str, Any]:
        """The object of `--json` (design.md 8), without the plan."""
        return {
            "run": self.run,
            "started_at": _stamp(self.started_at),
            "finished_at": _stamp(self.finished_at),
            "exit_code": int(self.exit_code),
            "dry_run": self.plan is not None,
            "connections": {member.name: _member(member) for member in self.members if member.selected},
            "conflicts": len(self.conflicts),
            "holds": len(self.holds),
            "cost": self.cost.as_dict(),
        }

    def as_run(self) -> RunReport:
        """As the mirror remembers it."""
        return RunReport(
            id=self.run,
            started_at=self.started_at,
            finished_at=self.finished_at,
            exit_code=int(self.exit_code),
            summary=self.summary(),
        )


def planned(mirror: Mirror, members: Sequence[Member], kinds: Collection[str]) -> tuple[PlannedWrite, ...]:
    """The outbox as it would be pushed, counted in the members' tallies as if it had been. Of other `kinds`, which were
    kept in step once, nothing is pushed.
    """
    lines: list[PlannedWrite] = []
    with mirror.begin() as unit:
        for member in members:
            if member.account is None:
                continue
            queue = [one for one in unit.queue(member.name, {OperationState.PENDING}) if one.operation.kind in kinds]
            replicas = unit.replicas_of([queued.operation.record_id for queued in queue])
            for operation in (queued.operation for queued in queue):
                replica = replicas[operation.record_id].get(member.name)
                member.tally.count(operation.action)
                lines.append(
                    PlannedWrite(
                        connection=member.name,
                        action=operation.action,
                        record=operation.record_id,
                        external_id=None if replica is None else replica.external_id,
                        title=operation.title,
                        fields=operation.values,
                    )
                )
    return tuple(lines)


def release_settled(unit: Unit) -> None:
    """Release the holds whose operation does not wait any more."""
    waiting = {
        (queued.operation.connection, queued.operation.record_id) for queued in unit.queue(states={OperationState.HELD})
    }
    unit.release(
        [
            hold.id
            for hold in unit.holds()
            if hold.fingerprint
            and hold.reason in WITH_OPERATION
            and (hold.connection, hold.record_id) not in waiting
            and hold.id is not None
        ]
    )


def count_waiting(
    unit: Unit, members: Sequence[Member], holds: Sequence[Hold], kinds: Collection[str], *, dry_run: bool
) -> None:
    """Put into the members' tallies what is held and what of these `kinds` still waits. What follows a held operation
    waits for a person, too. After a dry run nothing waits: all of it is planned.
    """
    held = Counter(hold.connection for hold in holds)
    waiting = {} if dry_run else unit.unheld()
    for member in members:
        member.tally.held = held[member.name]
        member.tally.pending = sum(waiting.get((member.name, kind), 0) for kind in kinds)


def _member(member: Member) -> dict[str, Any]:
    tally, traffic = member.tally.as_dict(), member.traffic
    return {
        "state": str(member.state),
        "read": tally.pop("read"),
        "requests": member.requests,
        "received_bytes": traffic.received_bytes,
        "sent_bytes": traffic.sent_bytes,
        **tally,
        "error": member.error,
    }


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
