from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest

from tasksync.core.record import Record, Replica, content_hash
from tasksync.errors import MirrorUnusable
from tasksync.ports import ConnectionState
from tasksync.store.mirror import SqlMirror

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MANY = 2_000


def test_connections_are_remembered_by_name(mirror: SqlMirror) -> None:
    """What is saved of a connection is found by its name, replaced by saving again, and listed by name."""
    office = ConnectionState(name="office", identity="o@portal", scope="all", met_at=NOW, polled_at=NOW)
    capsule = ConnectionState(name="capsule", identity="c", scope="")
    with mirror.begin() as unit:
        unit.save_connection(replace(office, identity="old", met_at=None))
        unit.save_connection(capsule)
        unit.save_connection(office)
    with mirror.begin() as unit:
        assert unit.connection("office") == office
        assert unit.connection("nobody") is None
        assert list(unit.connections()) == [capsule, office]


def test_connections_are_remembered_for_each_kind(mirror: SqlMirror) -> None:
    """What is remembered of a connection's cases is apart from its tasks, which are meant if nothing is said."""
    tasks = ConnectionState(name="office", identity="o", scope="", polled_at=NOW, looked_at=NOW)
    cases = replace(tasks, kind="case", polled_at=None, looked_at=None)
    with mirror.begin() as unit:
        unit.save_connection(tasks)
        assert unit.connection("office", "case") is None
        unit.save_connection(cases)
        assert unit.connection("office") == unit.connection("office", "task") == tasks
        assert unit.connection("office", "case") == cases
        assert list(unit.connections()) == [cases, tasks]


