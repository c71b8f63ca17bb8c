"""The bench in small: what 1,000 tasks cost in requests, statements and objects, which are the same on any machine.

A query or a request for each record shows at once: there would be hundreds more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.bench.children import ROOT
from tests.bench.crms import CRMS, is_page, is_write
from tests.bench.lab import Lab, only, total
from tests.bench.ours import Ours, UnlimitedDialer

from tasksync.bootstrap import connecting
from tasksync.engine.push import AHEAD
from tasksync.engine.together import PARALLEL

TASKS = 1_000
EDITS = 100
ANY_TURN = 118
"""Statements of a turn besides its pages, with three connections."""
SHORT_LISTS = 20
"""Requests in which three connections say who we are there and what we may see."""
A_TASK = 1_000
"""Bytes. One that is kept as it was read takes several times as much; an id and a page more at the peak take less."""
A_HANDFUL = 10
"""Statements of a handful of edits that are pushed together."""
Warm = Callable[[int], Ours]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The sandbox in a process of its own."""
    with Lab.open(tmp_path_factory.mktemp("lab")) as opened:
        yield opened


@pytest.fixture
def warm(lab: Lab, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Warm]:
    """Have tasksync in this process, with so many tasks in each of three connections, in step, after a turn."""
    monkeypatch.setattr(connecting, "Dialer", UnlimitedDialer)
    opened: list[Ours] = []

    def make(tasks: int) -> Ours:
        lab.crms.begin(dict.fromkeys(CRMS, tasks))
        folder: Path = lab.configured("v2")
        lab.settle(folder)
        ours = Ours(folder)
        opened.append(ours)
        ours.open()
        assert ours.turn() == 0
        lab.crms.forget()
        return ours

    yield make
    for ours in opened:
        ours.close()


@contextmanager
def statements(ours: Ours) -> Iterator[list[str]]:
    """What is asked of the database within the block; many rows of one statement count once."""
    assert ours.mirror is not None
    seen: list[str] = []

    def note(_sql: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(ours.mirror._engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(ours.mirror._engine, "before_cursor_execute", note)


def test_a_quiet_turn_costs_its_pages(lab: Lab, warm: Warm) -> None:
    """A turn in which nothing changed sends a request for each page and for a few short lists, and the mirror is asked
    once a page, besides what any turn asks however many tasks there are.
    """
    counted = {}
    for tasks in (TASKS // 2, TASKS):
        ours = warm(tasks)
        with statements(ours) as seen:
            assert ours.turn() == 0
        requests = lab.crms.requests()
        listed = total(only(requests, is_page))
        counted[tasks] = listed, total(requests) - listed, len(seen)
    (fewer_pages, short, fewer), (pages, as_short, more) = counted.values()
    assert pages > fewer_pages
    assert short == as_short <= SHORT_LISTS
    # A page is a transaction: BEGIN, and one look at the hashes of what is on it.
    assert more - fewer == 2 * (pages - fewer_pages)
    assert more <= 2 * pages + ANY_TURN, more - 2 * pages


def test_edits_cost_a_read_and_a_write_each(lab: Lab, warm: Warm) -> None:
    """Of 100 edits each costs one read and one write in each other CRM, besides the pages; the mirror is asked once for
    a handful of them, not once for each.
    """
    ours = warm(TASKS)
    with statements(ours) as quiet:
        ours.turn()
    pages = total(lab.crms.requests())
    lab.crms.edit("onlyoffice", EDITS, "Edited")
    lab.crms.forget()
    with statements(ours) as seen:
        assert ours.turn() == 0
    requests = lab.crms.requests()
    others = len(CRMS) - 1
    assert total(requests) == pages + 2 * EDITS * others
    assert total(only(requests, is_write)) == EDITS * others
    assert lab.crms.in_step()
    most = len(quiet) + A_HANDFUL * others * (EDITS // AHEAD + PARALLEL)
    assert len(seen) <= most, (len(seen) - len(quiet)) / others


def test_memory_is_bounded_by_a_page_and_what_changed(lab: Lab, warm: Warm) -> None:
    """Three times the tasks need hardly more memory: of a task that was read, no more stays than its id."""
    peaks = []
    for tasks in (TASKS, 3 * TASKS):
        ours = warm(tasks)
        tracemalloc.start()
        try:
            assert ours.turn() == 0
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    per_task = (peaks[1] - peaks[0]) / (2 * TASKS * len(CRMS))
    assert per_task <= A_TASK, f"{per_task:.0f} bytes for each task of each connection"


def test_the_program_measures_and_judges(tmp_path: Path) -> None:
    """As the README says: a table, the same as JSON, and exit code 0 if all that was measured holds."""
    results = tmp_path / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "changes", "--tasks", "300", "--json", str(results)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
    assert {row["case"] for row in rows} == {"changes"}
    assert {row["holds"] for row in rows} == {True, None}
    assert all(f"{row['case']}  300" in done.stdout for row in rows)
