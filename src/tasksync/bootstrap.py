"""The only place that builds things: from a `Config` to a cycle that runs, and back to nothing."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tasksync.config import Config, LogSettings
from tasksync.connectors.manifest import ConnectionSettings, discover
from tasksync.core.record import KINDS
from tasksync.engine.cycle import Cycle, latest_moment
from tasksync.engine.member import Policy
from tasksync.engine.report import CycleReport
from tasksync.engine.strangers import strangers
from tasksync.errors import ConfigError, ExitCode, MirrorUnusable, RetryLater, SkipRecord, StopConnection
from tasksync.ports import Account, Clock, Connector, Dial, Finding, Log, Tokens, Unit
from tasksync.service.clock import SteadyClock, SystemClock
from tasksync.service.logs import configure, within_run
from tasksync.store.lock import MirrorLock
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import mirror_file, open_mirror, throwaway_copy
from tasksync.store.tokens import MirrorTokens
from tasksync.transport.dial import Dialer
from tasksync.transport.oauth import OAuthClient
from tasksync.transport.redaction import Redactor
from tasksync.transport.retry import RetryPolicy
from tasksync.transport.signed_in import OAuthDialer

_WORTH_SAYING = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a process has before it knows what to do: time, a log, and the secrets that must not get into it."""

    clock: Clock
    redactor: Redactor
    log: Log


def surroundings(settings: LogSettings, *, clock: Clock | None = None) -> Surroundings:
    """Set up logging to stderr. Everything made with the result shares one list of secrets (I12)."""
    redactor = Redactor()
    log = configure(settings.level, settings.format, redact=redactor.redact_data)
    return Surroundings(clock=clock or SystemClock(), redactor=redactor, log=log)


def new_id() -> str:
    """An id of ours: 64 random bits, 16 hex digits."""
    return secrets.token_hex(8)


async def sync_once(
    config: Config,
    around: Surroundings,
    *,
    only: Sequence[str] = (),
    dry_run: bool = False,
    allow_deletes: bool = False,
    command: str = "tasksync sync --once",
) -> CycleReport:
    """One cycle. A dry run works on a copy of the mirror in memory, takes no lock, and writes nothing anywhere.

    Raises `StopProgram`; what concerns a connection or a record is in the report.
    """
    _check_names(config, only)
    async with AsyncExitStack() as stack:
        mirror, still_ours = _mirror(config, around, stack, dry_run=dry_run, command=command)
        around = _steady(around, latest_moment(mirror))
        dialer = open_dialer(config, around, stack)
        # A dry run stores the tokens that it renews, and nothing else: they would be lost otherwise.
        connectors = _connectors(config, around, stack, dialer, None if dry_run else mirror)
        cycle = Cycle(
            mirror=mirror,
            groups={group.name: [connectors[name] for name in group.connections] for group in config.groups},
            order=[settings.name for settings in config.connections],
            policy=Policy(
                deletions=config.sync.deletions,
                max_deletes=config.sync.max_deletes,
                allow_deletes=allow_deletes,
                completed_horizon=config.sync.completed_horizon,
                first_sync=config.sync.first_sync,
                full_sweep=config.sync.full_sweep,
            ),
            configured=config.correspondences,
            kinds=[kind for name, kind in KINDS.items() if name in config.sync.kinds],
            clock=around.clock,
            log=around.log,
            new_id=new_id,
            only=only,
            dry_run=dry_run,
            still_ours=still_ours,
            redact=around.redactor.redact,
        )
        with within_run(cycle.id):
            return await cycle.run()


@contextmanager
def reading(config: Config) -> Iterator[Unit]:
    """What the mirror holds, to look at: a copy, so that nobody has to wait for anybody. Raises `MirrorUnusable`, also
    where there is no mirror yet.
    """
    _require_mirror(config)
    with closing(throwaway_copy(config.database)) as copy, copy.begin() as unit:
        yield unit


@contextmanager
def writing(config: Config, around: Surroundings, *, command: str) -> Iterator[tuple[Unit, datetime]]:
    """The mirror to write to, in one transaction and with the lock held, and the present moment: never one before what
    the mirror knows. Raises `MirrorBusy`, and `MirrorUnusable`, also where there is no mirror yet.
    """
    _require_mirror(config)
    with ExitStack() as stack:
        mirror, _ = _mirror(config, around, stack, dry_run=False, command=command)
        now = _steady(around, latest_moment(mirror)).clock.now()
        yield stack.enter_context(mirror.begin()), now


