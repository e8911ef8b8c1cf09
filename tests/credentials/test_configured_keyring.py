"""Keyrings chosen by the user's configuration, in real processes: plain text is refused unless requested."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import CANARY
from tests.sampling import sample

NULL, PLAIN = "keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring"
CHAIN = "keyring.backends.chainer.ChainerBackend"
OURS = "plain.OurPlaintext"
PROFILE = '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n'


class Home:
    """A temporary home whose configuration chooses no keyring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "PYTHON_KEYRING", "DBUS"))
        }
        self.environ["HOME"] = str(folder)
        self.write(".config/omniprofile/profiles.toml", PROFILE)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def run(self, *argv: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return warm.run(*argv, env={**self.environ, **variables}, stdin=CANARY)

    def holding_the_secret(self) -> list[Path]:
        """Return the files in the home that contain it, plain or in Base64, as `keyrings.alt` writes it."""
        from base64 import b64encode

        shapes = (CANARY.encode(), *(b64encode(b"." * skip + CANARY.encode())[4:40] for skip in range(3)))
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [file for file in files if any(shape in file.read_bytes().replace(b"\n", b"") for shape in shapes)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "own")


CONFIGURED = {
    "null, by keyringrc.cfg in ~/.config": (".config", f"default-keyring={NULL}", {}),
    "plain text, by keyringrc.cfg in ~/.config": (".config", f"default-keyring = {PLAIN}", {}),
    "plain text, by keyringrc.cfg in XDG_CONFIG_HOME": ("xdg", f"default-keyring={PLAIN}", {}),
    "a chain of what is there, which is plain text": (".config", f"default-keyring={CHAIN}", {}),
    "a class of one's own that is plain text": (".config", f"default-keyring={OURS}\nkeyring-path=~/lib", {}),
    "null, by the variable": (None, "", {"PYTHON_KEYRING_BACKEND": NULL}),
    "plain text, by the variable": (None, "", {"PYTHON_KEYRING_BACKEND": PLAIN}),
    "plain text by the variable, over a file": (".config", f"default-keyring={NULL}", {"PYTHON_KEYRING_BACKEND": PLAIN}),
    "plain text, the best that is installed": (None, "", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", sample(CONFIGURED, 4, "configured"))
def test_a_plain_text_keyring_is_refused_however_it_was_chosen(case: str, home: Home) -> None:
    folder, lines, variables = CONFIGURED[case]
    if folder == "xdg":
        variables = {**variables, "XDG_CONFIG_HOME": str(home.folder / "xdg")}
        home.write("xdg/omniprofile/profiles.toml", PROFILE)
    if folder:
        home.write(f"{folder}/python_keyring/keyringrc.cfg", f"[backend]\n{lines}\n")
    home.write(
        "lib/plain.py", "import keyrings.alt.file\n\nclass OurPlaintext(keyrings.alt.file.PlaintextKeyring): ...\n"
    )

    ran = home.run("login", "prod", "--no-test", **variables)
    assert ran.returncode == 9, ran.stderr
    assert "keeps secrets in plain text or not at all" in ran.stderr
    assert "OMNIPROFILE_SECRET_STORE=file" in ran.stderr
    assert home.holding_the_secret() == []

    ran = home.run("token", "prod", **variables)
    assert (ran.returncode, ran.stdout) == (9, ""), "a keyring that is refused is not one without a secret"


def test_asked_for_by_name_the_file_keeps_it(home: Home) -> None:
    home.write(".config/python_keyring/keyringrc.cfg", f"[backend]\ndefault-keyring={PLAIN}\n")
    ran = home.run("login", "prod", "--no-test", OMNIPROFILE_SECRET_STORE="file")
    assert ran.returncode == 0, ran.stderr
    (file,) = home.holding_the_secret()
    assert file == home.folder / ".local/state/omniprofile/secrets.json"
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[backend", "[backend]\ndefault-keyring=no.such.Keyring\n", "[backend]\n\xff"])
def test_a_broken_configuration_is_an_error_and_no_plain_text(text: str, home: Home) -> None:
    home.write(".config/python_keyring/keyringrc.cfg", "").write_bytes(text.encode("latin-1"))
    ran = home.run("login", "prod", "--no-test")
    assert ran.returncode == 9, ran.stderr
    assert "keyring" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert home.holding_the_secret() == []


BACKENDS = '''
import json, os
from pathlib import Path
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend


class Feed(KeyringBackend):
    """Serves tokens of a package index and stores nothing, as artifacts-keyring does."""
    priority = 9.9

    def get_password(self, service, username):
        return None

    def set_password(self, service, username, password):
        raise NotImplementedError()

    def delete_password(self, service, username):
        raise NotImplementedError()


class Vault(KeyringBackend):
    """Keeps what it is given, scrambled."""
    priority = 5
    file = Path.home() / "vault"

    def entries(self):
        return json.loads(bytes.fromhex(self.file.read_text())) if self.file.exists() else {}

    def save(self, entries):
        self.file.write_text(json.dumps(entries).encode().hex())

    def get_password(self, service, username):
        return self.entries().get(username)

    def set_password(self, service, username, password):
        self.save({**self.entries(), username: password})

    def delete_password(self, service, username):
        self.save({name: text for name, text in self.entries().items() if name != username})


class Other(Vault):
    priority = 4
    file = Path.home() / "other-vault"


class Leaving(Vault):
    def get_password(self, service, username):
        raise SystemExit(0)


class Chain(ChainerBackend):
    """The chain of all that the variable names, and of what is installed: in the tests, plain text."""
    priority = 10

    @property
    def backends(self):
        from keyrings.alt.file import PlaintextKeyring
        return [globals()[name]() for name in os.environ["CHAIN"].split()] + [PlaintextKeyring()]
'''


@pytest.fixture
def backends(home: Home) -> Home:
    home.write("lib/backends.py", BACKENDS)
    home.environ["PYTHONPATH"] = str(home.folder / "lib")
    return home


@pytest.mark.parametrize("chain", ["Feed", "Feed Feed"])
def test_a_chain_in_which_plain_text_would_write_is_refused(backends: Home, chain: str) -> None:
    """The first members store nothing, so the chain would write to the plain text behind them."""
    ran = backends.run("login", "prod", "--no-test", PYTHON_KEYRING_BACKEND="backends.Chain", CHAIN=chain)
    assert ran.returncode == 9, ran.stderr
    assert "keeps secrets in plain text or not at all" in ran.stderr
    assert backends.holding_the_secret() == []
    assert not list(backends.folder.rglob("*keyring_pass*"))


@pytest.mark.parametrize("chain", ["Feed Vault", "Feed Vault Other Feed"])
def test_of_a_chain_the_first_that_stores_is_used_alone(backends: Home, chain: str) -> None:
    variables = {"PYTHON_KEYRING_BACKEND": "backends.Chain", "CHAIN": chain}
    ran = backends.run("login", "prod", "--no-test", **variables)
    assert ran.returncode == 0, ran.stderr
    assert "backends Vault" in ran.stderr
    assert [path.name for path in backends.folder.glob("*vault")] == ["vault"]
    assert backends.run("token", "prod", **variables).stdout == f"{CANARY}\n"
    assert backends.run("logout", "prod", **variables).returncode == 0
    assert backends.run("token", "prod", **variables).returncode == 4
    assert bytes.fromhex((backends.folder / "vault").read_text()) == b"{}", "the probes leave nothing either"
    assert not list(backends.folder.rglob("*keyring_pass*"))


@pytest.mark.parametrize("now", [{"PYTHON_KEYRING_BACKEND": "backends.Other"}, {"CHAIN": "Other"}, {"CHAIN": "Feed"}])
def test_a_secret_in_a_keyring_that_is_not_used_now_is_not_missing(backends: Home, now: dict[str, str]) -> None:
    variables = {"PYTHON_KEYRING_BACKEND": "backends.Chain", "CHAIN": "Vault"}
    assert backends.run("login", "prod", "--no-test", **variables).returncode == 0
    for command in (("token", "prod"), ("token", "prod", "--json"), ("logout", "prod")):
        ran = backends.run(*command, **{**variables, **now})
        assert ran.returncode == 9, (command, ran.stdout, ran.stderr)
        assert "is stored in the OS keyring (backends Vault), but the" in ran.stderr
        assert "is used now" in ran.stderr
    assert backends.run("token", "prod", **variables).stdout == f"{CANARY}\n"
    variables |= {"CHAIN": "Other Vault"}  # it is read from the backend that it was written to
    assert backends.run("token", "prod", **variables).stdout == f"{CANARY}\n"


def test_a_secret_is_not_missing_if_the_keyring_has_gone(backends: Home) -> None:
    """An SSH session, for example, has no bus."""
    assert backends.run("login", "prod", "--no-test", PYTHON_KEYRING_BACKEND="backends.Vault").returncode == 0
    for command in (("token", "prod"), ("logout", "prod")):
        ran = backends.run(*command, PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
        assert ran.returncode == 9, ran.stderr
        assert "is stored in the OS keyring (backends Vault), and no keyring can be used now" in ran.stderr
        assert "start a Secret Service" in ran.stderr


@pytest.mark.parametrize(("then", "now"), [("keyring", "file"), ("file", "keyring")])
def test_a_secret_in_the_store_that_is_not_used_now_is_not_missing(backends: Home, then: str, now: str) -> None:
    """A variable was set or unset since."""
    keyring = {"PYTHON_KEYRING_BACKEND": "backends.Vault"}
    assert backends.run("login", "prod", "--no-test", **keyring, OMNIPROFILE_SECRET_STORE=then).returncode == 0
    ran = backends.run("token", "prod", **keyring, OMNIPROFILE_SECRET_STORE=now)
    assert ran.returncode == 9, ran.stderr
    labels = {
        "keyring": "the OS keyring",
        "file": f"the file `{backends.folder}/.local/state/omniprofile/secrets.json`",
    }
    assert f"the secret of `prod` is stored in {labels[then]}" in ran.stderr
    assert f"but {labels[now]} is used now" in ran.stderr
    assert (
        f"run `export OMNIPROFILE_SECRET_STORE={then}`, or store it again with `omniprofile login prod`" in ran.stderr
    )
    assert backends.run("token", "prod", **keyring, OMNIPROFILE_SECRET_STORE=then).stdout == f"{CANARY}\n"
    (
        backends.folder / ".local/state/omniprofile" / ("stored.json" if then == "keyring" else "secrets.json")
    ).write_text("{")
    assert backends.run("token", "prod", **keyring, OMNIPROFILE_SECRET_STORE=now).returncode == 4


def test_a_lost_list_is_made_again_by_reading(backends: Home) -> None:
    variables = {"PYTHON_KEYRING_BACKEND": "backends.Chain", "CHAIN": "Feed Vault"}
    assert backends.run("login", "prod", "--no-test", **variables).returncode == 0
    index = backends.folder / ".local/state/omniprofile/stored.json"
    whole = index.read_text()
    index.unlink()
    assert backends.run("token", "prod", **variables).stdout == f"{CANARY}\n"
    assert index.read_text() == whole


def test_a_keyring_that_ends_the_process_is_an_error(backends: Home) -> None:
    ran = backends.run("login", "prod", "--no-test", PYTHON_KEYRING_BACKEND="backends.Leaving")
    assert ran.returncode == 9, ran.stderr
    assert "SystemExit" in ran.stderr


TALKER = """
import json
from pathlib import Path

from keyring.backend import KeyringBackend

print("$(touch ran)")
KEPT = Path.home() / "kept.json"


class Keyring(KeyringBackend):
    priority = 1

    def _kept(self):
        print("$(touch ran)")
        return json.loads(KEPT.read_text()) if KEPT.exists() else {}

    def get_password(self, service, username):
        return self._kept().get(username)

    def set_password(self, service, username, password):
        KEPT.write_text(json.dumps({**self._kept(), username: password}))

    def delete_password(self, service, username):
        KEPT.write_text(json.dumps({name: value for name, value in self._kept().items() if name != username}))
"""


@pytest.mark.parametrize(
    ("command", "form"),
    [
        (("token", "prod"), "{key}\n"),
        (("-v", "token", "prod"), "{key}\n"),
        (("token", "prod", "--header"), '{{"Authorization": "Bearer {key}"}}\n'),
        (("env", "prod", "--shell", "dotenv"), "OMNI_BASE_URL=https://acme.omniapp.co\nOMNI_API_TOKEN={key}\n"),
        (("exec", "prod", "--", "sh", "-c", 'echo "$OMNI_API_TOKEN"'), "{key}\n"),
    ],
)
def test_a_backends_output_is_kept_out_of_our_output(home: Home, command: tuple[str, ...], form: str) -> None:
    """A shell evaluates the output of `env`, and `token` is put into headers."""
    home.write("lib/talker.py", TALKER)
    talks = {"PYTHONPATH": str(home.folder / "lib"), "PYTHON_KEYRING_BACKEND": "talker.Keyring"}
    ran = home.run("login", "prod", "--no-test", **talks)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    ran = home.run(*command, **talks)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(form.format(key=CANARY))
    assert "touch ran" not in ran.stdout
    assert "touch ran" in ran.stderr, "it is not lost"
