"""The one place that asks the machine for the time."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, as `ports.Clock`."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""
        return datetime.now(UTC)
