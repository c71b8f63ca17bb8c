"""A YAML file as plain values that still know their lines, with the environment put in, and the list of what is wrong.

Variables are put in after the YAML was parsed, so a value from outside can never add a key or end a string. Values do
not appear in messages: anything may turn out to be a secret, if only by standing in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from tasksync.errors import ConfigError

KeyPath: TypeAlias = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset({f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge")})
_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<malformed>\{))"
)
# The parser quotes what it did not understand, which may be a token that begins with `*` or `!`. Punctuation may stay.
_HARMLESS = re.compile(r"(?:[^'\"]|'(?:[^\w'\"]|\\t)')*")


def expand(text: str, environ: Mapping[str, str], complain: Callable[[str], None]) -> str:
    """`text` with `${VAR}` and `${VAR:-default}` replaced (the default also for an empty variable, and taken literally)
    and `$$` as a plain dollar. What cannot be replaced is told to `complain`.
    """

    def replace(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name, default = found["name"], found["default"]
        if found["malformed"]:
            complain("has a `${` that is no `${NAME}` or `${NAME:-default}`; write `$$` for a plain dollar sign")
            return ""
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            complain(f"the variable {name} is not set; set it, or write a default as in ${{{name}:-value}}")
        return environ.get(name, "")

    return _VARIABLE.sub(replace, text)


def dotted(path: KeyPath) -> str:
    """The path as people write it: `connections.office.token`, `groups.sales.connections[0]`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown `word`: the nearest of `known` if one is near, else all of them."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"known are: {', '.join(names)}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing that is wrong. Sorts by its place in the file; line 0 is the file as a whole."""

    line: int
    key: str
    message: str


class Document:
    """A parsed file. `values` holds mappings, lists, text, numbers, booleans and None, and nothing of YAML's own.

    Problems are collected with `complain` until `finish` raises them all at once. What is allowed but hardly meant is
    told with `warn`.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.values: dict[str, Any] = {}
        self._lines: dict[KeyPath, int] = {}
        self._problems: list[Problem] = []
        self._doubts: list[Problem] = []
        self._unreadable: set[str] = set()

    @classmethod
    def load(cls, file: Path, environ: Mapping[str, str]) -> Self:
        """Read and parse `file`. Raises `ConfigError` when that is not possible at all."""
        document = cls(file)
        try:
            root = _parser().compose(file.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise ConfigError(f"{file}: cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{file}: is not UTF-8 text.") from None
        except MarkedYAMLError as error:
            raise ConfigError(f"{file}:{_line_of(error)}: is not valid YAML: {_reason(error)}") from None
        except ReaderError as error:
            raise ConfigError(f"{file}: is not valid YAML: character #x{error.character:04x} is not allowed") from None
        except (YAMLError, RecursionError):
            raise ConfigError(f"{file}: is not valid YAML.") from None
        if root is not None and not isinstance(root, MappingNode):
            raise ConfigError(f"{file}:1: needs keys with values at its top level, such as `connections:`")
        if root is not None:
            document.values = _Reading(document, environ).mapping(root, ())
        document._unreadable = {problem.key for problem in document._problems}
        return document

    def place(self, path: KeyPath, line: int) -> None:
        """Remember the line (from 1) on which the key of `path` stands."""
        self._lines[path] = line

    def unreadable(self, path: KeyPath) -> bool:
        """Whether the key was there, but not its value: that is one problem, and no second one for a missing value."""
        return dotted(path) in self._unreadable

    def complain(self, path: KeyPath, message: str) -> None:
        """One more problem, at `path` or, if that is not in the file, on the line of the nearest key above it."""
        if not self.unreadable(path):
            self._problems.append(self._problem(path, message))

    def warn(self, path: KeyPath, message: str) -> None:
        """One more doubt, placed like a problem."""
        self._doubts.append(self._problem(path, message))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All doubts, in the order of the file."""
        return tuple(self._told(doubt) for doubt in sorted(set(self._doubts)))

    def _problem(self, path: KeyPath, message: str) -> Problem:
        at = path
        while at and at not in self._lines:
            at = at[:-1]
        return Problem(line=self._lines.get(at, 0), key=dotted(path), message=message)

    def finish(self) -> None:
        """Raise `ConfigError` with all problems, one per line in the order of the file, if there are any."""
        if self._problems:
            raise ConfigError("\n".join(self._told(problem) for problem in sorted(set(self._problems))))

    def _told(self, problem: Problem) -> str:
        place = f"{self.file}:{problem.line}" if problem.line else f"{self.file}"
        return f"{place}: {problem.key}: {problem.message}" if problem.key else f"{place}: {problem.message}"


class _Reading:
    """One walk over the parser's nodes."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._open: set[int] = set()

    def mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._document.complain(path, f"has a key on line {line} that is not a plain word")
                continue
            if ":" in key_node.value:
                # Not shown: `{token:abc}`, with no blank, is a key named "token:abc".
                self._document.complain(path, f"has a colon inside a key on line {line}; is a blank missing after it?")
                continue
            key = (*path, str(key_node.value))
            if key_node.value in values:
                self._document.complain(key, f"stands here twice, the second time on line {line}; keep one of them")
                continue
            self._document.place(key, line)
            values[key_node.value] = self._value(value_node, key)
        return values

    def _value(self, node: Node, path: KeyPath) -> Any:
        if id(node) in self._open:
            self._document.complain(path, "contains itself by way of an alias")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self.mapping(node, path)
            if isinstance(node, SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._open.discard(id(node))

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._document.place((*path, index), item.start_mark.line + 1)
            values.append(self._value(item, (*path, index)))
        return values

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        tag, text = str(node.tag), str(node.value)
        if tag not in _PLAIN_TAGS:
            self._document.complain(path, "has a YAML tag; put a text that begins with `!` into quotes")
            return None
        match tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return _number(int, text)
            case "float":
                return _number(float, text)
        expanded = expand(text, self._environ, lambda message: self._document.complain(path, message))
        # `${VAR:-}` is how one writes "if it is set": an empty result is a key without a value.
        return None if expanded == "" and text != "" else expanded


def _parser() -> YAML:
    parser = YAML(typ="rt", pure=True)
    # An anchor used twice is odd, not wrong, and the warning would print what may be a secret.
    parser.composer.warn_double_anchors = False
    return parser


def _number(kind: Callable[[str], int | float], text: str) -> int | float | str:
    try:
        return kind(text)
    except ValueError:
        # 0x1F, 1_000, .inf: numbers to YAML, and nothing that a setting means by a number.
        return text


def _line_of(error: MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return 1 if mark is None else mark.line + 1


def _reason(error: MarkedYAMLError) -> str:
    text = ", ".join(part for part in (error.context, error.problem) if part)
    found = _HARMLESS.match(text)
    harmless = found[0] if found else ""
    return harmless if harmless == text else f"{harmless}..."
