"""The checks of `doctor` for this shell: the current profile, variables that override it, the hook, and the clock."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress

from omniprofile.app import App
from omniprofile.credentials.env_variables import profile_variables
from omniprofile.doctor.diagnosis import Diagnosis, ok, problem, skipped, warning
from omniprofile.errors import Error, NoProfileSelected
from omniprofile.handover.real_omni import unreached
from omniprofile.handover.variables import SHIM, child_environment
from omniprofile.model.credential_variables import HIDDEN, NO_CONFIG
from omniprofile.model.export_mark import own_values, read_mark
from omniprofile.model.names import printable, printable_place, quoted_list
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.variable_names import BASE_URL, INSECURE, MARKER, ORGANIZATION, TOKENS

_HOOK = "OMNIPROFILE_HOOK"
_SHELLS = ("bash", "zsh", "fish", "powershell")

_SKEW_SECONDS, _BAD_SKEW_SECONDS = 60, 300
"""Sessions are refreshed 300 seconds before they expire. If the clock is off by more than that, the refresh comes too late."""
_CLOCK_TIMEOUT = 5.0


def selection(app: App) -> Iterable[Diagnosis]:
    """Report the current profile, and what names a profile that does not exist, even if another layer overrides it now."""
    profiles = app.config.profiles
    try:
        chosen = app.select(overridden=True)
    except NoProfileSelected as error:
        if profiles:
            yield warning("no profile is selected", error.hint or "run `omniprofile use NAME`")
        else:
            yield skipped("no profile is defined yet", "run `omniprofile init`")
    except Error as error:
        yield problem(error.message, error.hint)
    else:
        pin_file = app.pin_file()
        pinned = f"; a project pin (`{printable_place(pin_file)}`) is above this folder" if pin_file else ""
        yield ok(f"`{chosen.profile}`, selected by {chosen.provenance}{pinned}")
        for weaker in chosen.overridden:
            if weaker.value not in profiles:
                named = f"names `{printable(str(weaker.value))}`, which is not a profile"
                yield problem(f"{weaker.provenance} {named if weaker.value else weaker.reason}", "correct or remove it")
    _, previous = app.state.read()
    if previous is not None and previous not in profiles:
        place = printable_place(app.state.path)
        yield warning(
            f"the previous profile `{printable(previous)}` (`{place}`, line 2) is not in the profile files",
            "run `omniprofile use NAME` once: `use -` cannot go back",
        )


def environment(app: App) -> Iterable[Diagnosis]:
    """Report variables that override a profile's values, or are probably a mistake."""
    seen = list(_shadows(app))
    yield from seen
    environ = app.environment.environ
    hidden = environ.get("OMNI_CONFIG_PATH") == NO_CONFIG
    if not seen:
        mark = read_mark(environ)
        by = "exec" if hidden else "env"
        also = f"; `omniprofile {by}` exported `{printable(mark.profile, 64)}` here" if mark else ""
        yield ok(f"no variable overrides a profile's values{also}")
    if hidden:
        yield ok(f"`omni` does not see its own config here: {HIDDEN}")


def _shadows(app: App) -> Iterator[Diagnosis]:
    environ = app.environment.environ
    own = own_values(environ)
    watched = (*TOKENS, BASE_URL, ORGANIZATION, "OMNI_PROFILE")
    if empty := [name for name in watched if environ.get(name) == ""]:
        yield warning(
            f"{_all(empty)} set and empty: omniprofile treats that as unset, other programs may not",
            f"unset {_bare(empty)}",
        )
    tokens = [name for name in TOKENS if environ.get(name)]
    if len({environ[name] for name in tokens}) > 1:
        yield problem(
            f"{_all(tokens)} set to different values, though both name the token: the CLI reads the first, the SDK the other",
            "unset the one that is wrong",
        )
    rivals = [name for name in tokens if name not in own]
    if rivals:
        yield warning(
            f"{_all(rivals)} set, and used in place of the profile's own credential unless a profile is named",
            f"unset {_bare(rivals)}, or name the profile",
        )
    if environ.get(BASE_URL) and BASE_URL not in own:
        alone = not rivals
        yield warning(
            f"`{BASE_URL}` is set, and used in place of the profile's own address unless a profile is named"
            + (": a stored key would be refused there" if alone else ""),
            f"unset {BASE_URL}" + (", or set `OMNI_API_TOKEN` too: together they are a pair" if alone else ""),
        )
    if environ.get(INSECURE):
        yield problem(
            f"`{INSECURE}` is set: the vendor's CLI sends tokens to any host, in the clear too", f"unset {INSECURE}"
        )
    name = environ.get(ORGANIZATION)
    if name and ORGANIZATION not in own:
        with suppress(Error):
            origin = app.current().origin
            if origin is not None and origin.organization_name != name:
                yield warning(
                    f"`{ORGANIZATION}` is `{printable(name, 64)}`, and the current profile is for {origin}: an SDK would go "
                    "elsewhere",
                    f"unset {ORGANIZATION}",
                )
    yield from _profile_variables(app)
    if environ.get(MARKER) and read_mark(environ) is None:
        yield warning(f"`{MARKER}` is damaged: exported variables count as your own", f"unset {MARKER}")


