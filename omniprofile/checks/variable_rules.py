"""Lint rules about variables and commands: names that collide, values that nothing expands, empty ones."""

import os.path
import re
from collections import defaultdict

from omniprofile.checks.rule import UNDONE, Tables, rule, sources
from omniprofile.model.declaration import Declaration
from omniprofile.model.origin import no_organization
from omniprofile.model.rule_codes import Code
from omniprofile.model.variable_names import OWN, token_variable, variable_stem

_SHELL_SYNTAX = re.compile(r"\$(?:[A-Za-z_]|\{[A-Za-z_]|\()|^~(?:/|$)|^(?:\||\|\||&&|&|;|<|>|>>|2>)$|^`.*`$")
_READS_ITSELF = frozenset((
    "sh", "bash", "dash", "zsh", "ksh", "fish", "nu", "pwsh", "powershell", "cmd", "env", "ssh", "docker", "podman", "kubectl",
    "perl", "awk", "gawk", "jq", "python", "python3", "ruby", "node", "osascript", "nix-shell", "direnv", "xargs", "parallel",
))  # fmt: skip
"""Programs that expand such syntax in their arguments themselves, or pass it to a program that does."""


@rule(Code.NO_ORGANIZATION, silent_while=UNDONE)
def _no_organization(tables: Tables) -> None:
    for table, mine in tables.profiles:
        own = mine.base_url.value if mine.base_url else None
        for variable, given in mine.env.items():
            if own and given.value.part == "organization" and own.organization_name is None:
                path = ("env", variable) if given.table is table else ()
                what = f"`{variable}` of `{table.name}`"
                tables.report(Code.NO_ORGANIZATION, table, path, *no_organization(what, own))


@rule(Code.VARIABLE_COLLISION)
def _variable_collision(tables: Tables) -> None:
    groups: dict[str, list[Declaration]] = defaultdict(list)
    for profile in tables.config.profiles.values():
        groups[variable_stem(profile.name)].append(profile)
    for first, *others in groups.values():
        for profile in others:
            variable = token_variable(profile.name)
            message = f"profiles `{first.name}` and `{profile.name}` share the variable `{variable}`"
            hint = "rename one: the variable is refused while it could be meant for either"
            tables.report_key(Code.VARIABLE_COLLISION, profile, (), message, hint)


@rule(Code.NOT_EXPANDED)
def _not_expanded(tables: Tables) -> None:
    for table in tables.with_key():
        commands = [((*path, "command"), source.argv) for path, source in sources(table) if source.kind == "command"]
        if table.browser:
            commands.append((("browser",), table.browser))
        for path, argv in commands:
            program = os.path.basename(argv[0]).removesuffix(".exe")
            for index, part in enumerate(argv):
                if _SHELL_SYNTAX.search(part) and (index == 0 or program not in _READS_ITSELF):
                    message = "no shell reads a command: this part is passed literally"
                    hint = 'write the value itself, or let a shell read it: ["sh", "-c", "…"]'
                    tables.report_key(Code.NOT_EXPANDED, table, (*path, index), message, hint)
        for path, source in sources(table):
            if source.kind == "file" and "$" in str(source.path):
                message = "a variable in a file name is not expanded"
                hint = "`~` is your home; a relative path starts at the profile file's folder"
                tables.report_key(Code.NOT_EXPANDED, table, (*path, "file"), message, hint)
        for name, value in table.env.items():
            if _SHELL_SYNTAX.search(value.text or value.append):
                message = f"the value of `{name}` is exported literally: nothing in it is expanded"
                hint = 'write the value itself, or an alias such as `{ from = "token" }`'
                tables.report_key(Code.NOT_EXPANDED, table, ("env", name), message, hint)


@rule(Code.EMPTY_VARIABLE)
def _empty_variable(tables: Tables) -> None:
    for table in tables.with_key():
        for name, value in table.env.items():
            if value.text == "" and name not in OWN:
                message = f"`{name}` is exported empty, which many programs treat as unset and some do not"
                hint = "give it a value, or remove it"
                tables.report_key(Code.EMPTY_VARIABLE, table, ("env", name), message, hint)
        for path, source in sources(table):
            if source.variable and tables.environ.get(source.variable) == "":
                message = f"the variable `{source.variable}` is set to nothing here, and so counts as unset"
                hint = f"set `{source.variable}` to the {'key' if path == ('key',) else 'secret'}, or unset it"
                tables.report_key(Code.EMPTY_VARIABLE, table, (*path, "env"), message, hint)
