"""Mirrors of earlier schemas, one in `fixtures/` for each revision, as the text that `sqlite3`'s `iterdump` gives.

How they were made: `0001.sql` with the store of the commit before revisions 0002 to 0004 came (75d4b5a^), through
`Unit`, each kind of row once or more; the last operation was finished, so that its id was given out and is free.
`0002.sql` is that, opened with the next code as `Schema(head="0002")`, plus a row of `sign_in`; `0003.sql` is that with
head 0003, plus the connection's row of cases and an attempt by the CRM's clock; `0004.sql` is that with head 0004, plus
what the directory holds; `0005.sql` is that with head 0005, plus the look before the last of one connection. None of
them is ever changed; a new revision adds the one before it here.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasksync.core.plan import Action
from tasksync.ports import Decision, OperationState
from tasksync.store.opening import open_mirror, throwaway_copy
from tasksync.store.schema import OURS

DUMPS = sorted(Path(__file__).with_name("fixtures").glob("*.sql"))
T = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
RING_BOB, OFFER = "5f0c2ad1e6b39a47", "a1b2c3d4e5f60718"
Rows = dict[str, list[dict[str, Any]]]

each_release = pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)


def restored(dump: Path, folder: Path) -> Path:
    """A mirror with what the dump holds, as its tasksync left it."""
    file = folder / "tasksync.db"
    with closing(sqlite3.connect(file)) as raw:
        raw.executescript(dump.read_text(encoding="utf-8"))
        raw.execute("PRAGMA journal_mode = WAL")
    file.chmod(0o600)
    return file


def rows(file: Path) -> Rows:
    with closing(sqlite3.connect(file)) as raw:
        raw.row_factory = sqlite3.Row
        names = [one["name"] for one in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        # In the order in which they are stored: by id, where there is one.
        return {name: [dict(row) for row in raw.execute(f'SELECT * FROM "{name}"')] for name in names}  # noqa: S608 - ours


def test_there_is_one_for_each_earlier_revision() -> None:
    """No schema is left behind: every revision before the newest has a mirror to be opened here."""
    assert [dump.stem for dump in DUMPS] == [f"{number:04}" for number in range(1, int(OURS.head))]


@each_release
def test_an_earlier_mirror_keeps_its_rows(dump: Path, tmp_path: Path) -> None:
    """Opened by this version it has today's schema, and every value of every row; nothing is added but columns."""
    file = restored(dump, tmp_path)
    before = rows(file)
    assert before["alembic_version"] == [{"version_num": dump.stem}]
    assert all(before[table] for table in before)
    open_mirror(str(file)).close()
    after = rows(file)
    assert after.pop("alembic_version") == [{"version_num": OURS.head}]
    del before["alembic_version"]
    for table, kept in before.items():
        found = [{name: row[name] for name in kept[0]} for row in after[table]]
        assert sorted(map(repr, found)) == sorted(map(repr, kept)), table


@each_release
def test_an_earlier_mirror_can_be_worked_with(dump: Path, tmp_path: Path) -> None:
    """What the engine reads of it means what it meant."""
    with closing(open_mirror(str(restored(dump, tmp_path)))) as mirror, mirror.begin() as unit:
        office = unit.connection("office")
        assert office is not None
        assert (office.met_at, office.looked_at, office.looked_before) == (T, T + timedelta(minutes=5), None)
        records = unit.records([RING_BOB, OFFER])
        assert records[RING_BOB].value("due") == date(2026, 3, 4)
        assert records[OFFER].deleted_at == T + timedelta(minutes=3)
        assert unit.replicas_of([RING_BOB])[RING_BOB].keys() == {"office", "capsule"}
        assert [one.external_id for one in unit.unlinked("capsule", "task")] == ["c2"]
        assert [(one.operation.action, one.state, one.attempts) for one in unit.queue()] == [
            (Action.DELETE, OperationState.PENDING, 0),
            (Action.UPDATE, OperationState.PENDING, 1),
        ]
        assert [hold.decision for hold in unit.holds()] == [None, Decision.DROPPED]
        assert [(one.field, one.new) for one in unit.revisions(RING_BOB)] == [
            ("title", "Ring Bob"), ("due", date(2026, 3, 4)), ("title", "Ring Bob"),
        ]  # fmt: skip
        assert [one.loser for one in unit.conflicts()] == ["Ring Bill"]
        assert [run.id for run in unit.runs()] == ["run-2", "run-1"]


@each_release
def test_what_nobody_had_noted_gets_a_sensible_moment(dump: Path, tmp_path: Path) -> None:
    """An operation waits since its attempt, or since the last run; a revision was written when its run had finished, or
    else the last one had.
    """
    with closing(open_mirror(str(restored(dump, tmp_path)))) as mirror:
        with mirror.begin() as unit:
            waiting = {one.operation.action: one.queued_at for one in unit.queue()}
        noted = [row["noted_at"] for row in rows(tmp_path / "tasksync.db")["revision"]]
    first, last = (T + timedelta(minutes=minutes, seconds=30) for minutes in (1, 2))
    assert waiting == {Action.DELETE: last, Action.UPDATE: T + timedelta(minutes=4)}
    assert [datetime.fromisoformat(one) for one in noted] == [first, last, last]


@pytest.mark.parametrize("dump", [one for one in DUMPS if one.stem < "0005"], ids=lambda dump: dump.stem)
def test_without_any_run_there_is_still_a_moment(dump: Path, tmp_path: Path) -> None:
    """A process that was killed in its first run left rows and no run: what waits seems to have waited for ever, and a
    revision to have been written when the value was made.
    """
    file = restored(dump, tmp_path)
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("DELETE FROM run")
    with closing(open_mirror(str(file))) as mirror, mirror.begin() as unit:
        assert {one.queued_at for one in unit.queue()} == {datetime(1970, 1, 1, tzinfo=UTC), T + timedelta(minutes=4)}
        at = [one.at for one in unit.revisions(RING_BOB)]
    assert [datetime.fromisoformat(row["noted_at"]) for row in rows(file)["revision"]] == at


@each_release
def test_no_id_of_an_earlier_mirror_is_given_out_again(dump: Path, tmp_path: Path) -> None:
    """Ids whose rows are gone stay taken, also in the tables that were made anew: holds and messages may name them."""
    with closing(open_mirror(str(restored(dump, tmp_path)))) as mirror, mirror.begin() as unit:
        waiting = [one.operation for one in unit.queue()]
        unit.finish([one.id for one in unit.queue()])
        unit.replace_pending("task", [RING_BOB, OFFER], waiting, at=T)
        assert [one.id for one in unit.queue()] == [4, 5]
        unit.add_revisions(unit.revisions(RING_BOB), "run-3", at=T)
    assert [row["id"] for row in rows(tmp_path / "tasksync.db")["revision"]] == [1, 2, 3, 4, 5, 6]


@each_release
def test_looking_at_an_earlier_mirror_does_not_migrate_it(dump: Path, tmp_path: Path) -> None:
    """A dry run and the commands that only show something work with a copy, and the file stays as it was."""
    file = restored(dump, tmp_path)
    before = file.read_bytes()
    with closing(throwaway_copy(str(file))) as copy, copy.begin() as unit:
        assert len(unit.queue()) == 2
    assert file.read_bytes() == before
