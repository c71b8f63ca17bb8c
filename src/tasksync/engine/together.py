"""Doing several things side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tasksync.errors import StopProgram

PARALLEL = 4
"""How many requests of one connection are under way at a time, at most. By Little's law that is what it takes to come
up to the highest documented limit, ONLYOFFICE's 500 requests in ten seconds, where each is answered within 80 ms. Where
answers take longer it is the server that is slow, and it would not be helped by more at once; and the more are under
way, the more are in doubt when the process dies.
"""

T = TypeVar("T")


async def together(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run them side by side and return their results in order.

    When one raises, the others are cancelled and its error is raised by itself, not in a group: whoever operates the
    program is told one thing at a time, and `StopProgram` before anything else.
    """
    async with side_by_side() as tasks:
        running = [tasks.create_task(one) for one in coroutines]
    return [task.result() for task in running]


@asynccontextmanager
async def side_by_side() -> AsyncIterator[asyncio.TaskGroup]:
    """A group of tasks whose first error is raised as `together` does. The block ends when all of them have."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
    except BaseExceptionGroup as group:
        errors = sorted(group.exceptions, key=lambda error: not isinstance(error, StopProgram))
        raise errors[0] from None
