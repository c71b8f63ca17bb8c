"""The rows of sign-ins: tokens as `tokens` hands them over, sealed or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import delete, select

from tasksync.store.section import Section, upsert
from tasksync.store.tables import SIGN_IN

_SAVE = upsert(SIGN_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSignIn:
    """A row. `tokens` is JSON text, encrypted if `sealed`."""

    connection: str
    audience: str
    sealed: bool
    tokens: str = field(repr=False)
    obtained_at: datetime
    expires_at: datetime | None
    refused: str | None


class SignIns(Section):
    """What `tokens.MirrorTokens` keeps. The engine knows nothing of it."""

    def sign_in(self, connection: str) -> StoredSignIn | None:
        row = self._sql.execute(select(SIGN_IN).where(SIGN_IN.c.connection == connection)).mappings().one_or_none()
        return None if row is None else StoredSignIn(**row)

    def save_sign_in(self, row: StoredSignIn) -> None:
        """Insert or replace, by connection."""
        self._overwrite()
        self._sql.execute(_SAVE, asdict(row))

    def drop_sign_in(self, connection: str) -> None:
        self._overwrite()
        self._sql.execute(delete(SIGN_IN).where(SIGN_IN.c.connection == connection))

    def _overwrite(self) -> None:
        # Otherwise what is replaced may stay readable in the free part of its page, for instance tokens that were
        # stored before there was a key. Whether it is on by itself depends on how SQLite was compiled.
        self._sql.exec_driver_sql("PRAGMA secure_delete = ON")
