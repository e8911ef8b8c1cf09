"""Words of command lines, as the shells of each system read them."""

import shlex

import pytest

from omniprofile.model import shell_words


def test_a_word_comes_back_from_the_shell():
    for word in ("plain", "two words", "it's", "$HOME", "", "C:\\x"):
        assert shlex.split(shell_words.quoted_word(word)) == [word]
        assert shell_words.command_words(f"editor {shell_words.quoted_word(word)}") == ["editor", word]


@pytest.mark.parametrize(
    ("word", "quoted"),
    [(r"C:\x", r"C:\x"), ("C:\\a b", '"C:\\a b"'), ("a&b", '"a&b"'), ("", '""'), ("it's", '"it\'s"')],
)
def test_a_word_comes_back_from_cmd(monkeypatch: pytest.MonkeyPatch, word: str, quoted: str):
    monkeypatch.setattr("omniprofile.model.shell_words.sys.platform", "win32")
    assert shell_words.quoted_word(word) == quoted
    assert shell_words.command_words(f"editor {quoted}") == ["editor", word]
    assert shell_words.removal(word) == f"del {quoted}"


def test_a_backslash_is_one_of_a_path_on_windows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("omniprofile.model.shell_words.sys.platform", "win32")
    assert shell_words.command_words(r'"C:\Program Files\Editor\e.exe" -n # "C:\new file"') == [
        r"C:\Program Files\Editor\e.exe", "-n", "#", r"C:\new file",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="quot"):
        shell_words.command_words('"C:\\')
