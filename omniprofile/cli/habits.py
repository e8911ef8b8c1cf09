"""What people type who know other tools: words for commands, and command lines that lack `--`.

A suggestion is near or a known word, and is never a command that deletes for one that does not.
"""

from argparse import Namespace
from collections.abc import Collection, Sequence

from omniprofile.cli.registry import ALIASES
from omniprofile.model.names import closest, distance, quoted_word
from omniprofile.model.secret import masked, without_opaque_words

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
    "explain": ("diff", "trace", "why"),
    "export": ("push",),
    "gateway": ("daemon", "proxy", "serve", "server"),
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
"""Words of other tools, by the command that does it here."""


OPTIONS: dict[str, tuple[str, ...]] = {
    "--all": ("-A", "-a"),
    "--json": ("--format", "--output", "--output-format", "-o"),
    "--shell json": ("--json",),
    "--yes": ("--assume-yes", "--force", "--no-confirm", "-f"),
}
"""Options of other tools, by what does it here."""

GROUPS = frozenset({"account", "accounts", "auth", "config", "context", "contexts", "get", "profile", "profiles"})
"""Words that other tools put before a verb, as in `gh auth status` or `kubectl config use-context`."""


def commands_for(word: str, known: Collection[str], following: str = "") -> list[str]:
    """Return the `known` commands that were probably meant by `word`, which is none of them, and the word `following` it.

    A misspelt word never gives a command that deletes: only its name and its synonyms do, letter by letter.
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


def line_meant(command: str, front: Sequence[str], child: Sequence[str]) -> str:
    """Return the command line of `exec` or `each` that was meant by `front`, names and options, and the `child` to be run.

    Of the child only words that cannot be a secret are repeated.
    """
    return " ".join([f"omniprofile {command}", *map(quoted_word, front), "--", *_harmless(child)])


def with_yes(args: Namespace) -> str:
    """Return the hint to run the same command line again with `--yes`: without its options it would do another thing."""
    child = ["--", *_harmless(args.child)] if args.child else []
    return f"run `{' '.join(['omniprofile', *map(quoted_word, args.with_yes), *child])}`"


def is_pattern(word: str, profiles: Collection[str]) -> bool:
    """Return whether `each` was given `word` as a PATTERN rather than as a command."""
    from omniprofile.config.patterns import is_name

    return word in profiles or not is_name(word)


def _harmless(words: Sequence[str]) -> list[str]:
    """Return the words up to the first that could be a secret, or hold one; an ellipsis stands for the others."""
    shown: list[str] = []
    for word in words:
        is_value = bool(shown) and shown[-1].startswith("-")
        plain = word.isascii() and all(char.isalnum() or char in "-_./:+" for char in word)
        if is_value or not plain or without_opaque_words(masked(word)) != word:
            return [*shown, "…"]
        shown.append(word)
    return shown
