"""By how much a server's clock differs from ours, found out from the `Date` of its answers.

`Date` is cut to whole seconds: when it is made, the server's time lies in [Date, Date + 1 s), so half a second is
added. It is compared with our clock at the middle between sending the request and getting the head of the answer;
that is wrong by at most half the round trip. Slow answers are therefore left out of account as long as there are quick
ones, and of those the median is taken, so that one answer held up in one direction decides nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

_KEPT = 16
_HALF_A_SECOND = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    difference: timedelta
    round_trip: timedelta


class ClockDifference:
    """The last answers of one connection. All times aware."""

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=_KEPT)

    def add(self, date: datetime, *, sent: datetime, received: datetime) -> None:
        """`date` is the server's, `sent` and `received` are ours. Ignored when our own clock was set back between."""
        if received < sent:
            return
        round_trip = received - sent
        self._samples.append(_Sample(difference=date + _HALF_A_SECOND - (sent + round_trip / 2), round_trip=round_trip))

    @property
    def value(self) -> timedelta:
        """Their clock minus ours. Zero while there was no `Date`, and as long as what was measured is no more than
        what cutting to seconds and the way there explain: a difference that is only noise would put stamps that are
        equal out of order.
        """
        if not self._samples:
            return timedelta(0)
        quickest = sorted(self._samples, key=lambda sample: sample.round_trip)[: (len(self._samples) + 1) // 2]
        difference = timedelta(seconds=median(sample.difference.total_seconds() for sample in quickest))
        noise = _HALF_A_SECOND + quickest[0].round_trip / 2
        return timedelta(0) if abs(difference) <= noise else difference
