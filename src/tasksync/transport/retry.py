"""Trying again: how often, how long, and how far apart. Whether at all, `faults` decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tasksync.ports import Response
from tasksync.transport.faults import Fault
from tasksync.transport.limits import Monotonic, Sleep

if TYPE_CHECKING:
    from tenacity import RetryCallState

Outcome = Response | Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most `tries`, and none that starts later than `total` after the first one. Raises `ValueError`."""

    tries: int = 5
    total: timedelta = timedelta(seconds=60)

    def __post_init__(self) -> None:
        if self.tries < 1 or self.total <= timedelta(0):
            raise ValueError("A request needs at least one try and some time.")


async def persist(
    attempt: Callable[[], Awaitable[Outcome]],
    policy: RetryPolicy,
    *,
    monotonic: Monotonic,
    rest: Sleep,
    throttled: Callable[[float], None],
) -> Outcome:
    """The first outcome with which it is not worth, or not safe, to go on. `rest` waits between two tries and may
    raise; `throttled` hears of a wait, in seconds, that is meant for the whole connection, before it begins.

    A wait that the server asks for is kept to the second, or, if it does not fit into the policy, not begun at all.
    """
    started = monotonic()
    first = await attempt()
    if not _worth_repeating(first):
        return first
    # Tenacity takes its time, to be imported and for each request, so it begins with what has become of a first try.
    from tenacity import AsyncRetrying, retry_if_result, wait_exponential, wait_random  # noqa: PLC0415

    total_s = policy.total.total_seconds()
    # Doubling from half a second; the random part keeps requests that failed together from coming back together.
    backoff = wait_exponential(multiplier=0.5, max=15) + wait_random(0, 0.5)

    def wait_s(state: RetryCallState) -> float:
        asked = _fault(state).wait_s
        return backoff(state) if asked is None else asked

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number >= policy.tries or monotonic() - started + state.upcoming_sleep > total_s

    def tell(state: RetryCallState) -> None:
        if _fault(state).throttled:
            throttled(state.upcoming_sleep)

    tried = [first]

    async def attempt_again() -> Outcome:
        return tried.pop() if tried else await attempt()

    retrying = AsyncRetrying(
        sleep=rest,
        wait=wait_s,
        stop=enough,
        retry=retry_if_result(_worth_repeating),
        before_sleep=tell,
        retry_error_callback=_fault,
    )
    outcome: Outcome = await retrying(attempt_again)
    return outcome


def _worth_repeating(outcome: Outcome) -> bool:
    return isinstance(outcome, Fault) and outcome.repeat


def _fault(state: RetryCallState) -> Fault:
    assert state.outcome is not None
    fault = state.outcome.result()
    assert isinstance(fault, Fault)
    return fault