def test_a_replica_comes_back_whole(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """Every field of a replica survives the mirror; none of those compared is at its default."""
    replica = make_replica(
        record_id="r00001",
        modified=NOW,
        created=NOW - timedelta(days=3),
        completed=NOW - timedelta(days=1, microseconds=1),
        settled={"title": "cut"},
        gone_at=NOW + timedelta(days=1),
        wrote=("a" * 32, "b" * 32),
        wrote_at=NOW + timedelta(days=2),
    )
    assert all(getattr(replica, field.name) is not None for field in fields(Replica))
    with mirror.begin() as unit:
        unit.save_records([make_record(1)])
        unit.save_replicas([replica])
    with mirror.begin() as unit:
        assert unit.replicas("office", "task", ["1", "2"]) == {"1": replica}


def test_a_page_of_contents(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Content hashes are given for the asked ids that exist in that connection and kind, and for no others."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(1), make_replica(2), make_replica(3)])
        unit.save_replicas([make_replica(1, connection="capsule", shadow={"title": "other"})])
        unit.save_replicas([make_replica(1, kind="case", shadow={"title": "third"})])
        assert unit.contents("office", "task", ["1", "3", "4"]) == {
            "1": content_hash({"title": "Task 1", "done": False}),
            "3": content_hash({"title": "Task 3", "done": False}),
        }
        assert unit.contents("office", "task", []) == {}


def test_a_gone_replica_has_no_content(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """One that is known to be deleted counts as new when it turns up again, whatever it holds."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(external_id="1", gone_at=NOW)])
        assert unit.contents("office", "task", ["1"]) == {}
        assert unit.external_ids("office", "task") == {"1"}


def test_digests_tell_what_differs(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Of a page, those come back that are unknown, were never noted, were noted otherwise, are gone, or have no
    digest; noted is what was noted for that connection and kind.
    """
    with mirror.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(1, 6))
        unit.save_replicas([make_replica(6, gone_at=NOW), make_replica(7, connection="capsule")])
        unit.note_digests("office", "task", {"1": "a", "2": "b", "3": "", "6": "f", "9": "x"})
        unit.note_digests("capsule", "task", {"7": "g"})
        unit.note_digests("capsule", "task", {"4": "d"})
        unit.note_digests("office", "case", {"5": "e"})
    page = {"1": "a", "2": "other", "3": "", "4": "d", "5": "e", "6": "f", "7": "g", "8": "h", "9": "x"}
    with mirror.begin() as unit:
        assert unit.differing("office", "task", page) == page.keys() - {"1"}
        assert unit.differing("capsule", "task", {"7": "g"}) == set()
        assert unit.differing("office", "task", {}) == set()


def test_a_replica_that_is_saved_forgets_its_digest(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Whatever it was saved for, it is not the outcome of that row any more."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(1)])
        unit.note_digests("office", "task", {"1": "a"})
        unit.save_replicas([make_replica(1)])
        assert unit.differing("office", "task", {"1": "a"}) == {"1"}


def test_saving_a_replica_again_replaces_it(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """The same (connection, kind, external id) is one replica: the last one saved, also within one call."""
    first = make_replica(settled={"title": "x"}, modified=NOW)
    last = make_replica(shadow={"title": "new"})
    with mirror.begin() as unit:
        unit.save_replicas([first])
        unit.save_replicas([first, last])
        assert unit.replicas("office", "task", ["1"]) == {"1": last}
        assert unit.contents("office", "task", ["1"]) == {"1": last.content}


def test_replicas_of_records(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """Each asked record has an entry with its replicas by connection, empty if it has none."""
    office, capsule = make_replica(1, record_id="r00001"), make_replica(9, record_id="r00001", connection="capsule")
    with mirror.begin() as unit:
        unit.save_replicas([office, capsule, make_replica(2, record_id="r00002"), make_replica(3)])
        unit.save_records([make_record(1), make_record(2)])
        assert unit.replicas_of(["r00001", "gone"]) == {"r00001": {"office": office, "capsule": capsule}, "gone": {}}


def test_a_record_never_has_two_replicas_in_one_connection(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """A second replica of a record in one connection is refused by the database itself, and nothing is kept (I3)."""
    with mirror.begin() as unit:
        unit.save_records([make_record(1)])
        unit.save_replicas([make_replica(1, record_id="r00001")])
    with pytest.raises(MirrorUnusable, match="contradicts"), mirror.begin() as unit:
        unit.save_replicas([make_replica(2), make_replica(3, record_id="r00001")])
    with mirror.begin() as unit:
        assert unit.external_ids("office", "task") == {"1"}


def test_many_unlinked_replicas_in_one_connection(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Replicas that belong to no record are not taken for replicas of the same one."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(1), make_replica(2)])
        assert [one.external_id for one in unit.unlinked("office", "task")] == ["1", "2"]


def test_unlinked_ones_may_be_linked_while_they_are_read(
    mirror: SqlMirror, make_record: Callable[..., Record], make_replica: Callable[..., Replica]
) -> None:
    """Each unlinked replica is seen once, in order of external id, although each is linked or dropped on the way."""
    with mirror.begin() as unit:
        unit.save_records(make_record(number) for number in range(MANY))
        unit.save_replicas(make_replica(number) for number in range(MANY))
        unit.save_replicas([make_replica(1, connection="capsule"), make_replica(1, kind="case")])
        seen = []
        for position, replica in enumerate(unit.unlinked("office", "task")):
            seen.append(replica.external_id)
            if position % 2:
                unit.save_replicas([replace(replica, record_id=f"r{int(replica.external_id):05}")])
            else:
                unit.drop_replicas("office", "task", [replica.external_id])
        assert seen == sorted(str(number) for number in range(MANY))
        assert list(unit.unlinked("office", "task")) == []


def test_many_at_once(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """Thousands of replicas are saved, found and dropped in one call each."""
    ids = [str(number) for number in range(MANY)]
    with mirror.begin() as unit:
        unit.save_replicas(make_replica(number) for number in range(MANY))
    with mirror.begin() as unit:
        assert unit.external_ids("office", "task") == set(ids)
        assert unit.count_replicas("office", "task") == len(ids)
        assert unit.count_replicas("capsule", "task") == 0
        assert unit.contents("office", "task", ids).keys() == set(ids)
        assert unit.replicas("office", "task", ids)["1999"] == make_replica(1999)
        unit.drop_replicas("office", "task", ids[1:])
        assert unit.external_ids("office", "task") == {"0"}


def test_dropping_takes_only_what_is_named(mirror: SqlMirror, make_replica: Callable[..., Replica]) -> None:
    """The same external id in another connection or of another kind stays; unknown ids are no error."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(1), make_replica(1, connection="capsule"), make_replica(1, kind="case")])
        unit.drop_replicas("office", "task", ["1", "unknown"])
        assert unit.external_ids("office", "task") == set()
        assert unit.external_ids("capsule", "task") == {"1"}
        assert unit.external_ids("office", "case") == {"1"}


@pytest.mark.parametrize(
    "external_id", ["a:b:c", "ключ 🔑", "0017", "17", "17.0", "x'; DROP TABLE replica; --", '"', "%"]
)
def test_external_ids_are_taken_literally(
    external_id: str, mirror: SqlMirror, make_replica: Callable[..., Replica]
) -> None:
    """An external id is found by exactly its own text."""
    with mirror.begin() as unit:
        unit.save_replicas([make_replica(external_id=external_id), make_replica(external_id="other")])
        assert set(unit.replicas("office", "task", [external_id])) == {external_id}
