"""Key sources: where an api-key profile's key comes from, other than the secret store.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

from omniprofile.credentials.env_variables import belongs_elsewhere
from omniprofile.credentials.key_check import checked_key, source_failed
from omniprofile.model.export_mark import key_in_environment, values_of_another
from omniprofile.model.names import printable, printable_place
from omniprofile.model.secret import looks_like_key
from omniprofile.model.variable_names import BASE_URL, TOKENS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniprofile.model.declaration import KeySource
    from omniprofile.model.secret import Secret


def read_key(
    source: "KeySource",
    *,
    profile: str,
    base_url: str,
    environ: "Mapping[str, str]",
    interactive: bool,
    variable: str | None = None,
) -> "Secret":
    """Return the key of `profile`, for `base_url`, from an `env`, `command` or `file` source.

    With `variable`, returns that secret of its `env`. `interactive` lets a command ask the user on the terminal. Raises
    KeySourceFailed, OriginMismatch for a variable that the user set along with another base URL, UnsafePermissions for a file
    that others can read, and Interrupted if the user interrupts a command that asks.
    """
    if source.kind != "command":
        where = source.variable or source.path or ""
        return read_plain_key(source.kind, where, profile, base_url, environ, variable)
    from omniprofile.credentials.key_command import key_from_command

    theirs = values_of_another(environ, profile, base_url)
    return key_from_command(
        source,
        _what(profile, variable),
        f"{profile}/{variable}" if variable else profile,
        environ={name: value for name, value in environ.items() if name not in theirs},
        interactive=interactive,
        of_env=variable is not None,
    )


def read_plain_key(
    kind: str, where: str, profile: str, base_url: str, environ: "Mapping[str, str]", variable: str | None = None
) -> "Secret":
    """Read a key as `read_key` does, from the environment variable (kind `env`) or the file (kind `file`) named `where`."""
    what = _what(profile, variable)
    match kind:
        case "env":
            return _in_variable(where, what, profile, base_url, environ, of_env=variable)
        case "file":
            from omniprofile.credentials.key_file import key_in_file

            return key_in_file(where, f"{what} from {printable_place(f'file `{where}`')}", of_env=variable is not None)
    raise AssertionError("a command is run by `read_key`, and the secret store is asked by the resolver")


def _what(profile: str, variable: str | None) -> str:
    return f"the secret `{variable}` of `{profile}`" if variable else f"the key of `{profile}`"


def _in_variable(
    name: str, what: str, profile: str, base_url: str, environ: "Mapping[str, str]", *, of_env: str | None
) -> "Secret":
    """Return the key in the environment variable `name`. `of_env` is the variable of the profile's `env` that it is for."""
    place = printable_place(f"environment variable `{name}`")
    value = key_in_environment(environ, name, profile, base_url, (of_env,) if of_env else TOKENS)
    if not value:  # an empty variable counts as unset everywhere
        from omniprofile.model.credential_variables import NO_CONFIG

        why, hint = "it is not set", f"set `{printable(name)}` to the {'secret' if of_env else 'key'}"
        if (whose := values_of_another(environ, profile, base_url).get(name)) is not None:
            why = f"its value was exported by omniprofile for `{printable(whose)}`, and belongs to that profile alone"
            hint = f"set `{printable(name)}` to {what}"
        elif looks_like_key(name):
            place, why = "`env`", "it is a key, not the name of a variable"
            hint = f"remove it from the profile, and run `omniprofile login {profile}`; revoke it if the file was ever shared"
        elif environ.get("OMNI_CONFIG_PATH") == NO_CONFIG:  # in a child of `exec`
            hint = (
                f"`exec` removes the variable of its own profile's key: {hint}, or call omniprofile outside of `exec`"
            )
        raise source_failed(f"{what} cannot be read from {place}: {why}", hint)
    label = f"{what} from {place}"
    if other := belongs_elsewhere(name, base_url, environ):
        from omniprofile.errors import OriginMismatch

        raise OriginMismatch(
            f"{label} is for {other} (environment variable `{BASE_URL}`), not for {base_url}",
            hint=f"unset `{BASE_URL}`, or keep {what} in a separate variable",
        )
    return checked_key(value, label, of_env=of_env is not None)
