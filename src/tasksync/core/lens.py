"""Lenses: what a CRM can store of a field.

A lens goes between the canonical value ``c`` of a record and the *remote form* ``r``: what one CRM's replica holds,
already parsed by the connector's mapping (a remote form is a canonical-looking value, not a payload).

    get(c) -> r       what the CRM shows for c, or KEEP: c has no form there, so the replica keeps whatever it has
    put(r, c) -> c'   the canonical value after somebody set r there while c was ours

The laws, for every remote form ``r`` a CRM can show and every canonical ``c``::

    PutGet   get(put(r, c)) == r          an edit made there arrives as it was made
    GetPut   put(get(c), c) == c          what we wrote there ourselves is no edit, however much the CRM cut off

GetPut is what keeps a 255-character limit from shortening a title elsewhere (I10). All lenses are built from a function
``show``, by the one rule that satisfies both laws whenever ``show(r) == r`` for each r the CRM can show: *put keeps c
if c shows as r, else takes r*. Where a CRM holds a part of the value only (one of several assignees), ``take`` says
what becomes of the rest; PutGet must hold for what it makes.

Some CRMs hold several things in one field of ours, and we may know of some of them only what is there (a contact that
has no counterpart, beside a case that has one). What is to be left as it is follows from what is held there, so `get`
and `put` look at that too: ``get(c, held)``, ``put(r, c, held)``.

A field for which a connector offers no lens is neither compared nor planned there. One that is `fixed` is set when a
record is created there, and never again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from enum import Enum
from typing import Final, Literal, TypeAlias

from tasksync.core.record import Value, identical


class _Keep(Enum):
    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


KEEP: Final = _Keep.KEEP
Shown: TypeAlias = Value | Literal[_Keep.KEEP]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What one CRM can store of one field. `show` is idempotent: ``show(show(c)) == show(c)`` unless it is KEEP.

    `required`: the CRM creates no record without a value here; a default steps in on create where `get` says KEEP.
    `take` (remote form, canonical, held before) -> canonical; `onto` (canonical, held) -> remote form, in place of
    `show`; `lacks` (canonical) -> what of it is not shown for want of a counterpart.
    """

    field: str
    show: Callable[[Value], Shown]
    required: bool = False
    fixed: bool = False
    take: Callable[[Value, Value, Value], Value] | None = None
    onto: Callable[[Value, Value], Shown] | None = None
    lacks: Callable[[Value], tuple[str, ...]] = lambda _: ()

    def get(self, canonical: Value, held: Value = None) -> Shown:
        """What the CRM shows for `canonical` where it holds `held` now (None: nothing yet), or KEEP."""
        return self.show(canonical) if self.onto is None else self.onto(canonical, held)

    def put(self, remote: Value, canonical: Value, held: Value = None) -> Value:
        """The canonical value once `remote` was found there while `canonical` was ours. `held` is what the CRM held
        before (None: nobody knows, so what is there may have been there ever since).
        """
        before = remote if held is None else held
        if identical(self.get(canonical, before), remote):
            return canonical
        return remote if self.take is None else self.take(remote, canonical, before)

    def stands_for(self, remote: Value, canonical: Value, default: Value) -> bool:
        """Whether `remote` may be nothing but what the CRM has of `canonical`: as much as it can show, or, where it can
        show nothing of it, the connection's `default` in its place.
        """
        shown = self.get(canonical, remote)
        return identical(remote, default) if shown is KEEP else identical(remote, shown)


def same(field: str, *, required: bool = False) -> Lens:
    """The CRM stores the field as it is."""
    return Lens(field=field, show=lambda value: value, required=required)


def text(field: str, *filters: Callable[[str], str], required: bool = False) -> Lens:
    """Text that the CRM changes in known ways (cut, stripped, characters replaced). Each filter, and all of them in a
    row, must be idempotent. With `required`, a text that comes out empty has no form there (KEEP).
    """

    def show(value: Value) -> Shown:
        shown = value if isinstance(value, str) else ""
        for change in filters:
            shown = change(shown)
        return KEEP if required and not shown else shown

    return Lens(field=field, show=show, required=required)


def choice(field: str, known: Iterable[str], *, required: bool = False, clearable: bool = True) -> Lens:
    """One of the names the CRM knows, found without regard to case and shown in the CRM's own spelling. An unknown name
    has no form there; neither has None unless `clearable`.
    """
    exact = frozenset(known)
    spelling = {name.casefold(): name for name in sorted(exact, reverse=True)}

    def show(value: Value) -> Shown:
        if value is None:
            return None if clearable and not required else KEEP
        return value if value in exact else spelling.get(str(value).casefold(), KEEP)

    return Lens(field=field, show=show, required=required)


def due(field: str, show_instant: Callable[[datetime], date | datetime], *, required: bool = False) -> Lens:
    """A due date: all-day dates as they are, instants as `show_instant` says (`whole_seconds`, `wall_clock`)."""

    def show(value: Value) -> Shown:
        if isinstance(value, datetime):
            try:
                return show_instant(value)
            except OverflowError:  # at the ends of the calendar, where a zone leads beyond them
                return KEEP
        if value is None and required:
            return KEEP
        return value

    return Lens(field=field, show=show, required=required)


def whole_seconds(moment: datetime) -> datetime:
    """An instant as a CRM with a resolution of one second shows it."""
    return moment.replace(microsecond=0)


def wall_clock(zone: tzinfo, *, midnight_is_all_day: bool) -> Callable[[datetime], date | datetime]:
    """How a CRM shows an instant that it keeps as local time of `zone` in whole seconds: of two instants with the same
    wall clock (the hour that daylight saving repeats) the first, and, if `midnight_is_all_day`, local 00:00:00 as that
    date.
    """

    def show(moment: datetime) -> date | datetime:
        local = moment.replace(microsecond=0).astimezone(zone)
        if midnight_is_all_day and local.time() == time(0):
            return local.date()
        return local.replace(fold=0).astimezone(UTC)

    return show


def cut(limit: int) -> Callable[[str], str]:
    """Keeps the first `limit` characters."""
    return lambda value: value[:limit]


def cut_bytes(limit: int) -> Callable[[str], str]:
    """Keeps what fits into `limit` bytes of UTF-8, never half a character."""
    return lambda value: value.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def stripped(value: str) -> str:
    """Without white space at the ends."""
    return value.strip()


_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def basic_plane(value: str) -> str:
    """Characters above U+FFFF, which a three-byte column cannot hold, replaced by U+FFFD."""
    return value if value.isascii() else _BEYOND.sub("\ufffd", value)


def one_line(value: str) -> str:
    """Line breaks replaced by blanks."""
    return " ".join(value.splitlines()) if "\n" in value or "\r" in value else value
