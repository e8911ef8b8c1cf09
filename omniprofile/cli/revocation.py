"""Revoking OAuth sessions, after a login that replaced one and by `logout`."""

from omniprofile.app import App
from omniprofile.instance.client import Client
from omniprofile.instance.endpoints import Endpoints, discover
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.token_endpoint import revoke
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import StoredSecret

REVOKE_SECONDS = 5.0


def revoke_session(client: Client, session: StoredSecret, endpoints: Endpoints | None) -> str | None:
    """Revoke both tokens of a session, the refresh token first; return None, or why one could not be revoked.

    `endpoints` are those of its origin, or None to discover them here. Every request has a time limit.
    """
    if endpoints is None:
        try:
            endpoints = discover(client, session.origin, timeout=REVOKE_SECONDS)
        except InstanceError as problem:
            return str(problem)
    if endpoints.revocation is None:
        return f"{session.origin.host} has no revocation endpoint"
    first = revoke(client, session, endpoints.revocation, "refresh_token", timeout=REVOKE_SECONDS)
    second = revoke(client, session, endpoints.revocation, "access_token", timeout=REVOKE_SECONDS)
    return first or second


def revoke_stored(
    app: App, resolution: Resolution, session: StoredSecret, client: Client, endpoints: Endpoints | None
) -> str | None:
    """Revoke a stored session, unless its origin may no longer be contacted; return as `revoke_session` does."""
    if session.origin == resolution.origin:
        refused = resolution.refusal.message if resolution.refusal is not None else None
    else:
        code = session.origin.refusal(app.config.settings.allowed_hosts, allow_insecure=session.origin.is_loopback)
        refused = f"{session.origin} may not have a credential any more, {code}" if code else None
    return refused or revoke_session(client, session, endpoints)
