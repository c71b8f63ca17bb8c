"""A process killed while it renews an OAuth2 sign-in: what the next one finds, and that nothing else breaks."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from desk import Desk
from signing import CONFIG, CRMS, allow, crm_of
from stage import Ended, Stage, Start

TOKEN = "POST /capsule/oauth/token"


@pytest.fixture
def signed_in(stage: Stage) -> Iterator[Stage]:
    """Both are signed in, were synced, and have tasks to deliver; the access of one of them has ended."""
    example = (stage.folder / "config.yaml").read_text(encoding="utf-8")
    (stage.folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    stage.begin(stage.blank)
    for connection in CRMS:
        allow(person(stage), connection)
    assert stage.sync().code == 0
    for name, crm in stage.world.crms.items():
        crm.add(title=f"Only in {name}", body="Of its own.", due="2031-03-05")
    crm_of(person(stage), "capsule").sign_ins.expire()
    yield stage
    (stage.folder / "config.yaml").write_text(example, encoding="utf-8")


def person(stage: Stage) -> Desk:
    return Desk(folder=stage.folder, world=stage.world, environ=stage._environ)


def killed(stage: Stage, start: Start, point: int) -> Ended:
    """From the start again, killed there; then what the next run makes of it."""
    stage.begin(start)
    assert stage.sync(at=point).code == -signal.SIGKILL
    stage.forget_requests()
    return stage.sync()


def points_of_the_renewal(stage: Stage, start: Start) -> dict[str, int]:
    """Their numbers, from an undisturbed run."""
    stage.begin(start)
    undisturbed = stage.sync()
    assert undisturbed.code == 0, undisturbed.stderr
    asked = undisturbed.trace.index(f"before {TOKEN}")
    assert undisturbed.trace[asked + 1 : asked + 4] == [f"after {TOKEN}", "before commit", "after commit"]
    names = ("before the request", "after the answer", "before the commit", "after the commit")
    return {name: asked + 1 + number for number, name in enumerate(names)}


def test_killed_at_any_point_of_a_renewal(signed_in: Stage) -> None:
    """Before the request and after the commit, the next run just goes on. Between the answer and the commit the pair is
    lost: that connection needs a login and says so, the others are in step, and after the login all are.
    """
    start = signed_in.keep()
    for name, point in points_of_the_renewal(signed_in, start).items():
        ended = killed(signed_in, start, point)
        if name in {"after the answer", "before the commit"}:
            found = ended.printed["connections"]
            assert {one: what["state"] for one, what in found.items()} == {
                "office": "ok", "capsule": "needs_login", "advisers": "ok",
            }, name  # fmt: skip
            assert ended.code == 5
            assert "tasksync was stopped in the moment of its last renewal" in found["capsule"]["error"]
            assert "tasksync login capsule" in found["capsule"]["error"]
            assert "Traceback" not in ended.stderr
            allow(person(signed_in), "capsule")
        else:
            assert ended.code == 0, (name, ended.stderr)
        signed_in.quieten(2)
        expected = {f"Only in {crm}": 1 for crm in signed_in.world.crms}
        assert signed_in.titles() == dict.fromkeys(signed_in.world.crms, expected)


def test_a_crm_that_takes_a_used_refresh_token_once_more(signed_in: Stage) -> None:
    """There, no kill at all needs a person."""
    crm_of(person(signed_in), "capsule").settings.change({"grace": True})
    start = signed_in.keep()
    for name, point in points_of_the_renewal(signed_in, start).items():
        ended = killed(signed_in, start, point)
        assert ended.code == 0, (name, ended.stderr)


def test_a_disk_that_is_full_when_a_renewed_token_is_to_be_stored(signed_in: Stage) -> None:
    """The program says so and ends with 2; the token that could not be stored was not used."""
    start = signed_in.keep()
    point = points_of_the_renewal(signed_in, start)["before the commit"]
    signed_in.begin(start)
    signed_in.forget_requests()
    ended = signed_in.sync(at=point, do="fill disk")
    assert ended.code == 2
    assert "tasksync.db cannot be used" in ended.stderr
    paths = [(one.method, one.path, one.status) for one in signed_in.world.capsule.requests]
    assert [status for _, path, status in paths if "/api/" in path] == [401]
