"""The section `http`: the address, and the token that an address needs which others can reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tasksync.config import Config, Serving
from tasksync.errors import ConfigError

DESK = "connections:\n  desk: {type: office, url: https://crm.example, token: t1}\n"
LONG = "0123456789abcdef"

Load = Callable[..., Config]


def serving(load: Load, text: str, environ: Mapping[str, str] | None = None) -> Serving:
    found = load(f"{DESK}http: {text}\n", environ).http
    assert found is not None
    return found


@pytest.mark.parametrize("listen", ["127.0.0.1:9460", "'[::1]:9460'", "localhost:9460", "127.8.0.1:80"])
def test_loopback_needs_no_token(load: Load, listen: str) -> None:
    """Where only this machine can ask, no token is asked for."""
    assert serving(load, f"{{listen: {listen}}}").token is None


@pytest.mark.parametrize("listen", ["0.0.0.0:9460", "'[::]:9460'", "192.0.2.7:9460", "sync.firm.example:9460"])
def test_other_addresses_need_a_token(load: Load, listen: str) -> None:
    """What others can reach is refused without a token, on the line of the address."""
    with pytest.raises(ConfigError, match=r":3: http.listen: can be reached from other machines, so a token is needed"):
        serving(load, f"{{listen: {listen}}}")
    assert serving(load, f"{{listen: {listen}, token: {LONG}}}").token == LONG


def test_token_from_a_file(load: Load, tmp_path: Path) -> None:
    """The token can stand in a file beside the configuration."""
    (tmp_path / "token").write_text(f"{LONG}\n", encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    assert serving(load, "{listen: '0.0.0.0:9460', token_file: token}").token == LONG


def test_token_from_the_credentials(load: Load, tmp_path: Path) -> None:
    """A token that the file does not give is the credential http.token."""
    (tmp_path / "http.token").write_text(LONG, encoding="utf-8")
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert serving(load, "{listen: '0.0.0.0:9460'}", environ).token == LONG
    assert serving(load, "{listen: '0.0.0.0:9460', token: fedcba9876543210}", environ).token == "fedcba9876543210"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{listen: '127.0.0.1:1', token: short}", "http.token: needs 16 characters or more"),
        ("{listen: '0.0.0.0:1', token_file: missing}", "http.token_file: the file of this name in"),
        ("{listen: '0.0.0.0:1', token: 0123456789abcdef, token_file: t}", "stands beside token_file"),
        ("{listen: '127.0.0.1:1', tokens: 0123456789abcdef}", "http.tokens: unknown key"),
    ],
)
def test_wrong_tokens(load: Load, text: str, said: str) -> None:
    """A token that cannot be used gets one message, without the token."""
    with pytest.raises(ConfigError, match=said) as refused:
        serving(load, text)
    assert len(str(refused.value).splitlines()) == 1
    assert LONG not in str(refused.value)


def test_token_is_not_shown(load: Load) -> None:
    """The token is in no text that is made of the configuration."""
    assert LONG not in repr(load(f"{DESK}http: {{listen: '0.0.0.0:1', token: {LONG}}}\n"))
