"""Opening the mirror that the config names, or a copy of it that may be thrown away."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tasksync.errors import MirrorUnusable
from tasksync.store.faults import damaged, explained, not_a_database
from tasksync.store.mirror import SqlMirror
from tasksync.store.schema import OURS, Schema

_IN_MEMORY = "in memory"
# The smallest page of SQLite. It takes a file that is shorter for an empty database, and would write over it.
_SMALLEST = 512
# Bytes that the write-ahead log keeps once it was emptied: what SQLite lets it grow to by itself (1000 pages). A first
# sync may make it many times as long, and a file that shrinks no more would count against the disk for months.
_LOG_LIMIT = 4 * 1024 * 1024


def mirror_file(database: str) -> Path | None:
    """The file that `database` names, a path (relative to the current directory, `~` allowed) or a URL `sqlite:///path`;
    None for a mirror in memory, `sqlite://` or `sqlite:///:memory:`. Links are followed: whoever comes by another name
    finds the same lock.

    Raises `MirrorUnusable` for any other URL: the mirror's promises stand on SQLite's locks, upserts and pragmas.
    """
    path = database
    if "://" in database:
        try:
            url = make_url(database)
        except (ArgumentError, ValueError):
            url = None
        # Nothing of the url is repeated in the message: it may hold a password.
        if url is None or url.get_backend_name() != "sqlite" or url.host or url.query:
            raise MirrorUnusable(
                "`database` in the config is a URL that tasksync cannot use: only SQLite is supported, and no options "
                "in the URL. Give a file name, or sqlite:///path/of/the/file."
            )
        path = url.database or ":memory:"
    if path == ":memory:":
        return None
    return Path(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111 - Path.expanduser raises for an unknown home


def open_mirror(database: str, *, busy_timeout_s: float = 5.0, schema: Schema = OURS) -> SqlMirror:
    """The mirror that `database` names (see `mirror_file`), created with mode 0600 if there is none, and migrated.

    A file that other users may read is refused and not quietly repaired: who they are, and what they have read, is for
    a person to judge. Access of the file's group is left as it is. Waits `busy_timeout_s` for another program's lock.
    Raises `MirrorUnusable`.
    """
    file = mirror_file(database)
    if file is None:
        return SqlMirror(connect(":memory:"), _IN_MEMORY, schema=schema)
    if not exists(file):
        _create(file)
    with explained(str(file)):
        # Not created by SQLite, whose mode would be the umask's; its -wal and -shm get the mode of the file.
        raw = connect(f"{file.as_uri()}?mode=rw", busy_timeout_s)
        try:
            raw.execute("PRAGMA synchronous = FULL")
            check(raw, str(file))
            mirror = SqlMirror(raw, str(file), schema=schema)
            # Only now, as it would change a file that turned out to be another program's.
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT}")
        except BaseException:
            raw.close()
            raise
    return mirror


def throwaway_copy(database: str, *, schema: Schema = OURS) -> SqlMirror:
    """A mirror in memory that begins with what the mirror of `database` holds, or empty where there is none yet. The
    file is neither created nor changed nor migrated, and nothing appears beside it, also while another tasksync works
    with it. Raises `MirrorUnusable` as `open_mirror` does.
    """
    file = mirror_file(database)
    place = _IN_MEMORY if file is None else str(file)
    copy = connect(":memory:")
    try:
        with explained(place):
            if file is not None and exists(file):
                with reading(file) as original:
                    original.backup(copy)
                check(copy, place)
    except BaseException:
        copy.close()
        raise
    return SqlMirror(copy, place, schema=schema)


def connect(target: str, busy_timeout_s: float = 0.0) -> sqlite3.Connection:
    """A connection to the URI `target` (or `:memory:`) that begins no transaction by itself."""
    # Opened in one thread, used by the writer's.
    return sqlite3.connect(target, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False)


def exists(file: Path) -> bool:
    """Whether there is a mirror; raises `MirrorUnusable` where there cannot be one, or not one to be trusted."""
    try:
        found = file.stat()
    except FileNotFoundError:
        if file.parent.is_dir():
            return False
        raise MirrorUnusable(
            f"The directory {file.parent} for the mirror does not exist. Create it, or change `database` in the config."
        ) from None
    except OSError as error:
        raise MirrorUnusable(f"The mirror {file} cannot be reached: {error.strerror}.") from error
    mode = found.st_mode
    if not stat.S_ISREG(mode):
        raise MirrorUnusable(f"{file} is not a file, so it cannot be the mirror. Change `database` in the config.")
    if mode & stat.S_IRWXO:
        raise MirrorUnusable(
            f"The mirror {file} is open to every user of this machine (mode {stat.S_IMODE(mode):04o}), and it holds "
            f"the texts of your tasks. Close it with: chmod o= {shlex.quote(str(file))}"
        )
    if 0 < found.st_size < _SMALLEST:
        raise not_a_database(str(file))
    return True


def _create(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise MirrorUnusable(
            f"The mirror {file} cannot be created: {error.strerror}. Check the owner and the mode of its directory, "
            "and that the file system is not mounted read-only."
        ) from error


def check(raw: sqlite3.Connection, place: str) -> None:
    """Raises `MirrorUnusable` if SQLite finds damage; `place` is what the message calls the file."""
    (finding,) = raw.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise damaged(place, finding)


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that leaves no trace. In WAL mode `mode=ro` alone creates -wal and -shm where they are missing, and
    cannot remove them; so each case has its own way.
    """
    log, index, journal = (file.with_name(file.name + suffix) for suffix in ("-wal", "-shm", "-journal"))
    if log.exists() and index.exists():
        # In use, or left by a killed process. Reads along with whoever writes, and does not touch the index either.
        with _closing(connect(f"{file.as_uri()}?mode=ro&readonly_shm=1")) as raw:
            yield raw
    elif log.exists() or journal.exists():
        # Nobody has it open, but it needs a recovery, which writes: to a copy of the files.
        with _copied(file, log, journal) as copy, _closing(connect(copy.as_uri())) as raw:
            yield raw
    else:
        # A log that somebody begins meanwhile is not looked at, and matters only once it is written back.
        with _at_rest(file), _closing(connect(f"{file.as_uri()}?mode=ro&immutable=1")) as raw:
            yield raw


@contextmanager
def _copied(file: Path, *beside: Path) -> Iterator[Path]:
    """A copy of `file`, with copies beside it of those that exist; all gone after the block."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tasksync-"))
            with _at_rest(file, *beside):
                for part in (file, *(one for one in beside if one.exists())):
                    shutil.copyfile(part, Path(folder, part.name))
        except OSError as error:
            raise MirrorUnusable(
                f"The mirror {file} has to be copied before it can be read, as a process that was killed left it half "
                f"written, and cannot be ({error.strerror or error}). Check the space in {tempfile.gettempdir()}, or "
                "run tasksync sync --once, which repairs it."
            ) from error
        yield Path(folder, file.name)


@contextmanager
def _at_rest(file: Path, *beside: Path) -> Iterator[None]:
    """Raises `MirrorUnusable` if anybody wrote to one of these meanwhile: the block may have seen half of it."""
    before = [_stamp(part) for part in (file, *beside)]
    yield
    if before != [_stamp(part) for part in (file, *beside)]:
        raise MirrorUnusable(f"The mirror {file} changed while it was copied. Start again.")


def _stamp(part: Path) -> tuple[int, int] | None:
    try:
        found = part.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size


@contextmanager
def _closing(raw: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield raw
    finally:
        raw.close()
