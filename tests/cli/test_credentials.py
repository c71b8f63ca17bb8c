"""Credentials that need a person: what is said, and how often the CRM is asked."""

from __future__ import annotations

import re

import pytest
from desk import Desk
from signing import BROWSER, CONFIG, allow, crm_of

COLLEAGUE = "93379910-564c-4d8a-838f-5a0a4a98111e"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """ONLYOFFICE with user name and password, Plannr by OAuth2."""
    config = CONFIG.replace(
        "    token: sandbox\n", "    username: sandbox@example.org\n    password: ${PASSWORD:-sandbox}\n"
    )
    (desk.folder / "config.yaml").write_text(config, encoding="utf-8")
    return desk


def sign_ins(desk: Desk) -> int:
    return sum("/authentication" in one.path for one in desk.world.onlyoffice.requests)


@pytest.mark.parametrize(("factor", "said"), [("sms", "the code of an SMS"), ("app", "the code of an app")])
def test_a_second_factor_is_explained_and_asked_for_once(desk: Desk, factor: str, said: str) -> None:
    """Exit 5, what to do about it, and one sign-in in the run: each may send the user a message."""
    desk.world.onlyoffice.settings.change({"second_factor": factor})
    printed = desk.sync()
    assert printed["exit_code"] == 5
    assert printed["connections"]["office"]["state"] == "needs_login"
    assert said in printed["connections"]["office"]["error"]
    assert "without two-factor authentication" in printed["connections"]["office"]["error"]
    assert sign_ins(desk) == 1


def test_a_wrong_password_is_tried_once_in_a_run(desk: Desk) -> None:
    """So that five runs a minute do not lock the account, and the right password then works at once."""
    for _ in range(4):
        done = desk.run("check", PASSWORD="wrong-one")
        assert done.returncode == 5
        assert "The portal refused the user name and password (User authentication failed)" in done.stdout
        assert "wrong-one" not in done.stdout + done.stderr
    assert sign_ins(desk) == 4
    assert "office: Ana Reid at" in desk.run("check").stdout


def test_several_accounts_of_employees_are_listed(desk: Desk) -> None:
    """A sign-in that leads to two is stored; which of them it is, the config has to say, and is told how."""
    crm_of(desk, "advisers").settings.change({"second_employee": True})
    done = desk.run("login", "advisers", BROWSER=BROWSER)
    assert done.returncode == 5
    assert "Connection advisers is signed in.\n" in done.stdout
    accounts = re.findall(r"[0-9a-f-]{36}", done.stderr)
    assert accounts[-1] == COLLEAGUE
    assert "Set account_uuid to one of the accounts" in done.stderr
    config = desk.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace(
        "type: plannr\n", f"type: plannr\n    account_uuid: {COLLEAGUE}\n"
    )
    config.write_text(text, encoding="utf-8")
    checked = desk.run("check")
    assert "advisers: Ben Osei at Hill Financial Advice" in checked.stdout


@pytest.mark.parametrize("right", ["write", "delete"])
def test_a_right_that_plannr_does_not_give_is_found(desk: Desk, right: str) -> None:
    """`check` says which, and ends with 2: somebody has to give it."""
    crm_of(desk, "advisers").settings.change({f"has_{right}_permission": False})
    assert desk.run("login", "advisers", BROWSER=BROWSER).returncode == 0
    done = desk.run("check")
    assert f"The login lacks the right to {right}." in done.stdout


def test_check_tells_clock_and_quota(desk: Desk) -> None:
    """How far the CRM's clock is off, and what it says remains of the quota, where it does; neither is a fault."""
    desk.world.onlyoffice.settings.change({"clock_offset_s": 90})
    allow(desk, "advisers")
    done = desk.run("check")
    office, _, advisers = done.stdout.partition("office: ")[2].partition("advisers: ")
    assert re.search(r"ok +its clock: It is (89|9\d)\.\d s ahead of ours\.", office)
    assert "quota" not in office.partition("capsule: ")[0]
    assert "ok    its clock: It is no different from ours." in advisers
    assert re.search(r"ok +quota: 4\d\d requests are left\.", advisers)
