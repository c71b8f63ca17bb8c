"""How long until a connection is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasksync.service.pace import LONGEST, until_next
from tasksync.service.standing import ConnectionStanding
from tasksync.service.turn import Part, State

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def standing(every: timedelta = MINUTE, failures: int = 0, **part: Any) -> ConnectionStanding:
    return ConnectionStanding(
        name="office",
        poll_every=every,
        since=NOW,
        failures=failures,
        part=Part(name="office", polled=True, state=State.OK, **part),
    )


def test_its_own_pace() -> None:
    """A connection that is well is polled as configured, also before anything is known of it."""
    assert until_next(standing(), NOW) == MINUTE
    assert until_next(ConnectionStanding(name="office", poll_every=MINUTE, since=NOW), NOW) == MINUTE


@pytest.mark.parametrize(("failures", "minutes"), [(1, 2), (2, 4), (3, 8), (4, 15), (5, 15), (10_000, 15)])
def test_failures_double_the_wait_up_to_a_limit(failures: int, minutes: int) -> None:
    """Twice as long after each failure, and never longer than a quarter of an hour."""
    assert until_next(standing(failures=failures), NOW) == minutes * MINUTE
    assert minutes * MINUTE <= LONGEST


def test_a_slow_pace_is_not_quickened_by_failure() -> None:
    """Who is asked once an hour is not asked more often because it does not answer."""
    assert until_next(standing(every=timedelta(hours=1), failures=3), NOW) == timedelta(hours=1)


def quota(left: int, *, requests: int, minutes: float, **part: Any) -> ConnectionStanding:
    reset = NOW + timedelta(minutes=minutes)
    return standing(quota_left=left, quota_reset=reset, poll_requests=requests, requests=10 * requests, **part)


def test_a_plentiful_quota_changes_nothing() -> None:
    """As long as half of what is left lasts until there is a new one, the pace stays."""
    assert until_next(quota(1200, requests=10, minutes=60), NOW) == MINUTE


def test_a_short_quota_stretches_the_wait() -> None:
    """What is left has to last: 100 requests, half of them ours, 10 for a poll, make 5 polls in the hour."""
    assert until_next(quota(100, requests=10, minutes=60), NOW) == timedelta(minutes=12)


def test_only_the_poll_itself_counts() -> None:
    """A turn that searched and wrote a lot says little about what the next poll costs."""
    assert until_next(quota(100, requests=10, minutes=60, written={"update": 30}), NOW) == timedelta(minutes=12)


def test_no_quota_waits_for_the_next() -> None:
    """Where nothing is left, the next poll is when there is a new quota."""
    assert until_next(quota(3, requests=10, minutes=25), NOW) == timedelta(minutes=25)
    assert until_next(quota(0, requests=10, minutes=0.5), NOW) == MINUTE


def test_an_old_quota_means_nothing() -> None:
    """What was left of a window that is over is no reason to wait."""
    assert until_next(quota(0, requests=10, minutes=-1), NOW) == MINUTE