def _profile_variables(app: App) -> Iterator[Diagnosis]:
    """Report `OMNI_PROFILE_<NAME>_…` variables, whether or not the profile exists."""
    try:
        profiles = app.config.profiles
    except Error:
        return
    known = {variable: name for name in profiles for variable in profile_variables(name)}
    for variable, value in sorted(app.environment.environ.items()):
        if not (value and variable.startswith("OMNI_PROFILE_") and variable.endswith(("_TOKEN", "_BASE_URL"))):
            continue
        shown, unset = f"`{printable(variable, 120)}`", f"unset {printable(variable)}"
        if variable in known:
            yield warning(f"{shown} takes the place of a value of `{known[variable]}`, always", unset)
        else:
            yield warning(f"{shown} belongs to no profile", did_you_mean(variable, known, unset, 1))


def omni_under_exec(app: App) -> Iterable[Diagnosis]:
    """Report whether `omni` run by `exec` is omniprofile's shim. This process may itself be a child of `exec`."""
    environ = app.environment.environ
    inside = environ.get("OMNI_CONFIG_PATH") == NO_CONFIG
    found = unreached(environ if inside else child_environment({}, environ), SHIM)
    if found is None:
        yield ok("omniprofile's shim, which uses only the credential that it was given")
    else:
        yield warning(
            f"{printable(found[0], 400)}: it is the real one, which ignores another `-p` and obeys `--base-url`",
            found[1],
        )


def hook(app: App) -> Iterable[Diagnosis]:
    """Report whether the hook that lets `use --shell` switch only this shell is loaded."""
    shell = app.environment.environ.get(_HOOK)
    if not shell:
        load = 'eval "$(omniprofile hook bash)"'
        if sys.platform == "win32":
            load = "omniprofile hook powershell | Out-String | Invoke-Expression"
        yield ok(f"not loaded in this shell, and not needed: `{load}` lets `use --shell` switch it alone")
    elif shell in _SHELLS:
        yield ok(f"loaded in this shell ({shell})")
    else:
        yield warning(f"`{_HOOK}` is `{printable(shell, 40)}`, which is not the hook of a shell", f"unset {_HOOK}")


def clock(app: App) -> Iterable[Diagnosis]:
    """Compare this machine's clock with the `Date` of the current instance (RFC 9110, section 6.6.1). Sends no token."""
    from omniprofile.instance.client import Client
    from omniprofile.instance.instance_error import InstanceError

    try:
        resolution = app.current()
    except Error:
        yield skipped("not compared: there is no current profile")
        return
    origin = resolution.origin
    if resolution.refusal is not None or origin is None:
        yield skipped("not compared: nothing may be asked of the profile's instance")
        return
    try:
        with Client(timeout=_CLOCK_TIMEOUT, environ=app.environment.environ) as client:
            answer = client.get(origin, "/")
    except InstanceError as trouble:
        yield skipped(f"not compared: {trouble}", f"`omniprofile test {resolution.profile}` says more")
        return
    now, theirs = app.environment.now(), answer.date
    if theirs is None:
        yield skipped(f"not compared: {origin.host} does not say what time it is")
        return
    ahead = (now - theirs).total_seconds() - answer.latency_ms / 2000
    if abs(ahead) < _SKEW_SECONDS:
        yield ok(f"agrees with that of {origin.host}")
        return
    off = f"{abs(ahead) / 60:.0f} min" if abs(ahead) >= 120 else f"{abs(ahead):.0f} s"
    message = f"this machine's clock is {off} {'ahead of' if ahead > 0 else 'behind'} that of {origin.host}"
    remedy = "set the clock (on Linux `timedatectl set-ntp true`): with a wrong one, sessions are refreshed too late or too early"
    yield problem(message, remedy) if abs(ahead) >= _BAD_SKEW_SECONDS else warning(message, remedy)


def _all(names: list[str]) -> str:
    return f"{quoted_list(names, 'and')} {'is' if len(names) == 1 else 'are'}"


def _bare(names: list[str]) -> str:
    return " ".join(names)  # as `unset` takes them
