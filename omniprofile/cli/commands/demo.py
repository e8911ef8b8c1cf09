"""`omniprofile demo`: a tour with real commands against an embedded stand-in for Omni. It touches none of the user's files.

Here are its chapters; `cli.tour` runs and shows their commands.
"""

import argparse
import os
import shlex
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import sleep

import omniprofile
from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag
from omniprofile.cli.console import Console
from omniprofile.cli.tour import BUG, Tour
from omniprofile.config.paths import Places, find_places
from omniprofile.credentials.file_store import SECRETS_FILE
from omniprofile.errors import OperationFailed
from omniprofile.standin.relay import Relay
from omniprofile.standin.server import Standin
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.exit_words import exit_words
from omniprofile.system.files import make_private_folder
from omniprofile.system.foreign_access import real_path
from omniprofile.system.os_errors import reported_as
from omniprofile.system.user_lock import temporary_locks

_STAGING_KEY = "omni_osk_demo_staging_0123456789"
_PRODUCTION_KEY = "omni_osk_demo_production_9876543210"
_PRODUCTION, _STAGING = "acme.omniapp.co", "acme-staging.omniapp.co"
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
    return httpx.request(method, url, headers=headers, timeout=30).status_code

print("GET    /api/v1/models, by the gateway:", status("GET", gateway + "/api/v1/models"))
print("DELETE /api/v1/models/1, by the gateway:", status("DELETE", gateway + "/api/v1/models/1"))
print("GET    /api/v1/models, straight to Omni:", status("GET", omni + "/api/v1/models"))
"""

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
        production = stack.enter_context(Standin())
        staging = stack.enter_context(Standin())
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
        _show(Tour(console, home, variables, waits), places, production)


def _show(tour: Tour, places: Places, production: Standin) -> None:
    """Show all chapters."""
    tour.chapter("1. Profiles are a file without secrets. It is checked before anything uses it.")
    _write(places, "instnace")
    tour.step("lint", status=1, shows="did you mean `instance`?")
    _write(places, "instance")

    tour.chapter("2. A key is tried before it is stored, and then goes to the host it was stored for.")
    tour.step("login", "prod", stdin=_STAGING_KEY, status=8, only=("error",), shows="nothing was stored")
    tour.step("login", "prod", stdin=_PRODUCTION_KEY, only=("accepts",), shows="accepts the key")
    tour.step("login", "staging", stdin=_STAGING_KEY, only=("accepts",), shows="accepts the key")
    other = f"https://{_PRODUCTION}"
    tour.step("token", "staging", "--base-url", other, status=6, shows=other)

    tour.chapter("3. One word switches. What is protected has to be meant.")
    tour.step("use", "staging", shows="is now `staging`")
    tour.step("use", "prod", status=6, shows="is protected")
    tour.step("list", shows="present")

    tour.chapter("4. Every value says where it comes from, and what it overrides.")
    override = {"OMNI_PROFILE_STAGING_TOKEN": _STAGING_KEY}
    tour.step("explain", environ=override, only=("base_url ", "token ", "not "), shows="OMNI_PROFILE_STAGING_TOKEN")

    _session(tour, production)

    tour.chapter("6. An agent may read, and its token is of no use anywhere else.")
    Path(tour.home, "agent.py").write_text(_AGENT, encoding="utf-8")
    tour.step("exec", "agent", "--", Path(sys.executable).name, "agent.py", shows="straight to Omni: 401")

    tour.chapter("7. One look at all of them, and the end.")
    tour.step("test", "--all", shows="ok")
    tour.step("logout", "me", shows="were revoked")
    _refuse_stray_keys(tour.home, places)
    tour.console.give(
        "Every file was searched: no key lies outside the secret store. Nothing of yours was touched.\n"
        "Your own first profile: omniprofile init\n"
    )


def _session(tour: Tour, production: Standin) -> None:
    """Log in by OAuth, let the access token expire, and ask for it in several processes at once: only one refreshes it."""
    tour.chapter("5. A session stays fresh: here a program plays the browser, and 2 s pass for 8 hours.")
    browser = Path(tour.home, "browser.py")
    browser.write_text(_BROWSER, encoding="utf-8")
    tour.environ["BROWSER"] = f"{shlex.quote(Path(sys.executable).as_posix())} {browser.as_posix()} %s"
    production.oauth.lifetime = _LIFETIME
    tour.step("login", "me", only=("logged in",), shows="logged in to")
    sleep(_LIFETIME)
    production.oauth.expire_access_tokens()
    production.oauth.lifetime = 8 * 3600
    before = len(production.oauth.grants)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        results = set(pool.map(lambda _: tour.process("token", "me"), range(_AT_ONCE)))
    refreshes = len(production.oauth.grants) - before
    tour.command(f"omniprofile token me   # {_AT_ONCE} times at once, with an expired token")
    equal = f"{_AT_ONCE} equal tokens by one refresh"
    if [status for _, status in results] != [0] or refreshes != 1:
        ends = "; ".join(f"{text.strip() if end else 'a token'} ({exit_words(end)})" for text, end in results)
        what = f"the demo expected {equal}, but there were {refreshes} refreshes, and these ends: {ends}"
        raise OperationFailed(what, hint=BUG)
    tour.console.give(f"{equal}: a second use of a refresh token would end the session\n")


def _write(places: Places, instance: str) -> None:
    """Write the profile file. A misspelt `instance` makes it invalid."""
    make_private_folder(places.config_folder)  # regardless of the umask
    write_atomic(places.config_file, _PROFILES.replace("INSTANCE", instance).encode())


def _refuse_stray_keys(home: str, places: Places) -> None:
    """Raise OperationFailed if a key is in any file of the temporary home other than the secret store's."""
    keys = (_STAGING_KEY.encode(), _PRODUCTION_KEY.encode(), b"omni_oat_", b"omni_ort_")
    store = Path(places.state_folder, SECRETS_FILE)
    for path in Path(home).rglob("*"):
        if path.is_file() and path != store and any(key in path.read_bytes() for key in keys):
            raise OperationFailed(f"the demo found a key in `{path}`")
