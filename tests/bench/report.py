"""What a bench came to: rows of figures, for people and for the README."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Rule = Literal["at most", "at least", "exactly"]
EXACTLY: Final[Mapping[str, Any]] = {"rule": "exactly", "bound": 1.0}
_HOLDS: Final = {"at most": operator.le, "at least": operator.ge, "exactly": operator.eq}
_COLUMNS: Final = ("case", "tasks", "figure", "ours", "theirs", "ratio", "at least", "aim", "holds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `measure` is what is compared with `bound` and `aim`: the ratio, or where there is none, ours.

    Without a `bound` it is for information. `theirs` is the bare client's, a peer's, or what it has to be.
    """

    case: str
    tasks: int
    figure: str
    unit: Literal["s", "MiB", "requests", "us/task", "statements", "x"]
    ours: float
    theirs: float | None = None
    rule: Rule = "at most"
    bound: float | None = None
    aim: float | None = None

    @property
    def ratio(self) -> float | None:
        return None if not self.theirs else self.ours / self.theirs

    @property
    def measure(self) -> float:
        return self.ours if self.ratio is None else self.ratio

    @property
    def holds(self) -> bool | None:
        """None for a row that is for information."""
        return None if self.bound is None else bool(_HOLDS[self.rule](self.measure, self.bound))

    @property
    def reached(self) -> bool | None:
        """Whether the aim is, too."""
        return None if self.aim is None else bool(_HOLDS[self.rule](self.measure, self.aim))

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "holds": self.holds, "reached": self.reached}

    def cells(self) -> tuple[str, ...]:
        """As `_COLUMNS` names them."""
        sign = {"at most": "<=", "at least": ">=", "exactly": "="}[self.rule]
        suffix = "" if self.ratio is None else " x"
        said = {None: "", True: "yes", False: "NO"}[self.holds]
        return (
            self.case,
            f"{self.tasks:,}",
            self.figure,
            self._shown(self.ours),
            "" if self.theirs is None else self._shown(self.theirs),
            "" if self.ratio is None else f"{self.ratio:.2f} x",
            "" if self.bound is None else f"{sign} {self.bound:g}{suffix}",
            "" if self.aim is None else f"{sign} {self.aim:g}{suffix}",
            said + (", aim too" if self.reached else ""),
        )

    def _shown(self, figure: float) -> str:
        if self.unit in {"requests", "statements"}:
            return f"{figure:,.0f}"
        digits = {"s": 3, "x": 2}.get(self.unit, 1)
        return f"{figure:.{digits}f} {self.unit}"


def table(rows: Iterable[Row]) -> str:
    """All rows, below one heading, in columns."""
    cells = [_COLUMNS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def all_hold(rows: Sequence[Row]) -> bool:
    return all(row.holds is not False for row in rows)
