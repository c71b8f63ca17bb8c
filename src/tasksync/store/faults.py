"""What SQLite's errors mean for the person who operates the program."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from tasksync.errors import MirrorUnusable

_AFTER_LOSS = (
    "Restore a backup, or move the file away: then the accounts are matched anew at the next sync, and nothing is "
    "copied twice."
)
_ADVICE = {
    sqlite3.SQLITE_BUSY: "Another program holds it locked. Close that program (a database browser, a backup) and start "
    "again.",
    sqlite3.SQLITE_FULL: "There is no space left on its disk. Free some and start again; what was being written was "
    "rolled back.",
    sqlite3.SQLITE_READONLY: "It may not be written. Check the owner and the mode of the file and of its directory, "
    "and that the file system is not mounted read-only.",
    sqlite3.SQLITE_CANTOPEN: "It cannot be opened. Check the owner and the mode of the file and of its directory.",
    sqlite3.SQLITE_IOERR: "Its disk reported an error. Check the disk and the space on it, and start again; what was "
    "being written was rolled back.",
    sqlite3.SQLITE_NOTADB: "It is not an SQLite database. Change `database` in the config, or move the file away.",
    sqlite3.SQLITE_CORRUPT: f"It is damaged. {_AFTER_LOSS}",
    sqlite3.SQLITE_CONSTRAINT: "What was to be written contradicts what is there, so it was rolled back. This is a "
    "fault of tasksync: please report it with this message.",
}
# Other codes with the same advice.
_ADVICE[sqlite3.SQLITE_LOCKED] = _ADVICE[sqlite3.SQLITE_BUSY]
_ADVICE[sqlite3.SQLITE_PERM] = _ADVICE[sqlite3.SQLITE_CANTOPEN]
_ADVICE[sqlite3.SQLITE_AUTH] = _ADVICE[sqlite3.SQLITE_CANTOPEN]


def unusable(place: str, error: sqlite3.Error) -> MirrorUnusable:
    """`error` of the mirror at `place` (a path), with what to do about it."""
    # Python's own errors of this family (a closed connection) have no code.
    extended: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    advice = _ADVICE.get(extended & 0xFF, "Start again; if that does not help, restore a backup.")
    return MirrorUnusable(f"The mirror {place} cannot be used ({error}). {advice}")


def not_a_database(place: str) -> MirrorUnusable:
    """The file at `place` is something else."""
    return MirrorUnusable(f"The mirror {place} cannot be used. {_ADVICE[sqlite3.SQLITE_NOTADB]}")


def damaged(place: str, finding: str) -> MirrorUnusable:
    """`finding` of SQLite's own check of the file at `place`."""
    return MirrorUnusable(f"The mirror {place} is damaged ({' '.join(finding.split())}). {_AFTER_LOSS}")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turns SQLite's errors of the block into `MirrorUnusable`."""
    try:
        yield
    except sqlite3.Error as error:
        raise unusable(place, error) from error
