"""What libraries would import and tasksync has no use for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, cast


def import_plainly() -> None:
    """Import what would bring rich along wherever it is installed: structlog for tracebacks with the values of all
    variables, which tasksync never shows, and httpx for a command line of its own. It takes a tenth of the time of a
    run in which nothing changed. Who wants rich itself imports it later, and gets it.
    """
    with _absent("rich"):
        import_module("structlog")
        import_module("httpx")


@contextmanager
def _absent(name: str) -> Iterator[None]:
    """Within the block whoever would import it is told that it is not installed, unless it is there already."""
    if name in sys.modules:
        yield
        return
    # None is what the import system takes for "not to be found", though its types do not say so.
    modules = cast("dict[str, Any]", sys.modules)
    modules[name] = None
    try:
        yield
    finally:
        del modules[name]
