"""Refuse command lines of `omni`, the vendor's CLI, that must not run with a credential from omniprofile.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from omniprofile.errors import Refused
    from omniprofile.handover.omni_command_line import CommandLine


def check(line: "CommandLine", profile: str, auth: str, base_url: str, named: str = "") -> str | None:
    """Apply the rules to an `omni` command line that is to run with this profile's credential ("" for the environment's pair).

    `named` is the current value of `OMNI_PROFILE`. Return the text to print instead of running `omni`, or None if it may run.
    Raises Refused, with the intended command in its hint.
    """
    whose = f"profile `{profile}`" if profile else "a base URL and a token of the environment"
    for name, by in [*((each, "") for each in line.given["--profile"]), (named, ", which `OMNI_PROFILE` names")]:
        if name not in ("", profile):
            raise refusal(
                f"`omni` runs with {whose} here, not with `{_shown(name)}`{by}", f"run `{_by_exec(name, line)}`"
            )
    for url in line.given["--base-url"]:
        if url and not same_origin(url, base_url):
            raise refusal(
                f"the token of {whose} is for {base_url}, not for `{_shown(url)}`",
                f"run `{_by_exec('', line)}` with the profile of that address",
            )
    if line.given["--token"]:
        raise refusal(
            f"`omni` runs with the token of {whose} here; `--token` would show another one to all users of this machine",
            f"run `{_by_exec(profile, line, ' --token-file FILE')}`",
        )
    if line.command[:1] == ["config"]:
        return _config(line, profile, auth, base_url)
    return None


def _config(line: "CommandLine", profile: str, auth: str, base_url: str) -> str | None:
    style = (line.given["--format"] or [""])[-1]
    verb, word, other = (*line.command[1:4], "", "", "")[:3]
    if verb in ("show", "list", "ls"):
        if style == "json" or (verb == "show" and style != "human"):
            import json

            name = profile or "environment"
            shown = {"apiEndpoint": base_url, **({"authMethod": auth} if auth else {})}
            return json.dumps({"version": 1, "defaultProfile": name, "profiles": {name: shown}}, indent=2) + "\n"
        return f"* {profile or 'environment'}  {base_url}  ({f'{auth}, ' if auth else ''}by omniprofile)\n"
    if verb == "use" and word:
        if word == profile:
            return f"`{profile}` is the current profile here already ({base_url})\n"
        name = _shown(word)
        raise refusal(
            f"`omni` runs with {f'profile `{profile}`' if profile else 'the credential of the environment'} here, "
            f"and `omniprofile` chooses the profile",
            f"run `omniprofile exec {name} -- omni …` for one command, or `omniprofile use {name}` before the next ones",
        )
    name = _shown(word) if word else profile or "NAME"
    instead = {
        "init": "omniprofile init",
        "login": f"omniprofile login {name}",
        "logout": f"omniprofile logout {name}",
        "rename": f"omniprofile rename {name if word else 'OLD'} {_shown(other) if other else 'NEW'}",
        "delete": f"omniprofile remove {name if word else 'NAME'}",
        "set-format": f"omniprofile set {profile or 'NAME'} env.OMNI_OUTPUT_FORMAT {word or 'json'}",
    }.get(verb)
    if instead:
        raise refusal(
            f"`omni config {verb}` can save nothing here: omniprofile keeps the profiles and their secrets",
            f"run `{instead}`",
        )
    return None


def _by_exec(name: str, line: "CommandLine", options: str = "") -> str:
    """Return the `exec` command that was probably meant, without words that may be secret or are long."""
    words: list[str] = []
    for word in line.rest:
        if len(words) == 3 or len(word) > 30 or not word[:1].isalpha() or not word.replace("-", "").isalnum():
            break
        words.append(word)
    more = " …" if len(line.rest) > len(words) or not words else ""
    return f"omniprofile exec {_shown(name) if name else 'NAME'}{options} -- omni {' '.join(words)}".rstrip() + more


def _shown(text: str) -> str:
    from omniprofile.model.names import printable
    from omniprofile.model.secret import without_keys

    return printable(without_keys(text), 80)


def refusal(message: str, hint: str) -> "Refused":
    """Return a Refused error; its hint is the command that does what was meant."""
    from omniprofile.errors import Refused

    return Refused(message, hint=hint)


def same_origin(url: str, base_url: str) -> bool:
    """Return whether `url`, as typed by a user, has the origin `base_url`."""
    if url.rstrip("/").lower() in (base_url, base_url + "/api"):
        return True
    from omniprofile.model.origin import NotAnOrigin, Origin

    try:
        return str(Origin.parse(url)) == base_url
    except NotAnOrigin as problem:  # a path or a missing scheme does no harm: our base URL is used anyway
        return problem.suggestion == base_url
