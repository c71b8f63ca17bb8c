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

from tasksync.ports import Connector, Dial, OAuthServer

GROUP = "tasksync.connectors"


class Options(BaseModel):
    """The keys of a connection that only this CRM knows. Subclasses add them; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One connection as configured, secrets resolved. `options` is an instance of the manifest's model. With a
    `client_id` the connection signs in by OAuth2: its `Http` does that, and the connector needs no credentials.
    `categories`: what a category is called here that others call so (casefolded).
    """

    name: str
    type: str
    url: str
    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None
    timezone: ZoneInfo | None = None
    poll_every: timedelta = timedelta(seconds=60)
    options: Any = None
    categories: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`type` is the word in the config; `credentials` the ways to sign in that the CRM offers, each a set of keys.
    `oauth` tells from a connection's options how it gives out tokens, and raises `ValueError`, with a sentence about
    the key `client_id`, where these options exclude that; None: this CRM has no OAuth2.
    """

    type: str
    label: str
    options: builtins.type[Options]
    credentials: tuple[frozenset[str], ...]
    build: Callable[[ConnectionSettings, Dial], Connector]
    oauth: Callable[[Any], OAuthServer] | None = None


@cache
def discover() -> Mapping[str, Manifest]:
    """All installed connectors, by type. Raises what a broken entry point raises on import."""
    found = (entry.load() for entry in entry_points(group=GROUP))
    return MappingProxyType({manifest.type: manifest for manifest in sorted(found, key=lambda one: one.type)})
