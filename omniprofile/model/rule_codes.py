"""The stable codes of the lint rules, and how severe a finding of each is."""

from enum import StrEnum


class Level(StrEnum):
    """The severity: errors make `lint` exit 1, warnings only with `--strict`."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The stable codes of the rules; `checks.rule_texts` explains each. A code is never used again for something else."""

    UNREADABLE = "OP101"
    SYNTAX = "OP102"
    WRITABLE = "OP103"
    GROUP_WRITABLE = "OP104"
    UNKNOWN_KEY = "OP201"
    WRONG_VALUE = "OP202"
    BAD_NAME = "OP203"
    CONTRADICTION = "OP204"
    MISSING_KEY = "OP205"
    NO_BASE_URL = "OP206"
    SECRET = "OP301"  # noqa: S105 - a code
    HOST_NOT_ALLOWED = "OP302"
    PLAIN_HTTP = "OP303"
    INSECURE_ALLOWED = "OP304"
    KEY_FOR_ANOTHER_HOST = "OP305"
    EXPORTED_KEY = "OP306"
    KEY_FOR_SEVERAL_HOSTS = "OP307"
    SECRET_BESIDE_GATEWAY = "OP308"  # noqa: S105 - a code
    DANGLING = "OP401"
    CYCLE = "OP402"
    DUPLICATE = "OP403"
    DEFAULT_MISSING = "OP404"
    VARIABLE_COLLISION = "OP405"
    UNUSED_INSTANCE = "OP406"
    KEY_WITHOUT_USE = "OP407"
    SAME_ADDRESS = "OP408"
    REDUNDANT_HOST = "OP409"
    NOT_EXPANDED = "OP410"
    EMPTY_VARIABLE = "OP411"
    IMPOSSIBLE_IDENTITY = "OP412"
    NO_ORGANIZATION = "OP413"
    ALLOW_WITHOUT_USE = "OP414"
    USELESS_IGNORE = "OP501"

    @property
    def level(self) -> Level:
        """The severity of the rule's findings."""
        return Level.WARNING if self in _WARNINGS else Level.ERROR

    @property
    def can_be_silenced(self) -> bool:
        """Whether `# omniprofile: ignore[CODE]` works. It never does for a secret, which is leaked either way."""
        return self not in _REFUSED_ANYWAY and self not in (Code.SECRET, Code.USELESS_IGNORE)


_WARNINGS = frozenset(
    {
        Code.GROUP_WRITABLE, Code.INSECURE_ALLOWED, Code.KEY_FOR_ANOTHER_HOST, Code.EXPORTED_KEY, Code.KEY_FOR_SEVERAL_HOSTS,
        Code.UNUSED_INSTANCE, Code.KEY_WITHOUT_USE, Code.SAME_ADDRESS, Code.REDUNDANT_HOST, Code.NOT_EXPANDED,
        Code.EMPTY_VARIABLE, Code.IMPOSSIBLE_IDENTITY, Code.ALLOW_WITHOUT_USE, Code.USELESS_IGNORE,
    }
)  # fmt: skip

_REFUSED_ANYWAY = frozenset(
    {
        Code.UNREADABLE, Code.SYNTAX, Code.WRITABLE, Code.UNKNOWN_KEY, Code.WRONG_VALUE, Code.BAD_NAME, Code.CONTRADICTION,
        Code.MISSING_KEY, Code.DANGLING, Code.CYCLE, Code.DUPLICATE,
    }
)  # fmt: skip
"""Findings for which every command refuses the files. Silencing them in lint would only hide the reason."""
