"""The models of the file's sections, and the small notations in them: durations, shares, addresses."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from ipaddress import ip_address
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from tasksync.config.document import suggestion
from tasksync.core.guard import DeletionLimit

_UNITS = MappingProxyType(
    {
        "ms": timedelta(milliseconds=1),
        "s": timedelta(seconds=1),
        "m": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
    }
)
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)", re.ASCII)
_SHARE = re.compile(r"(\d{1,3})\s*%", re.ASCII)
_ADDRESS = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>\d{1,5})", re.ASCII)
_DURATION_ADVICE = "needs a whole number with a unit (ms, s, m, h or d), such as 500ms, 60s, 5m, 1h or 30d"
_LIMIT_ADVICE = "needs a share such as 10%, at most 100%, or a whole number that is not negative"
_ADDRESS_ADVICE = "needs a host and a port such as 127.0.0.1:9460 or [::1]:9460"


def duration(value: object) -> timedelta:
    """`60s` and the like. Raises `ValueError`."""
    if isinstance(value, timedelta):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(_DURATION_ADVICE)
    return int(found[1]) * _UNITS[found[2]]


def some_duration(value: object) -> timedelta:
    """A duration of a second or more. Raises `ValueError`."""
    length = duration(value)
    if length < timedelta(seconds=1):
        raise ValueError("needs to be 1s or longer")
    return length


def deletion_limit(value: object) -> DeletionLimit:
    """`10%`, or a number. Raises `ValueError`."""
    if isinstance(value, DeletionLimit):
        return value
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text.isascii() and text.isdigit():
        return DeletionLimit(share=None, count=int(text))
    found = _SHARE.fullmatch(text)
    if found is None or int(found[1]) > 100:
        raise ValueError(_LIMIT_ADVICE)
    return DeletionLimit(share=Fraction(int(found[1]), 100))


def zone(value: object) -> ZoneInfo:
    """A zone by its IANA name. Raises `ValueError`."""
    if isinstance(value, ZoneInfo):
        return value
    name = value if isinstance(value, str) else ""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # ZoneInfoNotFoundError is a KeyError; the name of a folder ("Europe") is an OSError.
        known = available_timezones()
        near = suggestion(name, known) if name else ""
        hint = near if near.startswith("did you mean") else "use a name such as Europe/London"
        raise ValueError(f"needs the name of a time zone; {hint}") from None


def whole_number(value: object) -> object:
    """Refuses booleans, which pydantic takes for 0 and 1."""
    if isinstance(value, bool):
        raise ValueError("needs a whole number")  # noqa: TRY004 (pydantic reports ValueError only)
    return value


def different_kinds(kinds: tuple[str, ...]) -> tuple[str, ...]:
    """One kind of record at least, and none twice. Raises `ValueError`."""
    if not kinds or len(set(kinds)) < len(kinds):
        raise ValueError("needs one or more of task and case, each once")
    return kinds


def browser_address(text: str) -> str:
    """An address that a browser can be sent to. Raises `ValueError`."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # is parsed only when it is asked for
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ValueError("needs the redirect URL that is registered at the CRM, such as http://127.0.0.1:8400/")
    return text


Duration: TypeAlias = Annotated[timedelta, BeforeValidator(duration)]
SomeDuration: TypeAlias = Annotated[timedelta, BeforeValidator(some_duration)]


class Settings(BaseModel):
    """A section of the file: unknown keys are refused, and no message or traceback shows a value."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)


class SyncSettings(Settings):
    """How cycles treat records, and those of which `kinds`. `completed_horizon`: tasks finished longer ago are not
    copied at a first meeting. `full_sweep`: how old the last complete listing may be before there is another one; with
    zero, all are complete. `keep_history`: how long the mirror remembers what was overwritten, conflicts and runs.
    `shutdown_grace`: how long the daemon, when it is stopped, waits for the requests that are under way.
    """

    kinds: Annotated[tuple[Literal["task", "case"], ...], AfterValidator(different_kinds)] = ("task",)
    deletions: Literal["propagate", "keep"] = "propagate"
    max_deletes: Annotated[DeletionLimit, BeforeValidator(deletion_limit)] = DeletionLimit()
    completed_horizon: Duration = timedelta(days=30)
    first_sync: Literal["match", "copy"] = "match"
    full_sweep: Duration = timedelta(hours=1)
    keep_history: SomeDuration = timedelta(days=365)
    shutdown_grace: Duration = timedelta(seconds=20)


class RetrySettings(Settings):
    """How often, and for how long altogether, one request is tried."""

    tries: Annotated[int, BeforeValidator(whole_number), Field(ge=1, le=100)] = 5
    total: SomeDuration = timedelta(seconds=60)


class LogSettings(Settings):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["console", "json"] = "console"


def is_loopback(host: str) -> bool:
    """Whether that name or address, IPv6 without brackets, is this machine's own and nobody else's."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Listen(Settings):
    """Where the daemon's HTTP server listens. `host` is a name or an address, IPv6 without brackets."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.host)


def listen(value: object) -> object:
    """`host:port` as a `Listen`. Raises `ValueError`."""
    if isinstance(value, Listen):
        return value
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 0 < int(found["port"]) <= 65535:
        raise ValueError(_ADDRESS_ADVICE)
    return Listen(host=found["v6"] or found["host"], port=int(found["port"]))


class HttpSettings(Settings):
    """The section `http`."""

    listen: Annotated[Listen, BeforeValidator(listen)]
    token: SecretStr | None = None
    token_file: str | None = None


class SecretsSettings(Settings):
    """The section `secrets`."""

    key_file: str | None = None


class GroupSettings(Settings):
    """One entry of the section `groups`."""

    connections: tuple[str, ...]


class FileSettings(Settings):
    """The whole file. Each connection, each group and each entry of a list is judged for itself."""

    database: str = Field(default="tasksync.db", min_length=1)
    connections: Any = None
    groups: Any = None
    people: Any = None
    categories: Any = None
    links: Any = None
    sync: SyncSettings = SyncSettings()
    retry: RetrySettings = RetrySettings()
    log: LogSettings = LogSettings()
    http: HttpSettings | None = None
    secrets: SecretsSettings = SecretsSettings()


class CommonSettings(Settings):
    """The keys that every connection has, whatever its CRM."""

    type: str
    url: str
    token: SecretStr | None = None
    token_file: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: str | None = None
    client_id: Annotated[str, Field(min_length=1)] | None = None
    client_secret: SecretStr | None = None
    client_secret_file: str | None = None
    redirect_uri: Annotated[str, AfterValidator(browser_address)] | None = None
    timezone: Annotated[ZoneInfo, BeforeValidator(zone)] | None = None
    poll_every: SomeDuration = timedelta(seconds=60)
    allow_insecure: bool = False
