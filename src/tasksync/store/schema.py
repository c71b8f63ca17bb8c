"""Bringing a database to the schema of this program, or refusing it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, text

from tasksync.errors import MirrorUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A line of revisions: where its scripts are (a folder, or `package:folder`) and which is the last."""

    scripts: str
    head: str


OURS = Schema(scripts="tasksync.store:migrations", head="0006")


def upgrade(sql: Connection, place: str, schema: Schema) -> None:
    """Bring the database behind `sql` to `schema.head`, within the transaction that the caller has begun: all of it or
    nothing. Foreign keys must be off, as SQLite changes tables by copying and dropping them.

    Raises `MirrorUnusable` for a newer mirror, for a database that is no mirror, and for a migration that fails; the
    caller then rolls back.
    """
    current = _revision(sql, place)
    if current == schema.head:
        return
    # Alembic takes as long to import as all the rest of the store, and is needed once per release.
    from tasksync.store.migrating import migrate  # noqa: PLC0415

    try:
        migrate(sql, place, scripts=schema.scripts, current=current, head=schema.head)
    except MirrorUnusable:
        raise
    except Exception as error:
        raise _failed(place, str(error)) from error
    broken = sql.execute(text("PRAGMA foreign_key_check")).all()
    if broken:
        raise _failed(place, f"{len(broken)} rows would refer to nothing, the first in {broken[0][0]}")


def _revision(sql: Connection, place: str) -> str | None:
    """What the database says it is; None for an empty one."""
    tables = set(inspect(sql).get_table_names())
    if not tables:
        return None
    require_mirror(tables, place)
    revision: str | None = sql.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def require_mirror(tables: Collection[str], place: str) -> None:
    """Raises `MirrorUnusable` if these are not the tables of a mirror, of whatever revision."""
    if not {"alembic_version", "record", "replica"} <= set(tables):
        raise MirrorUnusable(
            f"{place} is the database of another program: it has other tables than a mirror. Change `database` in the "
            "config."
        )


def _failed(place: str, reason: str) -> MirrorUnusable:
    return MirrorUnusable(
        f"The mirror {place} could not be brought to the form that this version of tasksync needs ({reason}). It is as "
        "it was: use the version that wrote it, and please report this message."
    )
