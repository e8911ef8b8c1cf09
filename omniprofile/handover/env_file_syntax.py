r"""Variables in the files that programs read, quoted so that any value survives.

- dotenv: a value of plain characters is written bare, which every reader takes alike, even those that keep quotes (`docker run
  --env-file`). Otherwise in single quotes, where python-dotenv still reads `\\` as one backslash and interpolates `${NAME}`;
  `${:-$}` is the default of an unset name: a dollar that is not interpolated again. A value with a single quote is in double
  quotes, if nothing in it is special there: with an escaped quote, a shell that sources the file would run what follows.
- json: one object; null for a variable to remove.
- github: workflow commands `::add-mask::`, and `NAME<<DELIMITER` blocks for `$GITHUB_ENV`.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

from omniprofile.model.credential_variables import refuse_nul

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,=-~")
"""Characters that need no quotes in any shell or dotenv reader; `~` only within a word."""


def _dotenv_line(name: str, value: str) -> str:
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


def as_dotenv(assigned: "Mapping[str, str]", removed: "Iterable[str]") -> str:
    """Return the lines of a dotenv file. It cannot unset a variable, but an empty one counts as unset."""
    lines = [*(f"{name}=\n" for name in removed), *(_dotenv_line(name, value) for name, value in assigned.items())]
    return "".join(lines)


def as_json(assigned: "Mapping[str, str]", removed: "Iterable[str]") -> str:
    """Return one JSON object."""
    import json

    return json.dumps({**dict.fromkeys(removed), **assigned}, ensure_ascii=False, indent=2) + "\n"


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
