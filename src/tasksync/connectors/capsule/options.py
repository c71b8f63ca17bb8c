"""The keys of a connection that only Capsule has (design.md, 7)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tasksync.connectors.manifest import Options

_DAYS = re.compile(r"\+(\d{1,4})d", re.ASCII)


def _relative(written: str) -> str:
    if not _DAYS.fullmatch(written):
        raise ValueError("must be a number of days from today, like +7d")
    return written


class Defaults(Options):
    """What steps in at a create: `category`, by name, and `due`, an all-day date that many days from today."""

    category: Annotated[str, Field(min_length=1)] | None = None
    due: Annotated[str, AfterValidator(_relative)] | None = None

    @property
    def due_after(self) -> timedelta | None:
        """How far ahead `due` is, in whole days."""
        found = _DAYS.fullmatch(self.due or "")
        return timedelta(days=int(found[1])) if found else None


class CapsuleOptions(Options):
    """`api`: v1 speaks XML to the account's own host, v2 JSON to the one API host."""

    api: Literal["v1", "v2"] = "v2"
    defaults: Defaults = Defaults()
