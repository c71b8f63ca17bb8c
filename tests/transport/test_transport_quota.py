"""What a CRM says remains of its quota, for `tasksync check`, and for the pace of the daemon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from tasksync.ports import RateLimit


async def test_the_last_answer_that_spoke_of_it_counts(dialer: Callable[..., Any]) -> None:
    """Also where the CRM does not say when it begins anew, as Plannr; answers that are silent change nothing."""
    remaining = iter(["41", None, "nonsense", "40"])

    def answer(_: httpx.Request) -> httpx.Response:
        told = next(remaining)
        return httpx.Response(200, headers={} if told is None else {"X-RateLimit-Remaining": told})

    made = dialer(transport=httpx.MockTransport(answer))
    limit = RateLimit(requests=1000, per_s=1)
    office, other = (
        made(connection=name, base_url="http://crm.test", limit=limit, expects="json", headers={})
        for name in ("office", "other")
    )
    assert made.quota("office") is None
    seen = []
    for _ in range(4):
        await office.send("GET", "/x")
        seen.append(made.quota("office").remaining)
    assert seen == [41, 41, 41, 40]
    assert other.quota is None
    assert made.quota("other") is None
    assert made.quota("nobody") is None


@pytest.mark.parametrize(
    ("told", "limit", "lasts_s"),
    [
        ({"Remaining": "7"}, 1000, 60),
        ({"Remaining": "7", "Reset": "1772366420"}, 1000, 20),
        ({"Remaining": "7", "Reset": "1772366420", "Limit": "4000"}, 4000, 20),
    ],
    ids=["as documented", "until the reset", "of as many as it says"],
)
async def test_the_quota_is_told_by_our_clock(
    dialer: Callable[..., Any], told: Mapping[str, str], limit: int, lasts_s: int
) -> None:
    """The end of the window is the CRM's, moved by its clock difference, or else that of the documented limit."""
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    headers = {f"X-RateLimit-{name}": value for name, value in told.items()}
    # Its clock is an hour and twenty seconds behind the reset in the parameters, ours shows noon.
    headers["Date"] = format_datetime(datetime.fromtimestamp(1772366400, UTC), usegmt=True)
    made = dialer(transport=httpx.MockTransport(lambda _: httpx.Response(200, headers=headers)))
    allowed = RateLimit(requests=1000, per_s=60, by_quota=True)
    session = made(connection="office", base_url="http://crm.test", limit=allowed, expects="json", headers={})
    await session.send("GET", "/x")
    quota = made.quota("office")
    assert (quota.remaining, quota.limit) == (7, limit)
    assert abs((quota.reset - now).total_seconds() - lasts_s) <= 1
