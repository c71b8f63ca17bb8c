"""What a person sees: one module per family of commands."""

from tasksync.cli.app import main

__all__ = ["main"]
