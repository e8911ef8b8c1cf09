"""The library's `resolve`. (`Auth` is in `omniprofile.auth`, since it needs an HTTP library.)

The rules and files are the same as for the command line; a profile named in the call counts as named on the command line.
Messages that the command line prints on stderr go to the logger `omniprofile`, at level INFO, or WARNING if `-q` does not silence
them. Python shows warnings on stderr unless the program configures logging.
"""

import logging
import os

from omniprofile.app import App, ProfileRequest
from omniprofile.credentials.intent import GIVING, Intent
from omniprofile.model.credential import Credential
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Resolution
from omniprofile.system.environment import Environment

_LOG = logging.getLogger("omniprofile")


def resolve(profile: str | None = None, *, config: str | os.PathLike[str] | None = None) -> Credential:
    """Return the credential of a profile, refreshing a session that is about to expire.

    `profile` is the name of a profile, None for the current one. `config` is the path of the profile file, None for the usual
    one. Never prompts.

    Raises `omniprofile.Error`, which has `code`, `message` and `hint`, or rather these of its subclasses in `omniprofile.errors`:
    ConfigInvalid for a profile file; NoSuchProfile and NoProfileSelected; NoCredential if there is none; Refused if the
    credential belongs to another origin, or the host is not allowed; AccessLimited if the profile's `access` keeps its token from
    programs; ProtectedProfile if only a project pin selects a protected profile; StoreUnavailable; and Unreachable or
    CredentialRefused if a session cannot be refreshed.
    """
    return obtain(request_for(profile), GIVING, config)[1]


def obtain(
    request: ProfileRequest, intent: Intent, config: str | os.PathLike[str] | None, *, force_refresh: bool = False
) -> tuple[Resolution, Credential]:
    """Resolve a profile, of the profile file that the caller names, and record that the library has its credential."""
    config_flag = None if config is None else os.fspath(config)
    app = App(Environment.real(), config_flag, notify=_LOG.info, warn=_LOG.warning)
    resolution = app.resolve(request, intent.use)
    credential = app.obtain(resolution, intent, force_refresh=force_refresh)
    app.record(resolution, "library")
    return resolution, credential


def request_for(profile: str | None) -> ProfileRequest:
    """Return the request for the profile that a caller names, or for the current one if None."""
    return ProfileRequest(Sourced(profile, Provenance(Layer.FLAG)) if profile is not None else None)
