"""A real `tasksync sync --once`, killed at every commit and at every request, then started again.

Left out are the points before and after a GET. The CRMs change nothing for a GET, and between two points of the trace
nothing is committed: so a process killed there leaves CRMs and mirror exactly as one killed at the last point before
that is not about a GET, and there is one killed at that one. (Points before the first such one leave everything as it
was.)
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from rehearsal import Rehearsal, edit_everywhere, meet, rehearse
from stage import Stage


def test_the_scenario_has_every_kind_of_write_in_every_direction(stage: Stage) -> None:
    """What is killed at every point creates, updates, completes, reopens and deletes in each of the three CRMs."""
    rehearsal = rehearse(stage, edit_everywhere)
    stage.begin(rehearsal.start)
    done = stage.sync().printed["connections"]
    kinds = ("created", "updated", "completed", "reopened", "deleted")
    assert all(found[kind] > 0 for found in done.values() for kind in kinds)
    assert len(rehearsal.points) > 2 * sum(found[kind] for found in done.values() for kind in kinds)


@pytest.mark.parametrize("scenario", [edit_everywhere, meet], ids=["edits", "first meeting"])
def test_killed_at_any_point_and_started_again_it_comes_to_the_same_end(
    stages: list[Stage], scenario: Callable[[Stage], None], show: Callable[[str], None]
) -> None:
    """Killed at any commit and before or after any request, and started again, tasksync brings CRMs and mirror to where
    an undisturbed run does: nothing lost, nothing doubled, and then nothing left to write.
    """
    rehearsals = [rehearse(stage, scenario) for stage in stages]
    trace, outcome = rehearsals[0].trace, rehearsals[0].outcome
    assert all(one.trace == trace and one.outcome == outcome for one in rehearsals)
    points = rehearsals[0].points

    def share(worker: int) -> list[tuple[int, str]]:
        return [killed_at(rehearsals[worker], number) for number in points[worker :: len(stages)]]

    with ThreadPoolExecutor(len(stages)) as pool:
        results = [result for part in pool.map(share, range(len(stages))) for result in part]

    wrong = [why for _, why in results if why]
    cycles = Counter(cycles for cycles, _ in results)
    show(
        f"{scenario.__name__}: killed at {len(results)} points ({_count(trace, 'commit')} commits, "
        f"{_count(trace, 'POST', 'PUT', 'PATCH', 'DELETE')} writing requests, before and after each), another end at "
        f"{len(wrong)}; cycles until quiet: {dict(sorted(cycles.items()))}"
    )
    assert len(results) == len(points)
    assert wrong == []


def killed_at(rehearsal: Rehearsal, number: int) -> tuple[int, str]:
    """Kill a run at a point and start again: how many cycles that took, and what is wrong in the end, if anything."""
    point = f"killed at point {number}, {rehearsal.trace[number - 1]}"
    ended = rehearsal.disturb(number, "kill")
    if ended.code != -signal.SIGKILL or ended.trace != rehearsal.trace[:number]:
        return 0, f"{point}: took another way, {ended.code} {ended.trace[-1:]} {ended.stderr}"
    cycles, wrong = rehearsal.recover()
    return cycles, wrong and f"{point}: {wrong}"


def _count(trace: list[str], *words: str) -> int:
    """How many things of these kinds the trace begins and ends."""
    return sum(point.split()[:2] == ["before", word] for point in trace for word in words)
