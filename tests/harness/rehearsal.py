"""What people did before a run, what an undisturbed run makes of it, and what a disturbed one must come to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stage import Ended, Stage, Start

from tasksync.sandbox.world import World

CYCLES = 2
"""How many cycles the program may need after a crash before one that has nothing to write (I1)."""


def edit_everywhere(stage: Stage) -> None:
    """Three accounts were in step. Then people create, edit, complete, reopen and delete a task in each, edit two tasks
    in two places, and delete one that is edited elsewhere.
    """
    for name, crm in stage.world.crms.items():
        for what in ("Edited", "Completed", "Reopened", "Removed"):
            crm.add(title=f"{what} in {name}", body="As it was.", due="2031-03-05", done=what == "Reopened")
    for title in ("Contested", "Shared", "Edited and removed"):
        stage.world.capsule.add(title=title, body="As it was.", due="2031-03-05")
    stage.quieten(CYCLES)
    for name, crm in stage.world.crms.items():
        ids = {task["title"]: task["id"] for task in crm.tasks()}
        crm.add(title=f"Created in {name}", body="Made up.", due="2031-03-06T09:30:00Z")
        crm.edit(ids[f"Edited in {name}"], body="Two\nlines.", title=f"Edited well in {name}")
        crm.edit(ids[f"Completed in {name}"], done=True)
        crm.edit(ids[f"Reopened in {name}"], done=False)
        crm.remove(ids[f"Removed in {name}"])
    second = a_new_second(stage.world)
    edit(stage.world, "capsule", "Contested", body="Said here.", modified=second)
    edit(stage.world, "plannr", "Contested", body="Said there.", modified=second)
    edit(stage.world, "onlyoffice", "Shared", due="2031-03-07")
    edit(stage.world, "plannr", "Shared", body="Edited.")
    edit(stage.world, "capsule", "Edited and removed", body="Still needed.")
    stage.world.plannr.remove(task_id(stage.world, "plannr", "Edited and removed"))


def meet(stage: Stage) -> None:
    """No mirror yet. Each account has a task of its own; one task is in all three, one in two, with different texts."""
    day = {"due": "2031-03-05", "created": "2026-01-05T09:00:00Z"}
    for number, (name, crm) in enumerate(stage.world.crms.items(), start=1):
        stamp = f"2026-01-0{5 + number}T09:00:00Z"
        crm.add(title=f"Only in {name}", body="Of its own.", modified=stamp, **day)
        crm.add(title="In all three", body=f"As in {name}.", modified=stamp, **day)
        if name != "onlyoffice":
            crm.add(title="In two", body="" if name == "plannr" else "As in one.", modified=stamp, **day)


def task_id(world: World, crm: str, title: str) -> str:
    (found,) = [task["id"] for task in world.crms[crm].tasks() if task["title"] == title]
    return str(found)


def a_new_second(world: World) -> datetime:
    """One that begins after all that was read until now, for edits whose stamps are to be equal: a stamp that is cut to
    a second in which the CRM was read counts as made after that, which is another moment for each CRM.
    """
    read_in = world.capsule.stamp()
    while (second := world.capsule.stamp()) == read_in:
        time.sleep(0.01)
    return second


def edit(world: World, crm: str, title: str, **fields: Any) -> None:
    world.crms[crm].edit(task_id(world, crm, title), **fields)


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A scenario on its stage, and what an undisturbed run makes of it."""

    stage: Stage
    start: Start
    trace: list[str]
    outcome: dict[str, Any]

    @property
    def points(self) -> list[int]:
        """The numbers of the points to kill at."""
        return [number for number, point in enumerate(self.trace, start=1) if " GET " not in point]

    def disturb(self, number: int, what: str) -> Ended:
        """Run from the start again; at point `number`, what the driver knows by the name `what` happens."""
        self.stage.begin(self.start)
        return self.stage.sync(at=number, do=what)

    def recover(self) -> tuple[int, str]:
        """Start again, undisturbed: how many cycles it took, and what is wrong in the end, if anything."""
        try:
            cycles = self.stage.quieten(CYCLES)
        except AssertionError as error:
            return CYCLES, str(error)
        outcome = self.stage.state()
        wrong = [name for name in outcome if outcome[name] != self.outcome[name]]
        return cycles, "; ".join(f"{name}: {outcome[name]} instead of {self.outcome[name]}" for name in wrong)


def rehearse(stage: Stage, scenario: Callable[[Stage], None]) -> Rehearsal:
    stage.begin(stage.blank)
    scenario(stage)
    start = stage.keep()
    undisturbed = stage.sync()
    assert undisturbed.code == 0, undisturbed.stderr
    stage.quieten(0)
    return Rehearsal(stage=stage, start=start, trace=undisturbed.trace, outcome=stage.state())
