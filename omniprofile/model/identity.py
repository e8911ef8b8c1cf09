"""The identity pin: is the credential whose it should be?"""

from omniprofile.model.declaration import Expect
from omniprofile.model.live import Identity
from omniprofile.model.names import printable


def differences(expect: Expect, identity: Identity) -> list[str]:
    """Return what whoami says otherwise than the profile expects, one phrase for each; empty when all is as expected."""
    return [
        f"whoami says {name} {_shown(getattr(identity, name))}, the profile expects {_shown(wanted)}"
        for name in ("user", "membership_id", "key_scope", "org_role")
        if (wanted := getattr(expect, name)) is not None and getattr(identity, name) != wanted
    ]


def _shown(value: str | None) -> str:
    return f"`{printable(value, 64)}`" if value is not None else "nothing"
