"""Pushes what waits in the outbox: to all connections at once, to each as much as `PARALLEL` records at a time.

Each operation goes its way by itself, so one that is slow holds up no other:

    wait  ->  mark  ->  read (but for a create)  ->  write  ->  record

A few more are marked than are on their way, so that the next one can go out at once when an answer arrives. When none
of them is left, one transaction notes all answers that have arrived by then and marks the next ones: one commit for
several operations (`synchronous=FULL`: each waits for the disk). And so the promise of design.md 5 is kept: an
operation is marked before its own request; when the process dies before its answer is noted it is doubtful, which costs
a search and no copy.

An operation is taken out of the outbox in the transaction that marks it, so nothing is sent that was planned anew
before. What is planned anew comes at the end of the outbox, where the next passage
finds it; the passages are bounded, what is left then waits for the next cycle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from tasksync.engine.delivery import Arrival, Delivery, Fate, Job
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member
from tasksync.engine.planner import Planner
from tasksync.engine.together import PARALLEL, side_by_side, together
from tasksync.errors import MirrorBusy, SkipRecord, StopConnection
from tasksync.ports import Queued, Unit

PASSAGES = 5
"""How often a connection's outbox is gone through in one cycle, at most."""
AHEAD = 16
"""How many more operations of one connection are marked already, at most."""
_PROGRESS_EVERY = 200


class Push:
    """Drains the outbox of the members of a group."""

    def __init__(self, context: Context, planner: Planner, intake: Intake) -> None:
        self._context = context
        self._lines = [_Line(context, member, Delivery(context, planner, intake, member)) for member in context.members]

    async def run(self) -> None:
        """Push to all members at once until nothing waits that was not tried. What one connection makes of a record may
        be news for another, which then is served once more.
        """
        while any(await together(line.serve() for line in self._lines)):
            pass


class _Line:
    """What goes to one connection."""

    def __init__(self, context: Context, member: Member, delivery: Delivery) -> None:
        self._context = context
        self._member = member
        self._delivery = delivery
        self._passages = PASSAGES
        self._tried: set[int] = set()
        self._failed_in_a_row = 0
        self._lock_lost = False

    def _is_open(self) -> bool:
        """Whether anything may be sent (any more)."""
        member = self._member
        able = member.selected and member.pushing and member.account is not None
        return able and not self._lock_lost and not self._context.stopping()

    def _may_write(self) -> bool:
        self._lock_lost = self._lock_lost or not self._context.still_ours()
        return self._is_open()

    async def serve(self) -> bool:
        """Send all that waits and was not tried yet. Whether there was anything."""
        began = False
        while self._passages and await self._pass():
            self._passages -= 1
            began = True
        return began

    async def _pass(self) -> bool:
        """Go through the outbox as it is now, once. Whether anything was begun."""
        if not self._is_open():
            return False
        with self._context.mirror.begin() as unit:
            count, until = unit.pending(self._member.name, self._context.kind.name)
        passage = _Passage(self._context, self._member, until=until, count=count, tried=self._tried)
        arrived: asyncio.Queue[Arrival] = asyncio.Queue()
        ahead: deque[Job] = deque()
        under_way = 0
        over: list[Arrival] = []
        async with side_by_side() as tasks:
            while True:
                if not ahead:
                    ahead.extend(self._step(passage, over, room=PARALLEL - under_way + AHEAD))
                    over = []
                while ahead and under_way < PARALLEL:
                    tasks.create_task(self._bring(ahead.popleft(), arrived))
                    under_way += 1
                if not under_way:
                    break
                come = await _next(arrived)
                self._judge(come)
                under_way -= len(come)
                over += come
        if self._lock_lost:
            raise MirrorBusy("The lock of the mirror was taken away while it was held. Nothing more was written.")
        return passage.began > 0

    def _step(self, passage: _Passage, over: Sequence[Arrival], *, room: int) -> list[Job]:
        """Note what is over, and begin what there is room for."""
        with self._context.mirror.begin() as unit:
            self._delivery.settle(unit, over)
            return self._delivery.begin(unit, passage.take(unit, room)) if self._may_write() else []

    async def _bring(self, job: Job, arrived: asyncio.Queue[Arrival]) -> None:
        arrived.put_nowait(await self._delivery.carry_out(job, self._may_write))

    def _judge(self, come: Sequence[Arrival]) -> None:
        """When the connection stops, or as many in a row as are sent at a time did not get through, the others would
        fare no better: the member gets no more in this cycle.
        """
        for one in come:
            failed = one.fate is Fate.FAILED and not isinstance(one.answer, SkipRecord)
            self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
            if one.fate in {Fate.WRITTEN, Fate.STALE}:
                self._tried.discard(one.job.queued.id)
        if self._failed_in_a_row >= PARALLEL or any(isinstance(one.answer, StopConnection) for one in come):
            self._member.pushing = False


class _Passage:
    """Once through a connection's outbox, up to its end as it was when this began. `began`: how many so far."""

    def __init__(self, context: Context, member: Member, *, until: int, count: int, tried: set[int]) -> None:
        self._context = context
        self._member = member
        self._until = until
        self._count = count
        self._tried = tried
        self._after = 0
        self.began = 0

    def take(self, unit: Unit, most: int) -> list[Queued]:
        """The next operations that were not tried in this cycle: they are now."""
        found: list[Queued] = []
        kind = self._context.kind.name
        while len(found) < most and self._after < self._until:
            page = unit.next_operations(
                self._member.name, kind, after=self._after, until=self._until, most=most - len(found)
            )
            self._after = page[-1].id if page else self._until
            found += [one for one in page if one.id not in self._tried]
        self._tried.update(one.id for one in found)
        self._tell(len(found))
        return found

    def _tell(self, more: int) -> None:
        before, self.began = self.began, self.began + more
        if before // _PROGRESS_EVERY != self.began // _PROGRESS_EVERY:
            self._context.log.info(
                "push_progressed", connection=self._member.name, sent=self.began, of=max(self._count, self.began)
            )


async def _next(arrived: asyncio.Queue[Arrival]) -> list[Arrival]:
    """Wait until something has arrived; all that has by then."""
    found = [await arrived.get()]
    while not arrived.empty():
        found.append(arrived.get_nowait())
    return found
