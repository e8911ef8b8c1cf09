"""The fuzz targets: one function for each parser of untrusted bytes. An exception is a finding.

Each checks properties of any input: the result is valid or one of the program's own errors, and
repeats no secret.
"""

import atexit
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from omniprofile.checks.lint import lint
from omniprofile.config.pin import plain_pin, validate_pin
from omniprofile.config.schema.validate import validate
from omniprofile.config.toml.text import Document
from omniprofile.credentials.envelope import from_data, load, pack
from omniprofile.credentials.keyring_values import Head
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.responses import Response
from omniprofile.instance.whoami import WHOAMI, _identified
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.export_mark import own_values, read_mark
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account
from tests.fuzz.config_targets import CONFIG_TARGETS
from tests.fuzz.instance_targets import INSTANCE_TARGETS
from tests.fuzz.transfer_targets import TRANSFER_TARGETS

_KEY = re.compile(r"omni_(?:osk|pat)_[A-Za-z0-9_-]{6,}")
_CREDENTIAL = Credential("prod", Origin("https", "acme.omniapp.co", 443), "api-key", Secret("omni_osk_fuzzed"))
_FOLDER = Path(tempfile.mkdtemp(prefix="omniprofile-fuzz-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def profiles(data: bytes) -> None:
    """A profile file: every finding has a position in the file, and repeats no key from it."""
    file = _FOLDER / "profiles.toml"
    file.write_bytes(data)
    document = Document.parse(str(file), data)
    validate(document, home="/home/me")
    lines = data.count(b"\n") + 1
    for finding in lint([str(file)], home="/home/me"):
        assert 1 <= finding.line <= lines, finding
        assert finding.column >= 1, finding
        assert finding.message, finding
        assert not _KEY.search(f"{finding.message} {finding.suggestion}"), "a key is repeated"


def pin(data: bytes) -> None:
    """A project pin: it names a profile, or it is refused."""
    found, findings = validate_pin(Document.parse(".omniprofile.toml", data))
    assert (found is None) == bool(findings)
    name = plain_pin(data)  # as the fast path reads it
    assert name is None or (found is not None and found.value == name)


def whoami(data: bytes) -> None:
    """An answer of whoami: its first byte chooses the status."""
    status = (200, 401, 403, 404, 429, 302, 500, 204)[data[0] % 8] if data else 200
    response = Response(status, {"location": data.decode("latin-1"), "date": ""}, data[1:], 1.0)
    try:
        identity = _identified(response, _CREDENTIAL, WHOAMI)
    except InstanceError as problem:
        problem.words(_CREDENTIAL.origin.host)
        return
    assert status == 200
    assert identity not in (None, Identity())


def stored(data: bytes) -> None:
    """A stored secret: it round-trips, or raises ValueError."""
    text = data.decode("utf-8", "replace")
    Head.parse(text)
    try:
        fields = load(text)
        account = Account.parse(str(fields["account"] if isinstance(fields, dict) and "account" in fields else ""))
        secret = from_data(fields, account)
    except ValueError:
        return
    assert from_data(load(pack(secret, account)), account) == secret
    assert secret.token_path is None or secret.token_path[0] in "/?"


def origin(data: bytes) -> None:
    """A base URL: its canonical form is read as the same origin."""
    try:
        found = Origin.parse(data.decode("utf-8", "replace"))
    except NotAnOrigin:
        return
    assert Origin.parse(str(found)) == found
    assert "@" not in str(found)


def mark(data: bytes) -> None:
    """`OMNIPROFILE_EXPORTED`: only variables with exactly the exported values count as our own."""
    environ = {"OMNIPROFILE_EXPORTED": data.decode("utf-8", "replace"), "OMNI_API_TOKEN": "t", "PATH": "/bin"}
    found = read_mark(environ)
    assert own_values(environ) <= set(found.variables if found else ())


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "profiles": profiles,
    "pin": pin,
    "whoami": whoami,
    "stored": stored,
    "origin": origin,
    "mark": mark,
    **CONFIG_TARGETS,
    **INSTANCE_TARGETS,
    **TRANSFER_TARGETS,
}


def every(data: bytes) -> None:
    """Any of the targets, by the first byte."""
    if data:
        list(TARGETS.values())[data[0] % len(TARGETS)](data[1:])
