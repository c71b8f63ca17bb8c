from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tasksync.core.plan import Action, Operation
from tasksync.core.record import Record
from tasksync.ports import Depth, OperationState, Queued
from tasksync.store.mirror import SqlMirror, SqlUnit

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
THERE = NOW - timedelta(hours=2)
MANY = 2_000
PENDING, SENDING, UNKNOWN, HELD = OperationState


def operation(name: str, **changes: Any) -> Operation:
    """`update:1@office` and the like: an action, the number of a record, a connection."""
    action, _, rest = name.partition(":")
    number, _, connection = rest.partition("@")
    values = {"title": "new"} if action in {"create", "update"} else {}
    given = {
        "connection": connection,
        "kind": "task",
        "record_id": f"r{int(number):05}",
        "action": Action(action),
        "values": values,
        "title": f"Task {number}",
    }
    return Operation(**(given | changes))


def name(queued: Queued) -> str:
    return f"{queued.operation.action}:{int(queued.operation.record_id[1:])}@{queued.operation.connection}"


def names(queue: Iterable[Queued]) -> list[str]:
    return [name(queued) for queued in queue]


@pytest.fixture
def stocked(mirror: SqlMirror, make_record: Callable[..., Record]) -> SqlMirror:
    """A mirror that knows the records the operations are about."""
    with mirror.begin() as unit:
        unit.save_records(make_record(number) for number in range(MANY))
    return mirror


def plan(unit: SqlUnit, *waiting: str) -> None:
    """Let exactly these wait for the records they name."""
    operations = [operation(name) for name in waiting]
    unit.replace_pending("task", {one.record_id for one in operations}, operations, at=NOW)


def test_an_operation_comes_back_whole(stocked: SqlMirror) -> None:
    """Every field of an operation and of its state survives the mirror."""
    wanted = operation("update:1@office", values={"title": "ü\n🎉", "due": date(2026, 3, 1), "done": True, "body": ""})
    with stocked.begin() as unit:
        unit.replace_pending("task", ["r00001"], [wanted], at=NOW)
        [queued] = unit.queue()
        unit.mark([queued.id], SENDING, at=NOW, there=THERE)
        unit.mark([queued.id], UNKNOWN, error="No answer came.")
    with stocked.begin() as unit:
        [found] = unit.queue()
    assert found == Queued(
        id=queued.id,
        operation=wanted,
        state=UNKNOWN,
        queued_at=NOW,
        attempts=1,
        attempted_at=NOW,
        attempted_there=THERE,
        error="No answer came.",
    )
    assert all(getattr(found, field.name) for field in fields(Queued))


@pytest.mark.parametrize(
    ("before", "planned", "after"),
    [
        pytest.param([], ["create:1@b", "create:1@a"], ["create:1@b", "create:1@a"], id="the order given"),
        pytest.param(["update:1@a"], [], [], id="nothing is to be done any more"),
        pytest.param(["update:1@a"], ["update:1@a"], ["+update:1@a"], id="as it was"),
        pytest.param(["update:1@a"], ["complete:1@a"], ["complete:1@a"], id="something else"),
        pytest.param(
            ["update:1@a", "update:1@b"],
            ["create:1@c", "update:1@b"],
            ["+update:1@b", "create:1@c"],
            id="keeps its place",
        ),
        pytest.param(
            ["update:1@a", "update:1@b"],
            ["update:1@b", "update:1@a"],
            ["+update:1@a", "+update:1@b"],
            id="places of different replicas are independent",
        ),
        pytest.param(
            ["complete:1@a"], ["update:1@a", "complete:1@a"], ["update:1@a", "+complete:1@a"], id="new before the old"
        ),
        pytest.param(
            ["update:1@a", "complete:1@a"], ["update:1@a", "complete:1@a"], ["+update:1@a", "+complete:1@a"], id="both"
        ),
        pytest.param(
            ["complete:1@a", "update:1@a"],
            ["update:1@a", "complete:1@a"],
            ["+update:1@a", "+complete:1@a"],
            id="turned",
        ),
        pytest.param(
            ["update:1@a"], ["update:1@a", "update:1@a"], ["+update:1@a", "update:1@a"], id="one of two equal"
        ),
        pytest.param(["update:1@a", "update:2@a"], ["update:1@a"], ["+update:1@a"], id="of all records named"),
    ],
)
@pytest.mark.parametrize("state", [PENDING, HELD])
def test_what_waits_is_replaced(
    state: OperationState, before: list[str], planned: list[str], after: list[str], stocked: SqlMirror
) -> None:
    """The queue is what was planned last; a plus marks what keeps state, attempts and error of what was waiting."""
    with stocked.begin() as unit:
        plan(unit, *before)
        for queued in unit.queue():
            unit.mark([queued.id], SENDING, at=NOW, there=THERE)
            unit.mark([queued.id], state, error=f"why {name(queued)}")
        known = {operation(one).record_id for one in [*before, *planned]}
        unit.replace_pending("task", known, [operation(one) for one in planned], at=NOW)
        queue = unit.queue()
    new = (PENDING, 0, None, None, None)
    expected = [
        (one[1:], state, 1, NOW, THERE, f"why {one[1:]}") if one.startswith("+") else (one, *new) for one in after
    ]
    assert [
        (name(one), one.state, one.attempts, one.attempted_at, one.attempted_there, one.error) for one in queue
    ] == expected


