"""A plan that was carried out leaves nothing to plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.lens import KEEP, choice, cut, due, same, text, whole_seconds
from tasksync.core.plan import Action, Operation, View, plan
from tasksync.core.record import TASK, Record, Replica, Value, Version
from tasksync.core.reference import parse
from tasksync.core.referring import links, one_of_people

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HORIZON = NOW - timedelta(days=30)
PLAIN = {name: same(name) for name in ("title", "body", "due", "done")}


def record(**values: Value) -> Record:
    versions = {name: Version(value=value, at=NOW, connection="Z", external_id="1") for name, value in values.items()}
    return Record(id="r", kind="task", group="g", versions=versions)


def replica(connection: str = "A", /, **shadow: Value) -> Replica:
    return Replica(connection=connection, kind="task", external_id="1", record_id="r", shadow=shadow, seen_at=NOW)


def some(*references: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(references), unique=True, max_size=3)


def in_order(references: list[str]) -> tuple[str, ...]:
    return tuple(sorted(references))


def counterpart(reference: str) -> str | None:
    """What B calls it: nothing, if it is a 9 of another."""
    own = parse(reference)
    return None if own.connection != "B" and own.id == "9" else str(replace(own, connection="B"))


dues = st.none() | st.dates(date(2026, 1, 1), date(2027, 1, 1)) | st.just(NOW + timedelta(microseconds=7))
CANONICAL: Mapping[str, st.SearchStrategy[Value]] = {
    "title": st.text(max_size=8),
    "body": st.text(max_size=8),
    "due": dues,
    "done": st.booleans(),
    "category": st.sampled_from([None, "Call", "call", "Fax"]),
    "assignees": some("B:person:1", "Z:person:1", "Z:person:9").map(tuple),
    "links": some("B:contact:1", "Z:contact:2", "Z:contact:9", "Z:case:1", "Z:case:9", "Z:plan:1").map(in_order),
}
NARROW = {
    "title": text("title", cut(3), required=True),
    "due": due("due", whole_seconds, required=True),
    "done": same("done"),
    "category": choice("category", ["Call"]),
    "assignees": one_of_people("assignees", counterpart),
    "links": links("links", counterpart, [["contact"], ["case"]]),
}
SHOWN: Mapping[str, st.SearchStrategy[Value]] = {
    "title": st.text(min_size=1, max_size=3),
    "due": st.dates(date(2026, 1, 1), date(2027, 1, 1)) | st.just(NOW),
    "done": st.booleans(),
    "category": st.sampled_from([None, "Call"]),
    "assignees": st.sampled_from([(), ("B:person:1",), ("B:person:7",)]),
    "links": st.sampled_from([(), ("B:contact:7",), ("B:case:7",), ("B:case:7", "B:contact:2")]),
}
ALL = [
    View(connection="A", met=True, lenses=PLAIN),
    View(connection="B", met=True, lenses=NARROW, defaults={"title": "?", "due": NOW}),
]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Record, dict[str, Replica]]:
    """A record of which some fields are known, and its replicas in none, one or both of the CRMs."""
    values = {name: draw(values) for name, values in CANONICAL.items() if draw(st.booleans())}
    replicas = {}
    if draw(st.booleans()):
        replicas["A"] = replica("A", **{name: draw(CANONICAL[name]) for name in PLAIN})
    if draw(st.booleans()):
        replicas["B"] = replica("B", **{name: draw(values) for name, values in SHOWN.items()})
    deleted_at = draw(st.sampled_from([None, None, None, NOW]))
    return replace(record(**values), deleted_at=deleted_at), replicas


def carried_out(replicas: dict[str, Replica], operations: Collection[Operation]) -> dict[str, Replica]:
    """What becomes of the replicas in CRMs that do just what they are told."""
    became = dict(replicas)
    lenses = {one.connection: one.lenses or {} for one in ALL}
    for one in operations:
        if one.action is Action.DELETE:
            del became[one.connection]
        elif one.action is Action.CREATE:
            assert one.connection not in became
            blank = {name: TASK.field(name).empty for name in lenses[one.connection]}
            became[one.connection] = replica(one.connection, **{**blank, **one.values})
        else:
            before = became[one.connection]
            became[one.connection] = replace(before, shadow={**before.shadow, **one.values})
    return became


@given(situations())
def test_what_was_carried_out_is_not_planned_again(situation: tuple[Record, dict[str, Replica]]) -> None:
    """Once every CRM did what it was told, each shows all it can of the record, and nothing is left to do (I1)."""
    ours, replicas = situation
    first = plan(TASK, ours, replicas, ALL, horizon=HORIZON)
    became = carried_out(replicas, first.operations)
    assert not plan(TASK, ours, became, ALL, horizon=HORIZON).operations
    assert set(became) == (set() if ours.deleted_at else {"A", "B"})
    for one in ALL:
        lenses = {} if one.lenses is None or one.connection not in became else one.lenses
        for name, value in ours.values.items():
            if name in lenses:
                held = became[one.connection].shadow[name]
                assert lenses[name].get(value, held) in {KEEP, held}
