"""Find Omni keys in plain text in the configuration files of MCP clients, and suggest replacements.

Claude Code, Claude Desktop, Cursor and VS Code keep a server's headers, variables and arguments in JSON; VS Code and Cursor allow
comments. Only Omni's servers are checked; other servers' secrets are out of scope.
"""

import json
import os
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import suppress

from omniprofile.model.finding import Finding, unreadable
from omniprofile.model.names import printable
from omniprofile.model.not_a_key import not_a_key
from omniprofile.model.rule_codes import Code
from omniprofile.model.secret import KEY_SHAPES, names_secret, remember
from omniprofile.system.files import Unreadable, read_regular, upward

IN_PROJECT = (".mcp.json", os.path.join(".cursor", "mcp.json"), os.path.join(".vscode", "mcp.json"))
_DESKTOP = "claude_desktop_config.json"
_NAMES = (".mcp.json", "mcp.json", _DESKTOP)

_SHAPES = re.compile(KEY_SHAPES)
_STRING = r'("(?>(?:\\.|[^"\\])*)(?:"|\\?\Z))'  # an unclosed string runs to the end, so each character is read once
_COMMENT_OR_STRING = re.compile(_STRING + r"|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_LAST_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_SCHEME = re.compile(r"^\s*(?:[\w-]+:\s*)?bearer\s+", re.IGNORECASE)
_HEADER = re.compile(r"authorization\s*[:=]", re.IGNORECASE)


def is_mcp_file(path: str) -> bool:
    """Whether a file has the name of an MCP client's configuration file."""
    return os.path.basename(path) in _NAMES


def project_files(folder: str, home: str) -> list[str]:
    """Return the existing files in `folder` and its parents, up to and including the repository's root, the home or `/`."""
    found: list[str] = []
    for above in upward(folder):
        found += [path for name in IN_PROJECT if os.path.isfile(path := os.path.join(above, name))]
        if above == home or os.path.lexists(os.path.join(above, ".git")):
            break
    return found


def user_files(*, platform: str, environ: Mapping[str, str], home: str) -> list[str]:
    """Return the existing files in which the clients keep a user's settings for all projects."""
    if platform == "win32":
        base = environ.get("APPDATA") or os.path.join(home, "AppData", "Roaming")
    elif platform == "darwin":
        base = os.path.join(home, "Library", "Application Support")
    else:
        base = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    paths = [
        os.path.join(base, "Claude", _DESKTOP),
        os.path.join(home, ".claude.json"),
        os.path.join(home, ".cursor", "mcp.json"),
        os.path.join(base, "Code", "User", "mcp.json"),
    ]
    return [path for path in paths if os.path.isfile(path)]


def check_mcp(path: str, content: bytes | None = None) -> list[Finding]:
    """Return a finding for each key in one file. `content`, if given, is checked instead of the file's own content."""
    try:
        data = read_regular(path) if content is None else content
    except (FileNotFoundError, Unreadable) as problem:
        return [unreadable(path, problem)]
    text = data.decode("utf-8-sig", "replace")
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    found: dict[int, Finding] = {}
    for at, what, hint in _secrets(path, text):
        line = bisect_right(lines, at)
        message = f"{what} is written here in plain text"
        suggestion = f"{hint}, and revoke the key in Omni: it was readable here"
        found.setdefault(at, Finding(path, line, at - lines[line - 1] + 1, Code.SECRET, message, suggestion))
    return sorted(found.values())


def _secrets(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Yield each secret's offset in the text, its description and what to write instead. Registers the secrets for masking."""
    strings = _strings(text)
    for name, server in _servers(_parsed(text)):
        about = f"{name} {json.dumps(server)}".lower()
        if "omni" in about or "/mcp/https" in about:
            for value, secret, where in _of_server(server):
                remember(secret)
                begin, end = strings.get(value, (0, 0))
                at = max(text.find(json.dumps(secret, ensure_ascii=False)[1:-1], begin, end), begin)
                yield at, f"{where} of the MCP server `{printable(name, 60)}`", _instead(path, server)
    mentions_omni = "omni" in text.lower()
    for match in _SHAPES.finditer(text):  # also finds keys in unparsable files and in unknown places
        if match["prefix"] or (match["bearer"] and mentions_omni):
            remember(match[0].removeprefix(match["bearer"] or ""))
            yield match.end("bearer") if match["bearer"] else match.start(), "a key of Omni's", _instead(path, {})


def _strings(text: str) -> dict[str, tuple[int, int]]:
    """Return the span of each string in a JSON text at its first occurrence, by its value."""
    found: dict[str, tuple[int, int]] = {}
    for match in _COMMENT_OR_STRING.finditer(text):
        if match[1]:
            with suppress(ValueError):
                found.setdefault(json.loads(match[1]), match.span(1))
    return found


def _parsed(text: str) -> object:
    for useless in (_COMMENT_OR_STRING, _LAST_COMMA):
        text = useless.sub(lambda match: match[1] or "", text)
    with suppress(ValueError, RecursionError):
        return json.loads(text)
    return None


def _servers(data: object, depth: int = 0) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield every server with its name. Claude Code also has servers per project."""
    if not isinstance(data, dict) or depth > 4:
        return
    for key, value in data.items():
        if key in ("mcpServers", "servers") and isinstance(value, dict):
            yield from ((name, server) for name, server in value.items() if isinstance(server, dict))
        else:
            yield from _servers(value, depth + 1)


def _of_server(server: dict[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield each string of a server that holds a secret, with the secret and a description of its place."""
    for table in ("headers", "env"):
        values = server.get(table)
        for name, value in values.items() if isinstance(values, dict) else ():
            where = f"the {'header' if table == 'headers' else 'variable'} `{printable(name, 60)}`"
            is_named = name.lower() == "authorization" or names_secret(name) or name.upper().endswith("_KEY")
            if isinstance(value, str) and (is_named or _SHAPES.search(value)) and (secret := _literal(value)):
                yield value, secret, where
    arguments = server.get("args")
    for value in arguments if isinstance(arguments, list) else ():
        if isinstance(value, str) and (_HEADER.search(value) or _SHAPES.search(value)) and (secret := _literal(value)):
            yield value, secret, "an argument"


def _literal(value: str) -> str | None:
    """Return the secret in a header, variable or argument, without its scheme; None if the value only refers to one."""
    shape = _SHAPES.search(value)
    secret = shape[0].removeprefix(shape["bearer"] or "") if shape else _SCHEME.sub("", value).strip()
    is_reference = "${" in secret or not_a_key(secret) is not None
    return None if not secret or " " in secret or is_reference else secret


def _instead(path: str, server: dict[str, object]) -> str:
    """Return the hint on how to replace the key, in the syntax of the client that reads the file."""
    program = server.get("command")
    if isinstance(program, str) or os.path.basename(path) == _DESKTOP:
        start = printable(program, 60) if isinstance(program, str) else "npx"
        return (
            f'let omniprofile start the server (`"command": "omniprofile", "args": ["exec", "NAME", "--", "{start}", …]`), '
            "remove the key"
        )
    folder = os.path.basename(os.path.dirname(path))
    if folder in (".cursor", ".vscode", "User"):
        editor = "cursor" if folder == ".cursor" else "code"
        return (
            'write `"Authorization": "Bearer ${env:OMNI_API_TOKEN}"` in its place, start the editor by '
            f"`omniprofile exec NAME -- {editor} .`"
        )
    return 'write `"headersHelper": "omniprofile token --header NAME"` in place of the header'
