"""Several people edit several replicas: the order in which we find out decides nothing, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.diff import Absorbed, Window, absorb
from tasksync.core.lens import same
from tasksync.core.merge import Superseded
from tasksync.core.record import TASK, Observation, Record, Replica, Value, Version, identical

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
LENSES = {name: same(name) for name in ("title", "body", "done")}
CONFIG = ("A", "B", "C", "D")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def record(values: dict[str, Value], made: float = -10) -> Record:
    versions = {
        name: Version(value=value, at=at(made), connection="D", external_id="1") for name, value in values.items()
    }
    return Record(id="r", kind="task", group="g", versions=versions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """A replica that showed `before` when it was last seen, at `after`, and shows `found` at `until`."""

    connection: str
    before: dict[str, Value]
    found: dict[str, Value]
    modified: float | None
    after: float
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


def one_by_one(ours: Record, edits: Iterable[Edited]) -> tuple[Record, list[Superseded]]:
    lost: list[Superseded] = []
    for edit in edits:
        taken = edit.take(ours)
        ours = taken.record
        lost += taken.superseded
    return ours, lost


stamps = st.none() | st.integers(-5, 120) | st.sampled_from([-(10**9), 10**9])
FIELDS: dict[str, tuple[list[Value], list[Value]]] = {
    "title": (["a", "b"], ["x", "y"]),
    "body": (["", "b"], ["x", "y"]),
    "done": ([False], [True]),
}
"""Values that records and shadows hold, and values that people set."""


@st.composite
def situations(draw: st.DrawFn) -> tuple[Record, list[Edited]]:
    """A record, and two to four replicas last seen after its values were made, some of which are behind it."""
    ours: dict[str, Value] = {
        name: draw(st.sampled_from(old)) for name, (old, _) in FIELDS.items() if draw(st.integers(0, 3))
    }
    edits = []
    for connection in CONFIG[: draw(st.integers(2, 4))]:
        before = {name: draw(st.sampled_from(old)) for name, (old, _) in FIELDS.items()}
        if draw(st.booleans()):
            before |= ours
        found = {
            name: draw(st.sampled_from(new)) if draw(st.booleans()) else before[name]
            for name, (_, new) in FIELDS.items()
        }
        edits.append(
            Edited(
                connection=connection,
                before=before,
                found=found,
                modified=draw(stamps),
                after=draw(st.sampled_from([0, 20, 90])),
            )
        )
    return record(ours), edits


@given(situations())
def test_the_order_of_absorbing_decides_nothing(situation: tuple[Record, list[Edited]]) -> None:
    """Whoever was polled first, the record has the same values, with the same stamps (I7)."""
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
        values += [(name, value) for name, value in edit.found.items() if edit.before[name] != value]
    for name, value in values:
        kept = [one.loser.value for one in lost if one.field == name] + [became.value(name)]
        assert any(identical(value, other) for other in kept)


@given(situations())
def test_a_field_that_one_side_changed_wins(situation: tuple[Record, list[Edited]]) -> None:
    """An edit of the current value that nobody else touched becomes current, whatever its stamp says."""
    ours, edits = situation
    became, _ = one_by_one(ours, edits)
    for name, (_, new) in FIELDS.items():
        changed = [edit for edit in edits if edit.found[name] in new]
        if len(changed) == 1 and changed[0].before[name] == ours.value(name):
            assert became.value(name) == changed[0].found[name]


far = st.integers(-(10**6), 10**6)


@given(modified=stamps | far, after=far, until=far, made=far)
def test_an_edit_of_the_current_value_always_wins(
    modified: float | None, after: float, until: float, made: float
) -> None:
    """However absurd the CRM's clock is and wherever our own jumped, somebody who saw a value and changed it wins."""
    edit = Edited(
        connection="A", before={"title": "a"}, found={"title": "x"}, modified=modified, after=after, until=until
    )
    became, lost = one_by_one(record({"title": "a"}, made), [edit])
    assert became.value("title") == "x"
    assert became.versions["title"].at > at(made)
    assert [(one.loser.value, one.conflict) for one in lost] == [("a", False)]
