"""Secrets stay where they belong: one canary for each input, for every command, format and verbosity, and every failure.

Each canary is searched for whole and in parts: five characters of it anywhere in an output, an argument list, a file or a
report are a leak. The few commands whose purpose is to give the token may print that one token on stdout.
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from omniprofile.cli.registry import COMMANDS
from tests import warm
from tests.conftest import Cli, Ran
from tests.sampling import WHOLE
from tests.standin import Standin

ENV, COMMAND, FILE, STORE, STDIN, PROFILE_VARIABLE, VENDOR = (
    f"omni_osk_{body}"
    for body in (
        "Qw7Zk2Xv9Lb4Nt6Rj1",
        "Hs5Yd8Gf3Mc7Pw2Ka9",
        "Vb4Tn1Jr6Ux3Ez8Qo5",
        "Ly9Ci2Wg7Sh4Dk6Fp1",
        "Rm3Xa8Bq5Nz1Vt7Gj2",
        "Ke6Pf9Uc2Hy4Lw8Sd3",
        "Oz1Jb5Ti7Mx9Qg3Rv6",
    )
)
CANARIES = (ENV, COMMAND, FILE, STORE, STDIN, PROFILE_VARIABLE, VENDOR)
BODY = len("omni_osk_")
WINDOW = 5


def leaked(text: str, secret: str) -> bool:
    """Return whether five consecutive characters of the secret's body are in the text."""
    body = secret[BODY:]
    return any(body[at : at + WINDOW] in text for at in range(len(body) - WINDOW + 1))


@dataclass(frozen=True)
class Scene:
    """Profiles with a key from every source, an instance that accepts them all, and a record of every process started."""

    cli: Cli
    omni: Standin
    started: list[list[str]]

    def run(self, *argv: str, gives: str | None = None, stdin: str = "", env: dict[str, str] | None = None) -> Ran:
        """Run a command line; `gives` is the only secret that its stdout may contain."""
        self.started.clear()
        ran = self.cli(*argv, stdin=stdin, env=env)
        for secret in CANARIES:
            assert not leaked(ran.err, secret), f"on stderr\n{ran}"
            assert secret == gives or not leaked(ran.out, secret), f"on stdout\n{ran}"
            for words in self.started:
                assert not leaked(" ".join(words), secret), f"in the arguments of a process: {words[0]}"
        return ran


_ears: list[list[list[str]]] = []


def _listen(event: str, arguments: Sequence[object]) -> None:
    if _ears and event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"):
        words = arguments[1] if event != "os.system" else arguments
        _ears[-1].append([os.fsdecode(word) for word in words])  # type: ignore[attr-defined]


sys.addaudithook(_listen)


