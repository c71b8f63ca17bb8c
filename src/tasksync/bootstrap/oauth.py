"""Connections that sign in by OAuth2. Apart from `connecting`, which imports it where there are such."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack

from tasksync.config import Config
from tasksync.connectors.manifest import ConnectionSettings, discover
from tasksync.ports import Clock, Dial, Tokens
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import mirror_file, open_mirror, throwaway_copy
from tasksync.store.tokens import MirrorTokens
from tasksync.transport.dial import Dialer
from tasksync.transport.oauth import OAuthClient
from tasksync.transport.signed_in import OAuthDialer


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


def dials_for(
    connections: Iterable[ConnectionSettings], dialer: Dialer, tokens: Tokens, clock: Clock
) -> Mapping[str, Dial]:
    """How each of them is dialled, by name."""
    return {settings.name: dial_for(settings, dialer, tokens, clock) for settings in connections}


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
