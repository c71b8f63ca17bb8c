"""A copy of the mirror to keep, made while others go on writing to it.

It shows the mirror as it was at one moment: a read transaction is open on the original from before the first page until
after the last. Without it, SQLite would begin the copy anew whenever another process has committed in between
(sqlite.org/backup.html), which beside a busy daemon has no end. With it, nobody has to wait for the copy either: a
reader of the write-ahead log keeps no writer waiting.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tasksync.errors import MirrorUnusable, WrongUsage
from tasksync.store.faults import explained, unusable
from tasksync.store.opening import check, connect, exists, mirror_file, reading
from tasksync.store.schema import require_mirror

# 8 MiB at a time, so that a Ctrl-C is heard in between.
_PAGES = 2_048
# What SQLite says of the original; all else that goes wrong with a copy goes wrong where it is written.
_OF_ORIGINAL = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OF_READING = frozenset({sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup that was made: of the mirror in `mirror`, in `file`, of `size` bytes."""

    mirror: Path
    file: Path
    size: int


def back_up(database: str, target: Path, *, force: bool = False) -> Backup:
    """Copy the mirror that `database` names (see `opening.mirror_file`) to `target`, as one file of mode 0600 that
    opens as a mirror. With `force`, an existing file is replaced. Others may use the mirror meanwhile.

    The file is complete, checked and on the disk when it gets its name; until then, and if anything fails, what was
    there under that name stays as it was. Raises `WrongUsage` when it cannot be written there, and `MirrorUnusable`
    where there is no mirror, or a damaged one.
    """
    file = mirror_file(database)
    if file is None:
        raise MirrorUnusable("The mirror is in memory: there is nothing to keep. Give `database` a file name.")
    if not exists(file):
        raise _nothing_yet(file)
    # Links are followed, as for the mirror.
    target = Path(os.path.realpath(target))
    _refuse(target, file, force=force)
    with _told(target), tempfile.TemporaryDirectory(prefix=".tasksync-", dir=target.parent) as folder:
        part = Path(folder, "backup.db")
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        _copy(file, part, target)
        _sync(part)
        size = part.stat().st_size
        part.replace(target)
        _sync(target.parent)
    return Backup(mirror=file, file=target, size=size)


def _refuse(target: Path, file: Path, *, force: bool) -> None:
    """Raises `WrongUsage` where nothing may be written."""
    if _belongs_to(target, file):
        raise WrongUsage(f"{target} belongs to the mirror {file}. Give the backup another name; nothing was written.")
    if target.is_dir():
        raise WrongUsage(f"{target} is a directory. Name a file in it; nothing was written.")
    if not target.parent.is_dir():
        raise WrongUsage(f"There is no directory {target.parent} for the backup. Create it; nothing was written.")
    if os.path.lexists(target):
        if not target.is_file():
            raise WrongUsage(f"{target} is not a file, and is not replaced by one. Nothing was written.")
        if not force:
            raise WrongUsage(f"{target} exists already. Name another file, or replace it with --force.")


def _belongs_to(target: Path, file: Path) -> bool:
    """Whether it is the mirror, or lies beside it by a name that SQLite or a lock uses."""
    if target.parent != file.parent or not target.name.startswith(file.name):
        return False
    rest = target.name.removeprefix(file.name)
    return rest in {"", "-wal", "-shm", "-journal"} or (
        rest.startswith(".") and rest.endswith((".lock", ".lock.owner"))
    )


def _copy(file: Path, part: Path, target: Path) -> None:
    with (
        explained(str(file)),
        reading(file) as original,
        closing(connect(f"{part.as_uri()}?mode=rw")) as copy,
    ):
        original.execute("BEGIN")
        # Only the first look takes the snapshot.
        tables = [name for (name,) in original.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if not tables:
            raise _nothing_yet(file)
        require_mirror(tables, str(file))
        try:
            # It is synced as a whole when it is complete.
            copy.execute("PRAGMA synchronous = OFF")
            original.backup(copy, pages=_PAGES, progress=lambda *_: None)
            # One file that any program can read where it lies, with nothing beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise _failed(error, file, target) from error
        check(copy, str(file))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(target: Path) -> Iterator[None]:
    """Turns the system's refusals of the block into `WrongUsage`."""
    try:
        yield
    except OSError as error:
        raise _unwritable(target, error.strerror or str(error)) from error


def _failed(error: sqlite3.Error, file: Path, target: Path) -> MirrorUnusable | WrongUsage:
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code & 0xFF in _OF_ORIGINAL or code in _OF_READING:
        return unusable(str(file), error)
    return _unwritable(target, str(error))


def _unwritable(target: Path, reason: str) -> WrongUsage:
    return WrongUsage(
        f"The backup {target} cannot be written ({reason}). What was there is as it was. Check the space on its disk, "
        "and the owner and the mode of its directory, or write it elsewhere."
    )


def _nothing_yet(file: Path) -> MirrorUnusable:
    return MirrorUnusable(
        f"There is no mirror {file} yet, so there is nothing to keep. The first tasksync sync --once makes it."
    )
