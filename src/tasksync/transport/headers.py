"""What the headers of an answer say about time: the server's clock, a wait it asks for, the quota that is left.

Servers send these by hand or through proxies that rewrite them, so anything that makes no sense counts as not said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

# Longer waits are a mistake of the server, or no better than "not today".
_LONGEST_WAIT_S = 24 * 60 * 60.0
_WHOLE_NUMBER = re.compile(r"[0-9]{1,11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`remaining` requests until `reset`, which is by the server's clock. `limit`: of the whole window, if said."""

    limit: int | None
    remaining: int
    reset: datetime


def server_date(headers: Mapping[str, str]) -> datetime | None:
    """The whole second, aware UTC, in which the server made the answer; None if it did not say, or a cache answered
    with an old one.
    """
    if headers.get("age", "0") != "0":
        return None
    return _http_date(headers.get("date", ""))


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the server wants us to wait, in seconds, at most a day. `now` is by the server's clock.

    `Retry-After` (seconds, or an HTTP date) comes first, then `X-RateLimit-Reset` (epoch seconds), which is all that
    Capsule says (protocols/capsule.md, 3.6).
    """
    for wait_s in (_retry_after_s(headers.get("retry-after", ""), now), _until_reset_s(headers, now)):
        if wait_s is not None and wait_s > 0:
            return min(wait_s, _LONGEST_WAIT_S)
    return None


def quota(headers: Mapping[str, str]) -> Quota | None:
    """What is left of the quota, by X-RateLimit-Remaining and -Reset; None unless both are there."""
    remaining = _number(headers.get("x-ratelimit-remaining", ""))
    reset = _number(headers.get("x-ratelimit-reset", ""))
    if remaining is None or reset is None:
        return None
    limit = _number(headers.get("x-ratelimit-limit", ""))
    return Quota(limit=limit or None, remaining=remaining, reset=datetime.fromtimestamp(reset, UTC))


def quota_left(headers: Mapping[str, str]) -> int | None:
    """How many requests remain, by X-RateLimit-Remaining, which Plannr sends alone (protocols/plannr.md, 3.5)."""
    return _number(headers.get("x-ratelimit-remaining", ""))


def _retry_after_s(text: str, now: datetime) -> float | None:
    seconds = _number(text)
    if seconds is not None:
        return float(seconds)
    moment = _http_date(text)
    return None if moment is None else (moment - now).total_seconds()


def _until_reset_s(headers: Mapping[str, str], now: datetime) -> float | None:
    reset = _number(headers.get("x-ratelimit-reset", ""))
    return None if reset is None else (datetime.fromtimestamp(reset, UTC) - now).total_seconds()


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if _WHOLE_NUMBER.fullmatch(text) else None


# A first sync gets thousands of answers, dozens in a second.
@lru_cache(maxsize=8)
def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # "-0000" comes back naive; in HTTP every date is in GMT.
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
