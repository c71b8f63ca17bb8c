"""Connections that sign in by OAuth2: their configuration, and persons who allow it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from desk import ROOT, Desk

from tasksync.ports import SignIn
from tasksync.sandbox.oauth import OAuthCrm
from tasksync.service.clock import SystemClock
from tasksync.store.opening import open_mirror
from tasksync.store.tokens import MirrorTokens

BROWSER = f"{sys.executable} {ROOT / 'tests' / 'harness' / 'browser.py'} %s"
"""For $BROWSER: a person who opens the address at once."""

CONFIG = """\
connections:
  office:
    type: onlyoffice
    url: ${ONLYOFFICE_URL}
    token: sandbox
    defaults: {category: Call, due: +7d}
  capsule:
    type: capsule
    url: ${CAPSULE_URL}
    client_id: sandbox
    client_secret: ${CLIENT_SECRET:-sandbox-secret}
    defaults: {due: +7d}
  advisers:
    type: plannr
    url: ${PLANNR_URL}
    client_id: sandbox
    client_secret: ${CLIENT_SECRET:-sandbox-secret}
    defaults: {status: To do, link: {type: client, id: 8c2b77d4-3e0a-4f55-b0a4-61a2d7c1e001}}
"""

CRMS = {"capsule": "capsule", "advisers": "plannr"}
"""The connections above that sign in by OAuth2, and the CRMs behind them."""


def crm_of(desk: Desk, connection: str) -> OAuthCrm:
    """The CRM behind a connection of `CONFIG`."""
    crm = desk.world.crms[CRMS[connection]]
    assert isinstance(crm, OAuthCrm)
    return crm


def allow(desk: Desk, connection: str, *, key: bytes | None = None) -> SignIn:
    """Sign in without a browser: what `tasksync login` leaves behind after a person has said yes."""
    crm = crm_of(desk, connection)
    redirect_uri = "http://127.0.0.1/"
    code = crm.sign_ins.allow(redirect_uri, None)
    given = crm.sign_ins.redeem({"code": code, "redirect_uri": redirect_uri})
    sign_in = SignIn(
        connection=connection,
        audience=f"sandbox at {desk.environ[f'{crm.name.upper()}_URL']}",
        access_token=given["access_token"],
        refresh_token=given["refresh_token"],
        obtained_at=SystemClock().now(),
        # The CRM does not say: it is good until the CRM refuses it.
        expires_at=None,
    )
    with stored(desk.folder / "tasksync.db", key) as tokens:
        tokens.save(sign_in)
    return sign_in


def load(desk: Desk, connection: str, *, key: bytes | None = None) -> SignIn | None:
    """What is stored for the connection."""
    with stored(desk.folder / "tasksync.db", key) as tokens:
        return tokens.load(connection)


@contextmanager
def stored(database: Path, key: bytes | None = None) -> Iterator[MirrorTokens]:
    """The tokens in a mirror."""
    with closing(open_mirror(str(database))) as mirror:
        yield MirrorTokens(mirror, file=database, key=key)
