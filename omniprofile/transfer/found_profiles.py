"""The profiles found in a file of another program, to be imported."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from omniprofile.errors import ConfigInvalid, Error
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.not_a_key import command_for
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.transfer.foreign_file import ForeignFile


@dataclass(frozen=True, slots=True)
class Found:
    """A profile in a foreign file. `name` is its name there, `secret` its credential if it has one.

    `command` prints the key if the file has a reference instead of the key. `named` is false if `name`
    is only made from the host.
    """

    name: str
    origin: Origin
    auth: AuthMethod
    secret: StoredSecret | None = None
    output_format: str | None = None
    command: tuple[str, ...] | None = None
    named: bool = True

    @classmethod
    def with_key(
        cls, name: str, origin: Origin, key: str | None, now: datetime, output_format: str | None = None
    ) -> "Found":
        """Return a profile with this API key, or with the command that `key` refers to, or with neither."""
        command = command_for(key) if key else None
        secret = StoredSecret(origin, Secret(key), now) if key and not command else None
        return cls(name, origin, "api-key", secret, output_format, command)


@dataclass(frozen=True, slots=True)
class Source:
    """Where profiles are imported from: a foreign file and the profiles in it.

    `without_secrets` returns the file's content without the secrets that have been stored; its argument maps names of found
    profiles to names of ours. The changed file gets `mode`. `problems` say why other profiles cannot be imported, `way_out`
    what to do if there are several. `left` are sentences about secrets that stay in the file,
    `scrubbed` about those that are not imported and that `--scrub` removes.
    """

    file: ForeignFile
    found: Sequence[Found]
    without_secrets: Callable[[Mapping[str, str]], bytes]
    mode: int
    way_out: str
    problems: Sequence[Error] = ()
    default: str | None = None
    left: Sequence[str] = ()
    scrubbed: Sequence[str] = ()


def together(problems: Sequence[Error], hint: str) -> Error:
    """Combine one or more `problems` into one error that names them all."""
    first = problems[0]
    if len(problems) == 1:
        return type(first)(
            first.message,
            hint=f"{first.hint}{' ' if first.hint.endswith('?') else ', '}or {hint}" if first.hint else hint,
        )
    place = first.message.partition(": ")[0] + ": "
    rest = [problem.message.removeprefix(place) for problem in problems[1:]]
    same = all(type(problem) is type(first) for problem in problems)
    return (type(first) if same else ConfigInvalid)("; ".join([first.message, *rest]), hint=f"correct each, or {hint}")
