"""The command line of `omni`, the vendor's CLI, parsed as Go's `pflag` does.

On the fast path: imports only what a bare interpreter has loaded.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_DIRECT = ("help", "completion", "__complete", "__completeNoDesc", "agent-help", "version")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")  # as Go parses them
_VALUED = ("--profile", "--base-url", "--token", "--format")
_LETTERS = {"p": "--profile", "o": "--format"}
_SWITCHES = ("--compact", "--help", "--version")


class CommandLine:
    """The words after `omni`.

    `given` has the values of each known flag, `command` the words that are not flags, and `rest` all words except profile, base
    URL and token. `direct` says that it needs no credential; it is false if help is both requested and switched off.
    """

    __slots__ = ("_asks", "_denied", "command", "direct", "given", "rest")

    def __init__(self, words: "Sequence[str]") -> None:
        self.rest: list[str] = []
        self.given: dict[str, list[str]] = {flag: [] for flag in _VALUED}
        self._asks = self._denied = False
        after_unknown: list[str] = []  # the words, minus possible values of unknown flags
        plain: list[str] = []
        left = list(words)
        unknown = doubt = False
        while left:
            word = left.pop(0)
            if word == "-" or word[:1] != "-":
                self.rest.append(word)
                plain.append(word)
                after_unknown += [] if unknown else [word]
                unknown = False
            elif word == "--":
                self.rest.append(word)
                if not unknown:
                    self.rest += left
                    break
                # It may be the unknown flag's value, and more flags may follow: check what follows as flags, but keep it.
                unknown, doubt = False, True
            else:
                # After an unknown flag, this may be its value: check it, but leave it in place.
                unknown = self._flag(word, left, doubt=doubt, may_be_value=unknown, first=not plain)
        known = (command for command in (plain, after_unknown) if command and command[0] in (*_DIRECT, "config"))
        self.command = next(known, plain)
        head = self.command[0] if self.command else ""
        self.direct = not words or head in _DIRECT or (self._asks and not self._denied)

    def _flag(self, word: str, left: list[str], *, doubt: bool, may_be_value: bool, first: bool) -> bool:
        """Parse one flag word, and its value from `left`; tell whether it is unknown and may take the next word as its value."""
        name, equals, value = word.partition("=")
        keep = doubt or may_be_value
        if word[:2] != "--":
            letters = word[1:].lstrip("hv")
            if letters != word[1:]:
                self._denied = self._denied or (letters[:1] == "=" and letters[1:] not in _TRUE)
                self._asks = self._asks or (not doubt and (first or "h" in word[1 : -len(letters) or None]))
                keep = True
            name = _LETTERS.get(letters[:1], "")
            if name not in _VALUED:
                self.rest.append(word)
                return len(word) == 2 and bool(letters)
            equals = value = letters[1:]
            value = value[1:] if len(value) > 1 and value[0] == "=" else value
        elif name not in _VALUED:
            if name in ("--help", "--version"):
                on = not equals or value in _TRUE
                self._denied = self._denied or not on
                self._asks = self._asks or (on and not doubt)
            self.rest.append(word)
            return not equals and name not in _SWITCHES
        taken = [word]
        if not equals:
            if not left:  # the CLI reports what is missing
                self.rest.append(word)
                return False
            value = left[0]
            if not may_be_value:  # otherwise the next word may itself be a flag
                taken.append(left.pop(0))
        self.given[name].append(value)
        if keep or name == "--format":
            self.rest += taken
        return may_be_value and not equals
