"""Our own files, prepared or damaged by others: validation, edits, lint's formats, snapshot, state, journal."""

import atexit
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from omniprofile.checks.lint import examine
from omniprofile.cli.render import findings as render
from omniprofile.cli.render.sarif import sarif
from omniprofile.cli.style import Style
from omniprofile.cli.style import as_json as console_json
from omniprofile.config import snapshot
from omniprofile.config.editing.journal import Journal, Unfinished
from omniprofile.config.paths import Places
from omniprofile.config.pin import validate_pin
from omniprofile.config.schema.json_schema import json_schema, pin_json_schema
from omniprofile.config.schema.models import Pin, ProfilesFile
from omniprofile.config.schema.validate import read, validate
from omniprofile.config.state import StateFile
from omniprofile.config.toml.edit import add_table, remove, rename, set_text, set_value
from omniprofile.config.toml.statements import every_pair, scan
from omniprofile.config.toml.text import Document
from omniprofile.errors import ConfigUnreadable, OperationFailed
from tests.fuzz.choices import Choices

_FOLDER = Path(tempfile.mkdtemp(prefix="omniprofile-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
_KEY = "F0zzed" * 5


_SCHEMAS: Mapping[type[Pin | ProfilesFile], dict[str, Any]] = {Pin: pin_json_schema(), ProfilesFile: json_schema()}


def validate_file(data: bytes) -> None:
    """Every violation has a message, and the valid rest is typed."""
    choices = Choices(data)
    model: type[Pin | ProfilesFile] = Pin if choices.rarely() else ProfilesFile
    schema = _SCHEMAS[model]
    value = choices.of_schema(schema, schema.get("$defs", {}))
    if not isinstance(value, dict):
        return
    document = Document("profiles.toml", "", value)
    raised = isinstance(read(value, model), list)
    declared, findings = validate_pin(document) if model is Pin else validate(document, home="/home/me")
    assert bool(findings) == bool(raised), (value, raised)
    assert all(finding.message.isprintable() for finding in findings)
    assert declared is not None or findings


PIECES = (
    "", "# a comment\n", "\n", "version = 1\n", 'default = "a" # why\n', "[profiles.a]\n", "[profiles.a.key]\n", "[profiles]\n",
    'env = { A = "1", "B.c" = "}" , C = \'#\' } # env\n', "[ 'profiles' . \"a b\" ] # odd\r\n", "profiles.a.x.y = 1\n",
    'description = """\n[profiles.b]\n# no comment\n\\"""" \n', "description = '''\r\nx = 1\r\n'''\r\n", "[[arrays.of]]\n",
    "list = [ # one\n  1, # two\n  [2, \"]\"], { a = 1 },\n]\n", "key.env = 'K'\n", "key = { env = 'K' }\n", '"" = ""\n',
    "[instances.a]\n", 'base_url = "https://a.omniapp.co"\n', "\tprotected = true\t# tab\n", "[profiles.a.env]\n", "x = {}\n",
    "a.b = { c.d = { e = 1 } }\n", "a.f = 1979-05-27T07:32:00Z\n", "f = 1e3 # number\r\n", "# [profiles.c]\n", "# end",
    '[profiles."\\u00e9"]\n', 'extends = "a"', "x = 'é' # ü\n", "nan = nan\n", "'profiles'.b.c = [1,2]\n", "profiles.c = {}\n",
)  # fmt: skip
NEW = ('"new"', "true", "7", "{ env = 'N' }", "[1, 2]", "'li'", '"""\n#\n"""', "nan", "1.0")


def splice(data: bytes) -> None:
    """An edit of any text that parses changes its value and no other byte, or is refused."""
    choices = Choices(data)
    what, which, written = choices.number(6), choices.number(256), choices.one(NEW)
    if choices.number(4):
        text = "".join(choices.one(PIECES) for _ in range(choices.number(12)))
    else:
        text = choices.rest().decode("utf-8", "ignore").removeprefix("\ufeff")
    document = Document.parse("", text.encode())
    if document.data is None:
        return
    paths = [path for path in _paths(document.data) if path]
    path = paths[which % len(paths)] if paths and which % 5 else ("profiles", "a", "key")
    try:
        if what == 0:
            _set(document, path, written)
        elif what == 1:
            set_text(text, path, choices.text())
        elif what == 2 and path in paths:
            _removed(text, remove(text, path))
        elif what == 3 and path in paths:
            after = rename(text, path, "r-1")
            assert after.count("\n") == text.count("\n")
        elif what == 4 and (*path[:1], "new") not in paths and isinstance(document.data.get(path[0]), dict):
            _added(text, add_table(text, (*path[:1], "new"), {"x": written, "y y": "1"}))
        elif what == 5 and (*path, "new") not in paths:
            after = set_value(text, (*path, "new"), written)
            if path in paths and isinstance(_at(document.data, path), dict):
                _added(text, after)
    except OperationFailed:
        return


def _set(document: Document, path: tuple[str, ...], written: str) -> None:
    text = document.text
    after = set_value(text, path, written)
    pair = next((pair for pair in every_pair(scan(text)) if pair.path == path), None)
    if pair is None or after == text:
        return
    start = next(at for at in range(len(text) + 1) if text[: at + 1] != after[: at + 1])
    place = document.value_position(path)
    assert start >= document.offset(place.line, place.column), "something before the value has changed"
    back = set_value(after, path, text[pair.start : pair.end])
    assert back == text, "the old value put back does not give the old text"


def _removed(text: str, after: str) -> None:
    """Check that nothing was added but a header or `{}` for a table that must remain."""
    assert _missing(after, text) <= 4, "lines that were not there"


def _added(text: str, after: str) -> None:
    assert _missing(text, after) <= 1, "lines are gone or have changed"


def _missing(some: str, whole: str) -> int:
    """Count the lines of `some` that are not in `whole` in order (those outside the longest common subsequence)."""
    ours, theirs = some.split("\n"), whole.split("\n")
    longest = [0] * (len(theirs) + 1)
    for line in ours:
        before = list(longest)
        for at, other in enumerate(theirs, 1):
            longest[at] = before[at - 1] + 1 if line == other else max(before[at], longest[at - 1])
    return len(ours) - longest[-1]


def _paths(table: Mapping[str, Any], base: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in table.items():
        yield (*base, name)
        if isinstance(value, dict):
            yield from _paths(value, (*base, name))


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        data = data[name]
    return data


FILES = (
    "profiles.toml", "/abs/profiles.toml", "a b%,:.toml", "x\n::error::y.toml", "\x1b[31m\u202e.toml", "é.toml", "n\udcff.toml",
)  # fmt: skip


def lint_formats(data: bytes) -> None:
    """Lint a hostile file that contains a key: every format is valid, and none shows the key."""
    choices = Choices(data)
    file, width = choices.one(FILES), choices.one((None, 40))
    at = choices.number(4096)
    content = choices.rest()
    content = content[:at] + b"omni_osk_" + _KEY.encode() + content[at:]
    report = examine([[file]], home="/home/me", contents={file: content})
    human = render.human(report, Style(False), width)
    as_json, as_sarif, github = console_json(render.view(report)), console_json(sarif(report)), render.github(report)
    for text in (human, as_json, as_sarif, github):
        assert _KEY[:8] not in text, text
        text.encode("utf-8", "surrogateescape" if "\udcff" in file else "strict")
    assert all(char.isprintable() for char in human.replace("\n", "").replace(file, "")), human
    assert len(json.loads(as_json)["findings"]) == len(report.findings)
    results = json.loads(as_sarif)["runs"][0]["results"]
    assert len(results) == len(report.findings)
    for result in results:
        assert result["message"]["text"]
        (place,) = result["locations"]
        region, uri = place["physicalLocation"]["region"], place["physicalLocation"]["artifactLocation"]["uri"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1
        assert uri.isascii()
        assert not set(uri) & set(' \n"<>\\^`{|}')
    lines = github.splitlines()
    assert len(lines) == len(report.findings), lines
    assert all(line.startswith(("::error file=", "::warning file=")) for line in lines), lines


def _snapshot_written() -> tuple[Places, str, bytes, tuple[Any, Any, Any], Any]:
    """Write the snapshot of a file that changed long ago."""
    folder = _FOLDER / "home"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / "profiles.toml"
    file.write_text("version = 1\n")
    time.sleep(0.05)
    places = Places(str(file), None, str(folder), str(folder / "cache"), "/home/me")
    sections = (("prod", {"prod": b"plain"}), "prod\tProduction\n", {"whole": ["declarations", 1, None]})
    mark, at, checksum = snapshot.seen(file.read_bytes(), file.stat(), time.time_ns())
    settled, snapshot._SETTLED = snapshot._SETTLED, 0  # pretends that the file last changed long ago
    snapshot.write(places, {str(file): (mark, at, checksum)}, sections)
    snapshot._SETTLED = settled
    return places, str(file), Path(snapshot._path(places)).read_bytes(), sections, (mark, checksum)


_SNAPSHOT: list[Any] = []


def snapshot_file(data: bytes) -> None:
    """A damaged snapshot is a miss or returns the original data; one with another key is a miss even with correct checksums."""
    if not _SNAPSHOT:
        _SNAPSHOT.extend(_snapshot_written())
    places, file, good, sections, _ = _SNAPSHOT
    choices = Choices(data)
    section = choices.number(3)
    if choices.number(2):
        content = _damaged(choices, good)
    else:
        content = good[: len(snapshot._HEADER)] + choices.rest()
    _place(places, content)
    found = snapshot.read(places, [file], section)
    assert found is None or found == sections[section], found


def _place(places: Places, content: bytes) -> None:
    descriptor = os.open(snapshot._path(places), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, content)
    os.close(descriptor)


def _damaged(choices: Choices, good: bytes) -> bytes:
    """Return `good` with pieces changed, removed, doubled or exchanged."""
    content = good
    for _ in range(1 + choices.number(4)):
        start, length, to = choices.number(len(good)), choices.number(40), choices.number(len(good))
        kind = choices.number(5)
        piece = content[start : start + length]
        if kind == 0:
            content = content[:start] + choices.some(40) + content[start + length :]
        elif kind == 1:
            content = content[:start] + content[start + length :]
        elif kind == 2:
            content = content[:to] + piece + content[to:]
        elif kind == 3:
            content = content[:to] + piece + content[to + len(piece) :]
        else:  # the length of the key
            head = len(snapshot._HEADER)
            content = content[:head] + choices.number(2**63).to_bytes(8, "little") + content[head + 8 :]
    return content


def snapshot_key(data: bytes) -> None:
    """A snapshot with any key is used only if that is the true key."""
    if not _SNAPSHOT:
        _SNAPSHOT.extend(_snapshot_written())
    places, file, _, sections, (mark, checksum) = _SNAPSHOT
    choices = Choices(data)
    real = snapshot._real_paths([file])
    key: list[Any] = ["/home/me", {file: (mark, None)}, 0, real]
    for _ in range(choices.number(3)):
        at = choices.number(5)
        if at == 4:
            key = key[: choices.number(6)]
        elif at < len(key):
            key[at] = choices.one(
                (
                    "", "/home/me", file, (), (file,), (file, file), [file], (mark,), (mark[:-1],), [mark], ((*mark[:-1], 0),),
                    {file: (mark, checksum)}, {file: (mark, 0)}, {file: mark}, {file: ((*mark[:-1], 0), None)}, {file: b""},
                    {"x": (mark, None)}, 0, -1, 2**80, None, True, 1.5, float("nan"), {}, b"",
                    (str(_FOLDER),), "x" * 3000,
                )
            )  # fmt: skip
    value: Any = tuple(key) if choices.number(8) else choices.one((key, None, 0, "", {}, tuple(key[:1])))
    _place(places, snapshot._content(value, sections))
    found = snapshot.read(places, [file], choices.number(3))
    if found is not None:
        home, files, taken, led = value
        assert (home, led) == (places.home, real), value
        assert files in ({file: (mark, None)}, {file: (mark, checksum)}), value
        assert not taken > time.time_ns(), value


def state(data: bytes) -> None:
    """The state file: two names or none, and a switch keeps the one before."""
    folder = _FOLDER / "state"
    folder.mkdir(exist_ok=True)
    file = StateFile(str(folder))
    Path(file.path).write_bytes(data)
    active, previous = file.read()
    after = file.activate("next")
    kept = previous if active == "next" else active or previous
    assert after == file.read() == ("next", kept)
    file.rename("next", None)
    assert file.read() == (None, None if kept == "next" else kept)


def journal(data: bytes) -> None:
    """The journal of an interrupted command can be shown and completed, or is refused."""
    folder = _FOLDER / "journal"
    folder.mkdir(exist_ok=True)
    book = Journal(str(folder))
    Path(book.path).write_bytes(data)
    try:
        found = book.read()
    except ConfigUnreadable:
        return
    assert found is not None
    assert (found.operation == "rename") == (found.new is not None)
    assert found.operation in ("rename", "remove")
    assert str(found).isprintable()
    assert found.command.isprintable()
    found.is_same(Unfinished("rename", "a", "b", "/c", ""))
    book.begin(found)
    assert book.read() == found


CONFIG_TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "validate": validate_file,
    "splice": splice,
    "lint_formats": lint_formats,
    "snapshot_file": snapshot_file,
    "snapshot_key": snapshot_key,
    "state": state,
    "journal": journal,
}
