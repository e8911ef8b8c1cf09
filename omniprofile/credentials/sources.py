"""Key sources: where an api-key profile's key comes from, other than the secret store.

`checked_key` checks all keys, whatever their source: a key is one line of printable text without spaces, like a bearer token (RFC
6750 section 2.1), and any mistake is better reported here than by the instance. A secret of `env` is one line of any text, which
every variable, shell and file can carry. No message here contains any part of a source's value.

On the fast path: imports only what a bare interpreter has loaded, and `errors` to raise one.
"""

import os
import sys

from omniprofile.credentials.env_variables import belongs_elsewhere
from omniprofile.model.exported import (
    BASE_URL,
    TOKENS,
    key_in_environment,
    values_of_another,
    without_values_of_another,
)
from omniprofile.model.names import printable, printable_place, quoted_place
from omniprofile.model.secret import LONGEST_KEY, Secret, is_text, looks_like_key, remember
from omniprofile.system.files import Unreadable, open_regular
from omniprofile.system.foreign_access import is_read_only, others_can_read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from omniprofile.errors import KeySourceFailed
    from omniprofile.model.declaration import KeySource
    from omniprofile.system.capture import Captured

CHAIN_VARIABLE = "OMNIPROFILE_COMMAND_CHAIN"
"""Names the profiles whose key commands are running, outermost first, joined by commas, which no profile's name contains."""

NEWLINE = 2
_LOOKS_LIKE = "a key is one line without spaces, such as `omni_osk_…`"
_A_LINE_OF_TEXT = "a secret is one line of UTF-8 text, with no space around it"


def read_key(
    source: "KeySource",
    *,
    profile: str,
    base_url: str,
    environ: "Mapping[str, str]",
    interactive: bool,
    variable: str | None = None,
) -> Secret:
    """Return the key of `profile`, for `base_url`, from an `env`, `command` or `file` source.

    With `variable`, returns that secret of its `env`. `interactive` lets a command ask the user on the terminal. Raises
    KeySourceFailed, OriginMismatch for a variable that the user set along with another base URL, UnsafePermissions for a file
    that others can read, and Interrupted if the user interrupts a command that asks.
    """
    asked = _Asked(source, profile, base_url, environ, variable)
    match source.kind:
        case "env":
            return asked.variable()
        case "command":
            return asked.command(interactive=interactive)
        case "file":
            return key_in_file(source.path or "", asked.label, of_env=asked.of_env)
        case "keyring":
            raise AssertionError("the secret store is asked by the resolver")


def checked_key(text: str, label: str, *, computed: bool = False, of_env: bool = False) -> Secret:
    """Check `text` and return it as a key, without one trailing newline. Raises KeySourceFailed, naming the source as `label`.

    Rejects references, placeholders and error messages, with nothing of their text. A program `computed` the text, or a person
    wrote it. With `of_env` it is a secret of `env`, which may be any text; one that a program computed may even be an address.
    """
    key = text[: -1 if text.endswith("\n") else None]
    key = key[:-1] if key != text and key.endswith("\r") else key
    looks_like = hint = _A_LINE_OF_TEXT if of_env else _LOOKS_LIKE
    if not key:
        problem = "is empty"
    elif len(key) > LONGEST_KEY:
        problem = f"is larger than {LONGEST_KEY // 1024} KiB"
    elif "\0" in key:
        problem = "has a NUL"
        hint = f"if a program wrote it as UTF-16, let it write UTF-8; {looks_like}"
    elif key.startswith("\ufeff"):
        problem = "begins with a byte order mark"
        hint = f"save it as UTF-8 without one; {looks_like}"
    elif "\n" in key.rstrip("\r\n") or "\r" in key.rstrip("\r\n"):
        problem = "has several lines"
        hint = (
            f"let the command print the {'secret' if of_env else 'key'} alone, as `head -n 1` does"
            if computed
            else hint
        )
    elif "\n" in key or "\r" in key:
        problem = "has an empty line after it"
    elif not looks_like_key(key) and (what := _stand_in(key, computed=computed, of_env=of_env)):
        noun = "secret" if of_env else "key"
        problem = f"is {what}, and no {noun}"
        put = f"let the command print the {noun} itself" if computed else f"put the {noun} itself there"
        hint = "remove what is around it" if "around it" in what else f"{put}; {looks_like}"
    elif of_env:
        if is_text(key):
            remember(key)
            return Secret(key)
        problem = (
            "has a space around it" if key != key.strip() else "has a character that is not printable, or is not UTF-8"
        )
    elif " " in key:
        problem = "has a space in it or around it"
    elif not key.isascii() or not key.isprintable():
        problem = "has a character that no key has"
    else:
        remember(key)
        return Secret(key)
    raise source_failed(f"{label} {problem}", hint)


def source_failed(message: str, hint: str) -> "KeySourceFailed":
    """Return the error, which is imported only when there is one."""
    from omniprofile.errors import KeySourceFailed

    return KeySourceFailed(message, hint=hint)


def _stand_in(key: str, *, computed: bool, of_env: bool) -> str | None:
    from omniprofile.model.references import key_in_more, stand_in

    if of_env and key[0] == "!":
        return None  # a password may begin like this
    return key_in_more(key) if computed and of_env else stand_in(key)


def read_key_file(path: str, label: str) -> "tuple[bytes, os.stat_result]":
    """Return the content and status of a file. `label` names it in messages. Raises KeySourceFailed."""
    try:
        return open_regular(path, limit=LONGEST_KEY + NEWLINE)
    except FileNotFoundError as problem:
        raise source_failed(f"{label}: no such file", "make it, with the key as its only line") from problem
    except Unreadable as problem:
        hint = "name a file that you can read, with the key as its only line"
        raise source_failed(f"{label} cannot be read: {problem}", hint) from problem


