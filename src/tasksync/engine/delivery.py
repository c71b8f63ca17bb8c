"""Delivers operations: a read just before the write (but for a create), the write, a note of what came of it.

A replica that is not what the plan assumed when it is read is taken in as an observation and planned anew, instead of
being written; nor is anything written that was planned anew for another reason meanwhile. An answer becomes the new
shadow; the record is planned again, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from tasksync.core.diff import Window, written
from tasksync.core.guard import noted
from tasksync.core.plan import Action, Operation
from tasksync.core.record import NOTHING, Observation, Replica, content_hash, encode
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner
from tasksync.errors import (
    AnswerLost,
    DefaultNeeded,
    RetryLater,
    ServerFault,
    SkipRecord,
    StopConnection,
    TasksyncError,
    Vanished,
)
from tasksync.ports import Hold, HoldReason, OperationState, Queued, Unit

Answer: TypeAlias = Observation | TasksyncError | None
"""What came of a request: what the server shows or made of the record, an error, or None: it is not there (any more).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An operation on its way, with the replica it changes, and what a read just before the write showed (a create has
    neither). `asked_at`: when the last of its requests was sent.
    """

    queued: Queued
    asked_at: datetime
    replica: Replica | None = None
    before: Observation | None = None

    @property
    def operation(self) -> Operation:
        """What is to be done."""
        return self.queued.operation


class Fate(Enum):
    """What became of a job.

    ========= ============================================================
    WRITTEN   the answer is what the server made of it
    STALE     not sent: the answer is what a read showed instead
    FAILED    the answer is an error
    LEFT      not sent, because nothing is sent any more; there is no answer
    ========= ============================================================
    """

    WRITTEN = "written"
    STALE = "stale"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A job that is over."""

    job: Job
    fate: Fate
    answer: Answer = None


