"""From the settings of the connections to connectors that can be asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.config import Config
from tasksync.connectors.manifest import discover
from tasksync.ports import Connector, Dial, Meter
from tasksync.store.mirror import SqlMirror
from tasksync.transport.dial import Dialer
from tasksync.transport.retry import RetryPolicy


def connectors(
    config: Config, around: Surroundings, stack: AsyncExitStack, dialer: Dialer, mirror: SqlMirror | None
) -> Mapping[str, Connector]:
    """All connections of the config, by name, in its order; closed with `dialer`. `mirror` is the one to keep tokens
    in; None: none is open.
    """
    manifests = discover()
    dials: Mapping[str, Dial] = {}
    if any(settings.client_id is not None for settings in config.connections):
        # Authlib and cryptography take their time, and are for these connections alone.
        from tasksync.bootstrap.oauth import dials_for, open_tokens  # noqa: PLC0415

        dials = dials_for(config.connections, dialer, open_tokens(config, stack, mirror), around.clock)
    return {
        settings.name: manifests[settings.type].build(settings, dials.get(settings.name, dialer))
        for settings in config.connections
    }


def open_dialer(config: Config, around: Surroundings, stack: AsyncExitStack, meter: Meter | None = None) -> Dialer:
    """The way out for all connections, closed with `stack`; from now on their secrets are concealed. `meter` hears of
    every request.
    """
    for settings in config.connections:
        for secret in (settings.token, settings.password, settings.client_secret):
            if secret:
                around.redactor.conceal(secret)
    policy = RetryPolicy(tries=config.retry.tries, total=config.retry.total)
    dialer = Dialer(around.clock, policy, around.redactor, meter=meter)
    stack.push_async_callback(dialer.close)
    return dialer
