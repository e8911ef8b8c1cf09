"""A strict stand-in for the vendor's CLI: its command lines, configuration, completion and exit codes.

Modelled on v1.0.4 and newer. `install` writes it as a program `omni`. It contacts no instance: each request that it would
send is a line of JSON in the file `requests` beside it. It has the real one's faults, too: an unknown `-p` is ignored,
`--base-url` and `--token` replace the environment's, and an expired OAuth default of its config
replaces even those.
"""

import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

GLOBAL = {
    "--profile": True,
    "--token": True,
    "--base-url": True,
    "--format": True,
    "--compact": False,
    "--help": False,
    "--version": False,
}
LETTERS = {"p": "--profile", "o": "--format", "h": "--help", "v": "--version"}
LOCAL = {"--body": True, "--limit": True, "--verbose": False}


def fail(text: str, status: int = 1) -> NoReturn:
    """Print an error and exit, as the program does."""
    sys.stderr.write("Error: " + text + "\n")
    sys.exit(status)


def parse(words: Sequence[str], local: Mapping[str, bool]) -> tuple[dict[str, str], list[str]]:
    """Parse flags and words in any order, as pflag does; `local` maps the command's flags to whether each takes a value."""
    flags: dict[str, str] = {}
    plain: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            return flags, plain + left
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            takes = {**GLOBAL, **local}.get(name)
            if takes is None:
                fail("unknown flag: " + name)
            if takes and not equals:
                if not left:
                    fail("flag needs an argument: " + name)
                value = left.pop(0)
            flags[name] = value if takes or equals else "true"
        elif word.startswith("-") and word != "-":
            letters = word[1:]
            while letters:
                name = LETTERS.get(letters[0], "")
                if not name:
                    fail(f"unknown shorthand flag: {letters[0]!r} in {word}")
                if not GLOBAL[name]:
                    given = len(letters) > 2 and letters[1] == "="
                    flags[name] = letters[2:] if given else "true"
                    letters = "" if given else letters[1:]
                    continue
                if len(letters) > 2 and letters[1] == "=":
                    value = letters[2:]
                elif len(letters) > 1:
                    value = letters[1:]
                elif left:
                    value = left.pop(0)
                else:
                    fail(f"flag needs an argument: {letters[0]!r} in {word}")
                flags[name], letters = value, ""
        else:
            plain.append(word)
    return flags, plain


PROGRAM = """#!{python} -IS
from __future__ import annotations
import json, os, sys

GLOBAL, LETTERS, LOCAL = {tables}
DOMAINS = ("omniapp.co", "exploreomni.dev")
VERBS = ["models", "whoami", "query", "config", "completion", "agent-help", "help"]
HERE = os.path.dirname(os.path.realpath(__file__))
{functions}
def config_path():
    environ = os.environ
    if environ.get("OMNI_CONFIG_PATH"):
        return environ["OMNI_CONFIG_PATH"]
    if environ.get("OMNI_CONFIG_DIR"):
        return os.path.join(environ["OMNI_CONFIG_DIR"], "config.json")
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME", ""), ".config")
    return os.path.join(base, "omni-cli", "config.json")

def load():
    try:
        with open(config_path()) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {{"version": 1, "profiles": {{}}}}

def save(config):
    try:
        os.makedirs(os.path.dirname(config_path()), 0o700, exist_ok=True)
        with open(os.open(config_path(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(config, file)
    except OSError as problem:
        fail("saving config: %s" % problem)

words = sys.argv[1:]
if words[:1] == ["__complete"] or words[:1] == ["__completeNoDesc"]:
    described = words[0] == "__complete"
    for verb in VERBS:
        if len(words) == 2 and verb.startswith(words[1]):
            print(verb + ("\\tAbout " + verb if described else ""))
    print(":4")
    sys.stderr.write("Completion ended with directive: ShellCompDirectiveNoFileComp\\n")
    sys.exit(0)
flags, plain = parse(words, LOCAL)
if flags.get("--version") == "true" and not plain:
    print("omni version 1.0.4 (37f1049)")
    sys.exit(0)
if flags.get("--help") == "true" or not plain or plain[0] in ("help", "agent-help"):
    print("Usage:\\n  omni [command]")
    sys.exit(0)
if plain[0] == "completion":
    print("# completion for " + plain[1])
    sys.exit(0)
config = load()
if plain[0] == "config":
    verb = plain[1] if len(plain) > 1 else ""
    if verb == "show":
        print(json.dumps(config))
    elif verb == "use":
        if plain[2] not in config["profiles"]:
            fail('profile "%s" not found. Available: %s' % (plain[2], ", ".join(config["profiles"])))
        save({{**config, "defaultProfile": plain[2]}})
    elif verb == "init":
        key = sys.stdin.readline().strip()
        new = {{"apiEndpoint": "https://x.omniapp.co", "authMethod": "api-key", "apiKey": key}}
        save({{**config, "profiles": {{**config["profiles"], "mine": new}}}})
    elif verb == "set-format":
        save({{**config, "defaultOutputFormat": plain[2]}})
    else:
        print("Usage:\\n  omni config [command]")
    sys.exit(0)
if plain[0] not in VERBS:
    fail("unknown command %r for \\"omni\\"" % plain[0])
name = flags.get("--profile") or config.get("defaultProfile")
profile = config["profiles"].get(name, {{}})
token = flags.get("--token") or os.environ.get("OMNI_API_TOKEN") or profile.get("apiKey") or profile.get("accessToken")
base_url = flags.get("--base-url") or os.environ.get("OMNI_BASE_URL") or profile.get("apiEndpoint")
if profile.get("authMethod") == "oauth" and profile.get("tokenExpiresAt", "9") < "2026":
    token = "renewed-token-of-" + name
if not token or not base_url:
    fail("no API token configured. Set OMNI_API_TOKEN, or run `omni config init`")
host = base_url.partition("://")[2].partition("/")[0].partition(":")[0]
known = base_url.startswith("https://") and any(host == each or host.endswith("." + each) for each in DOMAINS)
if not known and not os.environ.get("OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS"):
    fail("%s is not a recognized Omni domain. Set OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS=1" % host)
body = sys.stdin.read() if flags.get("--body") == "-" else flags.get("--body", "")
with open(os.path.join(HERE, "requests"), "a") as file:
    sent = {{"token": token, "base_url": base_url, "command": plain, "body": body, "config": config_path()}}
    file.write(json.dumps(sent) + "\\n")
print("sent")
sys.exit(3 if plain[1:2] == ["fail"] else 0)
"""


class VendorOmni:
    """The program, in its own folder, for `PATH`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "omni"
        folder.mkdir(parents=True)
        self.path.write_text(
            PROGRAM.format(
                python=sys.executable,
                tables=(GLOBAL, LETTERS, LOCAL),
                functions=inspect.getsource(fail) + inspect.getsource(parse),
            )
        )
        self.path.chmod(0o755)

    def requests(self) -> list[dict[str, object]]:
        """Return the requests since the last call."""
        file = self.folder / "requests"
        if not file.exists():
            return []
        lines = file.read_text().splitlines()
        file.unlink()
        return [json.loads(line) for line in lines]

    def hosts(self) -> list[tuple[object, object, object]]:
        """Return the base URL, the token and the command of each request since the last call."""
        return [(each["base_url"], each["token"], each["command"]) for each in self.requests()]
