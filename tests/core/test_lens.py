"""The laws of every way to build a lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasksync.core.lens import (
    KEEP,
    Lens,
    basic_plane,
    choice,
    cut,
    cut_bytes,
    due,
    one_line,
    same,
    stripped,
    text,
    wall_clock,
    whole_seconds,
)
from tasksync.core.record import Value, identical

# The nights of each zone on which its clocks are put forward or back, or a day is left out, in UTC.
NIGHTS = {
    "Europe/London": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/New_York": ("2026-03-08T07:00", "2026-11-01T06:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),  # by half an hour
    "America/Sao_Paulo": ("2018-11-04T03:00", "2018-02-18T02:00"),  # at midnight: 00:00 is missing, 23:00 comes twice
    "Asia/Beirut": ("2026-03-28T22:00", "2026-10-24T21:00"),  # likewise
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),  # 00:00 is missing, 00:00 comes twice
    "Pacific/Apia": ("2011-12-30T10:00",),  # a whole day is missing
}
ZONES = sorted(NIGHTS)
CATEGORIES = ("Call", "E-Mail", "Stra\u00dfe", "Встреча")
TWINS = ("call", "Call", "CALL", "Stra\u00dfe", "Strasse")

texts = st.text() | st.text("a\u00e9 \n\t\u2028\u20ac\ufffd\U0001f600", max_size=12) | st.text().map(lambda t: t * 60)
days = st.dates(date(1900, 1, 1), date(2200, 1, 1))
anywhere = st.timedeltas(timedelta(days=-25_000), timedelta(days=84_000)).map(
    lambda since: datetime(1970, 1, 1, tzinfo=UTC) + since
)
names = st.sampled_from([*CATEGORIES, "call", "CALL", "STRASSE", "встреча", "Fax", ""])


def changes_of(zone: str) -> list[datetime]:
    return [datetime.fromisoformat(night).replace(tzinfo=UTC) for night in NIGHTS[zone]]


def near_changes_of(zone: str) -> st.SearchStrategy[datetime]:
    """Instants within a day of a change of clocks, with and without fractions of a second."""
    return st.builds(
        lambda change, us: change + timedelta(microseconds=us),
        st.sampled_from(changes_of(zone)),
        st.integers(-100_000, 100_000).map(lambda s: s * 1_000_000) | st.integers(-(10**11), 10**11),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A lens, with canonical values of its field and every remote form that its CRM can show."""

    name: str
    lens: Lens
    canonical: st.SearchStrategy[Value]
    remote: st.SearchStrategy[Value]


def text_case(name: str, *filters: Callable[[str], str], required: bool = False) -> Case:
    def kept(value: str) -> str:
        for change in filters:
            value = change(value)
        return value

    remote = texts.map(kept)
    if required:
        remote = remote.filter(bool)
    lens = text("title", *filters, required=required)
    return Case(name=name, lens=lens, canonical=texts | st.none(), remote=remote)


def wall_clock_case(zone: str, *, midnight_is_all_day: bool) -> Case:
    """What is shown there is what a reader makes of a local time: it takes the first of two, and midnight as a day."""
    here = ZoneInfo(zone)

    def read(moment: datetime) -> Value:
        local = moment.astimezone(here).replace(microsecond=0)
        if midnight_is_all_day and (local.hour, local.minute, local.second) == (0, 0, 0):
            return local.date()
        return local.replace(fold=0).astimezone(UTC)

    moments = near_changes_of(zone) | anywhere
    midnights = days.map(lambda day: datetime(day.year, day.month, day.day, tzinfo=here).astimezone(UTC))
    return Case(
        name=f"{zone}, midnight is {'all-day' if midnight_is_all_day else 'a time'}",
        lens=due("due", wall_clock(here, midnight_is_all_day=midnight_is_all_day)),
        canonical=st.none() | days | moments | midnights,
        remote=st.none() | days | moments.map(read) | midnights.map(read),
    )


