"""What Prometheus is told: counters and histograms here, the gauges of the present in gauges.py.

Names and units follow Prometheus' convention: base units, `_total` for what only grows, `_seconds` for times. Labels
are bounded: the names of the connections, the words of enumerations, HTTP methods and status codes; what is none of
these counts as "other". deploy/monitoring/README.md lists all of them.
"""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterator
from http import HTTPMethod, HTTPStatus

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, Info
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from tasksync import __version__
from tasksync.core.plan import Action
from tasksync.ports import Clock, Traffic
from tasksync.service.gauges import StandingCollector
from tasksync.service.process import ProcessCollector
from tasksync.service.standing import Standing
from tasksync.service.turn import Part, State, Turn

_REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_OTHER = "other"
_ACTIONS = frozenset(Action)
_METHODS = frozenset(HTTPMethod)
_STATUSES = frozenset(HTTPStatus)


class _Registry(CollectorRegistry):
    """Leaves out when each series was born: that would nearly double their number, and nobody asks."""

    def collect(self) -> Iterator[Metric]:
        for family in super().collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


class Metrics:
    """A registry of its own, and what is counted in it. Also a `ports.Meter`. Used from one thread."""

    def __init__(self, standing: Standing, clock: Clock) -> None:
        self._registry = registry = _Registry()
        self._names: frozenset[str] = frozenset()
        self._labels: dict[Counter | Histogram, tuple[str, ...]] = {}

        def counter(name: str, documentation: str, *labels: str, unit: str = "") -> Counter:
            made = Counter(name, documentation, labels, unit=unit, registry=registry)
            self._labels[made] = labels
            return made

        def histogram(name: str, documentation: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            made = Histogram(name, documentation, labels, unit="seconds", buckets=buckets, registry=registry)
            self._labels[made] = labels
            return made

        self._polls = counter("tasksync_polls_total", "Polls, by how they went.", "connection", "state")
        self._read = counter("tasksync_records_read_total", "Records read in polls.", "connection")
        self._writes = counter("tasksync_writes_total", "Writes that the CRM carried out.", "connection", "action")
        self._failures = counter("tasksync_write_failures_total", "Writes that did not get through.", "connection")
        self._requests = counter(
            "tasksync_requests_total",
            "HTTP requests, every try counted; the status is none when there was no answer.",
            *("connection", "method", "status"),
        )
        self._received_bytes = counter(
            "tasksync_received_bytes_total", "Bodies of answers, as they came: packed.", "connection", unit="bytes"
        )
        self._sent_bytes = counter("tasksync_sent_bytes_total", "Bodies of requests.", "connection", unit="bytes")
        self._conflicts = counter("tasksync_conflicts_total", "Conflicts that were decided.")
        self._request_s = histogram(
            "tasksync_request_duration_seconds", "How long requests took.", _REQUEST_BUCKETS, "connection"
        )
        self._poll_s = histogram("tasksync_poll_duration_seconds", "How long polls took.", _LONG_BUCKETS, "connection")
        self._cycle_s = histogram("tasksync_cycle_duration_seconds", "How long cycles took.", _LONG_BUCKETS)
        self._cycle_cpu_s = counter(
            "tasksync_cycle_cpu_seconds_total", "Processor time of the process during cycles.", unit="seconds"
        )
        self._rows = counter("tasksync_rows_written_total", "Rows of the mirror that cycles wrote.")
        build = Info("tasksync_build", "Which tasksync this is.", registry=registry)
        build.info({"version": __version__, "python": platform.python_version()})
        registry.register(StandingCollector(standing, clock))
        registry.register(ProcessCollector(standing.started_at))
        GCCollector(registry=registry)

    def configure(self, names: Collection[str]) -> None:
        """From now on these are the connections: the series of others end, and those that nothing was counted in yet
        begin at zero, so that their first event is seen as a rise.
        """
        self._names = frozenset(names)
        for metric, labels in self._labels.items():
            if "connection" in labels:
                self._forget_others(metric, labels)
        for name in names:
            for state in State:
                if state is not State.UNKNOWN:
                    self._polls.labels(name, state)
            for action in Action:
                self._writes.labels(name, action)
            for metric, labels in self._labels.items():
                if labels == ("connection",):
                    metric.labels(name)

    def requested(self, connection: str, method: str, status: int | None, elapsed_s: float, traffic: Traffic) -> None:
        """A try of a request has ended, with that HTTP status, or without an answer (None)."""
        if connection not in self._names:
            return
        self._requests.labels(connection, method if method in _METHODS else _OTHER, _status(status)).inc()
        self._request_s.labels(connection).observe(elapsed_s)
        self._received_bytes.labels(connection).inc(traffic.received_bytes)
        self._sent_bytes.labels(connection).inc(traffic.sent_bytes)

    def take(self, turn: Turn) -> None:
        """Count what a turn came to. Its run id goes along with its duration, as an exemplar."""
        self._cycle_s.observe(turn.cost.wall_s, {"run": turn.run})
        self._cycle_cpu_s.inc(turn.cost.cpu_s)
        self._rows.inc(turn.cost.rows_written)
        self._conflicts.inc(turn.conflicts)
        for part in turn.parts:
            if part.name in self._names:
                self._take(part)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All of it in the format that the header `Accept` asks for, and the content type of that. OpenMetrics has the
        exemplars.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _take(self, part: Part) -> None:
        if part.polled:
            self._polls.labels(part.name, part.state).inc()
            self._poll_s.labels(part.name).observe(part.poll_s)
        self._read.labels(part.name).inc(part.read)
        self._failures.labels(part.name).inc(part.failed)
        for action, count in part.written.items():
            self._writes.labels(part.name, action if action in _ACTIONS else _OTHER).inc(count)

    def _forget_others(self, metric: Counter | Histogram, labels: tuple[str, ...]) -> None:
        gone = {
            tuple(sample.labels[label] for label in labels)
            for family in metric.collect()
            for sample in family.samples
            if sample.labels["connection"] not in self._names
        }
        for values in gone:
            metric.remove(*values)


def _status(status: int | None) -> str:
    if status is None:
        return "none"
    return str(status) if status in _STATUSES else _OTHER
