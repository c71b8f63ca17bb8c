"""What a unit costs: statements, not times."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from tasksync.core.directory import Referent
from tasksync.core.plan import Action, Gap, Operation
from tasksync.core.record import Record, Replica
from tasksync.ports import Correspondence, OperationState
from tasksync.store.mirror import SqlMirror, SqlUnit
from tasksync.store.section import PAGE

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
MANY = 2_000
IDS = [str(number) for number in range(MANY)]
RECORD_IDS = [f"r{number:05}" for number in range(MANY)]
PLANNED = [
    Operation(connection="capsule", kind="task", record_id=one, action=Action.CREATE, values={"title": one}, title=one)
    for one in RECORD_IDS
]
PEOPLE = [Referent(reference=f"office:person:{one}", emails=(f"{one}@firm.example",)) for one in IDS]
CONTACTS = [Referent(reference=f"office:contact:{one}", name=one) for one in IDS]
FOUND = [Correspondence(reference=one.reference, connection="capsule", counterpart=None, at=NOW) for one in CONTACTS]
# Of every second record a category that all have, and a contact of its own.
GAPS = [
    Gap(connection="capsule", record_id=one, field=field, value=value)
    for one in RECORD_IDS[::2]
    for field, value in (("category", "Fax"), ("links", f"office:contact:{one}"))
]
AGED = ("ix_revision_noted_at", "ix_conflict_seen_at", "ix_run_finished_at")
Statements = list[tuple[str, Any]]


@pytest.fixture
def stocked(mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]) -> SqlMirror:
    """A mirror with thousands of records, each with a replica in the office and an operation for capsule; and with
    all that they refer to.
    """
    with mirror.begin() as unit:
        unit.save_records(make_record(number) for number in range(MANY))
        unit.save_replicas(make_replica(number, record_id=f"r{number:05}") for number in range(MANY))
        unit.replace_pending("task", RECORD_IDS, PLANNED, at=NOW)
        unit.save_people("office", PEOPLE, NOW)
        unit.save_referents(CONTACTS)
        unit.save_correspondences(FOUND)
        unit.replace_gaps(RECORD_IDS, GAPS)
    return mirror


@pytest.fixture
def statements(stocked: SqlMirror) -> Iterator[Statements]:
    """What the mirror asks of the database from here on; many rows of one statement count once."""
    seen: Statements = []

    def note(_sql: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
        if not statement.startswith("BEGIN"):
            seen.append((statement, parameters[0] if many else parameters))

    event.listen(stocked._engine, "before_cursor_execute", note)
    yield seen
    event.remove(stocked._engine, "before_cursor_execute", note)


BULK: dict[str, Callable[[SqlUnit], object]] = {
    "differing": lambda unit: unit.differing("office", "task", dict.fromkeys(IDS, "d")),
    "contents": lambda unit: unit.contents("office", "task", IDS),
    "replicas": lambda unit: unit.replicas("office", "task", IDS),
    "replicas_of": lambda unit: unit.replicas_of(RECORD_IDS),
    "count_replicas": lambda unit: unit.count_replicas("office", "task"),
    "external_ids": lambda unit: unit.external_ids("office", "task"),
    "drop_replicas": lambda unit: unit.drop_replicas("office", "task", IDS),
    "replicas_of one connection": lambda unit: unit.replicas_of(RECORD_IDS, "office"),
    "records": lambda unit: unit.records(RECORD_IDS),
    "records_lacking": lambda unit: unit.records_lacking("all", "task", ["office", "capsule"], after="", most=MANY),
    "mark": lambda unit: unit.mark(range(MANY), OperationState.SENDING, at=NOW),
    "finish": lambda unit: unit.finish(range(MANY)),
    "release": lambda unit: unit.release(range(MANY)),
    "queue of a connection": lambda unit: unit.queue("capsule"),
    "queue of states": lambda unit: unit.queue("capsule", [OperationState.PENDING]),
    "queue of records": lambda unit: unit.queue(records=RECORD_IDS),
    "pending": lambda unit: unit.pending("capsule", "task"),
    "next_operations": lambda unit: unit.next_operations("capsule", "task", after=5, until=MANY, most=8),
    "waiting_records": lambda unit: unit.waiting_records("capsule", "task"),
    "holds of records": lambda unit: unit.holds(records=RECORD_IDS),
    "outbox_depth": lambda unit: unit.outbox_depth(),
    "hold_counts": lambda unit: unit.hold_counts(),
    "revisions": lambda unit: unit.revisions("r00001"),
    "runs": lambda unit: unit.runs(),
    "people": lambda unit: unit.people(),
    "listed_at": lambda unit: unit.listed_at("office"),
    "referents": lambda unit: unit.referents([one.reference for one in CONTACTS]),
    "records_with_gap": lambda unit: unit.records_with_gap(GAPS[0]),
    "gaps": lambda unit: unit.gaps(),
    "the same gaps": lambda unit: unit.replace_gaps(RECORD_IDS, GAPS),
}


@pytest.mark.parametrize("act", BULK.values(), ids=BULK.keys())
def test_one_statement_for_thousands(
    act: Callable[[SqlUnit], object], stocked: SqlMirror, statements: Statements
) -> None:
    """However many ids are given, it is one statement, and no table is searched from end to end for it."""
    with stocked.begin() as unit:
        act(unit)
    [(statement, parameters)] = statements
    assert scans(stocked._raw, statement, parameters) == []


def test_statistics_make_nothing_slower(stocked: SqlMirror, statements: Statements) -> None:
    """With the statistics that are kept for SQLite's planner, it still searches no table from end to end."""
    stocked.tidy()
    assert stocked._raw.execute("SELECT count(*) FROM sqlite_stat1").fetchone() > (0,)
    # All that waits here waits alike, for one connection: whoever asks for that asks for the whole table.
    acts = [act for name, act in BULK.items() if not name.startswith(("queue", "waiting"))]
    for act in acts:
        with suppress(ZeroDivisionError), stocked.begin() as unit:
            act(unit)
            raise ZeroDivisionError  # so that the next one finds everything as it was
    assert [scans(stocked._raw, *one) for one in statements] == [[]] * len(acts)


