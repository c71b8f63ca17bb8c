"""The mirror, opened for whoever needs it: to work on it, to look at it, or to write one thing into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from datetime import datetime

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.config import Config
from tasksync.engine.cycle import latest_moment
from tasksync.errors import MirrorUnusable
from tasksync.ports import Unit
from tasksync.store.lock import MirrorLock
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import mirror_file, open_mirror, throwaway_copy


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
    the mirror knows. Raises `MirrorBusy`, and `MirrorUnusable`, also where there is no mirror yet.
    """
    _require_mirror(config)
    with ExitStack() as stack:
        mirror, _ = locked(config, around, stack, dry_run=False, command=command)
        now = around.steady(latest_moment(mirror)).clock.now()
        yield stack.enter_context(mirror.begin()), now


def locked(
    config: Config, around: Surroundings, stack: ExitStack | AsyncExitStack, *, dry_run: bool, command: str
) -> tuple[SqlMirror, Callable[[], bool]]:
    """The mirror, and whether it is still ours alone."""
    if dry_run:
        copy = throwaway_copy(config.database)
        stack.callback(copy.close)
        return copy, lambda: True
    file = mirror_file(config.database)
    lock = None if file is None else stack.enter_context(MirrorLock(file, around.clock, command=command))
    mirror = open_mirror(config.database)
    stack.callback(mirror.close)
    return mirror, lambda: lock is None or lock.still_held()


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
