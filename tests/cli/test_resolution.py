"""The messages about selection and resolution: every refusal, every notice, and the output of `explain`.

They are in `golden/resolution.txt`. After a change, renew it and read the difference:
`OMNIPROFILE_TEST_RENEW=1 pytest tests/cli/test_resolution.py`.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from omniprofile.credentials.file_store import FileStore
from omniprofile.model.export_mark import mark_of
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.model.variable_names import MARKER
from tests.conftest import CANARY, Cli

GOLDEN = Path(__file__).parent / "golden/resolution.txt"
RENEW = bool(os.environ.get("OMNIPROFILE_TEST_RENEW"))

PROFILES = """\
[settings]
allowed_hosts = ["bi.acme.example"]
[instances.acme]
base_url = "https://acme.omniapp.co"
[instances.local]
base_url = "http://127.0.0.1:8000"
allow_insecure = true

[profiles.prod]
instance = "acme"
key = { env = "KEY" }
[profiles.staging]
base_url = "https://staging.omniapp.co"
[profiles.browser]
instance = "acme"
auth = "oauth"
[profiles.nowhere]
[profiles.evil]
base_url = "https://omniapp.co.evil.example"
[profiles.plain]
base_url = "http://acme.omniapp.co"
[profiles.local]
base_url = "http://127.0.0.1:8000"
[profiles.a-b]
extends = "prod"
[profiles.a_b]
extends = "prod"
"""

LAYERED = """\
[settings]
allowed_hosts = ["bi.acme.example", "127.0.0.1"]
[instances.acme]
base_url = "https://acme.omniapp.co"
[instances.local]
base_url = "http://127.0.0.1:8000"
allow_insecure = true
[defaults]
base_url = "https://fallback.omniapp.co"
auth = "oauth"
key = { file = "/keys/fallback" }
protected = true
allow_insecure = false
expect = { org_role = "MEMBER", key_scope = "user" }
env = { OMNI_OUTPUT_FORMAT = "human", FROM_DEFAULTS = "1" }

[profiles.base]
description = "What all have in common"
instance = "local"
auth = "api-key"
key = { env = "BASE_KEY" }
expect = { user = "u-1", membership_id = "m-1" }
[profiles.base.env]
OMNI_OUTPUT_FORMAT = "csv"
FROM_BASE = "1"

[profiles.team]
extends = "base"
instance = "local"
protected = false

[profiles.own]
description = "Mine"
extends = "team"
base_url = "https://bi.acme.example"
key = { command = ["pass", "show", "omni"] }
expect = { user = "u-2", key_scope = "organization" }
[profiles.own.env]
OMNI_OUTPUT_FORMAT = "json"

