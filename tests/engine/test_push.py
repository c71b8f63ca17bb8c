"""How the outbox is sent: side by side, marked before, noted after. The CRM here answers when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from firm import FakeClock, Lines

from tasksync.core.lens import Lens, same, text
from tasksync.core.plan import Action
from tasksync.core.record import TASK, Observation, Record, Replica, Value, Values, Version
from tasksync.engine.intake import Intake
from tasksync.engine.member import Context, Member, Policy
from tasksync.engine.planner import Planner
from tasksync.engine.push import AHEAD, PASSAGES, Push
from tasksync.engine.together import PARALLEL
from tasksync.errors import AnswerLost, MirrorBusy, NeedsLogin, Refused, RetryLater, TasksyncError, Throttled
from tasksync.ports import Account, Capabilities, ConnectionState, OperationState, Traffic
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import open_mirror

SOON = 5.0
"""Seconds that a test waits at most for what comes without any waiting."""
LENSES: Mapping[str, Lens] = {"title": text("title"), "done": same("done")}


class Crm:
    """A connector whose requests wait for the test, unless `at_once`. `asked`: what was requested and not answered yet,
    by title, in order; `titles`: what it holds, by id.
    """

    connection = "capsule"
    clock_difference = timedelta(0)
    capabilities = Capabilities()
    categories = ()
    requests = 0
    traffic = Traffic()

    def __init__(self) -> None:
        self.asked: dict[str, asyncio.Future[None]] = {}
        self.titles: dict[str, str] = {}
        self.at_once: Callable[[str], bool] = lambda _: False
        self.most = 0
        self.writes: list[str] = []
        self.reads: list[str] = []

    def lenses(self, *_: Any) -> Mapping[str, Lens]:
        return LENSES

    def defaults(self, *_: Any) -> Values:
        return {}

    async def _answer(self, title: str) -> None:
        if self.at_once(title):
            await asyncio.sleep(0)
            return
        self.asked[title] = asyncio.get_running_loop().create_future()
        self.most = max(self.most, len(self.asked))
        try:
            await self.asked[title]
        finally:
            del self.asked[title]

    def _seen(self, external_id: str) -> Observation:
        values: dict[str, Value] = {"title": self.titles[external_id], "done": False}
        return Observation(external_id=external_id, values=values)

    async def create(self, _kind: str, values: Values) -> Observation:
        title = str(values["title"])
        self.writes.append(title)
        await self._answer(title)
        self.titles[f"there-{title}"] = title
        return self._seen(f"there-{title}")

    async def read(self, _kind: str, external_id: str) -> Observation | None:
        self.reads.append(external_id)
        await asyncio.sleep(0)
        return self._seen(external_id) if external_id in self.titles else None

    async def update(self, _kind: str, before: Observation, changes: Values) -> Observation:
        title = str(changes["title"])
        self.writes.append(title)
        await self._answer(title)
        self.titles[before.external_id] = title
        return self._seen(before.external_id)

    def answer(self, *titles: str) -> None:
        for title in titles:
            self.asked[title].set_result(None)

    def fail(self, error: TasksyncError, *titles: str) -> None:
        for title in titles:
            self.asked[title].set_exception(error)


@dataclass
class Desk:
    """A group of one connection, with its mirror, and a push that is under way."""

    clock: FakeClock
    mirror: SqlMirror
    crm: Crm = field(default_factory=Crm)
    log: Lines = field(default_factory=Lines)
    stopped: bool = False
    ours: bool = True

    def __post_init__(self) -> None:
        crm: Any = self.crm
        self.member = Member(connector=crm, rank=0, group="all")
        self.member.account = Account(identity="me", label="me", zone="UTC")
        with self.mirror.begin() as unit:
            known = ConnectionState(name="capsule", identity="me", scope="", met_at=self.clock.now())
            unit.save_connection(known)
        self.member.turn_to(known, lambda one: one, {})
        self.context = Context(
            mirror=self.mirror, clock=self.clock, log=self.log, new_id=lambda: "", run="run", policy=Policy(),
            kind=TASK, group="all", members=(self.member,), still_ours=lambda: self.ours, redact=str,
            stopping=lambda: self.stopped,
        )  # fmt: skip
        self.planner = Planner(self.context)
        self.intake = Intake(self.context, self.planner)

    def new(self, count: int) -> list[str]:
        """So many records that capsule lacks; their titles, in the order in which they are to be sent."""
        titles = [f"task {number:02}" for number in range(count)]
        with self.mirror.begin() as unit:
            unit.save_records(self.record(title, title) for title in titles)
            self.planner.replan(unit, titles)
        return titles

    def edited(self, count: int) -> list[str]:
        """So many records that capsule has, and whose titles are others by now."""
        titles = [f"task {number:02}" for number in range(count)]
        with self.mirror.begin() as unit:
            unit.save_records(self.record(title, f"new {title}") for title in titles)
            unit.save_replicas(self.replica(title) for title in titles)
            self.planner.replan(unit, titles)
        self.crm.titles = {f"there-{title}": title for title in titles}
        return [f"new {title}" for title in titles]

    def record(self, id_: str, title: str) -> Record:
        values: dict[str, Value] = {"title": title, "done": False}
        versions = {
            name: Version(value=value, at=self.clock.now(), connection="office", external_id=id_)
            for name, value in values.items()
        }
        return Record(id=id_, kind="task", group="all", versions=versions)

    def replica(self, title: str) -> Replica:
        return Replica(
            connection="capsule", kind="task", external_id=f"there-{title}", record_id=title,
            shadow={"title": title, "done": False}, seen_at=self.clock.now(),
        )  # fmt: skip

    def states(self) -> dict[str, OperationState]:
        """Of what is in the outbox, by title."""
        with self.mirror.begin() as unit:
            return {queued.operation.title: queued.state for queued in unit.queue()}

    def begin(self) -> asyncio.Task[None]:
        return asyncio.create_task(Push(self.context, self.planner, self.intake).run())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON):
            while not holds():  # noqa: ASYNC110 -- what is waited for happens within the loop, step by step
                await asyncio.sleep(0)


@pytest.fixture
def desk(clock: FakeClock) -> Iterator[Desk]:
    mirror = open_mirror("sqlite://")
    yield Desk(clock=clock, mirror=mirror)
    mirror.close()


@pytest.fixture
async def pushing(desk: Desk) -> AsyncIterator[Callable[[], asyncio.Task[None]]]:
    """Begin to push; what is still under way when the test is over is ended."""
    begun: list[asyncio.Task[None]] = []

    def begin() -> asyncio.Task[None]:
        begun.append(desk.begin())
        return begun[-1]

    yield begin
    for task in begun:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def over(task: asyncio.Task[None]) -> None:
    """Wait until it is over, and not for ever."""
    async with asyncio.timeout(SOON):
        await task


Begin = Callable[[], asyncio.Task[None]]


async def test_a_slow_record_holds_up_no_other(desk: Desk, pushing: Begin) -> None:
    """While one answer does not come, all others are sent, answered, and noted."""
    slow, *others = desk.new(40)
    desk.crm.at_once = lambda title: title != slow
    task = pushing()
    await desk.until(lambda: len(desk.crm.titles) == len(others))
    await desk.until(lambda: desk.states() == {slow: OperationState.SENDING})
    desk.crm.answer(slow)
    await over(task)
    assert desk.states() == {}


async def test_so_many_at_a_time_and_no_more(desk: Desk, pushing: Begin) -> None:
    """The next goes out when an answer comes, and not before."""
    titles = desk.new(PARALLEL + AHEAD + 5)
    task = pushing()
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL)
    assert desk.crm.writes == titles[:PARALLEL]
    desk.crm.answer(titles[3])
    await desk.until(lambda: titles[PARALLEL] in desk.crm.asked)
    while desk.crm.asked:
        desk.crm.answer(*desk.crm.asked)
        await asyncio.sleep(0)
        await desk.until(lambda: bool(desk.crm.asked) or task.done())
    await over(task)
    assert desk.crm.most == PARALLEL
    assert sorted(desk.crm.writes) == titles


async def test_what_goes_out_was_marked_before(desk: Desk, pushing: Begin) -> None:
    """Whatever is requested is known to the mirror as being sent, and so is not much more."""
    titles = desk.new(PARALLEL + AHEAD + 5)
    pushing()
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL)
    marked = [title for title, state in desk.states().items() if state is OperationState.SENDING]
    assert marked == titles[: PARALLEL + AHEAD]


async def test_several_operations_share_a_commit(desk: Desk, pushing: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk is paid once for several operations: answers are noted together with what is marked next."""
    desk.new(10 * PARALLEL)
    desk.crm.at_once = lambda _: True
    begin, units = desk.mirror.begin, list[str]()

    def counted() -> Any:
        units.append("one more")
        return begin()

    monkeypatch.setattr(desk.mirror, "begin", counted)
    await over(pushing())
    assert len(desk.crm.titles) == 10 * PARALLEL
    assert len(units) <= 10 + 4, len(units)


