"""A daemon that was started, seen from outside: its process, its log, its pages."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any, Final, Protocol

import httpx

PATIENCE_S: Final = 30.0


def until(met: Callable[[], object], what: str, *, patience_s: float = PATIENCE_S) -> None:
    """Look again and again until it is so. Fails when that takes too long."""
    deadline = time.monotonic() + patience_s
    while not met():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s:g} s"
        time.sleep(0.02)


class Process(Protocol):
    """Of `subprocess.Popen` and `residents.Resident`, what is used of them."""

    @property
    def pid(self) -> int: ...

    def wait(self, timeout: float = ...) -> int: ...

    def poll(self) -> int | None: ...


class Daemon:
    """A `tasksync sync` that was started. `lines`: what it wrote to stderr so far, one entry a line."""

    def __init__(self, process: Process, stderr: Path, url: str, token: str | None) -> None:
        self.process = process
        self.lines: list[str] = []
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=10)
        self._reader = Thread(target=self._read, args=(stderr,), name="stderr", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def ended(self, timeout: float = PATIENCE_S) -> int:
        """Its exit code; negative for a signal. All it wrote is in `lines` by then."""
        code = self.process.wait(timeout)
        self._reader.join(timeout)
        return code

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def events(self, name: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """Of its own events in the log those of this name, or all, in which these keys have these values."""
        found = [json.loads(line) for line in list(self.lines) if line.startswith("{")]
        ours = [one for one in found if "logger" not in one]
        return [one for one in ours if name in {None, one["event"]} and fields.items() <= one.items()]

    def says(self, name: str, *, times: int = 1, **fields: Any) -> None:
        """Wait until it has logged the event so often."""
        until(lambda: len(self.events(name, **fields)) >= times, f"{times} x {name} {fields} in {self}")

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and object of a page."""
        answer = self.http.get(path)
        return answer.status_code, answer.json()

    def status(self) -> dict[str, Any]:
        return self.get("/status.json")[1]

    def metric(self, sample: str) -> float:
        """The value of a sample, given with its labels as /metrics writes it; 0 when there is none."""
        for line in self.http.get("/metrics").text.splitlines():
            if line.startswith(f"{sample} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def answers(self) -> bool:
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def __str__(self) -> str:
        return "\n".join(["the daemon, which said:", *self.lines[-40:]])

    def _read(self, stderr: Path) -> None:
        with stderr.open(encoding="utf-8") as pipe:
            self.lines.extend(line.rstrip("\n") for line in pipe)
