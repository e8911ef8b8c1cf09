"""A tour with real commands against an embedded stand-in of Omni, in a temporary home, touching nothing of the user's.

Every command is a process of its own, as a user would run it, and its output is shown as it came. The tour knows what each
command must do; one that does something else ends it with CheckFailed.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import sleep

from omniprofile.config.paths import find_places
from omniprofile.credentials.secrets_file import SECRETS_FILE
from omniprofile.errors import CheckFailed
from omniprofile.standin.server import Standin
from omniprofile.system.files import make_private_folder, reason, write_atomic

Say = Callable[[str], None]
"""Shows a piece of text to the person."""

_STAGING_KEY = "omni_osk_demo_staging_0123456789"
_PRODUCTION_KEY = "omni_osk_demo_production_9876543210"
_SECONDS_EACH = 60
_AT_ONCE = 5
_LIFETIME = 2
"""Seconds that the access token lives: the login is over by then, and nobody waits for long."""
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")

_PROFILES = """\
version = 1

[instances.acme]
base_url = "{production}"
# Plain http: only a loopback address may, and lint warns of it unless a line says that it is meant.
allow_insecure = true  # omniprofile: ignore[OP304]
[instances.acme-staging]
base_url = "{staging}"
allow_insecure = true  # omniprofile: ignore[OP304]

[profiles.prod]
description = "Production"
instance = "acme"
protected = true
expect = {{ org_role = "ORG_ADMIN" }}

[profiles.staging]
description = "Staging"
{instance} = "acme-staging"
env = {{ OMNI_OUTPUT_FORMAT = "json" }}

[profiles.me]
description = "Production, as myself"
instance = "acme"
auth = "oauth"
expect = {{ user = "you" }}
"""

_BROWSER = """\
import sys, urllib.request
page = urllib.request.Request(sys.argv[1], headers={"Sec-Fetch-Mode": "navigate"})
urllib.request.urlopen(page, timeout=30).read()
"""
"""Plays the browser of somebody who is logged in to Omni, and clicks Authorize."""

_PROGRAM = """\
import json, os, urllib.request
request = urllib.request.Request(
    os.environ["OMNI_BASE_URL"] + "/api/v1/whoami", headers={"Authorization": "Bearer " + os.environ["OMNI_API_TOKEN"]}
)
with urllib.request.urlopen(request) as answer:
    who = json.load(answer)
print("I am", who["orgRole"], "at", os.environ["OMNI_BASE_URL"], "with profile", os.environ["OMNI_PROFILE"])
"""


def run(say: Say, environ: Mapping[str, str]) -> None:
    """Show the tour. Raises CheckFailed when a command does not do what it must."""
    with ExitStack() as stack:
        try:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="omniprofile-demo-"))
        except OSError as problem:
            raise CheckFailed(
                f"the demo needs a temporary folder that can be written: {reason(problem)}", hint="set `TMPDIR` to one"
            ) from problem
        production = stack.enter_context(Standin())
        staging = stack.enter_context(Standin())
        production.add_key(_PRODUCTION_KEY, role="ORG_ADMIN")
        production.oauth.user = "you"
        staging.add_key(_STAGING_KEY, role="MEMBER")
        _Tour(say, home, _environment(home, environ)).run(production, staging)


def _environment(home: str, environ: Mapping[str, str]) -> dict[str, str]:
    """A clean environment with `home` as its home: no variable of the user's can steer the tour."""
    clean = {name: environ[name] for name in _PASSED_ON if name in environ}
    places = {"HOME": "", "USERPROFILE": "", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}
    places |= {"XDG_CACHE_HOME": "cache", "APPDATA": "config", "LOCALAPPDATA": "local"}
    clean |= {name: os.path.join(home, folder) if folder else home for name, folder in places.items()}
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    clean |= {"PYTHONPATH": package, "OMNIPROFILE_SECRET_STORE": "file", "NO_PROXY": "127.0.0.1,localhost,::1"}
    return clean


