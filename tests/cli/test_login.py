"""`tasksync login` against the sandbox, over real HTTP, with a browser that is a process."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from desk import Desk
from signing import BROWSER, CONFIG, CRMS, crm_of, load

from tasksync.bootstrap.surroundings import surroundings
from tasksync.cli import login as command
from tasksync.config import load_config
from tasksync.errors import NeedsLogin

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


@pytest.fixture(autouse=True)
def configured(desk: Desk) -> None:
    """Two of the three connections sign in by OAuth2, and nobody has done so yet."""
    write(desk, CONFIG)


def write(desk: Desk, config: str) -> None:
    (desk.folder / "config.yaml").write_text(config, encoding="utf-8")


def login(desk: Desk, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`tasksync login` where a person says at once whatever the sandbox makes of it."""
    return desk.run("login", *arguments, BROWSER=BROWSER, **environ)


def tokens(desk: Desk, connection: str, key: bytes | None = None) -> list[str]:
    """What is stored, or an empty list."""
    found = load(desk, connection, key=key)
    return [] if found is None else [found.access_token, found.refresh_token or ""]


def everything(desk: Desk) -> bytes:
    """All bytes of all files in the working directory."""
    return b"".join(desk.files().values())


@pytest.mark.parametrize("connection", CRMS)
def test_a_person_allows_it_in_the_browser(desk: Desk, connection: str) -> None:
    """The browser comes back by itself, the tokens are stored, and nothing secret is shown, in the log neither."""
    write(desk, f"{CONFIG}log: {{level: debug}}\n")
    done = login(desk, connection)
    assert done.returncode == 0, done.stderr
    assert f"Connection {connection} is signed in as Ana Reid" in done.stdout
    assert "not encrypted" in done.stdout
    stored = tokens(desk, connection)
    assert all(stored)
    for secret in (*stored, "sandbox-secret"):
        assert secret not in done.stdout + done.stderr
    paths = [one.path for one in crm_of(desk, connection).requests]
    assert ("code_challenge=" in paths[0]) is (connection == "advisers")
    assert sum("/oauth/token" in path for path in paths) == 1
    code = re.search(r"code=([\w-]+)", "".join(paths))
    assert code is None


@pytest.mark.parametrize("alone", [False, True], ids=["whole address", "code alone"])
@pytest.mark.parametrize("connection", CRMS)
def test_on_a_machine_without_a_browser(desk: Desk, connection: str, alone: bool) -> None:  # noqa: FBT001 (a parameter)
    """`--manual` prints the address and takes what the browser ended at, anywhere."""
    done = by_hand(desk, connection, lambda address: address.params["code"] if alone else str(address))
    assert done.returncode == 0, done.stderr
    assert f"Connection {connection} is signed in as Ana Reid" in done.stdout
    assert all(tokens(desk, connection))


def by_hand(desk: Desk, connection: str, answer: object) -> subprocess.CompletedProcess[str]:
    """`tasksync login --manual`, with a person who opens the address elsewhere and pastes `answer` of where it ends."""
    assert callable(answer)
    command = [sys.executable, "-m", "tasksync", "login", connection, "--manual"]
    with subprocess.Popen(
        command,
        cwd=desk.folder,
        env=desk.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        seen = ""
        while not (found := re.search(r"^http://\S+authori\S+$", seen, re.MULTILINE)):
            line = process.stdout.readline()
            assert line, "it ended without an address"
            seen += line
        location = httpx.get(found[0], trust_env=False).headers["location"]
        out, err = process.communicate(f"{answer(httpx.URL(location))}\n", timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, seen + out, err)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (lambda address: address.copy_merge_params({"state": "another"}), 2, "of another sign-in"),
        (lambda address: address.copy_with(query=None), 2, "There is no code in this"),
        (lambda _: "", 2, "There is no code in this"),
        (lambda _: "made-up", 5, "does not take the code"),
    ],
    ids=["another state", "no code", "nothing", "made up"],
)
def test_a_wrong_answer_signs_nobody_in(desk: Desk, answer: object, code: int, said: str) -> None:
    """What is pasted is checked, and says how to try again; nothing is stored."""
    done = by_hand(desk, "capsule", answer)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "tasksync login capsule" in done.stderr
    assert "Traceback" not in done.stderr
    assert tokens(desk, "capsule") == []


