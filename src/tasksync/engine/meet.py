"""What becomes of replicas that belong to no record, once a poll is over and lost creates are settled (see `lost`).

One may have a counterpart when two accounts meet for the first time (design.md 6); else it is a new task, and becomes a
new record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from tasksync.core.match import Ambiguity, Matching, entry_of_record, entry_of_replica, match
from tasksync.core.plan import Action
from tasksync.core.record import Record, Replica
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import CHUNK, Planner, chunks
from tasksync.engine.unlinked import Unlinked, ids_of
from tasksync.ports import Decision, Hold, HoldReason, Unit


class Meeting:
    """Settles the unlinked replicas of one connection after another, in the order of the config.

    There may be very many of them. So that other work goes on meanwhile, they are settled in portions, each in a unit
    of its own. Whoever is cut off between two of them finds the rest unlinked as before, and a connection counts as met
    only when all that it brought along is planned: until then it meets its group again.
    """

    def __init__(self, context: Context, planner: Planner, intake: Intake, unlinked: Unlinked) -> None:
        self._context = context
        self._planner = planner
        self._intake = intake
        self._unlinked = unlinked

    async def settle(self, members: Sequence[Member]) -> None:
        """Settle what the polls of these left. A connection that was never met joins the group only with a complete
        snapshot.
        """
        for member in members:
            if member.met:
                with self._context.mirror.begin() as unit:
                    if self._unlinked.holds(unit, member, HoldReason.AMBIGUOUS):
                        self._rematch(unit, member)
                    matching = self._found_again(unit, member)
                await self._carry_out(member, matching)
        joining = [member for member in members if not member.met and member.complete]
        for member in joining:
            with self._context.mirror.begin() as unit:
                matching = self._found_first(unit, member)
            await self._carry_out(member, matching)
        if joining:
            await self._introduce(joining)

    # --- first meeting ---

    def _found_first(self, unit: Unit, member: Member) -> Matching:
        if self._context.policy.first_sync == "copy":
            return Matching(
                pairs=(), new=tuple(one.external_id for one in self._unlinked.of(unit, member)), ambiguous=()
            )
        return self._match(member, self._lacking(unit, [member]), self._unlinked.of(unit, member))

    async def _introduce(self, joining: Sequence[Member]) -> None:
        """These connections meet their group. From here on their records are everybody's, and everybody's records are
        theirs.
        """
        for member in joining:
            member.met = True
        group = [member for member in self._context.members if member.met and member.has(self._context.kind)]
        after: str | None = ""
        while after is not None:
            with self._context.mirror.begin() as unit:
                page = self._page(unit, group, after)
                self._planner.replan_loaded(unit, page)
            after = page[-1].id if page else None
            await asyncio.sleep(0)
        with self._context.mirror.begin() as unit:
            for member in joining:
                assert member.remembered is not None
                member.remembered = replace(member.remembered, met_at=self._context.clock.now())
                unit.save_connection(member.remembered)
        for member in joining:
            self._context.log.info("connection_joined", connection=member.name, group=self._context.group)

    def _lacking(self, unit: Unit, members: Sequence[Member]) -> Iterator[Record]:
        """The records of the group that lack a replica in one of these connections."""
        after = ""
        while page := self._page(unit, members, after):
            yield from page
            after = page[-1].id

    def _page(self, unit: Unit, members: Sequence[Member], after: str) -> Sequence[Record]:
        names = [member.name for member in members]
        return unit.records_lacking(self._context.group, self._context.kind.name, names, after=after, most=CHUNK)

    # --- later on ---

    def _rematch(self, unit: Unit, member: Member) -> None:
        """A person may have told apart what was ambiguous, by renaming or deleting: look at just that again. What a
        person said is a task of its own becomes one; what is to be left alone stays held.
        """
        holds = self._unlinked.holds(unit, member, HoldReason.AMBIGUOUS)
        apart = [hold for hold in holds if hold.decision is Decision.APPROVED]
        unsaid = [hold for hold in holds if hold.decision is None]
        unit.release(ids_of([*apart, *unsaid]))
        self._unlinked.found(unit, member, self._unlinked.held(unit, member, apart))
        records = [hold.record_id for hold in unsaid if hold.record_id is not None]
        present = [record for record in unit.records(records).values() if record.deleted_at is None]
        unlinked = self._unlinked.held(unit, member, unsaid)
        # Within one unit: what is no longer held, and not linked yet, would be taken for new.
        for step in self._steps(member, self._match(member, present, unlinked)):
            step(unit)
        self._planner.replan(unit, [hold.record_id for hold in (*apart, *unsaid) if hold.record_id is not None])

    def _found_again(self, unit: Unit, member: Member) -> Matching:
        """New tasks found new records, but for those that look just like a record which waits to be created here: typed
        in by hand in two places meanwhile, or known to a newer mirror than this one, which was restored from a backup.
        """
        held = {hold.external_id for hold in unit.holds(member.name, kind=self._context.kind.name)}
        new = (one for one in self._unlinked.of(unit, member) if one.external_id not in held)
        return self._match(member, self._waiting(unit, member), new)

    def _waiting(self, unit: Unit, member: Member) -> Iterator[Record]:
        """The records that wait to be created there."""
        for part in chunks(unit.waiting_records(member.name, self._context.kind.name, Action.CREATE)):
            replicas = unit.replicas_of(part, member.name)
            yield from (one for one in unit.records(part).values() if not replicas[one.id])

    # --- matching, and what follows from it ---

    def _match(self, member: Member, records: Iterable[Record], replicas: Iterable[Replica]) -> Matching:
        kind, lenses = self._context.kind, member.lenses(self._context.kind)
        known = (entry_of_record(kind, one.id, one.values, lenses, member.zone) for one in records)
        return match(known, (entry_of_replica(kind, one, member.zone) for one in replicas))

    async def _carry_out(self, member: Member, matching: Matching) -> None:
        for step in self._steps(member, matching):
            with self._context.mirror.begin() as unit:
                step(unit)
            await asyncio.sleep(0)

    def _steps(self, member: Member, matching: Matching) -> Iterator[Callable[[Unit], None]]:
        """What follows from a matching, in portions that do not depend on each other."""
        for ambiguities in chunks(matching.ambiguous):
            yield partial(self._hold, member, ambiguities)
        for pairs in chunks(matching.pairs):
            yield partial(self._link, member, pairs)
        for ids in chunks(matching.new):
            yield partial(self._found, member, ids)

    def _hold(self, member: Member, ambiguities: Sequence[Ambiguity], unit: Unit) -> None:
        unit.hold(chain.from_iterable(self._hold_ambiguous(member, one) for one in ambiguities))
        # One of them may wait to be created here already.
        self._planner.replan(unit, list(chain.from_iterable(one.records for one in ambiguities)))

    def _link(self, member: Member, pairs: Sequence[tuple[str, str]], unit: Unit) -> None:
        records = unit.records([record_id for record_id, _ in pairs])
        found = self._unlinked.load(unit, member, [external_id for _, external_id in pairs])
        joined = [self._intake.join(member, records[one], found[other]) for one, other in pairs]
        unit.save_replicas([one.replica for one in joined])
        self._intake.keep(unit, joined)

    def _found(self, member: Member, ids: list[str], unit: Unit) -> None:
        self._unlinked.found(unit, member, self._unlinked.load(unit, member, ids).values())

    def _hold_ambiguous(self, member: Member, ambiguity: Ambiguity) -> Iterator[Hold]:
        message = (
            f"{len(ambiguity.replicas)} of {member.name}'s tasks and {len(ambiguity.records)} of the group's have the "
            "same title and day, or nearly so, and nothing tells which belong together. "
            "Say which are one (tasksync link), give them different titles or days, or delete what is superfluous."
        )
        for external_id in ambiguity.replicas:
            yield self._unlinked.hold(member, HoldReason.AMBIGUOUS, message, external_id=external_id)
        for record_id in ambiguity.records:
            yield self._unlinked.hold(member, HoldReason.AMBIGUOUS, message, record_id=record_id)
