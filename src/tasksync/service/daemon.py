"""The daemon: says when work is to be done, and stops, reloads and reports as it is told to.

One turn at a time. What is due while one runs is due in the next. A connection that cannot be reached takes part in no
turn, so that nobody waits for it; it is tried beside the turns until it answers.

Signals, requests and the scheduler only leave a note and wake the loop; everything is done in one place, between two
turns.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Collection, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from starlette.types import ASGIApp

from tasksync.errors import ConfigError, ExitCode, MirrorUnusable, Stopping
from tasksync.ports import Clock, Log, OperationState
from tasksync.service.heart import Heart
from tasksync.service.metrics import Metrics
from tasksync.service.pace import until_next
from tasksync.service.reach import Reach
from tasksync.service.scheduler import Scheduler
from tasksync.service.signals import heeding
from tasksync.service.standing import Standing
from tasksync.service.systemd import Notifier
from tasksync.service.teller import Teller
from tasksync.service.turn import Part, State, Turn
from tasksync.service.web.app import create_app
from tasksync.service.web.pages import Pages
from tasksync.service.work import Address, Load, Work

# No name of a connection has a slash.
HOUSEKEEPING: Final = "/housekeeping"
OUTBOX: Final = "/outbox"
_DRAIN_EVERY: Final = timedelta(minutes=1)
_TIDY_EVERY: Final = timedelta(hours=1)
_MIRROR_AGAIN_S: Final = 5.0
_MIRROR_SELDOM_S: Final = 300.0
_BREATH_S: Final = 0.1
"""Between two turns the mirror's lock is free at least so long: whoever waits for it looks more often."""


