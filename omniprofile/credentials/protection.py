"""What a protected profile allows: the one decision that every command, quiet or not, JSON or not, and the library pass.

`App.permit` puts the question to a person where there is one. On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    from omniprofile.errors import ConfigInvalid
    from omniprofile.model.declaration import Config
    from omniprofile.model.origin import Origin
    from omniprofile.model.resolution import Resolution, Selection

    Use = Literal["run", "delete", "give", "show"]
    Decision = Literal["allow", "warn", "ask", "name"]

RUN: "Final" = "run"
"""A command gets the profile, or it becomes the active one."""
DELETE: "Final" = "delete"
"""What is stored for it, or the profile itself, is deleted."""
GIVE: "Final" = "give"
"""Its credential is handed out or stored."""
SHOW: "Final" = "show"
"""It is only shown or tested."""

ALLOW: "Final" = "allow"
WARN: "Final" = "warn"
"""Go on, and say so, also with `-q`."""
ASK: "Final" = "ask"
"""Ask a person, and refuse where there is none."""
NAME: "Final" = "name"
"""Refuse: the profile must be named, or the use confirmed in advance."""


def decide(use: "Use", *, protected: bool, pinned: bool) -> "Decision":
    """Decide on one use of a profile; `pinned` says that a project pin selects it. `--yes` answers ASK and NAME."""
    if not protected:
        return ALLOW
    if use in (RUN, DELETE):
        return ASK
    if not pinned:
        return ALLOW
    return NAME if use == GIVE else WARN


def selected_by_pin(selection: "Selection", host: str = "") -> str:
    """Say that a project pin selects a protected profile, with `host` where it is known."""
    return f"`{selection.profile}` is protected{host}, and {selection.provenance} selects it"


class Intent:
    """What a call wants of a profile, for the decision on a protected one.

    `action` completes "Really …?", `hint` says how to do it where it is refused, `yes` confirms it in advance, and `remember`
    lets a person's yes hold for an hour in the same terminal session. `guarded` says that the caller keeps the token to itself
    and holds to the profile's `access`. Without `asks` nobody is asked.
    """

    def __init__(
        self,
        use: "Use",
        action: str = "use it",
        hint: str = "name the profile in the call",
        *,
        yes: bool = False,
        remember: bool = False,
        guarded: bool = False,
        asks: bool = True,
    ) -> None:
        self.use = use
        self.action = action
        self.hint = hint
        self.yes = yes
        self.remember = remember
        self.guarded = guarded
        self.asks = asks

    def but(self, **changes: bool) -> "Intent":
        """Return the same with other values."""
        return Intent(**vars(self) | changes)


SHOWING = Intent(SHOW, guarded=True)
GIVING = Intent(GIVE)
"""Handing the credential out, with nobody to ask."""
KEEPING = Intent(GIVE, guarded=True)
"""Signing requests with it."""


def protected_by(resolution: "Resolution", config: "Config", broken: "ConfigInvalid | None") -> str | None:
    """Return the protected profile that a resolution is of, or whose host a flag or variable gives it; None for none."""
    if resolution.protected:
        return resolution.profile
    if resolution.origin is None or resolution.base_url_provenance.layer not in ("flag", "environment"):
        return None
    if broken is not None:
        raise broken  # a file that is left out could hold the protected profile
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
    """Tell whether two addresses are of one host, whatever the port. On loopback it is the port that tells instances apart."""
    return one.host == other.host and (one == other or not one.is_loopback)
