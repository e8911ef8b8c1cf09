"""What a protected profile allows: the one decision that every command, quiet or not, JSON or not, and the library pass.

On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final, Literal

    from omniprofile.model.resolution import Selection

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
