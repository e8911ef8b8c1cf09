"""`omniprofile demo`: a tour with real commands against an embedded stand-in for Omni. It touches none of the user's files.

Each command runs as its own process in a temporary home, as a user would run it. Its output is shown unchanged, except for `~`
for that home. A command that does not do what the tour expects ends it with OperationFailed.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import NamedTuple

import omniprofile
from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag
from omniprofile.cli.console import Console
from omniprofile.config.paths import Places, find_places
from omniprofile.credentials.file_store import SECRETS_FILE
from omniprofile.errors import OperationFailed
from omniprofile.standin.relay import Relay, tls
from omniprofile.standin.server import Standin
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.exit_status import exit_words
from omniprofile.system.files import make_private_folder
from omniprofile.system.foreign_access import real_path
from omniprofile.system.os_errors import reported_as
from omniprofile.system.user_lock import temporary_locks

_STAGING_KEY = "omni_osk_demo_staging_0123456789"
_PRODUCTION_KEY = "omni_osk_demo_production_9876543210"
_PRODUCTION, _STAGING = "acme.omniapp.co", "acme-staging.omniapp.co"
_SECONDS_EACH = 60
_AT_ONCE = 5
_LIFETIME = 2
"""Lifetime of the access token in seconds: longer than the login takes, and short enough to wait for."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
"""The only variables of the user's that may affect the tour."""

_PROFILES = f"""\
version = 1

[instances.acme]
base_url = "https://{_PRODUCTION}"
[instances.acme-staging]
base_url = "https://{_STAGING}"

[profiles.prod]
description = "Production"
instance = "acme"
protected = true

[profiles.staging]
description = "Staging"
INSTANCE = "acme-staging"

[profiles.me]
description = "Production, as myself"
instance = "acme"
auth = "oauth"

[profiles.agent]
extends = "staging"
description = "For an agent: reads only"
access = "read-only"
key = {{ env = "STAGING_KEY" }}
"""

_BROWSER = """\
import sys, urllib.request
page = urllib.request.Request(sys.argv[1], headers={"Sec-Fetch-Mode": "navigate"})
urllib.request.urlopen(page, timeout=30).read()
"""
"""Acts as the browser of a user who is logged in to Omni and clicks Authorize."""

_AGENT = """\
import os, httpx

gateway, omni = os.environ["OMNI_BASE_URL"], "https://acme-staging.omniapp.co"
headers = {"Authorization": "Bearer " + os.environ["OMNI_API_TOKEN"]}

def status(method, url):
    return httpx.request(method, url, headers=headers).status_code

print("GET    /api/v1/models, by the gateway:", status("GET", gateway + "/api/v1/models"))
print("DELETE /api/v1/models/1, by the gateway:", status("DELETE", gateway + "/api/v1/models/1"))
print("GET    /api/v1/models, straight to Omni:", status("GET", omni + "/api/v1/models"))
"""
_BUG = "this is a bug in omniprofile, or something on this machine keeps it from working"

