"""Pushes what waits in the outbox, and records what came of it.

Several records at a time, and one operation for each record in a round, since what follows it depends on the answer.
For a handful of operations:

1. read     every replica that is to be changed, just before the write; one that is not what the plan assumed is
            taken in as an observation and planned anew instead of being written
2. mark     the operations as being sent, committed before any request goes out: after a crash they are known to be
doubtful
3. send     all of them
4. record   the answers as the new shadows, and plan the records again, in one transaction

One commit serves a handful of operations in 2 and in 4. That keeps the promise of design.md 5: an operation is marked
before its own request, and when the process dies before 4 all of the handful are doubtful, which costs a search and no
copy.

What was planned anew is pushed in the next round; the rounds are bounded, what is left then waits for the next cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from tasksync.core.diff import Window, written
from tasksync.core.guard import noted
from tasksync.core.plan import Action, Operation
from tasksync.core.record import NOTHING, Observation, Replica, content_hash, encode
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner
from tasksync.engine.together import together
from tasksync.errors import (
    AnswerLost,
    DefaultNeeded,
    MirrorBusy,
    RetryLater,
    ServerFault,
    SkipRecord,
    StopConnection,
    TasksyncError,
    Vanished,
)
from tasksync.ports import Hold, HoldReason, OperationState, Queued, Unit

ROUNDS = 5
PARALLEL = 8
_PROGRESS_EVERY = 200

Answer: TypeAlias = Observation | TasksyncError | None
"""What came of an operation: what the server made of the record, an error, or None for a delete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """An operation on its way: with the replica it changes, and what a read just before showed (a create
    has neither).
    """

    queued: Queued
    replica: Replica | None = None
    before: Observation | None = None

    @property
    def operation(self) -> Operation:
        return self.queued.operation


