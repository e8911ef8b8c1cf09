"""A profile as its files alone decide it: what the everyday commands need, as plain data for the snapshot.

On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

    Env = tuple[tuple[str, str | tuple[str, str]], ...]
    Facts = tuple[str | None, str | None, str, str | None, str | None, bool, Env | None]


class Undecided(Exception):
    """Only the full path can tell."""


class Final(Exception):
    """What caused this would end the full path in the same way: it need not be tried."""


class CompiledProfile:
    """One profile, with no override applied, and with its token, when that expires, and `env` once those are known.

    `kind` is `env` or `file`, and `where` the variable or the file, or `stored`; it is None where the full path must say more:
    the key comes from elsewhere, or no credential may be handed out. `declared_env` is as `model.variables` takes it, but that
    a secret is still its source (`env` or `file`, and which); it is None where the full path must read one.
    """

    __slots__ = (
        "auth", "base_url", "declared_env", "env", "expires_at", "kind", "organization_name", "profile", "protected",
        "token", "where"
    )  # fmt: skip

    of_profile = True  # what the environment overrides is for the full path

    def __init__(self, profile: str, facts: "Facts") -> None:
        self.profile = profile
        self.token = ""
        self.expires_at: datetime | None = None
        base_url, self.organization_name, self.auth, self.kind, where, self.protected, self.declared_env = facts
        self.env: Env = ()
        self.base_url = base_url or ""
        self.where = where or ""

    def key_variables(self) -> list[str]:
        """Return the variables that the profile takes secrets from."""
        sources = [
            (self.kind, self.where),
            *(value for _, value in self.declared_env or () if isinstance(value, tuple)),
        ]
        return [where for kind, where in sources if kind == "env"]
