"""Compares the fast path with the full one: for any command line, environment, files and state it declines or agrees.

The full path is the oracle: it reads the files, with the snapshot removed.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from omniprofile.cli import everyday_forms, fast_path
from omniprofile.cli.main import main
from omniprofile.config import snapshot
from omniprofile.credentials.file_store import FileStore
from omniprofile.model.export_mark import mark_of
from omniprofile.model.times import format_time
from omniprofile.model.variable_names import MARKER
from omniprofile.system.environment import Environment
from tests.conftest import CANARY, Became, Cli
from tests.credentials.conftest import make_secret
from tests.sampling import WHOLE

KEY = CANARY + "K"
NAMES = ["prod", "ci", "staging", "play.x", "missing", "MY-conn"]


@dataclass(frozen=True)
class World:
    """A situation for the fast path: files, state and environment."""

    argv: list[str]
    profiles: dict[str, str]
    drop_in: dict[str, str]
    default: str | None
    defaults: str
    state: str | None
    pin: str | None
    environ: dict[str, str]
    edit: str
    settled: bool
    stored: str


TABLES = [
    'base_url = "https://acme.omniapp.co"\nkey = { env = "OWN_KEY" }\n',
    'instance = "acme"\nkey = { env = "OWN_KEY" }\nprotected = true\n',
    'instance = "acme"\n',
    'instance = "acme"\nauth = "oauth"\n',
    'instance = "bi"\nkey = { file = "key" }\nenv = { TEAM = "a\'b", OMNI_OUTPUT_FORMAT = "json" }\n',
    'instance = "acme"\nkey = { file = "~/loose" }\n',
    'instance = "acme"\nkey = { command = ["printf", "omni_osk_x"] }\n',
    'instance = "acme"\n',
    'instance = "acme"\nauth = "oauth"\n',
    'base_url = "https://elsewhere.example"\nkey = { env = "OWN_KEY" }\n',
    'key = { env = "OTHER_KEY" }\n',
    'base_url = "http://127.0.0.1:8000"\nallow_insecure = true\nkey = { env = "OWN_KEY" }\n',
    'extends = "prod"\n',
    (
        'instance = "acme"\nkey = { env = "OWN_KEY" }\n[profiles.NAME.env]\nTEAM = { env = "OTHER_KEY" }\n'
        'KEY = { file = "key" }\n'
        'OMNI_PROFILE = ""\nOMNI_BASE_URL = { from = "base_url", append = "/api" }\nMCP = { from = "token" }\n'
    ),
    'instance = "acme"\nkey = { env = "OWN_KEY" }\nenv = { MCP = { from = "organization" }, TEAM = { from = "host" } }\n',
    'instance = "acme"\nkey = { env = "OWN_KEY" }\nenv = { TEAM = { keyring = true } }\n',
    'instance = "bi"\nkey = { env = "OWN_KEY" }\nenv = { ORG = { from = "organization" } }\n',
    'extends = "ci"\nprotected = false\nenv = { TEAM = "own" }\n',
    'instance = "nowhere"\n',
]
GOOD = TABLES[:5]

name = st.sampled_from(NAMES)
table = st.sampled_from(GOOD * 6 + TABLES)
tables = st.builds(
    lambda always, more: {**more, **always},
    st.fixed_dictionaries({"prod": table, "ci": st.sampled_from(GOOD)}),
    st.just({}) | st.dictionaries(name, table, max_size=2),
)
word = st.sampled_from(
    [*NAMES[:3], *NAMES, "-p", "--profile", "--shell", "fish", "json", "github", "--json", "-", "", "--", "-v"]
)
forms = st.sampled_from(
    [
        ["current"], ["current", "-p", "ci"], ["token"], ["token", "prod"], ["token", "-p", "ci"], ["token", "staging"],
        ["env"], ["env", "prod", "--shell", "fish"], ["env", "--shell", "json"], ["env", "ci", "--shell", "dotenv"],
        ["env", "--shell", "powershell", "-p", "prod"], ["env", "--shell", "cmd"], ["exec", "--", "true"],
        ["exec", "prod", "--", "sh", "-c", "exit 3"], ["exec", "-p", "ci", "--", "--help"], ["exec", "staging", "--", "x"],
        ["__complete", "profiles"],
        ["token", "--json"], ["token", "prod", "-p", "ci"], ["exec", "--yes", "--", "true"], ["env", "--unset"],
        [], [], [],
    ]
)  # fmt: skip
noise = st.lists(st.sampled_from(["current", "env", "exec", "token", "list"]) | word, max_size=5)
argvs = forms.flatmap(lambda form: st.just(form) if form else noise)
value = st.sampled_from(
    ["", KEY, "omni_osk_a b", "omni_osk_é", "https://acme.omniapp.co", "prod", "ci", "missing", "\udcff"]
)
variables = st.dictionaries(
    st.sampled_from(
        [
            "OMNI_PROFILE", "OMNI_API_TOKEN", "OMNI_API_KEY", "OMNI_BASE_URL", "OMNI_PROFILE_PROD_TOKEN",
            "OMNI_PROFILE_CI_BASE_URL", "OMNI_CONFIG_PATH", "OMNIPROFILE_SHELL", "OMNIPROFILE_SECRET_STORE", "OTHER_KEY",
            "TEAM", "OMNI_ORGANIZATION_NAME", "OMNIPROFILE_PREVIOUS", "OMNIPROFILE_EXPORTED",
        ]
    ),
    value,
    max_size=2,
)  # fmt: skip


@st.composite
def environs(draw: st.DrawFn) -> dict[str, str]:
    """Variables that a user set, and sometimes those of an earlier `omniprofile env`, changed or not."""
    environ = {"OWN_KEY": draw(st.sampled_from([KEY] * 6 + ["", KEY + "\n", "two words"]))}
    if draw(st.integers(0, 3)) == 0:
        exported = {"OMNI_API_TOKEN": "omni_osk_before", "OMNI_BASE_URL": "https://old.omniapp.co", "TEAM": "old"}
        environ |= exported | {MARKER: mark_of("old", exported, exported["OMNI_BASE_URL"])}
    if draw(st.integers(0, 3)) == 0:
        environ |= draw(variables)
    return environ


worlds = st.builds(
    World,
    argv=argvs,
    profiles=tables,
    drop_in=st.one_of(st.just({}), st.just({}), st.dictionaries(st.sampled_from(["one", "two"]), table, max_size=2)),
    default=st.sampled_from(["prod"] * 5 + ["ci", "missing", None]),
    defaults=st.sampled_from(["", "", "", 'instance = "acme"\n', 'key = { env = "OWN_KEY" }\n', "protected = true\n"]),
    state=st.sampled_from([None] * 6 + ["prod", "ci", "staging", "missing", "", "\nprod\n", " ci \n", "\xff"]),
    pin=st.sampled_from(
        [None] * 24 + [f'profile = "{name}"\n' for name in NAMES] + [
            "", 'profile="ci"', '\r\nprofile\t= "ci" \r\n', "profile = 'ci'\n", 'profile = "ci" # x\n', 'profile = "ci"\r',
            '"profile" = "ci"', 'profile = "ci"\nx = 1\n', '\ufeffprofile = "ci"', 'profile = "prod"', ' profile = "prod"\n\n',
        ]
    ),
    environ=environs(),
    edit=st.sampled_from(["none"] * 15 + ["same-size", "append", "replace", "add", "remove", "chmod"]),
    settled=st.booleans(),
    stored=st.sampled_from(["good"] * 8 + ["none", "expired", "old", "open", "other", "version", "broken", "half", "bad time"]),
)  # fmt: skip

PLAIN = World(
    argv=["__complete", "profiles"],
    profiles={"prod": TABLES[0], "ci": TABLES[2]},
    drop_in={},
    default="prod",
    defaults="",
    state=None,
    pin=None,
    environ={"OWN_KEY": KEY},
    edit="none",
    settled=True,
    stored="good",
)


class Place:
    """A home that is emptied and filled again for each world."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / ".config/omniprofile/profiles.toml"
        self.drop_ins = self.config.parent / "profiles.d"
        self.cache = root / ".cache/omniprofile"

    def fill(self, world: World) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in (self.config.parent, self.root / ".local/state/omniprofile", self.root / "work/deep"):
            folder.mkdir(parents=True)
        text = "version = 1\n" + (f'default = "{world.default}"\n' if world.default else "")
        text += '[settings]\nallowed_hosts = ["bi.acme.example"]\n'
        text += '[instances.acme]\nbase_url = "https://acme.omniapp.co"\n'
        text += '[instances.bi]\nbase_url = "https://bi.acme.example"\n'
        text += f"[defaults]\n{world.defaults}" if world.defaults else ""
        self.config.write_text(text + self.tables(world.profiles))
        if world.drop_in:
            self.drop_ins.mkdir()
            (self.drop_ins / "10.toml").write_text(self.tables(world.drop_in))
        for path, mode in ((self.config.parent / "key", 0o600), (self.root / "loose", 0o644)):
            path.write_text(KEY + "\n")
            path.chmod(mode)
        if world.state is not None:
            (self.root / ".local/state/omniprofile/active").write_text(world.state, encoding="latin-1")
        if world.stored != "none":
            self.store(world.stored)
        if world.pin is not None:
            (self.root / "work/.omniprofile.toml").write_bytes(world.pin.encode())

    @staticmethod
    def tables(profiles: Mapping[str, str]) -> str:
        return "".join(f'[profiles."{name}"]\n{body.replace("NAME", name)}' for name, body in profiles.items())

    def store(self, how: str) -> None:
        """The content of the file store for `ci` and `prod`."""
        now = datetime.now(UTC)
        left = {"expired": -60, "old": 200}.get(how, 3600)
        entry: dict[str, object] = {
            "version": 2 if how == "version" else 1,
            "token": KEY + "S",
            "stored_at": "2026-13-01T00:00:00Z" if how == "bad time" else format_time(now),
            "expires_at": format_time(now + timedelta(seconds=left)),
            "refresh_token": "r",
            "client_id": "c",
        }
        key = {name: value for name, value in entry.items() if name not in ("expires_at", "refresh_token", "client_id")}
        if how == "half":
            del entry["stored_at"]
        origin = "https://other.omniapp.co" if how == "other" else "https://acme.omniapp.co"
        accounts = {f"{name}@{origin}": value for name, value in (("ci", key), ("prod", entry), ("staging", key))}
        secrets = {account: {**value, "account": account} for account, value in accounts.items()}
        text = json.dumps({"version": 1, "secrets": secrets}, indent=1) + "\n"
        path = self.root / ".local/state/omniprofile/secrets.json"
        path.write_text(text[:-9] if how == "broken" else text)
        path.chmod(0o644 if how == "open" else 0o600)

    def edit(self, how: str) -> None:
        text = self.config.read_text()
        match how:
            case "same-size":
                self.config.write_text(text.replace("OWN_KEY", "OTH_KEY").replace("acme.omni", "acne.omni"))
            case "append":
                self.config.write_text(text + "[profiles.new]\n")
            case "replace":
                other = self.config.with_suffix(".new")
                other.write_text(text.replace('"prod"', '"paid"'))
                other.rename(self.config)
            case "add":
                self.drop_ins.mkdir(exist_ok=True)
                (self.drop_ins / "05.toml").write_text('default = "ci"\n')
            case "remove":
                self.config.unlink()
            case "chmod":
                self.config.chmod(0o666)

    def environ(self, world: World) -> dict[str, str]:
        return {
            "HOME": str(self.root),
            "PATH": os.environ["PATH"],
            "NO_COLOR": "1",
            "OMNIPROFILE_SECRET_STORE": "file",
            **world.environ,
        }

    def forget(self) -> None:
        for path in self.cache.glob("*.snapshot"):
            path.unlink()

    def in_full(self, world: World, argv: list[str]) -> tuple[int, str, str, object]:
        """Return status, stdout, stderr and the program that replaced the process."""
        streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape") for _ in range(3)]
        environment = Environment(
            self.environ(world),
            str(self.root / "work/deep"),
            sys.platform,
            streams[0],
            streams[1],
            streams[2],
            os.getuid(),
        )
        became: object = None
        try:
            status = main(argv, environment)
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        except Became as program:
            status, became = 0, program.child
        texts = []
        for stream in streams[1:]:
            stream.flush()
            texts.append(stream.buffer.getvalue().decode("utf-8", "surrogateescape"))
        return status, texts[0], texts[1], became


