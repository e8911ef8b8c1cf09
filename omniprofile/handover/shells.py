r"""Assignments in the syntax of every supported shell and file format, quoted so that any value survives.

Each rule follows the documentation of the program that reads the value:

- bash, zsh: POSIX Shell Command Language, 2.2.2: within single quotes every character is itself; a single quote is `'\''`.
- fish: "Quotes": within single quotes only `\'` and `\\` are escapes.
- powershell: about_Quoting_Rules: within single quotes only the quote itself is special, and doubled. The parser also treats
  the typographic quotes U+2018 to U+201B as single quotes, so they are doubled too.
- cmd: for a batch file: `set "NAME=VALUE"`, `%` doubled; `^`, `&`, `|`, `<`, `>` are literal within the quotes. A quote in the
  value ends the quoting, so from there they are escaped with `^`. A line break cannot be represented.
- dotenv: a value of plain characters is written bare, which every reader takes alike, even those that keep quotes (`docker run
  --env-file`). Otherwise in single quotes, where python-dotenv still reads `\\` as one backslash and interpolates `${NAME}`;
  `${:-$}` is the default of an unset name: a dollar that is not interpolated again. A value with a single quote is in double
  quotes, if nothing in it is special there: with an escaped quote, a shell that sources the file would run what follows.
- json: one object; null for a variable to remove.
- github: workflow commands `::add-mask::`, and `NAME<<DELIMITER` blocks for `$GITHUB_ENV`.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

from omniprofile.model.exported import MARKER
from omniprofile.model.variables import refuse_nul

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    Lines = Callable[[Mapping[str, str], Iterable[str]], str]


def _posix(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"


def _fish(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell(value: str) -> str:
    for quote in "'\u2018\u2019\u201a\u201b":
        value = value.replace(quote, quote * 2)
    return "'" + value + "'"


def _cmd(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        from omniprofile.errors import UsageError

        raise UsageError(
            f"the value of `{name}` has a line break, which cmd cannot carry", hint="use `--shell powershell`"
        )
    written = []
    quoted = True  # within the quotes that open before the name
    for character in value:
        if character == '"':
            quoted = not quoted
        special = character in "^&|<>()" and not quoted
        written.append("%%" if character == "%" else "^" + character if special else character)
    # After an odd number of quotes, the closing one would start a new quoted run, so escape it to make it literal.
    return f'set "{name}={"".join(written)}{chr(34) if quoted else "^" + chr(34)}\r\n'


_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,=-~")
"""Characters that need no quotes in any shell or dotenv reader; `~` only within a word."""


def _dotenv(name: str, value: str) -> str:
    if _BARE.issuperset(value) and not (value.startswith("~") or ":~" in value or "=~" in value):
        return f"{name}={value}\n"
    if "'" not in value and "\r" not in value:
        if "\\\\" in value or value.endswith("\\"):
            value = value.replace("\\", "\\\\")
        value = value.replace("${", "${:-$}{")
        return f"{name}='{value}'\n"
    if not any(character in value for character in '"\\$`\r'):
        return f'{name}="{value}"\n'
    from omniprofile.errors import UsageError

    what = (
        "a carriage return" if "\r" in value else "a single quote beside a double quote, a backslash, `$` or a backtick"
    )
    raise UsageError(
        f"the value of `{name}` has {what}, which not every reader of a dotenv file takes as it is",
        hint="use `--shell json`",
    )


def _lines(assign: "Callable[[str, str], str]", remove: "Callable[[str], str]") -> "Lines":
    def render_lines(assigned: "Mapping[str, str]", removed: "Iterable[str]") -> str:
        return "".join(
            [*(remove(name) for name in removed), *(assign(name, value) for name, value in assigned.items())]
        )

    return render_lines


def _json(assigned: "Mapping[str, str]", removed: "Iterable[str]") -> str:
    import json

    return json.dumps({**dict.fromkeys(removed), **assigned}, ensure_ascii=False, indent=2) + "\n"


_POSIX = _lines(lambda name, value: f"export {name}={_posix(value)}\n", lambda name: f"unset {name}\n")

_FORMATS: "Mapping[str, Lines]" = {
    "bash": _POSIX,
    "zsh": _POSIX,
    "fish": _lines(lambda name, value: f"set -gx {name} {_fish(value)}\n", lambda name: f"set -e {name}\n"),
    "powershell": _lines(
        lambda name, value: f"${{env:{name}}} = {_powershell(value)}\n",
        lambda name: f"Remove-Item -LiteralPath 'env:{name}' -ErrorAction SilentlyContinue\n",
    ),
    "cmd": _lines(_cmd, lambda name: f'set "{name}="\r\n'),
    # Dotenv files cannot unset a variable, but an empty one counts as unset.
    "dotenv": _lines(_dotenv, lambda name: f"{name}=\n"),
    "json": _json,
}
SHELLS = (*_FORMATS, "github")
"""The formats of `env --shell`; `github` consists of two texts and has its own function."""


def render(shell: str, assign: "Mapping[str, str]", remove: "Iterable[str]") -> str:
    """Return the text that makes `shell` remove the variables in `remove` and then set those in `assign`.

    Raises UsageError, naming the variable, if the format cannot represent a value.
    """
    refuse_nul(assign)
    return _FORMATS[shell](assign, remove)


def github(assign: "Mapping[str, str]", remove: "Iterable[str]", secrets: "Collection[str]") -> tuple[str, str]:
    """Return the masks to print, one for each line of each secret, and the text to append to the file `$GITHUB_ENV`.

    GitHub masks single lines, and a workflow command escapes `%`, CR and LF. A line equal to the delimiter would end a value,
    so each delimiter differs from every line of its value.
    """
    refuse_nul(assign)
    masked = dict.fromkeys(line for secret in secrets for line in secret.splitlines() if line.strip())
    masks = "".join(f"::add-mask::{_workflow_command(line)}\n" for line in masked)
    values = {**dict.fromkeys(remove, ""), **assign}
    blocks = []
    for name, value in values.items():
        delimiter = "OMNIPROFILE"
        while any(line.strip() == delimiter for line in value.splitlines()):
            delimiter += "_"
        blocks.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    return masks, "".join(blocks)


def _workflow_command(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def switch_script(shell: str, profile: str, previous: str | None, remove: "Iterable[str]") -> str:
    """Return the script with which `shell` switches only itself to `profile`, and removes what `omniprofile env` exported."""
    assign = {"OMNI_PROFILE": profile}
    removed = list(dict.fromkeys([*remove, MARKER]))
    if previous is None:
        removed.append("OMNIPROFILE_PREVIOUS")
    else:
        assign["OMNIPROFILE_PREVIOUS"] = previous
    script = render(shell, assign, [name for name in removed if name not in assign])
    # The semicolons also let it survive an unquoted `eval`, which joins the lines.
    return script if shell in ("powershell", "cmd") else script.replace("\n", ";\n")


def quote(shell: str, text: str) -> str:
    """Return `text` as one word for bash, zsh, fish or powershell."""
    return {"fish": _fish, "powershell": _powershell}.get(shell, _posix)(text)


EVALUATE = "# omniprofile: evaluate in {}\n"
"""The first line of output that the hook's shell function evaluates; any other output it just shows."""
