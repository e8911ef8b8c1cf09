"""Files of other programs: the vendor's config, and a `.env`. Whatever is read can be written again with the same meaning."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from omniprofile.errors import Error
from omniprofile.model.names import is_valid
from omniprofile.transfer.dotenv import Dotenv
from omniprofile.transfer.dotenv_profile import dotenv_source
from omniprofile.transfer.found_profiles import Found
from omniprofile.transfer.matching import Known, SecretStep, Step, plan
from omniprofile.transfer.merge import merge
from omniprofile.transfer.omni_config import OmniConfig
from tests.fuzz.choices import STRUCTURED, Choices

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
_FOLDER = Path(tempfile.mkdtemp(prefix="omniprofile-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def _shown(problem: Error) -> None:
    assert problem.message.isprintable(), problem.message
    assert problem.hint is None or problem.hint.isprintable(), problem.hint


KEYS = (
    "apiEndpoint", "authMethod", "apiKey", "accessToken", "refreshToken", "tokenExpiresAt", "defaultOutputFormat", "x", "APIKey",
)  # fmt: skip
_USUAL = {
    "apiEndpoint": (
        "https://acme.omniapp.co",
        "https://ACME.omniapp.co:443/",
        "https://x.omniapp.co",
        "http://localhost",
    ),
    "authMethod": ("api-key", "oauth", "", None),
    "tokenExpiresAt": ("2026-11-24T10:00:00Z", "0001-01-01T00:00:00Z", "", "2026-11-24T10:00:00.123456789-07:00"),
    "defaultOutputFormat": ("json", "human", "", None),
}


def _config(choices: Choices) -> bytes:
    """Return a config as the program writes it, or nearly."""
    profiles = {}
    for _ in range(choices.number(5)):
        table = {}
        for key in ("apiEndpoint", *(choices.one(KEYS) for _ in range(choices.number(7)))):
            usual = _USUAL.get(key, ("K", "L", "", None))
            table[key] = choices.json(KEYS) if choices.rarely() else choices.one(usual)
        profiles[choices.text()] = table
    data = {"version": 1, "defaultProfile": choices.one([*profiles, "none"]), "profiles": profiles}
    if choices.number(2):
        data[choices.one(("defaultOutputFormat", "x", "Profiles"))] = choices.json(KEYS)
    return json.dumps(data, ensure_ascii=bool(choices.number(2)), indent=choices.one((None, 1, "\t"))).encode(
        "utf-8", "replace"
    )


def omni_config(data: bytes) -> None:
    """The vendor's config: read, planned, exported, and imported from there again with the same outcome."""
    if data.startswith(STRUCTURED):
        data = _config(Choices(data[1:]))
    file = _FOLDER / "config.json"
    file.write_bytes(data)
    found: list[Found] = []
    try:
        config = OmniConfig.read(str(file))
    except Error as problem:
        _shown(problem)
        return
    assert OmniConfig(config.file, config.data).rendered(config.data)
    for profile in config.profiles.values():
        profile.unused_secrets()
        try:
            found.append(profile.found(NOW))
        except Error as problem:
            _shown(problem)
            return
    steps = plan(found, [], move_sessions=False)
    names = [step.profile for step in steps]
    assert all(map(is_valid, names))
    assert len(set(names)) == len(names)
    assert all(step.is_new for step in steps)
    known = [
        Known(s.profile, s.found.origin, s.found.auth, True, s.found.secret if s.secret is SecretStep.STORE else None)
        for s in steps
    ]
    again = plan(found, known, move_sessions=False)
    assert [step.profile for step in again] == names, "a second import makes other profiles"
    assert not any(step.is_new or step.secret is SecretStep.STORE for step in again)
    _export(steps, known)
    _scrub(config)


def _export(steps: list[Step], known: list[Known]) -> None:
    """Export into an empty config with keys: an import finds the same, except for sessions."""
    outgoing = [
        replace(step.found, name=step.profile, secret=step.found.secret if step.found.auth == "api-key" else None)
        for step in steps
    ]
    file = _FOLDER / "exported.json"
    new = OmniConfig.new(str(file))
    merged = merge(new, outgoing, known, default=None, now=NOW)
    file.write_bytes(new.rendered(merged.data))
    exported = OmniConfig.read(str(file))
    assert list(exported.profiles) == [one.name for one in outgoing]
    for one in outgoing:
        back = exported.profiles[one.name].found(NOW)
        assert (back.origin, back.auth, back.output_format) == (one.origin, one.auth, one.output_format)
        assert (back.secret and back.secret.token) == (one.secret and one.secret.token)
    once_more = merge(exported, outgoing, known, default=None, now=NOW)
    assert once_more.data == exported.data
    assert all(result.action == "unchanged" for result in once_more.results)


def _scrub(config: OmniConfig) -> None:
    """Check that scrubbing removes only the used secrets."""
    names = list(config.profiles)
    file = _FOLDER / "scrubbed.json"
    file.write_bytes(config.without_secrets_of(names))
    after = OmniConfig.read(str(file))
    assert list(after.profiles) == names
    assert all(profile.found(NOW).secret is None for profile in after.profiles.values())
    for name in names:
        kept, before = after.profiles[name].table, config.profiles[name].table
        assert kept is not None
        assert before is not None
        assert kept == {key: value for key, value in before.items() if key in kept}
        assert before.keys() - kept.keys() <= {"apiKey", "accessToken", "refreshToken", "tokenExpiresAt"}
    assert {**config.data, "profiles": 0} == {**after.data, "profiles": 0}


def dotenv(data: bytes) -> None:
    """A `.env`: its pieces make up the whole, and scrubbing removes only its tokens."""
    file = _FOLDER / "env"
    file.write_bytes(data)
    try:
        read = Dotenv.read(str(file))
    except Error as problem:
        _shown(problem)
        return
    text = "".join(part.text for part in read.parts)
    assert text.encode() == data.removeprefix(b"\xef\xbb\xbf")
    tokens = read.with_secrets()
    try:
        (found,) = dotenv_source(read, NOW, name=None, base_url=None).found
    except Error as problem:
        _shown(problem)
    else:
        assert is_valid(found.name)
    file.write_bytes(read.without_secrets("prod"))
    after = Dotenv.read(str(file))
    assert not after.with_secrets()
    left = [(s.name, s.value) for s in after.parts if s.name is not None]
    assert left == [(s.name, s.value) for s in read.parts if s.name is not None and s not in tokens]


TRANSFER_TARGETS: Mapping[str, Callable[[bytes], None]] = {"omni_config": omni_config, "dotenv": dotenv}
