"""From a file and the environment to a `Config`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from tasksync.config.connections import check_duplicates, check_name, read_connection
from tasksync.config.correspondences import read_categories, read_correspondences
from tasksync.config.document import Document, KeyPath, suggestion
from tasksync.config.secrets import CONTAINER, SecretFolders, key_of
from tasksync.config.serving import Serving, read_serving
from tasksync.config.settings import FileSettings, GroupSettings, LogSettings, RetrySettings, SyncSettings
from tasksync.config.validation import validate
from tasksync.connectors.manifest import ConnectionSettings, Manifest, discover
from tasksync.core.directory import NOTHING_CONFIGURED, Configured
from tasksync.errors import ConfigError

VARIABLE: Final = "TASKSYNC_CONFIG"
PLACES: Final = (Path("config.yaml"), Path("/etc/tasksync/config.yaml"))
ONE_GROUP: Final = "all"
"""The name of the group when the file names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Connections that are kept in step, by name, in the order of the section `connections`."""

    name: str
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be configured, checked.

    `path` is the file it came from. `database` is an SQLAlchemy URL as given, or the absolute path of a file.
    `connections` are in the order of the file, which breaks ties between equal stamps. `correspondences` are the
    people and things that a person said are the same. `token_key` is what the tokens of OAuth2 are encrypted with;
    None: they are not. `warnings` are sentences about what is allowed but hardly meant.
    """

    path: Path
    # A URL may hold a password.
    database: str = field(repr=False)
    connections: tuple[ConnectionSettings, ...]
    groups: tuple[Group, ...]
    sync: SyncSettings
    retry: RetrySettings
    log: LogSettings
    http: Serving | None
    correspondences: Configured = NOTHING_CONFIGURED
    token_key: bytes | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()


def find_config(given: Path | None, environ: Mapping[str, str], places: Sequence[Path] = PLACES) -> Path:
    """The file to read: `given`, else what $TASKSYNC_CONFIG names, else the first of `places` that exists. Raises
    `ConfigError` if there is none.
    """
    named = environ.get(VARIABLE)
    if given is not None:
        wanted, source = given, "--config"
    elif named:
        wanted, source = Path(named), f"${VARIABLE}"
    else:
        for place in places:
            if place.exists():
                return place
        looked = " and ".join(str(place) for place in places)
        raise ConfigError(
            f"No configuration: looked for {looked}. Start from config.example.yaml, or name a file with --config "
            f"or ${VARIABLE}."
        )
    if not wanted.exists():
        raise ConfigError(f"{wanted}: there is no such file ({source} names it).")
    return wanted


def load_config(
    path: Path | None,
    environ: Mapping[str, str],
    manifests: Mapping[str, Manifest] | None = None,
    *,
    container: Path = CONTAINER,
) -> Config:
    """The configuration from the file that `find_config` finds. `manifests` are the known connectors by type, those
    that are installed if not given. `container` is the folder of a container's secrets.

    Raises one `ConfigError` that lists everything that is wrong.
    """
    file = find_config(path, environ)
    document = Document.load(file, environ)
    folders = SecretFolders.of(environ, container)
    # A section that is wrong keeps none of the others from being looked at.
    settings = validate(document, FileSettings, document.values)
    connections = _connections(document, discover() if manifests is None else manifests, folders)
    groups = _groups(document)
    names = _names(document, "connections")
    correspondences, categories = read_correspondences(document, names), read_categories(document, names)
    serving = None if settings is None else read_serving(document, settings.http, folders)
    key = None if settings is None else key_of(document, settings.secrets.key_file, folders)
    document.finish()
    assert settings is not None, "whatever is wrong with them was complained about"
    return Config(
        path=file,
        database=_database(file, settings.database),
        connections=tuple(replace(one, categories=categories.get(one.name, {})) for one in connections),
        groups=groups,
        sync=settings.sync,
        retry=settings.retry,
        log=settings.log,
        http=serving,
        correspondences=correspondences,
        token_key=key,
        warnings=(*document.warnings, *(_lonely(group) for group in groups if len(group.connections) < 2)),
    )


def _connections(
    document: Document, manifests: Mapping[str, Manifest], folders: SecretFolders
) -> tuple[ConnectionSettings, ...]:
    names = _names(document, "connections")
    if not document.values.get("connections"):
        document.complain(("connections",), "needs at least one connection: a name, and below it type, url and so on")
    read = (read_connection(document, name, manifests, folders) for name in names)
    connections = tuple(connection for connection in read if connection is not None)
    check_duplicates(document, connections)
    return connections


def _groups(document: Document) -> tuple[Group, ...]:
    names = _names(document, "connections")
    if not document.values.get("groups"):
        return (Group(name=ONE_GROUP, connections=names),)
    home: dict[str, str] = {}
    read = [_members(document, group) for group in _names(document, "groups")]
    for place, name in (member for members in read for member in members or ()):
        if name not in names:
            document.complain(place, f"there is no connection {name}; {suggestion(name, names)}")
        elif name in home:
            document.complain(place, f"{name} is in the group {home[name]} already; a connection has one group")
        else:
            home[name] = str(place[1])
    for name in names:
        # Only if all groups could be read: it may be in the one that could not.
        if name not in home and read and None not in read:
            document.complain(("connections", name), "is in no group; add it to one under groups")
    return tuple(
        Group(name=group, connections=tuple(name for name in names if home.get(name) == group))
        for group in _names(document, "groups")
    )


def _members(document: Document, group: str) -> list[tuple[KeyPath, str]] | None:
    """The names in a group, each with its place in the file; None when the group cannot be read."""
    at: KeyPath = ("groups", group)
    check_name(document, at)
    values = document.values["groups"][group]
    if not isinstance(values, Mapping):
        document.complain(at, "needs a list of connections below it, such as {connections: [one, two]}")
        return None
    settings = validate(document, GroupSettings, values, at)
    if settings is None:
        return None
    return [((*at, "connections", index), name) for index, name in enumerate(settings.connections)]


def _names(document: Document, section: str) -> tuple[str, ...]:
    found = document.values.get(section)
    if isinstance(found, Mapping):
        return tuple(found)
    if found is not None:
        document.complain((section,), "needs names, each with its settings below it")
    return ()


def _database(file: Path, database: str) -> str:
    # Relative to the working directory, a timer and a person would each have a mirror of their own.
    return database if "://" in database else str((file.parent / database).absolute())


def _lonely(group: Group) -> str:
    found = f"only the connection {group.connections[0]}" if group.connections else "no connection"
    return f"The group {group.name} has {found}, so there is nothing to keep in step."
