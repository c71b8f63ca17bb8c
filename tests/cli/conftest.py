"""A person's desk beside a running sandbox."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, example_without_waiting
from mapped import Office

from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock
from tasksync.store.opening import open_mirror


@pytest.fixture
def world() -> World:
    return World(SystemClock())


@pytest.fixture
def desk(tmp_path: Path, world: World) -> Iterator[Desk]:
    (tmp_path / "config.yaml").write_text(example_without_waiting(), encoding="utf-8")
    with Server(world) as server:
        urls = {f"{crm.upper()}_URL": f"{server.url}/{crm}" for crm in world.crms}
        yield Desk(folder=tmp_path, world=world, environ={**os.environ, **urls, "COLUMNS": "200"})


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    mirror = open_mirror(str(tmp_path / "mirror.db"))
    yield Office(tmp_path, mirror)
    mirror.close()
