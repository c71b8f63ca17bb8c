from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from tasksync.core.record import Record, Replica
from tasksync.errors import ExitCode, MirrorUnusable
from tasksync.ports import ConnectionState
from tasksync.store import migrations
from tasksync.store.opening import open_mirror, throwaway_copy
from tasksync.store.schema import OURS, Schema
from tasksync.store.tables import MirrorTable

Later = Callable[..., Schema]
FOLDER = Path(migrations.__file__).parent


@pytest.fixture
def file(tmp_path: Path, make_record: Callable[..., Record], make_replica: Callable[..., Replica]) -> Path:
    """A mirror of today's schema with a record and its replica, closed."""
    path = tmp_path / "tasksync.db"
    with closing(open_mirror(str(path))) as mirror, mirror.begin() as unit:
        unit.save_records([make_record(1)])
        unit.save_replicas([make_replica(1, record_id="r00001")])
    return path


@pytest.fixture
def later(tmp_path: Path) -> Later:
    """Builds the schema of a later release: ours and one revision more, with the given statements."""

    def build(*statements: str) -> Schema:
        scripts = tmp_path / "100% later"
        shutil.copytree(FOLDER, scripts, ignore=shutil.ignore_patterns("__pycache__"))
        lines = "\n".join(f"    {line}" for one in statements for line in one.splitlines())
        (scripts / "versions" / "r9999_later.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = '9999'\ndown_revision = {OURS.head!r}\ndef upgrade():\n{lines}\n"
        )
        return Schema(scripts=str(scripts), head="9999")

    return build


def shape(raw: Any) -> dict[str, Any]:
    """What SQLite makes of a schema, in its own words, and independent of how it was written: a column that was added
    comes last, wherever it is described.
    """
    found: dict[str, Any] = {}
    names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    for (table,) in names:
        indexes = raw.execute('SELECT name, "unique", origin, partial FROM pragma_index_list(?)', [table]).fetchall()
        found[table] = {
            "columns": set(raw.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', [table])),
            "foreign keys": raw.execute(f"PRAGMA foreign_key_list('{table}')").fetchall(),
            "indexes": {
                row: raw.execute("SELECT name FROM pragma_index_info(?)", row[:1]).fetchall() for row in indexes
            },
        }
    found["conditions"] = sorted(
        sql.rpartition("WHERE")[2].strip()
        for (sql,) in raw.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'")
    )
    # Neither is told by a pragma.
    for word in ("AUTOINCREMENT", "DEFERRABLE INITIALLY DEFERRED"):
        tables = raw.execute("SELECT name FROM sqlite_master WHERE sql LIKE ?", (f"%{word}%",))
        found[word] = {name for (name,) in tables}
    return found


def test_the_migrations_build_the_tables(file: Path) -> None:
    """Alembic finds no difference between what the migrations build and what tables.py describes."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as sql:
        context = MigrationContext.configure(sql, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, MirrorTable.metadata) == []
    engine.dispose()


def test_the_migrations_build_what_alembic_does_not_compare(file: Path) -> None:
    """Conditions of partial indexes, foreign keys, their deferral and the never reused ids are those of tables.py."""
    engine = create_engine("sqlite://")
    with engine.begin() as sql, closing(sqlite3.connect(file)) as migrated:
        MirrorTable.metadata.create_all(sql)
        found = shape(migrated)
        assert found.pop("alembic_version")
        assert found == shape(sql.connection.driver_connection)
    engine.dispose()


def test_the_head_is_the_last_revision() -> None:
    """The revision that the program takes for the newest is the newest there is, and the only one."""
    config = Config()
    config.set_main_option("script_location", OURS.scripts)
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [OURS.head]


def test_a_mirror_that_is_up_to_date_does_without_alembic(file: Path) -> None:
    """Alembic, which is slow to import, is imported only where something is to be migrated."""
    code = (
        "import sys; from tasksync.store.opening import open_mirror; open_mirror(sys.argv[1]).close();"
        "sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(file)], check=False).returncode == 0
    new = file.with_name("new.db")
    assert subprocess.run([sys.executable, "-c", code, str(new)], check=False).returncode == 1


def test_migrating_says_nothing_on_stdout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where `--json` prints its object, a migration prints nothing, and it leaves the program's logging alone."""
    handlers = logging.getLogger().handlers[:]
    open_mirror(str(tmp_path / "new.db")).close()
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers


def test_a_newer_mirror_is_refused(file: Path, later: Later) -> None:
    """A mirror that a later version has migrated is refused, with what to do, and not touched."""
    open_mirror(str(file), schema=later("op.add_column('run', sa.Column('x', sa.String()))")).close()
    before = file.read_bytes()
    for way in (open_mirror, throwaway_copy):
        with pytest.raises(MirrorUnusable, match=r"newer tasksync.*9999.*Install that version, or restore") as caught:
            way(str(file))
        assert caught.value.exit_code is ExitCode.USAGE
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "failure",
    [
        "raise ZeroDivisionError('by nothing')",
        "op.execute('INSERT INTO nowhere VALUES (1)')",
        "op.execute('DELETE FROM record')",  # what refers to it would refer to nothing
    ],
)
def test_a_failing_migration_leaves_the_file_as_it_was(failure: str, file: Path, later: Later) -> None:
    """Tables created, altered and dropped, and rows changed before the failure: none of it is in the file, which the
    version before opens as ever.
    """
    schema = later(
        "op.create_table('extra', sa.Column('x', sa.Integer()))",
        "op.add_column('run', sa.Column('x', sa.String()))",
        "op.drop_table('conflict')",
        "op.execute(\"UPDATE replica SET content = ''\")",
        failure,
    )
    before = file.read_bytes()
    with pytest.raises(MirrorUnusable):
        open_mirror(str(file), schema=schema)
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir() if path.is_file()] == [file.name]
    with closing(open_mirror(str(file))) as mirror, mirror.begin() as unit:
        assert unit.conflicts() == []
        assert unit.contents("office", "task", ["1"]) != {"1": ""}


