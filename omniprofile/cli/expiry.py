"""Until when a credential that is handed out is good, said with `-v`."""

from datetime import datetime

from omniprofile.cli.console import Console
from omniprofile.cli.render.times import remaining, rfc3339
from omniprofile.model.credential import Credential


def tell_expiry(console: Console, credential: Credential, now: datetime) -> None:
    """Say with `-v` until when `credential` is good."""
    if not console.verbosity:
        return
    if credential.expires_at is not None:
        console.note(
            f"the token of `{credential.profile}` is good until {rfc3339(credential.expires_at)}: it "
            f"{remaining(credential.expires_at, now)}"
        )
    elif credential.auth == "oauth":
        console.note(f"how long the token of `{credential.profile}` is good is not known")
    else:
        console.note(f"the key of `{credential.profile}` does not expire, as far as is known")