@pytest.fixture
def scene(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Every input that needs no browser, each with its canary."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    monkeypatch.setenv("FROM_ENV", ENV)
    printer = tmp_path / "printer"
    printer.write_text(f"#!/bin/sh\necho {COMMAND}\n")
    printer.chmod(0o700)
    key_file = tmp_path / "key"
    key_file.write_text(FILE)
    key_file.chmod(0o600)
    with Standin() as omni:
        for secret in CANARIES:
            omni.add_key(secret)
        place = f'base_url = "{omni.base_url}"\nallow_insecure = true\n'
        cli.profiles(
            f'version = 1\ndefault = "env"\n'
            f'[profiles.env]\n{place}key = {{ env = "FROM_ENV" }}\n'
            f'[profiles.command]\n{place}key = {{ command = ["{printer}"] }}\n'
            f'[profiles.file]\n{place}key = {{ file = "{key_file}" }}\n'
            f"[profiles.store]\n{place}"
            f"[profiles.empty]\n{place}"
            f'[profiles.elsewhere]\nbase_url = "https://acme.omniapp.co"\nkey = {{ env = "FROM_ENV" }}\n'
        )
        started: list[list[str]] = []
        scene = Scene(cli, omni, started)
        _ears.append(started)
        try:
            assert scene.run("login", "store", stdin=STORE).status == 0
            yield scene
        finally:
            _ears.pop()


SOURCES = {"env": ENV, "command": COMMAND, "file": FILE, "store": STORE}
GIVING = [
    ("token", "{}"),
    ("token", "{}", "--json"),
    *[("env", "{}", "--shell", shell) for shell in ("bash", "zsh", "fish", "powershell", "cmd", "dotenv", "json")],
]
LINES: dict[str, list[tuple[str, ...]]] = {
    "use": [("use", "{}"), ("use", "-"), ("use", "{}", "--json"), ("use", "--shell", "{}"), ("use", "{}", "--test")],
    "current": [("current",), ("current", "--json")],
    "list": [("list",), ("list", "--json")],
    "open": [("open", "{}", "--print")],
    "each": [("each", "{}", "--", "true"), ("each", "{}", "--json", "--", "true")],
    "log": [("log",), ("log", "{}", "--json")],
    "gateway": [("gateway", "{}", "--help")],  # it stays until its terminal ends
    "show": [("show", "{}"), ("show", "{}", "--json")],
    "explain": [("explain", "{}"), ("explain", "{}", "--json")],
    "env": [("env", "--unset")],
    "exec": [("exec", "{}", "--", "no-such-command")],
    "token": [("token", "empty"), ("token", "{}", "--base-url", "https://other.omniapp.co")],
    "login": [("login", "{}")],
    "logout": [("logout", "{}")],
    "init": [("init", "--name", "new-{}", "--base-url", "https://acme.omniapp.co", "--no-login")],
    "add": [("add", "new-{}", "--extends", "{}"), ("add", "new-{}", "--extends", "{}", "--diff")],
    "set": [("set", "{}", "description", "a text"), ("set", "{}", "key", VENDOR), ("set", "{}", "key.env", VENDOR)],
    "unset": [("unset", "{}", "description"), ("unset", "{}", "key", "--diff")],
    "rename": [("rename", "{}", "other"), ("rename", "other", "{}"), ("rename", "{}", VENDOR)],
    "remove": [("remove", "{}"), ("remove", "{}", "--yes", "--diff")],
    "edit": [("edit",)],
    "lint": [
        ("lint",),
        *[("lint", "--format", kind) for kind in ("human", "json", "sarif", "github")],
        ("lint", "--fix", "--diff"),
    ],
    "test": [
        ("test", "{}"),
        *[("test", "--all", "--format", kind) for kind in ("human", "json", "junit")],
        ("test", "elsewhere", "--timeout", "0.2"),
    ],
    "doctor": [("doctor", "--offline"), ("doctor", "--json"), ("doctor",)],
    "import": [("import", "omni-cli", "{}"), ("import", "dotenv", "{}")],  # whole files: below
    "export": [("export", "omni-cli", "--dry-run"), ("export", "omni-cli")],
    "schema": [("schema",)],
    "completion": [("completion", shell) for shell in ("bash", "zsh", "fish", "powershell")],
    "hook": [("hook", shell) for shell in ("bash", "zsh", "fish", "powershell")],
    "demo": [],  # has its own secrets and its own check
}
"""Command lines by command; `{}` is each profile in turn."""


def test_every_command_is_in_the_table() -> None:
    assert set(LINES) == {command.name for command in COMMANDS}


@pytest.mark.parametrize("command", [name for name, lines in LINES.items() if lines])
def test_no_command_shows_a_secret(scene: Scene, command: str) -> None:
    """Tried with the most verbose output; the last test covers the default, with every source."""
    for number, line in enumerate(LINES[command]):
        for name in SOURCES if WHOLE else [list(SOURCES)[number % len(SOURCES)]]:
            for verbosity in (("-v", "-v"), ("-q",)) if WHOLE else (("-v", "-v"),):
                scene.run(*verbosity, *(word.format(name) for word in line))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("line", GIVING, ids=" ".join)
def test_commands_that_give_a_token_give_only_that_one_on_stdout(
    scene: Scene, source: str, line: tuple[str, ...]
) -> None:
    for verbosity in ((), ("-v", "-v")):
        ran = scene.run(*verbosity, *(word.format(source) for word in line), gives=SOURCES[source])
        assert ran.status == 0, str(ran)
        assert SOURCES[source] in ran.out


def test_overrides_are_masked_and_refusals_do_not_repeat_them(scene: Scene) -> None:
    variables = {"OMNI_PROFILE_STORE_TOKEN": PROFILE_VARIABLE, "OMNI_API_TOKEN": VENDOR, "OMNI_API_KEY": VENDOR}
    for line in (("explain", "store"), ("explain", "store", "--json"), ("show", "store"), ("list", "--json")):
        scene.run(*line, env=variables)
    scene.run("explain", env=variables)
    refused = scene.run("token", "store", env=variables | {"OMNI_PROFILE_STORE_BASE_URL": "https://evil.example"})
    assert refused.status == 6
    scene.run("token", env=variables, gives=VENDOR)
    scene.run("token", "store", env=variables, gives=PROFILE_VARIABLE)
    scene.run("token", "store", "--token-file", "-", stdin=STDIN, gives=STDIN)
    assert scene.run("token", "store", "--token-file", "-", stdin=f"{STDIN} {STDIN}").status == 4
    assert scene.run("login", "empty", stdin=f"{STDIN}\n{STDIN}").status == 4
    scene.omni.revoke(STDIN)
    assert scene.run("login", "empty", stdin=STDIN).status == 8


def test_a_secret_for_a_name_is_neither_repeated_nor_kept(scene: Scene) -> None:
    """A user may paste the key in place of a name."""
    for line in (
        ("use", VENDOR),
        ("token", VENDOR),
        ("login", VENDOR),
        ("exec", VENDOR, "--", "true"),
        ("test", VENDOR),
    ):
        ran = scene.run("-v", "-v", *line)
        assert ran.status == 5
        assert "looks like an API key" in ran.err
    assert scene.run("current", env={"OMNI_PROFILE": VENDOR}).status == 5
    _assert_only_in(scene, set(), VENDOR)


def test_taking_over_keys_from_plain_text_shows_none_of_them(scene: Scene, tmp_path: Path) -> None:
    vendor, dotenv = tmp_path / "config.json", tmp_path / ".env"
    for scrub in ((), ("--scrub",)):
        vendor.write_text(
            json.dumps(
                {
                    "version": 1,
                    "defaultProfile": "a",
                    "profiles": {
                        "a": {"apiEndpoint": "https://acme.omniapp.co", "authMethod": "api-key", "apiKey": VENDOR},
                        "b": {
                            "apiEndpoint": "https://b.omniapp.co",
                            "authMethod": "oauth",
                            "accessToken": PROFILE_VARIABLE,
                            "refreshToken": STDIN,
                            "tokenExpiresAt": "2026-11-24T10:00:00Z",
                        },
                    },
                }
            )
        )
        vendor.chmod(0o600)
        dotenv.write_text(f"OMNI_API_KEY={VENDOR}\nOMNI_BASE_URL=https://dot.omniapp.co\n")
        for verbosity in ((), ("-v", "-v")):
            scene.run(*verbosity, "import", "omni-cli", str(vendor), *scrub)
            scene.run(*verbosity, "import", "dotenv", str(dotenv), *scrub)
    holding = {path.name for path in scene.cli.home.rglob("*") if path.is_file() and leaked(_text(path), VENDOR)}
    assert {name.partition("-2")[0] for name in holding} == {"secrets.json", "config.json", ".env"}, "and the backups"
    vendor.write_text(f'{{"version": 1, "profiles": {{"a": {{"apiKey": "{VENDOR}", }}}}}}')
    scene.run("-v", "-v", "import", "omni-cli", str(vendor))


def test_after_all_of_it_the_canaries_lie_where_they_were_put(scene: Scene) -> None:
    for lines in LINES.values():
        for line in lines:
            for name in SOURCES:
                if line[0] != "logout":
                    scene.run(*(word.format(name) for word in line))
    _assert_only_in(scene, {scene.cli.state / "secrets.json"}, STORE)
    for secret in (ENV, COMMAND, FILE):
        _assert_only_in(scene, set(), secret)


def _assert_only_in(scene: Scene, files: set[Path], secret: str) -> None:
    holding = {path for path in scene.cli.home.rglob("*") if path.is_file() and leaked(_text(path), secret)}
    assert holding == files, secret


def _text(path: Path) -> str:
    return path.read_bytes().decode("latin-1")


@pytest.mark.parametrize("source", SOURCES)
def test_a_child_has_its_own_token_and_no_other_secret_that_omniprofile_knows(scene: Scene, source: str) -> None:
    show = "import os, sys; sys.stdout.buffer.write(open('/proc/self/environ', 'rb').read())"
    rivals = {"OMNI_API_TOKEN": VENDOR, "OMNI_API_KEY": VENDOR, "OMNI_EMBED_SECRET": STDIN}
    ran = warm.run("exec", source, "--", sys.executable, "-c", show, env={**os.environ, **rivals})
    assert ran.returncode == 0, ran.stderr
    variables = dict(pair.split("=", 1) for pair in ran.stdout.split("\0") if "=" in pair)
    assert variables["OMNI_API_TOKEN"] == variables["OMNI_API_KEY"] == SOURCES[source]
    assert ("FROM_ENV" in variables) == (source != "env")  # the variable that the key came from goes
    variables.pop("FROM_ENV", None)  # for another profile's child it is an ordinary variable
    for secret in set(CANARIES) - {SOURCES[source]}:
        assert not leaked(str(variables), secret)
