"""By how much a server's clock differs from ours, found out from the `Date` of its answers.

`Date` is cut to whole seconds: when it is made, the server's time lies in [Date, Date + 1 s), so half a second is
added. It is compared with our clock at the middle between sending the request and getting the head of the answer;
that is wrong by at most half the round trip. Slow answers are therefore left out of account as long as there are quick
ones, and of those the median is taken, so that one answer held up in one direction decides nothing.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from operator import itemgetter
from statistics import median

_KEPT = 16
_HALF_A_SECOND = timedelta(milliseconds=500)


class ClockDifference:
    """The last answers of one connection. All times aware."""

    def __init__(self) -> None:
        self._samples: deque[tuple[timedelta, timedelta]] = deque(maxlen=_KEPT)  # round trip, difference
        self._value: timedelta | None = timedelta(0)

    def add(self, date: datetime, *, sent: datetime, received: datetime) -> None:
        """`date` is the server's, `sent` and `received` are ours. Ignored when our own clock was set back between."""
        if received < sent:
            return
        round_trip = received - sent
        self._samples.append((round_trip, date + _HALF_A_SECOND - (sent + round_trip / 2)))
        self._value = None

    @property
    def value(self) -> timedelta:
        """Their clock minus ours. Zero while there was no `Date`, and as long as what was measured is no more than
        what cutting to seconds and the way there explain: a difference that is only noise would put stamps that are
        equal out of order.
        """
        if self._value is None:
            self._value = self._measured()
        return self._value

    def _measured(self) -> timedelta:
        quickest = sorted(self._samples, key=itemgetter(0))[: (len(self._samples) + 1) // 2]
        difference = timedelta(seconds=median(difference.total_seconds() for _, difference in quickest))
        noise = _HALF_A_SECOND + quickest[0][0] / 2
        return timedelta(0) if abs(difference) <= noise else difference
