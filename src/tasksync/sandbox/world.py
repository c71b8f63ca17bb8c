"""The three simulated accounts of one small firm."""

from __future__ import annotations

from tasksync.ports import Clock
from tasksync.sandbox.capsule import Capsule
from tasksync.sandbox.company import move_in
from tasksync.sandbox.crm import Crm
from tasksync.sandbox.onlyoffice import Onlyoffice
from tasksync.sandbox.plannr import Plannr
from tasksync.sandbox.seed import sample


class World:
    """Everything that the sandbox holds, in memory. With `seed`, sample tasks whose days are relative to now; with
    `company`, ten people in every CRM, with customers, cases and tasks of theirs.
    """

    def __init__(self, clock: Clock, *, seed: bool = True, company: bool = False) -> None:
        self.onlyoffice = Onlyoffice(clock)
        self.capsule = Capsule(clock)
        self.plannr = Plannr(clock)
        for crm in self.crms.values():
            if seed:
                sample(crm)
            if company:
                move_in(crm)

    @property
    def crms(self) -> dict[str, Crm]:
        """By the name in the url."""
        return {crm.name: crm for crm in (self.onlyoffice, self.capsule, self.plannr)}
