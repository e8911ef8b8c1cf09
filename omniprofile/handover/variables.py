"""The environment that carries a credential, and the variables that must not be beside it.

On the short path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

from omniprofile.model.exported import MARKER, exported, marker, own_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Handed(Protocol):
        """What is handed over: a `Credential`, or what the short path knows of one."""

        @property
        def profile(self) -> str: ...  # noqa: D102 - as `Credential` says
        @property
        def base_url(self) -> str: ...  # noqa: D102 - as `Credential` says
        @property
        def token(self) -> str: ...  # noqa: D102 - as `Credential` says
        @property
        def organization_name(self) -> str | None: ...  # noqa: D102 - as `Credential` says
        @property
        def of_profile(self) -> bool: ...  # noqa: D102 - as `Credential` says
        @property
        def env(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102 - as `Credential` says


TOKEN, TOKEN_FOR_SDK, BASE_URL, PROFILE = "OMNI_API_TOKEN", "OMNI_API_KEY", "OMNI_BASE_URL", "OMNI_PROFILE"
ORGANIZATION = "OMNI_ORGANIZATION_NAME"

RIVALS = (
    TOKEN,  # the vendor's CLI
    TOKEN_FOR_SDK,  # the same token for the Python SDKs
    BASE_URL,
    PROFILE,
    ORGANIZATION,  # omni-analytics-sdk makes a host of it
    "OMNI_VANITY_DOMAIN",  # its embed client makes a host of it
    "OMNI_EMBED_SECRET",  # its embed client signs with it: another instance's secret
    "OMNI_CONFIG_PATH",  # a config of the vendor's CLI, whose OAuth default replaces even OMNI_API_TOKEN
    "OMNI_CONFIG_DIR",
    "OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS",  # would let the CLI send the token to any host, in the clear
)
"""Variables by which a consumer would use another credential, or this one elsewhere: removed before ours are set."""

_OF_THIS_SHELL = (
    "OMNIPROFILE_PREVIOUS",  # this shell's `use -`, of no meaning to a child
    "OMNIPROFILE_HOOK",  # says that this shell has loaded the hook, which a shell that the child starts has not
    "OMNIPROFILE_EVAL",
    "OMNIPROFILE_PROMPT",
    MARKER,
)
"""Variables that omniprofile has in a shell for itself: removed for a child."""


def credential_variables(credential: "Handed") -> dict[str, str]:
    """Return every variable to set for `credential`, the mark `OMNIPROFILE_EXPORTED` last.

    A base URL and token that are the environment's own stay so: no profile is named, and they get no mark. Raises UsageError
    for a NUL in a value.
    """
    given = {BASE_URL: credential.base_url, TOKEN: credential.token, TOKEN_FOR_SDK: credential.token}
    variables = {**given, PROFILE: credential.profile} if credential.of_profile else {}
    if organization := credential.organization_name:
        variables[ORGANIZATION] = organization
    variables |= credential.env
    mark = {MARKER: marker(credential.profile, variables)} if variables else {}
    variables = given | variables
    refuse_nul(variables)
    return variables | mark


def refuse_nul(variables: "Mapping[str, str]") -> None:
    """Raise UsageError for a value that no environment can carry."""
    for name, value in variables.items():
        if "\0" in value:
            from omniprofile.errors import UsageError

            raise UsageError(f"the value of `{name}` holds a NUL, which no environment can carry")


def exports(credential: "Handed", environ: "Mapping[str, str]") -> tuple[dict[str, str], list[str]]:
    """Return the variables that `env` sets in a shell with `environ`, and those that it removes.

    Removed are what an earlier `env` put there and is unchanged, and rivals, but for the config of the vendor's CLI that `exec`
    gave to its child. Raises as `credential_variables` does.
    """
    assign = credential_variables(credential)
    rivals = [name for name in (*RIVALS, MARKER) if name in environ]
    if "OMNI_CONFIG_PATH" in rivals:
        from omniprofile.handover.shield import is_shield

        if is_shield(environ["OMNI_CONFIG_PATH"]):
            rivals.remove("OMNI_CONFIG_PATH")
    return assign, [name for name in dict.fromkeys([*sorted(own_values(environ)), *rivals]) if name not in assign]


def removals(environ: "Mapping[str, str]") -> list[str]:
    """Return what `env --unset` removes: all that `env` sets, but for a value that the user has set or changed since."""
    mark = exported(environ)
    names = dict.fromkeys([BASE_URL, TOKEN, TOKEN_FOR_SDK, PROFILE, ORGANIZATION, *(mark.variables if mark else ())])
    ours = own_values(environ)
    return [*(name for name in names if name in ours or not environ.get(name)), MARKER]


def child_environment(
    credential: "Handed", environ: "Mapping[str, str]", *, omni_config: str, key_variable: str | None = None
) -> dict[str, str]:
    """The environment of a command that `exec` runs: `environ` without rivals, with the credential.

    Away goes as well what an earlier `omniprofile env` put into this shell and is unchanged, and `key_variable`, from which
    the profile takes its key. Profiles' own variables (`OMNI_PROFILE_<NAME>_TOKEN`, other key sources') stay: no consumer but
    omniprofile reads them, and a script that runs under `exec` may itself call omniprofile for another profile. `omni_config`
    is the config file that the vendor's CLI is pointed to (`handover.shield`).
    """
    removed = {*RIVALS, *_OF_THIS_SHELL, *own_values(environ), key_variable}
    kept = {name: value for name, value in environ.items() if name not in removed}
    return kept | credential_variables(credential) | {"OMNI_CONFIG_PATH": omni_config}
