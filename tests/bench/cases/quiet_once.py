"""`sync --once` when nothing changed, from the start of its process to the end."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.bench.children import ROOT, Taken, whole_process
from tests.bench.crms import CRMS, is_page
from tests.bench.figures import count, cpu, peak, wall
from tests.bench.lab import Lab, only, total
from tests.bench.report import Row


class QuietOnce:
    name = "quiet-once"
    about = "`sync --once`, whole process, nothing changed, against a process that imports httpx and fetches the pages"

    def run(self, lab: Lab) -> Sequence[Row]:
        tasks, runs = lab.tasks or 1_000, lab.runs or 7
        lab.crms.latency(lab.latency_s or 0.0)
        lab.crms.begin(dict.fromkeys(CRMS, tasks))
        folder = lab.configured("v1")
        lab.settle(folder)
        command = ["-m", "tasksync", "sync", "--once", "--json"]
        lab.crms.forget()
        _well(whole_process(command, folder))
        requests = lab.crms.requests()
        order = folder / "order.json"
        order.write_text(json.dumps(lab.order("read", only(requests, is_page))), encoding="utf-8")
        program = [str(ROOT / "tests" / "bench" / "bare.py"), str(order)]
        _well(whole_process(program, folder))
        taken = [(_well(whole_process(command, folder)), _well(whole_process(program, folder))) for _ in range(runs)]
        ours, theirs = [one for one, _ in taken], [one for _, one in taken]
        helped = [whole_process(["-m", "tasksync", "--help"], folder) for _ in range(runs)]
        return [
            wall(self.name, tasks, "wall", ours, theirs, bound=2.5, aim=1.5),
            cpu(self.name, tasks, "CPU", ours, theirs),
            count(self.name, tasks, "requests (pages)", total(requests), total(only(requests, is_page))),
            peak(self.name, tasks, "peak RSS", ours, theirs),
            cpu(self.name, 0, "CPU of --help", helped, bound=0.3),
        ]


def _well(taken: Taken) -> Taken:
    if taken.code != 0:
        raise RuntimeError(f"the process ended with {taken.code}")
    return taken
