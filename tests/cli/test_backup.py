"""`tasksync backup`, and the way back."""

from __future__ import annotations

import json
import stat

from desk import Desk

from tasksync.service.clock import SystemClock
from tasksync.store.lock import DaemonLock, MirrorLock


def test_a_backup_can_take_the_place_of_the_mirror(desk: Desk) -> None:
    """With the backup in the mirror's place all is in step: what was copied since is not copied twice."""
    desk.sync()
    done = desk.run("backup", "kept.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"copied to {desk.folder / 'kept.db'} (" in " ".join(done.stdout.split())
    assert stat.S_IMODE((desk.folder / "kept.db").stat().st_mode) == 0o600

    desk.world.onlyoffice.add(title="Made since", due="2031-05-06")
    assert desk.sync()["connections"]["capsule"]["created"] == 1
    for path in desk.folder.glob("tasksync.db*"):
        path.unlink()
    (desk.folder / "kept.db").rename(desk.folder / "tasksync.db")
    desk.forget_requests()
    assert desk.sync()["exit_code"] == 0
    assert desk.writes() == []


def test_the_json_of_a_backup(desk: Desk) -> None:
    """Scripts find what was copied, to where, and how large it is, and nothing else on stdout."""
    desk.sync()
    done = desk.run("backup", "kept.db", "--json")
    assert json.loads(done.stdout) == {
        "mirror": str(desk.folder / "tasksync.db"),
        "file": str(desk.folder / "kept.db"),
        "bytes": (desk.folder / "kept.db").stat().st_size,
    }


def test_nobody_is_waited_for(desk: Desk) -> None:
    """While another tasksync keeps the mirror in step and works on it, a backup is made."""
    desk.sync()
    file, clock = desk.folder / "tasksync.db", SystemClock()
    with DaemonLock(file, clock), MirrorLock(file, clock):
        assert desk.run("backup", "kept.db").returncode == 0


def test_an_existing_file_is_replaced_by_force(desk: Desk) -> None:
    """Without --force it stays as it is, and the message says how to replace it."""
    desk.sync()
    kept = desk.folder / "kept.db"
    kept.write_text("of yesterday")
    done = desk.run("backup", "kept.db")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--force" in done.stderr
    assert kept.read_text() == "of yesterday"
    assert desk.run("backup", "kept.db", "--force").returncode == 0
    assert kept.read_bytes().startswith(b"SQLite format 3")


def test_what_cannot_be_backed_up_is_exit_2(desk: Desk) -> None:
    """Without a mirror, over the mirror, to where nothing is: a sentence on stderr, and nothing was written."""
    before = desk.files()
    assert "There is no mirror" in refused(desk, "kept.db")
    assert desk.files() == before
    desk.sync()
    before = desk.files()
    assert "belongs to the mirror" in refused(desk, "tasksync.db", "--force")
    assert "no directory" in refused(desk, "nowhere/kept.db")
    assert desk.files() == before


def refused(desk: Desk, *arguments: str) -> str:
    done = desk.run("backup", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    return done.stderr
