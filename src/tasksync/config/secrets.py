"""Secrets from files: those that a key such as `token_file` names, and those that systemd or a container lays out.

A message names a file only where that cannot be the secret itself, put under the wrong key.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tasksync.config.document import Document, KeyPath

VARIABLE: Final = "CREDENTIALS_DIRECTORY"
CONTAINER: Final = Path("/run/secrets")
KEY_NAME: Final = "tasksync-key"
"""The name of the encryption key where systemd or a container lays it out."""

# What HKDF makes a key of 32 bytes from should hold as much chance itself. 32 random bytes in Base64 are 44 characters.
_SHORTEST_KEY: Final = 32
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class SecretFolders:
    """Where a secret is looked for that the file does not give: a file `<connection>.<key>`, such as `office.token`, in
    the first of these that has one.
    """

    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str], container: Path = CONTAINER) -> Self:
        """Those of systemd's credentials (LoadCredential= and the like), then those of a container."""
        named = environ.get(VARIABLE)
        return cls((*([Path(named)] if named else []), container))

    def find(self, name: str) -> Path | None:
        """The file of that name; also one that cannot be reached, so that reading it says why."""
        for folder in self.folders:
            try:
                if stat.S_ISREG((folder / name).stat().st_mode):
                    return folder / name
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                return folder / name
        return None

    def hold(self, file: Path) -> bool:
        """Whether `file` is in one of the folders, whose modes are for systemd and the container to choose."""
        return any(folder in file.parents for folder in self.folders)


def secret_at(
    document: Document, path: KeyPath, values: Mapping[str, Any], elsewhere: Mapping[str, Path], folders: SecretFolders
) -> str | None:
    """The secret at `path` among `values`, or in the file that `<path>_file` names, or, by key, `elsewhere`; None when
    there is none, or after complaining. What is no text, the model of the section complains about.
    """
    key = str(path[-1])
    beside_it = f"{key}_file"
    if key in values and beside_it in values:
        document.complain(path, f"stands beside {beside_it}; give one of them")
        return None
    if key in elsewhere:
        return text_of(document, path, elsewhere[key], folders, f"the file {elsewhere[key]}")
    if beside_it in values:
        named = values[beside_it]
        if not isinstance(named, str):
            return None
        file, told = beside(document, named)
        return text_of(document, (*path[:-1], beside_it), file, folders, told)
    secret = values.get(key)
    if not isinstance(secret, str):
        return None
    check_text(document, path, secret)
    return secret


def text_of(document: Document, path: KeyPath, file: Path, folders: SecretFolders, told: str) -> str | None:
    """The secret in `file`, without the line break at its end; None after complaining. `told` is what messages call the
    file.
    """
    content = _content(document, path, file, folders, told)
    if content is None:
        return None
    try:
        secret = content.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        document.complain(path, f"{told} cannot be read: it is not UTF-8 text")
        return None
    if not secret:
        document.complain(path, f"{told} is empty")
        return None
    check_text(document, path, secret)
    return secret


def check_text(document: Document, path: KeyPath, secret: str) -> None:
    """Complain about a secret that could not be sent."""
    if secret == "":
        document.complain(path, "must not be empty")
    elif _UNPRINTABLE.search(secret):
        document.complain(path, "contains a line break or another control character")


def key_of(document: Document, named: str | None, folders: SecretFolders) -> bytes | None:
    """The key that tokens are encrypted with: the content of the file that `secrets.key_file` names, else of the one
    that systemd or a container lays out; None when there is none, or after complaining.
    """
    path: KeyPath = ("secrets", "key_file")
    if named is None:
        file = folders.find(KEY_NAME)
        if file is None:
            return None
        told = f"the file {file}"
    else:
        file, told = beside(document, named)
    content = _content(document, path, file, folders, told)
    if content is None:
        return None
    # A key in text, such as Base64, is the same with and without the line break that editors and echo add.
    key = content.strip() if content.isascii() else content
    if len(key) < _SHORTEST_KEY:
        needed = f"a key needs {_SHORTEST_KEY} or more; make one with: openssl rand -base64 32"
        document.complain(path, f"{told} holds {len(key)} bytes, and {needed}")
        return None
    return key


def beside(document: Document, named: str) -> tuple[Path, str]:
    """The file that the config names, relative to its own folder, and what messages call it."""
    file = document.file.parent / named
    # A name without a folder is not repeated: it may be the secret itself.
    if Path(named).is_absolute():
        return file, f"the file {file}"
    return file, f"the file of this name in {file.parent.absolute()}"


def _content(document: Document, path: KeyPath, file: Path, folders: SecretFolders, told: str) -> bytes | None:
    try:
        content = file.read_bytes()
        mode = file.stat().st_mode
    except OSError as error:
        document.complain(path, f"{told} cannot be read: {error.strerror}")
        return None
    except ValueError:
        document.complain(path, f"{told} cannot be read: this is no name of a file")
        return None
    if mode & stat.S_IROTH and not folders.hold(file):
        document.warn(path, f"every user of this machine can read {told}; take that away with chmod o=")
    return content
