"""What every connection still has to get of a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasksync.core.lens import Lens, choice, cut, same, text
from tasksync.core.plan import Action, Operation, Plan, View, plan
from tasksync.core.record import NOTHING, TASK, Record, Replica, Value, Values, Version
from tasksync.core.reference import only_own
from tasksync.core.referring import links

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HORIZON = NOW - timedelta(days=30)
PLAIN = {name: same(name) for name in ("title", "body", "due", "done")}


def record(**values: Value) -> Record:
    versions = {name: Version(value=value, at=NOW, connection="Z", external_id="1") for name, value in values.items()}
    return Record(id="r", kind="task", group="g", versions=versions)


def made_at(moment: datetime, /, **values: Value) -> Record:
    """A record whose values were made at `moment`."""
    ours = record(**values)
    return replace(ours, versions={name: replace(one, at=moment) for name, one in ours.versions.items()})


def replica(connection: str = "A", /, **shadow: Value) -> Replica:
    return Replica(connection=connection, kind="task", external_id="1", record_id="r", shadow=shadow, seen_at=NOW)


def view(
    connection: str = "A",
    *,
    met: bool = True,
    lenses: Mapping[str, Lens] | None = PLAIN,
    defaults: Values = NOTHING,
) -> View:
    return View(connection=connection, met=met, lenses=lenses, defaults=defaults)


def planned(
    ours: Record, *replicas: Replica, views: Collection[View] = (view(),), barred: Collection[str] = ()
) -> Plan:
    return plan(TASK, ours, {one.connection: one for one in replicas}, views, horizon=HORIZON, barred=barred)


def steps(found: Plan) -> list[tuple[str, Values]]:
    return [(one.action.value, one.values) for one in found.operations]


# --- the table: a replica ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param({"title": "a", "done": True}, {"title": "a", "done": True}, [], id="shows all it can"),
        pytest.param({"title": "a"}, {"title": "b"}, [("update", {"title": "a"})], id="shows something else"),
        pytest.param(
            {"title": "a", "body": "x", "due": None},
            {"title": "b", "body": "x", "due": NOW},
            [("update", {"title": "a", "due": None})],
            id="only the differing fields, a cleared one among them",
        ),
        pytest.param({"done": True}, {"done": False}, [("complete", {"done": True})], id="to be finished"),
        pytest.param({"done": False}, {"done": True}, [("reopen", {"done": False})], id="to be reopened"),
        pytest.param(
            {"title": "a", "done": True},
            {"title": "b", "done": False},
            [("update", {"title": "a"}), ("complete", {"done": True})],
            id="updated while it is still open",
        ),
        pytest.param(
            {"title": "a", "done": False},
            {"title": "b", "done": True},
            [("reopen", {"done": False}), ("update", {"title": "a"})],
            id="opened before it is updated",
        ),
        pytest.param({"title": "a"}, {"title": "a", "body": "theirs"}, [], id="what nobody knew of the record stays"),
        pytest.param({"title": "a", "body": "x"}, {"title": "a"}, [], id="what the CRM does not tell is not sent"),
        pytest.param({"title": "a", "priority": "low"}, {"title": "a"}, [], id="no lens, no plan"),
        pytest.param(
            {"due": date(2026, 6, 1)},
            {"due": datetime(2026, 6, 1, tzinfo=UTC)},
            [("update", {"due": date(2026, 6, 1)})],
            id="a day is not the instant at its midnight",
        ),
    ],
)
def test_a_replica_gets_what_it_does_not_show(
    ours: dict[str, Value], theirs: dict[str, Value], expected: list[tuple[str, Values]]
) -> None:
    """A replica gets reopen, update and complete, in that order and as needed, and nothing when it shows all."""
    assert steps(planned(record(**ours), replica(**theirs))) == expected


def test_a_replica_gets_what_its_crm_can_show() -> None:
    """Values go through the lens, and what has no form there leaves the replica as it is."""
    lenses = {"title": text("title", cut(3)), "category": choice("category", ["Call"])}
    ours = record(title="long", category="Fax")
    assert steps(planned(ours, replica(title="b", category="Call"), views=[view(lenses=lenses)])) == [
        ("update", {"title": "lon"})
    ]
    assert not steps(planned(ours, replica(title="lon", category="Call"), views=[view(lenses=lenses)]))


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        pytest.param(("Z:case:1",), ("A:case:2", "A:contact:2"), ("A:case:1",), id="nothing of ours belongs there"),
        pytest.param(
            ("Z:case:1", "Z:contact:9"), ("A:case:2", "A:contact:2"), ("A:case:1", "A:contact:2"), id="unknown"
        ),
        pytest.param(("Z:case:1", "Z:contact:9"), ("A:case:2",), ("A:case:1",), id="unknown, and nothing there"),
        pytest.param(("Z:case:1", "Z:contact:9"), ("A:case:1", "A:contact:2"), None, id="shows all it can"),
        pytest.param(("Z:contact:9",), ("A:contact:2",), None, id="nothing known"),
        pytest.param((), ("A:contact:2",), (), id="none"),
    ],
)
def test_what_is_unknown_there_is_left_as_it_is(ours: Value, theirs: Value, expected: Value) -> None:
    """Of a field that holds several things, an update carries what the CRM knows, and for the rest what it has."""
    lenses = {"links": links("links", {"Z:case:1": "A:case:1"}.get, [["contact"], ["case"]])}
    found = planned(record(links=ours), replica(links=theirs), views=[view(lenses=lenses)])
    assert steps(found) == ([] if expected is None else [("update", {"links": expected})])


def test_what_is_fixed_is_set_once() -> None:
    """A field that the CRM never changes after the creation goes into the create, and into no update."""
    lenses = {"title": same("title"), "links": links("links", only_own("A"), [["contact"]], fixed=True)}
    ours = record(title="a", links=("A:contact:1",))
    assert steps(planned(ours, views=[view(lenses=lenses)])) == [("create", {"title": "a", "links": ("A:contact:1",)})]
    theirs = replica(title="b", links=("A:contact:2",))
    assert steps(planned(ours, theirs, views=[view(lenses=lenses)])) == [("update", {"title": "a"})]


def test_what_is_settled_is_not_sent_again() -> None:
    """Where the server had its say, only another value is planned."""
    theirs = replace(replica(title="A"), settled={"title": "a"})
    assert not steps(planned(record(title="a"), theirs))
    assert steps(planned(record(title="c"), theirs)) == [("update", {"title": "c"})]


@pytest.mark.parametrize("met", [True, False])
@pytest.mark.parametrize("lenses", [{**PLAIN, "category": choice("category", [], required=True)}, None])
def test_a_replica_that_is_gone_for_good_gets_nothing(*, lenses: Mapping[str, Lens] | None, met: bool) -> None:
    """Neither an update nor a new copy, nothing is missing or without a form there, and a delete is not needed."""
    gone = replace(replica(title="b"), gone_at=NOW)
    ours = record(title="a", category="Fax")
    for one in (ours, replace(ours, deleted_at=NOW)):
        assert planned(one, gone, views=[view(lenses=lenses, met=met)]) == Plan()


def test_replicas_of_a_deleted_record_are_deleted() -> None:
    """Each connection that has it gets a delete, reachable or not; the others get nothing."""
    found = planned(
        replace(record(title="a"), deleted_at=NOW),
        replica("A", title="a"),
        replica("B", title="b"),
        views=[view("A"), view("B", lenses=None), view("C")],
    )
    assert [(one.connection, one.action, one.values) for one in found.operations] == [
        ("A", Action.DELETE, NOTHING),
        ("B", Action.DELETE, NOTHING),
    ]


def test_a_replica_out_of_reach_waits() -> None:
    """Whatever it may need stands in the plan as an update without values."""
    assert steps(planned(record(title="a"), replica(title="a"), views=[view(lenses=None)])) == [("update", NOTHING)]


# --- the table: no replica --------------------------------------------------------------------------------------------


def test_a_record_is_created_where_it_is_missing() -> None:
    """A create carries all values that say something; empty ones are left out."""
    ours = record(title="a", body="", due=None, done=False, priority="low")
    found = planned(ours, replica("A", **ours.values), views=[view("A"), view("B")])
    assert found == Plan(
        operations=(
            Operation(
                connection="B", kind="task", record_id="r", action=Action.CREATE, values={"title": "a"}, title="a"
            ),
        )
    )


def test_a_finished_record_is_created_and_then_completed() -> None:
    """Being finished is set by an operation of its own, if the CRM has such a state."""
    ours = record(title="a", done=True)
    assert steps(planned(ours)) == [("create", {"title": "a"}), ("complete", {"done": True})]
    assert steps(planned(ours, views=[view(lenses={"title": same("title")})])) == [("create", {"title": "a"})]


@pytest.mark.parametrize(
    ("values", "made", "copied"),
    [
        pytest.param({"done": True}, HORIZON - timedelta(microseconds=1), False, id="finished before the horizon"),
        pytest.param({"done": True}, HORIZON, True, id="finished at the horizon"),
        pytest.param({"done": False}, HORIZON - timedelta(days=999), True, id="old and open"),
        pytest.param({}, HORIZON - timedelta(days=999), True, id="of unknown state"),
    ],
)
def test_what_was_finished_long_ago_is_not_copied(values: dict[str, Value], made: datetime, *, copied: bool) -> None:
    """A record finished before the horizon is not created any more, and nothing is said to be missing."""
    lenses = {**PLAIN, "category": choice("category", [], required=True)}
    found = planned(made_at(made, title="a", **values), views=[view(lenses=lenses)])
    assert (found == Plan()) is not copied


def test_a_replica_finished_long_ago_is_still_kept_in_step() -> None:
    """The horizon is about copies only."""
    ours = made_at(HORIZON - timedelta(days=1), title="a", done=True)
    assert steps(planned(ours, replica(title="b", done=True))) == [("update", {"title": "a"})]


@pytest.mark.parametrize("reachable", [PLAIN, None], ids=["in reach", "out of reach"])
def test_where_it_is_barred_or_not_yet_met_nothing_is_created(reachable: Mapping[str, Lens] | None) -> None:
    """A hold or a first meeting still to come keeps the record out, and keeps it out only there."""
    ours = record(title="a")
    assert planned(ours, views=[view(lenses=reachable)], barred={"A"}) == Plan()
    assert planned(ours, views=[view(lenses=reachable, met=False)]) == Plan()
    assert len(planned(ours, views=[view(lenses=reachable)], barred={"B"}).operations) == 1


def test_where_nobody_can_create_nothing_is_created() -> None:
    """A CRM whose API creates no such record gets none, and lacks nothing for it."""
    lenses = {**PLAIN, "category": choice("category", ["Call"], required=True)}
    ours = record(title="a", category="Fax")
    assert planned(ours, views=[replace(view(lenses=lenses), creates=False)]) == Plan()
    assert planned(ours, views=[view(lenses=lenses)]).missing


def test_a_replica_is_kept_in_step_where_creating_is_barred() -> None:
    """A bar, a meeting still to come, or a CRM that creates none, is about creating only."""
    found = planned(
        record(title="a"), replica(title="b"), views=[replace(view(met=False), creates=False)], barred={"A"}
    )
    assert steps(found) == [("update", {"title": "a"})]


def test_a_create_out_of_reach_waits() -> None:
    """Whatever it may need stands in the plan as a create without values, and without a complete."""
    assert steps(planned(record(title="a", done=True), views=[view(lenses=None)])) == [("create", NOTHING)]
