"""The mirror as a daemon has it: its own for as long as it runs, and everybody's between two turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, Self

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.engine.cycle import latest_moment
from tasksync.errors import ConfigError, MirrorBusy, Stopping
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
        self.mirror = mirror
        self._daemon_lock = daemon_lock
        self._file = mirror_file(database)
        self._inode = _inode(self._file)

    @classmethod
    @contextmanager
    def open(cls, database: str, around: Surroundings) -> Iterator[Self]:
        """Raises `MirrorBusy` where another sync runs, and `MirrorUnusable`."""
        file = mirror_file(database)
        with ExitStack() as stack:
            daemon_lock = None if file is None else stack.enter_context(DaemonLock(file, around.clock))
            mirror = open_mirror(database)
            stack.callback(mirror.close)
            yield cls(database, around.steady(latest_moment(mirror)), mirror, daemon_lock)

    def require(self, database: str) -> None:
        """Raises `ConfigError` for another database than this: a running daemon does not move."""
        if database != self.database:
            raise ConfigError("`database` is another one now, which takes a restart.")

    @asynccontextmanager
    async def at_work(self, stopping: Callable[[], bool]) -> AsyncIterator[Callable[[], bool]]:
        """Within the block, nobody else works on the mirror; what it gives says whether that still holds. Waits for
        whoever does. Raises `Stopping` when `stopping`, and `MirrorBusy` when our lock or the mirror itself was taken
        away.
        """
        if self._file is None:
            yield lambda: True
            return
        lock = MirrorLock(self._file, self.around.clock, command=DAEMON)
        await self._acquire(lock, stopping)
        try:
            if not self._is_tenant():
                raise MirrorBusy(
                    f"The mirror {self._file}, or the lock beside it, was replaced while this tasksync used it. "
                    "Nothing was written. Stop tasksync before you put another mirror in its place."
                )
            yield lambda: lock.still_held() and self._is_tenant()
        finally:
            lock.__exit__(None, None, None)

    async def _acquire(self, lock: MirrorLock, stopping: Callable[[], bool]) -> None:
        waited_s = 0.0
        while True:
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
        locked = self._daemon_lock is None or self._daemon_lock.still_held()
        return locked and _inode(self._file) == self._inode


def _inode(file: Path | None) -> tuple[int, int] | None:
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
