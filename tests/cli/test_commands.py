"""What an operator sees of each command: output, exit code, and never a traceback."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest
from desk import Desk

from tasksync.core.match import alike
from tasksync.service.clock import SystemClock
from tasksync.store.lock import MirrorLock

COUNTS = (
    "read", "requests", "received_bytes", "sent_bytes", "created", "updated", "completed", "reopened", "deleted",
    "failed", "held", "pending",
)  # fmt: skip


def test_the_demo_shows_the_main_job_and_ends_with_0(desk: Desk) -> None:
    """`tasksync demo` needs nothing, claims nothing that did not hold, and leaves nothing behind."""
    before = desk.files()
    done = desk.run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert done.stdout.count("✓") == 8
    assert "✗" not in done.stdout
    assert desk.files() == before


def test_a_sync_brings_every_task_everywhere_and_the_next_writes_nothing(desk: Desk) -> None:
    """The example configuration, unchanged, brings every open sample task into every CRM; run again, it only reads."""
    wanted = {alike(task["title"]) for crm in desk.world.crms.values() for task in crm.tasks() if not task["done"]}

    first = desk.sync()
    assert first["exit_code"] == 0
    for crm in desk.world.crms.values():
        titles = [alike(task["title"]) for task in crm.tasks()]
        assert wanted <= set(titles)
        assert len(titles) == len(set(titles))

    desk.forget_requests()
    second = desk.sync()
    assert second["exit_code"] == 0
    assert desk.writes() == []


def test_the_json_has_exactly_the_documented_keys(desk: Desk) -> None:
    """Scripts find the keys of design.md section 8, and nothing else on stdout."""
    printed = desk.sync()
    assert list(printed) == [
        "run", "started_at", "finished_at", "exit_code", "dry_run", "connections", "conflicts", "holds", "cost",
    ]  # fmt: skip
    assert list(printed["connections"]) == ["office", "capsule", "advisers"]
    for found in printed["connections"].values():
        assert tuple(found) == ("state", *COUNTS, "error")
        assert found["state"] == "ok"
    assert list(printed["cost"]) == ["wall_s", "cpu_s", "rows_written", "peak_rss_bytes"]
    assert printed["started_at"].endswith("Z")
    assert printed["dry_run"] is False


def test_a_sync_says_what_it_cost(desk: Desk) -> None:
    """The first writes to CRMs and mirror; later ones only read, and write one row for each connection. It shows to
    scripts, in the log for whoever wants to know everything, and in one line to people.
    """
    config = desk.folder / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("level: info", "level: debug"), encoding="utf-8")
    first = desk.sync()
    desk.sync()
    done = desk.run("sync", "--once", "--json")
    later = json.loads(done.stdout)
    for found in first["connections"].values():
        assert found["received_bytes"] > found["sent_bytes"] > 100
    for found in later["connections"].values():
        assert found["received_bytes"] > 1000
        assert found["sent_bytes"] == 0
    cost, less = first["cost"], later["cost"]
    assert cost["wall_s"] > 0
    assert 0 < cost["cpu_s"] < 60
    assert cost["rows_written"] > 100 > less["rows_written"] == 3
    assert less["peak_rss_bytes"] is None or less["peak_rss_bytes"] > 10_000_000
    assert "cycle_finished" in done.stderr
    assert "rows_written=3" in done.stderr
    (line,) = [
        one for one in desk.run("sync", "--once").stdout.splitlines() if "received" in one and "requests (" in one
    ]
    assert "3 rows written" in line


def test_a_dry_run_writes_nothing_anywhere(desk: Desk) -> None:
    """Neither a CRM nor the directory of the mirror changes, whether there is a mirror already or not; the plan is what
    the sync then does.
    """
    before = desk.files()
    first = desk.sync("--dry-run")
    assert desk.files() == before
    assert desk.writes() == []
    done = desk.sync()
    for name in ("office", "capsule", "advisers"):
        planned, did = first["connections"][name], done["connections"][name]
        counted = ("created", "updated", "completed", "reopened", "deleted")
        assert {one: planned[one] for one in counted} == {one: did[one] for one in counted}

    task = desk.world.plannr.tasks()[0]
    desk.world.plannr.edit(task["id"], body="Another body.")
    before = desk.files()
    desk.forget_requests()
    second = desk.sync("--dry-run")
    assert desk.files() == before
    assert desk.writes() == []
    assert {tuple(one) for one in second["plan"]} == {
        ("connection", "action", "record", "external_id", "title", "fields")
    }
    assert [(one["connection"], one["action"], one["fields"]) for one in second["plan"]] == [
        ("office", "update", {"body": "Another body."}),
        ("capsule", "update", {"body": "Another body."}),
    ]


@pytest.mark.parametrize(
    ("crm", "fields"),
    [
        ("onlyoffice", {"title": "Another title"}),
        ("capsule", {"body": "Another body", "due": "2031-05-06"}),
        ("plannr", {"due": "2031-05-06T07:08:09Z", "priority": "low"}),
        ("plannr", {"done": True}),
    ],
    ids=["title", "body and day", "instant and priority", "done"],
)
def test_an_edit_is_in_the_others_after_one_sync(desk: Desk, crm: str, fields: dict[str, Any]) -> None:
    """What a person edits in one CRM is so in the others after one `sync --once`."""
    desk.sync()
    home = desk.world.crms[crm]
    task = next(one for one in home.tasks() if "fact find" in one["title"] or "cash flow" in one["title"])
    home.edit(task["id"], **fields)
    edited = home.task(task["id"])

    assert desk.sync()["exit_code"] == 0

    for other in desk.world.crms.values():
        (found,) = [one for one in other.tasks() if alike(one["title"]) == alike(edited["title"])]
        for name in fields:
            if name in found:
                assert found[name] == edited[name], (other.name, name)


def test_a_quiet_cycle_over_a_thousand_tasks_sends_pages_and_short_lists_only(desk: Desk) -> None:
    """With 1,000 tasks in each CRM, a cycle without changes sends the pages of the listings and the few reference
    lists.
    """
    for crm in desk.world.crms.values():
        crm.reset()
        crm.fill(1000)
    desk.sync()
    desk.forget_requests()

    quiet = desk.sync()

    assert [found["read"] for found in quiet["connections"].values()] == [1000, 1000, 1000]
    paths = {
        crm.name: [(one.method, one.path.split("?")[0]) for one in crm.requests] for crm in desk.world.crms.values()
    }
    assert {method for found in paths.values() for method, _ in found} == {"GET"}
    references = {
        "/onlyoffice/api/2.0/people/@self", "/onlyoffice/api/2.0/settings", "/onlyoffice/api/2.0/crm/task/category",
        "/capsule/api/users", "/capsule/api/task/categories",
        "/plannr/api/v1/logins", "/plannr/api/v1/task-status",
    }  # fmt: skip
    lists = {"/onlyoffice/api/2.0/crm/task/filter", "/capsule/api/tasks", "/plannr/api/v1/task"}
    for found in paths.values():
        plain = [path.removesuffix(".json") for _, path in found]
        assert set(plain) <= references | lists
        assert all(plain.count(path) == 1 for path in set(plain) & references)
        assert sum(path in lists for path in plain) <= 1000 // 100 + 3


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"PLANNR_TOKEN": "wrong-token-of-plannr"}, 5, "does not accept the credentials"),
        ({"PLANNR_URL": "http://127.0.0.1:9/plannr"}, 1, "cannot be reached"),
        ({"CAPSULE_URL": "{url}/nothing-here"}, 1, "Check the connection's url"),
    ],
    ids=["token", "port", "path"],
)
def test_check_says_what_is_wrong_with_a_connection(desk: Desk, change: dict[str, str], code: int, said: str) -> None:
    """A wrong token and a wrong url get one clear sentence each, the right exit code, and no traceback."""
    base = desk.environ["PLANNR_URL"].removesuffix("/plannr")
    done = desk.run("check", **{name: value.format(url=base) for name, value in change.items()})
    assert done.returncode == code
    assert said in done.stdout
    assert done.stdout.count("not connected") == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "wrong-token-of-plannr" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "poll_every",
            "pol_every",
            "config.yaml:34: connections.office.pol_every: unknown key; did you mean poll_every?",
        ),
        ("${PLANNR_TOKEN:-sandbox}", "${PLANNR_TOKEN}", "the variable PLANNR_TOKEN is not set"),
    ],
    ids=["key", "variable"],
)
def test_a_wrong_configuration_is_one_message_and_exit_2(desk: Desk, old: str, new: str, said: str) -> None:
    """File, line and key are named, and what to do."""
    path = desk.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    for command in (["check"], ["sync", "--once"], ["sync", "--once", "--json"]):
        done = desk.run(*command)
        assert done.returncode == 2
        assert done.stdout == ""
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_check_tells_who_each_connection_is(desk: Desk) -> None:
    """`check --json` has the account, the zone and the findings of every connection; `--offline`
    connects to nothing.
    """
    printed = json.loads(desk.run("check", "--json").stdout)
    assert printed["exit_code"] == 0
    for found in printed["connections"].values():
        assert found["ok"] is True
        assert found["zone"] == "Europe/London"
        assert all(set(one) == {"subject", "ok", "message", "advice"} for one in found["findings"])
    desk.forget_requests()
    offline = desk.run("check", "--offline")
    assert offline.returncode == 0
    assert [crm.requests for crm in desk.world.crms.values()] == [[], [], []]


def test_a_connection_that_needs_login_does_not_hold_back_the_others(desk: Desk) -> None:
    """One wrong token: exit 5, that connection is `needs_login`, and the other two are in step with each other (I8)."""
    done = desk.run("sync", "--once", "--json", PLANNR_TOKEN="wrong")
    printed = json.loads(done.stdout)
    assert done.returncode == 5
    assert {name: found["state"] for name, found in printed["connections"].items()} == {
        "office": "ok", "capsule": "ok", "advisers": "needs_login",
    }  # fmt: skip
    assert printed["connections"]["office"]["created"] > 0
    assert printed["connections"]["advisers"]["error"]


def test_a_second_tasksync_says_who_has_the_mirror(desk: Desk) -> None:
    """While another process has the mirror: exit 3, who it is, and not one request."""
    with MirrorLock(desk.folder / "tasksync.db", SystemClock(), command="tasksync elsewhere"):
        done = desk.run("sync", "--once")
    assert done.returncode == 3
    assert "tasksync elsewhere" in done.stderr
    assert [crm.requests for crm in desk.world.crms.values()] == [[], [], []]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sync", "--dry-run"], "--dry-run is about one cycle: give --once as well"),
        (["sync", "--once", "--only", "nobody"], "there is no connection 'nobody'"),
        (["--config", "missing.yaml", "sync", "--once"], "missing.yaml"),
        (["sync", "--twice"], "--twice"),
    ],
    ids=["for one cycle", "only nobody", "no file", "no option"],
)
def test_wrong_usage_is_exit_2(desk: Desk, arguments: list[str], said: str) -> None:
    """Wrong usage is told in a sentence on stderr."""
    done = desk.run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_another_account_under_the_same_name_stops_the_sync(desk: Desk) -> None:
    """A config that leads a known name to another account changes nothing, and says what to do."""
    desk.sync()
    before = [len(crm.tasks()) for crm in desk.world.crms.values()]
    swapped = desk.run("sync", "--once", CAPSULE_URL=desk.environ["CAPSULE_URL"].replace("127.0.0.1", "localhost"))
    assert swapped.returncode == 2, swapped.stderr
    assert "leads to the account" in swapped.stderr
    assert [len(crm.tasks()) for crm in desk.world.crms.values()] == before


@pytest.mark.parametrize("command", [[], ["sync"], ["check"], ["demo"], ["sandbox"]], ids=str)
def test_help_has_an_example(desk: Desk, command: list[str]) -> None:
    """Every command explains itself, with an example."""
    done = desk.run(*command, "--help")
    assert done.returncode == 0
    assert "tasksync " in done.stdout


def test_the_sandbox_serves_until_it_is_told_to_stop(desk: Desk) -> None:
    """`tasksync sandbox` says where it answers, and SIGINT ends it with exit code 0."""
    command = [sys.executable, "-m", "tasksync", "sandbox", "--port", str(_free_port())]
    with subprocess.Popen(command, cwd=desk.folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "/onlyoffice" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
