"""Make the manual pages: `python man/generate.py [FOLDER]`, from what the program itself says of its commands and files.

argparse-manpage reads the parsers; sections, examples and reference come from the commands, `reference.py`, the lint rules
and the models; the recipes from `man/recipes.md`. The pages are committed, the same on every machine and on every day, and
a test says when they are stale. Nothing here is part of the installed package.
"""

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import reference
import roff
from argparse_manpage.manpage import Manpage

from omniprofile import __version__
from omniprofile.checks.rule_texts import rules
from omniprofile.cli import help as screens
from omniprofile.cli.base_parser import Parser
from omniprofile.cli.parser import command_parser, load, program_parser
from omniprofile.cli.registry import COMMANDS, OTHER_NAMES, Command
from omniprofile.config.schema.json_schema import json_schema

HERE = Path(__file__).parent
REVISED = "2026-11-25"
"""When the texts were last gone over by hand; not when the pages were made."""

TOPICS = {
    "recipes": "profiles in dotfiles, teams, CI and programs",
    "gateway": "a credential that programs use and do not have",
    "library": "a credential for a Python program",
    "windows": "omniprofile on Windows",
    "security": "what omniprofile protects, and from what",
    "speed": "how long omniprofile takes",
    "compared": "omniprofile beside the vendor's CLI",
}
"""The pages of section 7, made from `man/NAME.md`, with their titles."""

EXAMPLE = """\
version = 1
default = "prod"                      # when nothing else selects

[instances.acme]
base_url = "https://acme.omniapp.co"
[instances.acme-staging]
base_url = "https://acme-staging.omniapp.co"

[profiles.prod]
description = "Production, my own login"
instance = "acme"
auth = "oauth"
protected = true
expect = { key_scope = "user", org_role = "MEMBER" }

[profiles.ci]
instance = "acme"
auth = "api-key"
key = { env = "ACME_OMNI_KEY" }

[profiles.staging]
extends = "ci"
instance = "acme-staging"
key = { command = ["op", "read", "op://Work/Omni staging/credential"], timeout = 30 }
[profiles.staging.env]                # exported along with the credential
OMNI_OUTPUT_FORMAT = "json"
MCP_API_KEY = { from = "token" }
MCP_SERVER_URL = { from = "base_url", append = "/mcp/https" }
OMNI_EMBED_SECRET = { keyring = true }      # `omniprofile login staging --secret OMNI_EMBED_SECRET`
"""


def pages() -> dict[str, str]:
    """Every page, by its path below `man`."""
    os.environ["COLUMNS"] = "100"
    made = {
        "omniprofile.1": _overview(program_parser()),
        "omniprofile.toml.5": _file_page(),
        **{f"omniprofile-{name}.7": _from_file(name, title) for name, title in TOPICS.items()},
    }
    for command in COMMANDS:
        made[f"commands/omniprofile-{command.name}.1"] = _command_page(command, command_parser(command))
    texts = {name: "\n".join(roff.tidied(lines)) + "\n" for name, lines in made.items()}
    return {"reference.md": _reference(), **texts}


def _reference() -> str:
    """What the README links to: commands, values, files, variables and exit statuses, as tables."""
    values = ((what, applies) for _, what, applies in reference.VALUES)
    statuses = ((str(status), words) for status, words in reference.EXIT_STATUSES)
    commands = ((f"`{command.name}`", command.summary) for command in COMMANDS)
    return "\n".join(
        [
            "# Reference",
            "",
            "Made by `python man/generate.py`. `omniprofile COMMAND --help` and `man omniprofile-COMMAND` say more of each.",
            *_table("Commands", ("command", "does"), commands),
            *_table("Where a value comes from", ("layer", "applies"), values),
            "",
            *textwrap.wrap(reference.TOGETHER, 120, break_on_hyphens=False),
            *_table("Files", ("what", "where", ""), reference.FILES),
            *_table(
                "Environment variables",
                ("variable", "is"),
                ((f"`{name}`", words) for name, words in reference.VARIABLES),
            ),
            *_table("Exit statuses", ("status", "means"), statuses),
            "",
            reference.EXEC_STATUS,
            "",
        ]
    )


def _table(heading: str, columns: tuple[str, ...], rows: Iterable[Iterable[str]]) -> list[str]:
    table = [f"| {' | '.join(row)} |" for row in (columns, ("---" for _ in columns), *rows)]
    return ["", f"## {heading}", "", *table]