BY_INDEX = {
    "queue of records": ("ix_operation_record_id",),
    "queue of records in doubt": ("ix_operation_record_id",),
    "queue of a connection's records": ("ix_operation_record_id",),
    "next_operations": ("ix_operation_connection_kind_state", "ix_operation_record_id"),
    "replace_pending": ("ix_operation_record_id",),
    "records_lacking": ("ix_record_living", "uq_replica_record_id_connection"),
    "replicas_of one connection": ("uq_replica_record_id_connection",),
    "holds of records": ("ix_hold_record_id",),
}
"""What is asked for a few records at a time, and the indexes that make its cost that of these few."""
FEW: dict[str, Callable[[SqlUnit], object]] = BULK | {
    "queue of records in doubt": lambda unit: unit.queue(states=[OperationState.SENDING], records=RECORD_IDS[:8]),
    "queue of a connection's records": lambda unit: unit.queue("capsule", records=RECORD_IDS[:8]),
    "replace_pending": lambda unit: unit.replace_pending("task", RECORD_IDS[:8], PLANNED[:8], at=NOW),
}


@pytest.mark.parametrize("tidied", [False, True])
@pytest.mark.parametrize("name", BY_INDEX)
def test_a_few_cost_as_many(name: str, stocked: SqlMirror, statements: Statements, *, tidied: bool) -> None:
    """However much waits for a connection, a few records are found by indexes that lead to them alone; with the
    statistics for SQLite's planner, and without.
    """
    if tidied:
        stocked.tidy()
    with stocked.begin() as unit:
        FEW[name](unit)
    statement, parameters = statements[0]
    plan = str(stocked._raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())
    assert [index for index in BY_INDEX[name] if index not in plan] == [], plan
    # All that waits must not be sorted to find the first of it.
    assert name != "next_operations" or "TEMP B-TREE" not in plan, plan