def _become(program: str, argv: list[str], environ: dict[str, str]) -> None:
    assert program == argv[0]
    raise Became(argv, environ)


def test_the_fast_path_declines_or_agrees_with_the_full_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    place = Place(tmp_path / "world")
    seen: Counter[str] = Counter()
    monkeypatch.setattr(os, "execvpe", _become)

    @given(worlds)
    @example(PLAIN)
    @example(replace(PLAIN, argv=["exec", "prod", "--", "sh"]))
    @settings(max_examples=2000 if WHOLE else 300, deadline=None, suppress_health_check=list(HealthCheck))
    def agrees(world: World) -> None:
        place.fill(world)
        monkeypatch.setattr(snapshot, "_SETTLED", 0 if world.settled else 2_000_000_000)
        place.in_full(world, ["list"])
        place.edit(world.edit)
        answer = fast_path.answer(world.argv, place.environ(world), sys.platform, str(place.root / "work/deep"))
        place.forget()
        how = "declined" if answer is None else f"answered {world.argv[0]}"
        seen[how] += 1
        event(how)
        if answer is None:
            return
        expected = (0, answer, "", None) if isinstance(answer, str) else (0, "", "", answer)
        assert place.in_full(world, world.argv) == expected

    agrees()
    record_property("fast path", dict(seen))
    print(f"\nfast path: {sum(seen.values())} cases, {dict(seen)}")
    answered = sum(count for how, count in seen.items() if how.startswith("answered"))
    assert answered > 40, f"the property says little when the fast path hardly ever answers: {seen}"
    assert {how.removeprefix("answered ") for how in seen} >= {*everyday_forms.USES, fast_path.COMPLETE[0][0]}, seen


