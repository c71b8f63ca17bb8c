"""Starts `tasksync` processes, and kills each at the point it was told, or takes the disk from it there.

Run as a process of its own: each line of standard input is an order (JSON), each is answered by a line with the exit
code, negative for a signal. Every order is carried out by a new process, forked from this one, which has imported the
program and done nothing else: that saves the second that importing takes, some thousand times.

The program is not changed for it. What is wrapped, from outside, is the commit of the database driver and the exchange
of one request for one answer. From these a process counts its points:

- before and after every commit of a transaction that wrote something; one that only read leaves nothing behind
- before every request goes out, and after its answer came, before the program sees it

Exchanges go one at a time, and ids are counted, so that the points are the same, in the same order, in every run,
and number N names one of them. The trace that a process leaves behind lets the test see that this is so.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import json
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NoReturn

import httpx

from tasksync.bootstrap import syncing
from tasksync.cli import main
from tasksync.connectors.manifest import discover
from tasksync.transport.session import Session

STEPS = 100
"""Of the event loop: more than it takes from an answer to whatever the program does next."""


class Points:
    """Counts points and writes them down. At number `at` (from 1 on; 0: none), `happen` is called."""

    def __init__(self, at: int, happen: Callable[[], None], trace: str) -> None:
        self._at = at
        self._happen = happen
        self._reached = 0
        self._trace = os.open(trace, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)

    def reach(self, point: str) -> None:
        self._reached += 1
        if self._at and self._reached > self._at:
            return  # it has happened, and what comes after it is nobody's plan
        os.write(self._trace, f"{point}\n".encode())
        if self._reached == self._at:
            self._happen()


def kill() -> None:
    """The end, without a chance to clean up."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill_disk() -> None:
    """From now on the mirror cannot grow: a write beyond the first 4 KiB of a file is refused, as on a full disk. No
    page of the database with its header fits into that, and all that the program prints does.
    """
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))


class Database(sqlite3.Connection):
    """A connection whose commits are points; SQLAlchemy commits through this method and no other way. With `read_only`
    it is what SQLite makes of a file that it may not write, which cannot be had otherwise where tests run as root.
    """

    points: Points
    read_only: bool
    _changes = 0

    def __init__(self, database: str, *arguments: Any, **options: Any) -> None:
        if self.read_only:
            database = database.replace("mode=rw", "mode=ro")
        super().__init__(database, *arguments, **options)

    def commit(self) -> None:
        wrote = self.total_changes != self._changes
        self._changes = self.total_changes
        if wrote:
            self.points.reach("before commit")
        super().commit()
        if wrote:
            self.points.reach("after commit")


def watch_requests(points: Points) -> None:
    """Make every exchange two points, and let them wait for each other, and for all that follows from the one before:
    no answer comes while the program is still busy with the last.
    """
    exchange = Session._exchange
    turn = asyncio.Lock()

    async def watched(self: Session, request: Any, judge: Any) -> Any:
        await turn.acquire()
        try:
            points.reach(f"before {request.method} {request.url.path}")
            outcome = await exchange(self, request, judge)
            points.reach(f"after {request.method} {request.url.path}")
            return outcome
        finally:
            _release_later(turn, STEPS)

    def _release_later(turn: asyncio.Lock, steps: int) -> None:
        if steps:
            asyncio.get_running_loop().call_soon(_release_later, turn, steps - 1)
        else:
            turn.release()

    Session._exchange = watched  # type: ignore[method-assign]  # from outside, as said above


def prepare(order: Mapping[str, Any]) -> None:
    """Make this process what the order wants: folder, environment, standard streams, points."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    for stream, name in enumerate((os.devnull, order["stdout"], order["stderr"])):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), stream)
    sys.argv = ["tasksync", *order["arguments"]]
    signal.alarm(120)  # one that hangs must not hold up the whole run
    if order["orderly"]:
        make_orderly(order)


def make_orderly(order: Mapping[str, Any]) -> None:
    """Make points of what this process does, the same ones in the same order each time."""
    ids = count(order["run"] * 1_000_000)
    vars(syncing)["new_id"] = lambda: f"{next(ids):016x}"
    happen = {"kill": kill, "fill disk": fill_disk}[order["do"]]
    Database.points = Points(order["at"], happen, order["trace"])
    Database.read_only = order["read_only"]
    sqlite3.connect = functools.partial(sqlite3.connect, factory=Database)  # type: ignore[assignment]  # it is overloaded
    watch_requests(Database.points)


def carry_out(order: Mapping[str, Any]) -> NoReturn:
    """Be `tasksync`, from its first line to its exit code."""
    code = 70
    try:
        prepare(order)
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # nothing may get back into the process that this one was forked from
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def get_ready() -> None:
    """Do once what each process would do for itself: import what is imported late, and read the certificates, which
    nobody asks for on loopback.
    """
    discover()
    # httpcore looks for it before every request, which takes long where it is not.
    sys.modules.setdefault("trio", None)  # type: ignore[arg-type]  # documented: an import of it fails at once
    for name in ("anyio._backends._asyncio", "httpcore._backends.anyio", "certifi"):
        importlib.import_module(name)
    context = httpx.create_ssl_context()
    httpx.create_ssl_context = lambda *_, **__: context
    gc.freeze()


def serve() -> None:
    """Carry out orders until there are no more."""
    get_ready()
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            carry_out(json.loads(line))
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
