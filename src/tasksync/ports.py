"""The words of tasksync, and the seams between its layers.

connection
    one configured account at one CRM: name, type, url, credentials, time zone
group
    the connections that are kept in step with each other
record
    a task (later also a case); has an id of ours that never changes
replica
    a record's copy in one connection; unique by (connection, kind, external id); at most one per record and connection
shadow
    what a replica looked like when we last read or wrote it, as the server gave it back, normalised
snapshot
    the result of one poll of one connection: complete, or not
change
    a difference between a snapshot and the shadow, per field, with the time it was made
conflict
    two connections changed the same field of the same record to different values since their shadows
operation
    one create, update, complete, reopen or delete that a connection still has to get; lives in the outbox
hold
    something a person has to decide: a suspicious deletion, an ambiguous match, a record a CRM refuses
revision
    one row of a record's history: field, old value, new value, who, when, why

The engine knows the world through the protocols below and through nothing else. Times are aware UTC by our clock unless
a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol

from tasksync.core.directory import Referent
from tasksync.core.lens import Lens
from tasksync.core.plan import Gap, Operation
from tasksync.core.record import Observation, Record, Replica, Value, Values
from tasksync.core.reference import Counterpart


class Clock(Protocol):
    """Where time comes from. One implementation asks the machine; tests pass their own."""

    def now(self) -> datetime:
        """The present moment, aware UTC."""


class Log(Protocol):
    """Where events go: constant snake_case names in the past tense, data as keywords with units in their names."""

    def debug(self, event: str, **data: Any) -> Any: ...
    def info(self, event: str, **data: Any) -> Any: ...
    def warning(self, event: str, **data: Any) -> Any: ...
    def error(self, event: str, **data: Any) -> Any: ...


# --- HTTP, as connectors see it ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer. `body` was read to its end and is no longer than the transport's limit; header names are lower
    case.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    method: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """At most `requests` per `per_s` seconds. With `by_quota` the server's X-RateLimit-Remaining and -Reset spread what
    is left over the time that is left.
    """

    requests: int
    per_s: float
    by_quota: bool = False


class Http(Protocol):
    """One connection's way to its CRM: timeouts, retries of what is safe, rate limit, size limit, redaction."""

    @property
    def requests(self) -> int:
        """How many requests went out so far, every try counted."""

    @property
    def clock_difference(self) -> timedelta:
        """The CRM's clock minus ours, from its `Date` headers; zero while there was none."""

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        content: bytes | None = None,
    ) -> Response:
        """One request to `path` below the connection's base url (an absolute url only if it has the same origin).

        Repeats GET, PUT and DELETE when that may help; never POST and PATCH. Returns every answer the connector has to
        judge: 2xx, 4xx other than 429, and 500. Raises `Unreachable`, `Throttled`, `AnswerLost`, `ServerFault` (see
        `errors`) for the rest, and `Misconnected` for a redirect.
        """

    def conceal(self, secret: str) -> None:
        """From now on, `secret` (and its base64 and url-quoted forms) never shows in logs or errors."""

    async def close(self) -> None:
        """Give the sockets back."""


class Dial(Protocol):
    """Makes the `Http` of one connection. Connectors get it from outside; they know no transport of their own."""

    def __call__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Literal["json", "xml"],
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> Http: ...


