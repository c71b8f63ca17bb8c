"""What Prometheus is told of the present: read off `Standing` at the moment of the scrape, so that ages grow between
two turns, and a connection that is gone leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tasksync.ports import Clock, OperationState
from tasksync.service.standing import ConnectionStanding, Standing
from tasksync.service.turn import Part, State


@dataclass(frozen=True, slots=True)
class _Gauge:
    """One value per connection; None: not known, and then there is no series."""

    name: str
    documentation: str
    value: Callable[[ConnectionStanding, datetime], float | None]
    unit: str = ""


def _of_part(value: Callable[[Part], float | None]) -> Callable[[ConnectionStanding, datetime], float | None]:
    return lambda one, _: None if one.part is None else value(one.part)


def _seconds(since: datetime, now: datetime) -> float:
    """Not below zero: a clock may have been set back."""
    return max(0.0, (now - since).total_seconds())


def _up(one: ConnectionStanding, _: datetime) -> float | None:
    return None if one.state is State.UNKNOWN else float(one.state is State.OK)


def _poll_lag(one: ConnectionStanding, now: datetime) -> float:
    return _seconds(one.polled_at or one.since, now)


def _snapshot_lag(one: ConnectionStanding, now: datetime) -> float:
    complete_at = None if one.part is None else one.part.complete_at
    return _seconds(complete_at or one.since, now)


def _oldest_age(one: ConnectionStanding, now: datetime) -> float:
    oldest_at = None if one.part is None else one.part.oldest_at
    return 0.0 if oldest_at is None else _seconds(oldest_at, now)


def _next_poll(one: ConnectionStanding, _: datetime) -> float | None:
    return None if one.next_poll_at is None else one.next_poll_at.timestamp()


_GAUGES = (
    _Gauge("tasksync_up", "Whether the last attempt to poll the connection went well.", _up),
    _Gauge(
        "tasksync_consecutive_failures",
        "Attempts to poll the connection that failed, in a row.",
        lambda one, _: float(one.failures),
    ),
    _Gauge(
        "tasksync_poll_interval_seconds",
        "How often the connection is to be polled (poll_every).",
        lambda one, _: one.poll_every.total_seconds(),
        "seconds",
    ),
    _Gauge(
        "tasksync_poll_lag_seconds",
        "Since the last poll that went well, or since the start while there was none.",
        _poll_lag,
        "seconds",
    ),
    _Gauge(
        "tasksync_snapshot_lag_seconds",
        "Since the last complete snapshot was begun, or since the start while there was none.",
        _snapshot_lag,
        "seconds",
    ),
    _Gauge(
        "tasksync_next_poll_timestamp_seconds",
        "When the connection is looked at again, in Unix time.",
        _next_poll,
        "seconds",
    ),
    _Gauge(
        "tasksync_outbox_oldest_age_seconds",
        "How long the oldest operation that waits for no person has waited; 0 when there is none.",
        _oldest_age,
        "seconds",
    ),
    _Gauge(
        "tasksync_holds",
        "What a person has to decide about the connection.",
        _of_part(lambda part: float(part.held)),
    ),
    _Gauge(
        "tasksync_clock_difference_seconds",
        "The CRM's clock minus ours.",
        _of_part(lambda part: part.clock_difference_s),
        "seconds",
    ),
    _Gauge(
        "tasksync_quota_remaining_requests",
        "Requests that the CRM still allows, if it says so.",
        _of_part(lambda part: part.quota_left),
        "requests",
    ),
    _Gauge(
        "tasksync_quota_limit_requests",
        "Requests that the CRM allows from one reset of the quota to the next, if it says so.",
        _of_part(lambda part: part.quota_limit),
        "requests",
    ),
)


class StandingCollector(Collector):
    """The gauges, as prometheus_client asks for them."""

    def __init__(self, standing: Standing, clock: Clock) -> None:
        self._standing = standing
        self._clock = clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = self._clock.now()
        connections = self._standing.connections
        for gauge in _GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.documentation, labels=["connection"], unit=gauge.unit)
            for name, one in connections.items():
                value = gauge.value(one, now)
                if value is not None:
                    family.add_metric([name], value)
            yield family
        yield self._states()
        yield self._outbox()
        yield from self._whole()

    def _states(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "tasksync_connection_state",
            "1 for the state that the connection is in, 0 for the others.",
            labels=["connection", "state"],
        )
        for name, one in self._standing.connections.items():
            for state in State:
                family.add_metric([name, state], float(one.state is state))
        return family

    def _outbox(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "tasksync_outbox_operations",
            "Operations that the connection still has to get.",
            labels=["connection", "state"],
        )
        for name, one in self._standing.connections.items():
            if one.part is not None:
                for state in OperationState:
                    family.add_metric([name, state], float(one.part.outbox.get(state, 0)))
        return family

    def _whole(self) -> Iterator[GaugeMetricFamily]:
        """Of the program, not of one connection."""
        yield GaugeMetricFamily(
            "tasksync_mirror_writable",
            "Whether the mirror could be read and written when it was last needed.",
            value=float(self._standing.mirror_fault is None),
        )
        code = GaugeMetricFamily("tasksync_last_cycle_exit_code", "What the last cycle came to: 0 is in step.")
        ended = GaugeMetricFamily(
            "tasksync_last_cycle_timestamp_seconds", "When the last cycle ended, in Unix time.", unit="seconds"
        )
        last = self._standing.last_turn
        if last is not None:
            code.add_metric([], float(last.exit_code))
            ended.add_metric([], last.finished_at.timestamp())
        yield code
        yield ended
