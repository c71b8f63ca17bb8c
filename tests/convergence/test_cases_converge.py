"""Cases over CRMs that lie, with tasks that hang on them: the second kind of record holds what the first one does.

Smaller than the machine of tasks, which shares all but the connectors with it: people rename, close and reopen cases
and move tasks to them; answers are lost, requests fail, the process dies. Then quiet: every case is once in every CRM
and the same everywhere, every title that anybody wrote is known, and nothing is left to write.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

from figures import FIGURES
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from lying import MOMENTS, Fate, Killed, Moment, known_values, lying_firm
from people import CRMS, crms

from tasksync.core.record import CASE, TASK
from tasksync.engine.member import Policy

MOST_CASES = 4
faults = st.sampled_from(("lose_before", "lose_after", "cut", "html", "status 500", "status 503", "status 429"))


class Cases(RuleBasedStateMachine):
    """People, faults and cycles in any order. `api` is Capsule's protocol; in the CRMs of `links_stay` a task keeps the
    links that it was created with, so one that was created while its case was out of reach has none.
    """

    api = "v2"
    links_stay: frozenset[str] = frozenset()
    tags: Bundle[str] = Bundle("tags")

    def __init__(self) -> None:
        super().__init__()
        self.firm = lying_firm(self.api)
        self.firm.kinds = (CASE, TASK)
        self.firm.policy = Policy(full_sweep=timedelta(minutes=10))
        self.words = 0
        self.cases = 0
        self.titles: dict[str, list[str]] = {}
        self.unseen: set[str] = set()
        self.disturbed = False
        self.customer: dict[str, str] = {}
        for name, crm in self.firm.crms.items():
            for old in crm.shelf("case").all():
                crm.shelf("case").remove(old["id"])
            self.customer[name] = crm.shelf("contact").add(name="Ann Lee", email="ann@lee.example")

    def _title(self, tag: str) -> str:
        self.words += 1
        title = f"{tag} words {self.words}"
        self.titles.setdefault(tag, []).append(title)
        return title

    def _find(self, tag: str, crm: str) -> dict[str, Any] | None:
        found = [one for one in self.firm.crms[crm].shelf("case").all() if one["title"].split()[0] == tag]
        assert len(found) <= 1, f"{tag} is in {crm} {len(found)} times"
        return found[0] if found else None

    def _edit(self, tag: str, crm: str, **fields: Any) -> None:
        self.firm.clock.tick(seconds=7)
        found = self._find(tag, crm)
        if found is not None:
            FIGURES.edits += 1
            self.firm.crms[crm].shelf("case").edit(found["id"], **fields)

    # --- people ---

    @initialize(target=tags, crm=crms)
    def begin(self, crm: str) -> str:
        return self._open_case(crm)

    @rule(target=tags, crm=crms)
    def open_case(self, crm: str) -> str:
        """Somebody opens a case for the customer that all CRMs know."""
        return self._open_case(crm)

    def _open_case(self, crm: str) -> str:
        if self.cases == MOST_CASES:
            return f"C{self.cases}"
        self.cases += 1
        tag = f"C{self.cases}"
        self.firm.clock.tick(seconds=7)
        own = self.customer[crm]
        self.firm.crms[crm].shelf("case").add(title=self._title(tag), members=[own], links={"contact": own})
        self._hang(tag, crm)
        return tag

    def _hang(self, tag: str, crm: str) -> None:
        """A task of the case."""
        found = self._find(tag, crm)
        assert found is not None
        self.firm.crms[crm].add(title=f"Work on {tag}", due=date(2026, 4, 1), links={"case": found["id"]})

    @rule(tag=tags, crm=crms)
    def rename(self, tag: str, crm: str) -> None:
        found = self._find(tag, crm)
        if found is not None:
            known = known_values(self.firm.mirror)[tag, "title"]
            # What is taken back before anybody can have seen it, nobody has to know.
            self.unseen |= {found["title"]} - {str(value) for value in known}
            self._edit(tag, crm, title=self._title(tag))

    @rule(tag=tags, crm=crms, closed=st.booleans())
    def close(self, tag: str, crm: str, *, closed: bool) -> None:
        self._edit(tag, crm, done=closed)

    # --- tasksync, and lies ---

    def _cycle(self, **how: Any) -> Any:
        FIGURES.cycles += 1
        return asyncio.run(self.firm.sync(**how))

    @rule()
    def sync(self) -> None:
        self._cycle()

    @rule(moment=st.sampled_from(MOMENTS), at=st.integers(1, 30))
    def die(self, moment: Moment, at: int) -> None:
        self.disturbed = True
        with suppress(Killed):
            self._cycle(fate=(fate := Fate(moment=moment, at=at)))
        FIGURES.deaths += fate.dead

    @rule(crm=crms, fault=faults, method=st.sampled_from((None, "GET", "POST", "PUT")), times=st.integers(1, 3))
    def fail(self, crm: str, fault: str, method: str | None, times: int) -> None:
        FIGURES.faults += times
        self.disturbed = True
        do, _, status = fault.partition(" ")
        self.firm.crms[crm].faults.add(do, method=method, times=times, **({"status": int(status)} if status else {}))

    @rule()
    def quiet(self) -> None:
        for crm in self.firm.crms.values():
            crm.faults.clear()
        self.firm.clock.tick(hours=1)
        reports = [self._cycle() for _ in range(2)]
        self._settled()
        self.firm.forget_requests()
        self._cycle()
        assert self.firm.writes() == []
        assert self.firm.holds() == []
        assert reports[-1].exit_code == 0
        FIGURES.checks += 1

    def _settled(self) -> None:
        known = known_values(self.firm.mirror)
        for tag, titles in self.titles.items():
            found = {crm: self._find(tag, crm) for crm in CRMS}
            assert {None if one is None else one["title"] for one in found.values()} <= set(titles), found
            assert len({(one or {}).get("title") for one in found.values()}) == 1, found
            assert len({(one or {}).get("done") for one in found.values()}) == 1, found
            assert set(titles) - self.unseen <= {str(value) for value in known[tag, "title"]}, (titles, known)
            for crm, case in found.items():
                task = next(one for one in self.firm.crms[crm].tasks() if one["title"] == f"Work on {tag}")
                assert case is not None
                if self.disturbed and crm in self.links_stay and not task["links"]:
                    continue  # made when its case could not be known there, and nothing moves it any more
                assert task["links"]["case"] == case["id"]

    @invariant()
    def nothing_is_doubled(self) -> None:
        """Whatever happens, no case is twice in a CRM (I3)."""
        FIGURES.steps += 1
        for tag in self.titles:
            for crm in CRMS:
                self._find(tag, crm)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.quiet()
        finally:
            self.firm.mirror.close()


class CasesV1(Cases):
    """The same with Capsule's old protocol, in which the links of a task stand for good (capsule.md, 2.3, [OD])."""

    api = "v1"
    links_stay = frozenset({"capsule"})


for machine in (Cases, CasesV1):
    machine.TestCase.settings = settings(
        max_examples=int(os.environ.get("TASKSYNC_CONVERGENCE_EXAMPLES", "100")) // 8,
        stateful_step_count=20,
        deadline=None,
        derandomize="CI" in os.environ,
        suppress_health_check=[HealthCheck.too_slow],
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
TestCasesOverCapsuleV2 = Cases.TestCase
TestCasesOverCapsuleV1 = CasesV1.TestCase
