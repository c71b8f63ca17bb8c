"""One connection: its common keys, its secrets, its url, and the keys that only its CRM knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from tasksync.config.document import Document, KeyPath, suggestion
from tasksync.config.secrets import SecretFolders, secret_at
from tasksync.config.settings import CommonSettings, is_loopback
from tasksync.config.validation import given, validate
from tasksync.connectors.manifest import ConnectionSettings, Manifest, Options

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_NAME_ADVICE = "a name begins with a letter (A-Z, a-z) and goes on with letters, digits, `_` and `-`"
_CREDENTIALS = ("token", "username", "password", "client_id", "client_secret")
_SECRETS = frozenset({"token", "password", "client_secret"})
_COMMON = frozenset(CommonSettings.model_fields)


def check_name(document: Document, path: KeyPath) -> None:
    """Complain about a connection's or group's name that would not work on the command line."""
    if not _NAME.fullmatch(str(path[-1])):
        document.complain(path, _NAME_ADVICE)


def read_connection(
    document: Document, name: str, manifests: Mapping[str, Manifest], folders: SecretFolders
) -> ConnectionSettings | None:
    """The connection of that name; None when it is wrong, after complaining to `document` about all of it."""
    at: KeyPath = ("connections", name)
    check_name(document, at)
    values = document.values["connections"][name]
    if not isinstance(values, Mapping | None):
        document.complain(at, "needs keys with values below it")
        return None
    values = given(values or {})
    manifest = _manifest(document, at, values, manifests)
    own = {key: value for key, value in values.items() if key not in _COMMON}
    common = validate(document, CommonSettings, {key: values[key] for key in values if key in _COMMON}, at)
    elsewhere = {} if manifest is None else _elsewhere(document, at, manifest, values, folders)
    secrets = {key: secret_at(document, (*at, key), values, elsewhere, folders) for key in _SECRETS}
    if common is not None:
        _check_url(document, (*at, "url"), common)
    if manifest is None:
        return None
    _check_credentials(document, at, manifest, {*_given(document, at, values), *elsewhere})
    options = validate(document, manifest.options, own, at, beside=_COMMON)
    if common is None or options is None:
        return None
    if common.client_id is not None:
        _check_oauth(document, at, manifest, options)
    return ConnectionSettings(
        name=name,
        type=common.type,
        url=common.url.rstrip("/"),
        token=secrets["token"],
        username=common.username,
        password=secrets["password"],
        client_id=common.client_id,
        client_secret=secrets["client_secret"],
        redirect_uri=common.redirect_uri,
        timezone=common.timezone,
        poll_every=common.poll_every,
        options=options,
    )


def check_duplicates(document: Document, connections: tuple[ConnectionSettings, ...]) -> None:
    """Complain about an account that stands under two names: its records would be copied to themselves."""
    seen: list[tuple[object, str]] = []
    for connection in connections:
        account = _account(connection)
        twin = next((name for known, name in seen if known == account), None)
        if twin is not None:
            path = ("connections", connection.name)
            document.complain(path, f"is the same account as {twin} (type, url and credentials); remove one of them")
        seen.append((account, connection.name))


def _account(connection: ConnectionSettings) -> object:
    # One sign-in can open several accounts, told apart by an option (Plannr's account_uuid). Defaults are no part of
    # an account. What only the CRMs can tell, they are asked before the first sync.
    options = connection.options.model_dump(exclude={"defaults"})
    # Nor does the client of OAuth2 make an account: many can have signed in to it. Each connection is its own.
    signed_in = connection.name if connection.client_id else None
    parts = _split(connection.url)
    url = (parts.scheme, parts.hostname, parts.port, parts.path) if parts else connection.url
    return connection.type, url, connection.token, connection.username, connection.password, signed_in, options


def _manifest(
    document: Document, at: KeyPath, values: Mapping[str, Any], manifests: Mapping[str, Manifest]
) -> Manifest | None:
    kind = values.get("type")
    if not isinstance(kind, str):
        return None  # the common keys' model complains about it
    if kind not in manifests:
        document.complain((*at, "type"), f"unknown type; {suggestion(kind, manifests)}")
    return manifests.get(kind)


def _given(document: Document, at: KeyPath, values: Mapping[str, Any]) -> frozenset[str]:
    """The credentials that the file gives, in one form or the other, rightly or not."""
    return frozenset(
        key
        for key in _CREDENTIALS
        for place in (key, f"{key}_file")
        if place in values or document.unreadable((*at, place))
    )


def _elsewhere(
    document: Document, at: KeyPath, manifest: Manifest, values: Mapping[str, Any], folders: SecretFolders
) -> Mapping[str, Path]:
    """The files, by key, of the secrets that together with what is given make a way to sign in. Nothing is added to a
    whole way, so what lies about cannot get in between.
    """
    found = _given(document, at, values)
    if not _NAME.fullmatch(str(at[-1])):
        return {}
    for way in manifest.credentials:
        missing = way - found
        files = {key: file for key in missing & _SECRETS if (file := folders.find(f"{at[-1]}.{key}")) is not None}
        if found <= way and files.keys() == missing:
            return files
    return {}


def _check_credentials(document: Document, at: KeyPath, manifest: Manifest, found: Collection[str]) -> None:
    if found in manifest.credentials:
        return
    ways = " or ".join(" and ".join(_in_order(way)) for way in manifest.credentials)
    has = f"has {' and '.join(_in_order(found))}" if found else "has no credentials"
    document.complain(at, f"{has}, but {manifest.label} needs {ways}")


def _check_oauth(document: Document, at: KeyPath, manifest: Manifest, options: Options) -> None:
    if manifest.oauth is None:
        return  # then its credentials have no client_id either, and that was complained about
    try:
        manifest.oauth(options)
    except ValueError as reason:
        document.complain((*at, "client_id"), str(reason))


def _in_order(keys: Collection[str]) -> list[str]:
    return [key for key in _CREDENTIALS if key in keys]


def _check_url(document: Document, path: KeyPath, common: CommonSettings) -> None:
    parts = _split(common.url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        document.complain(path, "needs a url such as https://crm.example.com")
    elif parts.username is not None or parts.password is not None:
        document.complain(path, "must not hold credentials; give them as token, or as username and password")
    elif parts.query or parts.fragment:
        document.complain(path, "must end before any `?` or `#`")
    elif parts.scheme == "http" and not common.allow_insecure and not is_loopback(parts.hostname):
        message = "plain http would send the credentials unencrypted; use https, or set allow_insecure: true"
        document.complain(path, message)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is parsed only when it is asked for
    except ValueError:
        return None
    return None if any(char.isspace() for char in url) else parts
