"""The command line compared with a model: any sequence of commands leaves the files in the model's state.

The model knows profiles, the active and the previous one, `default`, and what is stored for which origin. After every step
the files lint, `list` and `current` agree with the model, and every secret is readable, or honestly reported.
"""

import io
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from omniprofile.cli.main import main
from omniprofile.system.environment import Environment

NAMES = st.sampled_from(["a", "b", "prod", "d-1"])
HOSTS = st.sampled_from(["https://one.omniapp.co", "https://two.omniapp.co"])
KEYS = st.sampled_from(["omni_osk_first00", "omni_osk_second0"])
TEXTS = st.sampled_from(["plain", 'a "quoted" \\ text', "ümlaut – dash", "# no comment", "it's"])


@dataclass
class Profile:
    """One profile of the model."""

    host: str
    extends: str | None = None
    description: str | None = None
    own_host: bool = True


@dataclass
class Model:
    """The expected content of the files."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    stored: dict[str, tuple[str, str]] = field(default_factory=dict)
    active: str | None = None
    previous: str | None = None
    default: str | None = None

    def host(self, name: str) -> str:
        """Return a profile's effective base URL."""
        profile = self.profiles[name]
        return profile.host if profile.own_host else self.host(str(profile.extends))

    def current(self, pin: str | None, variable: str | None) -> str | None:
        """The current profile; "?" for a name that does not exist."""
        for name in (variable, pin, self.active, self.default):
            if name is not None:
                return name if name in self.profiles else "?"
        return next(iter(self.profiles)) if len(self.profiles) == 1 else None


