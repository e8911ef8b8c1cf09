"""Running the vendor's `omni` with a credential from omniprofile. Which command lines may not run: `omni_refusals`.

`exec` applies the rules to its own command `omni`. For every `omni` started further down, it puts a folder first on `PATH` with
our shim, which applies the same rules (`cli.shim`), and records in `OMNIPROFILE_CHILD` what it handed over. The shim refuses to
run the real `omni` if the environment does not hold just that, since the real one would silently fall back on its own config, and
so on another instance. If both base URL and token have been replaced, they are used as a pair, with a notice.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import sys

from omniprofile.handover.omni_command_line import CommandLine
from omniprofile.handover.omni_refusals import check, same_origin
from omniprofile.handover.real_omni import command_of_real_omni
from omniprofile.model.variable_names import INSECURE, PROFILE, TOKENS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def plan(
    command: "Sequence[str]", environ: "Mapping[str, str]", tell: "Callable[[str], None]", *, fresh: bool = False
) -> "str | tuple[list[str], dict[str, str]]":
    """Return the text to print, or the command to become with its environment, for a command `omni` in a child of `exec`.

    `environ` is the child's; `fresh` says that nothing needs renewal. Raises Refused and CommandNotFound. Passes a sentence to
    `tell` if the environment's own pair replaces what was handed over.
    """
    program, *words = command
    line = CommandLine(words)
    if line.direct:  # it needs no credential; with `--base-url`, it does not get one
        withheld = TOKENS if line.given["--base-url"] else ()
        return command_of_real_omni(program, words, {name: environ[name] for name in environ if name not in withheld})
    from omniprofile.handover.child_credential import child_credential
    from omniprofile.model.credential_variables import NO_CONFIG
    from omniprofile.model.domains import is_omni_host

    own = child_credential(environ, tell)
    line.given["--base-url"] = [url for url in line.given["--base-url"] if not same_origin(url, own.base_url)]
    # If the child set its own pair, `OMNI_PROFILE` is still the one from `exec`, so ignore it.
    said = check(line, own.profile, own.auth, own.origin, environ.get(PROFILE, "") if own.allowed else "")
    if said is not None:
        return said
    if own.renew is not None and not fresh:
        import time

        if time.time() >= own.renew:
            config = ["--config", own.config] if own.config else []
            again = ["-P", "-m", "omniprofile", *config, "exec", "--yes", own.profile, "--", "omni"]
            return [sys.executable, *again, *line.rest], dict(environ)
    # A config chosen by the child would replace this credential.
    variables = {"OMNI_BASE_URL": own.base_url, "OMNI_API_TOKEN": own.token, "OMNI_CONFIG_PATH": NO_CONFIG}
    if own.allowed:
        scheme, _, host = own.base_url.partition("://")
        variables[INSECURE] = "" if scheme == "https" and is_omni_host(host.partition(":")[0]) else "1"
    return command_of_real_omni(program, line.rest, {**environ, **variables})
