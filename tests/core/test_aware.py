"""Whose value an edit replaces: whoever made it had seen the current one, or had not.

An edit made by somebody who had the current value before them is newer than it, whatever the CRM's clock says. Who had
it is known from what we last saw: the replica showed it then, and it had been made by then, or was made in that very
replica. A value made elsewhere since is another one, even if it happens to look the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.diff import Window, diff, shows
from tasksync.core.lens import Lens, choice, cut, same, text
from tasksync.core.merge import Change
from tasksync.core.record import NOTHING, TASK, Observation, Record, Replica, Value, Values, Version

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLAIN: Mapping[str, Lens] = {"title": same("title")}
INSTANT = 0.000001
OWN, OTHER, NEIGHBOUR = ("A", "1"), ("C", "7"), ("A", "2")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def maybe(seconds: float | None) -> datetime | None:
    return None if seconds is None else at(seconds)


def record(name: str, value: Value, made: float = -10, maker: tuple[str, str] = OTHER) -> Record:
    version = Version(value=value, at=at(made), connection=maker[0], external_id=maker[1])
    return Record(id="r", kind="task", group="g", versions={name: version})


def replica(settled: Values = NOTHING, **shadow: Value) -> Replica:
    return Replica(
        connection="A", kind="task", external_id="1", record_id="r", shadow=shadow, seen_at=START, settled=settled
    )


def edit(
    ours: Record,
    theirs: Replica,
    found: Value,
    *,
    lens: Lens | None = None,
    modified: float | None = 40,
    after: float | None = 0,
    until: float = 100,
) -> Change:
    """The one change that an answer shows which came `until` seconds after the start."""
    lenses = PLAIN if lens is None else {lens.field: lens}
    name = next(iter(lenses))
    seen = Observation(external_id="1", values={name: found}, modified=maybe(modified))
    (change,) = diff(TASK, ours, theirs, seen, lenses, Window(after=maybe(after), until=at(until)))
    return change


# --- who had it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("maker", "made", "after", "aware"),
    [
        pytest.param(OTHER, -10, 0, True, id="made before we last looked"),
        pytest.param(OTHER, 0, 0, True, id="made just when we last looked"),
        pytest.param(OTHER, INSTANT, 0, False, id="made elsewhere an instant later: it looks the same by chance"),
        pytest.param(OTHER, 60, 0, False, id="made elsewhere, later than the edit claims"),
        pytest.param(OTHER, -10, None, False, id="made elsewhere, and we never looked"),
        pytest.param(OWN, 60, 0, False, id="said to be made in this replica, but later than its shadow"),
        pytest.param(NEIGHBOUR, 60, 0, False, id="made in another task of the connection"),
        pytest.param(("C", "1"), 60, 0, False, id="made in a task of another connection with the same id"),
    ],
)
def test_an_edit_is_aware_of_what_its_replica_had(
    maker: tuple[str, str], made: float, after: float | None, *, aware: bool
) -> None:
    """The shadow shows the current value; whether it is that value, and not a later one like it, depends on when and
    where it was made.
    """
    assert edit(record("title", "Call", made, maker), replica(title="Call"), "Fax", after=after).aware is aware


@pytest.mark.parametrize("maker", [OWN, OTHER], ids=["own", "other"])
@pytest.mark.parametrize("theirs", [replica(title="Call"), replica()], ids=["shows another", "shows nothing"])
def test_an_edit_is_not_aware_of_what_its_replica_did_not_show(maker: tuple[str, str], theirs: Replica) -> None:
    """Old or own, a value that the shadow does not show was not before the person's eyes: the stamps alone decide."""
    found = edit(record("title", "Write", -10, maker), theirs, "Fax")
    assert not found.aware
    assert found.version.at == at(40)


@pytest.mark.parametrize("theirs", [replica(title="Call"), replica()])
def test_a_field_nobody_knew_is_aware(theirs: Replica) -> None:
    """There is no value that anybody could have missed."""
    blank = Record(id="r", kind="task", group="g", versions={})
    made = Version(value="Fax", at=at(40), connection="A", external_id="1")
    assert edit(blank, theirs, "Fax") == Change(field="title", version=made, aware=True)


