"""What is read from headers, and what is not believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.transport.headers import Quota, asked_wait_s, quota, server_date

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
EPOCH = int(NOON.timestamp())


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "23"}, 23.0),
        ({"retry-after": " 23 "}, 23.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:45 GMT"}, 45.0),
        ({"retry-after": "Sun, 01 Mar 2026 12:00:45 -0000"}, 45.0),
        ({"retry-after": "Sun, 01 Mar 2026 13:00:45 +0100"}, 45.0),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, None),
        ({"retry-after": "0"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "99999999999"}, 86400.0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -1200"}, None),
        ({"x-ratelimit-reset": str(EPOCH + 30)}, 30.0),
        ({"x-ratelimit-reset": str(EPOCH - 30)}, None),
        ({"x-ratelimit-reset": "later"}, None),
        ({"retry-after": "5", "x-ratelimit-reset": str(EPOCH + 30)}, 5.0),
        ({"retry-after": "0", "x-ratelimit-reset": str(EPOCH + 30)}, 30.0),
    ],
)
def test_asked_wait(headers: dict[str, str], wait_s: float | None) -> None:
    """Retry-After comes before X-RateLimit-Reset, and nonsense counts as not said."""
    assert asked_wait_s(headers, NOON) == wait_s


@given(st.text(), st.text())
def test_nothing_in_a_header_does_harm(one: str, other: str) -> None:
    """Whatever a server writes into these headers, reading them raises nothing and no wait exceeds a day."""
    headers = {"retry-after": one, "x-ratelimit-reset": other, "date": one, "x-ratelimit-remaining": other}
    wait_s = asked_wait_s(headers, NOON)
    assert wait_s is None or 0 < wait_s <= 86400
    server_date(headers)
    quota(headers)


def test_server_date() -> None:
    """Date is read as aware UTC."""
    assert server_date({"date": "Sun, 01 Mar 2026 12:00:45 GMT"}) == NOON + timedelta(seconds=45)


@pytest.mark.parametrize("headers", [{}, {"date": "today"}, {"date": "Sun, 01 Mar 2026 12:00:45 GMT", "age": "10"}])
def test_no_server_date(headers: dict[str, str]) -> None:
    """Without Date, or with that of an answer out of a cache, the server's time is not known."""
    assert server_date(headers) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"x-ratelimit-remaining": "5"}, None),
        ({"x-ratelimit-reset": str(EPOCH)}, None),
        (
            {"x-ratelimit-limit": "4000", "x-ratelimit-remaining": "5", "x-ratelimit-reset": str(EPOCH)},
            Quota(limit=4000, remaining=5, reset=NOON),
        ),
        (
            {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH)},
            Quota(limit=None, remaining=0, reset=NOON),
        ),
    ],
)
def test_quota(headers: dict[str, str], expected: Quota | None) -> None:
    """A quota is known only when both what is left and when it ends are said."""
    assert quota(headers) == expected