def test_nothing_is_entered(desk: Desk) -> None:
    """The end of the input is wrong usage, not a crash."""
    done = desk.run("login", "capsule", "--manual")
    assert done.returncode == 2
    assert "Nothing was entered" in done.stderr


INTERRUPTIBLE = """
import signal
from tasksync.cli import login as command
from tasksync.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""tasksync, also where these tests run in the background, which ignores Ctrl-C and hands that on."""


@pytest.mark.parametrize("option", ["--manual", "--no-browser"])
def test_a_person_gives_up(desk: Desk, option: str) -> None:
    """Ctrl-C ends the wait at once, with the code of an interrupted program and no traceback."""
    command = [sys.executable, "-c", INTERRUPTIBLE, "login", "capsule", option]
    with subprocess.Popen(
        command,
        cwd=desk.folder,
        env=desk.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = ""
        while not re.search(r"Paste|authorise\S+\n\n", seen):
            seen += process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=60) == 130
        finally:
            process.kill()
        assert "Traceback" not in process.stderr.read()
    assert tokens(desk, "capsule") == []


def test_a_person_says_no(desk: Desk) -> None:
    """The CRM's refusal is told, and ends with 5."""
    crm_of(desk, "capsule").settings.change({"consent": "deny"})
    done = login(desk, "capsule")
    assert done.returncode == 5
    assert "access_denied: The user denied the request" in done.stderr
    assert tokens(desk, "capsule") == []


def test_a_wrong_client_secret(desk: Desk) -> None:
    """Ends with 5, names the keys to look at, and shows neither the secret nor the code."""
    done = login(desk, "capsule", CLIENT_SECRET="guessed-wrongly")
    assert done.returncode == 5
    assert "Check client_id and client_secret of connection capsule." in done.stderr
    assert "guessed-wrongly" not in done.stdout + done.stderr


def test_the_crm_cannot_be_asked(desk: Desk) -> None:
    """A lost answer of the token endpoint ends with 1: it may work the next time."""
    crm_of(desk, "capsule").faults.add("lose_after", path="/oauth/token", method="POST")
    done = login(desk, "capsule")
    assert done.returncode == 1
    assert "No tokens for connection capsule this time." in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "There is no connection 'nobody' in"),
        ("office", "ONLYOFFICE CRM has no OAuth2"),
        ("old", "signs in with a token, and needs no login"),
    ],
)
def test_what_cannot_be_logged_in(desk: Desk, name: str, said: str) -> None:
    """Wrong usage is told in a sentence, and the network is left alone."""
    write(desk, f"{CONFIG}  old: {{type: capsule, url: http://127.0.0.1:9/other, token: t1}}\n")
    done = login(desk, name)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert [crm.requests for crm in desk.world.crms.values()] == [[], [], []]


def test_a_mirror_in_memory_keeps_no_sign_in(desk: Desk) -> None:
    """It is said before a person is asked for anything."""
    write(desk, f"database: 'sqlite://'\n{CONFIG}")
    done = login(desk, "capsule")
    assert done.returncode == 2
    assert "would be lost" in done.stderr
    assert crm_of(desk, "capsule").requests == []


