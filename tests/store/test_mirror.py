from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tasksync.core.record import Record, Replica
from tasksync.errors import MirrorUnusable
from tasksync.ports import Mirror
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import open_mirror


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tasksync.db"


@pytest.fixture
def on_disk(file: Path) -> Iterator[SqlMirror]:
    opened = open_mirror(str(file), busy_timeout_s=0.05)
    yield opened
    opened.close()


def ids(mirror: Mirror) -> set[str]:
    with mirror.begin() as unit:
        return unit.external_ids("office", "task")


def test_a_unit_sees_what_it_wrote_and_so_does_the_next(
    on_disk: SqlMirror, file: Path, make_replica: Callable[..., Replica]
) -> None:
    """What was written is seen in the same unit, in the next one, and by whoever opens the file afterwards."""
    with on_disk.begin() as unit:
        unit.save_replicas([make_replica(1)])
        assert unit.external_ids("office", "task") == {"1"}
    assert ids(on_disk) == {"1"}
    on_disk.close()
    with closing(open_mirror(str(file))) as again:
        assert ids(again) == {"1"}


def test_rows_that_are_written_are_counted(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Each row that was inserted, changed or deleted counts, and reading counts nothing."""
    before = mirror.rows_written
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(1), make_replica(2)])
    assert mirror.rows_written - before == 2
    ids(mirror)
    assert mirror.rows_written - before == 2
    with mirror.begin() as unit:
        unit.drop_replicas("office", "task", ["1"])
    assert mirror.rows_written - before == 3


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_an_error_leaves_nothing(
    error: type[BaseException], on_disk: SqlMirror, make_replica: Callable[..., Replica]
) -> None:
    """A block that raises, whatever it raises, has written nothing; its error comes through; the next unit works."""
    with on_disk.begin() as unit:
        unit.save_replicas([make_replica(1)])

    def write_and_fail() -> None:
        with on_disk.begin() as unit:
            unit.save_replicas([make_replica(2)])
            unit.drop_replicas("office", "task", ["1"])
            raise error

    with pytest.raises(error):
        write_and_fail()
    assert ids(on_disk) == {"1"}


def test_units_do_not_nest(mirror: SqlMirror) -> None:
    """A unit within a unit is a mistake in the program, said at once; the outer one goes on."""
    with mirror.begin() as unit:
        with pytest.raises(RuntimeError, match="open already"), mirror.begin():
            pass
        assert unit.connections() == []
    assert ids(mirror) == set()


def test_a_unit_ends_with_its_transaction(mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """A unit used after its block, also by an iterator that is still running, says so instead of writing somewhere."""
    with mirror.begin() as unit:
        unit.save_records(make_record(number) for number in range(1_000))
        records = unit.records_of_group("all", "task")
        next(records)
    with pytest.raises(RuntimeError, match="has ended"):
        unit.connections()
    with pytest.raises(RuntimeError, match="has ended"):
        list(records)


def test_a_swallowed_error_does_not_commit_half_a_unit(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """A block that goes on after a database error is rolled back all the same, and the error is told."""

    def write_and_swallow() -> None:
        with mirror.begin() as unit:
            unit.save_records([make_record(1)])
            unit.save_replicas([make_replica(1, record_id="r00001")])
            with suppress(MirrorUnusable):
                unit.save_replicas([make_replica(3), make_replica(2, record_id="r00001")])

    with pytest.raises(MirrorUnusable, match="contradicts"):
        write_and_swallow()
    assert ids(mirror) == set()


def test_errors_hold_no_text_of_tasks(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """What a database error says, with all its causes, has no title in it."""
    with mirror.begin() as unit:
        unit.save_records([make_record(1)])
    replicas = [make_replica(number, record_id="r00001", shadow={"title": "secret"}) for number in (1, 2)]
    with pytest.raises(MirrorUnusable) as caught, mirror.begin() as unit:
        unit.save_replicas(replicas)
    error: BaseException | None = caught.value
    while error is not None:
        assert "secret" not in str(error)
        error = error.__cause__ or error.__context__


def test_the_log_holds_no_text_of_tasks(caplog: pytest.LogCaptureFixture, make_replica: Callable[..., Replica]) -> None:
    """SQLAlchemy's own log, when somebody turns it on, shows statements and no titles."""
    caplog.set_level("INFO", "sqlalchemy.engine")
    with closing(open_mirror("sqlite://")) as mirror, mirror.begin() as unit:
        unit.save_replicas([make_replica(1, shadow={"title": "secret"})])
    assert "INSERT INTO replica" in caplog.text
    assert "secret" not in caplog.text


def test_another_programs_lock_is_waited_for_and_then_told(
    on_disk: SqlMirror, file: Path, make_replica: Callable[..., Replica]
) -> None:
    """A mirror that another program keeps locked cannot be used, and can again when it lets go."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MirrorUnusable, match=r"locked.*Close that program"), on_disk.begin():
            pass
        with pytest.raises(MirrorUnusable, match=r"locked.*Close that program"), on_disk.begin():
            pass
    with on_disk.begin() as unit:
        unit.save_replicas([make_replica(1)])
    assert ids(on_disk) == {"1"}


def test_a_full_disk_rolls_back_and_says_so(on_disk: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Without space nothing of the unit is kept and the message says what to do; with space again, all goes on."""
    with on_disk.begin() as unit:
        unit.save_replicas([make_replica(1)])
    # SQLite's own limit gives the same error as a disk without space.
    (pages,) = on_disk._raw.execute("PRAGMA page_count").fetchone()
    on_disk._raw.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(MirrorUnusable, match=r"no space left.*Free some"), on_disk.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(1_000))
    assert ids(on_disk) == {"1"}
    on_disk._raw.execute(f"PRAGMA max_page_count = {pages * 100}")
    with on_disk.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(1_000))
    assert len(ids(on_disk)) == 1_000


