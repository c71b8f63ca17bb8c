"""What steps in where a record lacks a value, and what is told when nothing can."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from tasksync.core.lens import Lens, choice, due, same, stripped, text, whole_seconds
from tasksync.core.plan import Action, Formless, Missing, Plan, View, plan
from tasksync.core.record import NOTHING, TASK, Record, Replica, Value, Values, Version

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HORIZON = NOW - timedelta(days=30)
PLAIN = {name: same(name) for name in ("title", "body", "due", "done")}


def record(**values: Value) -> Record:
    versions = {name: Version(value=value, at=NOW, connection="Z", external_id="1") for name, value in values.items()}
    return Record(id="r", kind="task", group="g", versions=versions)


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


# --- defaults ---------------------------------------------------------------------------------------------------------

NEEDY = {
    "title": text("title", stripped, required=True),
    "due": due("due", whole_seconds, required=True),
    "category": choice("category", ["Call", "Mail"], required=True),
    "done": same("done"),
}


@pytest.mark.parametrize(
    ("ours", "created"),
    [
        pytest.param({"title": "a"}, {"title": "a", "due": NOW, "category": "Call"}, id="unknown values"),
        pytest.param(
            {"title": "a", "due": None, "category": None},
            {"title": "a", "due": NOW, "category": "Call"},
            id="known to be empty",
        ),
        pytest.param(
            {"title": "a", "category": "Fax"}, {"title": "a", "due": NOW, "category": "Call"}, id="without a form there"
        ),
        pytest.param(
            {"title": "a", "due": date(2026, 6, 2), "category": "mail"},
            {"title": "a", "due": date(2026, 6, 2), "category": "Mail"},
            id="a default does not step in for a value",
        ),
    ],
)
def test_defaults_step_in_at_a_create(ours: dict[str, Value], created: Values) -> None:
    """Where the CRM shows nothing of the record's value, the connection's default is sent."""
    found = planned(record(**ours), views=[view(lenses=NEEDY, defaults={"due": NOW, "category": "Call"})])
    assert steps(found) == [("create", created)]
    assert not found.missing


def test_a_default_does_not_spread() -> None:
    """A stand-in is no difference: it is not taken back, and no other connection gets it."""
    theirs = replica("A", title="a", due=NOW, category="Call", done=False)
    ours = record(title="a", due=None, category=None)
    found = planned(ours, theirs, views=[view("A", lenses=NEEDY, defaults={"due": NOW}), view("B")])
    assert [(one.connection, one.values) for one in found.operations] == [("B", {"title": "a"})]


def test_an_empty_value_that_the_crm_can_store_gets_no_default() -> None:
    """Known to be empty is a value; a default steps in for what is unknown."""
    lenses = {"title": same("title"), "category": choice("category", ["Call"])}
    defaults: Values = {"category": "Call"}
    empty = planned(record(title="a", category=None), views=[view(lenses=lenses, defaults=defaults)])
    assert steps(empty) == [("create", {"title": "a"})]
    unknown = planned(record(title="a"), views=[view(lenses=lenses, defaults=defaults)])
    assert steps(unknown) == [("create", {"title": "a", "category": "Call"})]


def test_without_a_needed_value_nothing_is_created() -> None:
    """All that is missing is named for a person, in the connection that needs it, and the others go on."""
    found = planned(
        record(title=" ", category="Fax"),
        views=[view("A", lenses=NEEDY, defaults={"due": NOW}), view("B")],
    )
    assert found.missing == (Missing(connection="A", record_id="r", fields=("title", "category")),)
    assert [(one.connection, one.action) for one in found.operations] == [("B", Action.CREATE)]


def test_an_empty_default_does_not_help() -> None:
    """A default that says nothing leaves the value missing."""
    found = planned(record(due=NOW, category="Call"), views=[view(lenses=NEEDY, defaults={"title": ""})])
    assert [one.fields for one in found.missing] == [("title",)]


def test_nothing_is_missing_where_a_replica_is() -> None:
    """A value that is required to create is not asked for any more once there is a replica."""
    theirs = replica(title="a", due=NOW, category="Call", done=False)
    found = planned(record(title="", due=None, category=None, done=False), theirs, views=[view(lenses=NEEDY)])
    assert found == Plan()


# --- for people -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theirs", [(), (replica(title="a", category="Call"),)], ids=["to create", "with a replica"])
def test_a_name_without_a_form_is_told(theirs: tuple[Replica, ...]) -> None:
    """A category that the CRM does not know is said, whether the record is there already or not."""
    lenses = {"title": same("title"), "category": choice("category", ["Call"])}
    told = planned(record(title="a", category="Fax"), *theirs, views=[view(lenses=lenses)]).formless
    assert told == (Formless(connection="A", field="category", value="Fax"),)


@pytest.mark.parametrize(
    "ours",
    [{"category": "Call"}, {"category": None}, {}, {"priority": "low"}],
    ids=["known there", "none", "unknown", "not a name"],
)
def test_nothing_else_is_told(ours: dict[str, Value]) -> None:
    """Only a name that is set and has no form there is worth a word."""
    lenses = {"category": choice("category", ["Call"], clearable=False), "priority": choice("priority", ["high"])}
    assert not planned(record(**ours), views=[view(lenses=lenses)]).formless
    assert not planned(record(**ours), views=[view(lenses=None)]).formless


def test_operations_carry_the_title_for_people() -> None:
    """The record's title, or nothing where nobody knows one."""
    assert [one.title for one in planned(record(title="a"), replica(title="b")).operations] == ["a"]
    assert [one.title for one in planned(record(body="x"), replica(body="")).operations] == [""]
