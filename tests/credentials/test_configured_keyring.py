"""Keyrings that the user's configuration names, in processes of their own: plain text is refused until it is asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CANARY

NULL, PLAIN = "keyring.backends.null.Keyring", "keyrings.alt.file.PlaintextKeyring"
CHAIN = "keyring.backends.chainer.ChainerBackend"
OURS = "plain.OurPlaintext"
PROFILE = '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n'


class Home:
    """A home of a process's own, in which nothing chooses a keyring."""

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
        command = [sys.executable, "-m", "omniprofile", *argv]
        environ = {**self.environ, **variables}
        return subprocess.run(
            command, env=environ, input=CANARY, capture_output=True, text=True, timeout=60, check=False
        )

    def holding_the_secret(self) -> list[Path]:
        """The files anywhere in the home that hold it, plain or in base64, as `keyrings.alt` writes it."""
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


@pytest.mark.parametrize("case", CONFIGURED)
def test_a_keyring_of_plain_text_is_refused_whoever_names_it(case: str, home: Home) -> None:
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
