"""Guards against what no person can have meant: deletions in bulk (I6), and writing to and fro without end (I4).

A filter that was changed, a right that was taken, a CRM restored from last week's backup: seen from here they all look
like a person deleting tasks by the hundred. So up to a limit deletions are carried out, and beyond it none of them is.

Two CRMs whose automations disagree (one puts every title in capitals, the other takes them out) would have us carry
each one's edit to the other for ever. So what we write to a replica is remembered for as long as it is written in every
cycle, and when the same one or two contents come again and again, it stops.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tasksync.core.record import content_hash

FLOOR = 5
"""A share of a small account is less than one task; this many may always go."""

REPEATED = 5
"""In so many cycles in a row a replica may be written with the same content."""


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


def noted(wrote: tuple[str, ...], content: str, *, again: bool, still: bool) -> tuple[str, ...]:
    """What was written to a replica in cycle after cycle, with one more write. `content` is the hash of what was
    written. `again`: there was a write in this cycle already, and both count as one. `still`: there was one in the last
    cycle.
    """
    if again and wrote:
        return (*wrote[:-1], content_hash({"": wrote[-1] + content}))
    return (*wrote, content)[-REPEATED:] if still else (content,)


def oscillates(wrote: tuple[str, ...]) -> bool:
    """Whether nothing but the same one or two contents was written in the last `REPEATED` cycles."""
    return len(wrote) >= REPEATED and len(set(wrote)) <= 2
