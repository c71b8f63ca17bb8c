"""Who gets an answer, and the headers that every answer has.

With a token, whoever knows it. Without one, this machine alone; and since a page of any site can make a browser on this
machine send requests, two more things count there: the name in `Host` has to be one of this machine's (a page can point
a name of its own at 127.0.0.1), and what changes anything must not come from another site's page.

`/healthz` answers everybody: it says one bit, and what asks it (a container's probe) has neither token nor names.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from secrets import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN_PATH = "/healthz"

_SAFE = frozenset({"GET", "HEAD"})
_OWN_SITE = frozenset({"same-origin", "none"})


class Gate:
    """Wraps the application. `host` is what the server listens on, a name or an address; `style_hash` is that of the
    one inline style sheet, as Content-Security-Policy wants it.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, host: str, style_hash: str) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._host = host.lower()
        self._headers = {
            "Cache-Control": "no-store",
            "Connection": "close",
            "Content-Security-Policy": (
                f"default-src 'none'; style-src '{style_hash}'; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'"
            ),
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the daemon speaks HTTP only, not {scope['type']}")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        await (refusal or self._app)(scope, receive, with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        """None: let it through."""
        if scope["path"] == OPEN_PATH:
            return None
        if self._token is not None:
            if not _bears(headers, self._token):
                challenge = {"WWW-Authenticate": 'Bearer realm="tasksync"'}
                return _refused(401, "This needs the header Authorization: Bearer, with http.token.", challenge)
        elif scope["client"] is None or not _is_loopback(scope["client"][0]):
            return _refused(403, "Without http.token, only this machine gets an answer.")
        elif not self._is_own_name(headers.get("host", "")):
            return _refused(421, "Without http.token, Host has to be localhost or an address of this machine.")
        if scope["method"] not in _SAFE and _is_from_elsewhere(headers):
            return _refused(403, "A page of another site may not ask for this.")
        return None

    def _is_own_name(self, host: str) -> bool:
        name = _hostname(host)
        return name is not None and (name in {"localhost", self._host} or _is_loopback(name))


def _bears(headers: Headers, token: bytes) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    # Header values arrive as Latin-1, which takes any byte and gives it back.
    return scheme.lower() == "bearer" and compare_digest(given.strip().encode("latin-1"), token)


def _hostname(host: str) -> str | None:
    """Of `name:port`, in lower case; None when it is no such thing."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _is_loopback(address: str) -> bool:
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback


def _is_from_elsewhere(headers: Headers) -> bool:
    """Browsers say where a request comes from; other programs say nothing, and nobody can make them send it."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN_SITE:
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def _refused(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
