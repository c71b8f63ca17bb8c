"""The keys of a connection that only Capsule has (design.md, 7)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tasksync.connectors.base import DaysAhead
from tasksync.connectors.manifest import Options


class Defaults(Options):
    """What steps in at a create: `category`, by name, and `due`, an all-day date that many days from today."""

    category: Annotated[str, Field(min_length=1)] | None = None
    due: DaysAhead | None = None


class CapsuleOptions(Options):
    """`api`: v1 speaks XML to the account's own host, v2 JSON to the one API host."""

    api: Literal["v1", "v2"] = "v2"
    defaults: Defaults = Defaults()
