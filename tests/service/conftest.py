"""What the tests of the daemon's surroundings share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

LIBRARIES = ("apscheduler", "httpx", "httpcore", "asyncio", "alembic", "uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture(autouse=True)
def fresh_logging() -> Iterator[None]:
    """Finds the loggers of libraries as in a process that has just begun, whatever other tests made of them (a sandbox
    silences uvicorn); leaves logging and structlog as they were.
    """
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in LIBRARIES)]
    before = [(logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers[1:]:
        logger.setLevel(logging.NOTSET)
    yield
    structlog.reset_defaults()
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate
