"""The deletion guard: how many records may vanish at once before a person has to look (I6).

A filter that was changed, a right that was taken, a CRM restored from last week's backup: seen from here they all look
like a person deleting tasks by the hundred. So up to a limit deletions are carried out, and beyond it none of them is.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

FLOOR = 5
"""A share of a small account is less than one task; this many may always go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionLimit:
    """`max_deletes` of the config: a share of the connection's replicas (then at least `FLOOR`), or a number."""

    share: Fraction | None = Fraction(1, 10)
    count: int | None = None

    def allows(self, vanished: int, of: int) -> bool:
        """Whether `vanished` of `of` replicas may be taken for deleted in one cycle."""
        return vanished <= self.limit(of)

    def limit(self, of: int) -> int:
        """The greatest number of deletions carried out at once for a connection with `of` replicas."""
        if self.count is not None:
            return self.count
        return max(FLOOR, int((self.share or Fraction(0)) * of))
