"""tasksync in a process whose imports are done: python -m tests.bench.ours FOLDER. One order a line on its standard
input, one answer a line on its standard output, all in JSON (`children.Child`).

The limits that the CRMs set on requests are lifted, here as in the bare client: they are not what is measured.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal
from unittest.mock import patch

from tasksync.bootstrap import connecting
from tasksync.bootstrap.daemon import DaemonWork
from tasksync.bootstrap.garbage import collect_seldom, staying
from tasksync.bootstrap.surroundings import surroundings
from tasksync.bootstrap.syncing import sync_once
from tasksync.bootstrap.tenancy import Tenancy
from tasksync.config import load_config
from tasksync.ports import RateLimit, Traffic
from tasksync.store.mirror import SqlMirror
from tasksync.transport.dial import Dialer
from tasksync.transport.session import Session

_UNLIMITED: Final = RateLimit(requests=1_000_000_000, per_s=1.0)
_BESIDE: Final = ("", "-wal", "-shm", "-journal", ".lock", ".lock.owner")


class UnlimitedDialer(Dialer):
    """Dials whatever is wanted without the limit that the connector names."""

    def __call__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Literal["json", "xml"],
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> Session:
        del limit
        return super().__call__(
            connection=connection,
            base_url=base_url,
            limit=_UNLIMITED,
            expects=expects,
            headers=headers,
            secrets=secrets,
        )


class _Hasty(sqlite3.Connection):
    """Commits without waiting for the disk, which the mirror never does."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), *parameters)


class _Meter:
    """Counts what the daemon's would count."""

    def __init__(self) -> None:
        self.requests = 0

    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float, traffic: Traffic) -> None:
        del connection, method, status, elapsed_s
        self.requests += 1


class Ours:
    """tasksync with the configuration of a folder: single runs, and the turns of a daemon."""

    def __init__(self, folder: Path) -> None:
        self._config = load_config(folder / "config.yaml", os.environ)
        self._around = surroundings(self._config.log)
        self._runner = asyncio.Runner()
        self._stack = ExitStack()
        self._work: DaemonWork | None = None
        self._names = [settings.name for settings in self._config.connections]
        self.mirror: SqlMirror | None = None

    def forget(self) -> None:
        """Be without a mirror again."""
        for suffix in _BESIDE:
            Path(f"{self._config.database}{suffix}").unlink(missing_ok=True)

    def once(self) -> int:
        """One `tasksync sync --once`, but for the start of its process; its exit code."""
        report = self._runner.run(sync_once(self._config, self._around))
        return int(report.exit_code)

    def open(self) -> int:
        """Be a daemon that has reached all connections."""
        tenancy = self._stack.enter_context(Tenancy.open(self._config.database, self._around))
        self.mirror = tenancy.mirror
        self._work = DaemonWork(self._config, tenancy, _Meter())
        self._work.begin()
        for name in self._names:
            self._runner.run(self._work.reach(name))
        return 0

    def turn(self) -> int:
        """One turn of the daemon, in which all connections are due; its exit code."""
        assert self._work is not None, "open() comes first"
        return self._runner.run(self._work.turn(self._names, ())).exit_code

    def close(self) -> int:
        if self._work is not None:
            self._runner.run(self._work.close())
        self._stack.close()
        self._runner.close()
        return 0


def peak_bytes() -> int:
    """The most memory that this process ever held. `ru_maxrss` also counts that of the process which started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [one for one in status.splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def measured(act: Callable[[], int]) -> dict[str, Any]:
    """What `act` took of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    code = act()
    return {
        "code": code,
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_bytes": peak_bytes(),
    }


def main(folder: Path) -> None:
    # As the command does.
    collect_seldom()
    with staying():
        ours = Ours(folder)

    def first() -> int:
        ours.forget()
        return ours.once()

    def first_unsafely() -> int:
        with patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=_Hasty)):
            return first()

    orders: dict[str, Callable[[], int]] = {
        "first": first,
        "first unsafely": first_unsafely,
        "once": ours.once,
        "open": ours.open,
        "turn": ours.turn,
        "close": ours.close,
    }
    for line in sys.stdin:
        order = json.loads(line)["do"]
        if order.startswith("first"):
            # A mirror is made, which takes Alembic. Here it is imported before anything is measured.
            importlib.import_module("tasksync.store.migrating")
        answer = measured(orders[order])
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with patch.object(connecting, "Dialer", UnlimitedDialer):
        main(Path(sys.argv[1]))
