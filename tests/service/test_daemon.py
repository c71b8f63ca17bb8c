"""The daemon's decisions, with work that is told what to answer: when there is a turn, of what, and what is told."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from firm import Lines
from standings import COST

from tasksync.errors import ConfigError, ExitCode, MirrorBusy, MirrorUnusable, Stopping, WrongAccount
from tasksync.ports import Traffic
from tasksync.service.clock import SystemClock
from tasksync.service.daemon import Daemon
from tasksync.service.heart import Heart
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.turn import Part, State, Turn
from tasksync.service.work import Address, Terms

HOUR = timedelta(hours=1)
SOON = timedelta(milliseconds=10)


class Systemd:
    """Stands for the notifier, and remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def watchdog_interval(self) -> float | None:
        return None

    def starting(self, _: float) -> None: ...

    def ready(self, text: str) -> None:
        self.told.append(("ready", text))

    def status(self, text: str) -> None:
        self.told.append(("status", text))

    def reloading(self, text: str) -> None:
        self.told.append(("reloading", text))

    def stopping(self, text: str) -> None:
        self.told.append(("stopping", text))


class Script:
    """Work of connections by name. `states` says what each of them comes to when it is polled; `turns` are what was due
    each time; `before` is awaited in each turn.
    """

    def __init__(self, *names: str, every: timedelta = HOUR, grace: timedelta = HOUR) -> None:
        self.terms = Terms(poll_every=dict.fromkeys(names, every), shutdown_grace=grace, address=None)
        self.states: dict[str, State] = {}
        self.outbox: dict[str, dict[str, int]] = {}
        self.quota: dict[str, float] = {}
        self.opened: set[str] = set()
        self.turns: list[set[str]] = []
        self.reached: list[str] = []
        self.tidied = 0
        self.errors: list[Exception] = []
        self.before: Callable[[], Any] | None = None
        self.begun = self.stopped = self.closed = False

    def begin(self) -> None:
        self.begun = True

    def is_open(self, name: str) -> bool:
        return name in self.opened

    def _part(self, name: str, *, polled: bool) -> Part:
        state = self.states.get(name, State.OK)
        (self.opened.discard if state is not State.OK else self.opened.add)(name)
        error = None if state is State.OK else "It does not answer."
        part = Part(
            name=name,
            polled=polled,
            state=state,
            error=error,
            requests=3,
            traffic=Traffic(received_bytes=1000, sent_bytes=20),
            outbox=self.outbox.get(name, {}),
        )
        if name in self.quota:
            ends_at = SystemClock().now() + timedelta(seconds=self.quota[name])
            part = replace(part, quota_left=0, quota_reset=ends_at)
        return part

    async def reach(self, name: str) -> Part:
        self.reached.append(name)
        return self._part(name, polled=True)

    async def turn(self, due: Collection[str], failing: Collection[str]) -> Turn:
        self.turns.append(set(due))
        if self.before is not None:
            await self.before()
        if self.errors:
            raise self.errors.pop(0)
        parts = tuple(
            self._part(name, polled=name in due) for name in self.terms.poll_every if name in {*due, *self.opened}
        )
        now = SystemClock().now()
        return Turn(run=f"run{len(self.turns)}", started_at=now, finished_at=now, exit_code=0, cost=COST, parts=parts)

    async def tidy(self) -> None:
        self.tidied += 1

    def stop(self) -> None:
        self.stopped = True

    async def close(self) -> None:
        self.closed = True


class Stand:
    """A daemon with works that are loaded one after the other."""

    def __init__(self, *works: Script | Exception) -> None:
        self.works = list(works)
        self.log, self.systemd, self.clock = Lines(), Systemd(), SystemClock()
        self.standing = Standing(self.clock.now())
        self.daemon = Daemon(
            self._load,
            clock=self.clock,
            log=self.log,
            notifier=self.systemd,  # type: ignore[arg-type]  # a fake
            standing=self.standing,
            metrics=Metrics(self.standing, self.clock),
            heart=Heart(self.clock),
        )

    def _load(self) -> Script:
        found = self.works.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[ExitCode]]:
        """From the first turn to the end of the block, where it is stopped."""
        task = asyncio.create_task(self.daemon.run())
        await until(lambda: task.done() or any(kind == "ready" for kind, _ in self.systemd.told))
        try:
            yield task
        finally:
            if not task.done():
                os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.wait_for(asyncio.wait((task,)), 10)

    def states(self) -> dict[str, State]:
        return {name: one.state for name, one in self.standing.connections.items()}


