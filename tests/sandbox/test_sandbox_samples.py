"""The sample tasks: believable, and with nothing ambiguous in them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from tasksync.sandbox.world import World


def _day(task: dict[str, Any]) -> date | None:
    due = task["due"]
    return due.date() if isinstance(due, datetime) else due


@pytest.fixture(params=["2026-01-15T00:05:00", "2026-03-29T00:30:00", "2026-10-25T00:30:00", "2026-06-04T22:59:59"])
def samples(request: pytest.FixtureRequest, clock: Any) -> dict[str, list[dict[str, Any]]]:
    """The tasks of each CRM, at awkward moments of the year."""
    clock.moment = datetime.fromisoformat(request.param).replace(tzinfo=UTC)
    return {name: crm.tasks() for name, crm in World(clock).crms.items()}


def test_each_crm_has_eight_to_ten(samples: dict[str, list[dict[str, Any]]]) -> None:
    """Enough to look at, few enough for a table."""
    assert all(8 <= len(tasks) <= 10 for tasks in samples.values())


def test_no_two_tasks_of_a_crm_share_title_and_day(samples: dict[str, list[dict[str, Any]]]) -> None:
    """A first meeting finds nothing ambiguous."""
    for tasks in samples.values():
        assert max(Counter((task["title"], _day(task)) for task in tasks).values()) == 1


def test_the_same_task_in_several_crms(samples: dict[str, list[dict[str, Any]]]) -> None:
    """Some tasks were typed twice or thrice: same due, same state, another body."""
    by_title = [{task["title"]: task for task in tasks} for tasks in samples.values()]
    assert set(by_title[0]) & set(by_title[1]) & set(by_title[2])
    for one, other in combinations(by_title, 2):
        shared = set(one) & set(other)
        assert shared
        for title in shared:
            assert (one[title]["due"], one[title]["done"]) == (other[title]["due"], other[title]["done"])
            assert one[title]["body"] != other[title]["body"]


def test_there_is_something_of_everything(samples: dict[str, list[dict[str, Any]]], clock: Any) -> None:
    """All-day and timed, done lately and long ago, long and foreign titles, priorities, a reminder."""
    everything = [task for tasks in samples.values() for task in tasks]
    horizon = clock.now() - timedelta(days=30)
    finished = [task["modified"] for task in everything if task["done"]]
    assert sum(stamp < horizon for stamp in finished) == 1
    assert sum(stamp >= horizon for stamp in finished) >= 3
    assert {datetime, date, type(None)} == {type(task["due"]) for task in everything}
    assert sum(len(task["title"]) > 255 for task in everything) == 1
    assert not any(len(task["title"]) > 255 for task in samples["onlyoffice"])
    assert any(not task["title"].isascii() for task in everything)
    assert {task["priority"] for task in samples["plannr"]} >= {"low", "medium", "high", "highest"}
    assert any(task["reminder"] for task in samples["onlyoffice"])
    assert all(task["modified"] <= clock.now() for task in everything)


def test_a_world_without_samples(clock: Any) -> None:
    """`seed=False` is an empty world."""
    assert all(crm.tasks() == [] for crm in World(clock, seed=False).crms.values())
