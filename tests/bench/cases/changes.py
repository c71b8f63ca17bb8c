"""What edits cost in requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.bench.cases.quiet import turn
from tests.bench.crms import CRMS, is_page, is_write
from tests.bench.figures import count, cpu, wall
from tests.bench.lab import Api, Lab, only, total
from tests.bench.report import EXACTLY, Row

_EDITS: Final = 100


class Changes:
    name = "changes"
    about = f"{_EDITS} edits in one CRM: the pages, and for each other CRM 1 read and 1 write per edit"

    def run(self, lab: Lab) -> Sequence[Row]:
        tasks = lab.tasks or 10_000
        return [*_rows(lab, tasks, "v2"), *_rows(lab, tasks, "v1")]


def _rows(lab: Lab, tasks: int, api: Api) -> list[Row]:
    lab.crms.latency(lab.latency_s or 0.0)
    lab.crms.begin(dict.fromkeys(CRMS, tasks))
    folder = lab.configured(api)
    lab.settle(folder)
    with lab.ours(folder) as ours:
        ours.ask({"do": "open"})
        # The first turn does not open what was opened just now.
        turn(ours)
        lab.crms.forget()
        turn(ours)
        quiet = lab.crms.requests()
        lab.crms.edit("onlyoffice", _EDITS, "Edited")
        lab.crms.forget()
        taken = turn(ours)
        requests = lab.crms.requests()
    if not lab.crms.in_step():
        raise RuntimeError("the edits are not everywhere")
    others = len(CRMS) - 1
    # An answer of v1 to a write is empty: what became of the task has to be read.
    read_back = _EDITS if api == "v1" else 0
    label = "" if api == "v2" else ", Capsule v1 (each write is read back)"
    case, needed = Changes.name, total(quiet) + 2 * _EDITS * others + read_back
    return [
        count(case, tasks, f"requests{label}", total(requests), needed, **EXACTLY),
        count(case, tasks, f"writes{label}", total(only(requests, is_write)), _EDITS * others, **EXACTLY),
        count(case, tasks, f"pages{label}", total(only(requests, is_page)), total(only(quiet, is_page)), **EXACTLY),
        wall(case, tasks, f"wall{label}", [taken]),
        cpu(case, tasks, f"CPU{label}", [taken]),
    ]
