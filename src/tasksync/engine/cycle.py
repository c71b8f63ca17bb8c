"""One cycle: open; for each group and kind of record poll, settle, push; report.

    poll -> normalise -> diff -> merge -> plan -> push -> record

Everything up to the plan happens within one transaction for each page (see `intake`), so a cycle may be cut off
anywhere: what was taken in is planned, and what was planned is in the outbox.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from tasksync.core.directory import NOTHING_CONFIGURED, Configured
from tasksync.core.plan import Action
from tasksync.core.record import NOTHING, TASK, Kind, Values
from tasksync.engine.absence import Absence
from tasksync.engine.directory import Directory
from tasksync.engine.expense import Expense
from tasksync.engine.intake import Intake
from tasksync.engine.lost import LostAnswers
from tasksync.engine.meet import Meeting
from tasksync.engine.member import Context, Member, Policy
from tasksync.engine.participants import EVERYBODY, Participants
from tasksync.engine.planner import Planner, chunks
from tasksync.engine.poll import poll
from tasksync.engine.push import Push
from tasksync.engine.report import WITH_OPERATION, CycleReport, count_waiting, planned, release_settled
from tasksync.engine.together import together
from tasksync.engine.unlinked import Unlinked
from tasksync.errors import RetryLater, SkipRecord, StopConnection, WrongAccount
from tasksync.ports import (
    Clock,
    ConnectionState,
    Connector,
    Log,
    Mirror,
    OperationState,
    Usage,
)


class Cycle:
    """A cycle over all groups, side by side. `groups` maps a group's name to its connectors; `order` is the order of
    the connections in the config. Of `kinds`, those that others refer to come first.

    `last`: what the cycle before this one came to, in the same process. `usage`: what this process has taken so far.
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
        usage: Callable[[], Usage],
        participants: Participants = EVERYBODY,
        last: CycleReport | None = None,
        dry_run: bool = False,
        stopping: Callable[[], bool] = lambda: False,
        still_ours: Callable[[], bool] = lambda: True,
        redact: Callable[[str], str] = str,
        configured: Configured = NOTHING_CONFIGURED,
        kinds: Sequence[Kind] = (TASK,),
    ) -> None:
        self._mirror = mirror
        self._clock = clock
        self._log = log
        self._dry_run = dry_run
        self._redact = redact
        self._kinds = frozenset(kind.name for kind in kinds)
        self._accounts = participants.accounts
        self._last = last
        self._expense = Expense(usage, mirror)
        self.id = new_id()
        self._contexts = tuple(
            Context(
                mirror=mirror,
                clock=clock,
                log=log,
                new_id=new_id,
                run=self.id,
                policy=policy,
                kind=kind,
                group=group,
                still_ours=still_ours,
                redact=redact,
                configured=configured,
                members=members,
                kinds=self._kinds,
                stopping=stopping,
            )
            for group, members in participants.members(groups, order).items()
            for kind in kinds
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """All connections, in the order of the config."""
        found = {member.name: member for context in self._contexts for member in context.members}
        return tuple(sorted(found.values(), key=lambda member: member.rank))

    async def run(self) -> CycleReport:
        """Run the cycle. Raises `StopProgram` when the program cannot go on; whatever concerns a connection or a record
        is in the report.
        """
        started_at = self._clock.now()
        self._remember()
        await together(self._open(member) for member in self.members if member.selected)
        self._check_accounts()
        by_group: dict[str, list[Context]] = {}
        for context in self._contexts:
            by_group.setdefault(context.group, []).append(context)
        found = await together(self._sync_group(contexts) for contexts in by_group.values())
        return self._report(started_at, list(chain.from_iterable(found)))

    async def _sync_group(self, contexts: Sequence[Context]) -> list[Intake]:
        """One kind after the other. Returns what was taken in."""
        return [await self._sync(context) for context in contexts]

    def _report(self, started_at: datetime, taken: Sequence[Intake]) -> CycleReport:
        plan = planned(self._mirror, self.members, self._kinds) if self._dry_run else None
        with self._mirror.begin() as unit:
            release_settled(unit)
            holds = [hold for hold in unit.holds() if hold.decision is None and hold.kind in self._kinds]
            count_waiting(unit, self.members, holds, self._kinds, dry_run=self._dry_run)
            report = CycleReport(
                run=self.id,
                started_at=started_at,
                finished_at=self._clock.now(),
                members=self.members,
                conflicts=tuple(chain.from_iterable(intake.conflicts for intake in taken)),
                changed=sum(intake.changes for intake in taken),
                holds=tuple(holds),
                plan=plan,
                cost=self._expense.so_far(),
            )
            unit.save_run(report.as_run(), replaces=report.instead_of(self._last))
        return report

    # --- before ---

    def _remember(self) -> None:
        """An operation that was being sent when the last process died is doubtful."""
        with self._mirror.begin() as unit:
            doubtful = [queued.id for queued in unit.queue(states={OperationState.SENDING})]
            unit.mark(doubtful, OperationState.UNKNOWN, error="The process ended before the answer came.")
        if doubtful:
            self._log.warning("interrupted_operations_found", count=len(doubtful))

    async def _open(self, member: Member) -> None:
        if member.name in self._accounts:
            member.account = self._accounts[member.name]
            return
        try:
            with member.polling(self._clock):
                member.account = await member.connector.open()
        except (RetryLater, SkipRecord, StopConnection) as error:
            member.fail(error, self._redact(str(error)))
            self._contexts[0].complain("connection_failed", error, member, state=member.state)

    def _check_accounts(self) -> None:
        """Refuse to go on when a name leads to another account than it used to (I5), or two names to the same."""
        with self._mirror.begin() as unit:
            known = {state.name: state.identity for state in unit.connections()}
            owners = {identity: name for name, identity in known.items()}
            for member in self.members:
                if member.account is None:
                    continue
                identity = member.account.identity
                if known.get(member.name, identity) != identity:
                    raise WrongAccount(
                        f"Connection {member.name!r} leads to the account {identity}, but the mirror knows it as "
                        f"{known[member.name]}. Nothing was changed. Put the old account back, or give the new one a "
                        f"name of its own."
                    )
                if owners.setdefault(identity, member.name) != member.name:
                    raise WrongAccount(
                        f"Connections {owners[identity]!r} and {member.name!r} lead to the same account, {identity}. "
                        "Nothing was changed. Keep one name for it, the one it was synced under before."
                    )

    # --- a group, a kind of record ---

    async def _sync(self, context: Context) -> Intake:
        """Poll, settle and push the records of one kind in one group. Returns what was taken in."""
        planner = Planner(context)
        intake = Intake(context, planner)
        directory = Directory(context)
        for member in context.members:
            self._turn(context, member, directory)
        opened = [member for member in context.members if member.account is not None and member.has(context.kind)]
        polled = [member for member in opened if member.due]
        await directory.open(opened)
        await self._plan_waiting(context, planner)
        await together(self._poll(context, intake, member) for member in polled)
        unlinked = Unlinked(context, intake)
        lost = LostAnswers(context, planner, intake, unlinked)
        for member in polled:
            with context.mirror.begin() as unit:
                lost.settle(unit, member)
        # Before new tasks are looked at: one may be a missing task that was made again, and that a mirror which was
        # restored from a backup knows by its old id.
        await Absence(context, planner, intake).settle(polled)
        with context.mirror.begin() as unit:
            # As long as a create is in doubt, any new task may be what it made.
            clear = [member for member in polled if not any(lost.creates(unit, member))]
        await Meeting(context, planner, intake, unlinked).settle(clear)
        self._note_polls(polled)
        await directory.resolve(planner)
        if not self._dry_run:
            await Push(context, planner, intake).run()
        return intake

    async def _poll(self, context: Context, intake: Intake, member: Member) -> None:
        with member.polling(self._clock):
            await poll(context, intake, member)

    def _turn(self, context: Context, member: Member, directory: Directory) -> None:
        """Load what the mirror knows of the connection's records of this kind."""
        kind, sent = context.kind.name, dict[str, Values]()
        with self._mirror.begin() as unit:
            known = unit.connection(member.name, kind)
            if known is None and member.account is not None:
                known = ConnectionState(
                    name=member.name, kind=kind, identity=member.account.identity, scope=member.account.scope
                )
                unit.save_connection(known)
            for queued in unit.queue(member.name, {OperationState.UNKNOWN}, kind=kind):
                operation = queued.operation
                if operation.action is not Action.CREATE:
                    sent[operation.record_id] = {**sent.get(operation.record_id, NOTHING), **operation.values}
        member.turn_to(known, directory.counterpart(member.name), sent)

    async def _plan_waiting(self, context: Context, planner: Planner) -> None:
        """What has waited since an earlier cycle is planned anew: its connection may be back, the config another."""
        with context.mirror.begin() as unit:
            waiting = {
                record_id
                for member in context.members
                if member.account is not None
                for record_id in unit.waiting_records(member.name, context.kind.name)
            }
            held = {hold.record_id for hold in unit.holds() if hold.record_id and hold.reason in WITH_OPERATION}
        for part in chunks(sorted(waiting | held)):
            with context.mirror.begin() as unit:
                records = unit.records(part).values()
                ours = (one for one in records if (one.group, one.kind) == (context.group, context.kind.name))
                planner.replan(unit, [one.id for one in ours])
            await asyncio.sleep(0)

    def _note_polls(self, polled: Sequence[Member]) -> None:
        """From now on, whatever differs from the shadows was changed after this poll was started."""
        with self._mirror.begin() as unit:
            for member in polled:
                if member.looked and member.remembered is not None and member.account is not None:
                    at, there = member.started_at, member.started_there
                    known = replace(
                        member.remembered, looked_at=at, looked_there=there, looked_before=member.remembered.looked_at
                    )
                    if member.complete:
                        known = replace(known, scope=member.account.scope, polled_at=at, polled_there=there)
                    member.remembered = known
                    unit.save_connection(known)


def latest_moment(mirror: Mirror) -> datetime | None:
    """The latest time that the mirror remembers something by; None for a new one."""
    with mirror.begin() as unit:
        moments = [run.finished_at for run in unit.runs(1)]
        moments += [state.looked_at for state in unit.connections() if state.looked_at is not None]
        # Of a run that was killed, the pages it took in may be all that is left; of a restore, its row of the history.
        moments += [one for one in (unit.last_attempt(), unit.last_seen(), unit.last_revised()) if one is not None]
    return max(moments, default=None)
