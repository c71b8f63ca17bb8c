"""Three CRMs that lie, a process that dies, people who go on working; then quiet, and nothing may be wrong (I1-I12).

The rules of people are in `people`, what is right is `oracle`'s to say. More examples than the default, and others each
time: TASKSYNC_CONVERGENCE_EXAMPLES=1000 python -m pytest tests/convergence (without CI in the environment).
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from figures import FIGURES
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from lying import MOMENTS, SECRET, Fate, Killed, Moment, empty_mirror, image, known_values, revived
from people import CRMS, People, crms

from tasksync.core.guard import DeletionLimit
from tasksync.engine.report import CycleReport
from tasksync.store.mirror import SqlMirror

LEAST_UNREST = 8
"""Steps between two times of quiet, which cost as much as all of them."""

methods = st.sampled_from((None, "GET", "POST", "PUT", "DELETE"))
faults = st.sampled_from(
    (
        "lose_before",
        "lose_after",
        "cut",
        "garbage",
        "html",
        "status 500",
        "status 502",
        "status 503",
        "status 429",
        "status 401",
        "status 404",
    )
)


class Convergence(People):
    """People, faults and cycles in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.restless = 0
        self.backup: bytes | None = None

    # --- tasksync ---

    def _cycle(self, **how: Any) -> CycleReport:
        FIGURES.cycles += 1
        tags, written = self.book.tags(), len(self.book.entries)
        rehearsal = how.get("dry_run", False)
        if not rehearsal:
            self.book.begun()
        try:
            report = asyncio.run(self.firm.sync(**how))
        finally:
            self.book.compare(tags)
        if not rehearsal:
            self.book.polled((one.name for one in report.members if one.complete), written)
        return report

    @rule(only=st.one_of(st.just(CRMS), st.lists(crms, unique=True, min_size=1, max_size=2)))
    def sync(self, only: list[str]) -> None:
        self._cycle(only=only)

    @rule(due=st.lists(crms, unique=True, min_size=1, max_size=2))
    def turn(self, due: list[str]) -> None:
        """A daemon's: only those are polled, and all that can be reached get what they have to."""
        self._cycle(due=due)

    @rule()
    def rehearse(self) -> None:
        """A dry run, on a copy of the mirror: nothing is written anywhere."""
        self.firm.forget_requests()
        before = image(self.firm.mirror)
        self._cycle(dry_run=True, mirror=revived(before))
        assert self.firm.writes() == []
        assert image(self.firm.mirror) == before

    @rule(
        moment=st.sampled_from(MOMENTS),
        at=st.integers(1, 30),
        due=st.one_of(st.none(), st.lists(crms, unique=True, min_size=1, max_size=1)),
    )
    def die(self, moment: Moment, at: int, due: list[str] | None) -> None:
        """The process is killed at the `at`-th such moment of a cycle, if there are so many."""
        with suppress(Killed):
            self._cycle(fate=(fate := Fate(moment=moment, at=at)), due=due)
        FIGURES.deaths += fate.dead

    @rule()
    def back_up(self) -> None:
        self.backup = image(self.firm.mirror)

    @precondition(lambda self: self.backup is not None and self.book.agreed())
    @rule()
    def restore(self) -> None:
        """The mirror is replaced by an older copy, and all is quiet.

        Only while title, day and state of each task agree: of a task that both mirrors know, but one of them not in
        all CRMs, nothing else tells what belongs together.
        """
        self._replace_mirror(revived(self.backup or b""))

    @precondition(lambda self: self.book.agreed())
    @rule()
    def lose(self) -> None:
        """The mirror is lost, and all is quiet. Only while the tasks agree, as in `restore`."""
        self._replace_mirror(empty_mirror())

    def _replace_mirror(self, mirror: SqlMirror) -> None:
        self._calm()
        self.firm.mirror.close()
        self.firm.mirror = mirror
        self.book.forgotten(known_values(mirror))
        self.quiet()

    # --- lies ---

    @rule(crm=crms, fault=faults, method=methods, after=st.integers(0, 3), times=st.integers(1, 4))
    def fail(self, crm: str, fault: str, method: str | None, after: int, times: int) -> None:
        """Some of the CRM's next answers are wrong."""
        FIGURES.faults += times
        do, _, status = fault.partition(" ")
        details = {"status": int(status)} if status else {}
        self.firm.crms[crm].faults.add(do, method=method, after=after, times=times, **details)

    @rule(down=st.lists(crms, unique=True, max_size=2))
    def cut_off(self, down: list[str]) -> None:
        """From now on there is no connection to these CRMs."""
        self.firm.down = frozenset(down)

    @rule(crm=crms, off=st.sampled_from((0, -7200, 90, 10_800)))
    def misadjust(self, crm: str, off: int) -> None:
        """The clock of a CRM is off by so many seconds. Not while a create is in doubt: its stamp is believed then."""
        if not self.doubtful():
            self.firm.crms[crm].settings.clock_offset_s = off

    @rule(hours=st.sampled_from((0, -5, 3)))
    def misadjust_ours(self, hours: int) -> None:
        """Our own clock is off by so many hours. Not while a create is in doubt, as in `misadjust`."""
        if not self.doubtful():
            self.firm.ours.off = timedelta(hours=hours)

    @rule(tag=People.tags, crm=crms, name=st.sampled_from(("title", "body", "done", "gone")))
    def meanwhile(self, tag: str, crm: str, name: str) -> None:
        """In the next cycle, somebody works in `crm` just after the listing of it was read."""
        self.firm.meanwhile[crm] = partial(self._work, tag, crm, name)

    def _work(self, tag: str, crm: str, name: str) -> None:
        text = self.text("plain")
        if name == "gone":
            self.book.delete(tag, crm)
        else:
            value = {"title": f"{tag} {text}", "body": text, "done": True}[name]
            self.change(tag, crm, **{name: value})

    # --- quiet ---

    @precondition(lambda self: self.restless > LEAST_UNREST)
    @rule()
    def quiet(self) -> None:
        """Faults and people stop, and a person lets deletions in bulk pass. After two cycles all is in step and nothing
        is held; a third writes nothing.
        """
        self.restless = 0
        self._calm()
        self.firm.clock.tick(hours=1)  # the next poll is a complete one
        allowed = replace(self.firm.policy, allow_deletes=True)
        reports = [self._cycle(policy=allowed) for _ in range(2)]
        self.book.settle()
        self._nothing_moves()
        self.book.nothing_lost(known_values(self.firm.mirror))
        assert self.firm.holds() == []
        assert self.firm.outbox() == []
        assert reports[-1].exit_code == 0, [(one.name, one.error) for one in reports[-1].members]
        FIGURES.checks += 1

    def _calm(self) -> None:
        for crm in self.firm.crms.values():
            crm.faults.clear()
        self.firm.down = frozenset()
        self.firm.meanwhile.clear()

    @precondition(lambda self: self.tasks > 1 and self.restless > LEAST_UNREST)
    @rule(crm=crms)
    def vanish(self, crm: str) -> None:
        """All tasks of a CRM are out of sight for a while, more than `max_deletes`: nothing is deleted, and when they
        are back, nothing is held any more.
        """
        self.quiet()
        hidden: dict[Any, Any] = vars(self.firm.crms[crm])["_rows"]
        held_back, shown = dict(hidden), len(hidden)
        hidden.clear()
        try:
            strict = replace(self.firm.policy, max_deletes=DeletionLimit(count=0), full_sweep=timedelta(0))
            report = self._cycle(policy=strict)
        finally:
            hidden.update(held_back)
        assert bool(report.holds) == bool(shown)
        self._cycle()
        assert self.firm.holds() == []

    def _nothing_moves(self) -> None:
        before = self.firm.records()
        self.firm.forget_requests()
        self._cycle()
        assert self.firm.writes() == []
        assert self.firm.records() == before

    @invariant()
    def nothing_is_doubled(self) -> None:
        """Whatever happens, no task is twice in a CRM (I3)."""
        FIGURES.steps += 1
        self.restless += 1
        self.book.not_doubled()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.quiet()
                assert SECRET.encode() not in image(self.firm.mirror)
                assert SECRET not in repr(self.firm.log.lines)
        finally:
            self.firm.mirror.close()


class ConvergenceV1(Convergence):
    """The same with Capsule's old protocol."""

    api = "v1"


EXAMPLES = int(os.environ.get("TASKSYNC_CONVERGENCE_EXAMPLES", "100"))
"""For each of Capsule's protocols. One takes less than half a second."""
for machine in (Convergence, ConvergenceV1):
    machine.TestCase.settings = settings(
        max_examples=EXAMPLES,
        stateful_step_count=30,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow],
        # Without the explanation of a failure, which takes longer than finding it.
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
TestOverCapsuleV2 = Convergence.TestCase
TestOverCapsuleV1 = ConvergenceV1.TestCase
