"""A profile as its files alone decide it: what the everyday commands need, as plain data for the snapshot.

On the short path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Plain = tuple[str | None, str | None, str, str | None, str | None, bool, tuple[tuple[str, str], ...]]


class Decided:
    """One profile, with no override applied, and with its token once that is known.

    `source` is `env`, `file` or `stored` with the variable, the path or nothing in `key`, and None where the full path must
    say more: the key comes from elsewhere, or no credential may be handed out.
    """

    __slots__ = ("auth", "base_url", "env", "key", "organization_name", "profile", "protected", "source", "token")

    of_profile = True  # what the environment overrides is for the full path

    def __init__(self, profile: str, plain: "Plain") -> None:
        self.profile = profile
        self.token = ""
        base_url, self.organization_name, self.auth, self.source, self.key, self.protected, self.env = plain
        self.base_url = base_url or ""
