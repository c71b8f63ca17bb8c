"""Commands that are imported when somebody wants them: `tasksync --help` and `--version` need none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tasksync.bootstrap.garbage import staying
from tasksync.bootstrap.sparing import import_plainly

_BREAK = re.compile(r"(?<!\n)\n(?![\n ])")
"""Between two lines of a paragraph."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is, as `module:attribute`: a function, or a `typer.Typer` of several. `summary` is for the list
    of commands; the command's own help says more.
    """

    name: str
    place: str
    summary: str

    def load(self) -> Any:
        """The command itself, as typer calls it."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            return _flowing(get_command(found))
        alone = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})
        alone.command(self.name)(found)
        return _flowing(get_command(alone))


def _flowing(command: Any) -> Any:
    """The same command. The terminal breaks the prose of its help where it ends; typer would break it where the source
    does, too. What is indented stays as it is: examples.
    """
    command.help = _BREAK.sub(" ", command.help or "")
    for part in getattr(command, "commands", {}).values():
        _flowing(part)
    return command


class Deferred(TyperCommand):
    """Stands for a command until it is called, or asked for its own help."""

    def __init__(self, place: Place) -> None:
        super().__init__(place.name, help=place.summary)
        self._place = place

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The context of the command itself, which from here on takes this one's place."""
        with staying():
            import_plainly()
            return self._place.load().make_context(info_name, args, parent=parent, **extra)


def group_of(*places: Place) -> type[TyperGroup]:
    """The class of a group of these commands, for `typer.Typer(cls=...)`."""

    class Group(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            for place in places:
                self.add_command(Deferred(place))

    return Group