def _overview(parser: Parser) -> list[str]:
    lines = _head("omniprofile", 1, "declarative profiles for Omni")
    lines += [".SH SYNOPSIS", *_synopsis(parser.format_usage())]
    lines += [".SH DESCRIPTION"]
    lines += roff.paragraphs(
        "omniprofile keeps your Omni instances and logins as profiles: a TOML file without secrets, keys in the secret store "
        "of the operating system. It resolves one profile into one credential, can explain every value of it, and hands it to "
        "the `omni` CLI, the SDKs, `curl` or a CI job, never to another host than its own.\n\n"
        "Data goes to standard output, everything else to standard error. Commands that report take `--json`, whose keys "
        "are never renamed. Nothing asks a question without a terminal."
    )
    lines += [".SH COMMANDS", "Each has a page of its own, such as", "\\fBomniprofile\\-use\\fR(1)."]
    for group in dict.fromkeys(command.group for command in COMMANDS):
        lines.append(f".SS {roff.escape(group[0].upper() + group[1:])}")
        rows = [
            (command.name, f"{command.summary[0].upper()}{command.summary[1:]}.")
            for command in COMMANDS
            if command.group == group
        ]
        lines += roff.compact(rows)
    lines += [
        ".SS Also understood",
        *roff.compact((name, f"{words[0].upper()}{words[1:]}.") for name, words in OTHER_NAMES),
    ]
    lines += _from_argparse(parser)
    lines += [".SH PRECEDENCE", ".SS Which profile", *roff.filled("The first that names one:")]
    for number, (_, words) in enumerate(reference.SELECTION, 1):
        lines += [f".IP {number}. 4", *roff.filled(words)]
    lines += [".PP", *roff.filled("A name that does not exist is an error, and nothing falls through.")]
    lines += [".SS Which value", *roff.filled("The first layer that has the value:")]
    for number, (_, what, applies) in enumerate(reference.VALUES, 1):
        lines += [f".IP {number}. 4", *roff.filled(f"{what}: {applies}")]
    lines += [".PP", *roff.filled(reference.TOGETHER)]
    lines += [".SH EXIT STATUS"]
    lines += roff.compact((str(status), words) for status, words in reference.EXIT_STATUSES)
    lines += [".PP", *roff.filled(reference.EXEC_STATUS)]
    lines += [".SH ENVIRONMENT", *roff.filled("An empty variable counts as unset, everywhere.")]
    for name, words in reference.VARIABLES:
        lines += roff.tagged(name, words)
    lines += [".SH FILES"]
    for what, where, words in reference.FILES:
        lines += [".TP", roff.inline(f"**{what}**"), *roff.filled(f"{where}. {words[0].upper()}{words[1:]}.")]
    lines += [".SH EXAMPLES"]
    for line, words in screens.FIRST_EXAMPLES:
        lines += [".PP", *roff.filled(f"{words[0].upper() + words[1:]}:"), *roff.literal(line)]
    return lines + _see_also(
        ["omniprofile.toml(5)", *(f"omniprofile-{name}(7)" for name in TOPICS), *_command_names(COMMANDS[:3])]
    )


def _command_page(command: Command, parser: Parser) -> list[str]:
    texts = load(command).HELP
    lines = _head(f"omniprofile-{command.name}", 1, command.summary)
    lines += [".SH SYNOPSIS", *_synopsis(parser.format_usage())]
    lines += [".SH DESCRIPTION", *roff.paragraphs(texts.description)]
    lines += _from_argparse(parser)
    if command.name == "lint":
        lines += _rules()
    output = HERE.parent / f"schemas/output/{command.name}.json"
    if output.exists():
        lines += _output(json.loads(output.read_text(encoding="utf-8")))
    if texts.exits:
        lines += [".SH EXIT STATUS"]
        lines += roff.compact((str(status), words) for status, words in texts.exits)
        lines += [".PP", *roff.filled("Other statuses are those of every command: see"), "\\fBomniprofile\\fR(1)."]
    lines += [".SH EXAMPLES"]
    for line, words in texts.examples:
        lines += [".PP", *roff.filled(f"{words[0].upper() + words[1:]}:"), *roff.literal(line)]
    also = [other for other in COMMANDS if other.name in texts.see]
    return lines + _see_also(["omniprofile(1)", *_command_names(also), "omniprofile.toml(5)"])