def test_an_equal_operation_keeps_its_row(stocked: SqlMirror) -> None:
    """What waits unchanged keeps its id; other values are another operation under an id never used before."""
    with stocked.begin() as unit:
        plan(unit, "update:1@a", "update:2@a")
        first, second = unit.queue()
        changed = operation("update:2@a", values={"title": "newer"})
        unit.replace_pending("task", ["r00001", "r00002"], [operation("update:1@a"), changed], at=NOW)
        kept, new = unit.queue()
        unit.finish([kept.id, new.id])
        plan(unit, "update:1@a")
        [latest] = unit.queue()
    assert kept == first
    assert new.id > second.id
    assert latest.id > new.id


def test_a_new_title_is_no_new_operation(stocked: SqlMirror) -> None:
    """The title, which is for people, is renewed without touching place, attempts or error."""
    with stocked.begin() as unit:
        plan(unit, "complete:1@a")
        [queued] = unit.queue()
        unit.mark([queued.id], HELD, error="refused")
        unit.replace_pending("task", ["r00001"], [operation("complete:1@a", title="Renamed \ud83d")], at=NOW)
        [found] = unit.queue()
    assert found.operation.title == "Renamed \ufffd"
    assert replace(found, operation=queued.operation, state=PENDING, error=None) == queued


@pytest.mark.parametrize("state", [SENDING, UNKNOWN])
def test_what_was_sent_stays(state: OperationState, stocked: SqlMirror) -> None:
    """An operation on its way, or of unknown fate, is neither removed nor taken for one that waits."""
    with stocked.begin() as unit:
        plan(unit, "create:1@a")
        [sent] = unit.queue()
        unit.mark([sent.id], SENDING, at=NOW)
        unit.mark([sent.id], state, at=NOW)
        unit.replace_pending("task", ["r00001"], [], at=NOW)
        assert names(unit.queue()) == ["create:1@a"]
        unit.replace_pending("task", ["r00001"], [operation("create:1@a")], at=NOW)
        assert [(name(one), one.state) for one in unit.queue()] == [("create:1@a", state), ("create:1@a", PENDING)]


def test_other_records_and_kinds_stay(stocked: SqlMirror) -> None:
    """Only what waits for the named records of the kind is replaced."""
    with stocked.begin() as unit:
        plan(unit, "update:1@a", "update:2@a")
        unit.replace_pending("case", ["r00001"], [operation("update:1@a", kind="case")], at=NOW)
        unit.replace_pending("task", ["r00001"], [], at=NOW)
        assert [(one.operation.kind, one.operation.record_id) for one in unit.queue()] == [
            ("task", "r00002"),
            ("case", "r00001"),
        ]


@pytest.mark.parametrize("stranger", [operation("update:2@a"), operation("update:1@a", kind="case")])
def test_an_operation_outside_what_is_replaced_is_refused(stranger: Operation, stocked: SqlMirror) -> None:
    """An operation of a record or kind that is not among those replaced would be added again each time: refused."""
    with stocked.begin() as unit:
        with pytest.raises(ValueError, match="not among those replaced"):
            unit.replace_pending("task", ["r00001"], [stranger], at=NOW)
        assert unit.queue() == []


def test_the_queue_can_be_narrowed(stocked: SqlMirror) -> None:
    """By connection, by states, by both; always in the order of sending."""
    with stocked.begin() as unit:
        plan(unit, "update:3@b", "update:2@a", "update:1@a")
        unit.mark([unit.queue()[1].id], HELD)
        assert names(unit.queue("a")) == ["update:2@a", "update:1@a"]
        assert names(unit.queue(states=[PENDING])) == ["update:3@b", "update:1@a"]
        assert names(unit.queue("a", {HELD})) == ["update:2@a"]
        assert names(unit.queue("a", {HELD, PENDING})) == ["update:2@a", "update:1@a"]
        assert names(unit.queue("nobody")) == []


