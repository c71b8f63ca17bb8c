"""The mirror, opened for whoever needs it: to work on it, to look at it, or to write one thing into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.config import Config
from tasksync.engine.cycle import latest_moment
from tasksync.errors import MirrorBusy, MirrorUnusable
from tasksync.ports import Unit
from tasksync.store.lock import DAEMON, DaemonLock, MirrorLock
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import mirror_file, open_mirror, throwaway_copy

_LONGEST_TURN_S: Final = 60.0


@contextmanager
def reading(config: Config) -> Iterator[Unit]:
    """What the mirror holds, to look at: a copy, so that nobody has to wait for anybody. Raises `MirrorUnusable`, also
    where there is no mirror yet.
    """
    _require_mirror(config)
    with closing(throwaway_copy(config.database)) as copy, copy.begin() as unit:
        yield unit


@contextmanager
def writing(config: Config, around: Surroundings, *, command: str) -> Iterator[tuple[Unit, datetime]]:
    """The mirror to write to, in one transaction and with the lock held, and the present moment: never one before what
    the mirror knows. Waits for the end of a daemon's turn, as there is a gap after it. Raises `MirrorBusy`, and
    `MirrorUnusable`, also where there is no mirror yet.
    """
    _require_mirror(config)
    with ExitStack() as stack:
        file = mirror_file(config.database)
        if file is not None:
            _lock_between_turns(file, around, stack, command)
        mirror = open_mirror(config.database)
        stack.callback(mirror.close)
        now = around.steady(latest_moment(mirror)).clock.now()
        yield stack.enter_context(mirror.begin()), now


def for_one_run(
    config: Config, around: Surroundings, stack: AsyncExitStack, *, dry_run: bool, command: str
) -> tuple[SqlMirror, Callable[[], bool]]:
    """The mirror for a sync that runs once, and whether it is still ours alone. For a dry run, a copy."""
    if dry_run:
        copy = throwaway_copy(config.database)
        stack.callback(copy.close)
        return copy, lambda: True
    file = mirror_file(config.database)
    locks: list[DaemonLock | MirrorLock] = []
    if file is not None:
        locks.append(stack.enter_context(DaemonLock(file, around.clock, command=command)))
        locks.append(stack.enter_context(MirrorLock(file, around.clock, command=command)))
    mirror = open_mirror(config.database)
    stack.callback(mirror.close)
    return mirror, lambda: all(lock.still_held() for lock in locks)


def _lock_between_turns(file: Path, around: Surroundings, stack: ExitStack, command: str) -> None:
    try:
        stack.enter_context(MirrorLock(file, around.clock, command=command))
    except MirrorBusy:
        holder = DaemonLock.holder(file)
        if holder is None or holder.command != DAEMON:
            raise
        around.log.info("waiting_for_the_daemon", at_most_s=_LONGEST_TURN_S)
        stack.enter_context(MirrorLock(file, around.clock, command=command, patience_s=_LONGEST_TURN_S))


def _require_mirror(config: Config) -> None:
    """A mistyped path must not become an empty mirror."""
    file = mirror_file(config.database)
    if file is None:
        raise MirrorUnusable("The mirror is in memory: nothing of it is left to look at. Give `database` a file name.")
    try:
        file.stat()
    except FileNotFoundError:
        raise MirrorUnusable(
            f"There is no mirror {file} yet, so there is nothing to show or to decide. The first tasksync sync --once "
            "makes it."
        ) from None
    except OSError as error:
        raise MirrorUnusable(f"The mirror {file} cannot be reached: {error.strerror}.") from error
