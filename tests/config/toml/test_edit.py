"""Edits change one value and no other byte: hard cases for TOML writers, the corpus, and hypothesis."""

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from omniprofile.config.toml import edit, write
from omniprofile.config.toml.data import put_at, same
from omniprofile.config.toml.lines import cut
from omniprofile.config.toml.parse import data_of
from omniprofile.config.toml.statements import every_pair, scan
from omniprofile.config.toml.text import Document
from omniprofile.errors import OperationFailed
from omniprofile.model.names import is_valid

CORPUS = sorted((Path(__file__).parents[2] / "corpus/good").glob("*.toml"))
TEXTS = {path.stem: Document.parse(path.name, path.read_bytes()).text for path in CORPUS}

EDITS = [
    # the text, the edit, the result
    ("value", '[profiles.a]\nauth   =  "oauth"   # why\n', ("profiles.a.auth", '"api-key"'),
     '[profiles.a]\nauth   =  "api-key"   # why\n'),
    ("crlf-value", '[profiles.a]\r\nauth = "oauth"\r\n', ("profiles.a.auth", '"api-key"'),
     '[profiles.a]\r\nauth = "api-key"\r\n'),
    ("crlf-new-line", '[profiles.a]\r\nauth = "oauth" # x\r\n\r\n# b\r\n[profiles.b]\r\n', ("profiles.a.extends", '"b"'),
     '[profiles.a]\r\nauth = "oauth" # x\r\nextends = "b"\r\n\r\n# b\r\n[profiles.b]\r\n'),
    ("mixed-endings", 'version = 1\n[profiles.a]\r\nauth = "oauth"\r\n', ("profiles.a.extends", '"b"'),
     'version = 1\n[profiles.a]\r\nauth = "oauth"\r\nextends = "b"\r\n'),
    ("no-final-newline", '[profiles.a]\nauth = "oauth"', ("profiles.a.extends", '"b"'),
     '[profiles.a]\nauth = "oauth"\nextends = "b"'),
    ("indented", '[profiles.a]\n\tauth = "oauth"\n', ("profiles.a.extends", '"b"'),
     '[profiles.a]\n\tauth = "oauth"\n\textends = "b"\n'),
    ("quoted-header", '[profiles."a.b"]\nauth = "oauth"\n', (("profiles", "a.b", "extends"), '"b"'),
     '[profiles."a.b"]\nauth = "oauth"\nextends = "b"\n'),
    ("quoted-key", '[profiles.a]\n"auth" = "oauth"\n', ("profiles.a.auth", '"api-key"'), '[profiles.a]\n"auth" = "api-key"\n'),
    ("escaped-key", '[profiles."\\u0061"]\nauth = "oauth"\n', ("profiles.a.auth", '"x"'), '[profiles."\\u0061"]\nauth = "x"\n'),
    ("dotted-value", 'profiles.a.auth = "oauth"\nprofiles.b.auth = "oauth"\n', ("profiles.a.auth", '"x"'),
     'profiles.a.auth = "x"\nprofiles.b.auth = "oauth"\n'),
    ("dotted-new", 'profiles.a.auth = "oauth"\nprofiles.b.auth = "oauth"\n', ("profiles.a.extends", '"b"'),
     'profiles.a.auth = "oauth"\nprofiles.a.extends = "b"\nprofiles.b.auth = "oauth"\n'),
    ("dotted-with-blanks", '[profiles]\na . auth = "oauth"\n', ("profiles.a.extends", '"b"'),
     '[profiles]\na . auth = "oauth"\na.extends = "b"\n'),
    ("inline-value", 'profiles = { a = { auth = "oauth" } } # x\n', ("profiles.a.auth", '"x"'),
     'profiles = { a = { auth = "x" } } # x\n'),
    ("inline-new", 'profiles = { a = { auth = "oauth" } } # x\n', ("profiles.a.extends", '"b"'),
     'profiles = { a = { auth = "oauth", extends = "b" } } # x\n'),
    ("inline-new-table", 'profiles = { a = { auth = "oauth" } }\n', ("profiles.b.auth", '"x"'),
     'profiles = { a = { auth = "oauth" }, b = { auth = "x" } }\n'),
    ("inline-empty", "[profiles.a]\nexpect = {}\n", ("profiles.a.expect.user", '"u"'),
     '[profiles.a]\nexpect = { user = "u" }\n'),
    ("no-table", '[profiles.a]\nexpect = "x" # why\n', ("profiles.a.expect.user", '"u"'),
     '[profiles.a]\nexpect = { user = "u" } # why\n'),
    ("nested-new", "[profiles.a]\nprotected = true\n", ("profiles.a.expect.user", '"u"'),
     '[profiles.a]\nprotected = true\nexpect = { user = "u" }\n'),
    ("sub-table-new", '[profiles.a]\n[profiles.a.env]\nA = "1"\n\n[profiles.b]\n', ("profiles.a.env.B", '"2"'),
     '[profiles.a]\n[profiles.a.env]\nA = "1"\nB = "2"\n\n[profiles.b]\n'),
    ("out-of-order", '[profiles.a]\n[instances.i]\nx = 1\n[profiles.a.env]\nA = "1"\n', ("profiles.a.auth", '"x"'),
     '[profiles.a]\nauth = "x"\n[instances.i]\nx = 1\n[profiles.a.env]\nA = "1"\n'),
    ("implicit", '# env\n[profiles.a.env]\nA = "1"\n', ("profiles.a.auth", '"x"'),
     '[profiles.a]\nauth = "x"\n\n# env\n[profiles.a.env]\nA = "1"\n'),
    ("table-by-value", '[profiles.a]\nauth = "x"\n\n[profiles.a.env]\nA = "1"\n\n[profiles.b]\n',
     ("profiles.a.env", '{ B = "2" }'),
     '[profiles.a]\nauth = "x"\nenv = { B = "2" }\n\n[profiles.b]\n'),
    ("top-first", '# head\n\n# a\n[profiles.a]\n', ("default", '"a"'), '# head\n\ndefault = "a"\n\n# a\n[profiles.a]\n'),
    ("top-directive", "#:schema x\n[profiles.a]\n", ("default", '"a"'), '#:schema x\ndefault = "a"\n\n[profiles.a]\n'),
    ("top-next", "version = 1 # one\n[profiles.a]\n", ("default", '"a"'), 'version = 1 # one\ndefault = "a"\n[profiles.a]\n'),
    ("instance-after-its-kin", '[instances.a]\nx = 1\n\n# b\n[profiles.b]\n', ("instances.c.x", "2"),
     '[instances.a]\nx = 1\n\n[instances.c]\nx = 2\n\n# b\n[profiles.b]\n'),
    ("settings-first", "version = 1\n\n[profiles.b]\n",
     ("settings.x", "2"), "version = 1\n\n[settings]\nx = 2\n\n[profiles.b]\n"),
    ("multi-line-array", '[profiles.a]\nkey = { env = "X" }\ncommand = [\n  "a", # one\n  "b",\n]\n', ("profiles.a.auth", '"x"'),
     '[profiles.a]\nkey = { env = "X" }\ncommand = [\n  "a", # one\n  "b",\n]\nauth = "x"\n'),
    ("multi-line-string", '[profiles.a]\ndescription = """\n# no comment\n[no.header]\n"""\n[profiles.b]\n',
     ("profiles.b.auth", '"x"'),
     '[profiles.a]\ndescription = """\n# no comment\n[no.header]\n"""\n[profiles.b]\nauth = "x"\n'),
    ("string-with-quotes", "[profiles.a]\nd = '''it's \"\"\" here'''''\nauth = 1\n", ("profiles.a.auth", "2"),
     "[profiles.a]\nd = '''it's \"\"\" here'''''\nauth = 2\n"),
    ("empty", "", ("default", '"a"'), 'default = "a"\n'),
    ("only-a-comment", "# nothing yet", ("profiles.a.auth", '"x"'), '# nothing yet\n\n[profiles.a]\nauth = "x"'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "change", "wanted"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_a_value_is_set_where_a_person_would_write_it(text: str, change: tuple[Any, str], wanted: str) -> None:
    path, written = change
    assert edit.set_value(text, path if isinstance(path, tuple) else tuple(path.split(".")), written) == wanted


REMOVALS = [
    ("line", '[profiles.a]\nauth = "x" # why\nextends = "b"\n', "profiles.a.auth", '[profiles.a]\nextends = "b"\n'),
    ("last-line", '[profiles.a]\nauth = "x"\nextends = "b"', "profiles.a.extends", '[profiles.a]\nauth = "x"'),
    ("crlf-last-line", '[profiles.a]\r\nauth = "x"\r\nextends = "b"', "profiles.a.extends", '[profiles.a]\r\nauth = "x"'),
    ("inline-first", "a = { b = 1, c = 2 }\n", "a.b", "a = { c = 2 }\n"),
    ("inline-last", "a = { b = 1, c = 2 }\n", "a.c", "a = { b = 1 }\n"),
    ("inline-only", "a = { b = 1 }\n", "a.b", "a = {}\n"),
    ("dotted-all", "a.b.c = 1\na.d = 2\na.b.e = 3\n", "a.b", "a.d = 2\n"),
    ("profile-of-keys-alone", 'profiles.a.auth = "x"\n', "profiles.a.auth", "[profiles]\na = {}\n"),
    ("table", "# head\n\n# a\n[profiles.a]\nx = 1\n# in a\n\n# b\n[profiles.b]\n", "profiles.a", "# head\n\n# b\n[profiles.b]\n"),
    ("table-last", "[profiles.a]\n\n# b\n[profiles.b]\nx = 1\n", "profiles.b", "[profiles.a]\n"),
    ("table-last-no-newline", "[profiles.a]\n\n[profiles.b]\nx = 1", "profiles.b", "[profiles.a]"),
    ("table-compact", "[profiles.a]\nx = 1\n# not b's alone\n[profiles.b]\n[profiles.c]\n", "profiles.b",
     "[profiles.a]\nx = 1\n# not b's alone\n[profiles.c]\n"),
    ("table-in-parts", "[profiles.a]\nx = 1\n\n[i]\ny = 1\n\n[profiles.a.env]\nA = 1\n\n[j]\n",
     "profiles.a", "[i]\ny = 1\n\n[j]\n"),
    ("array", "[a]\nb = [\n  1, # one\n  2,\n] # end\nc = 3\n", "a.b", "[a]\nc = 3\n"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "path", "wanted"), [case[1:] for case in REMOVALS], ids=[case[0] for case in REMOVALS]
)
def test_removal_deletes_only_the_lines_of_the_value(text: str, path: str, wanted: str) -> None:
    assert edit.remove(text, tuple(path.split("."))) == wanted


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ('[profiles.a] # x\n[i]\n["profiles".a.env]\n', "b", '[profiles.b] # x\n[i]\n["profiles".b.env]\n'),
        ("[profiles.\"a\"]\n[profiles.'a'.env]\n", "b", "[profiles.\"b\"]\n[profiles.'b'.env]\n"),
        ("profiles.a.x = 1\nprofiles.a.y.z = 1\n", "b.c", 'profiles."b.c".x = 1\nprofiles."b.c".y.z = 1\n'),
        ("profiles = { a = { x = 1 }, c = {} }\n", "b", "profiles = { b = { x = 1 }, c = {} }\n"),
        ("[profiles]\na.x = 1\n[profiles.a.env]\n", "b", "[profiles]\nb.x = 1\n[profiles.b.env]\n"),
    ],
)
def test_a_table_is_renamed_wherever_its_name_is_written(text: str, name: str, wanted: str) -> None:
    assert edit.rename(text, ("profiles", "a"), name) == wanted


