from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasksync.core.record import Replica
from tasksync.errors import ExitCode, MirrorUnusable, WrongUsage
from tasksync.ports import ConnectionState, Mirror
from tasksync.store import backup
from tasksync.store.backup import back_up
from tasksync.store.opening import connect, open_mirror

# Commits without a pause, always the same number to both connections, until its stdin ends.
WRITER = """
import select, sys
from itertools import count
from tasksync.ports import ConnectionState
from tasksync.store.opening import open_mirror
mirror = open_mirror(sys.argv[1])
for number in count():
    with mirror.begin() as unit:
        for name in ("office", "capsule"):
            unit.save_connection(ConnectionState(name=name, identity="i" * 3_000, scope=str(number)))
    if number == 0:
        print("begun", flush=True)
    if select.select([sys.stdin], [], [], 0)[0]:
        break
mirror.close()
"""


@pytest.fixture
def file(tmp_path: Path, make_replica: Callable[..., Replica]) -> Path:
    """A mirror of some size, closed, in a folder of its own."""
    path = tmp_path / "state" / "tasksync.db"
    path.parent.mkdir()
    with closing(open_mirror(str(path))) as mirror, mirror.begin() as unit:
        unit.save_replicas(make_replica(number, shadow={"title": "x" * 500}) for number in range(1_000))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that is not there, in a folder that is there."""
    path = tmp_path / "backups" / "monday.db"
    path.parent.mkdir()
    return path


def ids(mirror: Mirror) -> set[str]:
    with mirror.begin() as unit:
        return unit.external_ids("office", "task")


def holds_all(file: Path) -> bool:
    """Whether the file, as it lies there, opens as a mirror with all that `file` (the fixture) wrote."""
    with closing(open_mirror(str(file))) as mirror:
        return len(ids(mirror)) == 1_000


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(error: type[Exception], said: str, file: Path, target: Path, **options: Any) -> None:
    """The backup is refused, with exit code 2, and nothing anywhere has changed."""
    folders = {file.parent, target.parent} if target.parent.is_dir() else {file.parent}
    before = {path: path.read_bytes() for folder in folders for path in folder.iterdir() if path.is_file()}
    with pytest.raises(error, match=said) as caught:
        back_up(str(file), target, **options)
    assert getattr(caught.value, "exit_code", None) is ExitCode.USAGE
    assert {path: path.read_bytes() for folder in folders for path in folder.iterdir() if path.is_file()} == before


def test_a_backup_opens_as_a_mirror(file: Path, target: Path) -> None:
    """It is one file, with nothing beside it, that holds all that the mirror holds; the mirror is as it was."""
    before = file.read_bytes()
    made = back_up(str(file), target)
    assert (made.mirror, made.file, made.size) == (file, target, target.stat().st_size)
    assert listed(target.parent) == ["monday.db"]
    assert (file.read_bytes(), listed(file.parent)) == (before, ["tasksync.db"])
    # Not in WAL mode (sqlite.org/fileformat2.html, 1.3.3), which no program can read where it may not write.
    assert target.read_bytes()[18:20] == b"\x01\x01"
    assert holds_all(target)


def test_nobody_else_reads_a_backup(file: Path, target: Path) -> None:
    """It is for its owner only, whatever the umask, the mirror's mode and the mode of what it replaces."""
    file.chmod(0o640)
    target.touch()
    before = os.umask(0)
    try:
        target.chmod(0o666)
        back_up(str(file), target, force=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@contextmanager
def writing_on(file: Path) -> Iterator[None]:
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            yield
            assert process.poll() is None
        finally:
            process.kill()


def test_a_backup_while_another_process_commits_all_the_time(
    file: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes to an end, shows one moment, and keeps nobody from writing: the next one shows a later moment."""
    # So many steps that there are commits between them.
    monkeypatch.setattr(backup, "_PAGES", 1)
    moments = []
    with writing_on(file):
        for _ in range(3):
            back_up(str(file), target, force=True)
            with closing(open_mirror(str(target))) as copy, copy.begin() as unit:
                office, capsule = unit.connection("office"), unit.connection("capsule")
            assert office is not None
            assert capsule is not None
            assert office.scope == capsule.scope
            moments.append(int(office.scope))
            assert holds_all(target)
    assert moments[0] < moments[1] < moments[2]


def test_a_backup_is_of_one_moment(file: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed while it is made, by this process or another, is not in it, and does not begin it anew."""
    steps: list[int] = []
    with closing(open_mirror(str(file))) as mirror:

        class Busy(sqlite3.Connection):
            """Between two steps of the copy, somebody commits."""

            def backup(self, target: sqlite3.Connection, **options: Any) -> None:
                def commit(_status: int, remaining: int, _total: int) -> None:
                    steps.append(remaining)
                    assert len(steps) < 200
                    with mirror.begin() as unit:
                        unit.save_connection(ConnectionState(name=f"n{len(steps)}", identity="i", scope=""))

                super().backup(target, **{**options, "pages": 20, "progress": commit})

        # Its log has something, so that it is read along with whoever writes.
        with mirror.begin() as unit:
            unit.save_connection(ConnectionState(name="before", identity="i", scope=""))
        connect_plainly = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect_plainly(*given, factory=Busy, **more))
        back_up(str(file), target)
        monkeypatch.undo()
    assert len(steps) > 5
    assert steps == sorted(steps, reverse=True)
    with closing(open_mirror(str(target))) as copy, copy.begin() as unit:
        assert [state.name for state in unit.connections()] == ["before"]


def test_a_backup_after_a_crash(file: Path, target: Path) -> None:
    """What a killed process had committed, and only its log has, is in the backup, with or without the log's index."""
    with writing_on(file):
        pass
    assert listed(file.parent) == ["tasksync.db", "tasksync.db-shm", "tasksync.db-wal"]
    for lost in ("", "-shm"):
        if lost:
            file.with_name(file.name + lost).unlink()
        back_up(str(file), target, force=True)
        with closing(open_mirror(str(target))) as copy, copy.begin() as unit:
            assert len(unit.connections()) == 2
        assert holds_all(target)


def test_an_existing_file_is_replaced_only_if_asked_for(file: Path, target: Path) -> None:
    """The backup of yesterday is not lost to a mistyped name; with force it goes when the new one is complete."""
    target.write_text("of yesterday")
    refused(WrongUsage, r"monday\.db exists already\. Name another file, or replace it with --force", file, target)
    back_up(str(file), target, force=True)
    assert holds_all(target)


def test_a_link_is_followed(file: Path, target: Path) -> None:
    """The file that a link names is written, and the link stays one."""
    link = target.with_name("latest.db")
    link.symlink_to(target)
    assert back_up(str(file), link).file == target
    assert link.is_symlink()
    assert holds_all(target)


@pytest.mark.parametrize(
    "suffix",
    [
        "",
        "-wal",
        "-shm",
        "-journal",
        ".lock",
        ".lock.owner",
        ".daemon.lock",
        ".daemon.lock.owner",
        ".office.token.lock",
    ],
)
def test_the_mirror_is_never_written_over(suffix: str, file: Path, tmp_path: Path) -> None:
    """Neither it nor what lies beside it by a name that means something, by whatever name it is called, not even by
    force.
    """
    own = file.with_name(file.name + suffix)
    (tmp_path / "link.db").symlink_to(own)
    for name in (own, file.parent / ".." / "state" / own.name, tmp_path / "link.db"):
        refused(WrongUsage, "belongs to the mirror", file, name, force=True)


def test_a_backup_may_lie_beside_the_mirror(file: Path) -> None:
    """Names that only begin like the mirror's are as good as others."""
    for name in ("tasksync.db.bak", "tasksync.db-2026", "locks.lock", "tasksync.dbx.lock"):
        back_up(str(file), file.with_name(name))
        assert holds_all(file.with_name(name))


def test_where_a_backup_cannot_be(file: Path, target: Path) -> None:
    """A directory, a missing directory, something that is no file: told in a sentence, and nothing is written."""
    refused(WrongUsage, "is a directory. Name a file in it", file, target.parent, force=True)
    refused(WrongUsage, r"no directory .*nowhere for the backup\. Create it", file, target.parent / "nowhere" / "x.db")
    os.mkfifo(target)
    refused(WrongUsage, "is not a file, and is not replaced", file, target, force=True)
    # Where the system lets nobody create a file, not even root.
    with pytest.raises(WrongUsage, match=r"cannot be written \(.*\)\. .*owner and the mode of its directory"):
        back_up(str(file), Path("/proc/x.db"))


@contextmanager
def no_file_longer_than(length: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_failing_disk_is_told_and_the_last_backup_stays(file: Path, target: Path) -> None:
    """When the copy cannot be written to its end, it is the copy's disk that the message is about; nothing half done is
    left, and the backup that was there is.
    """
    back_up(str(file), target)
    with no_file_longer_than(100_000):
        refused(WrongUsage, r"backup .*monday\.db cannot be written \(.*Check the space", file, target, force=True)
    assert listed(target.parent) == ["monday.db"]
    assert holds_all(target)


def test_a_full_disk_is_told(file: Path, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without space for the copy, the message names the backup; it is not the mirror that is full."""

    def narrow(target: str) -> sqlite3.Connection:
        raw = connect(target)
        raw.execute("PRAGMA max_page_count = 10")
        return raw

    monkeypatch.setattr(backup, "connect", narrow)
    refused(WrongUsage, r"backup .*monday\.db cannot be written \(.*full\)\. What was there is as it was", file, target)
    assert listed(target.parent) == []


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_what_is_not_on_the_disk_is_no_backup(
    failing: str, file: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that cannot be synced, or get its name, is told and leaves nothing."""

    def fail(*_given: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(*((os, "fsync", fail) if failing == "fsync" else (Path, "replace", fail)))
    refused(WrongUsage, r"cannot be written \(Input/output error\)", file, target)
    assert listed(target.parent) == []


@pytest.mark.parametrize(
    ("begin", "damage"), [(4096 * 20, b"\xa5" * 4096 * 40), (36, (5).to_bytes(4, "big"))], ids=["pages", "free pages"]
)
def test_a_damaged_mirror_replaces_no_backup(begin: int, damage: bytes, file: Path, target: Path) -> None:
    """A copy of something damaged is worse than the one of yesterday, which stays."""
    back_up(str(file), target)
    content = bytearray(file.read_bytes())
    content[begin : begin + len(damage)] = damage
    file.write_bytes(content)
    refused(MirrorUnusable, r"mirror .*tasksync\.db .*damaged.*Restore a backup", file, target, force=True)
    assert holds_all(target)


def test_what_is_no_mirror_is_not_backed_up(tmp_path: Path, target: Path) -> None:
    """None yet, one that was never filled, one in memory, the database of another program, one that all may read."""
    file = tmp_path / "tasksync.db"
    refused(MirrorUnusable, r"There is no mirror .*tasksync\.db yet", file, target)
    file.touch(mode=0o600)
    refused(MirrorUnusable, r"There is no mirror .*tasksync\.db yet", file, target)
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("CREATE TABLE other (x)")
    refused(MirrorUnusable, "database of another program", file, target)
    file.chmod(0o644)
    refused(MirrorUnusable, "open to every user", file, target)
    with pytest.raises(MirrorUnusable, match="in memory"):
        back_up("sqlite://", target)
    assert listed(target.parent) == []


def test_an_earlier_mirror_is_backed_up_as_it_is(tmp_path: Path, target: Path) -> None:
    """The backup before an upgrade is of the old schema, so that the old version can go on with it."""
    file = tmp_path / "tasksync.db"
    dump = Path(__file__).with_name("fixtures") / "0001.sql"
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript(dump.read_text(encoding="utf-8"))
    file.chmod(0o600)
    back_up(str(file), target)
    for path in (file, target):
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