async def test_who_is_stopped_lets_answers_come_and_sends_no_more(desk: Desk, pushing: Begin) -> None:
    """What was marked and not sent waits as before, and is in no doubt."""
    titles = desk.new(PARALLEL + AHEAD + 5)
    task = pushing()
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL)
    desk.stopped = True
    desk.crm.answer(*desk.crm.asked)
    await over(task)
    assert desk.crm.writes == titles[:PARALLEL]
    assert desk.states() == dict.fromkeys(titles[PARALLEL:], OperationState.PENDING)


async def test_nothing_is_written_once_the_lock_is_lost(desk: Desk, pushing: Begin) -> None:
    """The answers of what went out are noted all the same."""
    titles = desk.new(PARALLEL + AHEAD + 5)
    task = pushing()
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL)
    desk.ours = False
    desk.crm.answer(*desk.crm.asked)
    with pytest.raises(MirrorBusy):
        await over(task)
    assert desk.crm.writes == titles[:PARALLEL]
    assert desk.states() == dict.fromkeys(titles[PARALLEL:], OperationState.PENDING)


@pytest.mark.parametrize("error", [RetryLater("busy"), Throttled("slowly")], ids=str)
async def test_when_none_gets_through_the_others_are_spared(desk: Desk, pushing: Begin, error: TasksyncError) -> None:
    """After as many failures in a row as are sent at a time, the connection gets no more in this cycle."""
    titles = desk.new(PARALLEL + AHEAD + 5)
    task = pushing()
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL)
    desk.crm.fail(error, *desk.crm.asked)
    await over(task)
    assert desk.crm.writes == titles[:PARALLEL]
    assert set(desk.states().values()) == {OperationState.PENDING}
    assert desk.member.tally.failed == PARALLEL


