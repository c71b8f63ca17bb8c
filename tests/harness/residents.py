"""Processes of tasksync that stay: forked, as in `nursery`, from one that has made all imports already, which saves the
second of processor time that each of them would take.

As a program, it is that parent: it reads one order a line from its standard input, `{"arguments", "folder", "environ",
"stderr", "silence_s", "block_s"}`, runs `tasksync` with that in a child of its own, and writes the child's process id
and, when it has ended, its exit code, or minus the number of the signal that ended it.

Two things can be done to a child that nobody can do to tasksync from outside. `silence_s`: its heart loses patience
with a silent turn after so many seconds. `block_s`: at SIGUSR2 its event loop stands still for so long.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

LONGEST_S = 60.0


class Resident:
    """One such process, as `subprocess.Popen` would show it."""

    def __init__(self, pid: int, told: SimpleQueue[str]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._told = told

    def wait(self, timeout: float = LONGEST_S) -> int:
        """Its exit code. Raises `queue.Empty` if it does not end in time."""
        if self.returncode is None:
            self.returncode = int(self._told.get(timeout=timeout))
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        if self.returncode is None and not self._told.empty():
            return self.wait()
        return self.returncode


class Residents:
    """Starts them, as many at once as are wanted."""

    def __init__(self) -> None:
        self._parents: list[_Parent] = []
        self._lock = Lock()

    def start(self, order: Mapping[str, Any]) -> Resident:
        with self._lock:
            parent = next((one for one in self._parents if one.idle), None)
            if parent is None:
                self._parents.append(parent := _Parent())
        return parent.start(order)

    def close(self) -> None:
        for parent in self._parents:
            parent.close()


class _Parent:
    def __init__(self) -> None:
        self._process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._told: SimpleQueue[str] = SimpleQueue()
        self._child: Resident | None = None
        Thread(target=self._listen, daemon=True).start()

    @property
    def idle(self) -> bool:
        return self._child is None or self._child.poll() is not None

    def start(self, order: Mapping[str, Any]) -> Resident:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self._child = Resident(int(self._told.get(timeout=LONGEST_S)), self._told)
        return self._child

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.put(line.decode())


RESIDENTS = Residents()
atexit.register(RESIDENTS.close)


def serve() -> None:
    """The parent: until its standard input ends."""
    for name in ("tasksync.cli.sync", "tasksync.bootstrap.daemon", "uvicorn.loops.asyncio", "httpcore._backends.anyio"):
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        _tell(child)
        _tell(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _tell(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _run(order: Mapping[str, Any]) -> None:
    """The child, to its end."""
    code = 70
    try:
        _prepare(order)
        from tasksync.cli import main  # noqa: PLC0415 -- the module is a fixture of tests, too, which need no program

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 -- nothing may get back into the process that this one was forked from
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def _prepare(order: Mapping[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(order["environ"])
    os.chdir(order["folder"])
    for number, name in enumerate((os.devnull, os.devnull, order["stderr"])):
        os.dup2(os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY), number)
    sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.argv = ["tasksync", *order["arguments"]]
    if order["silence_s"]:
        from tasksync.service.heart import Heart  # noqa: PLC0415 -- as above

        (Heart.__init__.__kwdefaults__ or {})["silence_s"] = order["silence_s"]
    if order["block_s"]:
        signal.signal(signal.SIGUSR2, lambda *_: time.sleep(order["block_s"]))


def order_for(
    arguments: list[str],
    folder: Path,
    environ: Mapping[str, str],
    stderr: Path,
    *,
    silence_s: float = 0.0,
    block_s: float = 0.0,
) -> dict[str, Any]:
    """What `Residents.start` takes. `stderr` has to exist; it may be a pipe that somebody reads."""
    return {
        "arguments": arguments,
        "folder": str(folder),
        "environ": dict(environ),
        "stderr": str(stderr),
        "silence_s": silence_s,
        "block_s": block_s,
    }


if __name__ == "__main__":
    serve()
