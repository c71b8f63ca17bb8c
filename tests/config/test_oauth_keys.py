"""The keys of a connection that signs in by OAuth2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tasksync.config import Config, load_config
from tasksync.connectors.manifest import ConnectionSettings, Manifest
from tasksync.errors import ConfigError

CLOUD = ("type: cloud", "url: https://crm.example")
PAIR = ("client_id: us", "client_secret: hunter2-s3cret")
WAYS = "Cloud CRM needs token or client_id and client_secret"


@pytest.fixture
def manifests(manifests: Mapping[str, Manifest], cloud: Manifest) -> Mapping[str, Manifest]:
    return {**manifests, "cloud": cloud}


def test_client_and_secret(load_connection: Callable[..., ConnectionSettings]) -> None:
    """Both, and the registered redirect URL, arrive; no token is needed; nothing shows the secret."""
    found = load_connection(*CLOUD, *PAIR, "redirect_uri: http://127.0.0.1:8400/back")
    assert (found.client_id, found.client_secret, found.token) == ("us", "hunter2-s3cret", None)
    assert found.redirect_uri == "http://127.0.0.1:8400/back"
    assert "hunter2" not in repr(found)


def test_the_secret_from_a_file(load_connection: Callable[..., ConnectionSettings], tmp_path: Path) -> None:
    """`client_secret_file` works as `token_file` does."""
    (tmp_path / "secret").write_text("from-file\n")
    (tmp_path / "secret").chmod(0o600)
    found = load_connection(*CLOUD, "client_id: us", "client_secret_file: secret")
    assert found.client_secret == "from-file"


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ((*CLOUD, "client_id: us"), f"2: connections.desk: has client_id, but {WAYS}"),
        ((*CLOUD, "client_secret: s"), f"2: connections.desk: has client_secret, but {WAYS}"),
        (
            (*CLOUD, "token: t1", *PAIR),
            f"2: connections.desk: has token and client_id and client_secret, but {WAYS}",
        ),
        ((*CLOUD, "token: t1", "client_id: us"), f"2: connections.desk: has token and client_id, but {WAYS}"),
        ((*CLOUD, "client_id: ''", "client_secret: s"), "5: connections.desk.client_id: must not be empty"),
        ((*CLOUD, "client_id: 5", "client_secret: s"), "5: connections.desk.client_id: needs text"),
        ((*CLOUD, *PAIR, "client_secret_file: f"), "6: connections.desk.client_secret: stands beside"),
        ((*CLOUD, *PAIR, "redirect_uri: nowhere"), "7: connections.desk.redirect_uri: needs the redirect URL"),
        ((*CLOUD, *PAIR, "redirect_uri: http://h:x/"), "7: connections.desk.redirect_uri: needs the redirect URL"),
        ((*CLOUD, *PAIR, "redirect_uri: 'http://h/#x'"), "7: connections.desk.redirect_uri: needs the redirect URL"),
        ((*CLOUD, *PAIR, "old: true"), "5: connections.desk.client_id: the old interface has no OAuth2"),
        (
            ("type: office", "url: https://crm.example", *PAIR),
            "2: connections.desk: has client_id and client_secret, but Office CRM needs token or username and password",
        ),
        (("type: ledger", "url: https://l.example", *PAIR), "2: connections.desk: has client_id and client_secret"),
    ],
)
def test_what_does_not_make_a_sign_in(
    load_connection: Callable[..., ConnectionSettings], tmp_path: Path, lines: tuple[str, ...], place: str
) -> None:
    """Half a pair, both ways at once, a CRM or an interface without OAuth2: one message, where it is wrong."""
    with pytest.raises(ConfigError) as caught:
        load_connection(*lines)
    assert str(caught.value).startswith(f"{tmp_path}/config.yaml:{place}")
    assert len(str(caught.value).splitlines()) == 1
    assert "hunter2" not in str(caught.value)


def test_one_client_for_two_accounts(load: Callable[..., Config]) -> None:
    """Two accounts of one CRM can be signed in to the same client: who they are is asked when they are."""
    stanza = "{type: cloud, url: https://crm.example, client_id: us, client_secret: s}"
    assert len(load(f"connections:\n  desk: {stanza}\n  shop: {stanza}\n").connections) == 2


@pytest.mark.parametrize(
    ("type_", "options", "words"),
    [
        ("capsule", "api: v1, ", "OAuth2 is for api: v2; with api: v1, Capsule needs a token"),
        ("onlyoffice", "", "ONLYOFFICE CRM needs token or username and password"),
    ],
)
def test_the_crms_that_have_none(tmp_path: Path, type_: str, options: str, words: str) -> None:
    """Capsule's XML interface and ONLYOFFICE say what they need instead."""
    file = tmp_path / "config.yaml"
    stanza = f"type: {type_}, {options}url: https://crm.example, client_id: us, client_secret: s"
    file.write_text(f"connections:\n  desk: {{{stanza}}}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert words in str(caught.value)


@pytest.mark.parametrize("type_", ["capsule", "plannr"])
def test_the_crms_that_have_it(tmp_path: Path, type_: str) -> None:
    """Capsule's JSON interface and Plannr take client_id and client_secret."""
    file = tmp_path / "config.yaml"
    stanza = f"type: {type_}, url: https://crm.example, client_id: us, client_secret: s"
    file.write_text(f"connections:\n  desk: {{{stanza}}}\n")
    assert load_config(file, {}).connections[0].client_id == "us"
