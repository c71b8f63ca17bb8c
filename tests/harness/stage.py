"""A world that can be set up again and again, exactly the same, and the program as processes that may be killed."""

from __future__ import annotations

import copy
import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from desk import ROOT, example_without_waiting

from tasksync.ports import Unit
from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock
from tasksync.store.opening import open_mirror

DRIVER = ROOT / "tests" / "crash" / "driver.py"
CONNECTIONS = {"office": "onlyoffice", "capsule": "capsule", "advisers": "plannr"}
# What differs between two runs that did the same: who was first, and when.
_INCIDENTAL = frozenset({"id", "created", "modified", "completed"})
_BESIDE = ("", "-wal", "-shm", "-journal", ".lock", ".lock.owner")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A process that has ended. `code` is negative for a signal; `trace` names the points it came to, in order."""

    code: int
    stdout: str
    stderr: str
    trace: list[str]

    @property
    def printed(self) -> dict[str, Any]:
        """What `--json` printed."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a run begins: what the CRMs and the mirror hold, and how many runs led to that."""

    crms: Mapping[str, Mapping[str, Any]]
    mirror: bytes | None
    runs: int


def fill(stage: Stage, crms: Iterable[str], count: int) -> None:
    """Put the same tasks, "Task 000" and so on, into each of these CRMs, with all that matching and pushing look at."""
    for name in crms:
        for number in range(count):
            stage.world.crms[name].add(title=f"Task {number:03}", body="As it was.", due="2031-03-05", category="Call")


class Driver:
    """`tests/crash/driver.py` as a process; see there."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()

    def carry_out(self, order: Mapping[str, Any]) -> int:
        """The exit code of the process that carried out the order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass
class Stage:
    """A sandbox on a socket, a folder with the example's config, and a driver; from `with` to the end of the block.

    `orderly`: the program does everything in the same order each time, one request after the other, so that it can be
    disturbed at a chosen point; else as it likes.
    """

    folder: Path
    orderly: bool = True
    world: World = field(default_factory=lambda: World(SystemClock(), seed=False))

    def __post_init__(self) -> None:
        self._runs = 0
        self.database = self.folder / "tasksync.db"
        self._server = Server(self.world)
        self._driver = Driver()

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config.yaml").write_text(example_without_waiting(), encoding="utf-8")
        self._server.__enter__()
        self._driver.__enter__()
        urls = {f"{crm.upper()}_URL": f"{self._server.url}/{crm}" for crm in self.world.crms}
        self._environ = {**os.environ, **urls, "COLUMNS": "200"}
        self.blank = self.keep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._driver.__exit__(kind, error, traceback)
        self._server.__exit__(kind, error, traceback)

    # --- running ---

    def sync(self, *arguments: str, at: int = 0, do: str = "kill", read_only: bool = False) -> Ended:
        """One `tasksync sync --once --json`; the keywords are the driver's."""
        files = {name: self.folder / name for name in ("stdout", "stderr", "trace")}
        files["trace"].write_text("")
        self._runs += 1
        code = self._driver.carry_out(
            {
                "folder": str(self.folder),
                "environ": self._environ,
                "arguments": ["sync", "--once", "--json", *arguments],
                "stdout": str(files["stdout"]),
                "stderr": str(files["stderr"]),
                "trace": str(files["trace"]),
                "orderly": self.orderly,
                "at": at,
                "do": do,
                "run": self._runs,
                "read_only": read_only,
            }
        )
        texts = {name: file.read_text(encoding="utf-8") for name, file in files.items()}
        return Ended(code=code, stdout=texts["stdout"], stderr=texts["stderr"], trace=texts["trace"].splitlines())

    def start_process(self) -> subprocess.Popen[str]:
        """A `tasksync sync --once --json` from scratch, without driver."""
        return subprocess.Popen(
            [sys.executable, "-m", "tasksync", "sync", "--once", "--json"],
            cwd=self.folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def quieten(self, cycles: int) -> int:
        """Sync until a cycle has nothing to write and ends with 0; how many it took besides that one. Fails after
        `cycles`.
        """
        ended: Ended | None = None
        for taken in range(cycles + 1):
            self.forget_requests()
            ended = self.sync()
            if ended.code == 0 and not self.writes():
                return taken
        raise AssertionError(f"not in step after {cycles} cycles: {ended}, {self.writes()}")

    # --- setting up ---

    def keep(self) -> Start:
        """What there is now, to begin from again."""
        return Start(
            crms={name: copy.deepcopy(vars(crm), {id(crm): crm}) for name, crm in self.world.crms.items()},
            mirror=self.database.read_bytes() if self.database.exists() else None,
            runs=self._runs,
        )

    def begin(self, start: Start) -> None:
        """Be as it was at `start`. The objects behind the server's routes stay the same; what they hold is replaced."""
        self._runs = start.runs
        for name, crm in self.world.crms.items():
            vars(crm).clear()
            vars(crm).update(copy.deepcopy(dict(start.crms[name]), {id(crm): crm}))
        for suffix in _BESIDE:
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        if start.mirror is not None:
            self.database.touch(mode=0o600)
            self.database.write_bytes(start.mirror)

    # --- looking ---

    def forget_requests(self) -> None:
        for crm in self.world.crms.values():
            crm.requests.clear()

    def writes(self) -> list[Any]:
        return [one for crm in self.world.crms.values() for one in crm.requests if one.method != "GET"]

    def titles(self) -> dict[str, Counter[str]]:
        """How often each title occurs in each CRM."""
        return {name: Counter(task["title"] for task in crm.tasks()) for name, crm in self.world.crms.items()}

    def state(self) -> dict[str, Any]:
        """All that matters of what the CRMs and the mirror hold, without ids and times; doubles show as doubles."""
        mirror = open_mirror(str(self.database))
        try:
            with mirror.begin() as unit:
                return {
                    "crms": {name: self._tasks(name) for name in self.world.crms},
                    "records": self._records(unit),
                    "outbox": [str(queued.operation) for queued in unit.queue()],
                    "holds": [hold.message for hold in unit.holds()],
                    "joined": sorted(one.name for one in unit.connections() if one.met_at is not None),
                }
        finally:
            mirror.close()

    def _tasks(self, crm: str) -> list[dict[str, Any]]:
        tasks = self.world.crms[crm].tasks()
        plain = [{name: value for name, value in task.items() if name not in _INCIDENTAL} for task in tasks]
        return sorted(plain, key=repr)

    def _records(self, unit: Unit) -> list[dict[str, Any]]:
        """Each with its values, the titles of the tasks that it is linked to, and the values that were superseded."""
        titles = {
            (connection, task["id"]): task["title"]
            for connection, crm in CONNECTIONS.items()
            for task in self.world.crms[crm].tasks()
        }
        with closing(sqlite3.connect(self.database)) as raw:
            ids = [str(row[0]) for row in raw.execute("SELECT id FROM record")]
        replicas = unit.replicas_of(ids)
        found = [
            {
                "values": dict(record.values),
                "deleted": record.deleted_at is not None,
                "links": {name: titles.get((name, one.external_id)) for name, one in replicas[record.id].items()},
                "superseded": sorted({(one.field, repr(one.old), repr(one.new)) for one in unit.revisions(record.id)}),
            }
            for record in unit.records(ids).values()
        ]
        return sorted(found, key=lambda one: repr(one["values"]))