async def until(holds: Callable[[], object]) -> None:
    """Returns when it does; fails after ten seconds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 -- what is waited for has no event of its own
            await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def _signals_as_they_were() -> Any:
    heeded = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
    before = {number: signal.getsignal(number) for number in heeded}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_the_first_turn_polls_all_and_then_it_is_ready() -> None:
    """Everything is due at the start; readiness is told after that, with how things stand; then housekeeping."""
    work = Script("office", "capsule")
    stand = Stand(work)
    async with stand.running():
        assert work.begun
        assert work.turns == [{"office", "capsule"}]
        assert stand.systemd.told[0] == ("ready", stand.systemd.told[0][1])
        assert "In step: 2 connections" in stand.systemd.told[0][1]
        await until(lambda: work.tidied)
    assert (work.stopped, work.closed) == (True, True)


async def test_each_connection_at_its_pace() -> None:
    """Those whose interval is over are polled, the others are not."""
    work = Script("office", "capsule")
    work.terms = Terms(poll_every={"office": SOON, "capsule": HOUR}, shutdown_grace=HOUR, address=None)
    async with Stand(work).running():
        await until(lambda: len(work.turns) > 3)
    assert work.turns[1:4] == [{"office"}] * 3


async def test_turns_of_others_do_not_put_off_who_waits_for_a_quota() -> None:
    """A connection whose quota runs short waits as long as was planned when it was polled, however many turns there are
    meanwhile, in each of which the wait would come out a little different.
    """
    work = Script("office", "capsule")
    work.terms = Terms(poll_every={"office": SOON, "capsule": SOON}, shutdown_grace=HOUR, address=None)
    work.quota["capsule"] = 0.5
    stand = Stand(work)
    async with stand.running():
        planned = stand.standing.connections["capsule"].next_poll_at
        await until(lambda: len(work.turns) > 3)
        assert stand.standing.connections["capsule"].next_poll_at == planned
        await until(lambda: any("capsule" in due for due in work.turns[1:]))
    assert any(due == {"office"} for due in work.turns)


async def test_what_knocks_during_a_turn_is_due_in_the_next() -> None:
    """One turn at a time; however often a connection came due meanwhile, it is polled once."""
    work = Script("office", "capsule")
    stand = Stand(work)
    release = asyncio.Event()
    async with stand.running():
        work.before = release.wait
        stand.daemon.sync_now(["office"])
        await until(lambda: len(work.turns) == 2)
        for _ in range(5):
            stand.daemon.sync_now(["capsule"])
            await asyncio.sleep(0.005)
        assert len(work.turns) == 2
        release.set()
        await until(lambda: len(work.turns) == 3)
        await asyncio.sleep(0.2)
    assert work.turns[1:] == [{"office"}, {"capsule"}]


async def test_what_could_not_be_sent_is_sent_between_the_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as something waits, there are turns in which nothing is polled but what is in doubt."""
    monkeypatch.setattr("tasksync.service.daemon._DRAIN_EVERY", SOON)
    work = Script("office", "capsule", "advisers")
    work.outbox = {"office": {"pending": 2, "held": 1}, "capsule": {"unknown": 1}}
    async with Stand(work).running():
        await until(lambda: len(work.turns) == 2)
        assert work.turns[1] == {"capsule"}
        del work.outbox["capsule"]
        await until(lambda: work.turns[-1] == set())
        work.outbox["office"] = {"held": 1}
        await asyncio.sleep(0.3)
        turns = len(work.turns)
        await asyncio.sleep(0.3)
        assert len(work.turns) == turns


async def test_who_cannot_be_reached_takes_part_in_no_turn() -> None:
    """A connection that failed is tried beside the turns, and polled in the first one after it answered."""
    work = Script("office", "capsule")
    stand = Stand(work)
    work.states["capsule"] = State.FAILED
    async with stand.running():
        assert stand.states() == {"office": State.OK, "capsule": State.FAILED}
        stand.daemon.sync_now(["office", "capsule"])
        await until(lambda: work.reached == ["capsule"] and len(work.turns) == 2)
        assert work.turns[1] == {"office"}
        assert stand.standing.connections["capsule"].failures == 2
        work.states["capsule"] = State.OK
        stand.daemon.sync_now(["capsule"])
        await until(lambda: work.turns[-1] == {"capsule"})
        await until(lambda: stand.standing.connections["capsule"].failures == 0)
    recovered = stand.log.events("poll_recovered")
    assert [(one["connection"], one["attempts"]) for one in recovered] == [("capsule", 2)]


