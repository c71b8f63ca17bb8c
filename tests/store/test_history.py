from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasksync.core.record import Record, Value
from tasksync.ports import Conflict, Decision, Hold, HoldReason, Revision, RunReport
from tasksync.store.mirror import SqlMirror, SqlUnit

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


def run(id_: str, at: datetime) -> RunReport:
    return RunReport(id=id_, started_at=at, finished_at=at, exit_code=0, summary={})


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
        unit.add_revisions([revision], "run-1", at=NOW)
    with stocked.begin() as unit:
        assert list(unit.revisions("r00001")) == [revision]


def test_revisions_are_given_in_the_order_of_their_making(stocked: SqlMirror) -> None:
    """Oldest first, also where stamps run backwards, and only those of the record."""
    many = [replace(REVISION, new=str(number), at=NOW - timedelta(hours=number)) for number in range(MANY)]
    with stocked.begin() as unit:
        unit.add_revisions(many, "run-1", at=NOW)
        unit.add_revisions([replace(REVISION, record_id="r00002")], "run-2", at=NOW)
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


def test_a_run_can_take_the_place_of_another(mirror: SqlMirror) -> None:
    """The run that is replaced is forgotten, others are not; one that is not there any more is no obstacle."""
    first, second, third = (run(f"run-{number}", NOW + timedelta(minutes=number)) for number in range(3))
    with mirror.begin() as unit:
        unit.save_run(first)
        unit.save_run(second)
        unit.save_run(third, replaces=second.id)
        assert list(unit.runs()) == [third, first]
        unit.save_run(replace(third, exit_code=1), replaces=third.id)
        unit.save_run(first, replaces="unknown")
        assert list(unit.runs()) == [replace(third, exit_code=1), first]


def test_open_holds_are_counted_by_connection(stocked: SqlMirror) -> None:
    """Those that a person has decided do not count, and a connection without any has no entry."""
    holds = [
        replace(HOLD, decision=None, connection=name, external_id=id_) for name in ("a", "b") for id_ in ("1", "2")
    ]
    with stocked.begin() as unit:
        assert unit.hold_counts() == {}
        unit.hold([*holds, replace(HOLD, connection="c")])
        decided = next(hold.id for hold in unit.holds("b") if hold.external_id == "1")
        assert decided is not None
        unit.decide([decided], Decision.DROPPED)
        assert unit.hold_counts() == {"a": 2, "b": 1}


def days_old(unit: SqlUnit, *days: int) -> None:
    """Note a revision, a conflict and a run of so many days ago each, in this order."""
    for age in days:
        moment = NOW - timedelta(days=age)
        unit.add_revisions([replace(REVISION, field=str(age))], f"run-{age}", at=moment)
        unit.add_conflicts([replace(CONFLICT, field=str(age), seen_at=moment)], f"run-{age}")
        unit.save_run(run(f"run-{age}", moment))


def ages(unit: SqlUnit) -> list[list[int]]:
    """How old what is left is: revisions, conflicts, runs."""
    runs = [int(one.id.removeprefix("run-")) for one in unit.runs()]
    found = [[int(one.field) for one in unit.revisions("r00001")], [int(one.field) for one in unit.conflicts()], runs]
    return [sorted(one) for one in found]


def test_what_is_old_is_forgotten_the_oldest_first(stocked: SqlMirror) -> None:
    """At most so many of each at a time, whatever the order in which they were written; what is not older stays."""
    with stocked.begin() as unit:
        days_old(unit, 30, 50, 10, 40, 20)
        before = NOW - timedelta(days=20)
        assert unit.forget_before(before, 2) == 6
        assert ages(unit) == [[10, 20, 30]] * 3
        assert unit.forget_before(before, 2) == 3
        assert ages(unit) == [[10, 20]] * 3
        assert unit.forget_before(before, 2) == 0


def test_a_revision_is_as_old_as_its_row(stocked: SqlMirror) -> None:
    """A value of years ago that was superseded today can be brought back for as long as any other."""
    with stocked.begin() as unit:
        unit.add_revisions([replace(REVISION, at=NOW - timedelta(days=3_000))], "run-1", at=NOW)
        assert unit.forget_before(NOW, 10) == 0
        assert unit.forget_before(NOW + timedelta(microseconds=1), 10) == 1


def test_the_newest_run_is_never_forgotten(mirror: SqlMirror) -> None:
    """However old: it says when there was the last one. The newest is the one that was started last."""
    with mirror.begin() as unit:
        long_one = replace(run("long", NOW - timedelta(days=2)), finished_at=NOW)
        unit.save_run(long_one)
        unit.save_run(run("newest", NOW - timedelta(days=1)))
        assert unit.forget_before(NOW + timedelta(days=400), 10) == 1
        assert [one.id for one in unit.runs()] == ["newest"]
        assert unit.forget_before(NOW + timedelta(days=400), 10) == 0


def test_the_history_is_forgotten_with_what_refers_to_nothing_left(stocked: SqlMirror) -> None:
    """A record outlives its history."""
    with stocked.begin() as unit:
        days_old(unit, 2, 1)
        assert unit.forget_before(NOW, 10) == 5
    with stocked.begin() as unit:
        assert unit.records(["r00001"]).keys() == {"r00001"}
        assert unit.last_revised() is None


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
