"""Running the vendor's `omni` with a credential from omniprofile: which program, which environment. Rules: `omni_rules`.

`exec` applies the rules to its own command `omni`. For every `omni` started further down, it puts a folder first on `PATH` with
our shim, which applies the same rules (`cli.shim`), and records in `OMNIPROFILE_CHILD` what it handed over. The shim refuses to
run the real `omni` if the environment does not hold just that, since the real one would silently fall back on its own config, and
so on another instance. If both base URL and token have been replaced, they are used as a pair, with a notice.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import os
import sys

from omniprofile.model.domains import is_omni_host
from omniprofile.model.exported import CHILD, PROFILE, checksum, exported, own_values
from omniprofile.model.variables import NO_CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omniprofile.handover.omni_rules import CommandLine
    from omniprofile.model.variables import Handed


ENTERED = "OMNIPROFILE_ENTERED"
"""The scripts already run as the real `omni`."""
INSECURE = "OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS"
"""Lets the CLI send a token to a non-Omni host, and over http."""

_OURS = b"omniprofile's shim of omni:"
_RENEW_AHEAD = 300.0
"""How many seconds before expiry a session is renewed. One that lives shorter is left to the store's own rule each time."""


def is_omni(program: str) -> bool:
    """Tell from its name whether a command to be run is `omni`."""
    name = os.path.basename(program)
    return name == "omni" or (sys.platform == "win32" and name.lower() in ("omni", "omni.exe", "omni.cmd", "omni.bat"))


def handed_over(credential: "Handed", base_url: str, token: str, config: str = "") -> dict[str, str]:
    """Return the variable that tells our `omni` in a child what the child was given.

    `config` is the profile file given by a flag. Like the checksum in `OMNIPROFILE_EXPORTED`, the token's only has to detect a
    change, not withstand an attacker.
    """
    expires_at = credential.expires_at if base_url == credential.base_url else None  # a gateway renews its own
    renew = "" if expires_at is None else f"{expires_at.timestamp() - _RENEW_AHEAD:.0f}"
    profile = credential.profile if credential.of_profile else ""
    # Only the file's path may contain a comma.
    told = ",".join([profile, credential.auth, renew, checksum(token), base_url, credential.base_url, config])
    return {CHILD: told}


def _handed(environ: "Mapping[str, str]") -> tuple[str, list[str]]:
    """Return the token in `environ`, and the fields that `handed_over` put there, empty if there are none."""
    fields = environ.get(CHILD, "").split(",", 6)
    return environ.get("OMNI_API_TOKEN") or environ.get("OMNI_API_KEY", ""), fields if len(fields) == 7 else []


def outer_gateway(environ: "Mapping[str, str]", profile: str, origin: str) -> "tuple[str, str] | None":
    """Return base URL and token of the gateway to `profile` at `origin` that an enclosing `exec` has opened, or None."""
    token, fields = _handed(environ)
    if not fields:
        return None
    handed_profile, _, _, handed_sum, base_url, handed_origin, _ = fields
    same = handed_profile == profile and handed_origin == origin and checksum(token) == handed_sum
    return (base_url, token) if same and base_url != origin else None


class Given:
    """The credential in the environment of an `omni`.

    `profile` is empty if the environment supplied its own pair. `origin` is the instance, even if `base_url` is a gateway to
    it. `allowed` says that omniprofile handed over the credential, and so has checked its host. `renew` is when a session must
    be renewed, in seconds since the epoch.
    """

    __slots__ = ("allowed", "auth", "base_url", "config", "origin", "profile", "renew", "token")

    def __init__(
        self,
        profile: str,
        auth: str,
        base_url: str,
        token: str,
        *,
        origin: str = "",
        allowed: bool = True,
        renew: float | None = None,
        config: str = "",
    ) -> None:
        self.profile, self.auth, self.base_url, self.token = profile, auth, base_url, token
        self.origin, self.allowed, self.renew, self.config = origin or base_url, allowed, renew, config


def given(environ: "Mapping[str, str]", tell: "Callable[[str], None]") -> Given:
    """Return the credential that omniprofile put into `environ`. Raises Refused.

    Passes a sentence to `tell` if the environment's own pair replaces it.
    """
    from omniprofile.handover.omni_rules import refusal, same_origin

    base_url = environ.get("OMNI_BASE_URL", "")
    token, fields = _handed(environ)
    if fields:
        profile, auth, renew, handed_sum, handed_url, origin, config = fields
        same_token = checksum(token) == handed_sum
        same_url = not base_url or same_origin(base_url, handed_url)
        if same_token and same_url:
            expiry = float(renew) if renew else None
            return Given(profile, auth, handed_url, token, origin=origin, renew=expiry, config=config)
        if token and base_url and not same_token and not same_url:
            tell(f"using the token and the base URL of the environment ({base_url}), not what `exec` handed over")
            return Given("", "", base_url, token, allowed=False)
        whose = f"`{profile}`" if profile else "the environment that `exec` was called in"
        if not token:
            raise refusal(
                f"the token of {whose} is no longer in the environment: `omni` would go on with its own config",
                f"run `omniprofile exec {environ.get(PROFILE) or profile or 'NAME'} -- omni …`",
            )
        changed, kept = ("OMNI_BASE_URL", "token") if same_token else ("OMNI_API_TOKEN", "base URL")
        raise refusal(
            f"`{changed}` was changed, and the {kept} is still that of {whose} ({origin}): they do not belong together",
            "run `omniprofile exec NAME -- omni …` with the profile that is meant, or set both `OMNI_BASE_URL` and "
            "`OMNI_API_TOKEN`",
        )
    mark = exported(environ)
    if mark and {"OMNI_BASE_URL", "OMNI_API_TOKEN"} <= own_values(environ):
        return Given(mark.profile, "", base_url, token)
    raise refusal(
        "nothing that `omniprofile exec` handed over is in the environment: `omni` would go on with its own config",
        "run `omniprofile exec NAME -- omni …`, or call the real `omni` by its path",
    )


