"""SIGHUP, SIGUSR1 and POST /sync: the configuration is read again, and work is done now."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
from running import Daemon, until
from working_day import Firm, own_address


def reload(daemon: Daemon) -> None:
    """Make it read the configuration again, and wait until it has."""
    so_far = len(daemon.events("ready"))
    daemon.signal(signal.SIGHUP)
    daemon.says("ready", times=so_far + 1)


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_what_is_another_after_a_reload(firm: Firm) -> None:
    """Another pace, level of the log, address and token count from the reload on, and a connection that is taken out or
    added takes part no more, or at once.
    """
    capsule = firm.config["connections"].pop("capsule")
    firm.configure(poll_every="1h")
    firm.add("office", "Before")
    daemon = firm.start_ready()
    assert firm.everywhere("Before", among=("office", "advisers"))
    assert not firm.titles("capsule")

    # A connection comes.
    firm.config["connections"]["capsule"] = capsule
    firm.configure()
    reload(daemon)
    firm.arrives("Before")
    until(lambda: list(daemon.status()["connections"]) == ["office", "advisers", "capsule"], "three connections")

    # Another goes, another pace, more in the log.
    assert not daemon.events(level="debug")
    del firm.config["connections"]["office"]
    firm.config["log"]["level"] = "debug"
    firm.configure(poll_every="1s")
    reload(daemon)
    assert {name: one["poll_every_s"] for name, one in daemon.status()["connections"].items()} == {
        "advisers": 1.0, "capsule": 1.0,
    }  # fmt: skip
    firm.add("capsule", "After")
    firm.arrives("After", among=("capsule", "advisers"))
    assert daemon.events(level="debug")
    assert not firm.titles("office")["After"]
    assert daemon.metric('tasksync_up{connection="office"}') == 0

    # Elsewhere, and not for everybody.
    old = firm.address
    token = "0123456789abcdef0123"
    address = own_address()
    firm.config["http"] = {"listen": address, "token": token}
    firm.configure()
    reload(daemon)
    assert httpx.get(f"http://{address}/status.json", trust_env=False).status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"http://{address}/status.json", headers=bearer, trust_env=False).status_code == 200
    assert not daemon.answers(), f"nobody answers at {old} any more"
    assert not [line for line in daemon.lines if token in line]
    assert daemon.stop() == 0


def test_what_cannot_be_taken_over_leaves_the_old_configuration_in_force(firm: Firm) -> None:
    """A broken file, another database, an address that is taken: each is refused with the reason, and all goes on."""
    daemon = firm.start_ready()
    (firm.folder / "config.yaml").write_text("connections: [\n")
    reload(daemon)
    firm.config["database"] = "other.db"
    firm.configure()
    reload(daemon)
    del firm.config["database"]
    firm.config["http"] = {"listen": firm.url.removeprefix("http://")}
    firm.configure()
    reload(daemon)

    broken, moved, taken = (one["error"] for one in daemon.events("reload_refused", level="error"))
    assert "config.yaml" in broken
    assert "`database`" in moved
    assert "cannot listen on" in taken
    assert not (firm.folder / "other.db").exists()
    assert not daemon.events("reloaded")
    assert firm.notified.turning_points == ["READY", *["RELOADING", "READY"] * 3]
    assert daemon.answers()
    firm.add("office", "All the same")
    firm.arrives("All the same")
    assert daemon.stop() == 0


def test_a_burst_of_signals(firm: Firm) -> None:
    """However many SIGHUP and SIGUSR1 come, the daemon goes on, each RELOADING=1 gets its READY=1, and no descriptor is
    left open.
    """
    daemon = firm.start_ready()
    reload(daemon)
    before = descriptors(daemon.pid)
    for _ in range(30):
        daemon.signal(signal.SIGHUP)
        daemon.signal(signal.SIGUSR1)
    firm.add("advisers", "In the middle of it")
    firm.arrives("In the middle of it")
    reload(daemon)
    told = firm.notified.turning_points
    assert told == ["READY", *["RELOADING", "READY"] * ((len(told) - 1) // 2)]
    until(lambda: descriptors(daemon.pid) <= before + 4, "as few open descriptors as before")
    assert daemon.stop() == 0


def test_sync_now(firm: Firm) -> None:
    """SIGUSR1 and POST /sync poll at once although poll_every is an hour; POST /sync may name the connections."""
    firm.configure(poll_every="1h")
    daemon = firm.start_ready()
    firm.add("office", "By signal")
    daemon.signal(signal.SIGUSR1)
    firm.arrives("By signal")

    firm.add("capsule", "By request")
    answer = daemon.http.post("/sync", params={"connection": "capsule"})
    assert (answer.status_code, answer.json()) == (202, {"connections": ["capsule"]})
    firm.arrives("By request")
    assert daemon.http.post("/sync", params={"connection": "nobody"}).status_code == 404

    # Only what is polled shows what it has.
    firm.add("office", "Not looked for")
    polled = daemon.status()["connections"]["office"]["polled_at"]
    cycles = daemon.status()["cycles"]
    daemon.http.post("/sync", params={"connection": "advisers"})
    until(lambda: daemon.status()["cycles"] > cycles, "another cycle")
    assert not firm.titles("capsule")["Not looked for"]
    assert daemon.status()["connections"]["office"]["polled_at"] == polled
    assert daemon.stop() == 0