CUT = text("title", cut(4))
CALLS = choice("category", ["Call", "Mail"])


@pytest.mark.parametrize(
    ("lens", "current", "theirs", "found", "aware"),
    [
        pytest.param(CUT, "Call back", replica(title="Call"), "Fax", True, id="its beginning, where more does not fit"),
        pytest.param(CUT, "Write", replica(title="Call"), "Fax", False, id="the beginning of another"),
        pytest.param(CALLS, "Fax", replica(category="Call"), "Mail", True, id="whatever is there for what has no form"),
        pytest.param(CALLS, "call", replica(category="Call"), "Mail", True, id="the CRM's spelling of it"),
        pytest.param(CALLS, "Call", replica(category="Mail"), "Call", False, id="not yet the current value"),
        pytest.param(
            same("title"), "call", replica({"title": "call"}, title="Call"), "Fax", True, id="the server's form of it"
        ),
        pytest.param(
            same("title"), "other", replica({"title": "call"}, title="Call"), "Fax", False, id="that of another"
        ),
    ],
)
def test_all_that_a_crm_can_show_of_a_value_counts_as_the_value(
    lens: Lens, current: Value, theirs: Replica, found: Value, *, aware: bool
) -> None:
    """Who saw all of a value that their CRM can hold has seen it."""
    assert edit(record(lens.field, current), theirs, found, lens=lens).aware is aware


# --- and so comes after it --------------------------------------------------------------------------------------------

seconds = st.integers(-(10**10), 10**10).map(lambda us: us / 1000)
earlier = st.integers(0, 10**10).map(lambda us: us / 1000)


@given(modified=st.none() | seconds, after=seconds, until=seconds, before=earlier)
def test_an_aware_edit_is_later_than_what_it_replaces(
    modified: float | None, after: float, until: float, before: float
) -> None:
    """However absurd the CRM's clock is, and even if our own jumps back, an edit comes after the value it changed."""
    current = record("title", "Call", after - before)
    found = edit(current, replica(title="Call"), "Fax", modified=modified, after=after, until=until)
    assert found.aware
    assert found.version.at > current.versions["title"].at


@given(modified=st.none() | seconds, after=seconds, made=seconds)
def test_a_concurrent_edit_is_where_the_clocks_say(modified: float | None, after: float, made: float) -> None:
    """What the record holds moves an edit only if its maker had that before them."""
    theirs = replica(title="Call")
    alone, beside = (
        edit(record("title", value, made), theirs, "Fax", modified=modified, after=after, until=after + 100)
        for value in ("Write", "Call")
    )
    assert alone.version == beside.version
    assert not alone.aware
    assert beside.aware is (at(made) <= at(after))


# --- shows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lens", "value", "theirs", "expected"),
    [
        pytest.param(same("title"), "Call", replica(title="Call"), True, id="just that"),
        pytest.param(same("title"), "Call", replica(title="Fax"), False, id="something else"),
        pytest.param(same("title"), "Call", replica(), True, id="the CRM does not tell"),
        pytest.param(text("title", cut(2)), "Call", replica(title="Ca"), True, id="all that it can hold"),
        pytest.param(choice("category", ["Call"]), "Fax", replica(category="Call"), True, id="what has no form there"),
        pytest.param(same("title"), "a", replica({"title": "a"}, title="A"), True, id="the server had its say"),
        pytest.param(same("title"), "b", replica({"title": "a"}, title="A"), False, id="of another value"),
        pytest.param(same("due"), None, replica({"due": None}, due=at(0)), True, id="the server keeps a value"),
        pytest.param(same("due"), None, replica({"title": None}, due=at(0)), False, id="that of another field"),
    ],
)
def test_whether_a_replica_shows_a_value(lens: Lens, value: Value, theirs: Replica, *, expected: bool) -> None:
    """A replica shows a value when it holds all that its CRM can, or will, hold of it."""
    assert shows(lens, value, theirs) is expected
