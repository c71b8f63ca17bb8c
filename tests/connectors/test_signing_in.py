"""What connectors with OAuth2 tell of it, and that they leave the signing in to their `Http`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tasksync.connectors.manifest import ConnectionSettings, Manifest, discover
from tasksync.ports import Http, OAuthServer

CLIENT = frozenset({"client_id", "client_secret"})
WITH_OAUTH = [one for one in discover().values() if one.oauth is not None]


class Dialled(Exception):
    """Carries what a connector asked for; nothing is sent in these tests."""

    def __init__(self, headers: Mapping[str, str], secrets: Sequence[str]) -> None:
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.secrets = tuple(secrets)


def dial(*, headers: Mapping[str, str], secrets: Sequence[str] = (), **_: Any) -> Http:
    raise Dialled(headers, secrets)


def built(manifest: Manifest, **credentials: Any) -> Dialled:
    """What the connector asks for when it is built with these credentials."""
    settings = ConnectionSettings(
        name="desk", type=manifest.type, url="https://crm.example", options=manifest.options(), **credentials
    )
    with pytest.raises(Dialled) as caught:
        manifest.build(settings, dial)
    return caught.value


def test_the_crms_with_oauth() -> None:
    """Capsule and Plannr have it, and their manifests say so in both places."""
    assert [one.type for one in WITH_OAUTH] == ["capsule", "plannr"]
    assert [one.type for one in discover().values() if CLIENT in one.credentials] == ["capsule", "plannr"]


@pytest.mark.parametrize("manifest", WITH_OAUTH, ids=lambda one: one.type)
def test_a_signed_in_connector_has_no_credentials_of_its_own(manifest: Manifest) -> None:
    """With client_id and client_secret it asks for an Http without any token; with a token for one that has it."""
    signed_in = built(manifest, client_id="us", client_secret="hush-hush")
    assert "authorization" not in signed_in.headers
    assert signed_in.secrets == ()
    own = built(manifest, token="t0ken")
    assert own.headers["authorization"] == "Bearer t0ken"
    assert own.secrets == ("t0ken",)
    del own.headers["authorization"]
    assert own.headers == signed_in.headers


@pytest.mark.parametrize(
    ("type_", "server"),
    [
        ("capsule", OAuthServer(authorize="/oauth/authorise", exchange="/oauth/token", scope="read write")),
        ("plannr", OAuthServer(authorize="/oauth/authorize", exchange="/oauth/token", scope="*", pkce=True)),
    ],
)
def test_where_and_for_what_a_person_is_asked(type_: str, server: OAuthServer) -> None:
    """As protocols/capsule.md, 1.2, and protocols/plannr.md, 2.3, have it."""
    manifest = discover()[type_]
    assert manifest.oauth is not None
    assert manifest.oauth(manifest.options()) == server


def test_capsules_first_interface_has_none() -> None:
    """What the config is told to say of it."""
    manifest = discover()["capsule"]
    assert manifest.oauth is not None
    with pytest.raises(ValueError, match="OAuth2 is for api: v2"):
        manifest.oauth(manifest.options.model_validate({"api": "v1"}))
