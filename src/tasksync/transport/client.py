"""The httpx clients of one connection, with everything switched off that they would do by themselves."""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar
from urllib.request import Request

import httpx

from tasksync import __version__
from tasksync.errors import ConfigError
from tasksync.transport.address import Address
from tasksync.transport.body import ACCEPT_ENCODING

# Shorter than the five seconds after which common servers hang up on an idle connection: a request that meets that
# moment is lost, and one that creates something would have to be searched for afterwards.
_IDLE_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """In seconds. `read` and `write` are for each piece, `whole` for one try from its start to the last byte: a server
    that sends a byte now and then never runs into the others.
    """

    connect: float = 10.0
    read: float = 30.0
    write: float = 30.0
    whole: float = 60.0


class Certificates:
    """Which certificates are accepted: those of SSL_CERT_FILE or SSL_CERT_DIR if one is set, else the usual ones.

    Shared by all clients of a dialer: reading a few hundred certificates takes as long as several requests.
    """

    def context(self, address: Address) -> ssl.SSLContext:
        """For a client of `address` alone. Raises what `ssl` does for files that cannot be used."""
        # Nothing encrypted is ever sent there, not even by way of a proxy. Should it be all the same, no certificate is
        # good enough: this context checks them, and knows none to trust.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if address.in_the_open else self._usual

    @cached_property
    def _usual(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()


class _NoCookies(CookieJar):
    """A jar that takes nothing: ONLYOFFICE lets a cookie win over the Authorization header, so a kept one would go on
    signing in with a stale token (protocols/onlyoffice.md, 1). Nor does it look for any, as others do at length.
    """

    def extract_cookies(self, response: HTTPResponse, request: Request) -> None:
        """None."""

    def set_cookie(self, cookie: Cookie) -> None:
        """Not kept."""


class Clients:
    """As many clients as there are requests at a time, each with one connection to the CRM.

    httpcore goes through all connections of a pool when a request begins and when it ends, and asks the system about
    each idle one. With a handful in one pool that takes a tenth of the time of a request, with a pool for each nothing.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient], monotonic: Callable[[], float]) -> None:
        self._make = make
        self._monotonic = monotonic
        # The one that was used last comes last. Made now, so that what cannot be made is told early.
        self._free: deque[tuple[float, httpx.AsyncClient]] = deque([(monotonic(), make())])
        self.headers = self._free[0][1].headers
        self._closed = False

    def take(self) -> httpx.AsyncClient:
        """A free one, for one request. Raises `RuntimeError` when they are closed."""
        if self._closed:
            raise RuntimeError("the session is closed")
        return self._free.pop()[1] if self._free else self._make()

    async def give_back(self, client: httpx.AsyncClient) -> None:
        """The request is over, its answer closed."""
        now = self._monotonic()
        self._free.append((now, client))
        # One that has been idle for so long would make a new connection anyway, and keeps what is left of the old one.
        while self._free and (self._closed or self._free[0][0] < now - _IDLE_S):
            await self._free.popleft()[1].aclose()

    async def close(self) -> None:
        """Close those that are free now, and the others when they are given back."""
        self._closed = True
        while self._free:
            await self._free.popleft()[1].aclose()


def open_client(
    address: Address,
    timeouts: Timeouts,
    certificates: Certificates,
    transport: httpx.AsyncBaseTransport | None,
    on_answer: Callable[[httpx.Response], Awaitable[None]],
) -> httpx.AsyncClient:
    """Raises `ConfigError` if what the environment says of proxies and certificates cannot be used."""
    try:
        return httpx.AsyncClient(
            headers={"User-Agent": f"tasksync/{__version__}", "Accept-Encoding": ACCEPT_ENCODING},
            cookies=_NoCookies(),
            # A stand-in for the network needs none.
            verify=certificates.context(address) if transport is None else True,
            # An administrator expects HTTPS_PROXY and NO_PROXY to count; netrc is not read by httpx of its own accord.
            # No proxy can reach this machine's loopback, so the sandbox works behind one too.
            trust_env=not address.loopback,
            follow_redirects=False,
            timeout=httpx.Timeout(connect=timeouts.connect, read=timeouts.read, write=timeouts.write, pool=None),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_IDLE_S),
            event_hooks={"response": [on_answer]},
            transport=transport,
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL):
        # The cause may show a proxy's password.
        raise ConfigError(
            "No connection can be set up with HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR as "
            "they are in the environment."
        ) from None
