"""Where log events go: one line each to stderr, ours and those of the libraries in the same form, secrets taken out.

Everything passes through the one formatter on the root logger, and the last thing before an event becomes text is the
redaction: of its name, its keys, its values at any depth, and the text of exceptions (I12). Under systemd's journal
each line carries its priority.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tasksync.ports import Log
from tasksync.service import journal

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["console", "json"]

_FIRST = ("timestamp", "level", "event")
_MANY_LINES = frozenset({"exception", "stack"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What a library tells at "info" is about itself. httpcore tells every header at "debug", and the transport logs its
# own requests. A library that is not named here is heard from the configured level on.
_QUIET = ("httpx", "httpcore", "alembic", "apscheduler", "asyncio", "uvicorn.error", "uvicorn.access")
_OWN_HANDLERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "apscheduler")


def configure(level: Level, format: Format, *, redact: Callable[[Any], Any], stream: TextIO | None = None) -> Log:  # noqa: A002 (named as in the config)
    """Send all events of `level` and above to `stream` (stderr if not given), and return the log of tasksync itself.

    `redact` is given each event as a dict of plain types (dict, list, str, numbers, booleans, None at any depth) and
    returns the same without secrets, as `transport.redaction.Redactor.redact_data` does; it may learn secrets later.
    Colours only on a terminal, and not if NO_COLOR is set. Calling it again replaces what was set up before, also for
    logs that were returned before.
    """
    stream = sys.stderr if stream is None else stream
    for_journal = journal.reads(stream, os.environ)
    handler = _Handler(stream, for_journal=for_journal)
    handler.setFormatter(_formatter(format, redact, colors=_wants_colors(stream), for_journal=for_journal))
    root = logging.getLogger()
    for old in [found for found in root.handlers if isinstance(found, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _OWN_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_described(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("tasksync")
    return log


def within_run(run: str) -> AbstractContextManager[None]:
    """While this is open, every event of this task or thread carries the id of the run."""
    return structlog.contextvars.bound_contextvars(run=run)


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, by its type. An event that cannot be written is told without its data, which may hold secrets."""

    def __init__(self, stream: TextIO, *, for_journal: bool) -> None:
        super().__init__(stream)
        self._for_journal = for_journal

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        error = sys.exc_info()[0]
        kind = error.__name__ if error else "unknown error"
        told = f"tasksync: a log event of {record.name} could not be written ({kind})"
        try:
            self.stream.write(self._marked(told, logging.ERROR) + self.terminator)
            self.flush()
        except (OSError, ValueError):
            # A stream that is gone or closed: there is nobody to tell, and the sync has to go on.
            return

    def format(self, record: logging.LogRecord) -> str:
        return self._marked(super().format(record), record.levelno)

    def _marked(self, text: str, level: int) -> str:
        return journal.prioritised(text, level) if self._for_journal else text


def _formatter(format_: Format, redact: Callable[[Any], Any], *, colors: bool, for_journal: bool) -> logging.Formatter:
    renderer: list[Processor]
    if format_ == "json":
        renderer = [structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        plain = structlog.dev.plain_traceback
        renderer = [
            # The journal has its own times. JSON keeps them: whoever collects that may be given nothing but the object.
            *([_without_timestamp] if for_journal else []),
            _one_line,
            structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, sort_keys=False, pad_event_to=24),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *_described()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _redaction(redact),
            *renderer,
        ],
    )


def _described() -> list[Processor]:
    """What is added to every event, ours or a library's."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _redaction(redact: Callable[[Any], Any]) -> Processor:
    def take_out(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        order = [*(key for key in _FIRST if key in event), *(key for key in event if key not in _FIRST)]
        redacted: EventDict = redact({key: _plain(event[key]) for key in order})
        return redacted

    return take_out


def _plain(value: Any) -> Any:
    """`value` in plain types. An object becomes text before the redaction, not after it: its text can hold a secret."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(inner) for inner in value]
    return str(value)


def _one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Control characters made visible: a CRM's words must neither look like another event nor steer the terminal."""
    return {
        key: (_CONTROL_BUT_LINES if key in _MANY_LINES else _CONTROL).sub(_escape, value)
        if isinstance(value, str)
        else value
        for key, value in event.items()
    }


def _without_timestamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: value for key, value in event.items() if key != "timestamp"}


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _wants_colors(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR")
