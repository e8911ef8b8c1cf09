"""The intended use of a profile, for the decision about a protected one (`protection`)."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from omniprofile.credentials.protection import Use


class Intent(NamedTuple):
    """`action` completes "Really …?"; `hint` says what to do if it is refused; `yes` confirms it in advance.

    `remember` keeps the user's confirmation for an hour in the same terminal session. `guarded` says that the caller keeps the
    token to itself and enforces the profile's `access`. Without `asks`, the user is not asked.
    """

    use: "Use"
    action: str = "use it"
    hint: str = "name the profile in the call"
    yes: bool = False
    remember: bool = False
    guarded: bool = False
    asks: bool = True


SHOWING = Intent("show", guarded=True)
GIVING = Intent("give")
"""Handing the credential out, without a chance to ask."""
KEEPING = Intent("give", guarded=True)
"""Signing requests with the credential, without handing it out."""
