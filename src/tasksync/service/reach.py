"""Trying connections that take part in no turn, beside the turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tasksync.errors import MirrorUnusable
from tasksync.service.teller import Teller
from tasksync.service.turn import State
from tasksync.service.work import Work


class Reach:
    """`answered` is called with the name of a connection that can be reached again, `tried` after each try of one, and
    `crashed` with what nobody expected.
    """

    def __init__(
        self,
        work: Work,
        teller: Teller,
        *,
        answered: Callable[[str], None],
        tried: Callable[[str], None],
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._work = work
        self._teller = teller
        self._answered = answered
        self._tried = tried
        self._crashed = crashed
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str) -> None:
        """Try to reach the connection, unless that is under way."""
        if name not in self._under_way:
            task = asyncio.create_task(self._try(name), name=f"reach {name}")
            self._under_way[name] = task
            task.add_done_callback(self._ended)

    async def end(self) -> None:
        """Cut off what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._crashed(error)

    async def _try(self, name: str) -> None:
        try:
            part = await self._work.reach(name)
        except MirrorUnusable as error:
            # That is where tokens are kept. The connection is tried again when it is due again.
            self._teller.mirror_failed(error)
            return
        finally:
            del self._under_way[name]
        self._teller.reached(part)
        if part.state is State.OK:
            self._answered(name)
        self._tried(name)