def _file_page() -> list[str]:
    schema = json_schema()
    definitions: dict[str, Any] = schema["$defs"]  # type: ignore[assignment]  # the JSON Schema of the models has them
    lines = _head("omniprofile.toml", 5, "profiles for Omni, and the pin of a project")
    lines += [".SH DESCRIPTION"]
    lines += roff.paragraphs(
        "The profile file is TOML 1.0 in UTF-8: `profiles.toml`, and `profiles.d/*.toml` beside it in the order of their names. "
        "Tables are merged; the same profile in two files is an error. It holds no secret and may be checked into dotfiles; it "
        "may be read-only or a symbolic link. Unknown keys are errors, no value is converted, and `omniprofile lint` says "
        "where and what was probably meant.\n\n"
        "Names of profiles and instances: letters, digits, `.`, `_`, `-`, at most 64, the first a letter or digit."
    )
    lines += [".SH EXAMPLE", *roff.literal(EXAMPLE)]
    lines += [".SH KEYS", ".SS Top level", *_keys(schema, skip=("settings", "instances", "profiles", "defaults"))]
    for title, name in (
        ("[settings]", "SettingsTable"),
        ("[instances.NAME]", "Instance"),
        ("[profiles.NAME]", "Profile"),
    ):
        lines += [
            f".SS {roff.escape(title)}",
            *roff.filled(definitions[name]["description"]),
            *_keys(definitions[name]),
        ]
    lines += [".SS [defaults]", *roff.filled(definitions["Defaults"]["description"])]
    lines += roff.filled("It may hold what a profile may, but `description` and `extends`.")
    lines += [".SH KEY SOURCES", *roff.filled('`key` is one of these tables. It applies to `auth = "api-key"`.')]
    for name in ("KeyringKey", "EnvKey", "CommandKey", "FileKey"):
        forms = " ".join(f"{key} = …" for key in definitions[name]["properties"])
        lines += [
            ".TP",
            roff.inline("`{ " + forms.replace("… ", "…, ") + " }`"),
            *roff.filled(definitions[name]["description"]),
        ]
        lines += [".RS", *_keys(definitions[name]), ".RE"]
    lines += [".SH IDENTITY", *roff.filled(definitions["Expect"]["description"]), *_keys(definitions["Expect"])]
    lines += [".SH PROJECT PIN"]
    lines += roff.filled(
        "`.omniprofile.toml`, the nearest one upward from the working directory, holds one key, so that a cloned repository can "
        "choose among your profiles, and can never define a host or run a command:"
    )
    lines += roff.literal('profile = "staging"')
    return lines + _see_also(
        ["omniprofile(1)", "omniprofile-lint(1)", "omniprofile-schema(1)", "omniprofile-recipes(7)"]
    )


def _from_file(name: str, title: str) -> list[str]:
    text = (HERE / f"{name}.md").read_text(encoding="utf-8")
    lines = _head(f"omniprofile-{name}", 7, title)
    return lines + roff.from_markdown(text) + _see_also(["omniprofile(1)", "omniprofile.toml(5)"])


def _head(name: str, section: int, summary: str) -> list[str]:
    title = f'.TH {roff.escape(name.upper())} {section} {REVISED} "omniprofile {__version__}" "omniprofile manual"'
    return [title, ".nh", ".ad l", ".SH NAME", f"{roff.escape(name)} \\-", *roff.filled(summary)]


def _synopsis(usage: str) -> list[str]:
    """The usage with what is typed in bold and what is replaced in italics."""
    words = usage.removeprefix("usage:").split()
    marked = re.sub(
        r"(?<![\w\\])(\\-{1,2}[\w\\-]+|omniprofile|(?<=\{)[\w,\\-]+(?=\}))", r"\\fB\1\\fR", roff.escape(" ".join(words))
    )
    marked = re.sub(r"\b([A-Z]{3,}|N)\b", r"\\fI\1\\fR", marked)
    if len(words) > 1 and words[1] != "[\\-\\-version]" and words[1].isalpha():
        marked = marked.replace(f" {words[1]}", f" \\fB{words[1]}\\fR", 1)
    lines = [""]
    for word in marked.split():
        if lines[-1] and len(lines[-1]) + len(word) > 76:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return [f"\\&{line}" if line.startswith((".", "'")) else line for line in lines]


def _from_argparse(parser: Parser) -> list[str]:
    """The sections of arguments and options, as argparse-manpage makes them; the rest of its page is left."""
    parser.description = parser.epilog = None
    page = [*str(Manpage(parser, _data={"date": REVISED})).splitlines(), ".SH OPTIONS"]
    first, options = page.index(".TP"), page.index(".SH OPTIONS")
    # Arguments come first, without a heading. The program's are commands, which are described above.
    arguments = [".SH ARGUMENTS", *page[first:options]] if parser.described and first < options else []
    return [line for text in (*arguments, *page[options:-1]) for line in _marked(text)]