class Push:
    """Drains the outbox of the members of a group."""

    def __init__(self, context: Context, planner: Planner, intake: Intake) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake
        self._tried: set[int] = set()

    async def run(self) -> None:
        """Push to all members at once, in bounded rounds, until nothing waits that was not tried."""
        for _ in range(ROUNDS):
            work = {member.name: self._waiting(member) for member in self._context.members}
            if not any(work.values()):
                return
            await together(self._drain(member, work[member.name]) for member in self._context.members)

    def _waiting(self, member: Member) -> list[Queued]:
        """For each record the first operation that waits for the member, unless it was tried already in this cycle."""
        if not (member.selected and member.pushing and member.account is not None):
            return []
        with self._context.mirror.begin() as unit:
            queue = unit.queue(member.name, {OperationState.PENDING}, kind=self._context.kind.name)
        first: dict[str, Queued] = {}
        for queued in queue:
            first.setdefault(queued.operation.record_id, queued)
        return [queued for queued in first.values() if queued.id not in self._tried]

    async def _drain(self, member: Member, waiting: Sequence[Queued]) -> None:
        for start in range(0, len(waiting), PARALLEL):
            if not member.pushing or self._context.stopping():
                return
            if not self._context.still_ours():
                raise MirrorBusy("The lock of the mirror was taken away while it was held. Nothing more was written.")
            await self._deliver(member, waiting[start : start + PARALLEL])
            if start // _PROGRESS_EVERY != (start + PARALLEL) // _PROGRESS_EVERY:
                self._context.log.info(
                    "push_progressed", connection=member.name, sent=start + PARALLEL, of=len(waiting)
                )

    async def _deliver(self, member: Member, handful: Sequence[Queued]) -> None:
        """Deliver one operation each of several records. When none of them gets through, the others would fare no
        better: the member gets no more in this cycle.
        """
        self._tried.update(queued.id for queued in handful)
        failed_before = member.tally.failed
        with self._context.mirror.begin() as unit:
            replicas = unit.replicas_of([queued.operation.record_id for queued in handful])
        jobs = [
            _Job(queued=queued, replica=replicas[queued.operation.record_id].get(member.name)) for queued in handful
        ]
        possible = [job for job in jobs if (job.replica is None) is (job.operation.action is Action.CREATE)]
        ready = await self._read(member, possible)
        asked_at = self._context.clock.now()
        there = asked_at + member.connector.clock_difference
        if ready:
            with self._context.mirror.begin() as unit:
                unit.mark([job.queued.id for job in ready], OperationState.SENDING, at=asked_at, there=there)
            answers = await together(self._send(member, job) for job in ready)
            with self._context.mirror.begin() as unit:
                self._record(unit, member, list(zip(ready, answers, strict=True)), asked_at)
        if possible and member.tally.failed - failed_before == len(possible):
            member.pushing = False

    # --- 1. read ---

    async def _read(self, member: Member, jobs: Sequence[_Job]) -> list[_Job]:
        """The jobs that may be sent: creates, and changes to replicas that still are what the plan assumed."""
        changes = [job for job in jobs if job.replica is not None]
        ready = [job for job in jobs if job.replica is None]
        if not changes:
            return ready
        asked_at = self._context.clock.now()
        found = await together(self._read_one(member, job) for job in changes)
        there = [one for one in found if isinstance(one, Observation)]
        with self._context.mirror.begin() as unit:
            stale = self._intake.take(unit, member, there, asked_at=asked_at, answered_at=self._context.clock.now())
            for job, one in zip(changes, found, strict=True):
                if isinstance(one, Observation):
                    if job.operation.record_id not in stale:
                        ready.append(replace(job, before=one))
                elif one is None and job.operation.action is Action.DELETE:
                    ready.append(job)
                else:
                    self._put_off(unit, member, job, one or Vanished("It is not there any more."))
        return ready

    async def _read_one(self, member: Member, job: _Job) -> Answer:
        assert job.replica is not None
        try:
            return await member.connector.read(self._context.kind.name, job.replica.external_id)
        except (RetryLater, SkipRecord, StopConnection) as error:
            return error

    # --- 3. send ---

    async def _send(self, member: Member, job: _Job) -> Answer:
        try:
            return await self._request(member, job)
        except (RetryLater, SkipRecord, StopConnection) as error:
            return error

    async def _request(self, member: Member, job: _Job) -> Observation | None:
        kind, operation, connector = self._context.kind.name, job.operation, member.connector
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

    # --- 4. record ---

    def _record(self, unit: Unit, member: Member, results: Sequence[tuple[_Job, Answer]], asked_at: datetime) -> None:
        done = [(job, answer) for job, answer in results if not isinstance(answer, TasksyncError)]
        for job, answer in results:
            if isinstance(answer, TasksyncError):
                self._put_off(unit, member, job, answer)
        unit.finish([job.queued.id for job, _ in done])
        gone = [job.replica.external_id for job, answer in done if answer is None and job.replica is not None]
        unit.drop_replicas(member.name, self._context.kind.name, gone)
        made = [(job, answer) for job, answer in done if answer is not None]
        self._shadow(unit, member, made, asked_at)
        for job, _ in done:
            member.tally.count(job.operation.action)
        self._planner.replan(unit, [job.operation.record_id for job, _ in done])

    def _shadow(self, unit: Unit, member: Member, made: Sequence[tuple[_Job, Observation]], asked_at: datetime) -> None:
        """Make the answers the shadows. What an answer shows besides what we sent, a person changed just before our
        write.
        """
        records = unit.records([job.operation.record_id for job, _ in made])
        absorbed = []
        for job, answer in made:
            seen = member.corrected(answer)
            replica = job.replica or self._created(member, job, seen, asked_at)
            shadowed = self._noted(member, job, written(replica, seen, job.operation.values, seen_at=asked_at))
            window = Window(after=replica.seen_at, until=self._context.clock.now())
            absorbed.append(
                self._intake.absorb(
                    member, records[job.operation.record_id], shadowed, seen, window=window, seen_at=asked_at
                )
            )
        unit.save_replicas(one.replica for one in absorbed)
        self._intake.keep(unit, absorbed)

    def _noted(self, member: Member, job: _Job, replica: Replica) -> Replica:
        """The replica, with this write noted for the guard against writing to and fro."""
        before, last, one_before = replica.wrote_at, member.last_look, member.look_before
        content = content_hash({**job.operation.values, "": job.operation.action.value})
        wrote = noted(
            replica.wrote,
            content,
            again=before is not None and last is not None and before >= last,
            still=before is not None and one_before is not None and before >= one_before,
        )
        return replace(replica, wrote=wrote, wrote_at=self._context.clock.now())

    def _created(self, member: Member, job: _Job, seen: Observation, asked_at: datetime) -> Replica:
        return Replica(
            connection=member.name,
            kind=self._context.kind.name,
            external_id=seen.external_id,
            record_id=job.operation.record_id,
            shadow=seen.values,
            seen_at=asked_at,
        )

    def _put_off(self, unit: Unit, member: Member, job: _Job, error: TasksyncError) -> None:
        """The operation did not get through: note what follows from the error."""
        ids, text = [job.queued.id], self._context.words(error)
        if isinstance(error, (AnswerLost, ServerFault)):
            state = OperationState.UNKNOWN if job.before or job.replica is None else OperationState.PENDING
            unit.mark(ids, state, error=text)
            if state is OperationState.UNKNOWN and job.replica is not None:
                sent = member.sent.get(job.operation.record_id, NOTHING)
                member.sent[job.operation.record_id] = {**sent, **job.operation.values}
        elif isinstance(error, SkipRecord) and not isinstance(error, Vanished):
            unit.mark(ids, OperationState.HELD, error=text)
            unit.hold([self._hold(member, job.operation, error)])
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

    def _hold(self, member: Member, operation: Operation, error: TasksyncError) -> Hold:
        needed = isinstance(error, DefaultNeeded)
        return Hold(
            connection=member.name,
            kind=self._context.kind.name,
            reason=HoldReason.DEFAULT_NEEDED if needed else HoldReason.REFUSED,
            message=self._context.words(error),
            since=self._context.clock.now(),
            record_id=operation.record_id,
            fingerprint=content_hash({**operation.values, "action": encode({"": operation.action.value})}),
        )