class Daemon:
    """Runs the work that `load` makes until it is told to stop. `heart` hears of each request that the work sends, and
    `metrics` counts them.
    """

    def __init__(
        self,
        load: Load,
        *,
        clock: Clock,
        log: Log,
        notifier: Notifier,
        standing: Standing,
        metrics: Metrics,
        heart: Heart,
    ) -> None:
        self._load = load
        self._clock = clock
        self._log = log
        self._notifier = notifier
        self._standing = standing
        self._metrics = metrics
        self._heart = heart
        self._teller = Teller(standing=standing, metrics=metrics, notifier=notifier, clock=clock, log=log)
        self._scheduler = Scheduler(self._knock)
        self._wake = asyncio.Event()
        self._knocks: set[str] = set()
        self._due: set[str] = set()
        self._work: Work | None = None
        self._reach: Reach | None = None
        self._turning: asyncio.Task[Turn] | None = None
        self._stopping = False
        self._reload_wanted = False
        self._mirror_failures = 0
        self._pages = Pages(self._app)
        self._crash: BaseException | None = None

    async def run(self) -> ExitCode:
        """Until SIGTERM or SIGINT; then 0. Raises `StopProgram` when it cannot begin, or cannot go on. Ends with
        NEEDS_LOGIN when at the start no connection has credentials that are accepted.
        """
        handlers = {
            signal.SIGTERM: self._stop,
            signal.SIGINT: self._stop,
            signal.SIGHUP: self._want_reload,
            signal.SIGUSR1: lambda: self.sync_now(self._standing.connections),
        }
        async with AsyncExitStack() as stack:
            stack.enter_context(heeding(handlers))
            stack.push_async_callback(self._end)
            work = self._load()
            await self._take_over(work)
            await stack.enter_async_context(self._heart.beating(self._notifier, self._clock_was_set))
            self._scheduler.start()
            code = await self._begin(work)
            while code is ExitCode.IN_STEP and not self._stopping:
                await self._wake.wait()
                self._wake.clear()
                await self._answer()
        if code is ExitCode.IN_STEP:
            waiting = sum(sum(one.part.outbox.values()) for one in self._standing.connections.values() if one.part)
            self._log.info("stopped", waiting=waiting)
        return code

    # --- others leave notes ---

    def sync_now(self, names: Collection[str]) -> None:
        """Poll these connections as soon as can be."""
        for name in names:
            self._knock(name)

    def _knock(self, name: str) -> None:
        self._knocks.add(name)
        self._wake.set()

    def _want_reload(self) -> None:
        self._reload_wanted = True
        self._wake.set()

    def _clock_was_set(self, by_s: float) -> None:
        self._log.warning("clock_was_set", by_s=round(by_s))
        self._scheduler.again()
        self.sync_now(self._standing.connections)

    def _stop(self) -> None:
        if self._stopping:
            self._cut_off("a second signal came")
            return
        self._stopping = True
        self._wake.set()
        self._teller.stopping(during_turn=self._turning is not None)
        if self._work is not None:
            self._work.stop()
            grace_s = self._work.terms.shutdown_grace.total_seconds()
            asyncio.get_running_loop().call_later(grace_s, self._cut_off, f"the grace of {grace_s:g} s is over")

    def _cut_off(self, reason: str) -> None:
        """Requests that are still under way count as unanswered, as after a power cut."""
        if self._turning is not None:
            self._log.warning("cut_off", reason=reason)
            self._turning.cancel()

    def _crashed(self, error: BaseException) -> None:
        self._crash = error
        self._wake.set()

    # --- everything is done here ---

    async def _begin(self, work: Work) -> ExitCode:
        """The first turn. What is wrong with the mirror ends the program now, and not once it is ready."""
        self._due = set(work.terms.poll_every)
        if not self._stopping:
            await self._turn(work)
        if self._stopping:
            return ExitCode.IN_STEP
        if {one.state for one in self._standing.connections.values()} == {State.NEEDS_LOGIN}:
            self._log.error("no_connection_let_us_in", advice="tasksync check says what each of them needs")
            return ExitCode.NEEDS_LOGIN
        self._heart.started()
        self._teller.ready()
        self._scheduler.set(HOUSEKEEPING, _TIDY_EVERY)
        self._knock(HOUSEKEEPING)
        return ExitCode.IN_STEP

    async def _answer(self) -> None:
        if self._crash is not None:
            raise self._crash
        if self._reload_wanted and not self._stopping:
            self._reload_wanted = False
            await self._reload()
        assert self._work is not None, "it was loaded before anything could be due"
        assert self._reach is not None, "as it was"
        knocks, self._knocks = self._knocks, set()
        for name in knocks & self._standing.connections.keys():
            if self._work.is_open(name) or not self._standing.connections[name].failures:
                self._due.add(name)
            else:
                self._reach.begin(name)
        drain = OUTBOX in knocks and any(self._open_parts())
        if drain:
            self._due |= self._doubtful()
        if HOUSEKEEPING in knocks and not self._stopping:
            await self._guarded(self._work.tidy())
        if (self._due or drain) and not self._stopping:
            await self._guarded(self._turn(self._work))
            await asyncio.sleep(_BREATH_S)

    async def _turn(self, work: Work) -> None:
        """A turn of what is due. When the mirror cannot be used, it stays due."""
        due = self._due & self._standing.connections.keys()
        failing = {name for name, one in self._standing.connections.items() if one.failures}
        self._heart.busy()
        self._turning = asyncio.create_task(work.turn(due, failing), name="turn")
        try:
            await asyncio.wait((self._turning,))
            if self._turning.cancelled():
                return
            turn = self._turning.result()
        except Stopping:
            return
        finally:
            self._turning.cancel()
            self._turning = None
            self._heart.idle()
        self._due -= due
        self._mirror_failures = 0
        self._teller.took(turn)
        for part in turn.parts:
            if part.polled:
                self._plan(part.name)
        self._plan_outbox()

    async def _guarded(self, doing: Awaitable[None]) -> None:
        """What the mirror's trouble keeps from being done now is done when that is over: a disk gets room again."""
        try:
            await doing
        except Stopping:
            return
        except MirrorUnusable as error:
            self._teller.mirror_failed(error)
            wait_s = min(_MIRROR_AGAIN_S * 2 ** min(self._mirror_failures, 10), _MIRROR_SELDOM_S)
            self._mirror_failures += 1
            asyncio.get_running_loop().call_later(wait_s, self._wake.set)

    def _plan(self, name: str) -> None:
        """When to look at the connection again, counted from now: it was just tried, or its pace is another."""
        wait = until_next(self._standing.connections[name], self._clock.now())
        self._standing.plan(name, self._scheduler.set(name, wait))

    def _plan_outbox(self) -> None:
        if any(_waits(part) for part in self._open_parts()):
            self._scheduler.set(OUTBOX, _DRAIN_EVERY)
        else:
            self._scheduler.drop(OUTBOX)

    def _doubtful(self) -> set[str]:
        """Those of which only a poll tells what became of a request."""
        return {part.name for part in self._open_parts() if part.outbox.get(OperationState.UNKNOWN)}

    def _open_parts(self) -> Iterator[Part]:
        for name, one in self._standing.connections.items():
            if one.part is not None and self._work is not None and self._work.is_open(name):
                yield one.part

    # --- one configuration after the other ---

    async def _take_over(self, work: Work) -> None:
        """From now on `work` is what is done. Raises `ConfigError` before anything has changed; then it is closed."""
        try:
            await self._pages.show_at(work.terms.address)
        except ConfigError:
            await work.close()
            raise
        if work.terms.address is not None:
            self._log.info("listening", host=work.terms.address.host, port=work.terms.address.port)
        self._work = work
        self._reach = Reach(work, self._teller, answered=self._knock, tried=self._plan, crashed=self._crashed)
        work.begin()
        self._standing.configure(work.terms.poll_every, self._clock.now())
        self._metrics.configure(work.terms.poll_every)

    async def _reload(self) -> None:
        self._notifier.reloading("Reading the configuration again")
        try:
            work = self._load()
            old, reach, names = self._work, self._reach, set(self._standing.connections)
            await self._take_over(work)
        except ConfigError as error:
            self._log.error("reload_refused", error=str(error), advice="The old configuration stays in force.")
        else:
            assert old is not None, "a reload comes after the start"
            assert reach is not None, "as it does"
            await reach.end()
            await old.close()
            for name in names - work.terms.poll_every.keys():
                self._scheduler.drop(name)
            for name in work.terms.poll_every:
                self._plan(name)
            self.sync_now(work.terms.poll_every)
            self._log.info("reloaded", connections=len(work.terms.poll_every))
        self._teller.ready()

    def _app(self, address: Address) -> ASGIApp:
        return create_app(
            standing=self._standing,
            metrics=self._metrics,
            clock=self._clock,
            host=address.host,
            token=address.token,
            sync_now=self.sync_now,
            alive=self._heart.is_alive,
        )

    async def _end(self) -> None:
        self._scheduler.stop()
        if self._reach is not None:
            await self._reach.end()
        await self._pages.close()
        if self._work is not None:
            await self._work.close()


def _waits(part: Part) -> bool:
    """Whether something waits that might be done: what could not be sent, or got no answer, but for what is held."""
    return any(part.outbox.get(state) for state in (OperationState.PENDING, OperationState.UNKNOWN))
