"""Texts found in place of a key: references, encrypted keys, placeholders, error messages of programs.

On the fast path for keys that do not look like Omni's: imports nothing.
"""

OP = "op://"
"""The prefix of a reference for the 1Password CLI (`op read`)."""

_BEGINNINGS = {
    "a 1Password reference": (OP,),
    "a value that dotenvx encrypted": ("encrypted:",),
    "an encrypted value": ("enc[", "enc(", "{cipher}", "kms:"),
    "a value that Ansible encrypted": ("$ansible_vault",),
    "a reference of vals": ("ref+", "secretref+", "secretref:"),
    "a Vault reference": ("vault:",),
    "the name of an AWS resource": ("arn:",),
    "a reference to a parameter store": ("ssm:",),
    "a reference to a secret manager": ("aws-sm:", "gcp-sm:", "sm:", "projects/"),
    "a reference to a key vault": ("@microsoft.keyvault(",),
    "a reference to a keychain": ("keychain:",),
    "a reference to a keyring": ("keyring:",),
    "a reference to a password store": ("pass:",),
    "a reference to a variable": ("env:", "env.", "%{", "#{"),
    "a reference to a file": ("file:",),
    "a command": ("cmd:", "!"),
    "a template": ("{{", "<%"),
    "an HTML page": ("<!doctype", "<html"),
    "an XML document": ("<?xml",),
    "a JSON list": ("[{", '["'),
    "an error message": ("error:", "fatal:", "usage:"),
}
_AROUND = {'""': "quotes", "''": "quotes", "``": "backticks"}
_PLACEHOLDERS = frozenset(
    (
        "changeme", "change-me", "change_me", "replaceme", "replace-me", "replace_me", "placeholder", "todo", "tbd", "fixme",
        "none", "null", "nil", "undefined", "true", "false", "error", "unauthorized", "forbidden", "(null)",
        "redacted", "masked", "hidden",
    )
)  # fmt: skip
_WORDS = ("your", "insert", "paste", "replace", "enter", "put", "add")


def not_a_key(text: str) -> str | None:
    """Describe `text` if it is found in place of a key; return None if it may be a key."""
    lowered = text.lower()
    for what, beginnings in _BEGINNINGS.items():
        if lowered.startswith(beginnings):
            return what
    if text.startswith(("${", "$(")) or (text.startswith("$") and text[1:].isidentifier()):
        return "a reference to a variable or a command"
    if wrapped := key_in_more(text):
        return wrapped[0]
    if text.startswith("%") and text.endswith("%"):
        return "a reference to a variable"
    scheme, address, _ = lowered.partition("://")
    if address and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum():
        return "an address"
    return "a placeholder" if _is_placeholder(lowered) else None


def key_in_more(text: str) -> tuple[str, str] | None:
    """Describe `text` if it is a key with more around it, and say what to remove; return None for any other text."""
    if len(text) < 2:
        return None
    if around := _AROUND.get(text[0] + text[-1]):
        return f"a text in {around}", f"remove the {around}"
    if text[0] + text[-1] == "{}":
        return "a text in braces", "remove all but the key"
    name, _, value = text.partition("=")
    if name.isidentifier() and value.lstrip("\"'`").lower().startswith(("omni_osk_", "omni_pat_")):
        return "an assignment to a variable", "remove the variable's name and the `=`"
    return None


def _is_placeholder(text: str) -> bool:
    if (text.startswith("<") and text.endswith(">")) or (text.startswith("[") and text.endswith("]")):
        return True
    if len(text) > 4 and text.startswith("__") and text.endswith("__"):
        return True
    if len(text) >= 3 and len(set(text)) == 1 and text[0] in "x*.-_?":
        return True
    words = text.replace("-", "_").split("_")
    return text in _PLACEHOLDERS or (words[0] in _WORDS and bool({"key", "token", "secret", "here"} & set(words)))


def command_for(text: str) -> tuple[str, ...] | None:
    """Return the command that prints what `text` refers to; None if no such program is known."""
    return ("op", "read", text) if text.startswith(OP) and text.isprintable() else None
