"""A person signs a connection in by OAuth2: what `tasksync login` does, but for what is shown and asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tasksync.bootstrap.connecting import open_dialer
from tasksync.bootstrap.oauth import dial_for, oauth_client, open_tokens
from tasksync.bootstrap.surroundings import Surroundings
from tasksync.config import Config
from tasksync.connectors.manifest import ConnectionSettings, discover
from tasksync.errors import RetryLater, SkipRecord, StopConnection, TasksyncError, WrongAccount, WrongUsage
from tasksync.ports import Account, ConnectionState, Connector
from tasksync.store.opening import mirror_file, open_mirror
from tasksync.store.tokens import HeldTokens
from tasksync.transport.code_flow import Authorization, begin, read_code
from tasksync.transport.oauth import OAuthClient, TokenEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInAs:
    """What came of a sign-in, which is stored. `account` is None when the connection cannot be opened yet: `problem`
    says why.
    """

    account: Account | None = None
    problem: TasksyncError | None = None


def client_named(config: Config, connection: str) -> OAuthClient:
    """The connection of that name as a client. Raises `WrongUsage` where there is none."""
    settings = _settings(config, connection)
    client = oauth_client(settings)
    if client is not None:
        return client
    manifest = discover()[settings.type]
    if manifest.oauth is None:
        raise WrongUsage(
            f"{manifest.label} has no OAuth2: connection {connection} signs in with what the config says, and needs no "
            "login. Try it with: tasksync check"
        )
    raise WrongUsage(
        f"Connection {connection} signs in with a token, and needs no login. To sign in by OAuth2, put client_id and "
        "client_secret in its place."
    )


async def sign_in(
    config: Config,
    around: Surroundings,
    client: OAuthClient,
    *,
    redirect_uri: str,
    ask: Callable[[Authorization], Awaitable[str]],
) -> SignedInAs:
    """Let a person sign `client` in, and store what that gives. `ask` shows the address to a person, and returns the
    one that the CRM then sends the browser to, or the code alone.

    The account is looked at before anything is stored. Raises `WrongAccount` when the mirror knows the connection as
    another one, `NeedsLogin` when the CRM refuses, `RetryLater` when it cannot be asked.
    """
    if mirror_file(config.database) is None:
        raise WrongUsage("The mirror is in memory, so a sign-in would be lost. Give `database` the name of a file.")
    settings = _settings(config, client.connection)
    async with AsyncExitStack() as stack:
        mirror = open_mirror(config.database)
        stack.callback(mirror.close)
        dialer = open_dialer(config, around, stack)
        begun = begin(client, redirect_uri)
        code = read_code(begun, await ask(begun))
        endpoint = TokenEndpoint(client, dialer, around.clock)
        held = HeldTokens(await endpoint.exchange(code, redirect_uri=redirect_uri, verifier=begun.verifier))
        connector = discover()[settings.type].build(settings, dial_for(settings, dialer, held, around.clock))
        found = await _look(connector)
        with mirror.begin() as unit:
            _refuse_another(unit.connection(client.connection), found.account)
        # Looking may have renewed it.
        newest = held.load(client.connection)
        assert newest is not None, "nobody forgets it"
        tokens = open_tokens(config, stack, mirror)
        async with tokens.exclusive(client.connection):
            tokens.save(newest)
        return found


async def _look(connector: Connector) -> SignedInAs:
    try:
        return SignedInAs(account=await connector.open())
    except (RetryLater, SkipRecord, StopConnection) as problem:
        return SignedInAs(problem=problem)


def _refuse_another(known: ConnectionState | None, account: Account | None) -> None:
    if known is not None and account is not None and known.identity != account.identity:
        raise WrongAccount(
            f"This sign-in leads to the account {account.identity}, but the mirror knows connection {known.name!r} as "
            f"{known.identity}. Nothing was stored. Sign in to that account, or give the new one a name of its own."
        )


def _settings(config: Config, connection: str) -> ConnectionSettings:
    for settings in config.connections:
        if settings.name == connection:
            return settings
    known = ", ".join(settings.name for settings in config.connections)
    raise WrongUsage(f"There is no connection {connection!r} in {config.path}. It has: {known}.")