async def test_a_connection_that_stops_gets_no_more(desk: Desk, pushing: Begin) -> None:
    """One answer that a person has to sign in again is enough; those under way still end in order."""
    titles = desk.new(PARALLEL + AHEAD + 5)
    task = pushing()
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL)
    desk.crm.fail(NeedsLogin("who are you"), titles[0])
    await desk.until(lambda: len(desk.crm.asked) == PARALLEL - 1)
    desk.crm.answer(*desk.crm.asked)
    await over(task)
    assert desk.crm.writes == titles[:PARALLEL]
    assert len(desk.crm.titles) == PARALLEL - 1


async def test_one_that_is_refused_stops_no_other(desk: Desk, pushing: Begin) -> None:
    """A refused record is held, a lost answer is doubtful, and all the others get through. None is sent a second time
    in the same cycle.
    """
    titles = desk.new(3 * PARALLEL)
    desk.crm.at_once = lambda title: title not in titles[:3]
    task = pushing()
    await desk.until(lambda: len(desk.crm.titles) == len(titles) - 3)
    desk.crm.fail(Refused("too long", status=422), titles[0])
    desk.crm.fail(AnswerLost("line cut"), titles[1])
    desk.crm.fail(Throttled("slowly"), titles[2])
    await over(task)
    states = (OperationState.HELD, OperationState.UNKNOWN, OperationState.PENDING)
    assert desk.states() == dict(zip(titles, states, strict=False))
    assert sorted(desk.crm.writes) == titles


