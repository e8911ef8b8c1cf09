"""Whether a profile may be used as somebody intends to: the decision on a protected one, which a person may be asked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from omniprofile.credentials.protection import ALLOW, GIVE, NAME, SHOW, WARN, decide, selected_by_pin
from omniprofile.errors import ConfigInvalid, ProtectedProfile
from omniprofile.model.declaration import Config
from omniprofile.model.effective import effective
from omniprofile.model.provenance import Layer
from omniprofile.model.resolution import Resolution

if TYPE_CHECKING:
    from omniprofile.credentials.confirmations import Confirmations
    from omniprofile.credentials.protection import Use


@dataclass(frozen=True, slots=True)
class Intent:
    """What a call wants of a profile, for the decision on a protected one.

    `action` completes "Really …?", `hint` says how to do it where it is refused, `yes` confirms it in advance, and `remember`
    lets a person's yes hold for an hour in the same terminal session. `guarded` says that the caller keeps the token to itself
    and holds to the profile's `access`. Without `asks` nobody is asked.
    """

    use: "Use"
    action: str = "use it"
    hint: str = "name the profile in the call"
    yes: bool = False
    remember: bool = False
    guarded: bool = False
    asks: bool = True


SHOWING = Intent(SHOW, guarded=True)
GIVING = Intent(GIVE)
"""Handing the credential out, with nobody to ask."""


def permit(
    resolution: Resolution,
    intent: Intent,
    protected: str | None,
    *,
    ask: Callable[[str], bool] | None,
    tell: Callable[[str], None],
    warn: Callable[[str], None],
    confirmations: "Callable[[], Confirmations] | None",
    now: datetime,
) -> None:
    """Return if a resolution may be used as `intent` says. Raises ProtectedProfile if not.

    `protected` is what `protected_by` gives. `ask` puts a question to a person, if there is one; `confirmations` are the answers
    that still hold, where they may be remembered.
    """
    selection = resolution.selection
    pinned = protected == selection.profile and selection.provenance.layer is Layer.PROJECT
    decision = decide(intent.use, protected=protected is not None, pinned=pinned)
    if decision == ALLOW:
        return
    host = f" ({resolution.origin})" if resolution.origin else ""
    subject = selected_by_pin(selection, host) if pinned else f"`{protected}` is protected{host}"
    key = (str(protected), str(resolution.origin))
    if not intent.yes and decision != WARN:
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


def protected_by(resolution: Resolution, config: Config, broken: ConfigInvalid | None) -> str | None:
    """Return the protected profile that a resolution is of, or whose host a flag or variable gives it; None for none."""
    if resolution.protected:
        return resolution.profile
    if resolution.origin is None or resolution.base_url_provenance.layer not in (Layer.FLAG, Layer.ENVIRONMENT):
        return None
    if broken is not None:
        raise broken  # a file that is left out could hold the protected profile
    own = effective(config, resolution.profile).base_url
    if own and own.value == resolution.origin and not resolution.pair:
        return None
    for name in config.profiles:
        other = effective(config, name)
        if other.protected.value and other.base_url and other.base_url.value == resolution.origin:
            return name
    return None
