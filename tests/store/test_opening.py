from __future__ import annotations

import os
import shlex
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tasksync.core.record import Replica
from tasksync.errors import MirrorUnusable
from tasksync.store.opening import mirror_file, open_mirror, throwaway_copy


@pytest.fixture
def open_umask() -> Iterator[None]:
    """The umask of somebody who shares everything."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def file(tmp_path: Path, make_replica: Callable[..., Replica]) -> Path:
    """A mirror of some size, closed."""
    path = tmp_path / "tasksync.db"
    with closing(open_mirror(str(path))) as mirror, mirror.begin() as unit:
        unit.save_replicas(make_replica(number, shadow={"title": "x" * 500}) for number in range(500))
    return path


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_nobody_else_reads_a_new_mirror(open_umask: None, tmp_path: Path, make_replica: Callable[..., Replica]) -> None:
    """Whatever the umask, the file and what SQLite puts beside it are for their owner only."""
    with closing(open_mirror(str(tmp_path / "tasksync.db"))) as mirror:
        with mirror.begin() as unit:
            unit.save_replicas([make_replica(1)])
        assert modes(tmp_path) == {"tasksync.db": 0o600, "tasksync.db-wal": 0o600, "tasksync.db-shm": 0o600}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660])
def test_an_existing_mode_is_kept(mode: int, open_umask: None, file: Path) -> None:
    """A mode that a person gave the file stays, and holds for what SQLite puts beside it."""
    file.chmod(mode)
    with closing(open_mirror(str(file))) as mirror:
        with mirror.begin() as unit:
            unit.drop_replicas("office", "task", ["1"])
        assert set(modes(file.parent).values()) == {mode}


@pytest.mark.parametrize("mode", [0o644, 0o606, 0o601])
def test_a_mirror_open_to_everybody_is_refused(mode: int, file: Path) -> None:
    """A mirror that every user may reach is refused, with the command that closes it, which then helps."""
    file.chmod(mode)
    with pytest.raises(MirrorUnusable, match="every user"):
        throwaway_copy(str(file))
    with pytest.raises(MirrorUnusable, match="every user") as caught:
        open_mirror(str(file))
    assert modes(file.parent) == {"tasksync.db": mode}
    subprocess.run(shlex.split(str(caught.value).partition("with: ")[2]), check=True)
    open_mirror(str(file)).close()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """A mirror in a directory that does not exist: the directory is named and not created."""
    for way in (open_mirror, throwaway_copy):
        with pytest.raises(MirrorUnusable, match=r"directory .*nowhere for the mirror does not exist. Create it"):
            way(str(tmp_path / "nowhere" / "tasksync.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_takes_no_files_is_named(tmp_path: Path) -> None:
    """Where the system lets nobody create a file, not even root, the message speaks of owner, mode and mount."""
    with pytest.raises(MirrorUnusable, match=r"cannot be created: .*read-only"):
        open_mirror("/proc/self/tasksync.db")


def test_a_directory_is_no_mirror(tmp_path: Path) -> None:
    """A directory, or a path through a file, is refused as such."""
    (tmp_path / "plain").touch()
    for way in (open_mirror, throwaway_copy):
        with pytest.raises(MirrorUnusable, match="is not a file"):
            way(str(tmp_path))
        with pytest.raises(MirrorUnusable, match=r"cannot be reached: Not a directory"):
            way(str(tmp_path / "plain" / "tasksync.db"))


def test_an_empty_file_becomes_a_mirror(tmp_path: Path) -> None:
    """What a process leaves that was killed between creating and migrating is a mirror still to be made."""
    file = tmp_path / "tasksync.db"
    file.touch(mode=0o600)
    with closing(open_mirror(str(file))) as mirror, mirror.begin() as unit:
        assert unit.connections() == []


@pytest.mark.parametrize("content", [b"x", b"a: {}\n" * 70, b"a: {}\n" * 1_000, bytes(5_000)])
def test_what_is_not_sqlite_is_refused_and_kept(content: bytes, tmp_path: Path) -> None:
    """Another kind of file, named as the mirror by mistake, is refused as such and not overwritten."""
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    file.chmod(0o600)
    for way in (open_mirror, throwaway_copy):
        with pytest.raises(MirrorUnusable, match="not an SQLite database"):
            way(str(file))
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def overwrite_pages(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096 * 20 : 4096 * 60] = b"\xa5" * (4096 * 40)
    file.write_bytes(content)


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def miscount_free_pages(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[36:40] = (5).to_bytes(4, "big")
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [overwrite_pages, cut_off, miscount_free_pages])
def test_a_damaged_mirror_is_refused(damage: Callable[[Path], None], file: Path) -> None:
    """A damaged file is found at once, with what to do, and is left for whoever can repair it."""
    damage(file)
    before = file.read_bytes()
    for way in (open_mirror, throwaway_copy):
        with pytest.raises(
            MirrorUnusable, match=r"damaged.*Restore a backup, or move the file away.*nothing is copied"
        ):
            way(str(file))
    assert file.read_bytes() == before


def test_a_locked_mirror_is_waited_for_and_then_refused(file: Path) -> None:
    """A file that another program has locked at start is refused with what to do."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MirrorUnusable, match=r"locked.*Close that program"):
            open_mirror(str(file), busy_timeout_s=0.05)
    open_mirror(str(file), busy_timeout_s=0.05).close()


def test_names_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is relative to the current directory and may begin with ~; a URL of SQLite names the same file; links
    lead to it.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link.db").symlink_to("a b#%3f?.db")
    expected = tmp_path / "a b#%3f?.db"
    for name in ("a b#%3f?.db", str(expected), "~/a b#%3f?.db", "link.db"):
        assert mirror_file(name) == expected
    assert mirror_file("sqlite:///x.db") == tmp_path / "x.db"
    assert mirror_file(f"sqlite:///{tmp_path}/x.db") == tmp_path / "x.db"
    open_mirror("link.db").close()
    assert expected.is_file()


@pytest.mark.parametrize("name", ["sqlite://", "sqlite:///:memory:", ":memory:"])
def test_a_mirror_in_memory(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mirror can live in memory, for trials: it leaves no file and no lock, and each is one of its own."""
    monkeypatch.chdir(tmp_path)
    assert mirror_file(name) is None
    with closing(open_mirror(name)) as mirror, closing(throwaway_copy(name)) as copy:
        for one in (mirror, copy):
            with one.begin() as unit:
                assert unit.connections() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://tasks:hunter2@db.example/tasks",
        "mysql+pymysql://tasks:hunter2@db.example:x/tasks",
        "sqlite://hunter2/file.db",
        "sqlite:///file.db?mode=ro",
        "://hunter2",
    ],
)
def test_other_databases_are_refused(url: str) -> None:
    """Only SQLite is supported, and the message says so without repeating a password."""
    with pytest.raises(MirrorUnusable, match="only SQLite is supported") as caught:
        open_mirror(url)
    assert "hunter2" not in str(caught.value)
