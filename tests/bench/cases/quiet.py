"""A cycle in which nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.children import Child, Taken
from tests.bench.crms import CRMS, Requests, is_page
from tests.bench.figures import count, cpu, peak, wall
from tests.bench.lab import Api, Lab, only, total
from tests.bench.report import EXACTLY, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A turn with no changes, several times, beside the bare client; `requests` are those of one turn. `met`: the sync
    before, in another process, in which full accounts met.
    """

    ours: Sequence[Taken]
    bare: Sequence[Taken]
    requests: Requests
    pages: Requests
    met: Taken


def measure(lab: Lab, *, tasks: int, api: Api, runs: int, full_sweep: str = "0s") -> Measured:
    """Turns of a warm process. The same measurement twice is made once."""
    key = ("quiet", tasks, api, runs, full_sweep)
    if key not in lab.done:
        lab.done[key] = _measure(lab, tasks=tasks, api=api, runs=runs, full_sweep=full_sweep)
    found: Measured = lab.done[key]
    return found


def _measure(lab: Lab, *, tasks: int, api: Api, runs: int, full_sweep: str) -> Measured:
    lab.crms.latency(lab.latency_s or 0.0)
    lab.crms.begin(dict.fromkeys(CRMS, tasks))
    folder = lab.configured(api, full_sweep=full_sweep)
    met = lab.settle(folder)
    with lab.ours(folder) as ours, lab.bare() as bare:
        ours.ask({"do": "open"})
        # One for nobody: pages get rendered, connections opened, statements prepared.
        turn(ours)
        lab.crms.forget()
        turn(ours)
        requests = lab.crms.requests()
        pages = only(requests, is_page)
        order = lab.order("read", pages)
        bare.ask(order)
        taken = [(turn(ours), bare.ask(order)) for _ in range(runs)]
    return Measured(
        ours=[one for one, _ in taken], bare=[one for _, one in taken], requests=requests, pages=pages, met=met
    )


def turn(ours: Child) -> Taken:
    """One in which all is well."""
    taken = ours.ask({"do": "turn"})
    if taken.code != 0:
        raise RuntimeError(f"a turn ended with {taken.code}")
    return taken


class Quiet:
    name = "quiet"
    about = (
        "a turn in which nothing changed, warm process, against a bare client that fetches and parses the same pages"
    )

    def run(self, lab: Lab) -> Sequence[Row]:
        tasks, runs = lab.tasks or 10_000, lab.runs or 5
        between = measure(lab, tasks=tasks, api="v2", runs=runs, full_sweep="1h")
        # ONLYOFFICE cannot tell what changed; the other two are asked for one page each.
        needed = len(between.pages["onlyoffice"]) + len(CRMS) - 1
        return [
            *_rows(tasks, "", measure(lab, tasks=tasks, api="v1", runs=runs)),
            *_rows(tasks, ", Capsule v2", measure(lab, tasks=tasks, api="v2", runs=runs)),
            count(self.name, tasks, "pages between full sweeps", total(between.pages), needed, **EXACTLY),
            cpu(self.name, tasks, "CPU between full sweeps", between.ours, between.bare),
        ]


def _rows(tasks: int, label: str, found: Measured) -> list[Row]:
    case = Quiet.name
    return [
        cpu(case, tasks, f"CPU{label}", found.ours, found.bare, bound=3.0, aim=1.5),
        wall(case, tasks, f"wall{label}", found.ours, found.bare),
        # Who we are there, what we may see, categories: the same few, however many tasks there are.
        count(case, tasks, f"requests besides pages{label}", total(found.requests) - total(found.pages), bound=12.0),
        peak(case, tasks, f"peak RSS{label}", found.ours, found.bare),
    ]