def key_in_file(path: str, label: str, *, of_env: bool = False) -> Secret:
    """Return the key in a file that nobody else can read. `label` names it in messages. Raises what `read_key` raises."""
    content, status = read_key_file(path, label)
    if sys.platform != "win32" and status.st_uid not in (0, os.geteuid()):
        wrong, fix = "belongs to another user", f"run `chown {os.geteuid()} {quoted_place(path)}` if its key is yours"
    # The user cannot change the mode of a file on a read-only mount, as clusters use for secrets.
    elif others_can_read(status) and not is_read_only(path):
        wrong, fix = "can be read or written by others", f"run `chmod 600 {quoted_place(path)}`"
    else:
        return checked_bytes(content, label, of_env=of_env)
    from omniprofile.errors import UnsafePermissions

    raise UnsafePermissions(f"{label} {wrong}", hint=fix)


class _Asked:
    """A source asked for the key of `profile`, or for the secret `named` of its `env`."""

    def __init__(
        self, source: "KeySource", profile: str, base_url: str, environ: "Mapping[str, str]", named: str | None
    ) -> None:
        self.source = source
        self.profile = profile
        self.base_url = base_url
        self.environ = environ
        self.named = named
        self.of_env = named is not None
        self.what = f"the secret `{named}` of `{profile}`" if named else f"the key of `{profile}`"
        self.label = f"{self.what} from {printable_place(str(source))}"

    def failed(self, why: str, hint: str) -> "KeySourceFailed":
        place = printable_place(str(self.source))
        return source_failed(f"{self.what} cannot be read from {place}: {why}", hint)

    def variable(self) -> Secret:
        name = self.source.variable or ""
        if (whose := values_of_another(self.environ, self.profile, self.base_url).get(name)) is not None:
            why = f"its value was exported by omniprofile for `{printable(whose)}`, and belongs to that profile alone"
            raise self.failed(why, f"set `{printable(name)}` to {self.what}")
        exported_as = (self.named,) if self.named else TOKENS
        value = key_in_environment(self.environ, name, self.profile, self.base_url, exported_as)
        if not value:  # an empty variable counts as unset everywhere
            raise self.failed("it is not set", f"set `{printable(name)}` to the {'secret' if self.of_env else 'key'}")
        if other := belongs_elsewhere(name, self.base_url, self.environ):
            from omniprofile.errors import OriginMismatch

            raise OriginMismatch(
                f"{self.label} is for {other} (environment variable `{BASE_URL}`), not for {self.base_url}",
                hint=f"unset `{BASE_URL}`, or keep {self.what} in a variable of its own",
            )
        return checked_key(value, self.label, of_env=self.of_env)

    def command(self, *, interactive: bool) -> Secret:
        from omniprofile.errors import Interrupted
        from omniprofile.system.capture import capture
        from omniprofile.system.files import reason
        from omniprofile.system.programs import find_program

        chain = [name for name in self.environ.get(CHAIN_VARIABLE, "").split(",") if name]
        link = f"{self.profile}/{self.named}" if self.named else self.profile
        if link in chain:
            raise source_failed(
                f"the command for {self.what} asks for it again",
                "let the command name another profile, or ask a program that is not omniprofile",
            )
        program, *arguments = self.source.argv
        if os.path.dirname(program) and not os.path.isabs(program):
            # The working directory would decide which program runs: in a cloned repository, one by someone else.
            raise self.failed("its path is relative", "write its absolute path, or a name that is found on `PATH`")
        found = find_program(program, self.environ)
        if found is None:
            raise self.failed("it is not found on `PATH`", "install it, or write its absolute path")
        own = without_values_of_another(self.environ, self.profile, self.base_url)
        try:
            captured = capture(
                [found, *arguments],
                {**own, CHAIN_VARIABLE: ",".join([*chain, link])},
                timeout=self.source.timeout,
                limit=LONGEST_KEY + NEWLINE,
                terminal=interactive,
            )
        except (OSError, ValueError) as problem:
            raise self.failed(f"it cannot be started: {reason(problem)}", "install it, or fix its path") from problem
        if captured.how == "interrupted":
            raise Interrupted(f"{self.label}: interrupted")
        if why := _why_not(captured, self.source):
            raise self.failed(why, f"run `{printable(program)}` with the same arguments by hand to see what is wrong")
        label = f"what {printable_place(str(self.source))} printed as {self.what}"
        return checked_bytes(captured.stdout, label, computed=True, of_env=self.of_env)


def _why_not(captured: "Captured", source: "KeySource") -> str | None:
    if captured.how == "too-slow":
        return f"it did not end within {source.timeout:g} s (`timeout`), and was ended with its children"
    if captured.how == "too-much":
        return f"it printed more than {LONGEST_KEY // 1024} KiB, and was ended with its children"
    if captured.status < 0:
        from signal import Signals

        number = -captured.status
        name = Signals(number).name if number in set(Signals) else str(number)
        return f"it was ended by signal {name}"
    return f"it exited with status {captured.status}" if captured.status else None


def checked_bytes(content: bytes, label: str, *, computed: bool = False, of_env: bool = False) -> Secret:
    """Check the bytes that a source gave, and return them as a key. Arguments and errors are those of `checked_key`."""
    # Bytes that are not UTF-8 become characters that `checked_key` rejects.
    return checked_key(content.decode("utf-8", "surrogateescape"), label, computed=computed, of_env=of_env)