[profiles.bare]
"""


@dataclass(frozen=True)
class Situation:
    """A command line with its files, state and environment."""

    line: str
    environ: Mapping[str, str] = field(default_factory=dict)
    profiles: str = PROFILES
    state: str | None = None
    pin: str | None = None
    stdin: str = ""
    before: Callable[[Cli], None] = lambda cli: None

    def run(self, cli: Cli) -> str:
        """Return what the terminal would show."""
        cli.profiles(self.profiles)
        shutil.rmtree(cli.state, ignore_errors=True)
        cli.state.unlink(missing_ok=True)
        cli.state.mkdir(mode=0o700)
        for path, content in ((cli.state / "active", self.state), (cli.work / ".omniprofile.toml", self.pin)):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_text(content, encoding="utf-8")
        self.before(cli)
        environ = {"OMNIPROFILE_SECRET_STORE": "file", **self.environ}
        ran = cli(*self.line.split(), env=environ, stdin=self.stdin, shows=True)
        shown = "".join(f"{name}={value} " for name, value in self.environ.items() if name != MARKER)
        text = f"$ {shown}omniprofile {self.line}\n{ran.out}{ran.err}exit {ran.status}"
        # `rename` has no JSON, and `token` none for its errors.
        if ran.status and not ran.out and not {"rename", "token"} & set(self.line.split()):
            told = json.loads(cli(*self.line.split(), "--json", env=environ, stdin=self.stdin).out)
            text += f", {told['error']['code']}"
        for long, short in ((str(cli.home), "~"), (str(cli.work), "WORK"), (CANARY, "omni_osk_…")):
            text = text.replace(long, short)
        return text + "\n\n"


def _stored(name: str, url: str, **more: Any) -> Callable[[Cli], None]:
    """Store a secret for that address."""

    def store(cli: Cli) -> None:
        secret = StoredSecret(Origin.parse(url), Secret("omni_osk_stored"), datetime.now(UTC) - timedelta(hours=1))
        FileStore(str(cli.state)).put(name, replace(secret, **more))

    return store


def _folder(cli: Cli) -> None:
    """Create a folder in place of the state file."""
    (cli.state / "active").mkdir()


def _file(cli: Cli) -> None:
    """Create a file in place of the state folder."""
    cli.state.rmdir()
    cli.state.touch()


def _folder_for_lock(cli: Cli) -> None:
    """Create a folder in place of the lock."""
    (cli.state / "active.lock").mkdir()


def _open(cli: Cli) -> None:
    """Let everybody write the state file."""
    (cli.state / "active").touch()
    (cli.state / "active").chmod(0o666)


def _open_folder(cli: Cli) -> None:
    """Let everybody write its folder."""
    (cli.state / "active").touch()
    _open_empty_folder(cli)


def _open_empty_folder(cli: Cli) -> None:
    """Let everybody write the folder in which it will be created."""
    cli.state.chmod(0o777)


VENDORS = {"OMNI_API_TOKEN": "omni_osk_v", "OMNI_BASE_URL": "https://other.omniapp.co"}
OTHER = "https://other.omniapp.co"
KEY = {"KEY": CANARY}
MANY = "".join(f'[profiles.p{number}]\nbase_url = "https://p{number}.omniapp.co"\n' for number in range(7))
ONE = '[profiles.one]\nbase_url = "https://one.omniapp.co"\n'
NO_ADDRESSES = (
    "acme.omniapp.co", "https://acme.omniapp.co/api", "ftp://acme.omniapp.co", "https://me:it@acme.omniapp.co", "a/b@c",
    "https://", "https://äcme.co", "https://acme.co.", "https://a_b.co", "https://-a.co", "https://127.1", "https://[::1", "https://[::1]:8]",
    "https://a.co:0",
)  # fmt: skip
NO_HOSTS = ("https://bi.acme.example/x", "https://[", "bi.acme.example:443", "*.acme.example", "bí.example")

SITUATIONS: Mapping[str, list[Situation]] = {
    "no profile, or none that is there": [
        Situation("token", profiles=""),
        Situation("token prod", profiles=""),
        Situation("token", profiles=MANY),
        Situation("token x9", profiles=MANY),
        Situation("token stagign"),
        Situation("token", {"OMNI_PROFILE": "Prod"}),
        Situation("token", pin='profile = "pord"\n'),
        Situation("token", state="stagin\n"),
        Situation("token", profiles='default = "gone"\n' + PROFILES),
        Situation("token my/prod"),
        Situation("token #"),
        Situation("token omni_osk_x"),
        Situation("explain", pin="profile = 1\n", state="staging\n"),
        Situation("explain", {"OMNI_PROFILE": "staging"}, pin="profile = 1\n", state="prod\n"),
    ],
    "an address that is none": [
        *(Situation(f"token prod --base-url {text}") for text in NO_ADDRESSES),
        *(Situation("token p1", profiles=f'[settings]\nallowed_hosts = ["{text}"]\n{MANY}') for text in NO_HOSTS),
        Situation("token prod", {"OMNI_PROFILE_PROD_BASE_URL": "acme"}),
        Situation("token", {"OMNI_BASE_URL": "acme/x"}, state="staging\n"),
    ],
    "no address, or one that may have no credential; no key that is one": [
        Situation("token nowhere"),
        Situation("token evil", {"OMNI_PROFILE_EVIL_TOKEN": "t"}),
        Situation("token plain"),
        Situation("token local"),
        Situation("token prod --base-url http://127.0.0.1:9", KEY),
        Situation("token prod"),
        Situation("token", {"OMNI_API_KEY": "a b"}, state="prod\n"),
    ],
    "a token and an address that do not belong together": [
        Situation(f"token prod --base-url {OTHER}", KEY),
        Situation("token prod", {**KEY, "OMNI_PROFILE_PROD_BASE_URL": OTHER}),
        Situation("token", {**KEY, "OMNI_BASE_URL": OTHER}, state="prod\n"),
        Situation("token", {"OMNI_PROFILE_PROD_TOKEN": "t", "OMNI_BASE_URL": OTHER}, state="prod\n"),
        Situation("token --token-file -", {"OMNI_BASE_URL": OTHER}, state="prod\n", stdin="t"),
        Situation("token", {**VENDORS, "OMNI_PROFILE_PROD_BASE_URL": "https://one.omniapp.co"}, state="prod\n"),
        Situation("token staging", before=_stored("staging", OTHER)),
        Situation(f"token staging --base-url {OTHER}", before=_stored("staging", "https://staging.omniapp.co")),
        Situation("explain staging", before=_stored("staging", OTHER)),
        Situation(f"token staging --base-url {OTHER}", before=_stored("staging", OTHER)),
    ],
    "what the store has, or has not": [
        Situation("token staging"),
        Situation("token browser"),
        Situation("token browser", before=_stored("browser", "https://acme.omniapp.co")),
        Situation("token staging", before=_stored("staging", "https://staging.omniapp.co", client_id="c")),
    ],
    "what is said beside the answer": [
        Situation("token", {"OMNI_API_TOKEN": "omni_osk_v"}, state="prod\n"),
        Situation("token", {"OMNI_PROFILE_PROD_TOKEN": "omni_osk_v"}, state="prod\n"),
        Situation("token", {"OMNI_API_KEY": "omni_osk_k", **VENDORS}, state="prod\n"),
        Situation("token prod", {**KEY, **VENDORS, "OMNI_API_KEY": "omni_osk_k"}),
        Situation("token a-b", {"OMNI_PROFILE_A_B_TOKEN": "t"}),
    ],
    "the active profile": [
        Situation("token", before=_folder),
        Situation("token", before=_open),
        Situation("token", before=_open_folder),
        Situation("use staging", before=_open_folder),
        Situation("use staging", before=_open_empty_folder),
        Situation("use staging", before=_folder),
        Situation("use staging", before=_file),
        Situation("use staging", before=_folder_for_lock),
        Situation("rename p0 other", profiles=MANY, state="p1\np0\n", before=_folder_for_lock),
        Situation("rename p0 other", profiles=MANY, state="p1\n", before=_folder_for_lock),
    ],
    "what explain knows": [
        Situation("explain own", {"BASE_KEY": CANARY}, LAYERED),
        Situation("explain team", {"BASE_KEY": CANARY}, LAYERED),
        Situation("explain bare", profiles=LAYERED),
        Situation("explain bare", profiles=LAYERED, before=_stored("bare", "https://fallback.omniapp.co", client_id="c")),
        Situation("explain nowhere"),
        Situation("explain", profiles=ONE),
        Situation("show a_b", KEY),
        Situation("explain", {**KEY, **VENDORS, "OMNI_API_KEY": "omni_pat_k"}, state="prod\n"),
        Situation("explain prod", {**KEY, **VENDORS, "OMNI_API_KEY": "omni_pat_k"}),
        Situation("explain", {**KEY, **VENDORS, MARKER: mark_of("staging", VENDORS, VENDORS["OMNI_BASE_URL"])}, state="prod\n"),
        Situation(
            f"explain --token-file - --base-url {OTHER}",
            {**KEY, **VENDORS, "OMNI_PROFILE_PROD_BASE_URL": "https://one.omniapp.co", "OMNI_PROFILE_PROD_TOKEN": "t"},
            state="prod\n",
            stdin="t",
        ),
    ],
}  # fmt: skip


def test_the_words_of_every_refusal_notice_and_explanation(cli: Cli) -> None:
    sections = []
    for title, situations in SITUATIONS.items():
        sections.append(f"## {title}\n\n")
        sections += [situation.run(cli) for situation in situations]
    text = "".join(sections)
    if RENEW:
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
