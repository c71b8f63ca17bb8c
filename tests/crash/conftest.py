"""Two stages to work on side by side, and figures for the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from stage import Stage

FIGURES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Stage]]:
    """As many as the gate's machine has processors."""
    with ExitStack() as stack:
        yield [stack.enter_context(Stage(tmp_path_factory.mktemp("stage"))) for _ in range(2)]


@pytest.fixture
def stage(stages: list[Stage]) -> Stage:
    """One stage, for tests that need no more."""
    return stages[0]


@pytest.fixture
def show(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Print a line at the end of the run."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash.get(FIGURES, [])
    if lines:
        terminalreporter.section("killed, and without a disk, at every point")
        for line in lines:
            terminalreporter.write_line(line)
