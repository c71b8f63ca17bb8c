"""Mirrors and the values to put into them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasksync.core.record import Record, Replica, Version
from tasksync.store.mirror import SqlMirror
from tasksync.store.opening import open_mirror

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class StandingClock:
    """A `ports.Clock` that shows what it is told to."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def mirror() -> Iterator[SqlMirror]:
    opened = open_mirror("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def make_record() -> Callable[..., Record]:
    def make(number: int = 1, **changes: Any) -> Record:
        versions = {
            "title": Version(value=f"Task {number}", at=NOW, connection="office", external_id=str(number)),
            "done": Version(value=False, at=NOW, connection="capsule", external_id=f"c{number}", estimated=True),
        }
        given = {"id": f"r{number:05}", "kind": "task", "group": "all", "versions": versions}
        return Record(**(given | changes))

    return make


@pytest.fixture
def make_replica() -> Callable[..., Replica]:
    def make(number: int = 1, **changes: Any) -> Replica:
        given = {
            "connection": "office",
            "kind": "task",
            "external_id": str(number),
            "record_id": None,
            "shadow": {"title": f"Task {number}", "done": False},
            "seen_at": NOW + timedelta(seconds=number),
        }
        return Replica(**(given | changes))

    return make
