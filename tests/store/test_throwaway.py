from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tasksync.core.record import Replica
from tasksync.errors import MirrorUnusable
from tasksync.ports import Mirror
from tasksync.store.opening import open_mirror, reading, throwaway_copy

# Opens the mirror, writes the connections it is given on stdin, and says so after each.
WRITER = """
import sys
from tasksync.ports import ConnectionState
from tasksync.store.opening import open_mirror
mirror = open_mirror(sys.argv[1])
for line in sys.stdin:
    with mirror.begin() as unit:
        unit.save_connection(ConnectionState(name=line.strip(), identity="i", scope="s"))
    print("written", flush=True)
mirror.close()
"""


class Writer:
    """Another process that has the mirror open."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def write(self, name: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "written\n"


@contextmanager
def writing(file: Path) -> Iterator[Writer]:
    command = [sys.executable, "-c", WRITER, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Writer(process)
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "state"
    made.mkdir()
    return made


@pytest.fixture
def file(folder: Path) -> Path:
    return folder / "tasksync.db"


def names(mirror: Mirror) -> list[str]:
    with mirror.begin() as unit:
        return [state.name for state in unit.connections()]


def traces(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """All that a visitor could have changed: names, contents, modes, times of writing."""
    return {
        path.name: (path.read_bytes() if path.is_file() else b"", path.stat().st_mode, path.stat().st_mtime_ns)
        for path in (folder, *folder.iterdir())
    }


def use(copy: Mirror, make_replica: Callable[..., Replica]) -> None:
    """What a dry run does with it: write."""
    with copy.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(1_000))
        unit.drop_replicas("office", "task", ["1"])


def test_without_a_mirror_the_copy_is_empty(file: Path, folder: Path, make_replica: Callable[..., Replica]) -> None:
    """Before the first sync there is nothing to copy, and nothing is created."""
    before = traces(folder)
    with closing(throwaway_copy(str(file))) as copy:
        assert names(copy) == []
        use(copy, make_replica)
    assert traces(folder) == before == {"state": before["state"]}


def test_a_copy_of_a_mirror_at_rest(file: Path, folder: Path, make_replica: Callable[..., Replica]) -> None:
    """The copy holds what the mirror holds; what is written to it stays in it, and no trace is left."""
    with writing(file) as writer:
        writer.write("office")
        assert writer.process.stdin is not None
        writer.process.stdin.close()
        assert writer.process.wait() == 0
    before = traces(folder)
    assert before.keys() == {"state", "tasksync.db"}
    with closing(throwaway_copy(str(file))) as copy:
        assert names(copy) == ["office"]
        use(copy, make_replica)
        assert traces(folder) == before
    assert traces(folder) == before
    with closing(open_mirror(str(file))) as mirror, mirror.begin() as unit:
        assert unit.external_ids("office", "task") == set()


def test_a_copy_while_another_process_writes(file: Path, folder: Path, make_replica: Callable[..., Replica]) -> None:
    """What the daemon committed a moment ago, and only its write-ahead log has, is in the copy; the daemon goes on."""
    with writing(file) as writer:
        writer.write("office")
        before = traces(folder)
        assert before.keys() == {"state", "tasksync.db", "tasksync.db-wal", "tasksync.db-shm"}
        with closing(throwaway_copy(str(file))) as copy:
            assert names(copy) == ["office"]
            use(copy, make_replica)
            assert traces(folder) == before
            writer.write("capsule")
            assert names(copy) == ["office"]


@pytest.mark.parametrize("lost", [[], ["-shm"]], ids=["all is left", "only the log is left"])
def test_a_copy_after_a_crash(
    lost: list[str], file: Path, folder: Path, tmp_path: Path, make_replica: Callable[..., Replica]
) -> None:
    """What a killed process had committed is in the copy, and its files stay as it left them for the next start."""
    with writing(file) as writer:
        writer.write("office")
        writer.process.kill()
        writer.process.wait()
    for suffix in lost:
        file.with_name(file.name + suffix).unlink()
    before = traces(folder)
    with closing(throwaway_copy(str(file))) as copy:
        assert names(copy) == ["office"]
        use(copy, make_replica)
    assert traces(folder) == before
    with closing(open_mirror(str(file))) as mirror:
        assert names(mirror) == ["office"]


def test_a_copy_of_a_mirror_that_needs_a_rollback(file: Path, folder: Path, tmp_path: Path) -> None:
    """A journal left by a killed process is rolled back in the copy and stays on the disk for the next start."""
    open_mirror(str(file)).close()
    source = tmp_path / "source.db"
    shutil.copyfile(file, source)
    with closing(sqlite3.connect(source, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
        # A cache this small makes SQLite write to the file before the commit, as a large transaction would.
        raw.execute("PRAGMA cache_size = 1")
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany(
            "INSERT INTO connection (name, kind, identity, scope) VALUES (?, 'task', ?, '')",
            ((f"half-{number}", "x" * 2_000) for number in range(200)),
        )
        shutil.copyfile(source, file)
        shutil.copyfile(f"{source}-journal", f"{file}-journal")
    before = traces(folder)
    with closing(throwaway_copy(str(file))) as copy:
        assert names(copy) == []
    assert traces(folder) == before


def test_a_mirror_that_changes_while_it_is_copied_is_told(file: Path) -> None:
    """A process that starts to write just then could leave half of it in the copy: the copy is given up."""
    open_mirror(str(file)).close()
    with pytest.raises(MirrorUnusable, match="changed while it was copied"), reading(file):
        os.utime(file, ns=(0, 0))