dues = st.none() | days | anywhere
whole_dues = st.none() | days | anywhere.map(whole_seconds)
known = st.sampled_from(CATEGORIES)
CASES = [
    Case(name="same", lens=same("x"), canonical=texts | dues | st.booleans(), remote=texts | dues | st.booleans()),
    text_case("text as it is"),
    text_case("text, required", required=True),
    text_case("cut", cut(5)),
    text_case("cut at 255", cut(255)),
    text_case("cut by bytes", cut_bytes(7)),
    text_case("stripped", stripped),
    text_case("stripped, required", stripped, required=True),
    text_case("basic plane", basic_plane),
    text_case("one line", one_line),
    text_case("several filters", basic_plane, one_line, cut(9), stripped, required=True),
    Case(name="choice", lens=choice("x", CATEGORIES), canonical=names | st.none(), remote=known | st.none()),
    Case(
        name="choice, names that differ in case",
        lens=choice("x", TWINS),
        canonical=st.sampled_from([*TWINS, "cALL", "STRASSE", None]),
        remote=st.sampled_from([*TWINS, None]),
    ),
    Case(
        name="choice, not clearable",
        lens=choice("x", CATEGORIES, clearable=False),
        canonical=names | st.none(),
        remote=known,
    ),
    Case(
        name="choice, required",
        lens=choice("x", CATEGORIES, required=True),
        canonical=names | st.none(),
        remote=known,
    ),
    Case(name="whole seconds", lens=due("due", whole_seconds), canonical=dues, remote=whole_dues),
    Case(
        name="whole seconds, required",
        lens=due("due", whole_seconds, required=True),
        canonical=dues,
        remote=days | anywhere.map(whole_seconds),
    ),
    *(wall_clock_case(zone, midnight_is_all_day=flag) for zone in ZONES for flag in (False, True)),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


# --- the laws ---------------------------------------------------------------------------------------------------------


@every_case
@given(data=st.data())
def test_an_edit_arrives_as_it_was_made(case: Case, data: st.DataObject) -> None:
    """PutGet: get(put(r, c)) == r."""
    remote, canonical = data.draw(case.remote), data.draw(case.canonical)
    assert identical(case.lens.get(case.lens.put(remote, canonical)), remote)


@every_case
@given(data=st.data())
def test_what_we_wrote_is_no_edit(case: Case, data: st.DataObject) -> None:
    """GetPut: put(get(c), c) == c, and what is shown shows as itself."""
    canonical = data.draw(case.canonical)
    shown = case.lens.get(canonical)
    if shown is not KEEP:
        assert identical(case.lens.put(shown, canonical), canonical)
        assert identical(case.lens.get(shown), shown)


@every_case
@given(data=st.data())
def test_an_edit_is_taken_as_it_is_or_ours_stays(case: Case, data: st.DataObject) -> None:
    """Put makes up no value: it is what was found there, unless ours already shows as just that."""
    remote, canonical = data.draw(case.remote), data.draw(case.canonical)
    became = case.lens.put(remote, canonical)
    ours = identical(case.lens.get(canonical), remote)
    assert identical(became, canonical if ours else remote)


def test_a_value_of_another_type_is_an_edit() -> None:
    """Ours stays only for the very same remote form: True in place of 1 is taken."""
    assert same("x").put(True, 1) is True


def test_a_name_as_the_crm_spells_it_is_an_edit_where_it_spells_it_in_two_ways() -> None:
    """PutGet for names that differ in case alone: each of them arrives as itself, whichever of them is ours."""
    lens = choice("x", ["Call", "call"])
    for remote in ("Call", "call"):
        for ours in (None, "Call", "call", "CALL"):
            assert lens.get(lens.put(remote, ours)) == remote


@pytest.mark.parametrize("zone", ZONES)
def test_the_nights_are_changes_of_clocks(zone: str) -> None:
    """The zone's offset is another one a second before each of the moments above."""
    for change in changes_of(zone):
        before, after = ((change - timedelta(seconds=ago)).astimezone(ZoneInfo(zone)) for ago in (1, 0))
        assert before.utcoffset() != after.utcoffset()
