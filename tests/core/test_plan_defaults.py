"""What steps in where a record lacks a value, and what is told when nothing can."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tasksync.core.lens import Lens, choice, due, same, stripped, text, whole_seconds
from tasksync.core.plan import Action, Gap, Missing, Plan, View, plan
from tasksync.core.record import NOTHING, TASK, Record, Replica, Value, Values, Version
from tasksync.core.referring import links, one_of_people

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


@pytest.mark.parametrize(
    ("ours", "created"),
    [
        pytest.param({"links": ("there:contact:1",)}, ("A:contact:1",), id="a counterpart"),
        pytest.param({"links": ("there:contact:9",)}, ("A:contact:5",), id="no counterpart"),
        pytest.param({"links": ()}, ("A:contact:5",), id="no link"),
        pytest.param({}, ("A:contact:5",), id="unknown"),
    ],
)
def test_a_default_link_steps_in(ours: dict[str, Value], created: Value) -> None:
    """Where a link is needed and the record has none that is known there, the default is sent; without one, it is
    missing.
    """
    lens = links("links", {"there:contact:1": "A:contact:1"}.get, [["contact"]], required=True)
    default: Values = {"links": ("A:contact:5",)}
    assert steps(planned(record(**ours), views=[view(lenses={"links": lens}, defaults=default)])) == [
        ("create", {"links": created})
    ]
    without = planned(record(**ours), views=[view(lenses={"links": lens}, defaults={"links": ()})])
    assert [one.fields for one in without.missing] == ([] if created == ("A:contact:1",) else [("links",)])


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


KNOWN = {"there:person:1": "A:person:1", "there:contact:1": "A:contact:1"}
REFERRING = {
    "category": choice("category", ["Call"], clearable=False),
    "priority": choice("priority", ["high"]),
    "assignees": one_of_people("assignees", KNOWN.get),
    "links": links("links", KNOWN.get, [["contact"]], fixed=True),
}


@pytest.mark.parametrize("theirs", [(), (replica(title="a", category="Call"),)], ids=["to create", "with a replica"])
@pytest.mark.parametrize(
    ("ours", "lacking"),
    [
        pytest.param({"category": "Fax"}, [("category", "Fax")], id="a name"),
        pytest.param({"assignees": ("there:person:9",)}, [("assignees", "there:person:9")], id="a person"),
        pytest.param(
            {"category": "Fax", "links": ("there:contact:8", "there:contact:9")},
            [("category", "Fax"), ("links", "there:contact:8"), ("links", "there:contact:9")],
            id="several",
        ),
        pytest.param({"category": "Call", "assignees": ("there:person:1",), "links": ()}, [], id="all known there"),
        pytest.param({"assignees": ("there:person:1", "there:person:9")}, [], id="nobody who would be shown"),
        pytest.param({"category": None, "assignees": None}, [], id="none"),
        pytest.param({}, [], id="unknown"),
        pytest.param({"priority": "low"}, [], id="neither a name nor a reference"),
    ],
)
def test_what_has_no_counterpart_is_told(
    ours: dict[str, Value], lacking: list[tuple[str, str]], theirs: tuple[Replica, ...]
) -> None:
    """A category that the CRM does not know, and a reference to what has no counterpart there, is said, whether the
    record is there already or not.
    """
    told = planned(record(title="a", **ours), *theirs, views=[view(lenses={"title": same("title"), **REFERRING})]).gaps
    assert told == tuple(Gap(connection="A", record_id="r", field=name, value=value) for name, value in lacking)


def test_what_is_not_created_lacks_nothing() -> None:
    """Where the record is barred, out of reach, deleted or gone for good, a missing counterpart bothers nobody."""
    ours = record(title="a", category="Fax")
    views = [view(lenses={"title": same("title"), **REFERRING})]
    assert planned(ours, views=views).gaps
    assert not planned(ours, views=views, barred={"A"}).gaps
    assert not planned(ours, views=[view(lenses=None)]).gaps
    assert not planned(replace(ours, deleted_at=NOW), replica(title="a"), views=views).gaps
    assert not planned(ours, replace(replica(title="a"), gone_at=NOW), views=views).gaps


def test_operations_carry_the_title_for_people() -> None:
    """The record's title, or nothing where nobody knows one."""
    assert [one.title for one in planned(record(title="a"), replica(title="b")).operations] == ["a"]
    assert [one.title for one in planned(record(body="x"), replica(body="")).operations] == [""]
