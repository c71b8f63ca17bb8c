"""How long until a connection is asked again.

At its own pace while all is well. After each failure twice as long, up to a limit, so that a CRM that is down costs
little and one that comes back is noticed soon; the first success leads back to its own pace. And where a CRM says that
the quota runs short, as seldom as what is left lasts until there is a new one: a daemon that runs into a 429 takes the
quota from everybody who works with that account.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tasksync.service.standing import ConnectionStanding

LONGEST: Final = timedelta(minutes=15)
"""A connection that fails is asked again at least so often, unless its own pace is slower."""

_OURS: Final = 2
"""One part in so many of what is left of a quota is for polls. The rest is for what has to be written, and for the
firm's other programs.
"""


def until_next(one: ConnectionStanding, now: datetime) -> timedelta:
    """From now until the next attempt."""
    if one.failures:
        # Not computed beyond what is needed: 2 ** 5000 is no duration.
        return min(one.poll_every * (1 << min(one.failures, 20)), max(LONGEST, one.poll_every))
    return max(one.poll_every, _as_quota_lasts(one, now))


def _as_quota_lasts(one: ConnectionStanding, now: datetime) -> timedelta:
    part = one.part
    if part is None or part.quota_left is None or part.quota_reset is None or part.quota_reset <= now:
        return timedelta(0)
    left = part.quota_reset - now
    affordable = part.quota_left // (_OURS * max(1, part.poll_requests))
    return left / affordable if affordable else left
