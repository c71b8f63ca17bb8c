"""No echo (I4): what a lens shows of a value is what the CRM says once that was sent, and what people write in the CRM
arrives as a form that the lens leaves alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from account_site import Site, everything
from accounts import Arrangement
from case_accounts import BY_TOKEN, USUAL
from hypothesis import given, settings
from hypothesis import strategies as st

from tasksync.core.lens import KEEP, Lens
from tasksync.core.record import TASK, Field, Value, identical
from tasksync.ports import Connector

LONG = "An advice letter about a pension, "
TEXTS = (
    "Zoë's naïve café, Привет, 漢字, नमस्ते, שלום",
    "e\u0301 and é are not the same",
    "phone 📞 and family 👨\u200d👩\u200d👧\u200d👦 and \U0001d518\U0001d52b\U0001d526",
    "half a pair: \ud83d, and the other: \ude00",
    "\"double\", 'single', `back`, \\slash\\, 50%, a+b=c&d;e",
    "<b>bold</b> &amp; <!-- no --> ]]> <![CDATA[x]]> <?pi?> &#x41; &unknown;",
    '{"title": null} [] null true 0 -1',
    "2026-03-10T06:30:00.0000000Z",
    "2026-03-10T06:30:00+02:00 is when he rings",
    "/Date(1331799000000)/",
    "0001-01-01",
    "  blanks at both ends\t ",
    "\u00a0\u2003wide blanks\u200b\ufeff",
    "\ttab\tand\x0bvertical\x0cfeed",
    "nul \x00 bell \x07 escape \x1b delete \x7f last \uffff",
    "next\x85line, line\u2028separator, paragraph\u2029separator",
    "first\nsecond",
    "\n\nlines around\n\n",
    ".",
    "=SUM(A1:A9)",
    "'; DROP TABLE tasks; --",
    (LONG * 8)[:255],
    (LONG * 8)[:254] + " " + LONG,
    "é" * 300,
    "📞" * 256,
)
BODIES = (*TEXTS, "", "\n".join(f"{number}. line" for number in range(500)), "ü" * 40_000)

# Where clocks change: London in March and October, New York in March and November, Havana at midnight of the same days.
CHANGES = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 3, 8, 5, tzinfo=UTC),
    datetime(2026, 11, 1, 5, tzinfo=UTC),
)
NEAR = tuple(timedelta(minutes=minutes) for minutes in (-60, -30, 0, 30))
DAYS = (
    *(moment.date() for moment in CHANGES[:4]),
    date(2026, 3, 20),
    date(2024, 2, 29),
    date(1999, 12, 31),
    date(2038, 1, 20),
)
MOMENTS = (
    *(moment + by for moment in CHANGES for by in NEAR),
    datetime(2026, 6, 10, 13, 30, 15, tzinfo=UTC),
    datetime(2026, 6, 10, 13, 30, 15, 999_999, tzinfo=UTC),
    datetime(2026, 6, 10, tzinfo=UTC),
    datetime(2026, 6, 9, 23, tzinfo=UTC),  # midnight in London
    datetime(2026, 6, 10, 4, tzinfo=UTC),  # in New York and Havana
    datetime(2026, 6, 9, 22, 59, 59, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
)

VALUES: Mapping[str, Sequence[Value]] = {
    "title": TEXTS,
    "body": BODIES,
    "due": (*DAYS, *MOMENTS, None),
    "priority": (*TASK.field("priority").choices, None),
    "category": ("Call", "call", "FOLLOW-UP", "Email", "Meeting", "Nobody has this one", None),
    "reminder": (None, 1, 5, 15, 60, 1440, 525_600),
}
"""Canonical values, of the fields that refer to nothing."""


def counterpart(reference: str) -> str | None:
    """Our own are known, and, under the same ids, those that are `elsewhere`; the others are not."""
    where, _, what = reference.partition(":")
    return f"office:{what}" if where in {"office", "elsewhere"} else None


def values(one: Arrangement, name: str) -> Sequence[Value]:
    """Canonical values of the field. Of one that refers to something: all that the CRM can hold, the same as others
    call it, and the same beside what nobody knows here.
    """
    if name not in one.referring:
        return VALUES[name]
    own = one.referring[name]
    theirs = [tuple(reference.replace("office", "elsewhere", 1) for reference in value) for value in own]
    unknown = sorted({reference.replace("office", "nowhere", 1) for value in own for reference in value})
    return (*own, *theirs, *(tuple(sorted({*value, *unknown})) for value in theirs), tuple(unknown), ())


@pytest.fixture(params=BY_TOKEN, ids=str)
def arrangement(request: pytest.FixtureRequest) -> Arrangement:
    """What is stored does not depend on how one signs in."""
    chosen: Arrangement = request.param
    return chosen


# The other ways to set up an account differ in zones and days, not in texts and names.
EACH_FIELD = [
    (one, name) for one in BY_TOKEN for name in one.fields if name == "due" or (one in USUAL and name != one.state)
]


def of_each(fields: Sequence[tuple[Arrangement, str]]) -> pytest.MarkDecorator:
    """A test for each of these fields of an arrangement."""
    named: list[Any] = [pytest.param(one, name, id=f"{one.name}-{name}") for one, name in fields]
    return pytest.mark.parametrize(("arrangement", "name"), named, indirect=["arrangement"])


def echo(lens: Lens, sent: Value, answered: Value, canonical: Value, held: Value = None) -> list[str]:
    """What is wrong with the answer to `sent`, the form of `canonical` where the CRM held `held`: nothing if it would
    be taken for no change.
    """
    wrong = [] if identical(sent, answered) else [f"{canonical!r}: sent {sent!r}, answered {answered!r}"]
    if not identical(lens.put(answered, canonical, held), canonical):
        wrong.append(f"{canonical!r} comes back as {lens.put(answered, canonical, held)!r}")
    return wrong


@of_each(EACH_FIELD)
async def test_what_a_create_sends_comes_back(site: Site, connector: Connector, kind: str, name: str) -> None:
    """Each value comes back from the create, and from the next poll, in the form in which it was sent."""
    lens, wrong = connector.lenses(kind, counterpart)[name], []
    sent: dict[str, tuple[Value, Value]] = {}
    for canonical in values(site.arrangement, name):
        form = lens.get(canonical)
        if form is KEEP:
            continue
        made = await connector.create(kind, {**site.arrangement.base, name: form})
        wrong += echo(lens, form, made.values[name], canonical)
        sent[made.external_id] = (form, canonical)
    listed = {one.external_id: one.values[name] for one in await everything(connector, kind)}
    assert listed.keys() == sent.keys() != set()
    for record_id, (form, canonical) in sent.items():
        wrong += echo(lens, form, listed[record_id], canonical)
    assert wrong == []


@of_each([(one, name) for one, name in EACH_FIELD if name not in one.fixed])
async def test_what_an_update_sends_comes_back(site: Site, connector: Connector, kind: str, name: str) -> None:
    """The same for a record that goes through all values one after the other."""
    lens, wrong = connector.lenses(kind, counterpart)[name], []
    now = await connector.create(kind, site.arrangement.base)
    for canonical in values(site.arrangement, name):
        held = now.values[name]
        form = lens.get(canonical, held)
        if form is KEEP:
            continue
        now = await connector.update(kind, now, {name: form})
        wrong += echo(lens, form, now.values[name], canonical, held)
    assert wrong == []


WRITTEN = [
    (one, name)
    for one in BY_TOKEN
    for name in ("title", "body", "due")
    if name in {field.name for field in one.kind.fields}
]


@of_each(WRITTEN)
async def test_what_people_write_is_a_form_of_the_crm(site: Site, connector: Connector, kind: str, name: str) -> None:
    """Whatever people put into a field there arrives as a canonical value that the lens shows as itself: without that
    no law of lenses holds. Nothing is told of a field without a lens, nor of a needed one that is empty all the same.
    """
    lens = connector.lenses(kind).get(name)
    for value in VALUES[name]:
        if value or (name == "due" and "due" not in site.arrangement.base):
            site.add(**{name: _typed(value)})
    seen = await everything(connector, kind)
    assert seen
    for one in seen:
        site.arrangement.kind.check(one.values)
        if name in one.values:
            assert lens is not None
            assert identical(lens.get(one.values[name]), one.values[name])
        else:
            assert lens is None or not site.shown(one.external_id)[name]


def _typed(value: Value) -> Value:
    """As a form in a browser sends it: lines end in CR LF, and there are no halves of characters."""
    return value.encode("utf-8", "replace").decode().replace("\n", "\r\n") if isinstance(value, str) else value


# --- laws ---

_texts = st.text(st.characters(exclude_characters="\r"), max_size=300) | st.sampled_from(TEXTS)
_moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)) | st.sampled_from(MOMENTS)  # noqa: DTZ001 - bounds
_SHAPES: Mapping[str, st.SearchStrategy[Value]] = {
    "text": _texts,
    "due": st.none() | st.dates(date(1990, 1, 1), date(2060, 1, 1)) | _moments,
    "flag": st.booleans(),
    "name": st.none() | _texts.filter(bool) | st.sampled_from([name for name in VALUES["category"] if name]),
    "minutes": st.none() | st.integers(1, 2**40),
}


def canonical(field: Field, one: Arrangement) -> st.SearchStrategy[Value]:
    """Any canonical value of the field. One that refers to something: to any of what the CRM can hold, as ours or as
    others call it, and to what nobody knows here.
    """
    if field.choices:
        return st.none() | st.sampled_from(field.choices)
    if field.name not in one.referring:
        return _SHAPES[field.shape]
    known = sorted({reference for value in values(one, field.name) for reference in _references(value)})
    found = st.lists(st.sampled_from(known), unique=True, max_size=5)
    return found.map(tuple) if field.shape == "people" else found.map(lambda some: tuple(sorted(some)))


def _references(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


@pytest.mark.parametrize("arrangement", BY_TOKEN, ids=str, indirect=True)
async def test_the_laws_of_lenses(site: Site, connector: Connector, kind: str) -> None:
    """For every field the lens's forms are canonical and shown as themselves, and GetPut and PutGet hold, whatever the
    CRM holds.
    """
    for lens in connector.lenses(kind, counterpart).values():
        obeys(lens, site.arrangement)


def obeys(lens: Lens, one: Arrangement) -> None:
    """Fails with a counterexample."""
    field = one.kind.field(lens.field)
    any_value = canonical(field, one)

    @settings(max_examples=40, deadline=None)
    @given(ours=any_value, theirs=any_value, there=any_value)
    def laws(ours: Value, theirs: Value, there: Value) -> None:
        remote, before = lens.get(theirs), lens.get(there)
        for held in (None, *([] if before is KEEP else [before])):
            form = lens.get(ours, held)
            if form is not KEEP:
                field.check(form)
                assert identical(lens.get(form, form), form)
                assert identical(lens.put(form, ours, held), ours)
            if remote is not KEEP:
                assert identical(lens.get(lens.put(remote, ours, held), remote), remote)

    laws()
