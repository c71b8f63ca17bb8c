"""One cycle: open, poll, settle, push, report.

    poll -> normalise -> diff -> merge -> plan -> push -> record

Everything up to the plan happens within one transaction for each page (see `intake`), so a cycle may be cut off
anywhere: what was taken in is planned, and what was planned is in the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tasksync.core.plan import Action
from tasksync.core.record import TASK
from tasksync.engine.absence import Absence
from tasksync.engine.intake import Intake
from tasksync.engine.meet import Meeting
from tasksync.engine.member import Context, Member, Policy
from tasksync.engine.planner import Planner
from tasksync.engine.poll import poll
from tasksync.engine.push import Push
from tasksync.engine.report import WITH_OPERATION, CycleReport, count_waiting, planned, release_settled
from tasksync.engine.together import together
from tasksync.errors import RetryLater, SkipRecord, StopConnection, WrongAccount
from tasksync.ports import (
    Clock,
    Conflict,
    ConnectionState,
    Connector,
    Log,
    Mirror,
    OperationState,
)

_WAITING = frozenset({OperationState.PENDING, OperationState.HELD})


class Cycle:
    """A cycle over all groups. `groups` maps a group's name to its connectors; `order` is the order of the connections
    in the config.
    """

    def __init__(
        self,
        *,
        mirror: Mirror,
        groups: Mapping[str, Sequence[Connector]],
        order: Sequence[str],
        policy: Policy,
        clock: Clock,
        log: Log,
        new_id: Callable[[], str],
        only: Sequence[str] = (),
        dry_run: bool = False,
        still_ours: Callable[[], bool] = lambda: True,
        redact: Callable[[str], str] = str,
    ) -> None:
        self._mirror = mirror
        self._clock = clock
        self._log = log
        self._dry_run = dry_run
        self.id = new_id()
        self._contexts = tuple(
            Context(
                mirror=mirror,
                clock=clock,
                log=log,
                new_id=new_id,
                run=self.id,
                policy=policy,
                kind=TASK,
                group=group,
                still_ours=still_ours,
                redact=redact,
                members=tuple(
                    Member(
                        connector=connector,
                        rank=order.index(connector.connection),
                        group=group,
                        selected=not only or connector.connection in only,
                    )
                    for connector in sorted(connectors, key=lambda one: order.index(one.connection))
                ),
            )
            for group, connectors in groups.items()
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """All connections, in the order of the config."""
        found = [member for context in self._contexts for member in context.members]
        return tuple(sorted(found, key=lambda member: member.rank))

    async def run(self) -> CycleReport:
        """Run the cycle. Raises `StopProgram` when the program cannot go on; whatever concerns a connection or a record
        is in the report.
        """
        started_at = self._clock.now()
        self._remember()
        await together(
            self._open(context, member) for context in self._contexts for member in context.members if member.selected
        )
        self._check_accounts()
        conflicts: list[Conflict] = []
        for context in self._contexts:
            conflicts += await self._sync(context)
        return self._report(started_at, conflicts)

    def _report(self, started_at: datetime, conflicts: Sequence[Conflict]) -> CycleReport:
        plan = planned(self._mirror, self.members) if self._dry_run else None
        with self._mirror.begin() as unit:
            release_settled(unit)
            holds = [hold for hold in unit.holds() if hold.decision is None]
            for member in self.members:
                count_waiting(unit, member, holds, dry_run=self._dry_run)
            report = CycleReport(
                run=self.id,
                started_at=started_at,
                finished_at=self._clock.now(),
                members=self.members,
                conflicts=tuple(conflicts),
                holds=tuple(holds),
                plan=plan,
            )
            unit.save_run(report.as_run())
        return report

    # --- before ---

    def _remember(self) -> None:
        """Load what the mirror knows of the connections. An operation that was being sent when the last process died is
        doubtful.
        """
        with self._mirror.begin() as unit:
            doubtful = [queued.id for queued in unit.queue(states={OperationState.SENDING})]
            unit.mark(doubtful, OperationState.UNKNOWN, error="The process ended before the answer came.")
            for member in self.members:
                member.remembered = unit.connection(member.name)
                if member.remembered is not None:
                    member.met = member.remembered.met_at is not None
                    member.polled_before = member.remembered.polled_at
                for queued in unit.queue(member.name, {OperationState.UNKNOWN}):
                    operation = queued.operation
                    if operation.action is not Action.CREATE:
                        sent = member.sent.get(operation.record_id, {})
                        member.sent[operation.record_id] = {**sent, **operation.values}
        if doubtful:
            self._log.warning("interrupted_operations_found", count=len(doubtful))

    async def _open(self, context: Context, member: Member) -> None:
        try:
            member.account = await member.connector.open()
        except (RetryLater, SkipRecord, StopConnection) as error:
            member.fail(error, context.words(error))
            self._log.warning("connection_failed", connection=member.name, state=member.state, error=member.error)

    def _check_accounts(self) -> None:
        """Refuse to go on when a name leads to another account than it used to (I5), or two names to the same."""
        owners: dict[str, str] = {}
        with self._mirror.begin() as unit:
            for state in unit.connections():
                owners[state.identity] = state.name
            for member in self.members:
                if member.account is None:
                    continue
                known, identity = member.remembered, member.account.identity
                if known is not None and known.identity != identity:
                    raise WrongAccount(
                        f"Connection {member.name!r} leads to the account {identity}, but the mirror knows it as "
                        f"{known.identity}. Nothing was changed. Put the old account back, or give the new one a name "
                        f"of its own."
                    )
                if owners.setdefault(identity, member.name) != member.name:
                    raise WrongAccount(
                        f"Connections {owners[identity]!r} and {member.name!r} lead to the same account, {identity}. "
                        "Nothing was changed. Keep one name for it, the one it was synced under before."
                    )
                if known is None:
                    member.remembered = ConnectionState(name=member.name, identity=identity, scope=member.account.scope)
                    unit.save_connection(member.remembered)

    # --- a group ---

    async def _sync(self, context: Context) -> list[Conflict]:
        """Poll, settle and push one group. Returns the conflicts that were decided."""
        planner = Planner(context)
        intake = Intake(context, planner)
        self._plan_waiting(context, planner)
        polled = [member for member in context.members if member.account is not None]
        await together(poll(context, intake, member) for member in polled)
        meeting = Meeting(context, planner, intake)
        for member in polled:
            with context.mirror.begin() as unit:
                meeting.settle_lost(unit, member)
        # Before new tasks are looked at: one may be a missing task that was made again, and that a mirror which was
        # restored from a backup knows by its old id.
        await Absence(context, planner, intake).settle(polled)
        for member in polled:
            with context.mirror.begin() as unit:
                meeting.settle(unit, member)
        self._note_polls(polled)
        if not self._dry_run:
            await Push(context, planner, intake).run()
        return intake.conflicts

    def _plan_waiting(self, context: Context, planner: Planner) -> None:
        """What has waited since an earlier cycle is planned anew: its connection may be back, the config another."""
        with context.mirror.begin() as unit:
            waiting = {
                queued.operation.record_id
                for member in context.members
                if member.account is not None
                for queued in unit.queue(member.name, _WAITING)
            }
            held = {hold.record_id for hold in unit.holds() if hold.record_id and hold.reason in WITH_OPERATION}
            groups = unit.records(waiting | held)
            planner.replan(unit, [one.id for one in groups.values() if one.group == context.group])

    def _note_polls(self, polled: Sequence[Member]) -> None:
        """From now on, whatever differs from the shadows was changed after this poll was started."""
        with self._mirror.begin() as unit:
            for member in polled:
                if member.complete and member.remembered is not None and member.account is not None:
                    member.remembered = replace(
                        member.remembered, scope=member.account.scope, polled_at=member.started_at
                    )
                    unit.save_connection(member.remembered)


def latest_moment(mirror: Mirror) -> datetime | None:
    """The latest time that the mirror remembers something by; None for a new one."""
    with mirror.begin() as unit:
        moments = [run.finished_at for run in unit.runs(1)]
        moments += [state.polled_at for state in unit.connections() if state.polled_at is not None]
        moments += [queued.attempted_at for queued in unit.queue() if queued.attempted_at is not None]
        # Of a run that was killed, the pages it took in may be all that is left; of a restore, its row of the history.
        moments += [one for one in (unit.last_seen(), unit.last_revised()) if one is not None]
    return max(moments, default=None)
