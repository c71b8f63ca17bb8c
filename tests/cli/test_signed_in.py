"""Syncs under OAuth2 sign-ins: they live through expiry, rotation and revocation, over real HTTP."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
from desk import Desk
from signing import BROWSER, CONFIG, CRMS, allow, crm_of, load

SECRETS = ("sandbox-access-", "sandbox-refresh-", "sandbox-secret")


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """Everybody is signed in."""
    (desk.folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    for connection in CRMS:
        allow(desk, connection)
    return desk


def renewals(desk: Desk, connection: str) -> list[int]:
    """The statuses of the answers to requests for tokens."""
    return [one.status for one in crm_of(desk, connection).requests if "/oauth/token" in one.path]


def states(printed: dict[str, Any]) -> dict[str, str]:
    return {name: found["state"] for name, found in printed["connections"].items()}


def test_a_sync_under_a_sign_in(desk: Desk) -> None:
    """It is what a sync is with a personal token, and tokens that are good are not renewed."""
    assert desk.sync()["exit_code"] == 0
    assert [renewals(desk, connection) for connection in CRMS] == [[], []]
    desk.forget_requests()
    assert desk.sync()["exit_code"] == 0
    assert desk.writes() == []


def test_access_that_ends_in_the_middle_of_a_sync(desk: Desk) -> None:
    """Tokens that are good for some requests only, fewer than there are tasks to write: they are renewed as often as it
    takes, each new pair is stored, no write is lost and none is doubled.
    """
    desk.world.onlyoffice.fill(60)
    for connection in CRMS:
        crm_of(desk, connection).settings.change({"access_uses": 30})
    printed = desk.sync()
    assert printed["exit_code"] == 0, printed
    for connection in CRMS:
        assert len(renewals(desk, connection)) > 1
        assert set(renewals(desk, connection)) == {200}
    for crm in desk.world.crms.values():
        crm.settings.change({} if crm.name == "onlyoffice" else {"access_uses": None})
        titles = [task["title"] for task in crm.tasks()]
        assert len(titles) == len(set(titles))
    desk.forget_requests()
    assert desk.sync()["exit_code"] == 0
    assert [one for one in desk.writes() if "/oauth/token" not in one.path] == []


def test_tokens_rotate_from_run_to_run(desk: Desk) -> None:
    """Each run that finds its access token ended goes on with the pair that the last one stored."""
    seen = set()
    for _ in range(3):
        for connection in CRMS:
            crm_of(desk, connection).sign_ins.expire()
        assert desk.sync()["exit_code"] == 0
        stored = load(desk, "capsule")
        assert stored is not None
        seen.add(stored.refresh_token)
    assert len(seen) == 3
    assert renewals(desk, "capsule") == [200, 200, 200]


def test_access_that_ends_soon_is_renewed_in_time(desk: Desk) -> None:
    """The CRM says how long: the next run renews before it asks anything, and is refused nothing."""
    crm = crm_of(desk, "capsule")
    desk.sync()
    with closing(sqlite3.connect(desk.folder / "tasksync.db")) as sql, sql:
        assert sql.execute("UPDATE sign_in SET expires_at = obtained_at WHERE connection = 'capsule'").rowcount == 1
    desk.forget_requests()
    crm.sign_ins.expire()
    assert desk.sync()["exit_code"] == 0
    assert crm.requests[0].path == "/capsule/oauth/token"
    assert 401 not in {one.status for one in crm.requests}


@pytest.mark.parametrize("dead", ["invalid_grant", "invalid_request"])
def test_revoked_access_needs_a_login_and_is_no_loop(desk: Desk, dead: str) -> None:
    """Exit 5, one connection `needs_login`, the others in step; the CRM is asked once and then left alone, until a
    person signs in again.
    """
    crm = crm_of(desk, "advisers")
    crm.settings.change({"dead_refresh": dead})
    crm.sign_ins.revoke()
    printed = desk.sync()
    assert printed["exit_code"] == 5
    assert states(printed) == {"office": "ok", "capsule": "ok", "advisers": "needs_login"}
    assert "tasksync login advisers" in printed["connections"]["advisers"]["error"]
    assert printed["connections"]["office"]["created"] > 0

    desk.forget_requests()
    again = desk.sync()
    assert again["exit_code"] == 5
    assert again["connections"]["advisers"]["error"] == printed["connections"]["advisers"]["error"]
    assert crm.requests == []

    assert desk.run("login", "advisers", BROWSER=BROWSER).returncode == 0
    assert states(desk.sync()) == dict.fromkeys(("office", "capsule", "advisers"), "ok")


def test_nobody_has_signed_in_yet(desk: Desk) -> None:
    """Without a mirror, `check` says what to do, makes none, and sends nothing there; `sync` has the others in step."""
    (desk.folder / "tasksync.db").unlink()
    done = desk.run("check")
    assert done.returncode == 5
    assert done.stdout.count("Nobody has signed in connection") == 2
    assert "tasksync login capsule" in done.stdout
    assert not (desk.folder / "tasksync.db").exists()
    assert crm_of(desk, "capsule").requests == []
    assert states(desk.sync()) == {"office": "ok", "capsule": "needs_login", "advisers": "needs_login"}


def test_two_processes_at_once_burn_no_token(desk: Desk) -> None:
    """Four checks find both tokens ended at the same moment: each is renewed once, and nobody is refused."""
    for connection in CRMS:
        crm_of(desk, connection).sign_ins.expire()
        # The answer is slow in coming, so that all of them want it at once.
        crm_of(desk, connection).faults.add("slow", path="/oauth/token", seconds=0.5, times=None)
    command = [sys.executable, "-m", "tasksync", "check", "--json"]
    running = [
        subprocess.Popen(
            command, cwd=desk.folder, env=desk.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, out + err
    assert [renewals(desk, connection) for connection in CRMS] == [[200], [200]]


def test_a_dry_run_stores_what_it_renews(desk: Desk) -> None:
    """And nothing else: the pair would be lost otherwise, and the next run would need a login."""
    for connection in CRMS:
        crm_of(desk, connection).sign_ins.expire()
    before = load(desk, "capsule")
    assert desk.sync("--dry-run")["exit_code"] == 0
    assert [renewals(desk, connection) for connection in CRMS] == [[200], [200]]
    assert load(desk, "capsule") != before
    assert [one for one in desk.writes() if "/oauth/token" not in one.path] == []
    desk.forget_requests()
    assert desk.run("status", "--json").returncode == 0
    assert desk.sync()["exit_code"] == 0
    assert [renewals(desk, connection) for connection in CRMS] == [[], []]


@pytest.mark.parametrize("fault", ["lose_before", "status", "garbage", "html"])
def test_a_token_endpoint_that_is_ill_is_tried_again_later(desk: Desk, fault: str) -> None:
    """Exit 1, nothing is lost, and the next run goes on."""
    crm = crm_of(desk, "capsule")
    crm.sign_ins.expire()
    crm.faults.add(fault, path="/oauth/token", times=None, work=False)
    printed = desk.sync()
    assert printed["exit_code"] == 1
    assert states(printed)["capsule"] == "failed"
    crm.faults.clear()
    assert desk.sync()["exit_code"] == 0


def test_nothing_secret_is_written_down(desk: Desk) -> None:
    """Neither tokens nor the client's secret are in the log at its most talkative, in errors, or in what is printed."""
    config = desk.folder / "config.yaml"
    config.write_text(f"{CONFIG}log: {{level: debug, format: json}}\n", encoding="utf-8")
    for connection in CRMS:
        crm_of(desk, connection).settings.change({"access_uses": 5})
    shown = ""
    for command in (("sync", "--once", "--json"), ("check",), ("status", "--json")):
        done = desk.run(*command)
        shown += done.stdout + done.stderr
    crm_of(desk, "capsule").sign_ins.revoke()
    done = desk.run("sync", "--once", "--json")
    assert json.loads(done.stdout)["exit_code"] == 5
    shown += done.stdout + done.stderr
    assert "POST" in shown or "poll_finished" in shown
    for secret in SECRETS:
        assert secret not in shown
