"""What both Capsule protocols share of the way between payloads and fields: pure, and the lenses.

v1 and v2 are two doors to the same tasks, so the same filters go over the texts of both. A filter that stands in a lens
also goes over what is read: whatever the CRM shows is then a form the lens leaves alone, which both lens laws need.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from tasksync.connectors.categories import NO_ALIASES, find_category
from tasksync.core.lens import KEEP, Lens, Shown, one_line, text
from tasksync.core.record import Value

# How much of a value that cannot be read is shown: enough to recognise it, in a line of a log.
_QUOTED = 40
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
# What it cannot hold, rather than the complement of what it can: that takes ten times as long to compile.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


class Unreadable(ValueError):
    """A payload that is not what the CRM documents. The message names the record, and goes on in a sentence."""


def plain(value: str) -> str:
    r"""Line ends as ``\n``, and U+FFFD for what XML 1.0 cannot hold (NUL, most controls, lone surrogates).

    v1 sends line ends as CR LF (protocols/capsule.md, 2.4, [REC]).
    """
    return _NOT_IN_XML.sub("\ufffd", value.replace("\r\n", "\n").replace("\r", "\n"))


def headline(value: str) -> str:
    """A title: `plain`, in one line."""
    return one_line(plain(value))


def title_lens() -> Lens:
    """`description` of a task, `name` of a case: one line, and Capsule creates neither without it."""
    return text("title", headline, required=True)


def body_lens() -> Lens:
    """`detail`: any number of lines; empty is the same as absent."""
    return text("body", plain)


def category_lens(known: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> Lens:
    """One of the account's categories, or none, as `find_category` finds it.

    Other than `lens.choice` this keeps two categories apart that differ in case only; Capsule does not say whether
    an account can have such (protocols/capsule.md, 4.3, [UNK]).
    """
    names = tuple(known)

    def show(value: Value) -> Shown:
        return None if value is None else find_category(str(value), names, aliases) or KEEP

    return Lens(field="category", show=show)


def parse_day(written: str) -> date:
    """``YYYY-MM-DD``. Raises `Unreadable`."""
    if _DAY.fullmatch(written):
        try:
            return date.fromisoformat(written)
        except ValueError:
            pass
    raise Unreadable(f"{written[:_QUOTED]!r} is no date")


def parse_instant(written: str) -> datetime:
    """A date and time with its offset, as aware UTC. Raises `Unreadable`, also for one without an offset."""
    if _INSTANT.fullmatch(written):
        try:
            return datetime.fromisoformat(written).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise Unreadable(f"{written[:_QUOTED]!r} is no date with time and offset")


def parse_zone(name: object) -> ZoneInfo | None:
    """The zone of that IANA name, or None for anything that is no such name."""
    if not isinstance(name, str):
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a relative path; a directory of zones such as "Europe"
        return None
