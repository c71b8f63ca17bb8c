"""What things cost: a connection's traffic, and what a cycle takes of the machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes of the bodies of requests and answers, every try counted, as they go over the wire: what comes packed
    counts packed. Headers and what TLS adds are not in it.
    """

    received_bytes: int = 0
    sent_bytes: int = 0

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(
            received_bytes=self.received_bytes + other.received_bytes, sent_bytes=self.sent_bytes + other.sent_bytes
        )

    def __sub__(self, other: Traffic) -> Traffic:
        return Traffic(
            received_bytes=self.received_bytes - other.received_bytes, sent_bytes=self.sent_bytes - other.sent_bytes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What this process has taken so far. `wall_s` is by a clock that nobody sets, from whatever moment on; `cpu_s` is
    of all threads, user and system; `peak_rss_bytes` is the most memory that it ever held in RAM, None where the
    system does not tell.
    """

    wall_s: float
    cpu_s: float
    peak_rss_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a cycle took of the machine it ran on. `cpu_s` and `peak_rss_bytes` are the process's, of which the latter
    is since its start (see `Usage`); `rows_written` the mirror's, but for the row of the run itself, which tells them.
    """

    wall_s: float
    cpu_s: float
    rows_written: int
    peak_rss_bytes: int | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: times to the millisecond."""
        return {
            "wall_s": round(self.wall_s, 3),
            "cpu_s": round(self.cpu_s, 3),
            "rows_written": self.rows_written,
            "peak_rss_bytes": self.peak_rss_bytes,
        }
