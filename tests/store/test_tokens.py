"""Sign-ins in the mirror: kept as they were, encrypted where there is a key, and renewed by one process at a time."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasksync.errors import MirrorUnusable, NeedsLogin, RetryLater
from tasksync.ports import Clock, SignIn
from tasksync.store.lock import DaemonLock, MirrorLock
from tasksync.store.opening import open_mirror, throwaway_copy
from tasksync.store.tokens import HeldTokens, MirrorTokens

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
KEY = b"0123456789abcdef0123456789abcdef"
ACCESS, REFRESH = "access-7f3e9a12", "refresh-51c0de77"
SIGN_IN = SignIn(
    connection="capsule",
    audience="us at https://crm.example",
    access_token=ACCESS,
    refresh_token=REFRESH,
    obtained_at=NOW,
    expires_at=NOW + timedelta(hours=1),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tasksync.db"


@contextmanager
def opened(file: Path, key: bytes | None = None, patience_s: float = 5.0) -> Iterator[MirrorTokens]:
    """As a process of its own has them."""
    with closing(open_mirror(str(file))) as mirror:
        mirror._raw.execute("PRAGMA secure_delete = OFF")  # as SQLite is compiled on some machines
        yield MirrorTokens(mirror, file=file, key=key, patience_s=patience_s)


def shown(file: Path) -> bytes:
    """All bytes of the mirror and of what SQLite keeps beside it."""
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("changes", [{}, {"refresh_token": None, "expires_at": None, "refused": "revoked"}])
def test_what_is_saved_is_loaded(file: Path, key: bytes | None, changes: dict[str, Any]) -> None:
    """Every field, in this process and in the next one; a second save replaces the first; forgetting removes it."""
    saved = replace(SIGN_IN, **changes)
    with opened(file, key) as tokens:
        assert tokens.load("capsule") is None
        tokens.save(replace(SIGN_IN, access_token="earlier"))
        tokens.save(saved)
        assert tokens.load("capsule") == saved
    with opened(file, key) as tokens:
        assert tokens.load("capsule") == saved
        assert tokens.load("advisers") is None
        tokens.forget("advisers")
        tokens.forget("capsule")
        assert tokens.load("capsule") is None


def test_with_a_key_no_token_can_be_read_from_the_files(file: Path) -> None:
    """Neither the mirror nor its log shows a token, while it is open and after; without a key they do."""
    with opened(file, KEY) as tokens:
        tokens.save(SIGN_IN)
        assert REFRESH.encode() not in shown(file)
        assert ACCESS.encode() not in shown(file)
    assert REFRESH.encode() not in shown(file)
    with opened(file) as tokens:
        tokens.save(SIGN_IN)
    assert REFRESH.encode() in shown(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_tokens_from_before_there_was_a_key_are_encrypted_when_they_are_read(file: Path) -> None:
    """Once they were read with a key, nothing of them is left in the file, not even in its free parts."""
    with opened(file) as tokens:
        tokens.save(SIGN_IN)
        # Beside it, so that what becomes free is not used again at once.
        tokens.save(replace(SIGN_IN, connection="advisers", access_token="a", refresh_token="b"))
    with opened(file, KEY) as tokens:
        assert tokens.load("capsule") == SIGN_IN
    assert REFRESH.encode() not in shown(file)
    assert ACCESS.encode() not in shown(file)


def test_tokens_that_were_replaced_leave_no_trace(file: Path) -> None:
    """A new pair overwrites the old one, and nothing is left of one that was forgotten."""
    with opened(file) as tokens:
        for connection in ("capsule", "advisers"):
            tokens.save(replace(SIGN_IN, connection=connection, refresh_token=REFRESH * 20))
        tokens.save(replace(SIGN_IN, access_token="a", refresh_token="b"))
        tokens.forget("advisers")
    assert REFRESH.encode() not in shown(file)
    assert ACCESS.encode() not in shown(file)


@pytest.mark.parametrize(("key", "words"), [(None, "there is no key"), (KEY[::-1], "with another key")])
def test_tokens_that_cannot_be_decrypted_need_a_login(file: Path, key: bytes | None, words: str) -> None:
    """One clear sentence, for this connection alone; signing in again helps."""
    with opened(file, KEY) as tokens:
        tokens.save(SIGN_IN)
    with opened(file, key) as tokens:
        with pytest.raises(NeedsLogin, match=rf"{words}.*tasksync login capsule"):
            tokens.load("capsule")
        tokens.save(SIGN_IN)
        assert tokens.load("capsule") == SIGN_IN


def test_a_key_in_text_and_one_in_bytes(file: Path) -> None:
    """Any content makes a key; another content makes another."""
    for key in (os.urandom(32), b"c2l4dGVlbiBieXRlcyBvZiBiYXNlNjQgdGV4dCBoZXJlIQ=="):
        with opened(file, key) as tokens:
            tokens.save(SIGN_IN)
            assert tokens.load("capsule") == SIGN_IN


def test_a_copy_of_the_mirror_holds_them_as_they_are(file: Path) -> None:
    """What a dry run and the commands that only read work on is encrypted too."""
    with opened(file, KEY) as tokens:
        tokens.save(SIGN_IN)
        with closing(throwaway_copy(str(file))) as copy:
            assert MirrorTokens(copy, file=None, key=KEY).load("capsule") == SIGN_IN


async def test_one_at_a_time(file: Path) -> None:
    """Another process, here another pair of connections, waits for its turn; another connection's turn is its own."""
    order: list[str] = []

    async def take_turn(name: str, connection: str = "capsule") -> None:
        with opened(file) as tokens:
            async with tokens.exclusive(connection):
                order.append(f"{name} begins")
                if name == "first":
                    await take_turn("other", "advisers")
                    second.append(asyncio.create_task(take_turn("second")))
                    await asyncio.sleep(0.2)
                order.append(f"{name} ends")

    second: list[asyncio.Task[None]] = []
    await take_turn("first")
    await second[0]
    assert order == ["first begins", "other begins", "other ends", "first ends", "second begins", "second ends"]


