"""`tasksync explain`: why a task is as it is, and why a CRM shows of it what it shows."""

from __future__ import annotations

import json
from typing import Any

from desk import Desk
from typer.testing import CliRunner

from tasksync.cli.app import app

KEYS = [
    "record", "kind", "group", "title", "deleted_at", "linked_with", "fields", "connections", "waiting", "holds",
    "superseded",
]  # fmt: skip
CREATES = r"/task$|/tasks$"


def explained(desk: Desk, reference: str) -> dict[str, Any]:
    done = desk.run("explain", reference, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert list(found) == KEYS
    return found


def standings(found: dict[str, Any]) -> dict[str, str]:
    return {name: one["standing"] for name, one in found["connections"].items()}


def emptied(desk: Desk) -> None:
    for crm in desk.world.crms.values():
        crm.reset()


def shared(desk: Desk) -> dict[str, str]:
    """One task, "Ring Bob", in every CRM, and nothing else; its ids there."""
    emptied(desk)
    desk.world.capsule.add(title="Ring Bob", body="About the boiler.", due="2031-05-06")
    desk.sync()
    return {crm.name: task["id"] for crm in desk.world.crms.values() for task in crm.tasks()}


def test_help_has_an_example() -> None:
    """The command explains itself."""
    done = CliRunner().invoke(app, ["explain", "--help"])
    assert done.exit_code == 0
    assert "tasksync explain office:1234" in done.output


def test_who_wrote_what_and_who_shows_it(desk: Desk) -> None:
    """Each value with its author and time, what every CRM has of it, and what it replaced with the reason."""
    ids = shared(desk)
    desk.world.plannr.edit(ids["plannr"], body="[bold]Twice[/]\x1b[2J", priority="high")
    desk.sync()

    found = explained(desk, f"capsule:{ids['capsule']}")

    body = found["fields"]["body"]
    assert list(body) == ["value", "at", "estimated", "connection", "external_id", "shown"]
    assert (body["connection"], body["external_id"], body["estimated"]) == ("advisers", ids["plannr"], False)
    assert body["shown"]["advisers"] == {"value": body["value"]}
    assert list(body["shown"]) == ["office", "capsule", "advisers"]
    assert found["fields"]["priority"]["shown"] == {"office": {}, "capsule": {}, "advisers": {"value": "high"}}
    assert standings(found) == dict.fromkeys(("office", "capsule", "advisers"), "in step")
    assert (found["waiting"], found["holds"], found["linked_with"]) == ([], [], None)
    replaced = {one["field"]: one for one in found["superseded"]}["body"]
    assert list(replaced) == ["field", "old", "new", "at", "estimated", "connection", "reason"]
    assert (replaced["old"], replaced["reason"]) == ("About the boiler.", "changed in advisers")
    shown = desk.run("explain", found["record"]).stdout
    assert "[bold]Twice[/]" in shown
    assert "\x1b" not in shown
    assert f"as {ids['plannr']}: in step" in shown
    assert "not shown" in shown


def test_what_waits_and_why(desk: Desk) -> None:
    """A CRM that takes no update just now: what it shows, what it is to get, and what came of the last attempt."""
    path = desk.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("tries: 5", "tries: 1"), encoding="utf-8")
    ids = shared(desk)
    desk.world.capsule.edit(ids["capsule"], body="Two.")
    for method in ("PUT", "PATCH"):
        desk.world.onlyoffice.faults.add("status", method=method, status=429, times=None)
    desk.sync()

    found = explained(desk, f"office:{ids['onlyoffice']}")

    assert standings(found) == {"office": "waiting", "capsule": "in step", "advisers": "in step"}
    assert found["fields"]["body"]["shown"]["office"] == {"value": "About the boiler.", "waiting": "Two."}
    waiting = found["waiting"][0]
    assert list(waiting) == ["id", "connection", "action", "fields", "state", "attempts", "attempted_at", "error"]
    assert (waiting["connection"], waiting["action"], waiting["fields"]) == ("office", "update", {"body": "Two."})
    assert waiting["error"] in found["connections"]["office"]["why"]
    assert "About the boiler. -> Two." in desk.run("explain", found["record"]).stdout
    operation = str(waiting["id"])
    assert desk.run("outbox", "drop", operation).returncode == 0
    dropped = explained(desk, found["record"])
    assert {one["state"] for one in dropped["waiting"]} == {"dropped"}
    assert "A person decided to leave it" in dropped["connections"]["office"]["why"]


