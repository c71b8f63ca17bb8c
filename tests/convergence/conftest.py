"""The figures of the state machine, in one line at the end of the run."""

from __future__ import annotations

import pytest
from figures import FIGURES


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was tried, and what went wrong, if the machine ran."""
    if FIGURES.steps:
        terminalreporter.write_line(f"convergence: {FIGURES}")
