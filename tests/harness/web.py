"""The daemon's HTTP server on a free port of the loopback interface, with a made-up daemon behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from standings import StandingClock, busy_standing

from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.web import Listener, create_app


@dataclass
class Daemon:
    """What the pages ask, and what they asked it to do."""

    standing: Standing = field(default_factory=busy_standing)
    clock: StandingClock = field(default_factory=StandingClock)
    alive: bool = True
    token: str | None = None
    synced: list[list[str]] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0

    def sync_now(self, names: Collection[str]) -> None:
        self.synced.append(list(names))

    def listener(self) -> Listener:
        metrics = Metrics(self.standing, self.clock)
        metrics.configure(list(self.standing.connections))
        if self.standing.last_turn is not None:
            metrics.take(self.standing.last_turn)
        app = create_app(
            standing=self.standing,
            metrics=metrics,
            clock=self.clock,
            host=self.host,
            token=self.token,
            sync_now=self.sync_now,
            alive=lambda: self.alive,
        )
        return Listener(app, self.host, self.port)


@asynccontextmanager
async def asking(daemon: Daemon) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the daemon's pages, with the token if there is one."""
    async with daemon.listener() as listener:
        daemon.port = listener.port
        host = f"[{daemon.host}]" if ":" in daemon.host else daemon.host
        headers = {} if daemon.token is None else {"Authorization": f"Bearer {daemon.token}"}
        url = f"http://{host}:{listener.port}"
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
            yield client
