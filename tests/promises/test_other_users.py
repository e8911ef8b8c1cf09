"""Two real users of one machine: the attacker can read nothing of the victim's, and the victim accepts nothing planted.

Root becomes either user. The victim may also read everything, because the tree under test may be in a private folder, but
owns only its home. The attacker has no privileges, only the system's tools.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import warm
from tests.programs import run_program
from tests.sampling import sample
from tests.users import another_user
from tests.waiting import PATIENCE, without_waiting

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"),
    reason="only root can become two users",
)
READS = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
KEY = "omni_osk_0n1y" + "x" * 24
"""Of these tests alone: others give theirs to programs as an argument, and the attacker reads the arguments of all here."""
MINE = 'version = 1\ndefault = "a"\n[profiles.a]\nbase_url = "https://a.omniapp.co"\n'
LOOT = """
find "$1" -type f -exec cat {} + 2>/dev/null
find /tmp /var/tmp /dev/shm /run -user "$2" -type f -exec cat {} + 2>/dev/null
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/net/unix 2>/dev/null
find "$1" 2>/dev/null
true
"""
"""A script that reads everything it can of the victim's: `$1` is the home, `$2` the user."""


@dataclass(frozen=True)
class Machine:
    """A folder that both can reach, with the victim's home and a shared folder."""

    folder: Path
    victim: int
    attacker: int

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def shared(self) -> Path:
        return self.folder / "shared"

    @property
    def become(self) -> tuple[str, ...]:
        """The prefix that runs a command as the victim."""
        return ("setpriv", f"--reuid={self.victim}", f"--regid={self.victim}", "--clear-groups", *READS)

    @property
    def environ(self) -> dict[str, str]:
        """The victim's variables."""
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "OMNIPROFILE_SECRET_STORE": "file"}

    def run(self, *argv: str, stdin: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
        """Run the program as the victim."""
        return self.run_in(self.home, *argv, stdin=stdin, **env)

    def run_in(self, cwd: Path, /, *argv: str, stdin: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
        """Run the program as the victim, in a folder."""
        ran = warm.run(*argv, prefix=self.become, env={**self.environ, **env}, cwd=cwd, stdin=stdin)
        assert "Traceback" not in ran.stderr
        assert "this is a bug" not in ran.stderr, ran.stderr
        return ran

    def attack(self, script: str, *argv: str) -> str:
        """Run a script as the attacker; return its output."""
        become = ["setpriv", f"--reuid={self.attacker}", f"--regid={self.attacker}", "--clear-groups"]
        ran = run_program(
            [*become, "sh", "-c", script, "sh", *argv],
            errors="replace",
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
            check=True,
        )
        return ran.stdout


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A victim with one profile, in a home that everybody may enter, as on most systems."""
    folder = Path(tempfile.mkdtemp(prefix="users-"))
    folder.chmod(0o755)
    with another_user() as victim:
        made = Machine(folder, victim, victim + 1000)
        config = made.home / ".config/omniprofile/profiles.toml"
        config.parent.mkdir(parents=True)
        config.write_text(MINE)
        for path in (made.home, *made.home.rglob("*")):
            os.chown(path, victim, victim)
        made.shared.mkdir()
        made.shared.chmod(0o1777)
        yield made
    shutil.rmtree(folder)


def test_another_user_finds_no_secret(machine: Machine) -> None:
    vendor = machine.home / ".config/omni-cli/config.json"
    vendor.parent.mkdir()
    imported = {"apiEndpoint": "https://v.omniapp.co", "authMethod": "api-key", "apiKey": KEY + "V"}
    vendor.write_text(json.dumps({"version": 1, "defaultProfile": "v", "profiles": {"v": imported}}))
    vendor.chmod(0o600)
    os.chown(vendor.parent, machine.victim, machine.victim)
    os.chown(vendor, machine.victim, machine.victim)
    for line, stdin in (
        (("login", "a", "--no-test"), KEY),
        (("import", "omni-cli"), ""),
        (("export", "omni-cli", "--with-secrets", "-p", "a"), ""),
        (("use", "a"), ""),
        (("token", "a"), ""),
        (("set", "a", "description", "mine"), ""),
        (("rename", "a", "b"), ""),
    ):
        ran = machine.run(*line, stdin=stdin)
        assert ran.returncode == 0, ran.stderr
    command = [*machine.become, *warm.PROGRAM, "exec", "b", "--", "sh", "-c", "echo ready; read end"]
    with subprocess.Popen(
        command, env=machine.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        assert running.stdout.readline() == "ready\n"
        loot = machine.attack(LOOT, str(machine.home), str(machine.victim))
        running.communicate("\n", timeout=PATIENCE)
    assert KEY[:13] not in loot
    assert "profiles.toml" in loot, "the attacker can enter the home"
    for name in ("", "/state", "/state/omniprofile", "/state/omniprofile/secrets.json"):
        (machine.home / f".local{name}").chmod(0o755)
    assert KEY in machine.attack(LOOT, str(machine.home), str(machine.victim)), "the search finds what can be found"


ASK = """
exec bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf "GET /api/v1/whoami HTTP/1.1\\r\\nHost: 127.0.0.1:%s\\r\\n%sConnection: close\\r\\n\\r\\n" "$1" "$2" >&3
  head -n 1 <&3' sh "$@"
"""
"""Ask a gateway: `$1` is its port, `$2` a header field."""


def test_another_user_gets_nothing_from_a_gateway(machine: Machine) -> None:
    assert machine.run("login", "a", "--no-test", stdin=KEY).returncode == 0
    told = "echo $OMNI_BASE_URL; echo $OMNI_API_TOKEN; read end"
    command = [*machine.become, *warm.PROGRAM, "exec", "a", "--gateway", "--", "sh", "-c", told]
    with subprocess.Popen(
        command, env=machine.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        port = running.stdout.readline().strip().rpartition(":")[2]
        token = running.stdout.readline().strip()
        loot = machine.attack(LOOT, str(machine.home), str(machine.victim))
        answers = [
            machine.attack(ASK, port, field)
            for field in ("", f"Authorization: Bearer {'x' * len(token)}\r\n", f"Cookie: token={token}\r\n")
        ]
        running.communicate("\n", timeout=PATIENCE)
    assert KEY[:13] not in loot
    assert token[:12] not in loot
    assert [answer.split()[1] for answer in answers] == ["401"] * 3


@pytest.mark.parametrize("owner", ["victim", "attacker"])
@pytest.mark.parametrize("target", ["/proc/1/root/x", "/proc/1/exe"])
def test_a_pin_that_leads_where_no_link_may_be_read_stops_nothing_of_others(
    machine: Machine, owner: str, target: str
) -> None:
    """Such a link can be inspected but not followed, and resolving it must not stop the program."""
    pin = machine.shared / ".omniprofile.toml"
    pin.symlink_to(target)
    os.chown(pin, getattr(machine, owner), -1, follow_symlinks=False)
    work = machine.shared / "work"
    work.mkdir()
    os.chown(work, machine.victim, machine.victim)
    for command in (("list",), ("lint",), ("doctor", "--offline"), ("use", "a"), ("set", "a", "description", "x")):
        ran = machine.run_in(work, *command)
        said = ran.stdout + ran.stderr
        if owner == "attacker":
            assert f"the project pin `{pin}` is ignored: it belongs to another user" in said or command[0] == "set"
            assert ran.returncode == 0, said
        else:
            assert ran.returncode == 0 or f"`{pin}` cannot be read: permission denied" in said
    trusting = MINE + f'[settings]\ntrusted_folders = ["/proc/1/root", "{machine.shared}"]\n'
    (machine.home / ".config/omniprofile/profiles.toml").write_text(trusting)
    assert f"`{pin}` cannot be read: permission denied" in machine.run_in(work, "current").stderr


def _evil(machine: Machine) -> str:
    ran = machine.shared / "ran"
    return (
        'version = 1\ndefault = "a"\n[settings]\nallowed_hosts = ["evil.example"]\n[profiles.a]\n'
        f'base_url = "https://evil.example"\nkey = {{ command = ["touch", "{ran}"] }}\n'
    )


COMMANDS = (
    ("token", "a"),
    ("current",),
    ("env", "a", "--shell", "json"),
    ("exec", "a", "--", "sh", "-c", 'echo "$OMNI_BASE_URL"'),
    ("list",),
    ("use", "a"),
    ("set", "a", "description", "x"),
)


PLACES = [
    (variable, mode)
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    for mode in ("755", "777", "1777")
]


@pytest.mark.parametrize(("variable", "mode"), sample(PLACES, 3, "places"))
def test_files_planted_by_another_user_are_ignored(machine: Machine, variable: str, mode: str) -> None:
    """The variable names a path in a shared folder (such as `/tmp`), which another user created first."""
    assert machine.run("login", "a", "--no-test", stdin=KEY).returncode == 0
    machine.run("token", "a")
    place = machine.shared / "place"
    answer = machine.home / ".cache/omniprofile"
    # The attacker plants misleading profiles, state and secrets, and snapshots.
    secrets = (machine.home / ".local/state/omniprofile/secrets.json").read_text().replace(KEY, "omni_osk_planted")
    machine.attack(
        'umask 022; mkdir -p "$1/omniprofile"; printf %s "$2" > "$1/omniprofile/profiles.toml"; '
        'printf a > "$1/omniprofile/active"; printf %s "$3" > "$1/omniprofile/secrets.json"; '
        'chmod 600 "$1/omniprofile/secrets.json"; cp -r "$4"/. "$1/omniprofile/" 2>/dev/null; '
        'chmod "$5" "$1" "$1/omniprofile"',
        str(place),
        _evil(machine),
        secrets,
        str(answer),
        mode,
    )
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for line in (*COMMANDS, ("login", "a", "--no-test")):
        ran = machine.run(*line, stdin=KEY if line[0] == "login" else "", **{variable: str(place)})
        said = f"{line}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        assert ran.returncode in ((0,) if variable == "XDG_CACHE_HOME" else (0, 6)), said
        assert "evil.example" not in ran.stdout, said
        assert "omni_osk_planted" not in ran.stdout, said
        if line[0] == "token" and ran.returncode == 0:
            assert ran.stdout == KEY + "\n", said
        if ran.returncode == 6:
            assert "belongs to another user" in ran.stderr or "chmod" in ran.stderr, said
    assert not (machine.shared / "ran").exists(), "the attacker's command ran as the victim"
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert KEY not in machine.attack('find "$1" -type f -exec cat {} + 2>/dev/null; true', str(place))
    assert {path: after.get(path) for path in before} == before


@pytest.mark.parametrize("file", ["profiles.toml", "active", "secrets.json"])
def test_a_link_to_another_users_file_is_not_followed_to_an_answer(machine: Machine, file: str) -> None:
    """A restored backup or an unpacked archive may contain such a link; the attacker owns its target."""
    assert machine.run("login", "a", "--no-test", stdin=KEY).returncode == 0
    assert machine.run("use", "a").returncode == 0
    planted = machine.shared / file
    text = {"profiles.toml": _evil(machine), "active": "a\n", "secrets.json": '{"version": 1, "secrets": {}}'}[file]
    machine.attack('printf %s "$2" > "$1"; chmod 600 "$1"; chmod 644 "$1"', str(planted), text)
    folder = machine.home / (".config" if file == "profiles.toml" else ".local/state") / "omniprofile"
    (folder / file).unlink()
    (folder / file).symlink_to(planted)
    os.chown(folder / file, machine.victim, machine.victim, follow_symlinks=False)
    for line in COMMANDS[:5]:
        ran = machine.run(*line)
        said = f"{line}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        assert "evil.example" not in ran.stdout, said
        uses_it = {"profiles.toml": True, "active": "a" not in line, "secrets.json": line[0] not in ("current", "list")}
        assert ran.returncode == (6 if uses_it[file] and (file, line[0]) != ("active", "list") else 0), said
        assert not uses_it[file] or "belongs to another user" in ran.stderr, said
    assert not (machine.shared / "ran").exists()


def test_another_user_cannot_answer_the_victims_lock(machine: Machine) -> None:
    """A lock held by another user would stop every edit, so only the victim may enter the lock folder."""
    assert machine.run("set", "a", "description", "x").returncode == 0
    held = machine.attack(
        'for each in $(find "$1" /tmp/omniprofile-* /run/user -name "*.lock" 2>/dev/null); do '
        'flock -n "$each" true && echo "$each"; done; true',
        str(machine.home),
    )
    assert held == ""
    with without_waiting():
        assert machine.run("set", "a", "description", "y").returncode == 0
