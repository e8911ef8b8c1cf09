"""The rules for protected profiles: one decision for every command, whatever its output, and for the library.

`App.permit` asks the user if it can. On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from omniprofile.errors import ConfigInvalid
    from omniprofile.model.declaration import Config
    from omniprofile.model.origin import Origin
    from omniprofile.model.resolution import Resolution, Selection

    Use = Literal["run", "delete", "give", "show"]
    """A command gets the profile, or it becomes the active one; its stored credential, or it itself, is deleted; its credential
    is handed out or stored; or it is only shown or tested."""
    Decision = Literal["allow", "warn", "ask", "name"]
    """Allow it; allow it with a warning, even with `-q`; ask the user, and refuse if nobody can be asked; or refuse it unless it
    is confirmed in advance: the profile must be named."""


def decide(use: "Use", *, protected: bool, pinned: bool) -> "Decision":
    """Decide whether a profile may be used. `pinned`: a project pin selects it. `--yes` confirms for `ask` and `name`."""
    if not protected:
        return "allow"
    if use in ("run", "delete"):
        return "ask"
    if not pinned:
        return "allow"
    return "name" if use == "give" else "warn"


def selected_by_pin(selection: "Selection", host: str = "") -> str:
    """Return the message that a project pin selects a protected profile, with `host` if it is known."""
    return f"`{selection.profile}` is protected{host}, and {selection.provenance} selects it"


def protected_by(resolution: "Resolution", config: "Config", broken: "ConfigInvalid | None") -> str | None:
    """Return the protected profile that is resolved, or whose host a flag or variable selects; None if there is none."""
    if resolution.protected:
        return resolution.profile
    if resolution.origin is None or resolution.base_url_provenance.layer not in ("flag", "environment"):
        return None
    if broken is not None:
        raise broken  # a broken file could hold the protected profile
    from omniprofile.model.effective import effective

    own = effective(config, resolution.profile).base_url
    if own and own.value == resolution.origin and not resolution.pair:
        return None
    for name in config.profiles:
        other = effective(config, name)
        if other.protected.value and other.base_url and _are_one_host(other.base_url.value, resolution.origin):
            return name
    return None


def _are_one_host(one: "Origin", other: "Origin") -> bool:
    """Return whether two addresses are on one host, whatever the port. On loopback the port distinguishes instances."""
    return one.host == other.host and (one == other or not one.is_loopback)
