from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasksync.core.record import Record, Value
from tasksync.ports import Conflict, Decision, Hold, HoldReason, Revision, RunReport
from tasksync.store.mirror import SqlMirror

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MANY = 2_000
HOLD = Hold(
    connection="office",
    kind="task",
    reason=HoldReason.REFUSED,
    message="The CRM says: no title.",
    since=NOW,
    record_id="r00001",
    external_id="17",
    fingerprint="abc",
    decision=Decision.APPROVED,
)
REVISION = Revision(
    record_id="r00001", field="title", old="a", new="b", at=NOW, estimated=True, connection="office", reason="later"
)
CONFLICT = Conflict(
    record_id="r00001",
    field="due",
    winner=date(2026, 3, 1),
    winner_connection="office",
    winner_at=NOW,
    loser=NOW,
    loser_connection="capsule",
    loser_at=NOW - timedelta(microseconds=1),
    estimated=True,
    seen_at=NOW + timedelta(seconds=1),
)


@pytest.fixture
def stocked(mirror: SqlMirror, make_record: Callable[..., Record]) -> SqlMirror:
    """A mirror that knows the records the history is about."""
    with mirror.begin() as unit:
        unit.save_records([make_record(1), make_record(2)])
    return mirror


def test_a_hold_comes_back_whole(stocked: SqlMirror) -> None:
    """Every field of a hold survives the mirror, and it has an id by which it can be released."""
    with stocked.begin() as unit:
        unit.hold([HOLD])
    with stocked.begin() as unit:
        [found] = unit.holds()
        assert all(getattr(found, field.name) for field in fields(Hold))
        assert replace(found, id=None) == HOLD
        assert found.id is not None
        unit.release([found.id, 99])
        assert unit.holds() == []


def test_a_hold_said_again_keeps_its_id_and_its_age(stocked: SqlMirror) -> None:
    """The same hold with another message is the same hold, known as long as before."""
    with stocked.begin() as unit:
        unit.hold([HOLD])
        [before] = unit.holds()
        unit.hold([replace(HOLD, message="Another.", fingerprint="def", since=NOW + timedelta(days=1))])
        [after] = unit.holds()
    assert after == replace(before, message="Another.", fingerprint="def", decision=None)


@pytest.mark.parametrize(
    "other",
    [
        replace(HOLD, connection="capsule"),
        replace(HOLD, kind="case"),
        replace(HOLD, reason=HoldReason.DUPLICATE),
        replace(HOLD, record_id="r00002"),
        replace(HOLD, record_id=None),
        replace(HOLD, external_id="18"),
        replace(HOLD, external_id=None),
        replace(HOLD, record_id=None, external_id=None),
    ],
)
def test_holds_differ_by_what_they_are_about(other: Hold, stocked: SqlMirror) -> None:
    """Another connection, kind, reason, record or external id is another hold, and each is there once however often
    it is said.
    """
    with stocked.begin() as unit:
        for _ in range(3):
            unit.hold([HOLD, other])
        assert [replace(found, id=None) for found in unit.holds()] == [HOLD, other]


def test_holds_of_one_connection(stocked: SqlMirror) -> None:
    """Holds can be asked for by connection; many are saved in one call."""
    many = [replace(HOLD, connection="capsule", external_id=str(number)) for number in range(MANY)]
    with stocked.begin() as unit:
        unit.hold([HOLD, *many])
        assert [replace(found, id=None) for found in unit.holds("capsule")] == many
        assert len(unit.holds()) == MANY + 1


def test_holds_of_one_kind(stocked: SqlMirror) -> None:
    """Holds can be asked for by kind, with or without a connection."""
    case = replace(HOLD, kind="case")
    elsewhere = replace(case, connection="capsule")
    with stocked.begin() as unit:
        unit.hold([HOLD, case, elsewhere])
        assert [replace(found, id=None) for found in unit.holds(kind="case")] == [case, elsewhere]
        assert [replace(found, id=None) for found in unit.holds("capsule", kind="case")] == [elsewhere]
        assert unit.holds("capsule", kind="task") == []


@pytest.mark.parametrize("value", [None, "", "ü🎉\n", False, 15, date(2026, 3, 1), NOW, "\ud83d"], ids=repr)
def test_a_revision_comes_back_whole(value: Value, stocked: SqlMirror) -> None:
    """Every field of a revision survives the mirror, with values of any shape."""
    revision = replace(REVISION, old=value, new=value)
    with stocked.begin() as unit:
        unit.add_revisions([revision], "run-1")
    with stocked.begin() as unit:
        assert list(unit.revisions("r00001")) == [revision]


def test_revisions_are_given_in_the_order_of_their_making(stocked: SqlMirror) -> None:
    """Oldest first, also where stamps run backwards, and only those of the record."""
    many = [replace(REVISION, new=str(number), at=NOW - timedelta(hours=number)) for number in range(MANY)]
    with stocked.begin() as unit:
        unit.add_revisions(many, "run-1")
        unit.add_revisions([replace(REVISION, record_id="r00002")], "run-2")
        assert list(unit.revisions("r00001")) == many
        assert unit.revisions("unknown") == []


def test_conflicts_are_given_newest_first(stocked: SqlMirror) -> None:
    """Every field of a conflict survives the mirror; the newest come first, as many as asked for."""
    assert all(getattr(CONFLICT, field.name) for field in fields(Conflict))
    many = [replace(CONFLICT, field=str(number)) for number in range(MANY)]
    with stocked.begin() as unit:
        unit.add_conflicts(many, "run-1")
    with stocked.begin() as unit:
        assert list(unit.conflicts()) == many[:-101:-1]
        assert list(unit.conflicts(limit=1)) == [many[-1]]


def test_runs_are_given_newest_first(mirror: SqlMirror) -> None:
    """A run's report survives the mirror; the newest come first, as many as asked for; the same id is one run."""
    reports = [
        RunReport(
            id=f"run-{number}",
            started_at=NOW + timedelta(microseconds=number),
            finished_at=NOW + timedelta(minutes=number),
            exit_code=number % 6,
            summary={"connections": {"büro": {"state": "ok", "error": None}}, "conflicts": number},
        )
        for number in range(30)
    ]
    with mirror.begin() as unit:
        for report in reports:
            unit.save_run(replace(report, exit_code=1))
            unit.save_run(report)
    with mirror.begin() as unit:
        assert list(unit.runs()) == reports[:-21:-1]
        assert list(unit.runs(limit=1)) == [reports[-1]]


def test_a_decision_stands_until_something_else_is_held(mirror: SqlMirror) -> None:
    """What a person said of a hold survives holding the same again, and not holding something else in its place."""
    hold = Hold(
        connection="office", kind="task", reason=HoldReason.DELETIONS, message="12 vanished", since=NOW, fingerprint="a"
    )
    with mirror.begin() as unit:
        unit.hold([hold])
        (kept,) = unit.holds()
        assert kept.id is not None
        assert kept.decision is None
        unit.decide([kept.id], Decision.APPROVED)
        unit.hold([replace(hold, message="still 12")])
        assert [(one.message, one.decision) for one in unit.holds()] == [("still 12", Decision.APPROVED)]
        unit.hold([replace(hold, message="13 vanished", fingerprint="b")])
        assert [(one.message, one.decision) for one in unit.holds()] == [("13 vanished", None)]