def test_the_queue_of_one_kind(stocked: SqlMirror) -> None:
    """Operations can be asked for by the kind of their records, with or without a connection or states."""
    with stocked.begin() as unit:
        plan(unit, "update:2@a")
        unit.replace_pending("case", ["r00001"], [operation("update:1@a", kind="case")], at=NOW)
        assert names(unit.queue(kind="case")) == ["update:1@a"]
        assert names(unit.queue("a", {PENDING}, kind="task")) == ["update:2@a"]
        assert names(unit.queue("b", kind="case")) == []


def test_marking_counts_attempts_and_replaces_errors(stocked: SqlMirror) -> None:
    """Each sending is an attempt with its time; every mark says anew why the operation is still here."""
    with stocked.begin() as unit:
        plan(unit, "update:1@a", "update:2@a")
        first, second = (queued.id for queued in unit.queue())
        unit.mark([first], SENDING, at=NOW)
        unit.mark([first], PENDING, error="HTTP 503")
        unit.mark([first], SENDING, at=NOW + timedelta(minutes=1))
        sent, waiting = unit.queue()
        assert (sent.attempts, sent.attempted_at, sent.error) == (2, NOW + timedelta(minutes=1), None)
        assert (waiting.id, waiting.attempts, waiting.attempted_at) == (second, 0, None)


def test_an_attempt_needs_its_time(stocked: SqlMirror) -> None:
    """Without the time of an attempt a lost create could never be looked for, so there is none without it."""
    with stocked.begin() as unit:
        plan(unit, "create:1@a")
        with pytest.raises(ValueError, match="time"):
            unit.mark([unit.queue()[0].id], SENDING)
        assert unit.queue()[0].attempts == 0


def test_many_operations_at_once(stocked: SqlMirror) -> None:
    """Thousands of operations are planned, planned again, marked and finished, in the order given."""
    wanted = [operation(f"update:{number}@a") for number in reversed(range(MANY))]
    ids = [one.record_id for one in wanted]
    with stocked.begin() as unit:
        unit.replace_pending("task", ids, wanted, at=NOW)
        before = unit.queue()
        unit.replace_pending("task", ids, iter(wanted), at=NOW)
        assert unit.queue() == before
        unit.mark([one.id for one in before], SENDING, at=NOW)
        unit.finish([one.id for one in before[1:]])
        [left] = unit.queue()
    assert [one.operation for one in before] == wanted
    assert (left.operation, left.state) == (wanted[0], SENDING)


def test_what_keeps_its_row_waits_since_it_was_first_planned(stocked: SqlMirror) -> None:
    """Planned again, what equals what waits has waited since before, also in another place; what is new has not."""
    later = NOW + timedelta(hours=1)
    with stocked.begin() as unit:
        plan(unit, "complete:1@a", "update:2@a", "update:3@a")
        planned = [operation("update:1@a"), operation("complete:1@a"), operation("update:2@a", title="Renamed")]
        changed = operation("update:3@a", values={"title": "newer"})
        unit.replace_pending("task", ["r00001", "r00002", "r00003"], [*planned, changed], at=later)
        unit.mark([one.id for one in unit.queue()], SENDING, at=later + timedelta(hours=1))
        assert [(name(one), one.queued_at) for one in unit.queue()] == [
            ("update:2@a", NOW), ("update:1@a", later), ("complete:1@a", NOW), ("update:3@a", later),
        ]  # fmt: skip


def test_the_depth_of_the_outbox(stocked: SqlMirror) -> None:
    """Counted by connection, kind and state, each with since when the oldest waits; nothing for what is empty."""
    with stocked.begin() as unit:
        assert unit.outbox_depth() == []
        for hours, number in ((2, 1), (0, 2), (1, 3)):
            record = [f"r{number:05}"]
            unit.replace_pending("task", record, [operation(f"update:{number}@b")], at=NOW + timedelta(hours=hours))
        unit.replace_pending("task", ["r00004"], [operation("create:4@a")], at=NOW)
        unit.replace_pending("case", ["r00005"], [operation("update:5@b", kind="case")], at=NOW)
        unit.mark([unit.queue()[1].id], HELD)
        assert unit.outbox_depth() == [
            Depth(connection="a", kind="task", state=PENDING, count=1, oldest_at=NOW),
            Depth(connection="b", kind="case", state=PENDING, count=1, oldest_at=NOW),
            Depth(connection="b", kind="task", state=HELD, count=1, oldest_at=NOW),
            Depth(connection="b", kind="task", state=PENDING, count=2, oldest_at=NOW + timedelta(hours=1)),
        ]