HELP = Help(
    description="Runs the everyday commands against stand-ins of Omni on this machine, in a temporary home. It needs no "
    "account, leaves your own files alone, and takes ten seconds.",
    examples=(
        ("omniprofile demo", "the tour, chapter by chapter"),
        ("omniprofile demo --no-pause", "all of it at once"),
    ),
    exits=((0, "everything did what it should"), (1, "something did not")),
    see=("init",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_flag(parser, "--no-pause", "do not wait for Enter between the chapters, on a terminal")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    with ExitStack() as stack:
        what = "the demo needs a temporary folder that can be written"
        with reported_as(OperationFailed, what, "set `TMPDIR` to one"):
            home = real_path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omniprofile-demo-")))
        stack.enter_context(temporary_locks(app.lock_folders))
        production = stack.enter_context(Standin(tls=tls()))
        staging = stack.enter_context(Standin(tls=tls()))
        relay = stack.enter_context(Relay({_PRODUCTION: production, _STAGING: staging}))
        production.add_key(_PRODUCTION_KEY, role="ORG_ADMIN")
        production.oauth.user = "you"
        staging.add_key(_STAGING_KEY, role="MEMBER")
        variables = {name: value for name, value in app.environment.environ.items() if name in _PASSED_ON} | {
            "HOME": home,
            "USERPROFILE": home,
            "APPDATA": os.path.join(home, "config"),
            "LOCALAPPDATA": os.path.join(home, "local"),
            "PYTHONPATH": str(Path(omniprofile.__file__).absolute().parents[1]),
            "OMNIPROFILE_SECRET_STORE": "file",
            "STAGING_KEY": _STAGING_KEY,
            "FORCE_COLOR": "1" if console.style.on else "",
            **relay.environ,
        }
        places = find_places(platform=sys.platform, environ=variables, cwd=home, user_home=lambda: home)
        waits = console.interactive and console.shows_data and not args.no_pause
        _Tour(console, home, variables, places, waits).run(production)


class _Tour(NamedTuple):
    """The chapters of the tour on `console`. If `waits`, it waits for Enter between them."""

    console: Console
    home: str
    environ: dict[str, str]
    places: Places
    waits: bool

    def run(self, production: Standin) -> None:
        self.chapter("1. Profiles are a file without secrets. It is checked before anything uses it.")
        self.write("instnace")
        self.step("lint", status=1, shows="did you mean `instance`?")
        self.write("instance")

        self.chapter("2. A key is tried before it is stored, and then goes to the host it was stored for.")
        self.step("login", "prod", stdin=_STAGING_KEY, status=8, only=("error",), shows="nothing was stored")
        self.step("login", "prod", stdin=_PRODUCTION_KEY, only=("accepts",), shows="accepts the key")
        self.step("login", "staging", stdin=_STAGING_KEY, only=("accepts",), shows="accepts the key")
        other = f"https://{_PRODUCTION}"
        self.step("token", "staging", "--base-url", other, status=6, shows=other)

        self.chapter("3. One word switches. What is protected has to be meant.")
        self.step("use", "staging", shows="is now `staging`")
        self.step("use", "prod", status=6, shows="is protected")
        self.step("list", shows="present")

        self.chapter("4. Every value says where it comes from, and what it overrides.")
        override = {"OMNI_PROFILE_STAGING_TOKEN": _STAGING_KEY}
        self.step("explain", environ=override, only=("base_url ", "token ", "not "), shows="OMNI_PROFILE_STAGING_TOKEN")

        self.session(production)

        self.chapter("6. An agent may read, and its token is of no use anywhere else.")
        Path(self.home, "agent.py").write_text(_AGENT, encoding="utf-8")
        self.step("exec", "agent", "--", Path(sys.executable).name, "agent.py", shows="straight to Omni: 401")

        self.chapter("7. One look at all of them, and the end.")
        self.step("test", "--all", shows="ok")
        self.step("logout", "me", shows="were revoked")
        self.secrets_lie_only_in_the_store()
        self.console.give(
            "Every file was searched: no key lies outside the secret store. Nothing of yours was touched.\n"
            "Your own first profile: omniprofile init\n"
        )

    def chapter(self, title: str) -> None:
        """Start a chapter, once the user has read the previous one."""
        if self.waits and not title.startswith("1."):
            self.console.ask("\nEnter goes on, Ctrl-C ends the tour ")
        self.console.data("\n" + self.console.style("bold", title) + "\n")

    def command(self, line: str) -> None:
        style = self.console.style
        self.console.data(f"{style('green', '$')} {style('bold', line)}\n")

    def session(self, production: Standin) -> None:
        """Log in by OAuth, let the access token expire, and ask for it in several processes at once: only one refreshes it."""
        self.chapter("5. A session stays fresh: here a program plays the browser, and 2 s pass for 8 hours.")
        browser = Path(self.home, "browser.py")
        browser.write_text(_BROWSER, encoding="utf-8")
        self.environ["BROWSER"] = f"{shlex.quote(Path(sys.executable).as_posix())} {browser.as_posix()} %s"
        production.oauth.lifetime = _LIFETIME
        self.step("login", "me", only=("logged in",), shows="logged in to")
        sleep(_LIFETIME)
        production.oauth.expire_access_tokens()
        production.oauth.lifetime = 8 * 3600
        before = len(production.oauth.grants)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = set(pool.map(lambda _: self.process("token", "me"), range(_AT_ONCE)))
        refreshes = len(production.oauth.grants) - before
        self.command(f"omniprofile token me   # {_AT_ONCE} times at once, with an expired token")
        equal = f"{_AT_ONCE} equal tokens by one refresh"
        if [status for _, status in results] != [0] or refreshes != 1:
            ends = "; ".join(f"{text.strip() if end else 'a token'} ({exit_words(end)})" for text, end in results)
            what = f"the demo expected {equal}, but there were {refreshes} refreshes, and these ends: {ends}"
            raise OperationFailed(what, hint=_BUG)
        self.console.give(f"{equal}: a second use of a refresh token would end the session\n")

    def write(self, instance: str) -> None:
        """Write the profile file. A misspelt `instance` makes it invalid."""
        make_private_folder(self.places.config_folder)  # regardless of the umask
        write_atomic(self.places.config_file, _PROFILES.replace("INSTANCE", instance).encode())

    def step(
        self,
        *argv: str,
        stdin: str = "",
        status: int = 0,
        shows: str = "",
        only: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Run one command and show it with its output, or with `only` the lines that contain one of these words.

        It must exit with `status`, and its output must contain `shows`.
        """
        variables = "".join(f"{name}=… " for name in environ or {})
        piped = "printf %s … | " if stdin else ""
        self.command(f"{piped}{variables}omniprofile {' '.join(argv)}")
        text, ended = self.process(*argv, stdin=stdin, environ=environ)
        lines = [line for line in text.splitlines() if not only or any(word in line for word in only)]
        self.console.give("".join(f"{line}\n" for line in lines))
        if ended != status or shows not in text:
            expected = f"end with {status}" + (f" and to say `{shows}`" if shows else "")
            said = "; ".join(text.splitlines())
            what = f"the demo expected `omniprofile {argv[0]}` to {expected}, but it {exit_words(ended)}: {said}"
            raise OperationFailed(what, hint=_BUG)

    def process(self, *argv: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> tuple[str, int]:
        """Run the command without a terminal; return its combined stdout and stderr, and its exit status."""
        path = os.pathsep.join([os.path.dirname(sys.executable), self.environ.get("PATH", "")])
        try:
            done = subprocess.run(
                [sys.executable, "-m", "omniprofile", *argv],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env={**self.environ, "PATH": path, **(environ or {})},
                cwd=self.home,
                timeout=_SECONDS_EACH,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise OperationFailed(f"`omniprofile {argv[0]}` did not end in {_SECONDS_EACH} s") from problem
        return done.stdout.replace(self.home, "~"), done.returncode

    def secrets_lie_only_in_the_store(self) -> None:
        """Raise OperationFailed if a key is in any file of the temporary home other than the secret store's."""
        keys = (_STAGING_KEY.encode(), _PRODUCTION_KEY.encode(), b"omni_oat_", b"omni_ort_")
        store = Path(self.places.state_folder, SECRETS_FILE)
        for path in Path(self.home).rglob("*"):
            if path.is_file() and path != store and any(key in path.read_bytes() for key in keys):
                raise OperationFailed(f"the demo found a key in `{path}`")
