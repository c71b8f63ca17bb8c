"""Who works on a mirror, and who keeps it in step: one tasksync at a time, each.

`<database>.lock` (`MirrorLock`) is held while something is done with the mirror: by a command for its transaction, by
the daemon for a turn, by `sync --once` for all of its run. `<database>.daemon.lock` (`DaemonLock`) says that a sync
runs here: the daemon holds it for its whole life, `sync --once` for its run. So commands work beside a daemon, between
two of its turns, and a second sync does not even begin.

The operating system's lock on the file decides, and ends with the process that holds it, however that ends.
`<file>.owner` only says who it is, for people; without the lock it means nothing. It is a file of its own because some
versions of filelock empty the lock file whenever they try to get it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from filelock import FileLock, SoftFileLock, Timeout

from tasksync.errors import MirrorBusy, MirrorUnusable
from tasksync.ports import Clock

DAEMON = "tasksync sync"
"""The command that stays, and that a signal makes sync at once."""

_POLL_S = 0.05
# Whoever looks whether a sync runs has a share in its lock for an instant, which must not turn a sync away.
_INSTANT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lock, as far as its note says: nothing of it is known for the instant before it is written."""

    pid: int | None = None
    host: str | None = None
    since: datetime | None = None
    command: str | None = None

    def __str__(self) -> str:
        """As part of a sentence, after "tasksync"."""
        if self.since is None:
            return ""
        return f" (pid {self.pid} on host {self.host}, since {self.since.isoformat()}, `{self.command}`)"


class _Lock(ABC):
    """The lock of the mirror in `file` (see `opening.mirror_file`), held within a `with` block; may be taken any number
    of times, from any thread. `command` tells people what the holder is doing.

    Entering waits `patience_s` for another process, or another lock in this one, that holds it, and then raises
    `MirrorBusy`; `MirrorUnusable` where no lock can be had.
    """

    _suffix: ClassVar[str]

    def __init__(self, file: Path, clock: Clock, *, command: str, patience_s: float) -> None:
        self._file = file
        self._path = _beside(file, self._suffix)
        self._note_path = _beside(file, f"{self._suffix}.owner")
        self._clock = clock
        self._command = command
        # Not bound to a thread: it may be waited for in one, and given back in another.
        self._lock = FileLock(self._path, timeout=patience_s, mode=0o600, thread_local=False)
        self._inode: tuple[int, int] | None = None
        self._note = ""

    def __enter__(self) -> Self:
        # filelock would create it, and a mistyped path would become an empty mirror.
        if not self._path.parent.is_dir():
            raise _unusable(self._file, "there is no such directory")
        try:
            self._lock.acquire(poll_interval=_POLL_S)
        except Timeout:
            raise MirrorBusy(self._busy(_read_note(self._note_path))) from None
        except OSError as error:
            raise _unusable(self._file, error.strerror or str(error)) from error
        except NotImplementedError as error:
            raise _unusable(self._file, str(error)) from error
        try:
            self._refuse_soft_lock()
            self._inode = _inode(self._path)
            self._write_note()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inode = None
        # Another's note, if the lock file was replaced, is not ours to remove.
        with suppress(OSError):
            if self._note_path.read_text(encoding="utf-8") == self._note:
                self._note_path.unlink()
        self._lock.release()

    def still_held(self) -> bool:
        """Whether the lock file is still the one that was locked. Once somebody deleted or replaced it, a second
        tasksync can lock the new one: then this one must not write any more.
        """
        # The number of a deleted file is not given to another one while this process has it open.
        return self._inode is not None and _inode(self._path) == self._inode

    @abstractmethod
    def _busy(self, holder: Holder) -> str:
        """The message for whoever comes while `holder` has it: who that is, and what to do."""

    def _refuse_soft_lock(self) -> None:
        # What filelock falls back to on a file system without locks survives the process that took it.
        if isinstance(self._lock, SoftFileLock):
            raise _unusable(self._file, "its file system has no locks")

    def _write_note(self) -> None:
        self._note = json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": self._clock.now().isoformat(timespec="seconds"),
                "command": self._command,
            }
        )
        try:
            _share(self._path, self._file)
            self._note_path.unlink(missing_ok=True)
            self._note_path.touch(mode=0o600, exist_ok=False)
            self._note_path.write_text(self._note, encoding="utf-8")
            _share(self._note_path, self._file)
        except OSError as error:
            raise _unusable(self._file, error.strerror or str(error)) from error


class MirrorLock(_Lock):
    """Held by whoever works on the mirror. See `_Lock`."""

    _suffix = ".lock"

    def __init__(self, file: Path, clock: Clock, *, command: str = "tasksync", patience_s: float = 0.0) -> None:
        super().__init__(file, clock, command=command, patience_s=patience_s)
        self._patience_s = patience_s

    def _busy(self, holder: Holder) -> str:
        still = f" still works on the mirror {self._file} after {self._patience_s:g} seconds"
        now = f" works on the mirror {self._file}"
        return f"Another tasksync{holder}{still if self._patience_s else now}. Wait until it has finished, or stop it."


class DaemonLock(_Lock):
    """Held by the sync that runs here. See `_Lock`."""

    _suffix = ".daemon.lock"

    def __init__(self, file: Path, clock: Clock, *, command: str = DAEMON) -> None:
        super().__init__(file, clock, command=command, patience_s=_INSTANT_S)

    @classmethod
    def holder(cls, file: Path) -> Holder | None:
        """Who keeps the mirror in `file` in step just now; None: nobody. Neither waits nor creates anything, and the
        holder notices nothing. Raises `MirrorUnusable` where that cannot be found out.
        """
        try:
            descriptor = os.open(_beside(file, cls._suffix), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(file, error.strerror or str(error)) from error
        try:
            # A share, which others who look may have at the same time. Closing gives it back.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read_note(_beside(file, f"{cls._suffix}.owner"))
        except OSError as error:
            raise _unusable(file, error.strerror or str(error)) from error
        finally:
            os.close(descriptor)
        return None

    def _busy(self, holder: Holder) -> str:
        said = f"Another tasksync{holder} keeps the mirror {self._file} in step."
        # To any other command, and on any other machine, the signal would be something else.
        if holder.command == DAEMON and holder.host == socket.gethostname():
            return (
                f"{said} To make it sync now: kill -USR1 {holder.pid} (a service: systemctl kill -s USR1 tasksync). To "
                "run another one instead, stop it first."
            )
        return f"{said} Wait until it has finished, or stop it."


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)


def _share(path: Path, file: Path) -> None:
    """What root makes beside the mirror of a service is the service's, whose user could not open it otherwise."""
    if os.geteuid() == 0:
        owner = (file if file.exists() else file.parent).stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _read_note(path: Path) -> Holder:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        return Holder(
            pid=int(note["pid"]),
            host=str(note["host"]),
            since=datetime.fromisoformat(note["since"]),
            command=str(note["command"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


def _unusable(file: Path, reason: str) -> MirrorUnusable:
    return MirrorUnusable(
        f"The mirror {file} cannot be locked ({reason}). Its directory has to exist, to be writable and to support "
        "file locks: check that, or change `database` in the config."
    )
