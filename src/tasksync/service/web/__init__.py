"""The daemon's answers over HTTP: health, metrics, how things stand. Nothing in them is secret, or a task's text."""

from tasksync.service.web.app import create_app
from tasksync.service.web.server import Listener

__all__ = ["Listener", "create_app"]