async def test_another_trouble_is_news() -> None:
    """A CRM that was down and now wants other credentials is told once more, and not each time."""
    work = Script("office", "capsule")
    stand = Stand(work)
    work.states["capsule"] = State.FAILED
    async with stand.running():
        for state, tries in ((State.FAILED, 2), (State.NEEDS_LOGIN, 4)):
            work.states["capsule"] = state
            for number in range(tries - 1, tries + 1):
                stand.daemon.sync_now(["capsule"])
                await until(lambda wanted=number: len(work.reached) == wanted)  # type: ignore[misc]  # bound in the loop
                await until(lambda wanted=number + 1: stand.standing.connections["capsule"].failures == wanted)  # type: ignore[misc]
    told = stand.log.events("connection_failed")
    assert [one["state"] for one in told] == [State.FAILED, State.FAILED, State.NEEDS_LOGIN, State.NEEDS_LOGIN]
    assert stand.log.levels["connection_failed"] == {"debug", "warning"}
    assert [one["state"] for one in stand.log.at("warning", "connection_failed")] == [State.NEEDS_LOGIN]


async def test_nobody_lets_us_in() -> None:
    """When at the start every connection wants other credentials, there is nothing to wait for: exit code 5."""
    work = Script("office", "capsule")
    work.states = dict.fromkeys(("office", "capsule"), State.NEEDS_LOGIN)
    stand = Stand(work)
    async with stand.running() as run:
        assert await run is ExitCode.NEEDS_LOGIN
    assert stand.systemd.told == []
    assert work.closed


async def test_one_that_lets_us_in_is_enough() -> None:
    """One connection without credentials is no reason to end."""
    work = Script("office", "capsule")
    work.states["office"] = State.NEEDS_LOGIN
    stand = Stand(work)
    async with stand.running() as run:
        assert not run.done()
    assert run.result() is ExitCode.IN_STEP


@pytest.mark.parametrize(
    "error", [ConfigError("wrong"), MirrorBusy("busy"), MirrorUnusable("no room"), WrongAccount("other")]
)
async def test_what_is_wrong_at_the_start_ends_the_program(error: Exception) -> None:
    """Be it the config, be it the mirror: the program ends before it says that it is ready."""
    work = Script("office")
    work.errors.append(error)
    stand = Stand(error if isinstance(error, ConfigError) else work)
    async with stand.running() as run:
        with pytest.raises(type(error)):
            await run
    assert stand.systemd.told == []


async def test_trouble_with_the_mirror_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while it runs is told once, and what was due is done when there is room again."""
    monkeypatch.setattr("tasksync.service.daemon._MIRROR_AGAIN_S", 0.01)
    work = Script("office", "capsule")
    stand = Stand(work)
    async with stand.running():
        work.errors += [MirrorUnusable("no room"), MirrorUnusable("no room")]
        stand.daemon.sync_now(["office"])
        await until(lambda: stand.standing.mirror_fault == "no room")
        await until(lambda: len(work.turns) == 4)
        await until(lambda: stand.standing.mirror_fault is None)
    assert work.turns[1:] == [{"office"}] * 3
    assert len(stand.log.at("error", "mirror_failed")) == 1
    assert len(stand.log.events("mirror_recovered")) == 1


@pytest.mark.parametrize(
    "error", [WrongAccount("another account"), MirrorBusy("taken away"), RuntimeError("a fault of ours")]
)
async def test_what_cannot_be_mended_ends_the_program(error: Exception) -> None:
    """It does not go on with a wrong account, a lost lock, or a fault that nobody knows."""
    work = Script("office")
    stand = Stand(work)
    async with stand.running() as run:
        work.errors.append(error)
        stand.daemon.sync_now(["office"])
        await until(run.done)
    assert run.exception() is error
    assert work.closed


async def test_a_fault_in_reaching_ends_the_program() -> None:
    """A fault of ours beside the turns is not swallowed either."""
    work = Script("office", "capsule")
    stand = Stand(work)
    work.states["capsule"] = State.FAILED

    async def broken(_: str) -> Part:
        raise RuntimeError("a fault of ours")

    async with stand.running() as run:
        work.reach = broken  # type: ignore[method-assign, assignment]  # for this test
        stand.daemon.sync_now(["capsule"])
        await until(run.done)
    assert isinstance(run.exception(), RuntimeError)


# --- stopping ---


async def test_a_stop_waits_for_what_is_under_way() -> None:
    """The turn is told to stop and then waited for."""
    work = Script("office")
    release = asyncio.Event()
    stand = Stand(work)
    async with stand.running() as run:
        work.before = release.wait
        stand.daemon.sync_now(["office"])
        await until(lambda: len(work.turns) == 2)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: work.stopped)
        assert not run.done()
        release.set()
        assert await run is ExitCode.IN_STEP
    assert [kind for kind, _ in stand.systemd.told][-1] == "stopping"
    assert stand.log.events("cut_off") == []


@pytest.mark.parametrize("how", ["second signal", "grace is over"])
async def test_what_does_not_end_is_cut_off(how: str) -> None:
    """After the grace, or at a second signal, nobody waits any more; the exit code is 0 all the same."""
    work = Script("office", grace=timedelta(milliseconds=20) if how == "grace is over" else HOUR)
    stand = Stand(work)
    async with stand.running() as run:
        work.before = asyncio.Event().wait
        stand.daemon.sync_now(["office"])
        await until(lambda: len(work.turns) == 2)
        os.kill(os.getpid(), signal.SIGINT)
        await until(lambda: work.stopped)
        if how == "second signal":
            os.kill(os.getpid(), signal.SIGTERM)
        assert await asyncio.wait_for(run, 5) is ExitCode.IN_STEP
    assert how in stand.log.events("cut_off")[0]["reason"].replace("a second signal came", "second signal").replace(
        "the grace of 0.02 s is over", "grace is over"
    )


async def test_a_stop_during_the_first_turn() -> None:
    """Stopped before it was ready, it never says that it is."""
    work = Script("office")
    release = asyncio.Event()
    work.before = release.wait
    stand = Stand(work)
    task = asyncio.create_task(stand.daemon.run())
    await until(lambda: work.turns)
    os.kill(os.getpid(), signal.SIGTERM)
    await until(lambda: work.stopped)
    release.set()
    assert await asyncio.wait_for(task, 5) is ExitCode.IN_STEP
    assert [kind for kind, _ in stand.systemd.told] == ["stopping"]


async def test_a_turn_that_did_not_begin_before_the_stop() -> None:
    """A turn that waited for somebody else's work on the mirror when the stop came is no failure."""
    work = Script("office")
    stand = Stand(work)
    async with stand.running() as run:
        work.errors.append(Stopping())
        stand.daemon.sync_now(["office"])
        await until(lambda: len(work.turns) == 2)
        assert not run.done()
    assert run.result() is ExitCode.IN_STEP


