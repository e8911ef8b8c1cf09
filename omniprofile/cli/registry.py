"""The table of commands: name, module under `cli.commands`, summary, group on the first help screen."""

from typing import NamedTuple


class Command(NamedTuple):
    """A command. `module` is imported when the command is named, or for the help of all commands."""

    name: str
    summary: str
    group: str

    @property
    def module(self) -> str:
        """The module with `configure(parser)` and `run(args, app, console)`. `import` is a Python keyword."""
        return f"omniprofile.cli.commands.{'import_' if self.name == 'import' else self.name.lstrip('_')}"


EVERYDAY = "everyday"
SECRETS = "secrets and login"
EDITING = "editing and checking"
SETUP = "setup"
MOVING = "moving in and out"

COMMANDS = (
    Command("use", "switch to a profile", EVERYDAY),
    Command("current", "print the current profile", EVERYDAY),
    Command("list", "list the profiles", EVERYDAY),
    Command("show", "show the resolved profile", EVERYDAY),
    Command("explain", "show where each value comes from, and what it overrides", EVERYDAY),
    Command("env", "print export statements for the credential", EVERYDAY),
    Command("exec", "run a command with the credential in its environment", EVERYDAY),
    Command("each", "run a command once for each of several profiles", EVERYDAY),
    Command("log", "show who got which credential", EVERYDAY),
    Command("token", "print the bare token", EVERYDAY),
    Command("gateway", "open a loopback address that adds the credential to requests", EVERYDAY),
    Command("open", "open the instance in the profile's browser", EVERYDAY),
    Command("login", "store a profile's credential", SECRETS),
    Command("logout", "delete a profile's stored credential", SECRETS),
    Command("init", "make a first profile", EDITING),
    Command("add", "add a profile", EDITING),
    Command("set", "change a setting of a profile", EDITING),
    Command("unset", "remove a setting of a profile", EDITING),
    Command("rename", "rename a profile, with its secret and all references", EDITING),
    Command("remove", "remove a profile and its stored secret", EDITING),
    Command("edit", "edit a profile file, and check it before it is saved", EDITING),
    Command("lint", "check the profile files, offline", EDITING),
    Command("test", "check credentials live", EDITING),
    Command("doctor", "diagnose the setup: store, permissions, variables, clock", EDITING),
    Command("import", "import profiles and secrets from the Omni CLI or a `.env`", MOVING),
    Command("export", "write profiles to the Omni CLI's config", MOVING),
    Command("schema", "print the JSON Schema of the profile file", SETUP),
    Command("completion", "print or install shell completion", SETUP),
    Command("hook", "print or install shell integration: per-shell switching, prompt", SETUP),
    Command("demo", "take a tour against an embedded instance", SETUP),
)
HIDDEN = (
    Command("__complete", "list words for the completion of a shell", ""),
    Command("status", "show the current profile as `list` does, and what selected it", ""),
)
"""Not in help: for the printed shell scripts, and for users of other tools."""

ALIASES = {"ls": "list", "mv": "rename", "rm": "remove", "whoami": "test"}
"""Aliases of commands."""

OTHER_NAMES = (
    ("help [COMMAND]", "the help of a command"),
    ("version", "the version"),
    *((alias, f"the same as `{name}`") for alias, name in ALIASES.items()),
    ("status", "the current profile as `list` shows it, and what selected it"),
)
"""Words understood in addition to the commands, for the first help screen and the manual."""

BY_NAME = {command.name: command for command in COMMANDS}
