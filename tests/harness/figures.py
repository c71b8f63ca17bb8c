"""What the runs of the state machine came to, for the line at the end of the tests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Figures:
    """Counted over all examples, those that Hypothesis tries again included."""

    steps: int = 0
    cycles: int = 0
    edits: int = 0
    faults: int = 0
    deaths: int = 0
    checks: int = 0
    doubled: int = 0
    lost: int = 0
    wrongly_deleted: int = 0

    def __str__(self) -> str:
        return (
            f"{self.steps} steps, {self.cycles} cycles, {self.edits} edits, {self.faults} faults injected, "
            f"{self.deaths} processes killed, {self.checks} times quiet; "
            f"{self.doubled} doubled, {self.lost} lost, {self.wrongly_deleted} wrongly deleted"
        )


FIGURES = Figures()
