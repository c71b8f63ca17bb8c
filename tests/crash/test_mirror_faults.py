"""The mirror cannot be written: the disk is full, the file may not be written, another program holds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from rehearsal import Rehearsal, edit_everywhere, meet, rehearse
from stage import Stage


@pytest.mark.parametrize("scenario", [edit_everywhere, meet], ids=["edits", "first meeting"])
def test_a_disk_that_is_full_stops_the_program_and_costs_nothing(
    stages: list[Stage], scenario: Callable[[Stage], None], show: Callable[[str], None]
) -> None:
    """Wherever the mirror cannot grow any more, tasksync says so and ends with 2; started again with room, it brings
    everything to where an undisturbed run does.
    """
    rehearsals = [rehearse(stage, scenario) for stage in stages]
    commits = [number for number, point in enumerate(rehearsals[0].trace, start=1) if point == "before commit"]

    def share(worker: int) -> list[str]:
        return [filled_at(rehearsals[worker], number) for number in commits[worker :: len(stages)]]

    with ThreadPoolExecutor(len(stages)) as pool:
        results = [result for part in pool.map(share, range(len(stages))) for result in part]

    wrong = [why for why in results if why]
    show(f"{scenario.__name__}: disk full from each of {len(results)} commits on, another end at {len(wrong)}")
    assert len(results) == len(commits)
    assert wrong == []


def filled_at(rehearsal: Rehearsal, number: int) -> str:
    """What is wrong when the disk is full from a commit on, and has room again at the next start."""
    ended = rehearsal.disturb(number, "fill disk")
    said = ended.stderr.splitlines()[-1:]
    if ended.code != 2 or not said or "tasksync.db cannot be used" not in said[0] or "space" not in said[0]:
        return f"full at point {number}: {ended.code} {ended.stderr}"
    if "Traceback" in ended.stderr or ended.stdout:
        return f"full at point {number}: {ended.stdout} {ended.stderr}"
    _, wrong = rehearsal.recover()
    return wrong and f"full at point {number}: {wrong}"


@pytest.fixture
def rehearsed(stage: Stage) -> Rehearsal:
    """The edits, not synced yet."""
    rehearsal = rehearse(stage, edit_everywhere)
    stage.begin(rehearsal.start)
    stage.forget_requests()
    return rehearsal


def test_a_mirror_that_may_not_be_written_is_no_reason_to_write_anything(stage: Stage, rehearsed: Rehearsal) -> None:
    """With a mirror that may only be read, tasksync says so, ends with 2, and has changed nothing anywhere."""
    ended = stage.sync(read_only=True)

    assert ended.code == 2
    assert "tasksync.db cannot be used (attempt to write a readonly database)" in ended.stderr
    assert "It may not be written. Check the owner and the mode" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert stage.writes() == []
    assert rehearsed.recover() == (1, "")


def test_a_mirror_that_another_program_holds_is_waited_for_and_then_reported(
    stage: Stage, rehearsed: Rehearsal
) -> None:
    """While another program has the database locked, tasksync waits a little, says so, ends with 2, and has changed
    nothing anywhere.
    """
    with closing(sqlite3.connect(stage.database, isolation_level=None)) as browser:
        browser.execute("BEGIN EXCLUSIVE")
        ended = stage.sync()
        browser.execute("ROLLBACK")

    assert ended.code == 2
    assert "tasksync.db cannot be used (database is locked)" in ended.stderr
    assert "Another program holds it locked. Close that program" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert stage.writes() == []
    assert rehearsed.recover() == (1, "")