def test_a_mirror_that_may_not_be_written_says_so(on_disk: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """SQLite's refusal to write becomes a message about owner, mode and mount."""
    # The same error as on a read-only file, which root, running this test, could write all the same.
    on_disk._raw.execute("PRAGMA query_only = ON")
    with pytest.raises(MirrorUnusable, match=r"may not be written.*read-only"), on_disk.begin() as unit:
        unit.save_replicas([make_replica(1)])


def test_a_closed_mirror_says_so(mirror: SqlMirror) -> None:
    """A mirror used after it was closed raises instead of opening another database."""
    mirror.close()
    with pytest.raises(RuntimeError, match="closed"), mirror.begin():
        pass


@contextmanager
def no_file_longer_than(length: int) -> Iterator[None]:
    """The system refuses this process to write beyond that, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def size(file: Path, suffix: str) -> int:
    return file.with_name(file.name + suffix).stat().st_size


def test_tidying_empties_the_log_into_the_database(
    on_disk: SqlMirror, file: Path, make_replica: Callable[..., Replica]
) -> None:
    """What was written is in the database itself then, and its log takes no space; the next unit works as ever."""
    with on_disk.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(1_000))
    before = size(file, "")
    on_disk.tidy()
    assert size(file, "-wal") == 0
    assert size(file, "") > before
    with on_disk.begin() as unit:
        unit.save_replicas([make_replica(1_000)])
    assert len(ids(on_disk)) == 1_001


def test_tidying_waits_for_nobody(file: Path, make_replica: Callable[..., Replica]) -> None:
    """While another program reads or writes, as much is done as can be, at once; the rest the next time. Units wait for
    others as patiently as before.
    """
    with (
        closing(open_mirror(str(file), busy_timeout_s=60)) as mirror,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        for number, begun in enumerate(("BEGIN IMMEDIATE", "BEGIN")):
            with mirror.begin() as unit:
                unit.save_replicas([make_replica(number)])
            other.execute(begun)
            other.execute("SELECT count(*) FROM replica").fetchone()
            started = time.monotonic()
            mirror.tidy()
            assert time.monotonic() - started < 30
            assert size(file, "-wal") > 0
            other.execute("ROLLBACK")
        assert mirror._raw.execute("PRAGMA busy_timeout").fetchone() == (60_000,)
        mirror.tidy()
        assert size(file, "-wal") == 0


def test_tidying_tells_what_is_wrong_with_the_disk(
    on_disk: SqlMirror, file: Path, make_replica: Callable[..., Replica]
) -> None:
    """A fault of the disk is no lock that will be gone the next time: it is told, and what was committed is kept."""
    with on_disk.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(1_000))
    with no_file_longer_than(size(file, "")), pytest.raises(MirrorUnusable, match="disk reported an error"):
        on_disk.tidy()
    on_disk.tidy()
    assert len(ids(on_disk)) == 1_000


def test_tidying_is_for_between_units(mirror: SqlMirror) -> None:
    """Within a unit, or once closed, it is a mistake in the program; in memory there is nothing to be done."""
    with mirror.begin(), pytest.raises(RuntimeError, match="open already"):
        mirror.tidy()
    mirror.tidy()
    mirror.close()
    with pytest.raises(RuntimeError, match="closed"):
        mirror.tidy()


def test_the_log_shrinks_again(on_disk: SqlMirror, file: Path, make_replica: Callable[..., Replica]) -> None:
    """After a first sync that made it long, the log is no longer than SQLite's own measure."""
    with on_disk.begin() as unit:
        unit.save_replicas(make_replica(number, shadow={"title": "x" * 5_000}) for number in range(2_000))
    assert size(file, "-wal") > 8 * 1024 * 1024
    for number in range(2):
        with on_disk.begin() as unit:
            unit.save_replicas([make_replica(number)])
    assert size(file, "-wal") <= 4 * 1024 * 1024


def test_what_is_committed_is_on_the_disk(on_disk: SqlMirror) -> None:
    """The settings that the outbox's promises stand on: write-ahead log, every commit synced, foreign keys checked."""
    settings = [on_disk._raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
    assert on_disk._raw.execute("PRAGMA foreign_keys").fetchone()[0] == 1
