"""Checks the PowerShell scripts against its grammar, where PowerShell is not installed."""

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from tests.conftest import Cli

PRINTED = [("hook",), ("completion",)]


@pytest.mark.parametrize("command", PRINTED, ids=" ".join)
def test_the_output_for_powershell_parses(cli: Cli, command: tuple[str, ...]) -> None:
    name, *options = command
    text = cli(name, "powershell", *options).out
    tree = Parser(Language(tree_sitter_powershell.language())).parse(text.encode())
    assert not tree.root_node.has_error, "\n".join(_errors(tree.root_node, text))
    assert text.isascii(), "PowerShell 5.1 takes a file without a mark for the code page's"


def _errors(node: Node, text: str) -> list[str]:
    own = [f"{node.start_point}: {text.encode()[node.start_byte : node.end_byte][:80]!r}"]
    found = own if node.is_error or node.is_missing else []
    return found + [each for child in node.children for each in _errors(child, text)]
