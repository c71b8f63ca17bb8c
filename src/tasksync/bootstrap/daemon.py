"""From configurations, one after the other, to the daemon and its work."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Final

from tasksync.bootstrap.connecting import connectors, open_dialer
from tasksync.bootstrap.parts import part_of, reached_part
from tasksync.bootstrap.surroundings import Surroundings
from tasksync.bootstrap.syncing import Wiring
from tasksync.bootstrap.tenancy import Tenancy
from tasksync.config import Config
from tasksync.engine.participants import Participants
from tasksync.engine.report import CycleReport
from tasksync.errors import ExitCode, RetryLater, SkipRecord, StopConnection, TasksyncError
from tasksync.ports import Account, Meter, Traffic
from tasksync.service.daemon import Daemon
from tasksync.service.heart import Heart
from tasksync.service.logs import configure, within_run
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.systemd import Notifier
from tasksync.service.turn import Part, Turn
from tasksync.service.work import Address, Terms

_PRUNED_AT_ONCE: Final = 500


async def run_daemon(first: Config, reread: Callable[[], Config], around: Surroundings) -> ExitCode:
    """Sync until SIGTERM or SIGINT. `reread` reads the configuration anew. Raises `StopProgram`."""
    notifier = Notifier.from_environ(os.environ, around.log)
    heart = Heart(around.clock)
    with Tenancy.open(first.database, around) as tenancy:
        clock, log = tenancy.around.clock, tenancy.around.log
        standing = Standing(clock.now())
        metrics = Metrics(standing, clock)
        meter = _Meter(metrics, heart)
        configs = [first]

        def load() -> DaemonWork:
            config = configs.pop() if configs else reread()
            return DaemonWork(config, tenancy, meter)

        daemon = Daemon(load, clock=clock, log=log, notifier=notifier, standing=standing, metrics=metrics, heart=heart)
        try:
            return await daemon.run()
        except TasksyncError:
            raise
        except Exception:
            log.error("crashed", exc_info=True)  # noqa: G201 -- `Log` has no other way
            return ExitCode.RETRY


class _Meter:
    """Hears of every request: the metrics count it, and it is a sign of life."""

    def __init__(self, metrics: Metrics, heart: Heart) -> None:
        self._metrics = metrics
        self._heart = heart

    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float, traffic: Traffic) -> None:
        self._heart.heard()
        self._metrics.requested(connection, method, status, elapsed_s, traffic)


class DaemonWork:
    """`service.work.Work` of one configuration. Raises `ConfigError` when it cannot take the place of the last one."""

    def __init__(self, config: Config, tenancy: Tenancy, meter: Meter) -> None:
        tenancy.require(config.database)
        self._config = config
        self._tenancy = tenancy
        self._around = tenancy.around
        self._stopped = False
        self._accounts: dict[str, Account] = {}
        self._just_opened: set[str] = set()
        self._last: CycleReport | None = None
        self._stack = AsyncExitStack()
        self._dialer = open_dialer(config, self._around, self._stack, meter)
        self._connectors = connectors(config, self._around, self._stack, self._dialer, tenancy.mirror)

    @property
    def terms(self) -> Terms:
        """See `Work`."""
        serving = self._config.http
        return Terms(
            poll_every={settings.name: settings.poll_every for settings in self._config.connections},
            shutdown_grace=self._config.sync.shutdown_grace,
            address=None
            if serving is None
            else Address(host=serving.listen.host, port=serving.listen.port, token=serving.token),
        )

    def begin(self) -> None:
        """See `Work`."""
        settings, redactor = self._config.log, self._around.redactor
        if self._config.http is not None and self._config.http.token is not None:
            redactor.conceal(self._config.http.token)
        configure(settings.level, settings.format, redact=redactor.redact_data)
        for warning in self._config.warnings:
            self._around.log.warning("config_doubtful", warning=warning)

    def is_open(self, name: str) -> bool:
        """See `Work`."""
        return name in self._accounts

    async def reach(self, name: str) -> Part:
        """See `Work`."""
        connector = self._connectors[name]
        try:
            self._accounts[name] = await connector.open()
        except (RetryLater, SkipRecord, StopConnection) as error:
            return reached_part(name, error, self._around.redactor.redact(str(error)))
        self._just_opened.add(name)
        return reached_part(name, None, None)

    async def turn(self, due: Collection[str], failing: Collection[str]) -> Turn:
        """See `Work`."""
        async with self._tenancy.at_work(self._is_stopping) as still_ours:
            wiring = Wiring(
                config=self._config,
                around=self._around,
                mirror=self._tenancy.mirror,
                connectors=self._connectors,
                still_ours=still_ours,
            )
            # Who is polled is opened anew: its rights, which decide what we see (I5), and its lists may be others now.
            stale = set(due) - self._just_opened
            accounts = {name: account for name, account in self._accounts.items() if name not in stale}
            self._just_opened -= set(due)
            cycle = wiring.cycle(
                participants=Participants(only={*due, *accounts}, due=due, accounts=accounts, failing=failing),
                stopping=self._is_stopping,
                last=self._last,
            )
            with within_run(cycle.id):
                report = await cycle.run()
            self._last = report
            return self._told(report)

    async def tidy(self) -> None:
        """See `Work`."""
        async with self._tenancy.at_work(self._is_stopping):
            mirror = self._tenancy.mirror
            horizon = self._around.clock.now() - self._config.sync.keep_history
            forgotten, more = 0, True
            while more and not self._stopped:
                with mirror.begin() as unit:
                    some = unit.forget_before(horizon, _PRUNED_AT_ONCE)
                forgotten, more = forgotten + some, some > 0
                await asyncio.sleep(0)
            mirror.tidy()
            self._around.log.debug("mirror_tidied", forgotten=forgotten)

    def stop(self) -> None:
        """See `Work`."""
        self._stopped = True
        self._dialer.stop()

    async def close(self) -> None:
        """See `Work`."""
        await self._stack.aclose()

    def _is_stopping(self) -> bool:
        return self._stopped

    def _told(self, report: CycleReport) -> Turn:
        """The report as the daemon tells it. From now on those take part that can be reached."""
        for member in report.members:
            if not member.selected:
                continue  # it may have been reached meanwhile
            self._accounts.pop(member.name, None)
            if member.account is not None and member.reachable:
                self._accounts[member.name] = member.account
        with self._tenancy.mirror.begin() as unit:
            depths, holds, known = unit.outbox_depth(), unit.hold_counts(), unit.connections()
        return Turn(
            run=report.run,
            started_at=report.started_at,
            finished_at=report.finished_at,
            exit_code=int(report.exit_code),
            cost=report.cost,
            conflicts=len(report.conflicts),
            holds=len(report.holds),
            parts=tuple(
                part_of(
                    member,
                    depths=[one for one in depths if one.connection == member.name],
                    held=holds.get(member.name, 0),
                    known=[one for one in known if one.name == member.name],
                    quota=self._dialer.quota(member.name),
                )
                for member in report.members
            ),
        )
