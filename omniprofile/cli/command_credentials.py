"""Passes the credentials of profiles to a command through its environment, for `exec` and `each`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from omniprofile.app import App
from omniprofile.credentials.intent import Intent
from omniprofile.handover.child_credential import handed_over, outer_gateway
from omniprofile.handover.omni import plan
from omniprofile.handover.omni_command_line import CommandLine
from omniprofile.handover.omni_refusals import check
from omniprofile.handover.variables import RIVALS, behind_gateway, child_environment
from omniprofile.model.credential import Credential
from omniprofile.model.credential_variables import credential_variables
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.resolution import Resolution
from omniprofile.model.secret import Secret
from omniprofile.model.variable_names import TOKEN

if TYPE_CHECKING:
    from omniprofile.gateway.gateway import Gateway


def instead_of_omni(line: CommandLine, resolution: Resolution) -> str | None:
    """Return the text to print instead of running `omni`, before any key source is asked. Raises Refused."""
    if resolution.refusal is not None or resolution.origin is None:
        return None
    profile = "" if resolution.pair else resolution.profile
    return check(line, profile, resolution.auth, str(resolution.origin))


def real_omni(
    command: Sequence[str], environ: Mapping[str, str], tell: Callable[[str], None]
) -> tuple[list[str], dict[str, str]]:
    """Return the command and environment that run the real `omni`, once `instead_of_omni` has returned None."""
    given = plan(command, environ, tell, fresh=True)
    if isinstance(given, str):
        raise TypeError("what is printed in place of `omni` was printed before")
    return given


class Handed(NamedTuple):
    """A command's share of one profile: variables, a gateway if it may not have the token, and names to remove."""

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
    """Obtain a resolution's credential for the command `program`, whose variables begin with `prefix`.

    A gateway, if requested or required by the profile's `access`, opens its port here and closes with `opened`; start it once the
    command runs. Inside a command that already has a gateway to the same profile, and so not the key's variable, that gateway is
    reused. The other arguments, and the errors raised, are those of `App.obtain`.
    """
    limited = gateway or resolution.access != "full"
    outer = _outer_gateway(resolution, app.environment.environ)
    if outer:
        given = Sourced(Secret(outer[1]), Provenance(Layer.ENVIRONMENT, TOKEN))
        resolution = resolution._replace(token=given)
    credential = app.obtain(
        resolution, intent._replace(guarded=limited or bool(outer)), interactive=interactive, job=job
    )
    served = None
    if limited and not outer:
        served = opened.enter_context(app.gateway(resolution, credential, command=program))
    else:
        app.record(resolution, "gateway" if outer else "exec", program)
    base_url = outer[0] if outer else (served or credential).base_url
    token = (served or credential).token
    variables = credential_variables(credential, base_url, token)
    if prefix:
        variables = {prefix + name: value for name, value in variables.items()}
    else:
        file = app.places.config_file if app.config_flag else ""
        variables |= handed_over(credential, base_url, token, file)
    removed = [*(prefix + name for name in RIVALS), *resolution.key_variables]
    return Handed(credential, variables, removed, served)


def _outer_gateway(resolution: Resolution, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the address and token of the outer gateway that replaces the profile's key.

    There is one if the command that this process runs in has a gateway, for which the key's variable was removed.
    """
    key = resolution.key
    if resolution.token is not None or key.kind != "env" or environ.get(key.variable or ""):
        return None
    return outer_gateway(environ, resolution.profile, str(resolution.origin))


def environment_of(handed: Sequence[Handed], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command that gets all of this: `environ` without rival variables."""
    variables: dict[str, str] = {}
    removed: list[str] = []
    for each in handed:
        variables |= each.variables
        removed += each.removed
    child = child_environment(variables, environ, key_variables=removed)
    # A token that another profile of `--as` hands over openly is not withheld: its own variables would be missing.
    tokens = {each.credential.token for each in handed if each.gateway}
    tokens -= {each.credential.token for each in handed if not each.gateway}
    return behind_gateway(child, tokens) if tokens else child
