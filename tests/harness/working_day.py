"""A firm with a running daemon: three simulated CRMs on a socket, people who work in them, tasksync as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
from notified import Notified
from nursery import NURSERY
from residents import RESIDENTS, order_for
from running import Daemon, Process, until

from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock
from tasksync.store.opening import open_mirror

CRMS: Final = {"office": "onlyoffice", "capsule": "capsule", "advisers": "plannr"}
"""By connection."""

_CLIENT: Final = "8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001"
_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "office": {"category": "Call", "due": "+7d"},
    "capsule": {"due": "+7d"},
    "advisers": {"status": "To do", "link": {"type": "client", "id": _CLIENT}},
}
_PORTS = count(20_000)


def own_address() -> str:
    """A loopback address and a port that no other test uses, of this process or another one: all of 127/8 is this
    machine's, and a process id has 22 bits.
    """
    pid = os.getpid()
    return f"127.{1 + (pid >> 16)}.{pid >> 8 & 255}.{pid & 255}:{next(_PORTS)}"


@dataclass(kw_only=True)
class Firm:
    """`config` is the configuration as it is to be; `configure` writes it. Connections are called as in `CRMS`. Polls
    are complete ones and a second apart, and requests are not repeated.
    """

    folder: Path
    world: World
    url: str
    stack: ExitStack
    address: str = field(default_factory=own_address)
    notified: Notified = field(default_factory=Notified)
    config: dict[str, Any] = field(default_factory=dict)
    daemons: list[Daemon] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = self.stack.enter_context(httpx.Client(base_url=f"{self.url}/_admin/", trust_env=False))
        self.stack.enter_context(self.notified)
        self.config = {
            "connections": {
                name: {
                    "type": crm,
                    "url": f"{self.url}/{crm}",
                    "token": "sandbox",
                    "poll_every": "1s",
                    "defaults": dict(_DEFAULTS[name]),
                }
                for name, crm in CRMS.items()
            },
            "sync": {"full_sweep": "0s", "max_deletes": "100%"},
            "retry": {"tries": 1},
            "log": {"format": "json"},
            "http": {"listen": self.address},
        }

    def configure(self, **connection: Any) -> None:
        """Write the configuration, with these keys in every connection."""
        for settings in self.config["connections"].values():
            settings.update(connection)
        (self.folder / "config.yaml").write_text(json.dumps(self.config), encoding="utf-8")

    # --- tasksync ---

    def start(self, *, watchdog_s: float = 0.0, silence_s: float = 0.0, block_s: float = 0.0) -> Daemon:
        """A daemon, started just now. `watchdog_s`: how often systemd wants to hear of it; for the others see
        `residents`.
        """
        stderr = self._pipe()
        environ = self._environ({"WATCHDOG_USEC": str(round(watchdog_s * 1_000_000))})
        order = order_for(["sync"], self.folder, environ, stderr, silence_s=silence_s, block_s=block_s)
        return self._came(RESIDENTS.start(order), stderr)

    def start_afresh(self) -> Daemon:
        """The same as a program that makes its own imports."""
        stderr = self._pipe()
        # Both ends, as either alone would wait for the other.
        with os.fdopen(os.open(stderr, os.O_RDWR), "r+b", buffering=0) as pipe:
            process = subprocess.Popen(
                [sys.executable, "-m", "tasksync", "sync"],
                cwd=self.folder, env=self._environ({}), stdin=subprocess.DEVNULL, stderr=pipe,
            )  # fmt: skip
            daemon = self._came(process, stderr)
            until(lambda: daemon.lines or process.poll() is not None, "a first line of the log")
        return daemon

    def start_ready(self) -> Daemon:
        """A daemon whose first turn is over."""
        daemon = self.start()
        daemon.says("ready")
        return daemon

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of tasksync, to its end."""
        return NURSERY.run(arguments, self.folder, self._environ({}))

    def _environ(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "NOTIFY_SOCKET": self.notified.path, "COLUMNS": "200", **more}

    def _pipe(self) -> Path:
        # A pipe and no file: a limit on the size of files is not to reach the log.
        pipe = self.folder / f"stderr.{len(self.daemons)}"
        os.mkfifo(pipe)
        return pipe

    def _came(self, process: Process, stderr: Path) -> Daemon:
        token = self.config.get("http", {}).get("token")
        daemon = Daemon(process, stderr, f"http://{self.address}", token)
        self.stack.callback(daemon.http.close)
        self.daemons.append(daemon)
        return daemon

    def outbox(self) -> list[tuple[str, str]]:
        """Connection and state of what waits, read from the mirror of a daemon that has ended."""
        with closing(open_mirror(str(self.folder / "tasksync.db"))) as mirror, mirror.begin() as unit:
            return [(one.operation.connection, str(one.state)) for one in unit.queue()]

    def end(self) -> None:
        """No daemon is left."""
        for daemon in self.daemons:
            if daemon.process.poll() is None:
                daemon.signal(signal.SIGKILL)
                daemon.ended()

    # --- people, and what they see; all of it in the sandbox's own thread ---

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        answer = self.people.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def add(self, connection: str, title: str, **fields: Any) -> str:
        """A new task; its id there."""
        made = self.ask("POST", f"{CRMS[connection]}/tasks", {"title": title, "due": "2031-03-05", **fields})
        return str(made["id"])

    def edit(self, connection: str, task_id: str, **fields: Any) -> None:
        self.ask("PATCH", f"{CRMS[connection]}/tasks/{task_id}", fields)

    def remove(self, connection: str, task_id: str) -> None:
        self.ask("DELETE", f"{CRMS[connection]}/tasks/{task_id}")

    def tasks(self, connection: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"{CRMS[connection]}/tasks")
        return found

    def task(self, connection: str, title: str) -> dict[str, Any] | None:
        """The one task of that title, if it is there; fails if there are more."""
        found = [task for task in self.tasks(connection) if task["title"] == title]
        assert len(found) <= 1, found
        return found[0] if found else None

    def titles(self, connection: str) -> Counter[str]:
        return Counter(task["title"] for task in self.tasks(connection))

    def fail(self, connection: str, do: str, **details: Any) -> None:
        """What goes wrong from now on: see `sandbox.faults`."""
        self.ask("POST", f"{CRMS[connection]}/faults", {"do": do, **details})

    def mend(self, connection: str) -> None:
        self.ask("DELETE", f"{CRMS[connection]}/faults")

    def struck(self, connection: str) -> None:
        """Wait until all that was to go wrong there has, or has begun to."""
        until(lambda: not self.ask("GET", f"{CRMS[connection]}/faults"), f"a fault of {connection}")

    def requests(self, connection: str) -> list[tuple[str, str, int]]:
        """Method, path and status of those that were answered, or done with."""
        return [tuple(one.values()) for one in self.ask("GET", f"{CRMS[connection]}/requests")]

    def writes(self, connection: str) -> list[tuple[str, str, int]]:
        return [one for one in self.requests(connection) if one[0] != "GET"]

    def everywhere(self, *titles: str, among: tuple[str, ...] = tuple(CRMS)) -> bool:
        """Whether each of these is there in each of these CRMs, once."""
        found = [self.titles(name) for name in among]
        assert all(times == 1 for one in found for times in one.values()), f"doubled: {found}"
        return all(title in one for one in found for title in titles)

    def arrives(self, *titles: str, among: tuple[str, ...] = tuple(CRMS)) -> None:
        """Wait until each of these is in each of these CRMs."""
        until(lambda: self.everywhere(*titles, among=among), f"{titles} in {among} beside {self.daemons[-1]}")


@contextmanager
def working_day(folder: Path) -> Iterator[Firm]:
    """Three CRMs without tasks, and a configuration; no daemon yet. In the end none is left."""
    world = World(SystemClock(), seed=False)
    # As much as anybody needs: what is left of a quota sets the pace of the polls otherwise.
    world.capsule.settings.change({"limit_requests": 1_000_000})
    with ExitStack() as stack:
        server = stack.enter_context(Server(world))
        firm = Firm(folder=folder, world=world, url=server.url, stack=stack)
        stack.callback(firm.end)
        firm.configure()
        yield firm
