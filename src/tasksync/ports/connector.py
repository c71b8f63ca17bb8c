"""One connection, as the engine sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from tasksync.core.directory import Referent
from tasksync.core.lens import Lens
from tasksync.core.record import Observation, Values
from tasksync.core.reference import Counterpart
from tasksync.ports.cost import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who a connection is. `identity` is what the CRM calls the account and its user, stable over years; `scope` is
    whatever else decides which records the listing shows (rights, filters): when it differs from last time, absence
    means nothing (I5).
    """

    identity: str
    label: str
    zone: str
    scope: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the engine has to know of a CRM besides its lenses.

    `hides_finished`: the kinds of which the listing shows unfinished records only: one that left the listing and still
    can be read counts as finished. `incremental`: the kinds of which it can list what changed since a moment.
    `uncreatable`: the kinds that cannot be created over its API.
    """

    hides_finished: frozenset[str] = frozenset()
    incremental: frozenset[str] = frozenset()
    uncreatable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `tasksync check`: what was looked at, whether it is right, and what to do if not. `error` decides the
    exit code.
    """

    subject: str
    ok: bool
    message: str
    advice: str = ""


class Sighting(NamedTuple):
    """One row of a listing. `digest`: equal for two sightings of a record only if `read` makes the same of both, but
    for collisions of a 128-bit hash; "" where there is none. `read` raises what `Connector.poll` raises.
    """

    external_id: str
    digest: str
    read: Callable[[], Observation]


class Connector(Protocol):
    """One connection, spoken to in the words of the core: remote forms in, observations out. Any method may raise
    `RetryLater` or `StopConnection`; those that read or write one record also `SkipRecord`. A connector keeps no state
    of records.

    Stamps in observations are by the CRM's clock; `clock_difference` corrects them.
    """

    @property
    def connection(self) -> str:
        """The name of the connection."""

    @property
    def requests(self) -> int:
        """Requests sent so far, for the report."""

    @property
    def traffic(self) -> Traffic:
        """What they and their answers came to so far."""

    @property
    def clock_difference(self) -> timedelta:
        """The CRM's clock minus ours."""

    @property
    def capabilities(self) -> Capabilities:
        """Valid once `open` has returned."""

    async def open(self) -> Account:
        """Sign in as far as needed and read the short reference lists. Called once before anything else; safe to call
        again.
        """

    @property
    def categories(self) -> Sequence[str]:
        """The names of the categories that a task can have here; none if it has no categories. Valid once `open` has
        returned.
        """

    def lenses(self, kind: str, counterpart: Counterpart | None = None) -> Mapping[str, Lens]:
        """By field name; empty when the CRM has no such kind. Valid once `open` has returned. `counterpart` tells what
        references of other connections are called here; without it, only those of this connection are known.
        """

    def defaults(self, kind: str, now: datetime) -> Values:
        """Remote forms that step in at a create where the record has no value or one without a form here."""

    def poll(self, kind: str, since: datetime | None = None) -> AsyncIterator[Sequence[Sighting]]:
        """The listing, page by page; with `since`, by the CRM's clock, only what was modified then or later, and maybe
        more (`Capabilities.incremental`). Ends normally only if every page was answered (without `since`: a complete
        snapshot); raises otherwise. The same record may come twice.
        """

    async def read(self, kind: str, external_id: str) -> Observation | None:
        """One record; None only when the CRM says that it does not exist (404, 410)."""

    async def create(self, kind: str, values: Values) -> Observation:
        """Create and return what the server made of it. Raises `AnswerLost` when it may have been
        carried out unseen.
        """

    async def update(self, kind: str, before: Observation, changes: Values) -> Observation:
        """Set `changes`, leave everything else as it is (I9). `before` is a fresh `read`. Raises `Vanished` if there is
        nothing to update any more.
        """

    async def complete(self, kind: str, before: Observation) -> Observation:
        """Mark finished. `before` is a fresh `read`. Raises `Vanished`."""

    async def reopen(self, kind: str, before: Observation) -> Observation:
        """Mark unfinished again. `before` is a fresh `read`. Raises `Vanished`."""

    async def delete(self, kind: str, external_id: str) -> None:
        """Delete; a record that is not there is a success."""

    async def people(self) -> Sequence[Referent]:
        """Everybody to whom a task can be assigned here."""

    async def look_up(self, reference: str) -> Referent | None:
        """What the CRM knows of a contact, opportunity, case or plan of its own; None if it does not exist, or is none
        of our business (403).
        """

    async def find(self, wanted: Referent) -> Sequence[Referent]:
        """Those of the type of `wanted` that have one of its e-mail addresses or its name here, and possibly others
        that look like it; none for a type that the CRM does not have. Not more than a few pages are looked through.
        """

    async def check(self) -> Sequence[Finding]:
        """What `tasksync check` reports after `open` succeeded: rights, zone, needed defaults."""

    async def close(self) -> None:
        """Give resources back."""
