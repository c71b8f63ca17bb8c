"""Two programs that people use to sync pairs of services, driven over the same two CRMs: their own algorithm and
storage, with small adapters of ours (`tests/bench/peers`).

They get a virtual environment of their own, made for the run. If pip cannot make it, there is no measurement.
"""

from __future__ import annotations

import subprocess
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.cases.growth import sizes
from tests.bench.cases.quiet import turn
from tests.bench.children import Child, Taken
from tests.bench.crms import Crms
from tests.bench.figures import count, peak, wall
from tests.bench.lab import Lab, total
from tests.bench.report import Row

PEERS: Final = {"syncall 1.8.8": "with_syncall", "vdirsyncer 0.21.0": "with_vdirsyncer"}
_WITH_DEPENDENCIES: Final = (
    "vdirsyncer==0.21.0", "httpx>=0.28,<1",
    # What syncall needs of its own requirements here.
    "bidict>=0.21.4,<0.22", "loguru>=0.5.3,<0.6", "python-dateutil<3", "PyYAML>=6", "rfc3339<7", "tqdm<5", "xdg<7",
)  # fmt: skip
_WITHOUT: Final = ("syncall==1.8.8", "item-synchronizer==1.1.5", "bubop==0.1.12")
"""They insist on PyYAML 5.3, which no newer Python builds; they work with 6 as well."""
_PAIR: Final = ("office", "capsule")
_CRMS: Final = ("onlyoffice", "capsule")
_EDITS: Final = 10
_LATER_S: Final = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phase:
    """What one program took for one of the phases, and how many requests it sent."""

    taken: Taken
    requests: int


_Phases = dict[str, _Phase]


class Peers:
    name = "peers"
    about = f"first, quiet and {_EDITS} edits of two CRMs with syncall and vdirsyncer: faster, and with fewer requests"

    def run(self, lab: Lab) -> Sequence[Row]:
        python = environment(lab.folder / "peers")
        tasks = lab.tasks or 2_000
        rows: list[Row] = []
        lab.crms.latency(0.02 if lab.latency_s is None else lab.latency_s)
        ours = _ours(lab, tasks)
        for peer, program in PEERS.items():
            rows += _rows(tasks, peer, ours, _theirs(lab, tasks, python, program))
        lab.crms.latency(0.0)
        for grown in sizes(lab)[:2]:
            ours = _ours(lab, grown)
            for peer, program in PEERS.items():
                rows += _grown(grown, peer, ours, _theirs(lab, grown, python, program))
        return rows


def environment(folder: Path) -> Path:
    """The Python of the peers. Raises `RuntimeError` when pip cannot get them."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for arguments in (_WITH_DEPENDENCIES, ("--no-deps", *_WITHOUT)):
            command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"The peers cannot be measured: pip could not install them.\n{done.stderr}")
    return python


def _ours(lab: Lab, tasks: int) -> _Phases:
    lab.crms.begin({"onlyoffice": tasks})
    folder = lab.configured("v2", full_sweep="1h", names=_PAIR)
    with lab.ours(folder) as child:
        phases = {"first": _phase(lab.crms, child, "first")}
        _check(lab.crms, "first")
    lab.crms.pass_time(_LATER_S)
    with lab.ours(folder) as child:
        child.ask({"do": "open"})
        turn(child)
        phases["quiet"] = _phase(lab.crms, child, "turn")
        _edit(lab.crms)
        phases["edits"] = _phase(lab.crms, child, "turn")
    _check(lab.crms, "edits")
    return phases


def _theirs(lab: Lab, tasks: int, python: Path, program: str) -> _Phases:
    folder = lab.new_folder()
    lab.crms.begin({"onlyoffice": tasks})
    command = ["-m", f"tests.bench.peers.{program}", lab.crms.url, str(folder)]
    with Child(command, folder / "peer.log", python=str(python), home=folder) as child:
        phases = {"first": _phase(lab.crms, child, "sync")}
        _check(lab.crms, "first")
        lab.crms.pass_time(_LATER_S)
        _phase(lab.crms, child, "sync")
        phases["quiet"] = _phase(lab.crms, child, "sync")
        _edit(lab.crms)
        phases["edits"] = _phase(lab.crms, child, "sync")
    _check(lab.crms, "edits")
    return phases


def _phase(crms: Crms, child: Child, order: str) -> _Phase:
    crms.forget()
    taken = child.ask({"do": order})
    return _Phase(taken=taken, requests=total(crms.requests()))


def _edit(crms: Crms) -> None:
    crms.edit("onlyoffice", _EDITS, "Edited")


def _check(crms: Crms, phase: str) -> None:
    if not crms.in_step(_CRMS):
        raise RuntimeError(f"after {phase}, the two CRMs do not hold the same tasks")


def _rows(tasks: int, peer: str, ours: _Phases, theirs: _Phases) -> list[Row]:
    rows = []
    for phase, one in ours.items():
        other = theirs[phase]
        rows += [
            wall(Peers.name, tasks, f"wall, {phase}, {peer}", [one.taken], [other.taken], bound=1.0, aim=0.33),
            count(Peers.name, tasks, f"requests, {phase}, {peer}", one.requests, other.requests),
        ]
    sums = [sum(one.requests for one in phases.values()) for phases in (ours, theirs)]
    return [*rows, count(Peers.name, tasks, f"requests, all three, {peer}", *sums, bound=1.0)]


def _grown(tasks: int, peer: str, ours: _Phases, theirs: _Phases) -> list[Row]:
    """For the plot."""
    rows = []
    for phase in ("first", "quiet"):
        taken = [ours[phase].taken], [theirs[phase].taken]
        rows += [
            wall(Peers.name, tasks, f"wall, no latency, {phase}, {peer}", *taken),
            peak(Peers.name, tasks, f"peak RSS, no latency, {phase}, {peer}", *taken),
        ]
    return rows
