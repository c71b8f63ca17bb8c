"""The first sync: what is in one account is created in two empty ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.children import Taken
from tests.bench.crms import Requests, is_write
from tests.bench.figures import count, cpu, peak, wall
from tests.bench.lab import Api, Lab, only, total
from tests.bench.report import EXACTLY, Row

SOURCE: Final = "onlyoffice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """First syncs, several times, each from empty accounts, beside the bare client. `hasty` ones do not wait for the
    disk. `requests` are those of one.
    """

    ours: Sequence[Taken]
    bare: Sequence[Taken]
    hasty: Sequence[Taken]
    requests: Requests


def measure(lab: Lab, *, tasks: int, api: Api, runs: int, latency_s: float, bare: bool) -> Measured:
    """First syncs in a process whose imports are done. The same measurement twice is made once."""
    key = ("first", tasks, api, runs, latency_s, bare)
    if key not in lab.done:
        lab.done[key] = _measure(lab, tasks=tasks, api=api, runs=runs, latency_s=latency_s, with_bare=bare)
    found: Measured = lab.done[key]
    return found


def _measure(lab: Lab, *, tasks: int, api: Api, runs: int, latency_s: float, with_bare: bool) -> Measured:
    lab.crms.latency(latency_s)
    folder = lab.configured(api)
    ours, theirs, hasty, requests = [], [], [], dict[str, tuple[tuple[str, str, str, str], ...]]()
    with lab.bare() as bare:
        for _ in range(runs):
            lab.crms.begin({SOURCE: tasks})
            with lab.ours(folder) as one:
                ours.append(one.ask({"do": "first"}))
            if ours[-1].code != 0 or not lab.crms.in_step():
                raise RuntimeError(f"the first sync ended with {ours[-1].code}, see {folder / 'ours.log'}")
            requests = dict(lab.crms.requests())
            if with_bare:
                lab.crms.begin({})
                theirs.append(bare.ask(lab.order("write", only(requests, is_write))))
                lab.crms.begin({SOURCE: tasks})
                with lab.ours(folder) as one:
                    hasty.append(one.ask({"do": "first unsafely"}))
    return Measured(ours=ours, bare=theirs, hasty=hasty, requests=requests)


class First:
    name = "first"
    about = "a first sync into two empty CRMs, against a bare client that sends the same POSTs, as many at a time"

    def run(self, lab: Lab) -> Sequence[Row]:
        tasks, runs = lab.tasks or 1_000, lab.runs or 3
        latency_s = 0.02 if lab.latency_s is None else lab.latency_s
        found = measure(lab, tasks=tasks, api="v2", runs=runs, latency_s=latency_s, bare=True)
        old = measure(lab, tasks=tasks, api="v1", runs=1, latency_s=latency_s, bare=True)
        posts = only(found.requests, is_write)
        return [
            wall(self.name, tasks, "wall", found.ours, found.bare, bound=1.3, aim=1.1),
            cpu(self.name, tasks, "CPU", found.ours, found.bare),
            count(self.name, tasks, "POSTs", total(posts), 2 * tasks, **EXACTLY),
            count(self.name, tasks, "requests (POSTs)", total(found.requests), total(posts)),
            peak(self.name, tasks, "peak RSS", found.ours, found.bare),
            wall(self.name, tasks, "wall, against commits that do not wait for the disk", found.ours, found.hasty),
            wall(self.name, tasks, "wall, Capsule v1 (each create is read back)", old.ours, old.bare),
        ]
