"""Every command that writes, with a failure and with a kill at every write: files are old or new, never half-written.

The real program runs under strace(1), which makes the Nth call of one kind fail with an error of the kernel's, or kills the
process there. Afterwards the same command is run again without a fault, and must reach the same state as an undisturbed run.

A run of the tests takes a sample; `OMNIPROFILE_TEST_SWEEP=all` takes every call of every verb.
"""

import json
import os
import random
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from omniprofile.config.loader import load
from tests import warm
from tests.conftest import CANARY
from tests.programs import run_program
from tests.sampling import WHOLE, sample
from tests.standin import Standin

ERRORS = ("ENOSPC", "EIO", "EROFS", "EACCES")
CALLS = ("write", "fsync", "rename", "mkdir", "fchmod", "unlink", "flock", "ftruncate")
ERRORS_IN_SAMPLE, KILLS_IN_SAMPLE = 2, 1
STATUSES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
KEY, OTHER_KEY = CANARY + "K", CANARY + "O"

pytestmark = pytest.mark.skipif(
    not shutil.which("strace") and not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL"), reason="strace is not installed"
)


@dataclass(frozen=True)
class Verb:
    """A command line that writes, with its standard input."""

    argv: tuple[str, ...]
    stdin: str = ""
    prepare: Callable[[Path], None] = field(default=lambda _: None)


def _vendor(home: Path) -> None:
    path = home / ".config/omni-cli/config.json"
    path.parent.mkdir(parents=True)
    profile = {"apiEndpoint": "https://vendor.omniapp.co", "authMethod": "api-key", "apiKey": OTHER_KEY}
    path.write_text(json.dumps({"version": 1, "defaultProfile": "v", "profiles": {"v": profile}}))
    path.chmod(0o600)


def _described(home: Path) -> None:
    file = home / ".config/omniprofile/profiles.toml"
    file.write_text(file.read_text() + 'description = "to go" # with this\n')


def _mendable(home: Path) -> None:
    file = home / ".config/omniprofile/profiles.toml"
    file.write_text(file.read_text().replace("[profiles.staging]", "[profiles.staging] # omniprofile: ignore[OP206]"))


def _edited(home: Path) -> None:
    script = home / "editor"
    script.write_text('#!/bin/sh\ngrep -q edited "$1" || echo \'# edited\' >> "$1"\n')
    script.chmod(0o755)


def _orphaned(home: Path) -> None:
    file = home / ".local/state/omniprofile/secrets.json"
    data = json.loads(file.read_text())
    (entry,) = [entry for name, entry in data["secrets"].items() if name.startswith("prod@")]
    account = entry["account"].replace("prod@", "gone@")
    stored_by = [str(home / ".config/omniprofile/profiles.toml")]  # another file's secret would remain
    data["secrets"][account] = {**entry, "account": account, "files": stored_by}
    file.write_text(json.dumps(data))


def _dotenv(home: Path) -> None:
    (home / ".env").write_text(f"OMNI_BASE_URL=https://dotenv.omniapp.co\nOMNI_API_TOKEN={OTHER_KEY}\nX=1\n")
    (home / ".env").chmod(0o600)


VERBS = {
    "use": Verb(("use", "staging")),
    "login": Verb(("login", "staging"), OTHER_KEY),
    "logout": Verb(("logout", "prod")),
    "init": Verb(("init", "--name", "new", "--base-url", "https://new.omniapp.co", "--no-login")),
    "import": Verb(("import", "omni-cli"), prepare=_vendor),
    "add": Verb(("add", "new", "--base-url", "https://new.omniapp.co")),
    "set": Verb(("set", "prod", "description", "mine")),
    "unset": Verb(("unset", "staging", "description"), prepare=_described),
    "rename": Verb(("rename", "prod", "production")),
    "remove": Verb(("remove", "prod", "--yes")),
    "scrub": Verb(("import", "omni-cli", "--scrub"), prepare=_vendor),
    "dotenv": Verb(("import", "dotenv", "--scrub"), prepare=_dotenv),
    "fix": Verb(("lint", "--fix"), prepare=_mendable),
    "edit": Verb(("edit",), prepare=_edited),
    "prune": Verb(("doctor", "--offline", "--prune", "--yes"), prepare=_orphaned),
    "export": Verb(("export", "omni-cli", "--with-secrets", "-p", "prod"), prepare=_vendor),
}


@dataclass(frozen=True)
class World:
    """The initial home, and its copies for the runs."""

    template: Path
    folder: Path

    def prepared(self, verb: Verb) -> dict[str, object]:
        """The state before the command runs."""
        home = self.folder / "prepared"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self.template, home)
        verb.prepare(home)
        return Run(home, 0, "", "", hit=False).state()

    def run(self, verb: Verb, name: str, fault: str | None = None, *, again: Path | None = None) -> "Run":
        """Run the command in a copy of the home, or `again` in the home of an earlier run."""
        home = again or self.folder / name
        if again is None:
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(self.template, home)
            verb.prepare(home)
        environ = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "OMNIPROFILE_SECRET_STORE": "file",
            "EDITOR": str(home / "editor"),
            "PYTHONDONTWRITEBYTECODE": "1",  # the interpreter's files are not under test
        }
        if fault is None:
            ran = warm.run(*verb.argv, stdin=verb.stdin, env=environ, cwd=home)
            return Run(home, ran.returncode, ran.stdout, ran.stderr, hit=False)
        log, call = self.folder / "log", fault.partition(":")[0]
        ran = run_program(["strace", "-f", "--seccomp-bpf", "-qq", "-o", log, "-e", f"trace={call}", "-e", f"inject={fault}",
             *warm.PROGRAM, *verb.argv], input=verb.stdin, env=environ, cwd=home)  # fmt: skip
        hit = "INJECTED" in log.read_text() or "SIGKILL" in log.read_text()
        return Run(home, ran.returncode, ran.stdout, ran.stderr, hit)


