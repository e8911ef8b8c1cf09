"""Asking before a protected profile is used (PRODUCT section 5.6)."""

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.errors import ProtectedProfile
from omniprofile.model.provenance import Layer
from omniprofile.model.resolution import Selection


def confirm_protected(
    app: App, console: Console, profile: str, action: str, *, yes: bool, instead: str | None = None
) -> None:
    """Go on only with a person's yes, or `--yes`, when `profile` is protected. `action` completes "… to ACTION?", `instead` is
    the command line that gives the yes, where the user may have typed another one.

    Raises ProtectedProfile without a terminal, and when the person does not say yes.
    """
    if yes or not app.is_protected(profile):
        return
    if not console.interactive:
        raise ProtectedProfile(
            f"`{profile}` is protected", hint=f"run `{instead}`" if instead else f"give `--yes` to {action}"
        )
    if not console.confirm(f"`{profile}` is protected. Really {action}?"):
        raise ProtectedProfile(f"`{profile}` is protected, and the answer was not yes: nothing was done")


def confirm_pinned(app: App, console: Console, selection: Selection, *, yes: bool) -> None:
    """The same where a credential is handed out, for a protected profile that only a project pin selects."""
    if selection.provenance.layer is Layer.PROJECT:
        confirm_protected(app, console, selection.profile, "use it because a project pin says so", yes=yes)