def _marked(line: str) -> list[str]:
    """A line of argparse-manpage's with what is typed in bold, as everywhere else, and of a decent length."""
    if line.startswith((".", "\\f")):
        return [line]
    return roff.filled(line.replace("\\-", "-").replace("\\\\", "\\"))


def _output(schema: dict[str, Any]) -> Iterable[str]:
    """What `--json` prints, from its JSON Schema: each key with its type."""
    yield from [".SH JSON OUTPUT", *roff.filled(schema["description"] + " Keys may be added, and are never renamed.")]
    for path, kind, words in dict.fromkeys(_output_keys("", schema, schema, {})):
        yield from [".TP", f"{roff.inline(f'`{path}`')} ({roff.escape(kind)})", *roff.filled(words)]


def _output_keys(
    path: str, part: dict[str, Any], schema: dict[str, Any], seen: dict[str, str]
) -> Iterable[tuple[str, str, str]]:
    """Path, type and description of every key below `part`: `[]` stands for the items of an array, `NAME` for any name.

    A definition that several keys share is shown at the first of them; the others refer to it.
    """
    if "$ref" in part:
        reference = part["$ref"]
        if reference in seen:
            yield path, "object", f"As `{seen[reference]}`."
            return
        seen[reference] = path
        part = {**schema["$defs"][reference.rpartition("/")[2]], **part}
    for branch in part.get("oneOf", []) + part.get("anyOf", []):
        yield from _output_keys(path, branch, schema, seen)
    others = part.get("additionalProperties")
    for name, inner in ({"NAME": others} if isinstance(others, dict) else part.get("properties", {})).items():
        below = f"{path}.{name}".lstrip(".")
        if "description" in inner:
            yield below, _json_type(inner), inner["description"]
        yield from _output_keys(below, inner, schema, seen)
    if isinstance(part.get("items"), dict):
        yield from _output_keys(f"{path}[]", part["items"], schema, seen)


def _json_type(part: dict[str, Any]) -> str:
    if "enum" in part:
        return " or ".join(json.dumps(value) for value in part["enum"])
    if "const" in part:
        return json.dumps(part["const"])
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(kinds) or ("object" if "$ref" in part else "any type")


def _rules() -> Iterable[str]:
    yield ".SH RULES"
    yield from roff.filled("`omniprofile lint --explain CODE` shows one with a bad and a good example.")
    for rule in rules().values():
        yield from roff.tagged(
            rule.code.value, f"{rule.title[0].upper() + rule.title[1:]} ({rule.code.level.value}). {rule.why}"
        )


def _keys(table: dict[str, Any], skip: Iterable[str] = ()) -> list[str]:
    lines = []
    for name, key in table.get("properties", {}).items():
        if name in skip:
            continue
        words = key.get("description", "")
        default = key.get("default")
        if default not in (None, [], {}):
            words += f" Default: `{_toml(default)}`."
        if name in table.get("required", []) and len(table["properties"]) > 1:
            words += " Required."
        if key.get("examples"):
            words += f" Example: `{name} = {_toml(key['examples'][0])}`."
        lines += [".TP", f"{roff.inline(f'`{name}`')} ({roff.escape(_type(key))})", *roff.filled(words)]
    return lines


def _type(key: dict[str, Any]) -> str:
    """The type of a value in words."""
    if "anyOf" in key:
        return " or ".join(_type(kind) for kind in key["anyOf"] if kind.get("type") != "null")
    if "enum" in key or "const" in key:
        return " or ".join(_toml(value) for value in key.get("enum", [key.get("const")]))
    if "oneOf" in key or "$ref" in key:
        return "table"
    if key["type"] == "array":
        return f"array of {_type(key['items'])}s"
    return {"object": "table", "number": "number of seconds"}.get(key["type"], str(key["type"]))


def _toml(value: object) -> str:
    """A value as it stands in the file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(item)}' for name, item in value.items())} }}"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)


def _command_names(commands: Iterable[Command]) -> list[str]:
    return [f"omniprofile-{command.name}(1)" for command in commands]


def _see_also(names: Iterable[str]) -> list[str]:
    references = [
        re.sub(r"^(.*)(\(\d\))$", lambda found: f".BR {roff.escape(found[1])} {found[2]}", name) for name in names
    ]
    return [".SH SEE ALSO", *(f"{line} ," for line in references[:-1]), references[-1]]


def main() -> None:
    """Write every page below FOLDER (default: here), and remove pages of commands that are no more."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    made = pages()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8" if path.suffix == ".md" else "ascii")
    for path in (folder / "commands").glob("*.1"):
        if f"commands/{path.name}" not in made:
            path.unlink()


if __name__ == "__main__":
    main()
