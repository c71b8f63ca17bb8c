"""`tasksync login`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import webbrowser
from typing import Annotated
from urllib.parse import urlsplit

import typer

from tasksync.bootstrap.surroundings import Surroundings
from tasksync.cli.sync import prepare
from tasksync.config import Config
from tasksync.errors import NeedsLogin, WrongUsage
from tasksync.service.loopback import HOST, Loopback
from tasksync.signing_in import SignedInAs, client_named, sign_in
from tasksync.transport.code_flow import Authorization
from tasksync.transport.oauth import OAuthClient

WAIT_S = 300.0
# Nobody listens there: the browser shows that it cannot go on, and the address that has to be copied.
_NOWHERE = f"http://{HOST}/"


def login(
    context: typer.Context,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION", help="Its name in the configuration.")],
    *,
    manual: Annotated[
        bool, typer.Option("--manual", help="Do not wait for the browser: ask for the address it ends at, or the code.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address to open, on this machine.")
    ] = False,
) -> None:
    """Sign a connection in by OAuth2 (Capsule v2 and Plannr, with client_id and client_secret).

    A person allows it once, in a browser; from then on tasksync renews the sign-in by itself. Run it again when a
    connection needs new credentials (exit code 5), also while tasksync is running.

    Examples:
      tasksync login capsule
      tasksync login advisers --manual      on a machine without a browser
    """
    config, around = prepare(context)
    found = asyncio.run(_login(config, around, connection, manual=manual, browser=not no_browser))
    who = "" if found.account is None else f" as {found.account.label}"
    typer.echo(f"Connection {connection} is signed in{who}.")
    encrypted = "encrypted" if config.token_key is not None else "not encrypted (to change that, set secrets.key_file)"
    typer.echo(f"The tokens are in {config.database}, {encrypted}.")
    if found.problem is not None:
        raise found.problem


async def _login(config: Config, around: Surroundings, connection: str, *, manual: bool, browser: bool) -> SignedInAs:
    client = client_named(config, connection)
    if manual or not _leads_here(client):
        return await sign_in(config, around, client, redirect_uri=client.redirect_uri or _NOWHERE, ask=_paste)
    parts = urlsplit(client.redirect_uri or "")
    with Loopback(port=parts.port or 0, path=parts.path) as loopback:

        async def by_browser(begun: Authorization) -> str:
            typer.echo(f"To sign connection {connection} in, allow it in the browser:\n\n{begun.url}\n")
            if browser:
                _open(begun.url)
            try:
                return await loopback.answer(begun.state, WAIT_S)
            except TimeoutError:
                raise NeedsLogin(
                    f"Nobody came back from the browser within {WAIT_S / 60:g} minutes. Try again; on a machine "
                    f"without a browser with: tasksync login {connection} --manual"
                ) from None

        redirect_uri = client.redirect_uri or loopback.redirect_uri
        return await sign_in(config, around, client, redirect_uri=redirect_uri, ask=by_browser)


def _leads_here(client: OAuthClient) -> bool:
    """Whether the browser can come back to this program: a registered redirect URL may be another machine's."""
    if client.redirect_uri is None:
        return True
    parts = urlsplit(client.redirect_uri)
    return parts.scheme == "http" and parts.hostname in (HOST, "localhost") and bool(parts.port)


def _open(url: str) -> None:
    # Without a screen, Python takes a text browser, which would fight with us for the terminal.
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screens):
        return
    # Some browsers keep their caller until they are closed.
    threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()


async def _paste(begun: Authorization) -> str:
    typer.echo(f"To sign connection {begun.connection} in, open this in a browser, anywhere, and allow it:\n")
    typer.echo(f"{begun.url}\n")
    typer.echo(f"It ends at an address that begins with {begun.redirect_uri} and may show an error: that is fine.")
    # Nothing else runs meanwhile. Of asyncio's own handler, this would not notice the first Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return input("Paste that whole address, or the code in it: ")  # noqa: ASYNC250 (see above)
    except EOFError:
        raise WrongUsage("Nothing was entered, so nothing was changed.") from None
    finally:
        signal.signal(signal.SIGINT, handler)
