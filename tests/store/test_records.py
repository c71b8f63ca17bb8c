from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from tasksync.core.record import Record, Replica
from tasksync.errors import MirrorUnusable
from tasksync.store.mirror import SqlMirror

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MANY = 2_000


def test_a_record_comes_back_whole(mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """Every field of a record survives the mirror, with where each value comes from, also once it is deleted."""
    record = make_record(deleted_at=NOW)
    assert all(getattr(record, field.name) for field in fields(Record))
    with mirror.begin() as unit:
        unit.save_records([record])
    with mirror.begin() as unit:
        assert unit.records([record.id, "unknown"]) == {record.id: record}


def test_saving_a_record_again_replaces_it(mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """The same id is one record: the last one saved. A value no replica can tell any more is gone with its version."""
    record = make_record()
    later = replace(record, versions={"title": record.versions["title"]}, deleted_at=NOW)
    with mirror.begin() as unit:
        unit.save_records([record])
        unit.save_records([later])
        assert unit.records([record.id]) == {record.id: later}


def test_a_group_is_read_by_id_without_the_deleted(mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """The records of a group are those of that group and kind that are not deleted, by id."""
    with mirror.begin() as unit:
        unit.save_records([make_record(3), make_record(1), make_record(2, deleted_at=NOW)])
        unit.save_records([make_record(4, group="sales"), make_record(5, kind="case")])
        assert list(unit.records_of_group("all", "task")) == [make_record(1), make_record(3)]


def test_a_group_may_be_written_to_while_it_is_read(mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """Each record is seen once, although records are changed and deleted on the way."""
    with mirror.begin() as unit:
        unit.save_records(make_record(number) for number in range(MANY))
        seen = []
        for record in unit.records_of_group("all", "task"):
            seen.append(record.id)
            unit.save_records([replace(record, deleted_at=NOW)])
        assert seen == [make_record(number).id for number in range(MANY)]
        assert list(unit.records_of_group("all", "task")) == []


def test_many_records_by_id(mirror: SqlMirror, make_record: Callable[..., Record]) -> None:
    """Thousands of records are saved and found in one call each."""
    expected = {record.id: record for record in map(make_record, range(MANY))}
    with mirror.begin() as unit:
        unit.save_records(expected.values())
    with mirror.begin() as unit:
        assert unit.records(expected.keys()) == expected
        assert unit.records([]) == {}


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("r00001", "r00001"),
        ("office:17", "r00001"),
        ("office:a:b:c", "r00002"),
        ("capsule:17", None),
        ("office:a", None),
        ("office:unlinked", None),
        ("office:", None),
        ("nobody", None),
        ("", None),
    ],
)
def test_records_are_found_by_what_people_know(
    reference: str,
    found: str | None,
    mirror: SqlMirror,
    make_record: Callable[..., Record],
    make_replica: Callable[..., Replica],
) -> None:
    """A record is found by its id or by connection and external id, which may hold colons."""
    with mirror.begin() as unit:
        unit.save_records([make_record(1), make_record(2)])
        unit.save_replicas([make_replica(external_id="17", record_id="r00001")])
        unit.save_replicas([make_replica(external_id="a:b:c", record_id="r00002")])
        unit.save_replicas([make_replica(external_id="unlinked")])
        record = unit.find_record(reference)
    assert (record and record.id) == found


def test_a_replica_may_be_saved_before_its_record(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """Within a unit the order of saving does not matter, but a replica of no record at all is not committed."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(1, record_id="r00001")])
        unit.save_records([make_record(1)])
    with pytest.raises(MirrorUnusable, match="FOREIGN KEY"), mirror.begin() as unit:
        unit.save_replicas([make_replica(2, record_id="missing")])
    with mirror.begin() as unit:
        assert unit.external_ids("office", "task") == {"1"}