def test_a_slip_of_the_pen_is_a_refused_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a position were wrong by one character, the check after each edit would refuse it."""
    monkeypatch.setattr(edit, "cut", lambda text, start, end, piece: cut(text, start, end + 1, piece))
    with pytest.raises(OperationFailed, match="nothing was written"):
        edit.set_value('[profiles.a]\nauth = "x"\nextends = "b"\n', ("profiles", "a", "auth"), '"y"')


@pytest.mark.parametrize("name", TEXTS)
def test_every_position_is_exact(name: str) -> None:
    """The text at each position is that value, and no key or value is missing."""
    text = TEXTS[name]
    document = Document.parse("f.toml", text.encode())

    def place(at: int) -> tuple[int, int]:
        return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1

    pairs = list(every_pair(scan(text)))
    for pair in pairs:
        key, value = document.position(pair.path), document.value_position(pair.path)
        assert (key.line, key.column) == place(pair.keys[-1].start)
        assert (value.line, value.column) == place(pair.start)
        assert edit.value_of(text[pair.start : pair.end].replace("\r\n", "\n")) == _at(document.data, pair.path)
    leaves = {pair.path for pair in pairs if pair.members is None}
    assert leaves == set(_leaves(document.data or {}))


def _leaves(data: dict[str, Any], path: tuple[str, ...] = ()) -> Any:
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        data = data[name]
    return data


def _paths(data: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, value in data.items():
        found.append((*path, name))
        if isinstance(value, dict):
            found += _paths(value, (*path, name))
    return found


def _leftover(before: str, after: str) -> tuple[str, str]:
    """Return what two texts do not share at their beginnings and ends: the part that a single edit changed."""
    start = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    rest = min(len(before), len(after)) - start
    end = next((i for i in range(rest) if before[-1 - i] != after[-1 - i]), rest)
    return before[start : len(before) - end], after[start : len(after) - end]


names = st.sampled_from(["a", "prod", "new", "x-1", "a.b", "B_2"])
values = st.one_of(
    st.text(max_size=12).filter(lambda text: not any("\ud800" <= char <= "\udfff" for char in text)).map(write.toml),
    st.sampled_from(["true", "12", '["a", "b"]', '{ env = "X" }', "'lit'", "{}", '"#"', '"[x]"']),
)


@given(st.sampled_from(sorted(TEXTS)), st.data())
@settings(max_examples=300, deadline=None)
def test_any_edit_changes_nothing_outside_its_value(name: str, data: st.DataObject) -> None:
    """For any value of any file of the corpus, only that value differs afterwards."""
    text = TEXTS[name]
    before = data_of(text)
    paths = _paths(before)
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    written = data.draw(values)
    after = edit.set_value(text, path, written)
    pair = next((pair for pair in every_pair(scan(text)) if pair.path == path), None)
    if pair is not None and not same(_at(before, path), edit.value_of(written)):
        assert after == text[: pair.start] + written + text[pair.end :]
    wanted = copy.deepcopy(before)
    _at(wanted, path[:-1])[path[-1]] = edit.value_of(written)
    assert same(tomllib.loads(after), wanted)


@given(st.sampled_from(sorted(TEXTS)), st.data())
@settings(max_examples=200, deadline=None)
def test_any_new_key_is_put_in_one_place_and_removing_it_gives_the_text_back(name: str, data: st.DataObject) -> None:
    text = TEXTS[name]
    tables: list[tuple[str, ...]] = [("profiles", n) for n in data_of(text).get("profiles", {})]
    tables = tables or [("settings",)]
    path = (*data.draw(st.sampled_from(tables)), "zz-new")
    after = edit.set_value(text, path, data.draw(values))
    gone, come = _leftover(text, after)
    assert gone == "", "nothing was taken away"
    assert "zz-new" in come
    back = edit.remove(after, path)
    if len(path) == 3:
        assert back == text or same(data_of(back), data_of(text))


class Editing(RuleBasedStateMachine):
    """Any sequence of edits of any file of the corpus: it always parses, and each step changes exactly what was requested."""

    @initialize(name=st.sampled_from(sorted(TEXTS)))
    def begin(self, name: str) -> None:
        self.text = TEXTS[name]

    @rule(data=st.data(), written=values)
    def set_any(self, data: st.DataObject, written: str) -> None:
        self._set(data.draw(st.sampled_from(_paths(data_of(self.text)) or [("default",)])), written)

    @rule(
        kind=st.sampled_from(["profiles", "instances"]),
        name=names,
        key=st.sampled_from([("auth",), ("env", "A"), ("expect", "user"), ("key", "env"), ("description",)]),
        written=values,
    )
    def set_one(self, kind: str, name: str, key: tuple[str, ...], written: str) -> None:
        self._set((kind, name, *key), written)

    @rule(path=st.sampled_from([("default",), ("settings", "secret_store"), ("defaults", "auth")]), written=values)
    def set_top(self, path: tuple[str, ...], written: str) -> None:
        self._set(path, written)

    def _set(self, path: tuple[str, ...], written: str) -> None:
        self._edit(
            lambda text: edit.set_value(text, path, written),
            lambda data: put_at(data, path, edit.value_of(written)),
        )

    @rule(data=st.data())
    def remove_any(self, data: st.DataObject) -> None:
        if paths := _paths(data_of(self.text)):
            path = data.draw(st.sampled_from(paths))
            self._edit(
                lambda text: edit.remove(text, path), lambda wanted: _at(wanted, path[:-1]).__delitem__(path[-1])
            )

    @rule(data=st.data(), name=names)
    def rename_any(self, data: st.DataObject, name: str) -> None:
        before = data_of(self.text)
        tables = [(k, n) for k in ("profiles", "instances") for n in _names(before, k) if name not in _names(before, k)]
        if tables:
            kind, old = data.draw(st.sampled_from(tables))

            def renamed(wanted: Any) -> None:
                wanted[kind][name] = wanted[kind].pop(old)

            self._edit(lambda text: edit.rename(text, (kind, old), name), renamed)

    @rule(name=names, written=values)
    def add_profile(self, name: str, written: str) -> None:
        before = data_of(self.text)
        if name not in _names(before, "profiles") and isinstance(before.get("profiles", {}), dict):
            self._edit(
                lambda text: edit.add_table(text, ("profiles", name), {"description": written}),
                lambda data: put_at(data, ("profiles", name), {"description": edit.value_of(written)}),
            )

    def _edit(self, made: Callable[[str], str], change: Callable[[dict[str, Any]], None]) -> None:
        wanted = copy.deepcopy(data_of(self.text))
        change(wanted)
        crlf = "\r\n" in self.text and "\n" not in self.text.replace("\r\n", "")
        self.text = made(self.text)
        assert _pruned(tomllib.loads(self.text)) == _pruned(wanted)
        if crlf and "\r\n" in self.text:
            assert "\n" not in self.text.replace("\r\n", ""), "one kind of line ending stays one"


def _names(data: dict[str, Any], kind: str) -> list[str]:
    table = data.get(kind, {})
    return [name for name in table if is_valid(name)] if isinstance(table, dict) else []


def _pruned(data: Any) -> Any:
    """Return the data without empty tables, except profiles: an implicit table disappears with its last key."""
    if not isinstance(data, dict):
        return repr(data)
    inner = {name: _pruned(value) for name, value in data.items()}
    return {name: value for name, value in inner.items() if value != {}}


TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=40, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