async def test_a_turn_that_does_not_come_is_a_matter_for_later(file: Path) -> None:
    """Whoever waits too long goes on without this connection, and says why."""
    with opened(file) as first, opened(file, patience_s=0.1) as second:
        async with first.exclusive("capsule"):
            with pytest.raises(
                RetryLater, match="Another tasksync has been renewing the sign-in of connection capsule"
            ):
                async with second.exclusive("capsule"):
                    raise AssertionError("it was not its turn")
        async with second.exclusive("capsule"):
            pass


async def test_the_turn_of_a_process_that_was_killed_is_free(file: Path) -> None:
    """The lock ends with its holder, and its file is for nobody else to read."""
    code = (
        "import asyncio, os, signal, sys; from pathlib import Path\n"
        "from tasksync.store.opening import open_mirror; from tasksync.store.tokens import MirrorTokens\n"
        "async def hold():\n"
        "    tokens = MirrorTokens(open_mirror(sys.argv[1]), file=Path(sys.argv[1]), key=None)\n"
        "    async with tokens.exclusive('capsule'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(hold())\n"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(file))
    assert await process.wait() == -9
    with opened(file, patience_s=0.1) as tokens:
        async with tokens.exclusive("capsule"):
            assert stat.S_IMODE((file.parent / "tasksync.db.capsule.token.lock").stat().st_mode) == 0o600


async def test_a_sync_that_holds_the_mirror_keeps_nobody_from_signing_in(file: Path, clock: object) -> None:
    """The mirror's own lock is another one: a person can sign in while tasksync runs, which sees it at once."""
    with MirrorLock(file, clock), opened(file) as running, opened(file) as person:  # type: ignore[arg-type]  # the fixture
        async with person.exclusive("capsule"):
            person.save(SIGN_IN)
        assert running.load("capsule") == SIGN_IN


async def test_a_connection_may_be_called_daemon(file: Path, clock: Clock) -> None:
    """Its lock is not the one that the daemon holds for its whole life."""
    with DaemonLock(file, clock), opened(file, patience_s=0.1) as tokens:
        async with tokens.exclusive("daemon"):
            assert (file.parent / "tasksync.db.daemon.token.lock").exists()


async def test_without_the_lock_nothing_is_renewed(file: Path) -> None:
    """Where it cannot be had, the message names it: without it, a token could be burnt."""
    (file.parent / "tasksync.db.capsule.token.lock").mkdir()
    with (
        opened(file) as tokens,
        pytest.raises(MirrorUnusable, match=r"tasksync\.db\.capsule\.token\.lock cannot be had"),
    ):
        async with tokens.exclusive("capsule"):
            raise AssertionError("there is no lock")


async def test_tokens_that_nobody_stores() -> None:
    """They come and go with the process, and need no turn."""
    tokens = HeldTokens(SIGN_IN)
    async with tokens.exclusive("capsule"):
        tokens.save(replace(SIGN_IN, access_token="next"))
    assert tokens.load("capsule") == replace(SIGN_IN, access_token="next")
    tokens.forget("capsule")
    tokens.forget("capsule")
    assert tokens.load("capsule") is None