def test_forgetting_looks_at_nothing_that_stays(stocked: SqlMirror, statements: Statements) -> None:
    """What is old is found by an index, in the order in which it goes: nothing is sorted, and no table is searched."""
    with stocked.begin() as unit:
        unit.forget_before(NOW, 100)
    assert [statement.split()[:3] for statement, _ in statements] == [
        ["DELETE", "FROM", table] for table in ("revision", '"conflict"', "run")
    ]
    assert [scans(stocked._raw, *one) for one in statements] == [[], [], []]
    # The order follows from today's indexes also unasked; it must not depend on them.
    assert all("ORDER BY" in statement for statement, _ in statements)
    plans = [str(stocked._raw.execute(f"EXPLAIN QUERY PLAN {one}", given).fetchall()) for one, given in statements]
    assert all(f"{name} ({name.split('_', 2)[2]}<?)" in plan for name, plan in zip(AGED, plans, strict=True))


def test_finding_a_record_uses_an_index(stocked: SqlMirror, statements: Statements) -> None:
    """By either name, a record is found without searching a table from end to end."""
    with stocked.begin() as unit:
        assert unit.find_record("office:17") is not None
    assert len(statements) == 2
    assert [scans(stocked._raw, *one) for one in statements] == [[], []]


def test_streams_come_in_pages(stocked: SqlMirror, statements: Statements) -> None:
    """A group, and the unlinked, are read page by page through an index, and never as a whole."""
    with stocked.begin() as unit:
        unit.save_replicas(replace(one, record_id=None) for one in list(unit.replicas("office", "task", IDS).values()))
        statements.clear()
        assert sum(1 for _ in unit.records_of_group("all", "task")) == MANY
        assert sum(1 for _ in unit.unlinked("office", "task")) == MANY
    assert len(statements) == 2 * (MANY // PAGE + 1)
    # The order follows from today's indexes also unasked; it must not depend on them.
    assert all("ORDER BY" in statement for statement, _ in statements)
    assert [scans(stocked._raw, *one) for one in statements] == [[]] * len(statements)


def test_writing_is_done_in_pages(
    stocked: SqlMirror,
    statements: Statements,
    make_record: Callable[..., Record],
    make_replica: Callable[..., Replica],
) -> None:
    """Thousands of rows are written with one execution per page, also when they come from a generator."""
    with stocked.begin() as unit:
        unit.save_records(make_record(number) for number in range(MANY))
        unit.save_replicas(make_replica(number) for number in range(MANY))
        unit.note_digests("office", "task", dict.fromkeys(IDS, "d"))
    assert len(statements) == 3 * MANY // PAGE


def test_the_directory_is_written_in_pages(stocked: SqlMirror, statements: Statements) -> None:
    """Lists, referents and correspondences take one execution per page, and a list two statements of its own."""
    with stocked.begin() as unit:
        unit.save_people("office", iter(PEOPLE), NOW)
        unit.save_referents(iter(CONTACTS))
        unit.save_correspondences(iter(FOUND))
    assert len(statements) == 3 * MANY // PAGE + 2
    [cleared] = [one for one in statements if one[0].startswith("DELETE")]
    assert scans(stocked._raw, *cleared) == []


def test_gaps_are_replaced_in_pages(stocked: SqlMirror, statements: Statements) -> None:
    """However many gaps come and go, those of the records are read once, and once which of the new ones are known."""
    moved = [replace(gap, connection="advisers") for gap in GAPS]
    with stocked.begin() as unit:
        assert len(unit.replace_gaps(RECORD_IDS, moved)) == 1 + len(GAPS) // 2
    assert [statement.split()[0] for statement, _ in statements] == [
        *("SELECT", "SELECT", "DELETE"),
        *["INSERT"] * (len(GAPS) // PAGE),
    ]
    assert [scans(stocked._raw, *one) for one in statements[:3]] == [[], [], []]


def test_planning_the_same_again_writes_next_to_nothing(stocked: SqlMirror, statements: Statements) -> None:
    """Planning again what waits already is one read, however much waits."""
    with stocked.begin() as unit:
        unit.replace_pending("task", RECORD_IDS, PLANNED, at=NOW)
    assert [statement.split()[0] for statement, _ in statements] == ["SELECT"]
    assert scans(stocked._raw, *statements[0]) == []


def scans(raw: sqlite3.Connection, statement: str, parameters: Any) -> list[str]:
    """The steps of SQLite's plan that read a whole table; reading the ids given, or along an index, is none."""
    plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
    steps = [step for *_, step in plan]
    assert steps
    return [
        step
        for step in steps
        if step.startswith("SCAN") and not step.startswith("SCAN json_each") and " INDEX " not in step
    ]
