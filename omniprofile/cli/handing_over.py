"""Giving a command the credentials of profiles by its environment: what `exec` and `each` share."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from omniprofile.app import App
from omniprofile.credentials.permission import Intent
from omniprofile.handover import omni
from omniprofile.handover.variables import RIVALS, behind_gateway, child_environment
from omniprofile.model.credential import Credential
from omniprofile.model.resolution import Resolution
from omniprofile.model.variables import credential_variables

if TYPE_CHECKING:
    from omniprofile.gateway.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Handed:
    """What a command gets of one profile: variables, and a gateway if it may not have the token; and what it must not see."""

    credential: Credential
    variables: dict[str, str]
    removed: list[str]
    gateway: "Gateway | None" = None


def hand_over(
    app: App,
    resolution: Resolution,
    intent: Intent,
    opened: ExitStack,
    program: str,
    *,
    prefix: str = "",
    gateway: bool = False,
    interactive: bool = False,
    job: timedelta = timedelta(0),
) -> Handed:
    """Obtain the credential of a resolution for the command `program`, whose variables begin with `prefix`.

    A gateway, asked for or demanded by the profile's `access`, takes its port here, and is closed with `opened`; start it
    once the command runs. The other arguments are those of `App.obtain`, and so is what it raises.
    """
    limited = gateway or resolution.access != "full"
    credential = app.obtain(resolution, replace(intent, guarded=limited), interactive=interactive, job=job)
    served = opened.enter_context(app.gateway(resolution, credential, command=program)) if limited else None
    if not served:
        app.record(resolution, "exec", program)
    reached = served or credential
    variables = credential_variables(credential, reached.base_url, reached.token)
    if prefix:
        variables = {prefix + name: value for name, value in variables.items()}
    else:
        file = app.places.config_file if app.config_flag else ""
        variables |= omni.handed_over(credential, reached.base_url, reached.token, file)
    return Handed(
        credential,
        variables,
        [*(prefix + name for name in RIVALS), *resolution.key_variables],
        served,
    )


def environment_of(handed: Sequence[Handed], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command that gets all of this: `environ` without its rivals."""
    variables: dict[str, str] = {}
    removed: list[str] = []
    for each in handed:
        variables |= each.variables
        removed += each.removed
    child = child_environment(variables, environ, key_variables=removed)
    tokens = [each.credential.token for each in handed if each.gateway]
    return behind_gateway(child, tokens) if tokens else child
