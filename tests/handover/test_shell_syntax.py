"""Every format carries any value to its real reader: bash, zsh, fish, python-dotenv, json. For PowerShell and cmd, the reader
is a parser written here from their documented rules."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import dotenv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniprofile.errors import UsageError
from omniprofile.handover.calling_shell import calling_shell
from omniprofile.handover.env_file_syntax import github
from omniprofile.handover.shell_syntax import SHELLS, render, switch_script
from omniprofile.model.export_mark import mark_of

NASTY = [
    "",
    " ",
    "plain",
    "it's",
    "''''",
    '"quoted"',
    'odd"quote',
    "$HOME ${HOME} $(id) `id` $'x'",
    "${:-$}{",
    "${a:-${b}}",
    "back\\slash\\\\ \\' \\n",
    "ends in backslash\\",
    "line\nbreak\r\nand\rreturn",
    "trailing newline\n\n",
    "\n",
    "\ttab",
    "!history !! !$",
    "~ ~root *.py [a] {a,b} ? #comment",
    "-n -leading",
    "a=b; c & d | e > f < g",
    "100% %PATH% %%",
    "^caret ^& ^^",
    "(paren)",
    "umlaut äöü, kanji 漢字, emoji 🌍, zero-width \u200b, rtl \u202e",
    "curly \u2018quotes\u2019 \u201a\u201b",
    "\x01\x7f\x1b[31m",
    "x" * 5000,
]
READ = "import os, sys; sys.stdout.buffer.write(os.environb[b'VALUE'])"
values = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=60)
shells = pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])


def _evaluate(shell: str, script: str, read: str = READ) -> bytes:
    program = shutil.which(shell)
    if program is None:
        raise AssertionError(f"{shell} must be installed: see tests/all")
    options = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    strict = "" if shell == "fish" else "set -eu\n"
    take_in = 'printf %s "$SCRIPT" | source' if shell == "fish" else 'eval "$SCRIPT"'
    ran = subprocess.run(
        [program, *options, "-c", f'{strict}{take_in}\nexec "$PYTHON" -c "$READ"'],
        env={
            "SCRIPT": script,
            "PYTHON": sys.executable,
            "READ": read,
            "PATH": os.environ["PATH"],
            "HOME": "/",
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == b""
    return ran.stdout


@shells
@pytest.mark.parametrize("value", NASTY)
def test_a_real_shell_takes_any_value_in_unchanged(shell: str, value: str) -> None:
    assert _evaluate(shell, render(shell, {"VALUE": value}, [])) == value.encode()


@shells
@given(st.lists(values, min_size=30, max_size=30))
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_real_shell_takes_generated_values_in_unchanged(shell: str, many: list[str]) -> None:
    assign = {f"V{number}": value for number, value in enumerate(many)}
    read = "import os, json, sys; sys.stdout.write(json.dumps([os.environ[f'V{n}'] for n in range(30)]))"
    assert json.loads(_evaluate(shell, render(shell, assign, []), read)) == many


@shells
def test_a_real_shell_unsets_even_what_is_not_set(shell: str) -> None:
    script = render(shell, {"VALUE": "1"}, []) + render(shell, {}, ["VALUE", "NEVER_SET"])
    read = "import os, sys; sys.stdout.write(str('VALUE' in os.environ))"
    assert _evaluate(shell, script, read) == b"False"


@shells
def test_switching_this_shell_sets_and_forgets(shell: str) -> None:
    before = render(shell, {"OMNI_PROFILE": "a", "OMNI_API_TOKEN": "t", "OMNIPROFILE_EXPORTED": "a x=1"}, [])
    read = (
        "import os, sys; sys.stdout.write(' '.join(f'{k}={v}' for k, v in sorted(os.environ.items()) if 'OMNI' in k))"
    )
    after = _evaluate(shell, before + switch_script(shell, "b", "a", ["OMNI_PROFILE", "OMNI_API_TOKEN"]), read)
    assert after == b"OMNIPROFILE_PREVIOUS=a OMNI_PROFILE=b"
    assert _evaluate(shell, before + switch_script(shell, "b", None, []), read) == b"OMNI_API_TOKEN=t OMNI_PROFILE=b"


def _dotenv(text: str, tmp_path: Path) -> tuple[dict[str, str | None], dict[str, str]]:
    values_ = dict(dotenv.dotenv_values(stream=io.StringIO(text), interpolate=True))
    file = tmp_path / "x.env"
    file.write_bytes(text.encode())
    script = f"import dotenv, json, os; dotenv.load_dotenv({str(file)!r}); print(json.dumps(dict(os.environ)))"
    environ = {"PATH": os.environ["PATH"], "HOME": "/root-of-interpolation"}
    ran = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, check=True)
    return values_, json.loads(ran.stdout)


def _rendered(value: str) -> str | None:
    """Return the dotenv file for a value; None if the value is refused, which only certain values may be."""
    try:
        return render("dotenv", {"VALUE": value, "AFTER": "1"}, [])
    except UsageError as error:
        if "VALUE" in error.message and ("\r" in value or ("'" in value and set(value) & set('"\\$`'))):
            return None
        raise


@pytest.mark.parametrize("value", NASTY)
def test_python_dotenv_reads_any_value_unchanged_or_it_is_refused(value: str, tmp_path: Path) -> None:
    text = _rendered(value)
    if text is not None:
        parsed, loaded = _dotenv(text, tmp_path)
        assert parsed["VALUE"] == loaded["VALUE"] == value
        assert loaded["AFTER"] == "1"


@given(st.lists(values, max_size=20))
@settings(max_examples=60)
def test_python_dotenv_reads_generated_values_unchanged_or_they_are_refused(many: list[str]) -> None:
    for value in many:
        text = _rendered(value)
        if text is not None:
            parsed = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=True)
            assert dict(parsed) == {"VALUE": value, "AFTER": "1"}


SOURCED = st.text("~:/'\"\\$`{}; \n#~*!&|()a=", max_size=12)


@pytest.mark.parametrize("value", NASTY)
def test_a_shell_that_sources_a_dotenv_file_runs_none_of_it(value: str, tmp_path: Path) -> None:
    _source(value, tmp_path)


@given(value=SOURCED)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_a_shell_that_sources_a_generated_dotenv_file_runs_none_of_it(value: str, tmp_path: Path) -> None:
    _source(value, tmp_path)


def _source(value: str, tmp_path: Path) -> None:
    text = _rendered(value)
    if text is None:
        return
    file = tmp_path / "x.env"
    file.write_text(text, newline="")
    # No command can be run, so only assignments are silent.
    ran = subprocess.run(
        ["/bin/sh", "-c", f'. {file}; printf %s "$VALUE|$AFTER"'],
        env={"PATH": "/none"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.endswith(b"|1")
    if "${" not in value and "\\\\" not in value and not value.endswith("\\"):
        assert ran.stdout == f"{value}|1".encode()


def _literal(text: str) -> dict[str, str]:
    """Read it as `docker run --env-file` does: everything after the first `=`, quotes included."""
    return dict(line.split("=", 1) for line in text.splitlines())


@given(st.text("ABZabz019_./:@%+,=-", max_size=40))
def test_a_reader_that_takes_quotes_literally_gets_plain_values_right(value: str) -> None:
    assert _literal(render("dotenv", {"VALUE": value}, []))["VALUE"] == value


def test_exported_values_are_unquoted_in_a_dotenv_file() -> None:
    variables = {"OMNI_BASE_URL": "https://acme.omniapp.co:8443", "OMNI_API_TOKEN": "omni_osk_a.b-c_d~e/f+g="}
    mark = {"OMNIPROFILE_EXPORTED": mark_of("prod-eu.1", variables, variables["OMNI_BASE_URL"])}
    assert _literal(render("dotenv", variables | mark, [])) == variables | mark


def _powershell(script: str) -> dict[str, str]:
    """about_Quoting_Rules: a verbatim string ends at a quote that no second one follows; typographic ones count as quotes."""
    quote = "['\u2018\u2019\u201a\u201b]"
    found = {}
    position = 0
    pattern = re.compile(rf"\$\{{env:(\w+)\}} = {quote}((?:[^'\u2018\u2019\u201a\u201b]|{quote}{{2}})*){quote}\n")
    while position < len(script):
        match = pattern.match(script, position)
        assert match, script[position : position + 80]
        found[match[1]] = re.sub(f"({quote})({quote})", lambda pair: pair[1], match[2])
        position = match.end()
    return found


@pytest.mark.parametrize("value", NASTY)
def test_powershell_reads_any_value_by_its_documented_rules(value: str) -> None:
    assert _powershell(render("powershell", {"VALUE": value, "AFTER": "1"}, [])) == {"VALUE": value, "AFTER": "1"}


@given(st.text("'\u2018\u2019\u201a\u201b\"$`ab\n", max_size=30))
def test_powershell_reads_any_run_of_quotes(value: str) -> None:
    assert _powershell(render("powershell", {"VALUE": value}, [])) == {"VALUE": value}


def _cmd(script: str) -> dict[str, str]:
    """A batch line as cmd reads it: phase 1 halves `%%`; phase 2 toggles at each quote, takes `^X` as X outside quotes, and an
    operator outside quotes would end the command; `set "NAME=…` then takes all up to the last quote."""
    found = {}
    for line in script.split("\r\n"):
        if not line:
            continue
        assert "\n" not in line
        assert "\r" not in line
        halved, rest = "", line
        while rest:
            if rest[0] == "%":
                assert rest[:2] == "%%", f"cmd would expand a variable: {rest}"
                rest = rest[1:]
            halved += rest[0]
            rest = rest[1:]
        text, quoted, index = "", False, 0
        while index < len(halved):
            character = halved[index]
            if character == "^" and not quoted:
                index += 1
                text += halved[index]
            else:
                assert quoted or character not in "&|<>", f"cmd would see an operator: {halved}"
                quoted ^= character == '"'
                text += character
            index += 1
        match = re.fullmatch(r'set "(\w+)=(.*)"', text, re.DOTALL)
        assert match, text
        found[match[1]] = match[2]
    return found


@pytest.mark.parametrize("value", [value for value in NASTY if "\n" not in value and "\r" not in value])
def test_cmd_reads_any_value_by_its_documented_rules(value: str) -> None:
    assert _cmd(render("cmd", {"VALUE": value, "AFTER": "1"}, [])) == {"VALUE": value, "AFTER": "1"}


@given(st.text('"^%&|<>()! ab', max_size=30))
def test_cmd_reads_any_run_of_specials(value: str) -> None:
    assert _cmd(render("cmd", {"VALUE": value}, [])) == {"VALUE": value}


@pytest.mark.parametrize("value", ["a\nb", "a\rb"])
def test_cmd_refuses_a_line_break_and_never_shows_the_value(value: str) -> None:
    with pytest.raises(UsageError) as caught:
        render("cmd", {"VALUE": value}, [])
    assert "`VALUE`" in caught.value.message
    assert value not in caught.value.message


@pytest.mark.parametrize("shell", sorted(set(SHELLS) - {"github"}))
def test_a_nul_is_refused_everywhere(shell: str) -> None:
    with pytest.raises(UsageError, match="`VALUE` holds a NUL"):
        render(shell, {"VALUE": "a\0b"}, [])


@pytest.mark.parametrize("value", NASTY)
def test_json_and_github_carry_any_value(value: str) -> None:
    assert json.loads(render("json", {"VALUE": value}, ["GONE"])) == {"GONE": None, "VALUE": value}
    _, text = github({"VALUE": value, "AFTER": "1"}, [], [])
    assert _github_env(text) == {"VALUE": value.replace("\r\n", "\n").replace("\r", "\n"), "AFTER": "1"}


def _github_env(text: str) -> dict[str, str]:
    """`NAME<<DELIMITER`, lines, `DELIMITER`: as the runner's file commands are documented."""
    found: dict[str, str] = {}
    lines = iter(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    for head in lines:
        if not head:
            continue
        name, delimiter = head.split("<<")
        body = []
        for line in lines:
            if line == delimiter:
                break
            body.append(line)
        found[name] = "\n".join(body)
    return found


def test_github_masks_every_line_of_a_secret_before_anything_else() -> None:
    masks, text = github({"T": "a%b\nc"}, ["OLD"], ["a%b\nc"])
    assert masks == "::add-mask::a%25b\n::add-mask::c\n"
    assert text.startswith("OLD<<")


def test_a_value_cannot_end_its_github_block_and_set_another_variable() -> None:
    value = "x\nOMNIPROFILE\nPATH<<OMNIPROFILE_\n/evil\nOMNIPROFILE_\n"
    _, text = github({"VALUE": value}, [], [])
    assert set(_github_env(text)) == {"VALUE"}


@pytest.mark.parametrize(
    ("parent", "environ", "shell"),
    [
        ("fish", {}, "fish"),
        ("-zsh", {}, "zsh"),
        ("bash", {}, "bash"),
        ("dash", {}, "bash"),
        ("pwsh.exe", {}, "powershell"),
        ("python3", {}, "bash"),
        (None, {}, "bash"),
        ("make", {"OMNIPROFILE_SHELL": "fish"}, "fish"),
        (None, {"OMNIPROFILE_SHELL": "fish"}, "fish"),
        ("fish", {"OMNIPROFILE_SHELL": "fish"}, "fish"),
        ("bash", {"OMNIPROFILE_SHELL": "nonsense"}, "bash"),
        ("make", {"OMNIPROFILE_SHELL": "github"}, "bash"),
        # Inherited by a shell of another kind.
        ("bash", {"OMNIPROFILE_SHELL": "fish"}, "bash"),
        ("sh", {"OMNIPROFILE_SHELL": "fish"}, "bash"),
        ("zsh", {"OMNIPROFILE_SHELL": "cmd"}, "zsh"),
        ("zsh", {"OMNIPROFILE_HOOK": "powershell"}, "zsh"),
        # The hook's function evaluates the answer, even through a wrapper.
        ("bash", {"OMNIPROFILE_SHELL": "fish", "OMNIPROFILE_HOOK": "zsh", "OMNIPROFILE_EVAL": "1"}, "zsh"),
        ("make", {"OMNIPROFILE_SHELL": "fish", "OMNIPROFILE_HOOK": "zsh"}, "zsh"),
    ],
)
def test_the_shell_is_the_one_that_evaluates(parent: str | None, environ: dict[str, str], shell: str) -> None:
    assert calling_shell(environ, parent) == shell
