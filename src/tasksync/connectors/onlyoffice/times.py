"""Times as ONLYOFFICE keeps, prints and accepts them. Pure.

A deadline is an instant, kept in UTC in whole seconds and printed in the portal's zone (protocols/onlyoffice.md, 3,
[S]). 00:00 portal time means "no time chosen": an all-day date. Where daylight saving skips midnight, the first moment
of the day stands for it. Of the two instants with the same wall clock in the hour that daylight saving repeats, the
first stands for both, because the server goes through local time and may exchange them [I].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.core.lens import KEEP, Shown
from tasksync.core.record import Value

# What MySQL's DATETIME holds, less a day at each end so that no zone leads out of it.
_FIRST_DAY: Final = date(1000, 1, 2)
_LAST_DAY: Final = date(9999, 12, 30)

_PRINTED = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)[:-](\d\d)[:-](\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def portal_zone(settings: Mapping[str, Any]) -> ZoneInfo | None:
    """The zone that the answer to `GET settings` names, None if zoneinfo does not know it.

    `timezone` is .NET's serialised zone, ``id;offset in minutes;display name;...``, `;` in the id escaped by a
    backslash. The id is an IANA name on Linux and a Windows name ("GMT Standard Time") elsewhere (3, [S]).
    """
    serialised = settings.get("timezone")
    if not isinstance(serialised, str):
        return None
    try:
        return ZoneInfo(re.split(r"(?<!\\);", serialised, maxsplit=1)[0])
    except (KeyError, ValueError, OSError):  # unknown; no possible name; the name of a directory of zones
        return None


def portal_offset(settings: Mapping[str, Any]) -> timedelta | None:
    """The portal's offset from UTC at the time of the answer (`utcHoursOffset`), None if it does not tell."""
    hours = settings.get("utcHoursOffset")
    return timedelta(hours=hours) if isinstance(hours, int | float) and abs(hours) < 24 else None


def parse_moment(printed: str | None, zone: tzinfo) -> datetime | None:
    """A printed time as aware UTC in whole seconds; None for an absent one, for .NET's "unset" (0001-01-01), and at the
    very end of the calendar, where UTC leads out of it.

    Any number of fraction digits, colons or hyphens within the time, and a missing zone meaning the portal's are
    understood (3, [S]). Raises `NotUnderstood` for anything else.
    """
    if printed is None or printed.startswith("0001-01-01"):
        return None
    match = _PRINTED.fullmatch(printed)
    if match is None:
        raise NotUnderstood(f"a time that reads {printed[:40]!r}")
    day, hour, minute, second, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}")
        return moment.replace(tzinfo=_offset(offset) if offset else zone).astimezone(UTC)
    except OverflowError:
        return None
    except ValueError:
        raise NotUnderstood(f"a time that reads {printed[:40]!r}") from None


def _offset(printed: str) -> tzinfo:
    if printed == "Z":
        return UTC
    size = timedelta(hours=int(printed[1:3]), minutes=int(printed[4:6]))
    return timezone(-size if printed[0] == "-" else size)


def due_form(value: Value, zone: tzinfo) -> Shown:
    """What the portal shows for a due date or instant; KEEP for none, and for years that the CRM cannot hold."""
    if not isinstance(value, date):
        return KEEP
    if not _holds(value):
        return KEEP
    moment = value.replace(microsecond=0) if isinstance(value, datetime) else day_start(value, zone)
    local = moment.astimezone(zone)
    if local.time() == time(0) or moment == day_start(local.date(), zone):
        shown: date = local.date()
    else:
        shown = local.replace(fold=0).astimezone(UTC)
    return shown if _holds(shown) else KEEP


def day_start(day: date, zone: tzinfo) -> datetime:
    """The first moment of `day` in `zone`, aware UTC: 00:00, or what the clock shows next where that is skipped."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)


def _holds(value: date) -> bool:
    return _FIRST_DAY <= (value.date() if isinstance(value, datetime) else value) <= _LAST_DAY


def sent(moment: datetime) -> str:
    """An instant as it goes into a request: UTC in whole seconds, because most fractions do not survive the server's
    JSON reader (3, "JSON body trap", [L+I]).
    """
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