def test_a_registered_redirect_url_is_used_as_it_is(desk: Desk) -> None:
    """Where the CRM insists on one: its port and path are listened on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://localhost:{port}/back"
    write(
        desk, CONFIG.replace("    defaults: {due: +7d}\n", f"    redirect_uri: {address}\n    defaults: {{due: +7d}}\n")
    )
    done = login(desk, "capsule")
    assert done.returncode == 0, done.stderr
    asked = httpx.URL(f"http://crm{crm_of(desk, 'capsule').requests[0].path}")
    assert asked.params["redirect_uri"] == address
    with socket.create_server(("127.0.0.1", port)):
        assert login(desk, "capsule").returncode == 2


def test_a_redirect_url_of_another_machine_is_taken_by_hand(desk: Desk) -> None:
    """The browser cannot come back here, so the address is asked for without `--manual`."""
    wanted = "    redirect_uri: https://firm.example/back\n    defaults: {due: +7d}\n"
    write(desk, CONFIG.replace("    defaults: {due: +7d}\n", wanted))
    done = login(desk, "capsule")
    assert "It ends at an address that begins with https://firm.example/back" in done.stdout
    assert done.returncode == 2


def test_nobody_comes_back(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The wait is bounded, and ends as a connection that still needs its login."""
    monkeypatch.setattr(command, "WAIT_S", 0.05)
    config = load_config(desk.folder / "config.yaml", desk.environ)
    around = surroundings(config.log)
    with pytest.raises(NeedsLogin, match=r"Nobody came back.*tasksync login capsule --manual"):
        asyncio.run(command._login(config, around, "capsule", manual=False, browser=False))
    assert "/oauth/authorise?" in capsys.readouterr().out


def test_another_account_under_the_same_name_is_not_stored(desk: Desk) -> None:
    """Once a connection was synced, a sign-in to another account is refused, and the one that is stored stays."""
    for connection in CRMS:
        login(desk, connection)
    assert desk.sync()["exit_code"] == 0
    before = tokens(desk, "capsule")
    elsewhere = desk.environ["CAPSULE_URL"].replace("127.0.0.1", "localhost")
    done = login(desk, "capsule", CAPSULE_URL=elsewhere)
    assert done.returncode == 2
    assert "leads to the account localhost" in done.stderr
    assert "Nothing was stored" in done.stderr
    assert tokens(desk, "capsule") == before


def test_an_account_that_cannot_be_opened_yet_is_signed_in_all_the_same(desk: Desk) -> None:
    """What is missing is told, with its exit code; after the config was put right, no second login is needed."""
    crm_of(desk, "advisers").faults.add("status", status=503, path="/api/v1/logins", times=None)
    done = login(desk, "advisers")
    assert done.returncode == 1
    assert "Connection advisers is signed in.\n" in done.stdout
    assert "503" in done.stderr
    crm_of(desk, "advisers").faults.clear()
    assert desk.run("check").stdout.count("not connected") == 1


class TestEncrypted:
    """With a key, nobody who gets hold of the mirror gets the tokens."""

    def places(self, desk: Desk, tmp_path: Path) -> Mapping[str, tuple[str, dict[str, str]]]:
        (desk.folder / "key").write_text(KEY)
        (desk.folder / "key").chmod(0o600)
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        (credentials / "tasksync-key").write_text(KEY)
        return {
            "file": (f"{CONFIG}secrets: {{key_file: key}}\n", {}),
            "systemd": (CONFIG, {"CREDENTIALS_DIRECTORY": str(credentials)}),
        }

    @pytest.mark.parametrize("place", ["file", "systemd"])
    def test_the_files_hold_no_token(self, desk: Desk, tmp_path_factory: pytest.TempPathFactory, place: str) -> None:
        """With the key from a file, or from systemd: the bytes of the mirror do not show a token, and a sync works."""
        config, environ = self.places(desk, tmp_path_factory.mktemp("systemd"))[place]
        write(desk, config)
        for connection in CRMS:
            done = login(desk, connection, **environ)
            assert done.returncode == 0, done.stderr
            assert "tasksync.db, encrypted." in done.stdout
        for connection in CRMS:
            stored = tokens(desk, connection, KEY.encode())
            assert all(stored)
            assert not any(secret.encode() in everything(desk) for secret in stored)
        assert desk.run("sync", "--once", **environ).returncode == 0

    def test_without_the_key_it_needs_a_login(self, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
        """A key that is gone is told as what it is."""
        config, _ = self.places(desk, tmp_path_factory.mktemp("systemd"))["file"]
        write(desk, config)
        assert login(desk, "capsule").returncode == 0
        write(desk, CONFIG)
        done = desk.run("check")
        assert done.returncode == 5
        assert "is encrypted, and there is no key" in done.stdout