async def test_an_edit_found_just_before_the_write_is_not_overwritten(desk: Desk, pushing: Begin) -> None:
    """What the read shows in place of what the plan assumed is taken in; what is left to do goes out with the next
    passage, after another look.
    """
    wanted = desk.edited(3)
    desk.clock.tick(minutes=1)
    desk.crm.titles["there-task 01"] = "edited there"
    desk.crm.at_once = lambda _: True
    await over(pushing())
    assert sorted(desk.crm.writes) == [wanted[0], wanted[2]]
    assert desk.crm.titles["there-task 01"] == "edited there"
    with desk.mirror.begin() as unit:
        assert unit.records(["task 01"])["task 01"].value("title") == "edited there"
    assert desk.states() == {}


async def test_what_vanished_is_not_made_anew(desk: Desk, pushing: Begin) -> None:
    """An update of a record that is not there any more waits for the next poll to say what became of it."""
    desk.edited(1)
    desk.crm.titles.clear()
    desk.crm.at_once = lambda _: True
    await over(pushing())
    assert desk.crm.writes == []
    assert set(desk.states().values()) == {OperationState.PENDING}


async def test_what_is_planned_anew_meanwhile_goes_out_after_it(desk: Desk, pushing: Begin) -> None:
    """A record that changes while its create is on its way gets an update as soon as the answer is there, and never two
    operations at a time.
    """
    (title,) = desk.new(1)
    task = pushing()
    await desk.until(lambda: title in desk.crm.asked)
    desk.clock.tick(seconds=1)
    with desk.mirror.begin() as unit:
        unit.save_records([desk.record(title, "renamed")])
        desk.planner.replan(unit, [title])
    desk.crm.answer(title)
    await desk.until(lambda: "renamed" in desk.crm.asked)
    desk.crm.answer("renamed")
    await over(task)
    assert desk.crm.writes == [title, "renamed"]
    assert desk.states() == {}


async def test_a_record_that_changes_all_the_time_is_not_written_for_ever(
    desk: Desk, pushing: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the plan comes out each time, a connection's outbox is gone through a few times in a cycle."""
    desk.edited(1)
    desk.crm.at_once = lambda _: True
    replan = desk.planner.replan

    def again(unit: Any, ids: Any) -> None:
        """Something changes the record after each write."""
        for id_ in ids:
            desk.clock.tick(seconds=1)
            unit.save_records([desk.record(id_, f"title {len(desk.crm.writes)}")])
        replan(unit, ids)

    monkeypatch.setattr(desk.planner, "follow_up", lambda unit, _, written: again(unit, [one.id for one, _ in written]))
    await over(pushing())
    assert 1 < len(desk.crm.writes) <= PASSAGES
    assert set(desk.states().values()) == {OperationState.PENDING}


async def test_what_follows_a_write_goes_on_in_the_same_cycle(desk: Desk, pushing: Begin) -> None:
    """A task that is created and finished takes two operations, one after the other."""
    with desk.mirror.begin() as unit:
        made = desk.record("finished", "finished")
        done = replace(made.versions["done"], value=True)
        unit.save_records([replace(made, versions={**made.versions, "done": done})])
        desk.planner.replan(unit, ["finished"])
        assert [one.operation.action for one in unit.queue()] == [Action.CREATE, Action.COMPLETE]
    desk.crm.at_once = lambda _: True
    completed: list[str] = []

    async def complete(_kind: str, before: Observation) -> Observation:
        completed.append(before.external_id)
        return replace(before, values={**before.values, "done": True})

    desk.crm.complete = complete  # type: ignore[attr-defined]  # no other test needs it
    await over(pushing())
    assert completed == ["there-finished"]
    assert desk.states() == {}
