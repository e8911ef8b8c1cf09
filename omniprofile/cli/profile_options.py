"""The options that give a new profile's values, for `add` and `init`."""

import argparse

from omniprofile.cli.arguments import add_flag, add_option, offer, split_words
from omniprofile.config.toml.edit import value_of
from omniprofile.errors import UsageError
from omniprofile.model.names import printable

METHODS = ("api-key", "oauth")


def add_profile_options(parser: argparse.ArgumentParser) -> "argparse._MutuallyExclusiveGroup":
    """Add the options for a profile's values, except its name; return the group of the key's sources."""
    where = parser.add_mutually_exclusive_group()
    add_option(where, "--base-url", "URL", "the address you use to log in, such as https://acme.omniapp.co")
    offer("@instances", add_option(where, "--instance", "NAME", "an instance of the file, instead of a base URL"))
    add_option(parser, "--extends", "NAME", "the profile whose values this one inherits")
    parser.add_argument("--auth", choices=METHODS, help="how to authenticate (default: api-key)")
    add_option(parser, "--description", "TEXT", "a description, shown in lists")
    key = parser.add_mutually_exclusive_group()
    add_option(key, "--key-env", "VARIABLE", "take the key from this environment variable")
    add_option(key, "--key-file", "FILE", "take the key from this file")
    add_option(key, "--key-command", "COMMAND", "take the key from what this command prints, such as 'op read op://…'")
    add_flag(parser, "--protected", "ask before `use` switches to it and before `exec` uses it")
    add_flag(parser, "--allow-insecure", "allow plain http to a loopback address")
    identity = "pin the identity: org_role=MEMBER (may repeat)"
    add_option(parser, "--expect", "KEY=VALUE", identity, action="append", default=[])
    variable = "export this along with the credential (may repeat)"
    add_option(parser, "--env", "NAME=VALUE", variable, action="append", default=[])
    return key


def profile_values(args: argparse.Namespace) -> dict[str, object]:
    """Return the profile's keys from the options, in the usual order. Raises UsageError."""
    given = {"env": args.key_env, "file": args.key_file}
    if args.key_command is not None:
        given["command"] = split_words(args.key_command, "the command of `--key-command`")
        if not given["command"]:
            raise UsageError("the command of `--key-command` is empty")
    key = {source: value for source, value in given.items() if value is not None}
    if key and args.auth == "oauth":
        raise UsageError("an OAuth profile has no key", hint="leave the `--key-…` option out")
    values = {
        "description": args.description,
        "extends": args.extends,
        "instance": args.instance,
        "base_url": args.base_url,
        "auth": args.auth,
        "key": key or None,
        "protected": args.protected or None,
        "allow_insecure": args.allow_insecure or None,
        "expect": _assignments(args.expect, "--expect") or None,
        "env": {name: _variable(str(text)) for name, text in _assignments(args.env, "--env").items()} or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _variable(text: str) -> object:
    """Return a variable's value: a TOML table (`{ from = "token" }`) if `text` is one, else the text."""
    try:
        value = value_of(text.strip())
    except ValueError:
        return text
    return value if isinstance(value, dict) else text


def _assignments(given: list[str], option: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(
                f"the value of `{option}` is `{printable(name, 40)}`, without `=`", hint=f"`{option} NAME=VALUE`"
            )
        values[name] = value
    return values
