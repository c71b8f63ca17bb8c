"""Where a connection's requests may go: below its base url, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

import httpx

from tasksync.errors import ConfigError, Misconnected


class Address:
    """A connection's base url. Raises `ConfigError` for one that cannot be used. `redact` is for messages."""

    def __init__(self, connection: str, base_url: str, redact: Callable[[str], str]) -> None:
        url = _parse(base_url)
        if url is None or url.scheme not in ("http", "https") or not url.host or (url.port or 0) > 65535:
            raise ConfigError(f"The url of connection {connection} is no http or https address.")
        if url.userinfo:
            raise ConfigError(f"The url of connection {connection} holds credentials. Use the keys meant for them.")
        if url.query or url.fragment:
            raise ConfigError(f"The url of connection {connection} must end with its path, without ? and #.")
        self._base = str(url).rstrip("/")
        self._url = url
        self._redact = redact
        # To take an address apart takes httpx a tenth of what a request does, and most writes go to a few of them.
        self.resolve = lru_cache(maxsize=64)(self._resolve)

    @property
    def loopback(self) -> bool:
        """Whether it leads to this very machine."""
        try:
            return ip_address(self._url.host).is_loopback
        except ValueError:
            return self._url.host == "localhost"

    @property
    def in_the_open(self) -> bool:
        """Whether whatever goes there goes unencrypted, and without a proxy, which may want encryption for itself."""
        return self.loopback and self._url.scheme == "http"

    def _resolve(self, path: str) -> httpx.URL:
        """`path` below the base url; an absolute url, as Capsule's Link header has them, stays as it is. Raises
        `Misconnected` if that would lead elsewhere: credentials must not go along.
        """
        absolute = path.lower().startswith(("http://", "https://"))
        url = _parse(path if absolute else f"{self._base}/{path.lstrip('/')}")
        if url is None:
            message = f"A path below {self._base} cannot be requested: it holds characters that no url has."
            raise Misconnected(self._redact(message))
        if url.userinfo or origin(url) != origin(self._url):
            message = f"A link leads from {origin(self._url)} to {origin(url)}, and was not followed."
            raise Misconnected(self._redact(message))
        return url


def origin(url: httpx.URL) -> str:
    """Scheme, host and port: where credentials may go."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def target_of(location: str, requested: httpx.URL) -> str:
    """The origin a redirect leads to."""
    try:
        return origin(requested.join(location))
    except httpx.InvalidURL:
        return "an address that cannot be read"


def _parse(text: str) -> httpx.URL | None:
    try:
        return httpx.URL(text)
    except httpx.InvalidURL:
        return None