def test_a_table_can_be_rebuilt_under_what_refers_to_it(file: Path, later: Later) -> None:
    """SQLite changes a table by dropping it: the rows that refer to it stay, and so do its own."""
    schema = later(
        "with op.batch_alter_table('record', recreate='always') as batch:\n"
        "    batch.add_column(sa.Column('x', sa.String(), server_default='y', nullable=False))"
    )
    with closing(open_mirror(str(file), schema=schema)) as mirror, mirror.begin() as unit:
        assert unit.replicas_of(["r00001"])["r00001"].keys() == {"office"}
        assert unit.records(["r00001"]).keys() == {"r00001"}
    with closing(sqlite3.connect(file)) as raw:
        assert raw.execute("SELECT x FROM record").fetchall() == [("y",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []


def test_what_was_remembered_of_a_connection_is_of_its_tasks(tmp_path: Path) -> None:
    """Up to revision 0002 there were tasks only, and whoever looked last had made a complete poll."""
    path = str(tmp_path / "old.db")
    open_mirror(path, schema=Schema(scripts=OURS.scripts, head="0002")).close()
    moments = ("2026-03-01T12:30:15.000000Z", "2026-03-02T12:30:15.000000Z")
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("INSERT INTO connection VALUES ('office', 'i', 's', ?, ?), ('new', 'n', '', NULL, NULL)", moments)
    met, polled = map(datetime.fromisoformat, moments)
    with closing(open_mirror(path)) as mirror, mirror.begin() as unit:
        assert list(unit.connections()) == [
            ConnectionState(name="new", kind="task", identity="n", scope=""),
            ConnectionState(
                name="office", kind="task", identity="i", scope="s", met_at=met, polled_at=polled, looked_at=polled
            ),
        ]


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    """A database with other tables than a mirror's is not migrated into one, nor changed at all."""
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("CREATE TABLE alembic_version (version_num TEXT)")
    file.chmod(0o600)
    before = file.read_bytes()
    for way in (open_mirror, throwaway_copy):
        with pytest.raises(MirrorUnusable, match="of another program"):
            way(str(file))
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
