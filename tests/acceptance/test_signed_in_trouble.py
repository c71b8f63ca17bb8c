"""Tokens are kept in the mirror: what that means while the mirror is in trouble."""

from __future__ import annotations

import resource
from typing import Any

from desk import Desk
from running import until
from signing import allow, crm_of
from working_day import Firm


def signed_in(firm: Firm) -> Desk:
    """Capsule's connection signs in by OAuth2, and a person has allowed it."""
    settings: dict[str, Any] = firm.config["connections"]["capsule"]
    del settings["token"]
    settings |= {"client_id": "sandbox", "client_secret": "sandbox-secret"}
    firm.configure()
    assert firm.run("sync", "--once").returncode == 5
    desk = Desk(folder=firm.folder, world=firm.world, environ={"CAPSULE_URL": f"{firm.url}/capsule"})
    allow(desk, "capsule")
    return desk


def test_tokens_are_renewed_after_the_mirror_was_in_trouble(firm: Firm) -> None:
    """The mirror is opened anew when its trouble is over, and so is what keeps the tokens."""
    desk = signed_in(firm)
    daemon = firm.start_ready()
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    daemon.says("mirror_failed")
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.says("mirror_recovered")
    crm_of(desk, "capsule").sign_ins.expire()
    firm.add("office", "Afterwards")
    firm.arrives("Afterwards")
    assert daemon.stop() == 0


def test_a_renewal_that_the_mirror_cannot_keep_does_not_end_the_daemon(firm: Firm) -> None:
    """A connection that is tried beside the turns, whose new tokens the mirror cannot take, is tried again later."""
    desk = signed_in(firm)
    firm.fail("capsule", "lose_before", times=None)
    daemon = firm.start_ready()
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    daemon.says("mirror_failed")
    crm_of(desk, "capsule").sign_ins.expire()
    firm.mend("capsule")
    daemon.http.post("/sync")
    until(lambda: any("/oauth/token" in path for _, path, _ in firm.requests("capsule")), "a renewal")
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.says("mirror_recovered")
    assert daemon.answers()
    assert daemon.stop() == 0
