"""How things stand at a daemon, made up: a clock that stands still, turns, and a standing with all in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tasksync.ports import Cost, Traffic
from tasksync.service.standing import Standing
from tasksync.service.turn import Part, State, Turn

NOON = datetime(2026, 6, 4, 12, 0, tzinfo=UTC)
COST = Cost(wall_s=2.0, cpu_s=0.5, rows_written=30, peak_rss_bytes=60_000_000)


class StandingClock:
    """Moves only when told to."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def forward(self, **amount: float) -> None:
        self.moment += timedelta(**amount)


def part_of(name: str = "office", **differences: object) -> Part:
    """A poll that went well and told all that a CRM can tell, but for the differences."""
    full = Part(
        name=name,
        polled=True,
        state=State.OK,
        poll_s=1.5,
        read=120,
        requests=7,
        traffic=Traffic(received_bytes=40_000, sent_bytes=900),
        written={"create": 2, "update": 1},
        failed=1,
        held=1,
        outbox={"pending": 3, "held": 1},
        oldest_at=NOON - timedelta(minutes=10),
        complete_at=NOON - timedelta(seconds=30),
        clock_difference_s=-1.25,
        quota_left=900,
        quota_limit=1000,
        quota_reset=NOON + timedelta(minutes=5),
    )
    return replace(full, **differences)  # type: ignore[arg-type]  # the caller names fields of Part


def turn_of(*parts: Part, run: str = "5f0c0ffee0ddba11", exit_code: int = 4) -> Turn:
    """One that took two seconds and ended at noon."""
    return Turn(
        run=run,
        started_at=NOON - timedelta(seconds=2),
        finished_at=NOON,
        exit_code=exit_code,
        cost=COST,
        parts=parts,
        conflicts=1,
        holds=1,
    )


def standing_of(*names: str) -> Standing:
    """Started an hour before noon, polled every minute, no turn yet."""
    began = NOON - timedelta(hours=1)
    standing = Standing(began)
    standing.configure({name: timedelta(minutes=1) for name in names}, began)
    return standing


def busy_standing() -> Standing:
    """Two connections after a turn: `office` is well, `advisers` cannot be read."""
    standing = standing_of("office", "advisers")
    failed = part_of("advisers", state=State.FAILED, error="advisers: the CRM answered 503.", read=0, written={})
    standing.take(turn_of(part_of("office"), failed))
    standing.plan("office", NOON + timedelta(minutes=1))
    standing.plan("advisers", NOON + timedelta(minutes=2))
    return standing
