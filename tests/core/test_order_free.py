"""Several people edit several replicas: the order in which we find out decides nothing, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.diff import Absorbed, Window, absorb
from tasksync.core.lens import same
from tasksync.core.merge import Superseded
from tasksync.core.record import TASK, Observation, Record, Replica, Value, Version, identical

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
LENSES = {name: same(name) for name in ("title", "body", "done")}
CONFIG = ("A", "B", "C", "D")
INSTANT = 0.000001


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def version(value: Value, made: float = -10, maker: str = "D") -> Version:
    return Version(value=value, at=at(made), connection=maker, external_id="1")


def record(versions: dict[str, Version], *, deleted: bool = False) -> Record:
    return Record(id="r", kind="task", group="g", versions=versions, deleted_at=START if deleted else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A replica that showed `before` when it was last seen, at `after`, and shows `found` at `until`."""

    connection: str
    before: dict[str, Value]
    found: dict[str, Value]
    modified: float | None
    after: float = 0
    until: float = 100

    def take(self, ours: Record) -> Absorbed:
        replica = Replica(
            connection=self.connection,
            kind="task",
            external_id="1",
            record_id="r",
            shadow=self.before,
            seen_at=at(self.after),
        )
        seen = Observation(
            external_id="1", values=self.found, modified=None if self.modified is None else at(self.modified)
        )
        window = Window(after=at(self.after), until=at(self.until))
        return absorb(
            TASK, ours, replica, seen, lenses=LENSES, window=window, rank=CONFIG.index, seen_at=at(self.until)
        )

    def had(self, name: str, ours: Record) -> bool:
        """Whether the replica had the record's value of a field, and showed it."""
        current = ours.versions[name]
        return name in self.before and self.before[name] == current.value and current.at <= at(self.after)


def one_by_one(ours: Record, edits: Iterable[Edited]) -> tuple[Record, list[Superseded]]:
    lost: list[Superseded] = []
    for edit in edits:
        taken = edit.take(ours)
        ours = taken.record
        lost += taken.superseded
    return ours, lost


FIELDS: dict[str, list[Value]] = {"title": ["a", "b", "x"], "body": ["", "b", "x"], "done": [False, True]}
"""Few values of each, so that replicas show by chance what others were set to."""

moments = st.sampled_from([-10, 0, INSTANT, 1, 20, 50, 90, 120])
stamps = st.none() | st.integers(-15, 130) | st.sampled_from([-(10**9), 10**9])
widths = st.sampled_from([-1, 0, INSTANT, 1, 30, 100])


@st.composite
def situations(draw: st.DrawFn) -> tuple[Record, list[Edited]]:
    """A record, and two to four replicas, some of which are behind it or lack a field, each edited or not, and each
    seen within a window of its own. What was made in a replica was made before the replica was last seen.
    """
    versions = {
        name: version(draw(st.sampled_from(values)), draw(moments), draw(st.sampled_from(CONFIG)))
        for name, values in FIELDS.items()
        if draw(st.integers(0, 3))
    }
    ours = record(versions, deleted=draw(st.booleans()))
    edits = []
    for connection in CONFIG[: draw(st.integers(2, 4))]:
        before = {name: draw(st.sampled_from(values)) for name, values in FIELDS.items() if draw(st.integers(0, 7))}
        if draw(st.booleans()):
            before |= ours.values
        found = {
            name: draw(st.sampled_from(values)) if name not in before or draw(st.booleans()) else before[name]
            for name, values in FIELDS.items()
        }
        own = [(one.at - START).total_seconds() for one in versions.values() if one.connection == connection]
        after = max([draw(moments), *own])
        edits.append(
            Edited(
                connection=connection,
                before=before,
                found=found,
                modified=draw(stamps),
                after=after,
                until=after + draw(widths),
            )
        )
    return ours, edits


@given(situations())
def test_the_order_of_absorbing_decides_nothing(situation: tuple[Record, list[Edited]]) -> None:
    """Whoever was polled first, the record has the same values, with the same stamps and makers (I7)."""
    ours, edits = situation
    first, *others = (one_by_one(ours, ordered)[0] for ordered in permutations(edits))
    for other in others:
        assert other == first


