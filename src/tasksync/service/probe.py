"""Asks a daemon that runs on this machine whether it is well: for a container's health check."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address

_TIMEOUT_S = 3.0
_LARGEST_ANSWER = 256


def ask_health(host: str, port: int) -> tuple[bool, str]:
    """Whether the daemon that listens on `host` and `port` says that it is well, and that in a sentence. `/healthz`
    asks for no token, so none is sent.
    """
    asked = _reachable(host)
    where = f"[{asked}]:{port}" if ":" in asked else f"{asked}:{port}"
    connection = HTTPConnection(asked, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        said = json.loads(answer.read(_LARGEST_ANSWER))
    except (OSError, HTTPException) as error:
        return False, f"No daemon answers on {where}: {str(error) or type(error).__name__}."
    except ValueError:
        return False, f"What answers on {where} is not tasksync."
    finally:
        connection.close()
    if not isinstance(said, dict) or not isinstance(said.get("alive"), bool):
        return False, f"What answers on {where} is not tasksync."
    if not said["alive"] or answer.status != 200:
        return False, f"The daemon on {where} answers, but its loop does not turn."
    return True, f"The daemon on {where} is well."


def _reachable(host: str) -> str:
    """Who listens on all addresses is asked on the loopback interface."""
    try:
        unspecified = ip_address(host).is_unspecified
    except ValueError:
        return host
    if not unspecified:
        return host
    return "::1" if ":" in host else "127.0.0.1"
