"""The bench, from the root of the repository: python -m tests.bench [CASE ...|all]. Ends with 0 if all holds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.bench.case import Case
from tests.bench.cases.changes import Changes
from tests.bench.cases.first import First
from tests.bench.cases.growth import Growth
from tests.bench.cases.memory import Memory
from tests.bench.cases.peers import Peers
from tests.bench.cases.quiet import Quiet
from tests.bench.cases.quiet_once import QuietOnce
from tests.bench.lab import Lab
from tests.bench.plotting import plot
from tests.bench.report import Row, all_hold, table

from tasksync import __version__

CASES: Final[Sequence[Case]] = (Quiet(), QuietOnce(), First(), Changes(), Growth(), Memory(), Peers())


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    given = _parser().parse_args()
    wanted = [case for case in CASES if case.name in given.cases or "all" in given.cases]
    rows: list[Row] = []
    failed: list[str] = []
    latency_s = None if given.latency is None else given.latency / 1000
    with (
        tempfile.TemporaryDirectory(prefix="tasksync-bench-") as folder,
        Lab.open(Path(folder), tasks=given.tasks, latency_s=latency_s, runs=given.runs) as lab,
    ):
        for case in wanted:
            say(f"\n{case.name}: {case.about}\n")
            try:
                found = case.run(lab)
            except Exception:  # noqa: BLE001 -- the other cases can be measured all the same
                failed.append(case.name)
                say(f"{traceback.format_exc()}\n{case.name} could not be measured.")
                continue
            say(table(found))
            rows += found
    if given.json is not None:
        given.json.write_text(json.dumps(_results(rows, failed), indent=1) + "\n", encoding="utf-8")
    if given.plot is not None:
        given.plot.write_text(plot(rows), encoding="utf-8")
    return 0 if all_hold(rows) and not failed else 1


def _results(rows: Sequence[Row], failed: Sequence[str]) -> dict[str, Any]:
    """The rows, and where and when they were measured."""
    return {
        "version": __version__,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "arch": platform.machine(), "python": platform.python_version()},
        "failed": list(failed),
        "rows": [row.as_json() for row in rows],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument(
        "cases", metavar="CASE", nargs="*", default="all", choices=[*names, "all"], help=", ".join([*names, "all"])
    )
    parser.add_argument("--tasks", type=int, help="per connection (default: each case's own)")
    parser.add_argument("--latency", type=float, metavar="MS", help="of each answer (default: each case's own)")
    parser.add_argument("--runs", type=int, help="of which the median counts (default: each case's own)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write the plot of growth there, as an SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