CONFIG = """\
version = 1
default = "prod"
[instances.acme]
base_url = "https://acme.omniapp.co"
[profiles.prod]
instance = "acme"
key = { env = "OWN_KEY" }
env = { TEAM = "a'b" }
[profiles.ci]
instance = "acme"
key = { file = "key" }
protected = true
"""


@pytest.fixture
def everyday(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Two profiles, and their snapshot, which stays valid on a slow machine."""
    monkeypatch.setattr(snapshot, "_SETTLED", 0)
    monkeypatch.setenv("OWN_KEY", KEY)
    key = cli.profiles(CONFIG).parent / "key"
    key.write_text(KEY + "\n")
    key.chmod(0o600)
    cli("current")
    return cli


def answer(*argv: str) -> "fast_path.Answer | None":
    return fast_path.answer(argv, os.environ, sys.platform)


@pytest.mark.parametrize(
    "line",
    [
        "__complete profiles",
        "current",
        "current -p ci",
        "-p ci current",
        "--profile prod exec -- true",
        "token",
        "token ci",
        "token -p prod",
        "env",
        "env ci --shell fish",
        "exec -- true",
    ],
)
def test_the_everyday_forms_take_the_fast_path(everyday: Cli, line: str) -> None:
    assert answer(*line.split()) is not None


@pytest.mark.parametrize(
    "line",
    [
        "exec ci -- true",
        "exec --",
        "exec prod",
        "token nobody",
        "token prod ci",
        "token --json",
        "env --unset",
        "list",
        "",
    ],
)
def test_everything_else_is_declined(everyday: Cli, line: str) -> None:
    assert answer(*line.split()) is None


@pytest.mark.parametrize("expect", ["", 'expect = { user = "u-1" }'])
def test_a_stored_key_is_given_where_its_identity_need_not_be_compared(
    everyday: Cli, expect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    FileStore(str(everyday.state)).put("kept", make_secret(KEY))
    everyday.profiles(f'[profiles.kept]\nbase_url = "https://acme.omniapp.co"\n{expect}\n')
    everyday("current")
    assert answer("token", "kept") == (None if expect else KEY + "\n")


def test_no_home_is_no_reason_to_decline(everyday: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    assert everyday("current").out == answer("current") == "prod\n"


def test_a_pin_that_others_may_write_is_read_in_a_trusted_folder_and_left_to_the_full_path_elsewhere(
    everyday: Cli,
) -> None:
    everyday.work.chmod(0o777)
    (everyday.work / ".omniprofile.toml").write_text('profile = "prod"\n')
    assert "is ignored" in everyday("current").err
    assert answer("current") is None
    text = CONFIG.replace('default = "prod"', 'default = "ci"')
    everyday.profiles(f'{text}[settings]\ntrusted_folders = ["{everyday.work}"]\n')
    assert everyday("current").out == answer("current") == "prod\n"


@pytest.mark.parametrize("command", ["current", "token", "exec -- true"])
def test_both_paths_are_the_same_in_real_processes(everyday: Cli, command: str) -> None:
    """The streams, `exec` and the child's environment are real."""
    argv = [word if word != "true" else sys.executable for word in command.split()]
    if argv[0] == "exec":
        argv += ["-c", "import os, json; print(json.dumps(dict(os.environ), sort_keys=True))"]
    in_full = "import sys; from omniprofile.cli.main import run; sys.exit(run())"
    runs = [
        subprocess.run([sys.executable, *start, *argv], capture_output=True, check=False)
        for start in (["-m", "omniprofile"], ["-c", in_full])
    ]
    assert runs[0].stdout
    assert (runs[0].returncode, runs[0].stdout, runs[0].stderr) == (runs[1].returncode, runs[1].stdout, runs[1].stderr)
    if argv[0] == "exec":
        assert json.loads(runs[0].stdout)["OMNI_API_TOKEN"] == KEY
