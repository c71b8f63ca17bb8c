"""The mirror as a daemon has it: its own for as long as it runs, and everybody's between two turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Final, Self

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.engine.cycle import latest_moment
from tasksync.errors import ConfigError, MirrorBusy, MirrorUnusable, Stopping
from tasksync.store.lock import DAEMON, DaemonLock, MirrorLock
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import mirror_file, open_mirror

_POLL_S: Final = 0.05
_WORTH_SAYING_S: Final = 10.0


class Tenancy:
    """The mirror of `database`, open within `open`. `around` has a clock that does not go back behind what the mirror
    knows.
    """

    def __init__(self, database: str, around: Surroundings, mirror: SqlMirror, daemon_lock: DaemonLock | None) -> None:
        self.database = database
        self.around = around
        self._mirror = mirror
        self._sound = True
        self._daemon_lock = daemon_lock

    @classmethod
    @contextmanager
    def open(cls, database: str, around: Surroundings) -> Iterator[Self]:
        """Raises `MirrorBusy` where another sync runs, and `MirrorUnusable`."""
        file = mirror_file(database)
        with ExitStack() as stack:
            daemon_lock = None if file is None else stack.enter_context(DaemonLock(file, around.clock))
            mirror = open_mirror(database)
            try:
                around = around.steady(latest_moment(mirror))
            except BaseException:
                mirror.close()
                raise
            tenancy = cls(database, around, mirror, daemon_lock)
            stack.callback(tenancy._close)
            yield tenancy

    @property
    def mirror(self) -> SqlMirror:
        """Opened anew, if something was wrong with it. Raises `MirrorUnusable`."""
        if not self._sound:
            self._mirror.close()
            self._mirror = open_mirror(self.database)
            self._sound = True
        return self._mirror

    def require(self, database: str) -> None:
        """Raises `ConfigError` for another database than this: a running daemon does not move."""
        if database != self.database:
            raise ConfigError("`database` is another one now, which takes a restart.")

    @asynccontextmanager
    async def at_work(self, stopping: Callable[[], bool]) -> AsyncIterator[Callable[[], bool]]:
        """Within the block, nobody else works on the mirror; what it gives says whether that still holds. Waits for
        whoever does. Raises `Stopping` when `stopping`, and `MirrorBusy` when somebody took our locks away.
        """
        file = mirror_file(self.database)
        if file is None:
            yield lambda: True
            return
        lock = MirrorLock(file, self.around.clock, command=DAEMON)
        await self._acquire(lock, stopping)
        try:
            yield lambda: lock.still_held() and self._is_tenant()
        except MirrorUnusable:
            self._sound = False
            raise
        finally:
            lock.__exit__(None, None, None)

    async def _acquire(self, lock: MirrorLock, stopping: Callable[[], bool]) -> None:
        waited_s = 0.0
        while True:
            if not self._is_tenant():
                raise MirrorBusy(
                    "The lock which says that a sync runs here was taken away while it was held. Nothing was written."
                )
            try:
                lock.__enter__()
            except MirrorBusy as busy:
                if stopping():
                    raise Stopping from None
                waited_s += _POLL_S
                if waited_s >= _WORTH_SAYING_S > waited_s - _POLL_S:
                    self.around.log.warning("mirror_waited_for", reason=str(busy))
                await asyncio.sleep(_POLL_S)
            else:
                return

    def _is_tenant(self) -> bool:
        return self._daemon_lock is None or self._daemon_lock.still_held()

    def _close(self) -> None:
        self._mirror.close()
