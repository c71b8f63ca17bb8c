from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tasksync.errors import ExitCode, MirrorBusy, MirrorUnusable
from tasksync.ports import Clock
from tasksync.store.lock import MirrorLock

# Holds the lock until it is killed or its stdin ends.
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tasksync.store.lock import MirrorLock

class Clock:
    def now(self):
        return datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

with MirrorLock(Path(sys.argv[1]), Clock(), command="tasksync sync"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(file: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tasksync.db"


def test_the_second_is_told_who_has_it(file: Path, clock: Clock) -> None:
    """While another process holds the lock, a second one is refused at once and told who, where, since when."""
    with held_elsewhere(file) as holder:
        with pytest.raises(MirrorBusy), MirrorLock(file, clock):
            pass
        with pytest.raises(MirrorBusy) as caught, MirrorLock(file, clock):
            pass
        assert str(caught.value) == (
            f"Another tasksync (pid {holder.pid} on host {socket.gethostname()}, since 2026-03-01T08:00:00+00:00, "
            f"`tasksync sync`) works on the mirror {file}. Wait until it has finished, or stop it."
        )
        assert caught.value.exit_code is ExitCode.BUSY


def test_a_killed_holder_leaves_no_lock(file: Path, clock: Clock) -> None:
    """After SIGKILL the lock is free at once; the note that the dead one left means nothing."""
    with held_elsewhere(file) as holder:
        holder.kill()
        holder.wait()
        assert str(holder.pid) in file.with_name("tasksync.db.lock.owner").read_text()
        with MirrorLock(file, clock) as lock:
            assert lock.still_held()


def test_a_holder_that_ends_gives_it_back(file: Path, clock: Clock) -> None:
    """After a clean end the lock is free and the note is gone."""
    with held_elsewhere(file) as holder:
        assert holder.stdin is not None
        holder.stdin.close()
        assert holder.wait() == 0
    assert [path.name for path in file.parent.iterdir()] == ["tasksync.db.lock"]
    with MirrorLock(file, clock):
        pass


def test_it_is_given_back_after_an_error(file: Path, clock: Clock) -> None:
    """An error in the block gives the lock back too, and it can be taken any number of times."""
    lock = MirrorLock(file, clock)

    def fail() -> None:
        with lock:
            raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError, match=r"^$"):
            fail()
        assert not lock.still_held()
    with lock:
        assert lock.still_held()


def test_two_locks_in_one_process(file: Path, clock: Clock) -> None:
    """A second lock in the same process is refused like one elsewhere, and does not disturb the first."""
    with MirrorLock(file, clock, command="tasksync sync") as first:
        with pytest.raises(MirrorBusy, match=f"pid {os.getpid()} "), MirrorLock(file, clock):
            pass
        assert first.still_held()
        with pytest.raises(MirrorBusy, match=f"pid {os.getpid()} "), MirrorLock(file, clock):
            pass


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pid": 1}', "\ufffd"])
def test_without_a_readable_note_the_lock_still_counts(note: str, file: Path, clock: Clock) -> None:
    """A note that is missing or damaged costs the name of the holder, nothing else."""
    with held_elsewhere(file):
        owner = file.with_name("tasksync.db.lock.owner")
        owner.write_text(note) if note else owner.unlink()
        with pytest.raises(MirrorBusy, match=r"^Another tasksync works on the mirror"), MirrorLock(file, clock):
            pass


def test_a_stolen_lock_is_noticed(file: Path, clock: Clock) -> None:
    """Once somebody deletes the lock file, the holder can tell, also when another has the new one, whose note stays."""
    note = file.with_name("tasksync.db.lock.owner")
    with ExitStack() as stack:
        lock = stack.enter_context(MirrorLock(file, clock))
        assert lock.still_held()
        file.with_name("tasksync.db.lock").unlink()
        assert not lock.still_held()
        with held_elsewhere(file) as holder:
            assert not lock.still_held()
            stack.close()
            assert f'"pid": {holder.pid},' in note.read_text()


def test_nobody_else_reads_the_lock(file: Path, clock: Clock) -> None:
    """Lock and note are for their owner only, whatever the umask."""
    before = os.umask(0)
    try:
        with MirrorLock(file, clock):
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"tasksync.db.lock": 0o600, "tasksync.db.lock.owner": 0o600}


def test_where_no_lock_can_be_had(tmp_path: Path, clock: Clock) -> None:
    """A missing directory, or something else in the lock's place, is said in a sentence with what to do."""
    (tmp_path / "taken.db.lock").mkdir()
    for file in (tmp_path / "nowhere" / "tasksync.db", tmp_path / "taken.db"):
        with (
            pytest.raises(MirrorUnusable, match=r"cannot be locked \(.*\)\. Its directory has to"),
            MirrorLock(file, clock),
        ):
            pass
    assert not (tmp_path / "nowhere").exists()


def test_a_note_that_cannot_be_written_gives_the_lock_back(file: Path, clock: Clock) -> None:
    """Without its note the lock is not kept: nobody could be told who has it."""
    note = file.with_name("tasksync.db.lock.owner")
    note.mkdir()
    with pytest.raises(MirrorUnusable, match="cannot be locked"), MirrorLock(file, clock):
        pass
    note.rmdir()
    with MirrorLock(file, clock) as lock:
        assert lock.still_held()


def test_a_file_system_without_locks_is_refused(
    file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """A lock that a killed process would leave behind is worse than none, so there is none."""

    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(MirrorUnusable, match="cannot be locked"), MirrorLock(file, clock):
        pass
    assert list(file.parent.iterdir()) == []
