"""Capsule CRM: tasks and cases over v1 (XML, the account's own host) or v2 (JSON, one host for all accounts).

The facts are in protocols/capsule.md. What is neither there nor in one of the modules' docstrings is not relied on.
"""

from __future__ import annotations

import base64

from tasksync.connectors.capsule.connector import CapsuleConnector
from tasksync.connectors.capsule.options import CapsuleOptions
from tasksync.connectors.manifest import ConnectionSettings, Manifest
from tasksync.errors import ConfigError
from tasksync.ports import Dial, OAuthServer, RateLimit

# Per user and hour, both versions (protocols/capsule.md, 2.7 and 3.6, [OD]).
LIMIT = RateLimit(requests=4000, per_s=3600, by_quota=True)

__all__ = ["LIMIT", "manifest"]


def _build(settings: ConnectionSettings, dial: Dial) -> CapsuleConnector:
    options = settings.options if settings.options is not None else CapsuleOptions()
    if not isinstance(options, CapsuleOptions):
        raise ConfigError(f"Connection {settings.name}: its options are not those of Capsule.")
    return _build_v2(settings, options, dial) if options.api == "v2" else _build_v1(settings, options, dial)


def _build_v1(settings: ConnectionSettings, options: CapsuleOptions, dial: Dial) -> CapsuleConnector:
    # Each protocol takes its time to import, and hardly anybody speaks both.
    from tasksync.connectors.capsule.v1_connector import V1Connector  # noqa: PLC0415

    token = _token(settings)
    # The token is the user name; any password does, and the docs suggest this one (1.1, [OD]).
    basic = base64.b64encode(f"{token}:x".encode()).decode("ascii")
    http = dial(
        connection=settings.name,
        base_url=settings.url,
        limit=LIMIT,
        expects="xml",
        headers={"Authorization": f"Basic {basic}", "Accept": "application/xml"},
        secrets=(token, basic),
    )
    return V1Connector(settings, options, http)


def _build_v2(settings: ConnectionSettings, options: CapsuleOptions, dial: Dial) -> CapsuleConnector:
    # See `_build_v1`.
    from tasksync.connectors.capsule.v2_connector import V2Connector  # noqa: PLC0415

    headers = {"Accept": "application/json"}
    secrets: tuple[str, ...] = ()
    # With OAuth2, the sign-in puts its token into each request.
    if settings.client_id is None:
        token = _token(settings)
        headers["Authorization"], secrets = f"Bearer {token}", (token,)
    http = dial(
        connection=settings.name,
        base_url=settings.url,
        limit=LIMIT,
        expects="json",
        headers=headers,
        secrets=secrets,
    )
    return V2Connector(settings, options, http)


def _token(settings: ConnectionSettings) -> str:
    if not settings.token:
        raise ConfigError(f"Connection {settings.name}: Capsule needs a token.")
    return settings.token


def _oauth(options: CapsuleOptions) -> OAuthServer:
    """British spelling, and both scopes named (protocols/capsule.md, 1.2, [CLI]). Whether a code challenge is checked
    is not known, so none is sent: the exchange is authenticated by the client's secret.
    """
    if options.api != "v2":
        raise ValueError("OAuth2 is for api: v2; with api: v1, Capsule needs a token")
    return OAuthServer(authorize="/oauth/authorise", exchange="/oauth/token", scope="read write")


manifest = Manifest(
    type="capsule",
    label="Capsule CRM",
    options=CapsuleOptions,
    credentials=(frozenset({"token"}), frozenset({"client_id", "client_secret"})),
    build=_build,
    oauth=_oauth,
)
