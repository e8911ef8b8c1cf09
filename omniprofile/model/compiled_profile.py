"""A profile resolved from its files alone: what the everyday commands need, as plain data for the snapshot.

On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    Env = tuple[tuple[str, str | tuple[str, str]], ...]
    Facts = tuple[str | None, str | None, str, str | None, str | None, bool, Env | None]


class Undecided(Exception):
    """The fast path cannot decide; the full path must."""


class CompiledProfile:
    """One profile without overrides, plus its token, the token's expiry and `env` once they are known.

    `kind` is `env` or `file` (then `where` is the variable or the file), or `stored`; it is None if only the full path can go
    on: the key comes from elsewhere, or no credential may be handed out. `declared_env` is what `credential_variables` takes,
    except that a secret is given as its source (`env` or `file`, and which one); it is None if only the full path can read it.
    """

    of_profile = True  # the full path handles overrides from the environment

    def __init__(self, profile: str, facts: "Facts") -> None:
        self.profile = profile
        self.token = ""
        self.expires_at: datetime | None = None
        base_url, self.organization_name, self.auth, self.kind, where, self.protected, self.declared_env = facts
        self.env: Env = ()
        self.base_url = base_url or ""
        self.where = where or ""

    def key_variables(self) -> list[str]:
        """Return the variables that the profile reads secrets from."""
        sources = [
            (self.kind, self.where),
            *(value for _, value in self.declared_env or () if isinstance(value, tuple)),
        ]
        return [where for kind, where in sources if kind == "env"]
