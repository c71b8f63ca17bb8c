"""The line in `systemctl status`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from standings import COST

from tasksync.service.standing import Standing
from tasksync.service.status_line import status_line
from tasksync.service.turn import Part, State, Turn

START = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

OK = (State.OK, None)
NEEDS_LOGIN = (State.NEEDS_LOGIN, "401 Unauthorized")
REFUSED = (State.FAILED, "connection refused")

Come = Mapping[str, tuple[State, str | None]]


def standing(
    *turns: Come, waiting: Mapping[str, int] | None = None, holds: int = 0, names: str = "office capsule"
) -> Standing:
    """After these turns, one a minute; what waits does so for each connection of the last one."""
    known = Standing(START)
    known.configure(dict.fromkeys(names.split(), MINUTE), START)
    for number, turn in enumerate(turns):
        started = START + number * MINUTE
        parts = [
            Part(name=name, polled=True, state=state, error=error, outbox=waiting or {})
            for name, (state, error) in turn.items()
        ]
        known.take(
            Turn(
                run="r",
                started_at=started,
                finished_at=started,
                exit_code=0,
                cost=COST,
                parts=tuple(parts),
                holds=holds,
            )
        )
    return known


CASES = [
    pytest.param(standing(), "office, capsule not polled yet; 0 to send, 0 held", id="just begun"),
    pytest.param(standing(names=""), "No connections", id="none"),
    pytest.param(
        standing({"office": OK, "capsule": OK}, holds=2),
        "In step: 2 connections, last polled 12:00:30Z; 0 to send, 2 held",
        id="in step",
    ),
    pytest.param(
        standing({"office": OK, "capsule": OK}, {"office": OK}),
        "In step: 2 connections, last polled 12:01:30Z; 0 to send, 0 held",
        id="one is polled more often",
    ),
    pytest.param(
        standing({"office": OK}, names="office"),
        "In step: 1 connection, last polled 12:00:30Z; 0 to send, 0 held",
        id="a single one",
    ),
    pytest.param(
        standing({"office": OK, "capsule": OK}, waiting={"pending": 3, "unknown": 1, "held": 5}),
        "Sending: 2 connections, last polled 12:00:30Z; 8 to send, 0 held",
        id="something waits",
    ),
    pytest.param(
        standing({"office": OK}),
        "capsule not polled yet; office in step, last polled 12:00:30Z; 0 to send, 0 held",
        id="one was not asked yet",
    ),
    pytest.param(
        standing({"office": OK, "capsule": REFUSED}, {"office": OK, "capsule": REFUSED}),
        "capsule failing since 12:00Z (connection refused); office in step, last polled 12:01:30Z; 0 to send, 0 held",
        id="one fails",
    ),
    pytest.param(
        standing({"office": REFUSED, "capsule": NEEDS_LOGIN}),
        "office failing since 12:00Z (connection refused); "
        "capsule failing since 12:00Z (needs new credentials: tasksync check); 0 to send, 0 held",
        id="all fail",
    ),
    pytest.param(
        standing({"office": (State.INCOMPLETE, None), "capsule": OK}),
        "office failing since 12:00Z; capsule in step, last polled 12:00:30Z; 0 to send, 0 held",
        id="no reason is known",
    ),
    pytest.param(
        standing({"office": REFUSED, "capsule": OK}, {"office": OK, "capsule": OK}),
        "In step: 2 connections, last polled 12:01:30Z; 0 to send, 0 held",
        id="it has recovered",
    ),
    pytest.param(
        standing(dict.fromkeys("abcd", OK) | {"e": REFUSED}, names="a b c d e"),
        "e failing since 12:00Z (connection refused); 4 connections in step, last polled 12:00:30Z; 0 to send, 0 held",
        id="many",
    ),
]


@pytest.mark.parametrize(("known", "line"), CASES)
def test_line(known: Standing, line: str) -> None:
    """First what is wrong and since when, then what is well, then what waits."""
    assert status_line(known, START + 2 * MINUTE) == line


def test_late() -> None:
    """A connection that should have been polled since is told as late, and not as in step."""
    known = standing({"office": OK, "capsule": OK}, {"office": OK}, {"office": OK}, {"office": OK})
    assert status_line(known, START + 4 * MINUTE) == (
        "capsule late, last polled 12:00:30Z; office in step, last polled 12:03:30Z; 0 to send, 0 held"
    )


def test_never_looked_at() -> None:
    """One that was not polled at all for too long is late too."""
    assert status_line(standing(names="office"), START + 4 * MINUTE) == "office late, never polled; 0 to send, 0 held"


def test_another_day() -> None:
    """A time of another day is told with the day."""
    known = standing({"office": REFUSED, "capsule": OK})
    assert status_line(known, START + timedelta(days=1)) == (
        "office failing since 2026-03-02 12:00Z (connection refused); "
        "capsule late, last polled 2026-03-02 12:00:30Z; 0 to send, 0 held"
    )


def test_mirror() -> None:
    """That the mirror cannot be written comes first."""
    known = standing({"office": OK, "capsule": OK})
    known.mirror_fault = "no space left on device"
    assert status_line(known, START) == (
        "mirror unusable (no space left on device); office, capsule in step, last polled 12:00:30Z; 0 to send, 0 held"
    )


def test_long_reason() -> None:
    """A long reason is cut: it is in the log."""
    line = status_line(standing({"office": (State.FAILED, "no answer " * 50)}, names="office"), START)
    assert line.startswith("office failing since 12:00Z (no answer no answer ")
    assert line.endswith("…); 0 to send, 0 held")
    assert len(line) < 150
