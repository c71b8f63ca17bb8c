"""Stopping: from one moment on no request goes out any more, and none waits for its turn."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tasksync.errors import Stopping
from tasksync.transport.limits import Sleep


class Halt:
    """Shared by all sessions of a dialer. What is under way when `stop` is called goes on to its end."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """From now on `check` and every sleep raise `Stopping`, also those that have begun."""
        self._stopped.set()

    def check(self) -> None:
        """Raises `Stopping`."""
        if self._stopped.is_set():
            raise Stopping

    def cutting(self, sleep: Sleep) -> Sleep:
        """`sleep`, but cut off by `stop`."""

        async def until_stopped(wait_s: float) -> None:
            self.check()
            sleeping = asyncio.ensure_future(sleep(wait_s))
            stopped = asyncio.ensure_future(self._stopped.wait())
            try:
                await asyncio.wait((sleeping, stopped), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sleeping, stopped):
                    if not task.done():
                        task.cancel()
                        with suppress(asyncio.CancelledError):
                            await task
            self.check()

        return until_stopped