def _require_mirror(config: Config) -> None:
    """A mistyped path must not become an empty mirror."""
    file = mirror_file(config.database)
    if file is None:
        raise MirrorUnusable("The mirror is in memory: nothing of it is left to look at. Give `database` a file name.")
    try:
        file.stat()
    except FileNotFoundError:
        raise MirrorUnusable(
            f"There is no mirror {file} yet, so there is nothing to show or to decide. The first tasksync sync --once "
            "makes it."
        ) from None
    except OSError as error:
        raise MirrorUnusable(f"The mirror {file} cannot be reached: {error.strerror}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What `tasksync check` found out about one connection. `account` is None when it could not be opened: then
    `findings` has the reason, and `exit_code` what it means.
    """

    connection: str
    account: Account | None
    findings: tuple[Finding, ...]
    exit_code: ExitCode


async def check(config: Config, around: Surroundings) -> tuple[Checked, ...]:
    """Open every connection and ask it what it may do. Reads only, but for tokens that had to be renewed; needs no
    mirror.
    """
    async with AsyncExitStack() as stack:
        dialer = open_dialer(config, around, stack)
        connectors = _connectors(config, around, stack, dialer, None)
        checked = [await _check(connector, dialer, around) for connector in connectors.values()]
        opened = {one.connection for one in checked if one.account is not None}
        more: dict[str, Sequence[Finding]] = {}
        for group in config.groups:
            members = [connectors[name] for name in group.connections if name in opened]
            more |= await strangers(members, config.correspondences, around.redactor.redact)
        return tuple(replace(one, findings=(*one.findings, *more.get(one.connection, ()))) for one in checked)


async def _check(connector: Connector, dialer: Dialer, around: Surroundings) -> Checked:
    try:
        account = await connector.open()
        findings = (*await connector.check(), *_of_server(connector, dialer.quota_left(connector.connection)))
    except (RetryLater, SkipRecord, StopConnection) as error:
        code = error.exit_code if isinstance(error, StopConnection) else ExitCode.RETRY
        finding = Finding(subject="connection", ok=False, message=around.redactor.redact(str(error)))
        return Checked(connection=connector.connection, account=None, findings=(finding,), exit_code=code)
    wrong = any(not finding.ok for finding in findings)
    return Checked(
        connection=connector.connection,
        account=account,
        findings=findings,
        exit_code=ExitCode.USAGE if wrong else ExitCode.IN_STEP,
    )


def _of_server(connector: Connector, quota_left: int | None) -> Iterator[Finding]:
    """What its answers said by the way. Neither is wrong: stamps are corrected, and requests wait for their turn."""
    off = connector.clock_difference.total_seconds()
    clock = f"{abs(off):.1f} s {'ahead of' if off > 0 else 'behind'} ours" if off else "no different from ours"
    yield Finding(subject="its clock", ok=True, message=f"It is {clock}.")
    if quota_left is not None:
        yield Finding(subject="quota", ok=True, message=f"{quota_left} requests are left.")


def _steady(around: Surroundings, known: datetime | None) -> Surroundings:
    """With a clock that does not go back behind what the mirror knows already."""
    if known is None:
        return around
    behind = known - around.clock.now()
    if behind > _WORTH_SAYING:
        around.log.warning("clock_went_back", behind_s=round(behind.total_seconds()))
    return replace(around, clock=SteadyClock(around.clock, known))


def _check_names(config: Config, only: Sequence[str]) -> None:
    known = [settings.name for settings in config.connections]
    for name in only:
        if name not in known:
            raise ConfigError(f"--only: there is no connection {name!r} in {config.path}. It has: {', '.join(known)}.")


def _mirror(
    config: Config, around: Surroundings, stack: ExitStack | AsyncExitStack, *, dry_run: bool, command: str
) -> tuple[SqlMirror, Callable[[], bool]]:
    """The mirror, and whether it is still ours alone."""
    if dry_run:
        copy = throwaway_copy(config.database)
        stack.callback(copy.close)
        return copy, lambda: True
    file = mirror_file(config.database)
    lock = None if file is None else stack.enter_context(MirrorLock(file, around.clock, command=command))
    mirror = open_mirror(config.database)
    stack.callback(mirror.close)
    return mirror, lambda: lock is None or lock.still_held()


def _connectors(
    config: Config, around: Surroundings, stack: AsyncExitStack, dialer: Dialer, mirror: SqlMirror | None
) -> Mapping[str, Connector]:
    """All connections of the config, by name, in its order; closed with `dialer`. `mirror` is the one to keep tokens
    in; None: none is open.
    """
    manifests = discover()
    tokens = None
    if any(settings.client_id is not None for settings in config.connections):
        tokens = open_tokens(config, stack, mirror)
    return {
        settings.name: manifests[settings.type].build(
            settings, dialer if tokens is None else dial_for(settings, dialer, tokens, around.clock)
        )
        for settings in config.connections
    }


def open_dialer(config: Config, around: Surroundings, stack: AsyncExitStack) -> Dialer:
    """The way out for all connections, closed with `stack`; from now on their secrets are concealed."""
    for settings in config.connections:
        for secret in (settings.token, settings.password, settings.client_secret):
            if secret:
                around.redactor.conceal(secret)
    dialer = Dialer(around.clock, RetryPolicy(tries=config.retry.tries, total=config.retry.total), around.redactor)
    stack.push_async_callback(dialer.close)
    return dialer


def oauth_client(settings: ConnectionSettings) -> OAuthClient | None:
    """The connection as a client of its CRM's OAuth2 server; None for one that signs in otherwise."""
    oauth = discover()[settings.type].oauth
    if settings.client_id is None or settings.client_secret is None or oauth is None:
        return None
    return OAuthClient(
        connection=settings.name,
        base_url=settings.url,
        server=oauth(settings.options),
        client_id=settings.client_id,
        client_secret=settings.client_secret,
        redirect_uri=settings.redirect_uri,
    )


def dial_for(settings: ConnectionSettings, dialer: Dialer, tokens: Tokens, clock: Clock) -> Dial:
    """How the connection is dialled: signed in, where it signs in by OAuth2."""
    client = oauth_client(settings)
    return dialer if client is None else OAuthDialer(dialer, client, tokens, clock)


def open_tokens(config: Config, stack: AsyncExitStack, mirror: SqlMirror | None) -> MirrorTokens:
    """Where the tokens are kept. Without a `mirror` that is open, the one of the config is opened, not a copy of it:
    what is renewed has to be stored. Where there is none, there are no tokens, and none is made.
    """
    file = mirror_file(config.database)
    if mirror is None:
        exists = file is not None and file.exists()
        mirror = open_mirror(config.database) if exists else throwaway_copy(config.database)
        stack.callback(mirror.close)
    return MirrorTokens(mirror, file=file, key=config.token_key)
