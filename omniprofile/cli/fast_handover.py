"""The variables of `env` and `exec` on the fast path. Both raise Undecided if the full path would print a message.

On the fast path: imports only modules that a bare interpreter has loaded.
"""

import os

from omniprofile.model.compiled_profile import Undecided
from omniprofile.system.files import read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniprofile.model.compiled_profile import CompiledProfile


def exports_for(
    profile: "CompiledProfile", shell: str | None, environ: "Mapping[str, str]", platform: str, cwd: str, home: str
) -> str:
    """Return what `env` prints for this shell, or else for the calling one."""
    from omniprofile.handover.calling_shell import calling_shell, parent_command
    from omniprofile.handover.shell_syntax import render
    from omniprofile.handover.variables import exports
    from omniprofile.transfer.omni_config_path import shell_omni_config_path

    assign, remove = exports(profile, environ)
    own = shell_omni_config_path(environ, remove, platform=platform, home=home)
    try:
        if own is not None and b'"oauth"' in read_regular(os.path.join(cwd, own)):
            raise Undecided  # its default may be a session, which the full path checks
    except FileNotFoundError:
        pass
    return render(shell or calling_shell(environ, parent_command()), assign, remove)


def command_for(
    profile: "CompiledProfile", child: list[str], environ: "Mapping[str, str]", cwd: str
) -> "str | tuple[list[str], dict[str, str]]":
    """Return the command that `exec` becomes and its environment, or what it prints in place of `omni`."""
    from omniprofile.handover.child_credential import handed_over
    from omniprofile.handover.real_omni import is_omni
    from omniprofile.handover.rival_dotenv import rival_dotenv
    from omniprofile.handover.variables import child_environment
    from omniprofile.model.credential_variables import credential_variables

    if rival_dotenv(cwd, profile.base_url):
        raise Undecided
    own = credential_variables(profile, profile.base_url, profile.token)
    own |= handed_over(profile, profile.base_url, profile.token)
    given = child_environment(own, environ, key_variables=profile.key_variables())
    if not is_omni(child[0]):
        return child, given
    from omniprofile.handover.omni import plan

    return plan(child, given, lambda _: None, fresh=True)
