"""The library face: `resolve`. (`Auth`, the other half, is in `omniprofile.auth`, since it needs an HTTP library.)

The same rules and files as the command line; a profile that is named in the call counts as named on the command line.
Sentences that the command line would say on stderr go to the logger `omniprofile`: at level INFO, or WARNING for those that
`-q` does not silence, which Python shows on stderr where a program sets up no logging.
"""

import logging

from omniprofile.app import App, ProfileRequest
from omniprofile.credentials.protection import GIVING
from omniprofile.model.credential import Credential
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.system.environment import Environment

_LOG = logging.getLogger("omniprofile")


def resolve(profile: str | None = None, *, config: str | None = None) -> Credential:
    """Resolve a profile into its credential, with a session refreshed where it is about to expire.

    `profile` is a profile's name, None for the current one. `config` is the path of the profile file, None
    for the usual one. Never prompts.

    Raises `omniprofile.Error`, which has `code`, `message` and `hint`. Of its families, in `omniprofile.errors`: ConfigInvalid
    for a profile file, NoSuchProfile and NoProfileSelected, NoCredential when there is nothing to log in with, Refused when
    the credential belongs to another origin or the host may have none, ProtectedProfile when only a project pin selects a
    protected profile, StoreUnavailable, and Unreachable or CredentialRefused when a session cannot be refreshed.
    """
    app = app_for(config)
    resolution = app.resolve(request_for(profile), GIVING.use)
    credential = app.obtain(resolution, GIVING)
    app.record(resolution, "library")
    return credential


def app_for(config: str | None) -> App:
    """Return the program as a library runs it, with the profile file that the caller names."""
    return App(Environment.real(), config_flag=config, notify=_LOG.info, warn=_LOG.warning)


def request_for(profile: str | None) -> ProfileRequest:
    """Return what a caller names: a profile, or None for the current one."""
    return ProfileRequest(Sourced(profile, Provenance(Layer.FLAG)) if profile is not None else None)
