"""What a CRM says remains of its quota, for `tasksync check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

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
    assert made.quota_left("office") is None
    seen = []
    for _ in range(4):
        await office.send("GET", "/x")
        seen.append(made.quota_left("office"))
    assert seen == [41, 41, 41, 40]
    assert other.quota_left is None
    assert made.quota_left("other") is None
    assert made.quota_left("nobody") is None
