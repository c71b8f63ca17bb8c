"""What the daemon knows of its connections, after turns and after tries beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from standings import NOON, part_of, standing_of, turn_of

from tasksync.service.standing import Standing
from tasksync.service.turn import Part, State

FAILED = Part(name="office", polled=True, state=State.FAILED, error="office: no connection.")


def after(*parts: Part) -> Standing:
    """After one turn for each of these parts, and one of a stranger in each."""
    standing = standing_of("office")
    for part in parts:
        standing.take(turn_of(part, part_of("stranger")))
    return standing


def test_at_the_start_nothing_is_known() -> None:
    """The state is unknown, and lateness counts from the start."""
    standing = standing_of("office")
    assert standing.connections["office"].state is State.UNKNOWN
    began = standing.started_at
    assert standing.late(began + timedelta(minutes=3)) == []
    assert standing.late(began + timedelta(minutes=3, seconds=1)) == ["office"]


def test_failures_in_a_row() -> None:
    """They are counted from the first on, and a poll that goes well ends them."""
    standing = after(FAILED, FAILED)
    office = standing.connections["office"]
    assert (office.failures, office.polled_at) == (2, None)
    assert office.failing_since == office.tried_at == NOON - timedelta(seconds=2)
    standing.take(turn_of(part_of()))
    office = standing.connections["office"]
    assert (office.failures, office.failing_since) == (0, None)
    assert office.polled_at == NOON - timedelta(seconds=2)


def test_a_turn_without_a_poll_changes_no_state() -> None:
    """What the last attempt came to stands, what was written and waits is of now."""
    pushed = replace(part_of(), polled=False, read=0, outbox={"pending": 9})
    standing = after(FAILED, pushed)
    office = standing.connections["office"]
    assert (office.state, office.failures) == (State.FAILED, 1)
    assert office.part is not None
    assert office.part.error == "office: no connection."
    assert office.part.outbox == {"pending": 9}


def test_a_try_beside_the_turns_tells_nothing_of_the_mirror() -> None:
    """A connection that cannot be reached is failing, and what waits for it still waits."""
    standing = after(part_of())
    standing.note(FAILED, NOON + timedelta(minutes=1))
    office = standing.connections["office"]
    assert (office.state, office.failures) == (State.FAILED, 1)
    assert office.tried_at == office.failing_since == NOON + timedelta(minutes=1)
    assert office.part is not None
    assert office.part.error == "office: no connection."
    assert office.part.outbox == part_of().outbox
    assert office.part.oldest_at == part_of().oldest_at
    assert office.part.complete_at == part_of().complete_at
    assert office.part.held == 1


def test_a_try_before_the_first_turn() -> None:
    """It is all that is known; one of a stranger is nothing."""
    standing = standing_of("office")
    standing.note(FAILED, NOON)
    standing.note(replace(FAILED, name="stranger"), NOON)
    assert standing.connections["office"].part == FAILED
    assert list(standing.connections) == ["office"]


def test_a_reload_keeps_what_is_known() -> None:
    """Of connections that stay, also with another interval; the order is the config's, new ones begin."""
    standing = after(FAILED)
    standing.configure({"capsule": timedelta(minutes=1), "office": timedelta(hours=1)}, NOON)
    assert list(standing.connections) == ["capsule", "office"]
    assert standing.connections["office"].failures == 1
    assert standing.connections["office"].poll_every == timedelta(hours=1)
    assert standing.connections["capsule"].since == NOON
    standing.plan("office", NOON)
    standing.plan("advisers", NOON)
    assert standing.connections["office"].next_poll_at == NOON
    assert standing.connections["capsule"].next_poll_at is None
