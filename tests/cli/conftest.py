"""A person's desk beside a running sandbox."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import ROOT, Desk

from tasksync.sandbox.server import Server
from tasksync.sandbox.world import World
from tasksync.service.clock import SystemClock


@pytest.fixture
def world() -> World:
    return World(SystemClock())


@pytest.fixture
def desk(tmp_path: Path, world: World) -> Iterator[Desk]:
    shutil.copy(ROOT / "config.example.yaml", tmp_path / "config.yaml")
    with Server(world) as server:
        urls = {f"{crm.upper()}_URL": f"{server.url}/{crm}" for crm in world.crms}
        yield Desk(folder=tmp_path, world=world, environ={**os.environ, **urls, "COLUMNS": "200"})
