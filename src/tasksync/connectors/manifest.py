"""What a connector tells about itself, and what it gets to be built."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from tasksync.ports import Connector, Dial

GROUP = "tasksync.connectors"


class Options(BaseModel):
    """The keys of a connection that only this CRM knows. Subclasses add them; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One connection as configured, secrets resolved. `options` is an instance of the manifest's model."""

    name: str
    type: str
    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timezone: ZoneInfo | None = None
    poll_every: timedelta = timedelta(seconds=60)
    options: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`type` is the word in the config; `credentials` the ways to sign in that the CRM offers, each a set of keys."""

    type: str
    label: str
    options: builtins.type[Options]
    credentials: tuple[frozenset[str], ...]
    build: Callable[[ConnectionSettings, Dial], Connector]


@cache
def discover() -> Mapping[str, Manifest]:
    """All installed connectors, by type. Raises what a broken entry point raises on import."""
    found = (entry.load() for entry in entry_points(group=GROUP))
    return MappingProxyType({manifest.type: manifest for manifest in sorted(found, key=lambda one: one.type)})
