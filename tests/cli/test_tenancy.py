"""The mirror as a daemon has it: its own while it runs, everybody's between two turns, and never somebody else's."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from firm import FakeClock, Lines

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.bootstrap.tenancy import Tenancy
from tasksync.errors import ConfigError, MirrorBusy, Stopping
from tasksync.store.lock import DaemonLock, MirrorLock
from tasksync.transport.redaction import Redactor


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def around(log: Lines) -> Surroundings:
    return Surroundings(clock=FakeClock(), redactor=Redactor(), log=log)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tasksync.db"


@pytest.fixture
def tenancy(file: Path, around: Surroundings) -> Iterator[Tenancy]:
    with Tenancy.open(str(file), around) as opened:
        yield opened


def never() -> bool:
    return False


async def test_nobody_else_works_during_a_turn(tenancy: Tenancy, file: Path) -> None:
    """Within a turn the mirror is locked, between two turns it is not; that a daemon is there always shows."""
    async with tenancy.at_work(never) as still_ours:
        assert still_ours()
        with pytest.raises(MirrorBusy):
            MirrorLock(file, FakeClock()).__enter__()
    with MirrorLock(file, FakeClock()):
        assert DaemonLock.holder(file) is not None


async def test_somebody_elses_work_is_waited_for(tenancy: Tenancy, file: Path) -> None:
    """A turn begins when whoever works on the mirror has finished."""
    order: list[str] = []

    async def turn() -> None:
        async with tenancy.at_work(never):
            order.append("turn")

    with MirrorLock(file, FakeClock()):
        waiting = asyncio.create_task(turn())
        await asyncio.sleep(0.15)
        order.append("end of the other's work")
    await asyncio.wait_for(waiting, 10)
    assert order == ["end of the other's work", "turn"]


async def test_a_stop_ends_the_wait(tenancy: Tenancy, file: Path) -> None:
    """Who is stopped does not wait for somebody else's work."""
    with MirrorLock(file, FakeClock()), pytest.raises(Stopping):
        async with asyncio.timeout(10), tenancy.at_work(lambda: True):
            raise AssertionError("the mirror is somebody else's")


async def test_a_long_wait_is_told_once(
    tenancy: Tenancy, file: Path, log: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nothing goes on for long, the log says who is in the way."""
    monkeypatch.setattr("tasksync.bootstrap.tenancy._WORTH_SAYING_S", 0.1)
    waits = iter(range(8))
    with MirrorLock(file, FakeClock(), command="tasksync restore"), pytest.raises(Stopping):
        async with tenancy.at_work(lambda: next(waits, None) is None):
            raise AssertionError("the mirror is somebody else's")
    (told,) = log.events("mirror_waited_for")
    assert "tasksync restore" in told["reason"]


@pytest.mark.parametrize("taken", ["mirror", "lock", "daemon lock"])
async def test_what_was_taken_away_is_noticed(tenancy: Tenancy, file: Path, taken: str) -> None:
    """With another mirror in its place, or without its lock, the daemon writes nothing any more: neither in the turn in
    which that happens nor in another one.
    """
    gone = {"mirror": file, "lock": file.with_name(f"{file.name}.lock"), "daemon lock": None}[taken]
    gone = gone or file.with_name(f"{file.name}.daemon.lock")
    async with tenancy.at_work(never) as still_ours:
        copy = shutil.copy(gone, file.parent / "copy")
        shutil.move(copy, gone)
        assert not still_ours()
    if taken != "lock":
        with pytest.raises(MirrorBusy, match="replaced"):
            async with tenancy.at_work(never):
                raise AssertionError("it is not ours any more")


def test_two_daemons_on_one_mirror(tenancy: Tenancy, around: Surroundings) -> None:
    """The second is refused."""
    with pytest.raises(MirrorBusy), Tenancy.open(tenancy.database, around):
        raise AssertionError("there is one already")


def test_a_daemon_does_not_move(tenancy: Tenancy) -> None:
    """Another database in a new configuration is refused, with what to do."""
    tenancy.require(tenancy.database)
    with pytest.raises(ConfigError, match="restart"):
        tenancy.require("another.db")


async def test_a_mirror_in_memory_is_nobody_elses(around: Surroundings) -> None:
    """There is nothing to lock."""
    with Tenancy.open("sqlite://", around) as tenancy:
        async with tenancy.at_work(never) as still_ours:
            assert still_ours()
