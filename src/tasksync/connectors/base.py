"""What connectors share: the part of `ports.Connector` that is the same over any HTTP, and a notation of the config."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

from tasksync.connectors.manifest import ConnectionSettings
from tasksync.ports import Capabilities, Http, Traffic

_DAYS = re.compile(r"\+(\d{1,4})d", re.ASCII)


class HttpConnector:
    """The base of a `ports.Connector` that speaks to its CRM through one `Http`."""

    def __init__(self, settings: ConnectionSettings, http: Http) -> None:
        self._settings = settings
        self._http = http

    @property
    def connection(self) -> str:
        return self._settings.name

    @property
    def requests(self) -> int:
        return self._http.requests

    @property
    def traffic(self) -> Traffic:
        return self._http.traffic

    @property
    def clock_difference(self) -> timedelta:
        return self._http.clock_difference

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    @property
    def categories(self) -> Sequence[str]:
        return ()

    async def close(self) -> None:
        await self._http.close()


def _days_ahead(written: object) -> timedelta:
    found = _DAYS.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise ValueError("must be a number of days from today, such as +7d")
    return timedelta(days=int(found[1]))


DaysAhead = Annotated[timedelta, BeforeValidator(_days_ahead)]
"""`+7d` in the config: so many days after the day of the create."""


def written_ahead(ahead: timedelta) -> str:
    """`DaysAhead` as it is written in the config."""
    return f"+{ahead.days}d"
