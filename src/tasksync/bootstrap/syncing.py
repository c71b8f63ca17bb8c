"""From a `Config` to cycles that run, and back to nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tasksync.bootstrap.connecting import connectors, open_dialer
from tasksync.bootstrap.mirrors import for_one_run
from tasksync.bootstrap.surroundings import Surroundings, new_id
from tasksync.config import Config
from tasksync.core.record import KINDS
from tasksync.engine.cycle import Cycle, latest_moment
from tasksync.engine.member import Policy
from tasksync.engine.participants import EVERYBODY, Participants
from tasksync.engine.report import CycleReport
from tasksync.errors import ConfigError
from tasksync.ports import Connector, Mirror
from tasksync.service.logs import within_run
from tasksync.service.signals import heeding
from tasksync.service.usage import usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What cycles are made of."""

    config: Config
    around: Surroundings
    mirror: Mirror
    connectors: Mapping[str, Connector]
    still_ours: Callable[[], bool]

    def cycle(
        self,
        *,
        participants: Participants = EVERYBODY,
        last: CycleReport | None = None,
        stopping: Callable[[], bool] = lambda: False,
        dry_run: bool = False,
        allow_deletes: bool = False,
    ) -> Cycle:
        """A cycle over all groups. See `Cycle`."""
        config = self.config
        return Cycle(
            mirror=self.mirror,
            groups={group.name: [self.connectors[name] for name in group.connections] for group in config.groups},
            order=[settings.name for settings in config.connections],
            policy=Policy(
                deletions=config.sync.deletions,
                max_deletes=config.sync.max_deletes,
                allow_deletes=allow_deletes,
                completed_horizon=config.sync.completed_horizon,
                first_sync=config.sync.first_sync,
                full_sweep=config.sync.full_sweep,
            ),
            configured=config.correspondences,
            kinds=[kind for name, kind in KINDS.items() if name in config.sync.kinds],
            clock=self.around.clock,
            log=self.around.log,
            new_id=new_id,
            usage=usage,
            participants=participants,
            last=last,
            stopping=stopping,
            dry_run=dry_run,
            still_ours=self.still_ours,
            redact=self.around.redactor.redact,
        )


async def sync_once(
    config: Config,
    around: Surroundings,
    *,
    only: Sequence[str] = (),
    dry_run: bool = False,
    allow_deletes: bool = False,
    command: str = "tasksync sync --once",
    stop_at: Collection[signal.Signals] = (),
) -> CycleReport:
    """One cycle. A dry run works on a copy of the mirror in memory, takes no lock, and writes nothing anywhere. Any of
    the signals `stop_at` ends it early: what is under way is finished, and the rest waits for the next run.

    Raises `StopProgram`; what concerns a connection or a record is in the report.
    """
    _check_names(config, only)
    async with AsyncExitStack() as stack:
        stopping = asyncio.Event()
        mirror, still_ours = for_one_run(config, around, stack, dry_run=dry_run, command=command)
        around = around.steady(latest_moment(mirror))
        dialer = open_dialer(config, around, stack)
        wiring = Wiring(
            config=config,
            around=around,
            mirror=mirror,
            # A dry run stores the tokens that it renews, and nothing else: they would be lost otherwise.
            connectors=connectors(config, around, stack, dialer, None if dry_run else mirror),
            still_ours=still_ours,
        )
        cycle = wiring.cycle(
            participants=Participants(only=only),
            dry_run=dry_run,
            allow_deletes=allow_deletes,
            stopping=stopping.is_set,
        )

        def stop() -> None:
            stopping.set()
            dialer.stop()

        stack.enter_context(heeding(dict.fromkeys(stop_at, stop)))
        with within_run(cycle.id):
            report = await cycle.run()
            around.log.debug(
                "cycle_finished",
                requests=report.requests,
                received_bytes=report.traffic.received_bytes,
                sent_bytes=report.traffic.sent_bytes,
                **report.cost.as_dict(),
            )
            return report


def _check_names(config: Config, only: Sequence[str]) -> None:
    known = [settings.name for settings in config.connections]
    for name in only:
        if name not in known:
            raise ConfigError(f"--only: there is no connection {name!r} in {config.path}. It has: {', '.join(known)}.")