# --- Signing in by OAuth2 ---


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthServer:
    """How a CRM gives out tokens: below the connection's base url, the path where a person allows it, the path where
    codes and refresh tokens are exchanged for tokens, and the scope to ask for. `pkce`: it is known to check a code
    challenge (RFC 7636).
    """

    authorize: str
    exchange: str
    scope: str
    pkce: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a person's sign-in gave a connection. `audience` is where and for whom the tokens are good: they go nowhere
    else. `expires_at` is when the access token ends, by our clock; None: the CRM did not say. `refused` are the words
    with which the CRM refused to renew it: from then on only a new sign-in helps.
    """

    connection: str
    audience: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    obtained_at: datetime
    expires_at: datetime | None
    refused: str | None = None


class Tokens(Protocol):
    """Where sign-ins are kept. Shared with other processes: one may sign in or renew while another one runs."""

    def load(self, connection: str) -> SignIn | None:
        """What is stored at this moment; None when nobody has signed in. Raises `NeedsLogin` when it cannot be
        decrypted.
        """

    def save(self, sign_in: SignIn) -> None:
        """Insert or replace; committed when this returns."""

    def forget(self, connection: str) -> None:
        """Remove it; one that is not there is fine."""

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:
        """Within it, no other process and no other task renews this connection's tokens. Waits for whoever does, and
        raises `RetryLater` when that takes too long.
        """


# --- Connectors ---


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

    def poll(self, kind: str, since: datetime | None = None) -> AsyncIterator[Sequence[Observation]]:
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


# --- The mirror ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """What was found out, at `at`, of `reference`: what it is called in `connection`, or that nothing there is it."""

    reference: str
    connection: str
    counterpart: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """What the mirror remembers of a connection, for each kind of record. `met_at`: when its first complete snapshot
    was matched with the group (None: not yet). `polled_at`: when the last complete poll was started. `looked_at`: when
    the last poll that succeeded was, a complete one or one of what had changed. `polled_there` and `looked_there`: the
    same by the CRM's clock.
    """

    name: str
    identity: str
    scope: str
    kind: str = "task"
    met_at: datetime | None = None
    polled_at: datetime | None = None
    looked_at: datetime | None = None
    polled_there: datetime | None = None
    looked_there: datetime | None = None


class OperationState(StrEnum):
    """pending: to be sent. sending: committed before the request went out. unknown: a create whose answer was lost; not
    sent again until a complete snapshot that was started after the attempt has been searched for it. held: waits for a
    change of record or config.
    """

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """An operation in the outbox. `attempted_at`: when it was last sent; `attempted_there`: the same by the CRM's
    clock. `error`: why it is still here, in a sentence.
    """

    id: int
    operation: Operation
    state: OperationState
    attempts: int = 0
    attempted_at: datetime | None = None
    attempted_there: datetime | None = None
    error: str | None = None


class HoldReason(StrEnum):
    """Why a person has to decide."""

    AMBIGUOUS = "ambiguous match"
    REFUSED = "refused"
    DEFAULT_NEEDED = "default needed"
    DELETIONS = "deletions"
    DUPLICATE = "possible duplicate"
    OSCILLATING = "written to and fro"


class Decision(StrEnum):
    """What a person said of a hold.

    =================== ============================================ ==================================================
    hold                approved: do it                              dropped: do not
    =================== ============================================ ==================================================
    deletions           they are carried out                         the records are created again where they vanished
    ambiguous match     a task of its own: copied, not matched       left alone, on this side
    refused, default    sent again                                   not sent until the record changes
    needed
    possible duplicate  created again, once more                     never created there; what was found is new
    written to and fro  written again                                left as it is there
    =================== ============================================ ==================================================
    """

    APPROVED = "approved"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Something a person has to decide about one replica (`external_id`), one record in one connection (`record_id`),
    or a connection as a whole (neither). `fingerprint` is the content that was refused: the hold is tried again when it
    is another.
    """

    connection: str
    kind: str
    reason: HoldReason
    message: str
    since: datetime
    record_id: str | None = None
    external_id: str | None = None
    fingerprint: str = ""
    decision: Decision | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One row of a record's history: a value that was superseded, by what, when that was made (`at`) and why."""

    record_id: str
    field: str
    old: Value
    new: Value
    at: datetime
    estimated: bool
    connection: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two connections changed the same field of the same record to different values. The loser's value is in the
    history too.
    """

    record_id: str
    field: str
    winner: Value
    winner_connection: str
    winner_at: datetime
    loser: Value
    loser_connection: str
    loser_at: datetime
    estimated: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """What one run did; `summary` is the object that `--json` prints, without titles or texts of tasks."""

    id: str
    started_at: datetime
    finished_at: datetime
    exit_code: int
    summary: Mapping[str, Any]


class Unit(Protocol):
    """The mirror within one transaction. Reads see what was written before in the same unit. Bulk by nature: no method
    costs a query per item of what it is given.
    """

    # connections
    def connection(self, name: str, kind: str = "task") -> ConnectionState | None: ...
    def connections(self) -> Sequence[ConnectionState]:
        """Of all kinds, by name."""

    def save_connection(self, state: ConnectionState) -> None: ...

    # replicas
    def contents(self, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, str]:
        """Content hash by external id, of those that exist and are not gone."""

    def replicas(self, connection: str, kind: str, external_ids: Collection[str]) -> Mapping[str, Replica]:
        """By external id, of those that exist, linked or not."""

    def replicas_of(self, record_ids: Collection[str]) -> Mapping[str, Mapping[str, Replica]]:
        """By record id, then by connection; every asked record has an entry."""

    def unlinked(self, connection: str, kind: str) -> Iterator[Replica]:
        """Replicas that belong to no record, by external id. May be written to while iterating."""

    def external_ids(self, connection: str, kind: str) -> set[str]:
        """Of all replicas of the connection, linked or not."""

    def linked(self, kind: str) -> Iterator[tuple[str, str, str]]:
        """Record id, connection and external id of all linked replicas of the kind."""

    def last_seen(self) -> datetime | None:
        """The latest `seen_at` of all replicas; None when there is none."""

    def save_replicas(self, replicas: Iterable[Replica]) -> None:
        """Insert or replace, by (connection, kind, external id)."""

    def drop_replicas(self, connection: str, kind: str, external_ids: Collection[str]) -> None: ...

    # records
    def records(self, record_ids: Collection[str]) -> Mapping[str, Record]:
        """By id, of those that exist (deleted ones included)."""

    def records_of_group(self, group: str, kind: str) -> Iterator[Record]:
        """All records of the group that are not deleted, by id. May be written to while iterating."""

    def save_records(self, records: Iterable[Record]) -> None:
        """Insert or replace, by id."""

    def find_record(self, reference: str) -> Record | None:
        """By our id, or by `CONNECTION:EXTERNAL_ID`."""

    def deleted_records(self, limit: int = 100) -> Sequence[Record]:
        """Those that count as deleted, of all groups; the last deleted first."""

    # directory
    def people(self) -> Sequence[Referent]:
        """Of all connections, as they were last listed."""

    def listed_at(self, connection: str) -> datetime | None:
        """When the people of the connection were last listed; None: never."""

    def save_people(self, connection: str, people: Iterable[Referent], at: datetime) -> None:
        """Replace the connection's list."""

    def save_referents(self, referents: Iterable[Referent]) -> None:
        """Insert or replace what is known of contacts, opportunities, cases and plans, by reference."""

    def referents(self, references: Collection[str]) -> Mapping[str, Referent]:
        """Of those known, people included."""

    def correspondences(self) -> Sequence[Correspondence]:
        """All that was found out about references to other things than people."""

    def save_correspondences(self, found: Iterable[Correspondence]) -> None:
        """Insert or replace, by reference and connection."""

    def replace_gaps(self, record_ids: Collection[str], gaps: Iterable[Gap]) -> Sequence[Gap]:
        """The gaps of these records are now these. Returns those of a value that was a gap in no record before."""

    def gaps(self) -> Sequence[Gap]:
        """One for each connection, field and value, with the record that has had it longest."""

    def records_with_gap(self, gap: Gap) -> Sequence[str]:
        """The ids of all records with the same connection, field and value."""

    # outbox
    def replace_pending(self, kind: str, record_ids: Collection[str], operations: Iterable[Operation]) -> None:
        """All that is planned for these records is now this: their pending and held operations go, `operations` come,
        in the order given. One that equals what was waiting keeps its place, its attempts and its error. Sending and
        unknown ones stay.
        """

    def queue(
        self, connection: str | None = None, states: Collection[OperationState] = (), *, kind: str | None = None
    ) -> Sequence[Queued]:
        """In the order in which they have to be sent; all connections, states or kinds, if not given."""

    def mark(
        self,
        ids: Collection[int],
        state: OperationState,
        *,
        at: datetime | None = None,
        there: datetime | None = None,
        error: str | None = None,
    ) -> None:
        """Change the state. To SENDING: counts an attempt, made `at`, which was `there` by the CRM's clock."""

    def finish(self, ids: Collection[int]) -> None:
        """They are done: out of the outbox."""

    # holds, history
    def hold(self, holds: Iterable[Hold]) -> None:
        """Insert; one that exists already for the same connection, kind, reason, record and external id is updated and
        keeps its id and `since`.
        """

    def decide(self, ids: Collection[int], decision: Decision) -> None:
        """Note what a person said. It stands until the hold is released, or held again with another fingerprint."""

    def release(self, ids: Collection[int]) -> None: ...
    def holds(self, connection: str | None = None, *, kind: str | None = None) -> Sequence[Hold]:
        """The longest known first; of all connections or kinds, if not given."""

    def add_revisions(self, revisions: Iterable[Revision], run: str) -> None: ...
    def add_conflicts(self, conflicts: Iterable[Conflict], run: str) -> None: ...
    def revisions(self, record_id: str) -> Sequence[Revision]:
        """Oldest first."""

    def last_revised(self) -> datetime | None:
        """When what the last row of the history tells of was made; None when there is none."""

    def conflicts(self, limit: int = 100) -> Sequence[Conflict]:
        """Newest first."""

    def save_run(self, report: RunReport) -> None: ...
    def runs(self, limit: int = 20) -> Sequence[RunReport]:
        """Newest first."""


class Mirror(Protocol):
    """The local database: what tasksync knows. Used from one thread."""

    def begin(self) -> AbstractContextManager[Unit]:
        """One transaction, committed when the block ends and rolled back when it raises. Never held across an `await`.
        Raises `MirrorUnusable` when the database cannot be read or written.
        """

    def close(self) -> None: ...
