"""The three simulated accounts of one small firm."""

from __future__ import annotations

from tasksync.ports import Clock
from tasksync.sandbox.capsule import Capsule
from tasksync.sandbox.crm import Crm
from tasksync.sandbox.onlyoffice import Onlyoffice
from tasksync.sandbox.plannr import Plannr
from tasksync.sandbox.seed import sample


class World:
    """Everything that the sandbox holds, in memory. With `seed`, sample tasks whose days are relative to now."""

    def __init__(self, clock: Clock, *, seed: bool = True) -> None:
        self.onlyoffice = Onlyoffice(clock)
        self.capsule = Capsule(clock)
        self.plannr = Plannr(clock)
        if seed:
            for crm in self.crms.values():
                sample(crm)

    @property
    def crms(self) -> dict[str, Crm]:
        """By the name in the url."""
        return {crm.name: crm for crm in (self.onlyoffice, self.capsule, self.plannr)}
