"""One tasksync at a time works on a mirror.

The operating system's lock on `<database>.lock` decides, and ends with the process that holds it, however that ends.
`<database>.lock.owner` only says who it is, for people; without the lock it means nothing. It is a file of its own
because some versions of filelock empty the lock file whenever they try to get it.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, SoftFileLock, Timeout

from tasksync.errors import MirrorBusy, MirrorUnusable
from tasksync.ports import Clock


class MirrorLock:
    """The lock of the mirror in `file` (see `opening.mirror_file`), held within a `with` block. `command` tells people
    what the holder is doing.

    Entering raises `MirrorBusy` at once if another process, or another lock in this one, holds it, and `MirrorUnusable`
    where no lock can be had.
    """

    def __init__(self, file: Path, clock: Clock, *, command: str = "tasksync") -> None:
        self._file = file
        self._path = file.with_name(file.name + ".lock")
        self._note_path = file.with_name(file.name + ".lock.owner")
        self._clock = clock
        self._command = command
        self._lock = FileLock(self._path, timeout=0, mode=0o600)
        self._inode: tuple[int, int] | None = None
        self._note = ""

    def __enter__(self) -> Self:
        # filelock would create it, and a mistyped path would become an empty mirror.
        if not self._path.parent.is_dir():
            raise self._unusable("there is no such directory")
        try:
            self._lock.acquire()
        except Timeout:
            raise MirrorBusy(
                f"Another tasksync{_read_owner(self._note_path)} works on the mirror {self._file}. Wait until it has "
                "finished, or stop it."
            ) from None
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        except NotImplementedError as error:
            raise self._unusable(str(error)) from error
        try:
            self._refuse_soft_lock()
            self._inode = _inode(self._path)
            self._write_owner()
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

    def _refuse_soft_lock(self) -> None:
        # What filelock falls back to on a file system without locks survives the process that took it.
        if isinstance(self._lock, SoftFileLock):
            raise self._unusable("its file system has no locks")

    def _write_owner(self) -> None:
        self._note = json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": self._clock.now().isoformat(timespec="seconds"),
                "command": self._command,
            }
        )
        try:
            self._note_path.unlink(missing_ok=True)
            self._note_path.touch(mode=0o600, exist_ok=False)
            self._note_path.write_text(self._note, encoding="utf-8")
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error

    def _unusable(self, reason: str) -> MirrorUnusable:
        return MirrorUnusable(
            f"The mirror {self._file} cannot be locked ({reason}). Its directory has to exist, to be writable and to "
            "support file locks: check that, or change `database` in the config."
        )


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _read_owner(path: Path) -> str:
    """Who holds the lock, as part of a sentence; empty where the note says nothing, as it is written after the lock."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        return f" (pid {note['pid']} on host {note['host']}, since {note['since']}, `{note['command']}`)"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
