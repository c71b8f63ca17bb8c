"""Requests under an OAuth2 sign-in: every one carries an access token, which is renewed when it has to be.

Refresh tokens rotate: each is good once, and whoever uses one must hand the next one on. So:

- Only one at a time renews: within a process one task (a lock of asyncio), among processes one process (`Tokens.
  exclusive`). Whoever had to wait reads what is stored once more before it asks the CRM: mostly nothing is left to do.
- What the CRM answered is stored, and committed, before anybody uses it.
- Between the answer and the commit nothing interrupts but the end of the process: not Ctrl-C, not the failure of
  another connection. After such an end the refresh token that is stored is one that was used already. Some CRMs take
  it once more, and then nothing happened; from the others it is `NeedsLogin`.
- A refusal is stored as well, so that later runs tell it without asking the CRM again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeVar

from tasksync.errors import NeedsLogin
from tasksync.ports import Clock, Dial, Http, RateLimit, Response, SignIn, Tokens, Traffic
from tasksync.transport.oauth import OAuthClient, SignInRefused, TokenEndpoint

T = TypeVar("T")

# Renewed so long before the end, or a tenth of its life if that is shorter: a request that goes out must still be in
# time when it arrives.
_MARGIN: Final = timedelta(seconds=60)


class AccessTokens:
    """The access token of one connection."""

    def __init__(self, client: OAuthClient, endpoint: TokenEndpoint, tokens: Tokens, clock: Clock) -> None:
        self._client = client
        self._endpoint = endpoint
        self._tokens = tokens
        self._clock = clock
        self._turn = asyncio.Lock()
        self._last: SignIn | None = None

    @property
    def requests(self) -> int:
        """Requests for tokens so far."""
        return self._endpoint.requests

    @property
    def traffic(self) -> Traffic:
        """What they came to."""
        return self._endpoint.traffic

    async def current(self, *, instead_of: str | None = None) -> str:
        """A token to use now. `instead_of` is one that the CRM did not accept.

        Raises `NeedsLogin` where only a person can get one, and what `TokenEndpoint.renew` raises.
        """
        async with self._turn:
            if self._last is None or not self._usable(self._last, instead_of):
                # Forgotten first: after a failure, what is stored decides.
                self._last = None
                self._last = await self._next(instead_of)
            return self._last.access_token

    async def close(self) -> None:
        await self._endpoint.close()

    async def _next(self, instead_of: str | None) -> SignIn:
        stored = self._load()
        if self._usable(stored, instead_of):
            return stored
        async with self._tokens.exclusive(self._client.connection):
            stored = self._load()
            return stored if self._usable(stored, instead_of) else await _whole(self._renew(stored))

    async def _renew(self, sign_in: SignIn) -> SignIn:
        try:
            renewed = await self._endpoint.renew(sign_in)
        except SignInRefused as refusal:
            self._tokens.save(replace(sign_in, refused=str(refusal)))
            raise
        self._tokens.save(renewed)
        return renewed

    def _load(self) -> SignIn:
        name = self._client.connection
        found = self._tokens.load(name)
        if found is None:
            raise NeedsLogin(f"Nobody has signed in connection {name} yet. Sign in with: tasksync login {name}")
        self._endpoint.conceal(found)
        if found.audience != self._client.audience:
            raise NeedsLogin(
                f"Connection {name} was signed in for another url or client_id ({found.audience}). Put them back, or "
                f"sign in for the new ones with: tasksync login {name}"
            )
        if found.refused is not None:
            raise NeedsLogin(found.refused)
        return found

    def _usable(self, sign_in: SignIn, instead_of: str | None) -> bool:
        if sign_in.access_token == instead_of:
            return False
        if sign_in.expires_at is None:
            return True
        margin = min(_MARGIN, (sign_in.expires_at - sign_in.obtained_at) / 10)
        return self._clock.now() < sign_in.expires_at - margin


class SignedIn:
    """Implements `ports.Http` on another one, which does everything else."""

    def __init__(self, client: OAuthClient, http: Http, tokens: AccessTokens) -> None:
        self._client = client
        self._http = http
        self._tokens = tokens

    @property
    def requests(self) -> int:
        return self._http.requests + self._tokens.requests

    @property
    def traffic(self) -> Traffic:
        return self._http.traffic + self._tokens.traffic

    @property
    def clock_difference(self) -> timedelta:
        return self._http.clock_difference

    def conceal(self, secret: str) -> None:
        self._http.conceal(secret)

    async def close(self) -> None:
        await self._http.close()
        await self._tokens.close()

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
        """See `ports.Http.send`. After a 401 the token is renewed and the request sent once more, whatever it is, since
        it was not carried out. Raises `NeedsLogin` when that does not help, or cannot be done.
        """

        async def send_with(token: str) -> Response:
            signed = {**(headers or {}), "Authorization": f"Bearer {token}"}
            return await self._http.send(method, path, params=params, headers=signed, json=json, content=content)

        token = await self._tokens.current()
        response = await send_with(token)
        if response.status != 401:
            return response
        response = await send_with(await self._tokens.current(instead_of=token))
        if response.status == 401:
            raise NeedsLogin(
                f"The CRM does not accept even a token that it gave out a moment ago ({response.method} "
                f"{response.url}). {self._client.remedy}"
            )
        return response


class OAuthDialer:
    """Implements `ports.Dial` for one connection, on another one: what it makes is signed in."""

    def __init__(self, dial: Dial, client: OAuthClient, tokens: Tokens, clock: Clock) -> None:
        self._dial = dial
        self._client = client
        self._tokens = tokens
        self._clock = clock

    def __call__(
        self,
        *,
        connection: str,
        base_url: str,
        limit: RateLimit,
        expects: Literal["json", "xml"],
        headers: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> SignedIn:
        """Nothing is sent yet, and no token needed."""
        endpoint = TokenEndpoint(self._client, self._dial, self._clock)
        http = self._dial(
            connection=connection, base_url=base_url, limit=limit, expects=expects, headers=headers, secrets=secrets
        )
        return SignedIn(self._client, http, AccessTokens(self._client, endpoint, self._tokens, self._clock))


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is carried to its end even if whoever waits here is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # looked at, or asyncio reports it as forgotten
        raise
