"""Checking a key or a secret of `env`, whatever its source.

A key is one line of printable text without spaces, like a bearer token (RFC 6750 section 2.1), and any mistake is better reported
here than by the instance. A secret of `env` is one line of any text, which every variable, shell and file can carry. No message
here contains any part of a source's value.

On the fast path: imports only what a bare interpreter has loaded, and `errors` to raise one.
"""

from omniprofile.model.secret import LONGEST_KEY, Secret, is_text, looks_like_key, remember

TYPE_CHECKING = False
if TYPE_CHECKING:
    from omniprofile.errors import KeySourceFailed

LONGEST_INPUT = LONGEST_KEY + 2
"""The most bytes to read from a source: the longest key with its newline."""


def checked_key(text: str, label: str, *, computed: bool = False, of_env: bool = False) -> Secret:
    """Check `text` and return it as a key, without one trailing newline. Raises KeySourceFailed, naming the source as `label`.

    Rejects references, placeholders and error messages, with nothing of their text. A program `computed` the text, or a person
    wrote it. With `of_env` it is a secret of `env`, which may be any text; one that a program computed may even be an address.
    """
    key = text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")
    wrong = _what_is_wrong(key, computed=computed, of_env=of_env)
    if wrong is not None:
        raise source_failed(f"{label} {wrong[0]}", wrong[1])
    remember(key)
    return Secret(key)


def checked_bytes(content: bytes, label: str, *, computed: bool = False, of_env: bool = False) -> Secret:
    """Check the bytes that a source gave, and return them as a key. Arguments and errors are those of `checked_key`."""
    # Bytes that are not UTF-8 become characters that `checked_key` rejects.
    return checked_key(content.decode("utf-8", "surrogateescape"), label, computed=computed, of_env=of_env)


def source_failed(message: str, hint: str) -> "KeySourceFailed":
    """Return the error, which is imported only when there is one."""
    from omniprofile.errors import KeySourceFailed

    return KeySourceFailed(message, hint=hint)


def _what_is_wrong(key: str, *, computed: bool, of_env: bool) -> tuple[str, str] | None:
    """Return what is wrong with a key, and a hint; None for a good one."""
    noun, looks_like = "key", "a key is one line without spaces, such as `omni_osk_…`"
    if of_env:
        noun, looks_like = "secret", "a secret is one line of UTF-8 text, with no space around it"
    line = key.rstrip("\r\n")
    if not key:
        return "is empty", looks_like
    if len(key) > LONGEST_KEY:
        return f"is larger than {LONGEST_KEY // 1024} KiB", looks_like
    if "\0" in key:
        return "has a NUL", f"if a program wrote it as UTF-16, let it write UTF-8; {looks_like}"
    if key.startswith("\ufeff"):
        return "begins with a byte order mark", f"save it as UTF-8 without one; {looks_like}"
    if "\n" in line or "\r" in line:
        return (
            "has several lines",
            f"let the command print the {noun} alone, as `head -n 1` does" if computed else looks_like,
        )
    if line != key:
        return "has an empty line after it", looks_like
    if not looks_like_key(key) and not (of_env and key[0] == "!"):  # a password may begin like this
        from omniprofile.model.not_a_key import key_in_more, not_a_key

        if more := key_in_more(key):
            return f"is {more[0]}, not a {noun}", more[1]
        if what := None if computed and of_env else not_a_key(key):
            give = f"let the command print the {noun} itself" if computed else f"give the {noun} itself"
            return f"is {what}, not a {noun}", f"{give}; {looks_like}"
    if of_env and is_text(key):
        return None
    if of_env:
        padded = key != key.strip()
        return (
            "has a space around it" if padded else "has a character that is not printable, or is not UTF-8",
            looks_like,
        )
    if key[:7].lower() == "bearer ":
        return "begins with `Bearer`", "remove that word and the space after it"
    if " " in key:
        return "has a space in it or around it", looks_like
    if not key.isascii() or not key.isprintable():
        return "has a character that no key has", looks_like
    return None
