"""A daemon that goes on for days, in one process and with a clock that is moved on: nothing grows."""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import os
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from firm import CLIENT, FakeClock, Lines

from tasksync.bootstrap import connecting
from tasksync.bootstrap import daemon as building
from tasksync.bootstrap.daemon import DaemonWork
from tasksync.bootstrap.surroundings import Surroundings
from tasksync.bootstrap.tenancy import Tenancy
from tasksync.config import load_config
from tasksync.sandbox.app import create_app
from tasksync.sandbox.world import World
from tasksync.service import daemon as service
from tasksync.service.daemon import Daemon
from tasksync.service.heart import Heart
from tasksync.service.metrics import Metrics
from tasksync.service.standing import Standing
from tasksync.service.systemd import Notifier
from tasksync.transport.dial import Dialer
from tasksync.transport.redaction import Redactor