@given(situations())
def test_no_edit_is_lost(situation: tuple[Record, list[Edited]]) -> None:
    """Every value that somebody set, and every one that was current, is current or superseded (I2)."""
    ours, edits = situation
    became, lost = one_by_one(ours, edits)
    values = list(ours.values.items())
    for edit in edits:
        values += [
            (name, value) for name, value in edit.found.items() if name not in edit.before or edit.before[name] != value
        ]
    for name, value in values:
        kept = [one.loser.value for one in lost if one.field == name] + [became.value(name)]
        assert any(identical(value, other) for other in kept)


@given(situations())
def test_a_field_that_one_side_changed_wins(situation: tuple[Record, list[Edited]]) -> None:
    """An edit of the current value that nobody else touched becomes current, whatever its stamp says."""
    ours, edits = situation
    became, _ = one_by_one(ours, edits)
    for name in ours.versions:
        changed = [edit for edit in edits if name not in edit.before or edit.found[name] != edit.before[name]]
        if len(changed) == 1 and changed[0].had(name, ours):
            assert became.value(name) == changed[0].found[name]
            assert became.versions[name].connection == changed[0].connection
        elif not changed:
            assert became.versions[name] == ours.versions[name]


far = st.integers(-(10**6), 10**6)


@given(modified=stamps | far, after=far, until=far, before=st.integers(0, 10**6), own=st.booleans())
def test_an_edit_of_a_value_that_the_replica_had_always_wins(
    modified: float | None, after: float, until: float, before: float, *, own: bool
) -> None:
    """However absurd the CRM's clock is and wherever our own jumped, somebody who had a value and changed it wins."""
    edit = Edited(
        connection="A", before={"title": "a"}, found={"title": "x"}, modified=modified, after=after, until=until
    )
    current = version("a", after - before, "A" if own else "D")
    became, lost = one_by_one(record({"title": current}), [edit])
    assert became.value("title") == "x"
    assert became.versions["title"].at > current.at
    assert [(one.loser.value, one.conflict) for one in lost] == [("a", False)]


# --- cases that were decided by the order once ------------------------------------------------------------------------


def edited(connection: str, before: Value, found: Value, modified: float | None) -> Edited:
    name = "done" if isinstance(found, bool) else "title"
    return Edited(connection=connection, before={name: before}, found={name: found}, modified=modified)


@pytest.mark.parametrize(
    ("current", "edits", "expected"),
    [
        pytest.param(
            version(False),
            [edited("A", True, False, 60), edited("B", False, True, 50)],
            version(False, 60, "A"),
            id="a value set anew elsewhere, that a replica shows by chance",
        ),
        pytest.param(
            version("c", 0),
            [edited("A", "c", "a", -1), edited("B", "c", "b", -1)],
            version("a", INSTANT, "A"),
            id="two stamps before the start of the window",
        ),
        pytest.param(
            version("c", 0),
            [edited("A", "c", "a", 10**9), edited("B", "c", "b", 10**9), edited("C", "b", "x", None)],
            Version(value="a", at=at(100), connection="A", external_id="1", estimated=True),
            id="two stamps beyond its end",
        ),
        pytest.param(
            version("c", 60),
            [edited("A", "c", "a", 40), edited("B", "c", "b", 70)],
            version("b", 70, "B"),
            id="a current value made since both were seen",
        ),
        pytest.param(
            version("c", 60),
            [edited("A", "c", "a", 40), edited("B", "b", "c", 50)],
            version("c", 60),
            id="older than the current value, one of them the same",
        ),
    ],
)
def test_the_order_decides_none_of_these(current: Version, edits: list[Edited], expected: Version) -> None:
    """In every order the same version is current in the end, and every other value is in the history."""
    name = "done" if isinstance(current.value, bool) else "title"
    for ordered in permutations(edits):
        became, lost = one_by_one(record({name: current}), ordered)
        assert became.versions == {name: expected}
        assert {one.loser.value for one in lost} | {expected.value} == {current.value} | {
            edit.found[name] for edit in edits
        }
