"""The table of what goes wrong with other programs, filled with our numbers at the end of the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from stage import Stage, Start, fill

ROWS = pytest.StashKey[list[tuple[str, dict[str, int]]]]()
Row = Callable[..., None]


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), orderly=False) as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    """Three empty accounts and no mirror yet."""
    shared_stage.begin(shared_stage.blank)
    return shared_stage


@pytest.fixture(scope="module")
def starts() -> dict[int, Start]:
    """By their number: the same tasks in each CRM, which have met."""
    return {}


@pytest.fixture
def in_step(stage: Stage, starts: dict[int, Start]) -> Callable[[int], None]:
    """Let the stage have so many tasks in each CRM, in step."""

    def begin(count: int) -> None:
        if count not in starts:
            fill(stage, stage.world.crms, count)
            stage.quieten(0)
            starts[count] = stage.keep()
        stage.begin(starts[count])
        stage.forget_requests()

    return begin


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """Put a row into the table: its name, and its figures by name."""
    rows = request.config.stash.setdefault(ROWS, [])

    def add(name: str, **figures: int) -> None:
        rows.append((name, figures))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, for people and, a line of JSON each, for whoever compares it with README's."""
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("what goes wrong elsewhere")
    width = max(len(name) for name, _ in rows)
    for name, figures in rows:
        said = ", ".join(f"{figure.replace('_', ' ')} {number}" for figure, number in figures.items())
        terminalreporter.write_line(f"{name:{width}}  {said}")
    for name, figures in rows:
        terminalreporter.write_line(f"peers: {json.dumps({'row': name, **figures}, ensure_ascii=False)}")
