"""Plannr (protocols/plannr.md): below the base url come `/api/v1/...`."""

from tasksync.sandbox.plannr.api import application
from tasksync.sandbox.plannr.firm import Plannr

__all__ = ["Plannr", "application"]
