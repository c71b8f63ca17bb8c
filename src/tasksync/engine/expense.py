"""What a cycle costs, measured from its beginning on."""

from __future__ import annotations

from collections.abc import Callable

from tasksync.ports import Cost, Mirror, Usage


class Expense:
    """Counts from its construction on. `usage`: what the process has taken so far."""

    def __init__(self, usage: Callable[[], Usage], mirror: Mirror) -> None:
        self._usage = usage
        self._mirror = mirror
        self._before = usage()
        self._rows_before = mirror.rows_written

    def so_far(self) -> Cost:
        """What it has come to until now."""
        now = self._usage()
        return Cost(
            wall_s=now.wall_s - self._before.wall_s,
            cpu_s=now.cpu_s - self._before.cpu_s,
            rows_written=self._mirror.rows_written - self._rows_before,
            peak_rss_bytes=now.peak_rss_bytes,
        )
