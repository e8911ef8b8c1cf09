"""What a protected profile allows: the one decision that every command, quiet or not, JSON or not, and the library pass.

`decide` is the rule, `permit` puts the question to a person where there is one. On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Final, Literal

    from omniprofile.credentials.confirmations import Confirmations
    from omniprofile.errors import ConfigInvalid
    from omniprofile.model.declaration import Config
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


def permit(
    resolution: "Resolution",
    intent: Intent,
    protected: str | None,
    *,
    ask: "Callable[[str], bool] | None",
    tell: "Callable[[str], None]",
    warn: "Callable[[str], None]",
    confirmations: "Callable[[], Confirmations] | None",
    now: "datetime",
) -> None:
    """Return if a resolution may be used as `intent` says. Raises ProtectedProfile if not.

    `protected` is what `protected_by` gives. `ask` puts a question to a person, if there is one; `confirmations` are the answers
    that still hold, where they may be remembered.
    """
    selection = resolution.selection
    pinned = protected == selection.profile and selection.provenance.layer == "project"
    decision = decide(intent.use, protected=protected is not None, pinned=pinned)
    if decision == ALLOW:
        return
    host = f" ({resolution.origin})" if resolution.origin else ""
    subject = selected_by_pin(selection, host) if pinned else f"`{protected}` is protected{host}"
    key = (str(protected), str(resolution.origin))
    if not intent.yes and decision != WARN:
        from omniprofile.errors import ProtectedProfile

        if decision == NAME or ask is None or not intent.asks:
            raise ProtectedProfile(subject, hint=intent.hint)
        confirmed = confirmations() if confirmations else None
        if confirmed is None or not confirmed.has(*key, now):
            if not ask(f"{subject}. Really {intent.action}?"):
                raise ProtectedProfile(f"{subject}, and the answer was not yes: nothing was done")
            if confirmed is not None:
                try:
                    confirmed.add(*key, now)
                except OSError as problem:
                    from omniprofile.system.files import reason

                    tell(f"this will be asked again: the answer could not be saved: {reason(problem)}")
            return
    if pinned:
        warn(selected_by_pin(selection))


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
        if other.protected.value and other.base_url and other.base_url.value == resolution.origin:
            return name
    return None