@dataclass(frozen=True)
class Run:
    """The result of a run, and whether the fault occurred."""

    home: Path
    status: int
    out: str
    err: str
    hit: bool

    def state(self) -> dict[str, object]:
        """Return a home's profiles, active profile, secrets (without times) and modes."""
        found: dict[str, object] = {}
        for path in sorted(self.home.rglob("*")):
            name = str(path.relative_to(self.home))
            if not path.is_file() or "/.cache/" in f"/{name}" or name.endswith((".lock", ".tmp")):
                continue
            if "/drafts/" in name:  # a draft that `edit` could not save, whose place it prints
                continue
            text = path.read_text()
            if path.name in ("secrets.json", "config.json") or ".backup" in name:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, name
            if path.name == "secrets.json":
                secrets = json.loads(text)["secrets"]
                found[name] = {account.partition("@")[0]: entry["token"] for account, entry in secrets.items()}
            elif path.name == "stored.json":
                json.loads(text)
            elif path.name == "audit.jsonl":  # a line may be lost, but never half-written
                assert all(json.loads(line)["how"] for line in text.splitlines())
                assert not text or text.endswith("\n")
            elif "backup" in name or ".bak" in name:
                found["a backup"] = text
            else:
                found[name] = text
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two profiles, one active, one with a stored key; the instance accepts both keys."""
    folder = tmp_path_factory.mktemp("faults")
    with Standin() as omni:
        omni.switches.rate_limit = 1_000_000  # a whole sweep logs in more than 60 times a minute
        omni.add_key(KEY)
        omni.add_key(OTHER_KEY)
        template = folder / "template"
        config = template / ".config/omniprofile/profiles.toml"
        config.parent.mkdir(parents=True)
        place = f'base_url = "{omni.base_url}"\nallow_insecure = true\n'
        config.write_text(f"# mine\nversion = 1\n\n[profiles.prod] # first\n{place}\n[profiles.staging]\n{place}")
        made = World(template, folder)
        template_run = Run(template, 0, "", "", hit=False)
        for verb in (Verb(("login", "prod"), KEY), Verb(("use", "prod"))):
            assert made.run(verb, "template", again=template).status == 0
        assert template_run.state()[".local/state/omniprofile/active"] == "prod\n\n"
        yield made


def _sweep(world: World, verb: Verb) -> int:
    """Run the command with one fault at a time, at every call or a sample; return how many faults occurred."""
    chance = random.Random(str(verb.argv))
    undisturbed = world.run(verb, "undisturbed")
    assert undisturbed.status == 0, undisturbed.err
    wanted = undisturbed.state()
    assert wanted != world.prepared(verb), "nothing is written"
    world.run(verb, "counted", f"{','.join(CALLS)}:delay_enter=1:when=1")
    log = (world.folder / "log").read_text()
    # Without the attempts to get a lock that another test's process holds just now: the next run may make none.
    calls = [line for line in log.splitlines() if "EAGAIN" not in line]
    counts = {call: sum(f" {call}(" in line for line in calls) for call in CALLS}
    places = [f"{call}:{{}}:when={number}" for call, count in counts.items() for number in range(1, count + 1)]
    errors = [place.format(f"error={error}") for place in places for error in ERRORS]
    kills = [place.format("signal=KILL") for place in places]
    faults = (
        [*errors, *kills]
        if WHOLE
        else [*chance.sample(errors, ERRORS_IN_SAMPLE), *chance.sample(kills, KILLS_IN_SAMPLE)]
    )
    met = 0
    for fault in faults:
        run = world.run(verb, "faulted", fault)
        if not run.hit:
            continue
        met += 1
        try:
            if "error=" in fault:
                _failed_well(run)
            _whole(run)
            again = world.run(verb, "faulted", again=run.home)
            assert again.state() == wanted, f"the second run ended with {again.status}: {again.err}"
            assert not [path for path in run.home.rglob("*.tmp") if CANARY.encode() in path.read_bytes()], (
                "a secret is left over"
            )
        except AssertionError as problem:
            raise AssertionError(
                f"{fault} in {verb.argv}: exit {run.status}\n{run.out}{run.err}\n{problem}"
            ) from problem
    print(f"{' '.join(verb.argv)}: {met} faults")
    return met


def _whole(run: Run) -> None:
    """Check that every file parses and contains only values from before or after the command."""
    run.state()
    config = load([str(run.home / ".config/omniprofile/profiles.toml")], home=str(run.home)).config
    active = (run.home / ".local/state/omniprofile/active").read_text().split("\n")
    assert len(active) == 3
    if not list(run.home.rglob("unfinished*")):  # `doctor` names it, and the second run completes it
        assert set(active[:2]) - {""} <= set(config.profiles)


def _failed_well(run: Run) -> None:
    assert run.status in STATUSES, "killed"
    assert "Traceback" not in run.err
    assert "this is a bug" not in run.err
    assert CANARY not in run.out + run.err
    if run.status:
        said = "omniprofile: error: " in run.err or "\nproblem  " in run.out  # as `doctor` advises
        assert said or not run.err, "a failure says so, unless stderr itself failed"


@pytest.mark.parametrize("name", sample(VERBS, 6, "verbs"))
def test_a_write_that_fails_or_a_kill_leaves_the_old_or_the_new(world: World, name: str) -> None:
    assert _sweep(world, VERBS[name]), "no fault was met"
