"""The words of other tools for our commands and options, and the commands that an unknown word probably means."""

from collections.abc import Collection

from omniprofile.cli.registry import ALIASES
from omniprofile.model.near_names import closest, distance

DELETING = frozenset({"logout", "remove", "unset"})

SYNONYMS: dict[str, tuple[str, ...]] = {
    "add": ("clone", "copy", "cp", "create", "duplicate", "new", "register"),
    "completion": ("autocomplete", "complete"),
    "current": ("active", "current-context", "which"),
    "doctor": ("clean", "debug", "diagnose", "health", "prune"),
    "each": ("all-profiles", "foreach", "for-each", "parallel"),
    "edit": ("config", "configuration", "open-config"),
    "env": ("environment", "printenv", "variables", "vars"),
    "exec": ("run", "shell", "start", "with"),
    "explain": ("diff", "origin", "trace", "where", "why"),
    "export": ("push",),
    "gateway": ("daemon", "mcp", "proxy", "serve", "server"),
    "help": ("man", "usage"),
    "hook": ("integrate", "prompt", "shell-init"),
    "import": ("migrate", "pull"),
    "init": ("bootstrap", "configure", "setup"),
    "lint": ("check", "fmt", "format", "validate"),
    "list": ("all", "contexts", "get-contexts", "keys", "profile", "profiles", "secrets"),
    "log": ("audit", "history", "logs"),
    "login": ("auth", "authenticate", "connect", "sign-in", "signin"),
    "logout": ("clear", "disconnect", "revoke", "sign-out", "signout"),
    "remove": ("del", "delete", "destroy", "drop", "erase", "rmdir", "trash"),
    "rename": ("move", "ren"),
    "set": ("change", "put", "set-context", "update", "write"),
    "show": ("cat", "describe", "get", "info", "inspect", "print", "read", "view"),
    "test": ("check", "ping", "verify"),
    "token": ("access-token", "bearer", "get-token", "print-token"),
    "use": ("activate", "checkout", "select", "switch", "use-context"),
}
"""The words of other tools, by the command that does the same here."""


_PIN = 'to pin a project, write `profile = "NAME"` into its `.omniprofile.toml`'
_INSTALLER = "use the tool that installed it: `uv tool {0} omniprofile` or `pipx {0} omniprofile`"

NO_COMMAND: dict[str, str] = {
    "local": _PIN,
    "pin": _PIN,
    "self-update": _INSTALLER.format("upgrade"),
    "uninstall": _INSTALLER.format("uninstall"),
    "upgrade": _INSTALLER.format("upgrade"),
}
"""What to do instead, for words of other tools that have no command here."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "--all": ("-A", "-a"),
    "--for": ("--duration", "--ttl"),
    "--json": ("--format", "--output", "--output-format", "-o"),
    "--shell json": ("--json",),
    "--yes": ("--assume-yes", "--force", "--no-confirm", "-f"),
}
"""The options of other tools, by the option that does the same here."""

CHOICES: dict[str, tuple[str, ...]] = {
    "api-key": ("key", "pat", "token"),
    "dotenv": (".env", "env"),
    "bash": ("dash", "ksh", "posix", "sh"),
    "oauth": ("browser", "sso", "web"),
    "omni-cli": ("config.json", "omni"),
    "powershell": ("ps", "ps1", "pwsh"),
}
"""Other words for the values of arguments that take one of a few, by the value."""

GROUPS = frozenset({"account", "accounts", "auth", "config", "context", "contexts", "get", "profile", "profiles"})
"""Words that other tools put before a verb, as in `gh auth status` or `kubectl config use-context`."""


def commands_for(word: str, known: Collection[str], following: str = "") -> list[str]:
    """Return the `known` commands that an unknown `word`, with the word `following` it, probably means.

    A deleting command is suggested only for its exact name or an exact synonym, never for a misspelling.
    """
    typed, verb = word.casefold(), following.casefold()
    if typed in GROUPS and (meant := [verb] if verb in known else _synonyms(verb, known)):
        return meant
    if meant := _synonyms(typed, known):
        return meant
    meant_by = {other: command for command, words in SYNONYMS.items() for other in words if command in known}
    near = closest(word, {*known, *ALIASES, *meant_by}, 10)
    best = min((distance(typed, each) for each in near), default=0)
    found = dict.fromkeys(meant_by.get(each, each) for each in near if distance(typed, each) == best)
    return [command for command in found if ALIASES.get(command, command) not in DELETING][:3]


def _synonyms(word: str, known: Collection[str]) -> list[str]:
    return [command for command, words in SYNONYMS.items() if word in words and command in known]
