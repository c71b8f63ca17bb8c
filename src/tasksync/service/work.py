"""What the daemon does again and again. `bootstrap` makes it from a configuration; the daemon only says when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from tasksync.service.turn import Part, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the daemon answers over HTTP. Without a `token`, only this machine gets an answer."""

    host: str
    port: int
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What of a configuration is the daemon's own business. `poll_every` by connection, in the order of the config."""

    poll_every: Mapping[str, timedelta]
    shutdown_grace: timedelta
    address: Address | None


class Work(Protocol):
    """Made from one configuration. Nothing has been sent when it is made. All of it within one loop."""

    @property
    def terms(self) -> Terms: ...

    def begin(self) -> None:
        """It is in charge from now on: logs are as its configuration wants them."""

    def is_open(self, name: str) -> bool:
        """Whether the connection takes part in turns, and does not have to be reached first."""

    async def reach(self, name: str) -> Part:
        """Try to open a connection that takes part in no turn. If its state is ok, it is open."""

    async def turn(self, due: Collection[str], failing: Collection[str]) -> Turn:
        """Poll the connections that are `due`, and deliver to all that are open. Those that are `failing` failed when
        they were last polled. Raises `MirrorUnusable` when the mirror cannot be used, which another turn may mend,
        `Stopping` when it was stopped before it began, and any other `StopProgram` when the daemon cannot go on.
        """

    async def tidy(self) -> None:
        """Housekeeping of the mirror, in small steps. Raises as `turn` does."""

    def stop(self) -> None:
        """From now on no request goes out, and whatever waits for one ends soon. For good."""

    async def close(self) -> None:
        """Give everything back."""


Load = Callable[[], Work]
"""Reads the configuration as it is now. Raises `ConfigError`, and other kinds of `StopProgram`."""