@dataclass
class _Tour:
    say: Say
    home: str
    environ: dict[str, str]

    def run(self, production: Standin, staging: Standin) -> None:
        self.say(
            "Two instances of Omni run on this machine until the tour ends. Everything lies in a temporary home.\n"
        )

        self.say(
            "\n1. Profiles are a file that you write, or let `omniprofile init` write. This one has a mistake.\n\n"
        )
        self.write(production, staging, "instnace")
        self.step("lint", status=1, shows="did you mean `instance`?")
        self.write(production, staging, "instance")
        self.step("lint")

        self.say(
            "\n2. Keys go into a secret store, never into the file: here a file of mode 0600, as the tour asked for it.\n"
        )
        self.say("   A key is stored only when its instance accepts it, for that instance alone.\n\n")
        self.step("login", "prod", stdin=_STAGING_KEY, status=8, shows="nothing was stored")
        self.step("login", "prod", stdin=_PRODUCTION_KEY, shows="accepts the key")
        self.step("login", "staging", stdin=_STAGING_KEY, shows="accepts the key")

        self.say("\n3. One profile is in use. A protected one must be meant.\n\n")
        self.step("use", "staging", shows="is now `staging`")
        self.step("use", "prod", status=6, shows="is protected")
        self.step("list", shows="present")
        self.step("use", "stagin", status=5, shows="did you mean `staging`?")

        self.say("\n4. Where does a value come from, and what does it override?\n\n")
        override = {"OMNI_PROFILE_STAGING_TOKEN": _STAGING_KEY}
        self.step("explain", environ=override, shows="OMNI_PROFILE_STAGING_TOKEN")

        self.say("\n5. A key never goes to another host than its own.\n\n")
        self.step("token", "staging", "--base-url", production.base_url, status=6, shows=production.base_url)

        self.say("\n6. A program gets the credential in its environment, and no rival to it.\n\n")
        program = os.path.join(self.home, "report.py")
        with open(program, "w", encoding="utf-8") as file:
            file.write(_PROGRAM)
        python = [os.path.basename(sys.executable), "report.py"]
        self.step("exec", "staging", "--", *python, shows=f"I am MEMBER at {staging.base_url}")

        self.say("\n7. Do the credentials work? And when a key is revoked?\n\n")
        self.step("test", "prod", "staging", shows="ORG_ADMIN")
        staging.revoke(_STAGING_KEY)
        self.step("test", "staging", status=8, shows="invalid")

        self.session(production)

        self.say("\n9. The end of a key, and of a session.\n\n")
        self.step("logout", "staging", shows="is deleted")
        self.step("logout", "me", shows="are revoked")
        self.secrets_lie_only_in_the_store()
        self.say("\nThat was all of it, and nothing of yours was touched. Your own start: omniprofile init\n")

    def session(self, production: Standin) -> None:
        """Log in by OAuth, let the access token expire, and refresh it by several processes at once."""
        self.say("\n8. A login of your own, by OAuth. Here a program plays the browser, and clicks Authorize.\n\n")
        browser = os.path.join(self.home, "browser.py")
        with open(browser, "w", encoding="utf-8") as file:
            file.write(_BROWSER)
        self.environ["BROWSER"] = (
            f"{shlex.quote(sys.executable.replace(os.sep, '/'))} {browser.replace(os.sep, '/')} %s"
        )
        production.oauth.lifetime = _LIFETIME
        self.step("login", "me", shows="logged in to")
        self.say("\n   Its access token lives for two seconds here, in place of eight hours.\n\n")
        sleep(_LIFETIME)
        production.oauth.expire_access_tokens()
        production.oauth.lifetime = 8 * 3600
        self.step("list", shows="refreshed on use")
        self.together(production)
        self.step("test", "me", shows="you")

    def together(self, production: Standin) -> None:
        """Ask for the token in several processes at once: one of them refreshes the session, all get the new token."""
        from concurrent.futures import ThreadPoolExecutor

        before = len(production.oauth.grants)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            results = list(pool.map(lambda _: self.process(("token", "me"), "", {}), range(_AT_ONCE)))
        refreshes = len(production.oauth.grants) - before
        self.say(f"$ omniprofile token me   # {_AT_ONCE} times at once\n")
        self.say(
            f"  {_AT_ONCE} equal tokens by {refreshes} refresh: a refresh token is good once, a second use ends the session\n"
        )
        if len(set(results)) != 1 or results[0][1] != 0 or refreshes != 1:
            raise CheckFailed(
                f"the demo expected {_AT_ONCE} equal tokens by one refresh, but there were {refreshes} refreshes",
                hint="this is a bug in omniprofile, or something on this machine keeps it from working",
            )

    def write(self, production: Standin, staging: Standin, instance: str) -> None:
        """Write the profile file, with a mistake if `instance` is misspelt."""
        folder = os.path.join(self.home, "config", "omniprofile")
        make_private_folder(folder)  # whatever the umask is
        text = _PROFILES.format(production=production.base_url, staging=staging.base_url, instance=instance)
        write_atomic(os.path.join(folder, "profiles.toml"), text.encode())

    def step(
        self, *argv: str, stdin: str = "", status: int = 0, shows: str = "", environ: Mapping[str, str] | None = None
    ) -> None:
        """Run one command and show it with its output; it must end with `status` and its output must hold `shows`."""
        variables = "".join(f"{name}=… " for name in environ or {})
        piped = "printf %s … | " if stdin else ""
        self.say(f"$ {piped}{variables}omniprofile {' '.join(argv)}\n")
        text, ended = self.process(argv, stdin, environ or {})
        self.say(text if not text or text.endswith("\n") else text + "\n")
        if ended:
            self.say(f"  (exit {ended})\n")
        if ended != status or shows not in text:
            raise CheckFailed(
                f"the demo expected `omniprofile {argv[0]}` to end with {status}"
                + (f" and to say `{shows}`" if shows else "")
                + f", but it ended with {ended}",
                hint="this is a bug in omniprofile, or something on this machine keeps it from working",
            )

    def process(self, argv: Sequence[str], stdin: str, environ: Mapping[str, str]) -> tuple[str, int]:
        """Run the command as a process with no terminal; its stdout and stderr as one text, and its exit status."""
        path = os.pathsep.join([os.path.dirname(sys.executable), self.environ.get("PATH", "")])
        try:
            done = subprocess.run(
                [sys.executable, "-m", "omniprofile", *argv],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env={**self.environ, "PATH": path, **environ},
                cwd=self.home,
                timeout=_SECONDS_EACH,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise CheckFailed(f"`omniprofile {argv[0]}` did not end in {_SECONDS_EACH} s") from problem
        return done.stdout, done.returncode

    def secrets_lie_only_in_the_store(self) -> None:
        """Look into every file of the temporary home: a key may lie in the secret store's file alone."""
        places = find_places(platform=sys.platform, environ=self.environ, cwd=self.home, user_home=lambda: self.home)
        store = os.path.join(places.state_folder, SECRETS_FILE)
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    content = file.read()
                keys = (_STAGING_KEY.encode(), _PRODUCTION_KEY.encode(), b"omni_oat_", b"omni_ort_")
                if path != store and any(key in content for key in keys):
                    raise CheckFailed(f"the demo found a key in `{path}`")
        self.say("\nEvery file of the temporary home was searched: no key lies outside the secret store.\n")