class Delivery:
    """To one connection. What has a unit notes something; what is awaited sends requests and notes nothing."""

    def __init__(self, context: Context, planner: Planner, intake: Intake, member: Member) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake
        self._member = member

    def begin(self, unit: Unit, operations: Sequence[Queued]) -> list[Job]:
        """Mark those that are possible as being sent (there is a replica to change, or none yet to be created). That
        has to be committed before any of them goes out: after a crash they are known to be doubtful.
        """
        now = self._context.clock.now()
        replicas = unit.replicas_of([queued.operation.record_id for queued in operations], self._member.name)
        jobs = [
            Job(queued=one, asked_at=now, replica=replicas[one.operation.record_id].get(self._member.name))
            for one in operations
        ]
        possible = [job for job in jobs if (job.replica is None) is (job.operation.action is Action.CREATE)]
        there = now + self._member.connector.clock_difference
        unit.mark([job.queued.id for job in possible], OperationState.SENDING, at=now, there=there)
        return possible

    async def carry_out(self, job: Job, wanted: Callable[[], bool]) -> Arrival:
        """Read, if there is something to read, and write, unless it is not `wanted` any more."""
        if not wanted():
            return Arrival(job=job, fate=Fate.LEFT)
        try:
            if (replica := job.replica) is not None:
                job = replace(job, asked_at=self._context.clock.now())
                found = await self._member.connector.read(self._context.kind.name, replica.external_id)
                if found is None and job.operation.action is not Action.DELETE:
                    raise Vanished("It is not there any more.")
                if found is not None and content_hash(found.values) != replica.content:
                    return Arrival(job=job, fate=Fate.STALE, answer=found)
                job = replace(job, before=found)
            if not wanted():
                return Arrival(job=replace(job, before=None), fate=Fate.LEFT)
            job = replace(job, asked_at=self._context.clock.now())
            return Arrival(job=job, fate=Fate.WRITTEN, answer=await self._request(job))
        except (RetryLater, SkipRecord, StopConnection) as error:
            return Arrival(job=job, fate=Fate.FAILED, answer=error)

    async def _request(self, job: Job) -> Observation | None:
        kind, operation, connector = self._context.kind.name, job.operation, self._member.connector
        if operation.action is Action.CREATE:
            return await connector.create(kind, operation.values)
        if operation.action is Action.DELETE:
            assert job.replica is not None
            await connector.delete(kind, job.replica.external_id)
            return None
        assert job.before is not None
        match operation.action:
            case Action.UPDATE:
                return await connector.update(kind, job.before, operation.values)
            case Action.COMPLETE:
                return await connector.complete(kind, job.before)
            case Action.REOPEN:
                return await connector.reopen(kind, job.before)

    def settle(self, unit: Unit, arrivals: Sequence[Arrival]) -> None:
        """Note what became of jobs: the answers become shadows, and what they were about is planned anew."""
        done: list[tuple[Job, Observation | None]] = []
        stale: list[tuple[Job, Observation]] = []
        waiting: list[Job] = []
        for one in arrivals:
            if isinstance(one.answer, TasksyncError):
                self._put_off(unit, one.job, one.answer)
            elif one.fate is Fate.WRITTEN:
                done.append((one.job, one.answer))
            else:
                waiting.append(one.job)
                if one.answer is not None:
                    stale.append((one.job, one.answer))
        unit.mark([job.queued.id for job in waiting], OperationState.PENDING)
        self._take(unit, stale)
        self._record(unit, done)

    def _take(self, unit: Unit, stale: Sequence[tuple[Job, Observation]]) -> None:
        """Take in what reads showed in place of what the plan assumed."""
        if stale:
            asked_at, answered_at = min(job.asked_at for job, _ in stale), self._context.clock.now()
            shown = [observation for _, observation in stale]
            self._intake.take(unit, self._member, shown, asked_at=asked_at, answered_at=answered_at)

    def _record(self, unit: Unit, done: Sequence[tuple[Job, Observation | None]]) -> None:
        member = self._member
        unit.finish([job.queued.id for job, _ in done])
        gone = [job.replica.external_id for job, answer in done if answer is None and job.replica is not None]
        unit.drop_replicas(member.name, self._context.kind.name, gone)
        self._planner.replan(unit, [job.operation.record_id for job, answer in done if answer is None])
        self._shadow(unit, [(job, answer) for job, answer in done if answer is not None])
        for job, _ in done:
            member.tally.count(job.operation.action)

    def _shadow(self, unit: Unit, made: Sequence[tuple[Job, Observation]]) -> None:
        """Make the answers the shadows. What an answer shows besides what we sent, a person changed just before our
        write.
        """
        member, records = self._member, unit.records([job.operation.record_id for job, _ in made])
        absorbed = []
        for job, answer in made:
            seen = member.corrected(answer)
            replica = job.replica or self._created(job, seen)
            shadowed = self._noted(job, written(replica, seen, job.operation.values, seen_at=job.asked_at))
            window = Window(after=replica.seen_at, until=self._context.clock.now())
            absorbed.append(
                self._intake.absorb(
                    member, records[job.operation.record_id], shadowed, seen, window=window, seen_at=job.asked_at
                )
            )
        unit.save_replicas(one.replica for one in absorbed)
        self._intake.keep(unit, absorbed)
        self._planner.follow_up(unit, member, [(one.record, one.replica) for one in absorbed if not one.changed])

    def _noted(self, job: Job, replica: Replica) -> Replica:
        """The replica, with this write noted for the guard against writing to and fro."""
        before, last, one_before = replica.wrote_at, self._member.last_look, self._member.look_before
        content = content_hash({**job.operation.values, "": job.operation.action.value})
        wrote = noted(
            replica.wrote,
            content,
            again=before is not None and last is not None and before >= last,
            still=before is not None and one_before is not None and before >= one_before,
        )
        return replace(replica, wrote=wrote, wrote_at=self._context.clock.now())

    def _created(self, job: Job, seen: Observation) -> Replica:
        return Replica(
            connection=self._member.name,
            kind=self._context.kind.name,
            external_id=seen.external_id,
            record_id=job.operation.record_id,
            shadow=seen.values,
            seen_at=job.asked_at,
        )

    def _put_off(self, unit: Unit, job: Job, error: TasksyncError) -> None:
        """The operation did not get through: note what follows from the error."""
        member = self._member
        ids, text = [job.queued.id], self._context.words(error)
        if isinstance(error, (AnswerLost, ServerFault)):
            state = OperationState.UNKNOWN if job.before or job.replica is None else OperationState.PENDING
            unit.mark(ids, state, error=text)
            if state is OperationState.UNKNOWN and job.replica is not None:
                sent = member.sent.get(job.operation.record_id, NOTHING)
                member.sent[job.operation.record_id] = {**sent, **job.operation.values}
        elif isinstance(error, SkipRecord) and not isinstance(error, Vanished):
            unit.mark(ids, OperationState.HELD, error=text)
            unit.hold([self._hold(job.operation, error)])
        else:
            unit.mark(ids, OperationState.PENDING, error=text)
        if isinstance(error, StopConnection):
            member.fail(error, text)
            member.pushing = False
        if not isinstance(error, SkipRecord):
            member.tally.failed += 1
            member.error = member.error or text
        self._context.complain(
            "push_failed", error, member, action=job.operation.action, record=job.operation.record_id
        )

    def _hold(self, operation: Operation, error: TasksyncError) -> Hold:
        needed = isinstance(error, DefaultNeeded)
        return Hold(
            connection=self._member.name,
            kind=self._context.kind.name,
            reason=HoldReason.DEFAULT_NEEDED if needed else HoldReason.REFUSED,
            message=self._context.words(error),
            since=self._context.clock.now(),
            record_id=operation.record_id,
            fingerprint=content_hash({**operation.values, "action": encode({"": operation.action.value})}),
        )
