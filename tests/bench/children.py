"""The processes of a bench: the sandbox, tasksync, the bare client. Each ends with its `with`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What something took of the process that did it. `peak_bytes`: the most memory it held since it began."""

    code: int
    wall_s: float
    cpu_s: float
    peak_bytes: int


class Child:
    """A program that answers each line of JSON with a line of JSON. What it says on its standard error is in a file
    `log`. `home`: what it is to take for the home of its user.
    """

    def __init__(
        self, arguments: Sequence[str], log: Path, *, python: str = sys.executable, home: Path | None = None
    ) -> None:
        self._arguments = [python, *arguments]
        self._log = log
        self._environ = os.environ | ({} if home is None else {"HOME": str(home)})

    def __enter__(self) -> Self:
        with self._log.open("ab") as stderr:
            self.process = subprocess.Popen(
                self._arguments, cwd=ROOT, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=stderr, text=True,
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.communicate()

    def line(self) -> str:
        """The next one that it prints."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._arguments[1:3]} ended:\n{self._log.read_text(encoding='utf-8')[-4000:]}")
        return line.rstrip("\n")

    def ask(self, order: Mapping[str, Any]) -> Taken:
        """Have an order carried out, and wait for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        answer = json.loads(self.line())
        return Taken(**{name: answer[name] for name in ("code", "wall_s", "cpu_s", "peak_bytes")})


def whole_process(arguments: Sequence[str], folder: Path) -> Taken:
    """Run a program of Python's from start to end. What it imports is compiled as it is where a program is installed,
    once and for all; a source tree whose users want no bytecode in it would be compiled anew by every process.
    """
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    with (folder / "whole.log").open("ab") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Taken(
        code=process.returncode,
        wall_s=wall_s,
        cpu_s=usage.ru_utime + usage.ru_stime,
        # In KiB on Linux; never less than what this process had when it started the other.
        peak_bytes=usage.ru_maxrss * 1024,
    )
