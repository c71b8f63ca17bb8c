"""A daemon for a while, with CRMs that lie and people who work in all of them at once; then quiet, and a verdict.

Everything is drawn from one seed, but for the moment at which it meets the daemon.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx
from running import Daemon, until
from working_day import CRMS, Firm

from tasksync.store.opening import open_mirror

FAULTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"do": "status", "status": 500},
    {"do": "status", "status": 503},
    {"do": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"do": "lose_before"},
    {"do": "lose_after"},
    {"do": "garbage"},
    {"do": "html"},
    {"do": "cut"},
    {"do": "slow", "seconds": 1.5},
)
_METHODS: Final = (None, "GET", "POST", "PUT")
_DAYS: Final = ("2031-03-05", "2031-04-01", "2031-07-01")
_MOST_TASKS: Final = 40
_PER_S: Final = 4.0
"""What people do in a second."""

_FAULT_EVERY_S: Final = 2.0
_OUTAGE_EVERY_S: Final = 15.0
_OUTAGE_S: Final = 4.0
_QUIET_S: Final = 60.0
_WARM: Final = 0.2
"""After this share of the time nothing is done for the first time any more."""

MIB: Final = 1024 * 1024
MOST_GROWN: Final = 4 * MIB
"""From then on, however long it takes."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the daemon's process takes."""

    at_s: float
    rss: int
    descriptors: int


