"""Which certificates a connection accepts, and when they are read."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tasksync.errors import ConfigError
from tasksync.ports import RateLimit
from tasksync.transport.dial import Dialer
from tasksync.transport.session import Session

LIMIT = RateLimit(requests=100, per_s=1)


@pytest.fixture
def dial(dialer: Callable[..., Dialer]) -> Callable[[str], Session]:
    """Sessions of one dialer, over the network."""
    made = dialer()
    return lambda url: made(connection="office", base_url=url, limit=LIMIT, expects="json", headers={})


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[ssl.SSLContext]:
    """Every time that certificates are read."""
    contexts: list[ssl.SSLContext] = []
    create = httpx.create_ssl_context

    def counting() -> ssl.SSLContext:
        contexts.append(create())
        return contexts[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", counting)
    return contexts


def context_of(session: Session) -> ssl.SSLContext:
    """The one that httpx uses for what goes straight to the server."""
    transport = session._clients.take()._transport
    assert isinstance(transport, httpx.AsyncHTTPTransport)
    context = transport._pool._ssl_context
    assert context is not None
    return context


def test_certificates_are_read_once_for_all_connections(
    dial: Callable[[str], Session], read: list[ssl.SSLContext]
) -> None:
    """All sessions of a dialer check certificates, against one reading of them."""
    sessions = [dial("https://one.test"), dial("https://two.test"), dial("http://insecure.test")]
    (context,) = read
    assert all(context_of(session) is context for session in sessions)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("url", ["http://127.0.0.1:8800/onlyoffice", "http://localhost", "http://[::1]:1"])
def test_none_are_read_for_what_is_not_encrypted(
    dial: Callable[[str], Session], read: list[ssl.SSLContext], url: str
) -> None:
    """A plain connection to this machine needs no certificates, and would accept none."""
    context = context_of(dial(url))
    assert read == []
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.cert_store_stats()["x509_ca"] == 0


def test_certificates_are_read_for_this_machine_too(dial: Callable[[str], Session], read: list[ssl.SSLContext]) -> None:
    """An encrypted connection to this machine is checked like any other."""
    assert context_of(dial("https://127.0.0.1:8443")) is read[0]


def test_certificates_that_cannot_be_read(
    dial: Callable[[str], Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of certificates that is none is a mistake in the environment, told as such at every attempt."""
    file = tmp_path / "none.pem"
    file.write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    for _ in range(2):
        with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
            dial("https://crm.test")
