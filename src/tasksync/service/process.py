"""What the process itself takes, under the names that all of Prometheus' client libraries use.

prometheus_client has such a collector, too, but that one asks /proc/stat when the machine was started, and says nothing
at all where it cannot: under systemd's ProcSubset=pid, which tasksync.service sets.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class ProcessCollector(Collector):
    """Memory and files are told where there is a /proc: on Linux."""

    def __init__(self, started_at: datetime) -> None:
        self._started_at = started_at

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("process_cpu_seconds", "Processor time, user and system.", value=time.process_time())
        yield GaugeMetricFamily(
            "process_start_time_seconds", "When the process began, in Unix time.", value=self._started_at.timestamp()
        )
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        yield GaugeMetricFamily("process_max_fds", "File descriptors that may be open.", value=float(limit))
        try:
            pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
            # The one that lists them is among them.
            descriptors = len(list(Path("/proc/self/fd").iterdir())) - 1
        except OSError:
            return
        resident = float(int(pages) * resource.getpagesize())
        yield GaugeMetricFamily("process_resident_memory_bytes", "Memory that is held in RAM.", value=resident)
        yield GaugeMetricFamily("process_open_fds", "File descriptors that are open.", value=float(descriptors))