@dataclass(kw_only=True)
class Soak:
    """`length_s`: how long there is unrest. Quiet comes on top."""

    firm: Firm
    seed: int
    length_s: float
    edits: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    samples: list[Sample] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first = self.last = Sample(at_s=0.0, rss=0, descriptors=0)
        self.grown = 0.0
        self.figures = {"seed": str(self.seed)}
        self._random = random.Random(self.seed)  # noqa: S311 -- it has to come out the same each time

    def run(self) -> None:
        """All of it. Raises `AssertionError` with what is wrong in the end."""
        self.firm.config["sync"] = {"full_sweep": "5s", "max_deletes": "100%"}
        self.firm.config["retry"] = {"tries": 2, "total": "3s"}
        self.firm.configure()
        for name in CRMS:
            self._create(name)
        daemon = self.firm.start_ready()
        self.first = _sample(daemon, 0.0)
        self._unrest(daemon)
        self._quiet(daemon)
        self._tell(daemon)
        assert daemon.stop() == 0
        self._judge(daemon)

    def table(self) -> list[str]:
        """What there was, and what it took."""
        return [f"{name:>24}  {value}" for name, value in self.figures.items()]

    # --- unrest ---

    def _unrest(self, daemon: Daemon) -> None:
        begun = time.monotonic()
        fault_at, outage_at, mend_at, down = 0.0, _OUTAGE_EVERY_S / 2, float("inf"), ""
        while (at_s := time.monotonic() - begun) < self.length_s:
            self._work()
            if at_s >= fault_at:
                fault_at = at_s + _FAULT_EVERY_S
                self._lie(self._random.choice([name for name in CRMS if name != down]))
            if at_s >= outage_at:
                outage_at, mend_at = at_s + _OUTAGE_EVERY_S, at_s + _OUTAGE_S
                down = self._random.choice(list(CRMS))
                self.firm.fail(down, "lose_before", times=None)
            if at_s >= mend_at:
                mend_at = float("inf")
                self.firm.mend(down)
                down = ""
            self.samples.append(_sample(daemon, at_s))
            time.sleep(self._random.uniform(0, 2 / _PER_S))

    def _lie(self, connection: str) -> None:
        draw = self._random
        fault = {**draw.choice(FAULTS), "method": draw.choice(_METHODS), "times": draw.randint(1, 4)}
        self.firm.fail(connection, after=draw.randint(0, 3), **fault)
        self.faults += 1

    def _work(self) -> None:
        """Somebody does something somewhere. What is gone in the same moment is let alone."""
        connection = self._random.choice(list(CRMS))
        tasks = self.firm.tasks(connection)
        kind = self._random.choice(("create", "edit", "edit", "edit", "complete", "reopen", "delete"))
        if kind == "create" or not tasks:
            kind = "create" if len(tasks) < _MOST_TASKS else "delete"
        if kind == "create":
            self._create(connection)
            return
        task = self._random.choice(tasks)
        with suppress(httpx.HTTPStatusError):
            if kind == "delete":
                self.deleted.add(_tag(task))
                self.firm.remove(connection, task["id"])
            else:
                self.firm.edit(connection, task["id"], **self._change(kind, _tag(task)))
            self.edits[kind] += 1

    def _create(self, connection: str) -> None:
        tag = f"T{len(self.created)}"
        self.created.add(tag)
        self.firm.add(connection, f"{tag} {self._word()}", body=self._word(), due=self._random.choice(_DAYS))
        self.edits["create"] += 1

    def _change(self, kind: str, tag: str) -> Mapping[str, Any]:
        """What somebody changes of it: the title of every other task, text or day of the others. A task of which all
        has been changed before anybody knows that it was made is another one (design.md, 5.3).
        """
        if kind != "edit":
            return {"done": kind == "complete"}
        if int(tag[1:]) % 2:
            return {"title": f"{tag} {self._word()}"}
        return self._random.choice(({"body": self._word()}, {"due": self._random.choice(_DAYS)}))

    def _word(self) -> str:
        return f"word {self._random.randrange(1_000_000)}"

    # --- quiet ---

    def _quiet(self, daemon: Daemon) -> None:
        """No faults, no edits: until all is in step, and a few cycles more, which write nothing."""
        begun = time.monotonic()
        for name in CRMS:
            self.firm.mend(name)
        daemon.http.post("/sync")
        until(lambda: not any(self._amiss(daemon)), f"all is in step beside {daemon}", patience_s=_QUIET_S)
        self.figures["in step after"] = f"{time.monotonic() - begun:.1f} s of quiet"
        cycles, written = daemon.status()["cycles"], self._written()
        until(lambda: daemon.status()["cycles"] >= cycles + 4, "four more cycles")
        assert self._written() == written, "what is in step is written to"
        # Connections that nobody uses are closed after a while.
        few = self.first.descriptors + len(CRMS)
        until(lambda: _sample(daemon, 0.0).descriptors <= few, f"at most {few} open descriptors beside {daemon}")
        self.last = _sample(daemon, self.length_s)

    def _amiss(self, daemon: Daemon) -> Iterator[str]:
        """What is not as it has to be yet."""
        found = daemon.status()
        if found["last_cycle"]["exit_code"] or found["last_cycle"]["holds"] or found["mirror_fault"]:
            yield f"the last cycle: {found['last_cycle']}, {found['mirror_fault']}"
        for name, one in found["connections"].items():
            if one["state"] != "ok" or one["error"] or one["failures"] or any(one["last_part"]["outbox"].values()):
                yield f"{name}: {one}"
        shown = [self._shown(name) for name in CRMS]
        if any(one != shown[0] for one in shown):
            yield "the CRMs differ"

    def _shown(self, connection: str) -> list[tuple[Any, ...]]:
        """All tasks, as all three CRMs can show them."""
        return sorted((one["title"], one["body"], one["due"][:10], one["done"]) for one in self.firm.tasks(connection))

    def _written(self) -> int:
        return sum(len(self.firm.writes(name)) for name in CRMS)

    # --- afterwards ---

    def _tell(self, daemon: Daemon) -> None:
        warm = [one for one in self.samples if self.length_s * _WARM <= one.at_s <= self.length_s * (_WARM + 0.1)]
        end = [one for one in self.samples if one.at_s >= self.length_s * 0.9]
        before, after = (median(one.rss for one in some) for some in (warm, end))
        self.grown = after - before
        requests = Counter(str(status) for name in CRMS for _, _, status in self.firm.requests(name))
        written = sum(found for name in CRMS for found in _writes(daemon, name))
        self.figures |= {
            "unrest": f"{self.length_s:g} s",
            "cycles": str(daemon.status()["cycles"]),
            "requests": f"{requests.total()}, of which {requests['0']} without an answer",
            "writes that got through": f"{written:g}",
            "faults set": f"{self.faults}, and {round(self.length_s / _OUTAGE_EVERY_S)} outages",
            "edits": ", ".join(f"{count} {kind}" for kind, count in sorted(self.edits.items())),
            "tasks in the end": str(len(self._shown("office"))),
            "RSS": f"{before / MIB:.1f} MiB at {_WARM:.0%} of the time, {after / MIB:.1f} MiB at its end",
            "descriptors": f"{self.first.descriptors} at the start, at most "
            f"{max(one.descriptors for one in self.samples)}, {self.last.descriptors} in the end",
        }

    def _judge(self, daemon: Daemon) -> None:
        """What has to hold now, for ever."""
        titles = [self.firm.titles(name) for name in CRMS]
        assert all(times == 1 for found in titles for times in found.values()), f"doubled: {titles}"
        tags = Counter(title.split()[0] for title in titles[0])
        assert set(tags.values()) <= {1}, f"doubled: {tags}"
        lost = self.created - self.deleted - tags.keys()
        assert not lost, f"nobody deleted {sorted(lost)}"
        assert self.firm.outbox() == []
        with closing(open_mirror(str(self.firm.folder / "tasksync.db"))) as mirror, mirror.begin() as unit:
            living = [one for one in unit.records_of_group("all", "task") if one.deleted_at is None]
            replicas = unit.replicas_of([one.id for one in living])
        assert len(living) == len(tags)
        assert all(replicas[one.id].keys() == CRMS.keys() for one in living), "not each has one replica everywhere"
        assert not [line for line in daemon.lines if "Traceback" in line], str(daemon)
        assert not daemon.events(level="error"), str(daemon)
        assert self.grown < MOST_GROWN, f"grown by {self.grown / MIB:.1f} MiB"


def _tag(task: Mapping[str, Any]) -> str:
    return str(task["title"]).split()[0]


def _writes(daemon: Daemon, connection: str) -> Iterator[float]:
    # They are counted by the daemon, which has not ended yet.
    for action in ("create", "update", "complete", "reopen", "delete"):
        yield daemon.metric(f'tasksync_writes_total{{action="{action}",connection="{connection}"}}')


def _sample(daemon: Daemon, at_s: float) -> Sample:
    place = Path(f"/proc/{daemon.pid}")
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    descriptors = len(list((place / "fd").iterdir()))
    return Sample(at_s=at_s, rss=int(status["VmRSS"].split()[0]) * 1024, descriptors=descriptors)
