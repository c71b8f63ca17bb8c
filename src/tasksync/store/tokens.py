"""`ports.Tokens` in the mirror.

The lock around a renewal is a file beside the mirror, one for each connection, and neither a transaction nor the
mirror's own lock: a renewal waits for the CRM, and no transaction is open while a request is under way (design.md, 2);
and `tasksync check`, `login` and a dry run renew too, while a sync that may last for hours holds the mirror's lock. The
operating system takes the lock from a process that ends, however it ends.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from filelock import AsyncFileLock, Timeout

from tasksync.errors import MirrorUnusable, NeedsLogin, RetryLater
from tasksync.ports import SignIn
from tasksync.store.mirror import SqlMirror
from tasksync.store.sealing import Seal, WrongKey
from tasksync.store.sign_ins import StoredSignIn

# A renewal takes as long as one request may with all its tries: a minute by default, and the last try on top.
PATIENCE_S = 150.0


class MirrorTokens:
    """`mirror` may be in use for other things, by the same thread. `file` is where it lies, None for one in memory,
    which no other process can see. With `key` (see `sealing.Seal`), tokens are encrypted; those that were stored before
    there was a key are as soon as they are read.
    """

    def __init__(
        self, mirror: SqlMirror, *, file: Path | None, key: bytes | None, patience_s: float = PATIENCE_S
    ) -> None:
        self._mirror = mirror
        self._file = file
        self._seal = None if key is None else Seal(key)
        self._patience_s = patience_s

    def load(self, connection: str) -> SignIn | None:
        """See `ports.Tokens`."""
        with self._mirror.begin() as unit:
            row = unit.sign_in(connection)
            if row is None:
                return None
            if self._seal is not None and not row.sealed:
                unit.save_sign_in(replace(row, sealed=True, tokens=self._seal.close(row.tokens)))
        tokens = json.loads(self._unsealed(row) if row.sealed else row.tokens)
        return SignIn(
            connection=row.connection,
            audience=row.audience,
            access_token=tokens["access_token"],
            refresh_token=tokens["refresh_token"],
            obtained_at=row.obtained_at,
            expires_at=row.expires_at,
            refused=row.refused,
        )

    def save(self, sign_in: SignIn) -> None:
        """See `ports.Tokens`. Raises `MirrorUnusable`."""
        tokens = json.dumps({"access_token": sign_in.access_token, "refresh_token": sign_in.refresh_token})
        row = StoredSignIn(
            connection=sign_in.connection,
            audience=sign_in.audience,
            sealed=self._seal is not None,
            tokens=tokens if self._seal is None else self._seal.close(tokens),
            obtained_at=sign_in.obtained_at,
            expires_at=sign_in.expires_at,
            refused=sign_in.refused,
        )
        with self._mirror.begin() as unit:
            unit.save_sign_in(row)

    def forget(self, connection: str) -> None:
        with self._mirror.begin() as unit:
            unit.drop_sign_in(connection)

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:
        """See `ports.Tokens`. Raises `MirrorUnusable` where no lock can be had."""
        if self._file is None:
            return nullcontext()
        # No connection's name makes this the lock of the mirror or of the daemon.
        return self._locked(connection, self._file.with_name(f"{self._file.name}.{connection}.token.lock"))

    @asynccontextmanager
    async def _locked(self, connection: str, path: Path) -> AsyncIterator[None]:
        lock = AsyncFileLock(path, timeout=self._patience_s, mode=0o600, run_in_executor=False)
        try:
            await lock.acquire()
        except Timeout:
            raise RetryLater(
                f"Another tasksync has been renewing the sign-in of connection {connection} for "
                f"{self._patience_s:g} seconds. The next cycle tries again."
            ) from None
        except (OSError, NotImplementedError) as error:
            raise MirrorUnusable(
                f"The lock {path} cannot be had ({error}). The directory of the mirror has to be writable and to "
                "support file locks."
            ) from error
        try:
            yield
        finally:
            await lock.release()

    def _unsealed(self, row: StoredSignIn) -> str:
        advice = f"sign in again with: tasksync login {row.connection}"
        if self._seal is None:
            raise NeedsLogin(
                f"The sign-in of connection {row.connection} is encrypted, and there is no key. Put secrets.key_file "
                f"back into the config, or {advice}"
            )
        try:
            return self._seal.open(row.tokens)
        except WrongKey:
            raise NeedsLogin(
                f"The sign-in of connection {row.connection} was encrypted with another key than the present one. Put "
                f"the old key back, or {advice}"
            ) from None


class HeldTokens:
    """`ports.Tokens` that nobody stores, for this process alone: a sign-in that is still to be looked at."""

    def __init__(self, *sign_ins: SignIn) -> None:
        self._held = {one.connection: one for one in sign_ins}

    def load(self, connection: str) -> SignIn | None:
        return self._held.get(connection)

    def save(self, sign_in: SignIn) -> None:
        self._held[sign_in.connection] = sign_in

    def forget(self, connection: str) -> None:
        self._held.pop(connection, None)

    def exclusive(self, connection: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 (there is nobody else)
        return nullcontext()
