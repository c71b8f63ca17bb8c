from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasksync.errors import ExitCode, MirrorBusy, MirrorUnusable
from tasksync.ports import Clock
from tasksync.store.lock import DAEMON, DaemonLock, Holder, MirrorLock

# Holds the lock until it is killed or its stdin ends.
HOLDER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tasksync.store import lock

class Clock:
    def now(self):
        return datetime(2026, 3, 1, 8, 0, tzinfo=UTC)

with getattr(lock, sys.argv[2])(Path(sys.argv[1]), Clock(), command=sys.argv[3]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_elsewhere(
    file: Path, kind: type[MirrorLock | DaemonLock] = MirrorLock, command: str = "tasksync sync"
) -> Iterator[subprocess.Popen[str]]:
    command_line = [sys.executable, "-c", HOLDER, str(file), kind.__name__, command]
    with subprocess.Popen(command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
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


def test_what_root_makes_is_the_services(file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that root runs beside a service leaves nothing that the service's user could not open."""
    file.touch()
    given: dict[Path, tuple[int, int]] = {}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, user, group: given.update({path: (user, group)}))
    with MirrorLock(file, clock):
        owner = (file.stat().st_uid, file.stat().st_gid)
        assert given == {file.with_name(f"{file.name}{end}"): owner for end in (".lock", ".lock.owner")}
    given.clear()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with MirrorLock(file, clock):
        assert given == {}


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


# --- waiting ---


def test_the_end_of_the_other_is_waited_for(file: Path, clock: Clock) -> None:
    """With patience, whoever comes second gets it as soon as the first has finished."""
    with held_elsewhere(file) as holder:
        assert holder.stdin is not None
        finish = threading.Timer(0.2, holder.stdin.close)
        finish.start()
        started = time.monotonic()
        with MirrorLock(file, clock, patience_s=60) as lock:
            assert 0.1 < time.monotonic() - started < 30
            assert lock.still_held()
        finish.join()


def test_patience_has_an_end(file: Path, clock: Clock) -> None:
    """Who has had it all the time is told then, and how long it was waited for."""
    started = time.monotonic()
    with (
        held_elsewhere(file, command="tasksync sync") as holder,
        pytest.raises(
            MirrorBusy,
            match=rf"pid {holder.pid} .*`tasksync sync`\) still works on the mirror .* after 0.2 seconds\. Wait",
        ),
        MirrorLock(file, clock, patience_s=0.2),
    ):
        pass
    assert time.monotonic() - started >= 0.2


def test_it_may_be_waited_for_in_a_thread(file: Path, clock: Clock) -> None:
    """Taken in one thread it is held by the process, and given back by another one."""
    lock = MirrorLock(file, clock)
    thread = threading.Thread(target=lock.__enter__)
    thread.start()
    thread.join()
    assert lock.still_held()
    with pytest.raises(MirrorBusy), MirrorLock(file, clock):
        pass
    lock.__exit__(None, None, None)
    with MirrorLock(file, clock):
        pass


# --- the daemon's ---


def test_a_daemon_and_work_on_its_mirror_are_two_things(file: Path, clock: Clock) -> None:
    """Beside the sync that runs here, another process can work on the mirror, between two of its turns."""
    with held_elsewhere(file, DaemonLock), MirrorLock(file, clock) as work:
        assert work.still_held()
        assert {path.name for path in file.parent.iterdir()} == {
            "tasksync.db.lock", "tasksync.db.lock.owner", "tasksync.db.daemon.lock", "tasksync.db.daemon.lock.owner",
        }  # fmt: skip


def test_a_second_daemon_is_told_how_to_use_the_first(file: Path, clock: Clock) -> None:
    """It is refused, and told who runs here, and with which command that one syncs at once."""
    with held_elsewhere(file, DaemonLock) as holder:
        with pytest.raises(MirrorBusy) as caught, DaemonLock(file, clock):
            pass
        assert str(caught.value) == (
            f"Another tasksync (pid {holder.pid} on host {socket.gethostname()}, since 2026-03-01T08:00:00+00:00, "
            f"`tasksync sync`) keeps the mirror {file} in step. To make it sync now: kill -USR1 {holder.pid} (a "
            "service: systemctl kill -s USR1 tasksync). To run another one instead, stop it first."
        )
        assert caught.value.exit_code is ExitCode.BUSY
    with DaemonLock(file, clock) as lock:
        assert lock.still_held()


@pytest.mark.parametrize("spoil", ["command", "host", "note"])
def test_no_signal_is_recommended_that_would_end_somebody(
    spoil: str, file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single sync, a process of another machine, one of which nothing is known: none of them knows that signal."""
    with held_elsewhere(file, DaemonLock, "tasksync sync --once" if spoil == "command" else DAEMON):
        if spoil == "host":
            monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
        if spoil == "note":
            file.with_name("tasksync.db.daemon.lock.owner").unlink()
        with pytest.raises(MirrorBusy, match=r"in step\. Wait until it has finished, or stop it\.$"):
            DaemonLock(file, clock).__enter__()


def test_a_stolen_daemon_lock_is_noticed(file: Path, clock: Clock) -> None:
    """Once somebody deletes its file, the daemon can tell, and nobody is said to run here."""
    with DaemonLock(file, clock) as lock:
        assert lock.still_held()
        file.with_name("tasksync.db.daemon.lock").unlink()
        assert not lock.still_held()
        assert DaemonLock.holder(file) is None


def test_whether_a_sync_runs_here_can_be_asked(file: Path, clock: Clock) -> None:
    """Who it is, while it runs; nobody before, after, and once it was killed. Asking creates and changes nothing."""
    assert DaemonLock.holder(file) is None
    assert list(file.parent.iterdir()) == []
    with held_elsewhere(file, DaemonLock) as holder:
        before = {path.name: path.read_bytes() for path in file.parent.iterdir()}
        assert DaemonLock.holder(file) == Holder(
            pid=holder.pid,
            host=socket.gethostname(),
            since=datetime(2026, 3, 1, 8, tzinfo=UTC),
            command="tasksync sync",
        )
        assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before
        holder.kill()
        holder.wait()
        assert DaemonLock.holder(file) is None
    with DaemonLock(file, clock):
        assert DaemonLock.holder(file)
    assert DaemonLock.holder(file) is None


def test_a_holder_without_a_note_is_one_all_the_same(file: Path, clock: Clock) -> None:
    """The lock decides, and not what is said about it."""
    with DaemonLock(file, clock):
        file.with_name("tasksync.db.daemon.lock.owner").write_text("{")
        assert DaemonLock.holder(file) == Holder()


def test_who_only_asks_keeps_no_sync_from_starting(file: Path, clock: Clock) -> None:
    """A sync that starts just when somebody looks waits for that instant; two who look see no sync in each other."""
    with DaemonLock(file, clock):
        pass
    descriptor = os.open(file.with_name("tasksync.db.daemon.lock"), os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    assert DaemonLock.holder(file) is None
    asked = threading.Timer(0.1, os.close, [descriptor])
    asked.start()
    with DaemonLock(file, clock) as lock:
        assert lock.still_held()
    asked.join()


def test_where_it_cannot_be_found_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else in the lock's place, or a file system without locks, is said in a sentence."""
    path = file.with_name("tasksync.db.daemon.lock")
    path.symlink_to(file)
    with pytest.raises(MirrorUnusable, match="cannot be locked"):
        DaemonLock.holder(file)
    path.unlink()
    path.touch()

    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(MirrorUnusable, match=r"cannot be locked \(Function not implemented\)"):
        DaemonLock.holder(file)
