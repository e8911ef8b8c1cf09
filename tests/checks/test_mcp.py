"""MCP clients' settings: which keys in them are Omni's, and what each client can read instead."""

import json
from pathlib import Path

import pytest

from omniprofile.checks.mcp import check_mcp, is_mcp_file, project_files, user_files
from omniprofile.model.rule_codes import Code
from tests.conftest import CANARY, Cli

URL = "https://acme.omniapp.co/mcp/https"


def _file(name: str, servers: object, *, key: str = "mcpServers") -> tuple[str, bytes]:
    return name, json.dumps({key: servers}, indent=2).encode()


def _http(**headers: str) -> dict[str, object]:
    return {"type": "http", "url": URL, "headers": headers}


BEARER = {"Authorization": f"Bearer {CANARY}"}
DESKTOP = {"command": "npx", "args": ["-y", "@omni-co/mcp"], "env": {"MCP_API_KEY": CANARY, "MCP_SERVER_URL": URL}}
FOUND = {
    "Claude Code": (_file(".mcp.json", {"omni": _http(**BEARER)}), "headersHelper"),
    "Claude Code, of the user": (
        (".claude.json", json.dumps({"projects": {"/p": {"mcpServers": {"omni": _http(**BEARER)}}}}).encode()),
        "headersHelper",
    ),
    "Cursor": (_file(".cursor/mcp.json", {"omni": {"url": URL, "headers": BEARER}}), "omniprofile exec NAME -- cursor ."),
    "VS Code": (_file(".vscode/mcp.json", {"bi": _http(**BEARER)}, key="servers"), "omniprofile exec NAME -- code ."),
    "Claude Desktop": (_file("claude_desktop_config.json", {"omni": DESKTOP}), '"args": ["exec", "NAME", "--", "npx", …]'),
    "a token of no known shape": (_file(".mcp.json", {"x": _http(authorization="bearer  secret-1")}), "headersHelper"),
    "a scheme of another case": (_file(".mcp.json", {"x": _http(AUTHORIZATION="BEARER secret-1")}), "headersHelper"),
    "no scheme": (_file(".mcp.json", {"x": _http(Authorization="secret-1")}), "headersHelper"),
    "another host": (
        _file(".mcp.json", {"x": {"url": "https://bi.acme.example/mcp/https", "headers": BEARER}}), "headersHelper",
    ),
    "an argument": (
        _file(".mcp.json", {"x": {"command": "npx", "args": ["mcp-remote", URL, "--header", "Authorization: Bearer abcde-1"]}}),
        '"NAME", "--", "npx"',
    ),
    "comments and a last comma": (
        (
            ".vscode/mcp.json",
            b'{\n  // ours: "{"\n  "servers": {"omni": {"url": "' + URL.encode() + b'", /* no */ "headers": '
            b'{"Authorization": "Bearer secret-1",},},},\n}\n',
        ),
        "${env:OMNI_API_TOKEN}",
    ),
    "what is no JSON": ((".mcp.json", b'{"omni": {"Authorization": "Bearer ' + CANARY.encode()), "headersHelper"),
    "a place that no client knows": (_file(".mcp.json", {}, key=f"omni {CANARY}"), "headersHelper"),
    "a mark before it": ((".mcp.json", b"\xef\xbb\xbf" + _file("", {"omni": _http(**BEARER)})[1]), "headersHelper"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_a_key_is_found_once_with_what_to_write_instead(case: str) -> None:
    (name, content), instead = FOUND[case]
    (finding,) = check_mcp(f"/w/{name}", content)
    assert finding.code == Code.SECRET
    text = f"{finding.message} {finding.suggestion}"
    assert instead in text
    assert "revoke" in text
    assert CANARY not in text
    assert "secret-1" not in text
    line = content.decode("utf-8-sig").splitlines()[finding.line - 1]
    assert line[finding.column - 1 :].startswith((CANARY, "secret-1", "abcde-1"))


NOT_FOUND = {
    "a helper": {"omni": {"type": "http", "url": URL, "headersHelper": "omniprofile token --header staging"}},
    "a variable": {"omni": _http(Authorization="Bearer ${OMNI_API_TOKEN}")},
    "a variable of an editor's": {"omni": _http(Authorization="Bearer ${env:OMNI_API_TOKEN}")},
    "an input": {"omni": _http(Authorization="Bearer ${input:omni-key}")},
    "a placeholder": {"omni": _http(Authorization="Bearer <your-key>")},
    "a reference": {"omni": {"command": "npx", "env": {"OMNI_API_TOKEN": "op://Work/Omni/key"}}},
    "an empty value": {"omni": _http(Authorization="")},
    "started by omniprofile": {
        "omni": {
            "command": "omniprofile",
            "args": ["exec", "prod", "--", "npx", "@omni-co/mcp"],
            "env": {"MCP_MODEL_ID": "m-1"},
        }
    },
    "somebody else's": {
        "github": {"url": "https://api.github.example/mcp", "headers": {"Authorization": "Bearer secret-1"}}
    },
    "somebody else's beside one of ours": {
        "omni": {"url": URL, "headersHelper": "omniprofile token --header staging"},
        "github": {"url": "https://api.github.example/mcp", "headers": {"Authorization": "Bearer short-1"}},
    },
    "odd shapes": {"omni": {"headers": [1], "env": {"A_KEY": 1}, "args": {"x": 1}}, "b": 1},
}


@pytest.mark.parametrize("case", NOT_FOUND)
def test_references_and_foreign_keys_are_left_alone(case: str) -> None:
    assert check_mcp(*_file("/w/.mcp.json", NOT_FOUND[case])) == []


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[" * 100_000, b"null", b'{"mcpServers": [1]}', b"{" * 5000, b'"\\' * 100_000, b"/*" * 100_000],
)
def test_any_bytes_are_read(content: bytes) -> None:
    assert check_mcp("/w/.mcp.json", content) == []


def test_the_files_of_a_project_end_with_its_repository(tmp_path: Path) -> None:
    below = tmp_path / "repository" / "src"
    (below / ".vscode").mkdir(parents=True)
    (tmp_path / "repository" / ".git").mkdir()
    for path in (tmp_path / ".mcp.json", tmp_path / "repository" / ".mcp.json", below / ".vscode" / "mcp.json"):
        path.write_text("{}")
    assert project_files(str(below), "/home/u") == [
        str(below / ".vscode" / "mcp.json"),
        str(tmp_path / "repository" / ".mcp.json"),
    ]
    assert project_files(str(tmp_path), str(tmp_path)) == [str(tmp_path / ".mcp.json")]
    assert all(map(is_mcp_file, project_files(str(below), "/home/u")))


def test_the_files_of_a_user_are_where_each_system_has_them(tmp_path: Path) -> None:
    for folder in ("roaming", "Library/Application Support", ".config"):
        (tmp_path / folder / "Claude").mkdir(parents=True)
        (tmp_path / folder / "Claude" / "claude_desktop_config.json").write_text("{}")
    (tmp_path / ".claude.json").write_text("{}")
    for platform, folder in (("win32", "roaming"), ("darwin", "Library/Application Support"), ("linux", ".config")):
        files = user_files(platform=platform, environ={"APPDATA": str(tmp_path / "roaming")}, home=str(tmp_path))
        assert files == [
            str(tmp_path / folder / "Claude" / "claude_desktop_config.json"),
            str(tmp_path / ".claude.json"),
        ]


def test_lint_finds_them_in_this_project_and_where_they_are_named(cli: Cli) -> None:
    cli.profiles('[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n')
    (cli.work / ".cursor").mkdir()
    file = cli.work / ".cursor" / "mcp.json"
    file.write_bytes(_file("", {"omni": _http(**BEARER)})[1])
    for argv in (("lint",), ("lint", ".cursor/mcp.json"), ("lint", str(file), str(cli.config))):
        ran = cli(*argv, "--format", "json", status=1)
        (finding,) = json.loads(ran.out)["findings"]
        assert (finding["code"], finding["line"], finding["level"]) == ("OP301", 7, "error")
        assert finding["file"].endswith("mcp.json")
    assert "mcp.json:7:" in cli("lint").out
    for form in ("github", "sarif"):
        assert "OP301" in cli("lint", "--format", form).out
    assert cli("lint", "-", "--stdin-filename", ".mcp.json", stdin=file.read_text()).status == 1
    assert cli("lint", str(cli.config)).status == 0
    assert cli("lint", "gone/.mcp.json").status == 1
    file.write_text("{}")
    assert cli("lint").status == 0
