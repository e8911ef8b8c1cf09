r"""Assignments in the syntax of every supported shell, quoted so that any value survives.

Each rule follows the documentation of the shell:

- bash, zsh: POSIX Shell Command Language, 2.2.2: within single quotes every character is itself; a single quote is `'\''`.
- fish: "Quotes": within single quotes only `\'` and `\\` are escapes.
- powershell: about_Quoting_Rules: within single quotes only the quote itself is special, and doubled. The parser also treats
  the typographic quotes U+2018 to U+201B as single quotes, so they are doubled too.
- cmd: for a batch file: `set "NAME=VALUE"`, `%` doubled; `^`, `&`, `|`, `<`, `>` are literal within the quotes. A quote in the
  value ends the quoting, so from there they are escaped with `^`. A line break cannot be represented.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

from omniprofile.model.credential_variables import refuse_nul
from omniprofile.model.variable_names import MARKER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


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


_POSIX = (lambda name, value: f"export {name}={_posix(value)}\n", lambda name: f"unset {name}\n")

_FORMATS: "Mapping[str, tuple[Callable[[str, str], str], Callable[[str], str]]]" = {
    "bash": _POSIX,
    "zsh": _POSIX,
    "fish": (lambda name, value: f"set -gx {name} {_fish(value)}\n", lambda name: f"set -e {name}\n"),
    "powershell": (
        lambda name, value: f"${{env:{name}}} = {_powershell(value)}\n",
        lambda name: f"Remove-Item -LiteralPath 'env:{name}' -ErrorAction SilentlyContinue\n",
    ),
    "cmd": (_cmd, lambda name: f'set "{name}="\r\n'),
}
"""How each shell sets a variable, and how it removes one."""
FILES = ("dotenv", "json", "github")
"""The formats of files for programs: `handover.env_file_syntax`."""
SHELLS = (*_FORMATS, *FILES)
"""The formats of `env --shell`."""


def render(shell: str, assign: "Mapping[str, str]", remove: "Iterable[str]") -> str:
    """Return the text that makes `shell` remove the variables in `remove` and then set those in `assign`, or a file that does.

    Raises UsageError, naming the variable, if the format cannot represent a value, and KeyError for an unknown shell and for
    `github`, which has two texts (`env_file_syntax.github`).
    """
    refuse_nul(assign)
    if shell in _FORMATS:
        setting, removal = _FORMATS[shell]
        return "".join([*map(removal, remove), *(setting(name, value) for name, value in assign.items())])
    from omniprofile.handover.env_file_syntax import as_dotenv, as_json

    return {"dotenv": as_dotenv, "json": as_json}[shell](assign, remove)


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