# --- reloading ---


async def test_a_reload_takes_over() -> None:
    """The new work is in charge, the old one is closed, what both have is still known, and all is polled anew."""
    old, new = Script("office", "capsule"), Script("office", "advisers", every=SOON)
    stand = Stand(old, new)
    async with stand.running():
        first = stand.standing.connections["office"].polled_at
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: new.turns)
        assert (old.closed, new.begun) == (True, True)
        assert new.turns[0] == {"office", "advisers"}
        assert list(stand.standing.connections) == ["office", "advisers"]
        assert (stand.standing.connections["office"].polled_at or SystemClock().now()) >= (first or SystemClock().now())
        await until(lambda: len(new.turns) > 3)
    assert [kind for kind, _ in stand.systemd.told if kind != "status"] == ["ready", "reloading", "ready", "stopping"]
    assert len(old.turns) == 1
    assert new.closed


async def test_a_bad_config_changes_nothing() -> None:
    """A reload that is refused is told, and the old work goes on."""
    work = Script("office", every=SOON)
    stand = Stand(work, ConfigError("config.yaml:3: bogus: unknown key"))
    async with stand.running():
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: stand.log.events("reload_refused"))
        turns = len(work.turns)
        await until(lambda: len(work.turns) > turns + 1)
    assert "bogus" in stand.log.events("reload_refused")[0]["error"]
    assert [kind for kind, _ in stand.systemd.told if kind != "status"] == ["ready", "reloading", "ready", "stopping"]


async def test_an_address_that_is_taken_refuses_the_reload() -> None:
    """When the new address cannot be listened on, the new configuration is not taken over by half."""
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    old, new = Script("office", every=SOON), Script("office")
    new.terms = Terms(poll_every={"office": HOUR}, shutdown_grace=HOUR, address=Address(host="127.0.0.1", port=port))
    stand = Stand(old, new)
    async with stand.running():
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: stand.log.events("reload_refused"))
        turns = len(old.turns)
        await until(lambda: len(old.turns) > turns + 1)
    assert (new.begun, new.turns, new.closed) == (False, [], True)
    server.close()


async def test_a_turn_tells_what_it_cost() -> None:
    """The log's line at the end of a turn has its requests, bytes, times and rows."""
    stand = Stand(Script("office", "capsule"))
    async with stand.running():
        (line,) = stand.log.events("turn_finished")
    assert {name: line[name] for name in ("requests", "received_bytes", "sent_bytes")} == {
        "requests": 6,
        "received_bytes": 2000,
        "sent_bytes": 40,
    }
    assert line.items() >= COST.as_dict().items()


async def test_sigusr1_syncs_now() -> None:
    """All connections are polled, whatever their pace."""
    work = Script("office", "capsule")
    async with Stand(work).running():
        os.kill(os.getpid(), signal.SIGUSR1)
        await until(lambda: len(work.turns) == 2)
    assert work.turns[1] == {"office", "capsule"}
