"""ONLYOFFICE CRM, Workspace 12 (protocols/onlyoffice.md): below the base url come `/api/2.0/...`."""

from tasksync.sandbox.onlyoffice.api import application
from tasksync.sandbox.onlyoffice.portal import Onlyoffice

__all__ = ["Onlyoffice", "application"]