def test_why_a_crm_has_no_copy(desk: Desk) -> None:
    """Refused with the CRM's words; look-alikes with what may be it; finished long ago; out of the config."""
    emptied(desk)
    ours = desk.world.onlyoffice.add(title="Ring Bob", due="2031-05-06", category="Call")
    theirs = [desk.world.capsule.add(title="Ring Bob", due="2031-05-06", category="Call") for _ in range(2)]
    old = desk.world.plannr.add(title="Long ago", due="2001-05-06")
    desk.world.plannr.edit(old, done=True, modified="2001-05-06T12:00:00Z")
    desk.world.plannr.faults.add("status", method="POST", path=CREATES, status=422, times=None)
    desk.sync()

    found = explained(desk, f"office:{ours}")
    assert standings(found) == {"office": "in step", "capsule": "held", "advisers": "held"}
    assert found["connections"]["capsule"]["candidates"] == [f"capsule:{one}" for one in theirs]
    assert "refused" in found["connections"]["advisers"]["why"]
    assert "422" in found["connections"]["advisers"]["why"]
    assert [one["reason"] for one in found["holds"]] == ["ambiguous match", "refused"]
    shown = desk.run("explain", found["record"]).stdout
    assert f"tasksync link {found['record']} capsule:" in shown

    alone = desk.run("explain", f"capsule:{theirs[0]}")
    assert alone.returncode == 2
    assert "belongs to no record yet. It is held (ambiguous match" in alone.stderr

    finished = explained(desk, f"advisers:{old}")
    assert standings(finished) == {"office": "not copied", "capsule": "not copied", "advisers": "in step"}
    assert "completed_horizon" in finished["connections"]["office"]["why"]

    path = desk.folder / "config.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("\n  office:", "\n  bureau:"), encoding="utf-8")
    assert standings(explained(desk, found["record"]))["bureau"] == "not met"
    assert standings(explained(desk, found["record"]))["office"] == "left out"


def test_a_deleted_task_and_one_that_is_not_seen(desk: Desk) -> None:
    """Deleted: since when, and how to bring it back. Gone from one CRM with `deletions: keep`: left alone there."""
    ids = shared(desk)
    path = desk.folder / "config.yaml"
    settings = path.read_text(encoding="utf-8")
    path.write_text(settings.replace("deletions: propagate", "deletions: keep"), encoding="utf-8")
    desk.world.capsule.remove(ids["capsule"])
    desk.sync()
    kept = explained(desk, f"office:{ids['onlyoffice']}")
    assert standings(kept) == {"office": "in step", "capsule": "gone", "advisers": "in step"}
    assert kept["connections"]["capsule"]["gone_at"].endswith("Z")

    path.write_text(settings, encoding="utf-8")
    desk.world.onlyoffice.remove(ids["onlyoffice"])
    desk.sync()
    found = explained(desk, kept["record"])
    assert found["deleted_at"].endswith("Z")
    assert found["connections"]["office"]["standing"] == "deleted"
    assert "tasksync restore" in found["connections"]["office"]["why"]
    assert "deleted" in desk.run("explain", kept["record"]).stdout


def test_reading_changes_no_file_and_asks_no_crm(desk: Desk) -> None:
    """It works while the CRMs are away, and leaves the mirror's directory as it is."""
    assert desk.run("explain", "office:1").returncode == 2
    ids = shared(desk)
    before = desk.files()
    desk.forget_requests()
    assert desk.run("explain", f"office:{ids['onlyoffice']}").returncode == 0
    assert desk.run("explain", "none").returncode == 2
    assert desk.files() == before
    assert [crm.requests for crm in desk.world.crms.values()] == [[], [], []]
