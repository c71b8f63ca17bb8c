"""The daemon's pages, at the address that the configuration gives at the time."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp

from tasksync.service.web.server import Listener
from tasksync.service.work import Address


class Pages:
    """`app` makes the application for an address. Shown nowhere at first."""

    def __init__(self, app: Callable[[Address], ASGIApp]) -> None:
        self._app = app
        self._address: Address | None = None
        self._listener: Listener | None = None

    async def show_at(self, address: Address | None) -> None:
        """From now on there, and nowhere else; None: nowhere. Raises `ConfigError` when that cannot be listened on:
        then they stay where they were, unless only the token is another, which leaves nothing to go back to.
        """
        if address == self._address:
            return
        old = self._listener
        if old is not None and address is not None and (old.host, old.port) == (address.host, address.port):
            await self.close()
            old = None
        self._listener = await self._open(address)
        self._address = address
        if old is not None:
            await old.__aexit__(None, None, None)

    async def close(self) -> None:
        """Show them nowhere."""
        old, self._listener, self._address = self._listener, None, None
        if old is not None:
            await old.__aexit__(None, None, None)

    async def _open(self, address: Address | None) -> Listener | None:
        if address is None:
            return None
        return await Listener(self._app(address), address.host, address.port).__aenter__()
