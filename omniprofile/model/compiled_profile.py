"""A profile as its files alone decide it: what the everyday commands need, as plain data for the snapshot.

On the fast path: imports nothing.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Plain = tuple[str | None, str | None, str, str | None, str | None, bool, tuple[tuple[str, str], ...]]


class CompiledProfile:
    """One profile, with no override applied, and with its token once that is known.

    `kind` is `env` with the variable in `variable`, `file` with the file in `path`, or `stored`; it is None where the full path
    must say more: the key comes from elsewhere, or no credential may be handed out.
    """

    __slots__ = (
        "auth", "base_url", "env", "kind", "organization_name", "path", "profile", "protected", "token", "variable"
    )  # fmt: skip

    of_profile = True  # what the environment overrides is for the full path

    def __init__(self, profile: str, plain: "Plain") -> None:
        self.profile = profile
        self.token = ""
        base_url, self.organization_name, self.auth, self.kind, key, self.protected, self.env = plain
        self.base_url = base_url or ""
        self.variable = key if self.kind == "env" else None
        self.path = key if self.kind == "file" else None