def real_omni(environ: "Mapping[str, str]") -> str:
    """Return the path of the next `omni` on `PATH` that is not our shim. Raises CommandNotFound.

    Recognizes the shim by its content, including copies and links. Enters a script only once: one that calls `omniprofile exec`
    again would loop for ever. Skips relative folders on `PATH`, as for key commands.
    """
    entered = environ.get(ENTERED, "").split(os.pathsep)
    for folder in (environ.get("PATH") or os.defpath).split(os.pathsep):
        path = _program(folder, environ)
        if path:
            head = _head(path)
            if _OURS not in head and not (head[:2] == b"#!" and path in entered):
                return path
    from omniprofile.errors import CommandNotFound

    raise CommandNotFound(
        "the real `omni` is not on `PATH`", hint="install the vendor's CLI, or put its folder on `PATH`"
    )


def _program(folder: str, environ: "Mapping[str, str]") -> str | None:
    if not os.path.isabs(folder):
        return None
    if sys.platform == "win32":
        from omniprofile.system.capture import find_program

        return find_program("omni", {**environ, "PATH": folder})
    path = os.path.join(folder, "omni")
    return path if os.access(path, os.X_OK) and not os.path.isdir(path) else None


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(100)
    except OSError:  # a program may be executable but not readable
        return b""


def becoming(path: str, words: "Sequence[str]", environ: "Mapping[str, str]") -> tuple[list[str], dict[str, str]]:
    """Return the command and environment that run the real `omni` at `path`."""
    entered = {}
    if _head(path)[:2] == b"#!":
        entered = {ENTERED: os.pathsep.join(filter(None, [environ.get(ENTERED), path]))}
    return [path, *words], {**environ, **entered}


def plan(
    line: "CommandLine",
    environ: "Mapping[str, str]",
    tell: "Callable[[str], None]",
    path: str | None = None,
    *,
    fresh: bool = False,
) -> "str | tuple[list[str], dict[str, str]]":
    """Return the text to print, or the command to become with its environment, for `omni` in a child of `exec`.

    `path` is the real `omni` if it was called by path; `fresh` says that nothing needs renewal. Raises Refused and
    CommandNotFound.
    """
    from omniprofile.handover.omni_rules import check, same_origin

    if line.direct:
        return straight_through(line, environ, path)
    own = given(environ, tell)
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
    return becoming(path or real_omni(environ), line.rest, {**environ, **variables})


def planned(
    command: "Sequence[str]", environ: "Mapping[str, str]", tell: "Callable[[str], None]"
) -> "str | tuple[list[str], dict[str, str]]":
    """Return what `plan` returns for a command `omni` given to `exec`, with its child's environment."""
    from omniprofile.handover.omni_rules import CommandLine

    return plan(CommandLine(command[1:]), environ, tell, named_path(command[0]), fresh=True)


def named_path(program: str) -> str | None:
    """Return the real `omni` if a command names it by path, or None if `PATH` is to be searched."""
    return program if os.path.dirname(program) and not is_ours(program) else None


def straight_through(
    line: "CommandLine", environ: "Mapping[str, str]", path: str | None = None
) -> tuple[list[str], dict[str, str]]:
    """Return command and environment for an `omni` that needs no credential; with `--base-url`, it does not get one."""
    kept = dict(environ)
    if line.given["--base-url"]:
        kept = {name: value for name, value in environ.items() if name not in ("OMNI_API_TOKEN", "OMNI_API_KEY")}
    return becoming(path or real_omni(environ), line.words, kept)


def is_ours(path: str) -> bool:
    """Tell whether the program at `path` is our shim."""
    return _OURS in _head(path)


def unreached(environ: "Mapping[str, str]", shim: str) -> tuple[str, str] | None:
    """Return why `omni` in a child of `exec` would not run the shim in the folder `shim`, and what to do; None if it would.

    If not, the real one still uses the credential handed over, because it has no config.
    """
    ours = os.path.join(shim, "omni.cmd" if sys.platform == "win32" else "omni")
    if os.pathsep in shim:
        return f"`{shim}` cannot stand on `PATH`", f"install omniprofile in a folder without `{os.pathsep}` in its name"
    if not os.access(ours, os.X_OK):
        lost = os.path.exists(ours) and not os.stat(ours).st_mode & 0o111
        remedy = (
            f"run `chmod +x {ours}`" if lost else "install omniprofile on a file system that programs may be run from"
        )
        return f"`{ours}` cannot be run" + ("" if lost else ", as on a file system mounted noexec"), remedy
    for folder in environ.get("PATH", "").split(os.pathsep):
        path = _program(folder, environ)
        if path and not is_ours(path):
            return f"`{path}` comes first on `PATH`", f"put `{shim}` first, as `exec` did"
        if path:
            break
    return None
