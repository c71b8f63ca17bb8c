"""The zone rule of ONLYOFFICE on ordinary days, on the days of daylight saving, and at the edges of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tasksync.connectors.onlyoffice.payload import NotUnderstood
from tasksync.connectors.onlyoffice.times import (
    day_start,
    due_form,
    parse_moment,
    portal_offset,
    portal_zone,
    sent,
)
from tasksync.core.lens import KEEP

LONDON = ZoneInfo("Europe/London")
HAVANA = ZoneInfo("America/Havana")
MOSCOW = ZoneInfo("Europe/Moscow")
NEW_YEAR = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "printed",
    [
        "2026-01-01T15:00:30.0000000+03:00",
        "2026-01-01T12:00:30.0000000Z",
        "2026-01-01T12:00:30.9999999Z",
        "2026-01-01T12:00:30Z",
        "2026-01-01T12-00-30.000Z",
        "2026-01-01T12-00-30.0000000Z",
        "2026-01-01T07:30:30.0000000-04:30",
        "2026-01-01T15:00:30",
    ],
)
def test_all_printed_forms_of_a_moment_are_one(printed: str) -> None:
    """Colons or hyphens, any fraction, any offset, and none for the portal's zone: one moment in whole seconds."""
    assert parse_moment(printed, MOSCOW) == NEW_YEAR


@pytest.mark.parametrize("printed", [None, "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:30:00.0000000-03:00"])
def test_unset_moments_are_none(printed: str | None) -> None:
    """An absent time, .NET's least, and one that UTC has no day for are no moments."""
    assert parse_moment(printed, MOSCOW) is None


@pytest.mark.parametrize("printed", ["", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "x" * 5000])
def test_what_is_no_moment_is_an_error_of_bounded_length(printed: str) -> None:
    """A text that is no time is refused without repeating all of it."""
    with pytest.raises(NotUnderstood) as caught:
        parse_moment(printed, MOSCOW)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("zone", "moment", "shown"),
    [
        (LONDON, datetime(2026, 3, 28, 0, 0, tzinfo=UTC), date(2026, 3, 28)),
        (LONDON, datetime(2026, 3, 29, 0, 0, tzinfo=UTC), date(2026, 3, 29)),
        (LONDON, datetime(2026, 3, 29, 23, 0, tzinfo=UTC), date(2026, 3, 30)),
        (LONDON, datetime(2026, 3, 30, 0, 0, tzinfo=UTC), datetime(2026, 3, 30, 0, 0, tzinfo=UTC)),
        (LONDON, datetime(2026, 3, 29, 1, 0, 0, 7, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (LONDON, datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (LONDON, datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (LONDON, datetime(2026, 10, 26, 0, 0, tzinfo=UTC), date(2026, 10, 26)),
        # Clocks in Havana go from 24:00 to 01:00 on 8 March, and from 01:00 back to 00:00 on 1 November.
        (HAVANA, datetime(2026, 3, 8, 5, 0, tzinfo=UTC), date(2026, 3, 8)),
        (HAVANA, datetime(2026, 11, 1, 4, 0, tzinfo=UTC), date(2026, 11, 1)),
        (HAVANA, datetime(2026, 11, 1, 5, 0, tzinfo=UTC), date(2026, 11, 1)),
        (HAVANA, datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    ],
)
def test_midnight_is_all_day_and_a_repeated_hour_counts_once(zone: ZoneInfo, moment: datetime, shown: object) -> None:
    """The day begins at the portal's midnight, or where that is skipped with what comes next."""
    assert due_form(moment, zone) == shown


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        (LONDON, date(2026, 1, 10), "2026-01-10T00:00:00Z"),
        (LONDON, date(2026, 3, 29), "2026-03-29T00:00:00Z"),
        (LONDON, date(2026, 3, 30), "2026-03-29T23:00:00Z"),
        (LONDON, date(2026, 10, 25), "2026-10-24T23:00:00Z"),
        (HAVANA, date(2026, 3, 8), "2026-03-08T05:00:00Z"),
        (HAVANA, date(2026, 11, 1), "2026-11-01T04:00:00Z"),
    ],
)
def test_an_all_day_date_is_sent_as_the_start_of_the_day(zone: ZoneInfo, day: date, start: str) -> None:
    """All-day dates go out as the first moment of the day in the portal's zone, whole seconds, in UTC."""
    assert sent(day_start(day, zone)) == start


@pytest.mark.parametrize(
    "value",
    [
        None,
        "2026-03-10",
        date.min,
        date.max,
        datetime.min.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=UTC),
        datetime(9999, 12, 30, 21, 0, tzinfo=UTC),
    ],
)
def test_what_the_column_cannot_hold_has_no_form(value: Any) -> None:
    """No due date, and years at the very ends of the calendar, have no form in the CRM and raise nothing."""
    assert due_form(value, MOSCOW) is KEEP


@pytest.mark.parametrize(
    ("serialised", "key"),
    [
        ("Europe/London;0;(UTC+00:00) London;GMT;BST;[01:01:0001;12:31:9999;60;];", "Europe/London"),
        ("Europe/London", "Europe/London"),
        ("UTC", "UTC"),
        ("GMT Standard Time;0;(UTC+00:00) Dublin, London;GMT;BST;;", None),
        ("Odd\\;Name;0;x;x;x;;", None),
        ("Europe;60;x;x;x;;", None),
        ("../etc/passwd", None),
        ("", None),
        (None, None),
        (180, None),
    ],
)
def test_the_portals_zone_is_taken_by_its_iana_name_only(serialised: object, key: str | None) -> None:
    """Of .NET's serialised zone the id counts, when zoneinfo knows it; a fixed offset is no zone."""
    zone = portal_zone({"timezone": serialised, "utcOffset": "03:00:00"})
    assert (None if zone is None else zone.key) == key


@pytest.mark.parametrize(
    ("hours", "offset"), [(3, timedelta(hours=3)), (-3.5, timedelta(hours=-3.5)), (None, None), ("3", None), (99, None)]
)
def test_the_portals_present_offset_is_read(hours: object, offset: timedelta | None) -> None:
    """`utcHoursOffset` may be fractional, absent or nonsense."""
    assert portal_offset({"utcHoursOffset": hours}) == offset
