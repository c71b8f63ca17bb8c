"""A daemon that goes on for days, in one process and by a clock that is moved on: nothing grows."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from firm import FakeClock
from working_day import own_address

from tasksync.bootstrap import connecting
from tasksync.bootstrap.daemon import DaemonWork
from tasksync.bootstrap.surroundings import Surroundings
from tasksync.bootstrap.tenancy import Tenancy
from tasksync.config import load_config
from tasksync.errors import ExitCode
from tasksync.sandbox.app import create_app
from tasksync.sandbox.world import World
from tasksync.service import daemon as service
from tasksync.service.daemon import HOUSEKEEPING, Daemon
from tasksync.service.heart import Heart
from tasksync.service.logs import configure
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.systemd import Notifier
from tasksync.transport import limits
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor

CYCLES = 2000
WARM = 500
"""Until then everything has been done for the first time."""

EDIT_EVERY = 50
LOOK_EVERY = 25
TIDY_EVERY = 100
MIB = 1024 * 1024
MOST_RSS = 4 * MIB
MOST_BLOCKS = 1500
"""One for each cycle in between: whatever is kept of each would be told."""


class Free:
    """In the place of a limiter that counts by the machine's time, which does not go on here."""

    def __init__(self, *_: float) -> None: ...

    async def acquire(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What the process takes. `blocks`: pieces of memory that Python's objects have."""

    rss: int
    blocks: int
    descriptors: int
    tasks: int


def taken() -> Taken:
    gc.collect()
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return Taken(
        rss=int(pages) * os.sysconf("SC_PAGE_SIZE"),
        blocks=sys.getallocatedblocks(),
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
        tasks=len(asyncio.all_tasks()),
    )


@dataclass(kw_only=True)
class Life:
    """A daemon with a mirror in a file, and two CRMs behind a transport without sockets."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        world = World(self.clock, seed=False)
        self.app = create_app(world)
        self.crms = {crm.name: crm for crm in (world.onlyoffice, world.capsule)}
        self.address = own_address()
        self.database = self.folder / "tasksync.db"
        config = {
            "database": str(self.database),
            "connections": {
                "onlyoffice": self._connection("onlyoffice", category="Call", due="+7d"),
                "capsule": self._connection("capsule", due="+7d"),
            },
            "sync": {"keep_history": "1h"},
            "http": {"listen": self.address},
            "log": {"level": "error"},
        }
        (self.folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")

    @staticmethod
    def _connection(crm: str, **defaults: Any) -> dict[str, Any]:
        # The pace is the test's own: within an hour of real time nobody else knocks.
        url = f"http://127.0.0.1/{crm}"
        return {"type": crm, "url": url, "token": "sandbox", "poll_every": "1h", "defaults": defaults}

    async def live(self) -> tuple[list[Taken], int]:
        """Cycle after cycle, a minute apart. What was taken once it was warm and in the end, and how large the log of
        the mirror ever was.
        """
        around = Surroundings(clock=self.clock, redactor=Redactor(), log=configure("error", "json", redact=dict))
        config = load_config(self.folder / "config.yaml", {})
        with Tenancy.open(config.database, around) as tenancy:
            standing = Standing(self.clock.now())
            metrics = Metrics(standing, self.clock)
            heart = Heart(self.clock, monotonic=lambda: self.clock.now().timestamp())
            daemon = Daemon(
                lambda: DaemonWork(config, tenancy, metrics),
                clock=tenancy.around.clock,
                log=around.log,
                notifier=Notifier(None, around.log),
                standing=standing,
                metrics=metrics,
                heart=heart,
            )
            running = asyncio.create_task(daemon.run())
            found, longest = list[Taken](), 0
            async with httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False) as monitoring:
                for number in range(CYCLES):
                    await self._cycle(daemon, standing, running, number)
                    if number % LOOK_EVERY == 0:
                        assert (await monitoring.get("/metrics")).status_code == 200
                        assert (await monitoring.get("/status.json")).status_code == 200
                    longest = max(longest, (self.folder / "tasksync.db-wal").stat().st_size)
                    if number in {WARM, CYCLES - 1}:
                        found.append(taken())
            daemon._stop()
            assert await running is ExitCode.IN_STEP
        return found, longest

    async def _cycle(self, daemon: Daemon, standing: Standing, running: asyncio.Task[ExitCode], number: int) -> None:
        if number % EDIT_EVERY == EDIT_EVERY - 1:
            self._work(number)
        if number % TIDY_EVERY == TIDY_EVERY - 1:
            daemon._knock(HOUSEKEEPING)
        # Seldom all at once, as their intervals are a little longer each time, by chance.
        names = list(self.crms)
        daemon.sync_now(names if number % 10 == 0 else [names[number % 2]])
        while standing.turns <= number:
            assert not running.done(), running
            await asyncio.sleep(0)
        self.clock.tick(minutes=1)
        for crm in self.crms.values():
            crm.requests.clear()

    def _work(self, number: int) -> None:
        """Somebody changes a task, in one CRM after the other."""
        crm = list(self.crms.values())[number // EDIT_EVERY % 2]
        crm.edit(crm.tasks()[0]["id"], body=f"As of cycle {number}.")

    def rows(self, table: str) -> int:
        with closing(sqlite3.connect(self.database)) as raw:
            return int(raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 -- no foreign text


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Life:
    found = Life(folder=tmp_path)
    for crm in found.crms.values():
        crm.fill(3)
    transport = httpx.ASGITransport(app=found.app, raise_app_exceptions=True)
    monkeypatch.setattr(connecting, "Dialer", functools.partial(Dialer, transport=transport))
    monkeypatch.setattr(limits, "AsyncLimiter", Free)
    # httpx looks for it at every request, which takes long where it is not.
    monkeypatch.setitem(sys.modules, "trio", None)
    monkeypatch.setattr(service, "_BREATH_S", 0.0)
    return found


async def test_nothing_grows(life: Life) -> None:
    """After 2,000 cycles, with an edit now and then, somebody who reads the metrics and housekeeping, the process takes
    what it took after 500; the mirror remembers a few runs and the history that was asked for, and its log is short.
    """
    (warm, end), longest = await life.live()
    assert end.rss - warm.rss < MOST_RSS
    assert end.blocks - warm.blocks < MOST_BLOCKS
    assert end.descriptors == warm.descriptors
    assert end.tasks == warm.tasks
    assert longest < 5 * MIB
    # Those of the hour for which history is kept, between which nothing happened, and of the time since the last
    # housekeeping.
    assert life.rows("run") <= 2 * (60 + TIDY_EVERY) / EDIT_EVERY + 2
    assert 0 < life.rows("revision") <= (60 + TIDY_EVERY) / EDIT_EVERY + 1
    assert life.database.stat().st_size < MIB
