"""Capsule CRM (protocols/capsule.md): one account behind two protocols, `/api/...` (XML) and `/api/v2/...` (JSON)."""

from starlette.applications import Starlette
from starlette.routing import Mount

from tasksync.sandbox.capsule import v1, v2
from tasksync.sandbox.capsule.account import Capsule
from tasksync.sandbox.oauth import OAuthPages

__all__ = ["Capsule", "application"]


def application(account: Capsule) -> Starlette:
    """Everything below the account's base url."""
    oauth = OAuthPages(account, subdomain="sandbox")
    return Starlette(
        routes=[
            *oauth.routes(authorize="/oauth/authorise"),
            Mount("/api/v2", v2.application(account)),
            Mount("/api", v1.application(account)),
        ]
    )