class CommandLine(RuleBasedStateMachine):
    """Commands as a user would type them, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="omniprofile-machine-"))
        self.work = self.home / "work"
        self.work.mkdir()
        self.config = self.home / ".config/omniprofile/profiles.toml"
        self.config.parent.mkdir(parents=True)
        self.config.write_text("# mine\nversion = 1 # the format\n")
        self.model = Model()
        self.pin: str | None = None
        self.variable: str | None = None

    def teardown(self) -> None:
        """Forget the home."""
        shutil.rmtree(self.home)

    def run_command(self, *argv: str, stdin: str = "") -> tuple[int, str, str]:
        """Run `omniprofile *argv`; status, stdout, stderr."""
        streams = [io.TextIOWrapper(io.BytesIO(data), encoding="utf-8") for data in (stdin.encode(), b"", b"")]
        environ = {"HOME": str(self.home), "OMNIPROFILE_SECRET_STORE": "file", "PATH": os.environ["PATH"]}
        if self.variable:
            environ["OMNI_PROFILE"] = self.variable
        status = main(
            argv, Environment(environ, str(self.work), sys.platform, streams[0], streams[1], streams[2], os.getuid())
        )
        texts = []
        for stream in streams[1:]:
            stream.flush()
            assert isinstance(stream.buffer, io.BytesIO)
            texts.append(stream.buffer.getvalue().decode())
        assert "this is a bug" not in texts[1], texts[1]
        return status, texts[0], texts[1]

    # Commands

    @rule(name=NAMES, host=HOSTS)
    def add(self, name: str, host: str) -> None:
        status, _, err = self.run_command("add", name, "--base-url", host)
        if name in self.model.profiles:
            assert status == 2, err
        else:
            assert status == 0, err
            self.model.profiles[name] = Profile(host)

    @precondition(lambda self: self.model.profiles)
    @rule(name=NAMES, data=st.data())
    def add_child(self, name: str, data: st.DataObject) -> None:
        parent = data.draw(st.sampled_from(sorted(self.model.profiles)))
        if name not in self.model.profiles:
            status, _, err = self.run_command("add", name, "--extends", parent)
            assert status == 0, err
            self.model.profiles[name] = Profile("", parent, own_host=False)

    @rule(name=NAMES, host=HOSTS)
    def set_base_url(self, name: str, host: str) -> None:
        status, _, err = self.run_command("set", name, "base_url", host)
        assert status == (0 if name in self.model.profiles else 5), err
        if name in self.model.profiles:
            self.model.profiles[name].host = host
            self.model.profiles[name].own_host = True

    @rule(name=NAMES, text=TEXTS)
    def describe(self, name: str, text: str) -> None:
        status, _, err = self.run_command("set", name, "description", text)
        assert status == (0 if name in self.model.profiles else 5), err
        if name in self.model.profiles:
            self.model.profiles[name].description = text

    @rule(name=NAMES)
    def set_default(self, name: str) -> None:
        status, _, err = self.run_command("set", "default", name)
        if name in self.model.profiles:
            assert status == 0, err
            self.model.default = name
        else:
            assert status != 0

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        model = self.model
        status, _, err = self.run_command("rename", old, new)
        if old == new or old not in model.profiles or new in model.profiles:
            assert status in (2, 5), err
            return
        assert status == 0, err
        model.profiles = {new if name == old else name: profile for name, profile in model.profiles.items()}
        for profile in model.profiles.values():
            profile.extends = new if profile.extends == old else profile.extends
        model.stored.pop(new, None)
        if old in model.stored:
            model.stored[new] = model.stored.pop(old)
        model.active, model.previous, model.default, self.pin = (
            new if name == old else name for name in (model.active, model.previous, model.default, self.pin)
        )

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        model = self.model
        status, _, err = self.run_command("remove", name, "--yes")
        if name not in model.profiles:
            assert status == 5, err
        elif any(profile.extends == name for profile in model.profiles.values()):
            assert status == 6, err
        else:
            assert status == 0, err
            del model.profiles[name]
            model.stored.pop(name, None)
            model.active, model.previous, model.default = (
                None if gone == name else gone for gone in (model.active, model.previous, model.default)
            )

    @rule(name=NAMES)
    def use(self, name: str) -> None:
        status, _, err = self.run_command("use", name)
        assert status == (0 if name in self.model.profiles else 5), err
        if status == 0:
            self._activate(name)

    @rule()
    def use_previous(self) -> None:
        previous = self.model.previous
        status, _, err = self.run_command("use", "-")
        assert status == (0 if previous in self.model.profiles else 5), err
        if status == 0:
            self._activate(str(previous))

    def _activate(self, name: str) -> None:
        if self.model.active != name:
            self.model.active, self.model.previous = name, self.model.active or self.model.previous

    @rule(name=NAMES, key=KEYS)
    def login(self, name: str, key: str) -> None:
        status, _, err = self.run_command("login", name, "--no-test", stdin=key)
        assert status == (0 if name in self.model.profiles else 5), err
        if status == 0:
            self.model.stored[name] = (self.model.host(name), key)

    @rule(name=NAMES)
    def logout(self, name: str) -> None:
        status, _, err = self.run_command("logout", name)
        assert status == (0 if name in self.model.profiles else 5), err
        if status == 0:
            self.model.stored.pop(name, None)

    @rule(name=st.none() | NAMES)
    def pin_the_folder(self, name: str | None) -> None:
        self.pin = name
        pin = self.work / ".omniprofile.toml"
        pin.unlink(missing_ok=True)
        if name is not None:
            pin.write_text(f'profile = "{name}"\n')

    @rule(name=st.none() | NAMES)
    def export_a_variable(self, name: str | None) -> None:
        self.variable = name

    # Invariants after every step

    @invariant()
    def the_files_lint(self) -> None:
        status, out, _ = self.run_command("lint", "--format", "json", str(self.config))
        errors = [finding for finding in json.loads(out)["findings"] if finding["level"] == "error"]
        assert status == 0, errors

    @invariant()
    def the_users_comments_stand(self) -> None:
        assert self.config.read_text().startswith("# mine\nversion = 1 # the format\n") or self.model.default

    @invariant()
    def current_is_what_the_layers_say(self) -> None:
        wanted = self.model.current(self.pin, self.variable)
        status, out, err = self.run_command("current")
        assert (status, out) == ((5, "") if wanted in (None, "?") else (0, f"{wanted}\n")), err

    @invariant()
    def the_list_is_the_models(self) -> None:
        _, out, _ = self.run_command("list", "--json")
        shown = {row["name"]: row for row in json.loads(out)["profiles"]}
        assert list(shown) == list(self.model.profiles)
        for name, profile in self.model.profiles.items():
            assert shown[name]["base_url"] == self.model.host(name)
            assert shown[name]["description"] == profile.description
            stored = self.model.stored.get(name)
            assert (shown[name]["credential"] == "missing") == (stored is None)

    @invariant()
    def every_secret_goes_to_its_own_host_alone(self) -> None:
        for name in self.model.profiles:
            stored = self.model.stored.get(name)
            status, out, err = self.run_command("token", name)
            if stored is None:
                assert (status, out) == (4, ""), err
            elif stored[0] != self.model.host(name):
                assert (status, out) == (6, ""), err
            else:
                assert (status, out) == (0, stored[1] + "\n"), err


TestCommandLine = CommandLine.TestCase
TestCommandLine.settings = settings(
    max_examples=int(os.environ.get("OMNIPROFILE_TEST_MACHINES", "10")), stateful_step_count=20, deadline=None
)
