"""Checking that the tables named by `instance` and `extends` exist, and that no profiles extend each other in a circle."""

from collections.abc import Iterable, Iterator, Mapping

from omniprofile.config.toml.text import Document
from omniprofile.model.declaration import Config, Declaration
from omniprofile.model.finding import Finding
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.rule_codes import Code

_MOST_GUESSES = 20
"""The most dangling names that get a "did you mean", which compares each with every known name."""
_LONGEST_RING = 10


def check_references(config: Config, documents: Mapping[str, Document]) -> Iterator[Finding]:
    """Yield dangling `instance` and `extends`, and cycles of `extends`, through which nothing may be resolved.

    A reference to one of the `written_names` is not dangling, even if its table is invalid.
    """
    written = written_names(config.files, documents)
    guesses = _MOST_GUESSES
    for table in (*config.profiles.values(), *config.defaults):
        for key, kind, name, known in (
            ("instance", "instance", table.instance, config.instances),
            ("extends", "profile", table.extends, config.profiles),
        ):
            if name is not None and name not in known and written is not None and (key, name) not in written:
                hint = did_you_mean(name, known if guesses else (), f"define `[{kind}s.{name}]`, or remove `{key}`")
                guesses = max(0, guesses - 1)
                path = (*table.path, key)
                message = f"`{'.'.join(path)}` names the {kind} `{name}`, which no file defines"
                yield documents[table.file].finding(path, Code.DANGLING, message, hint)
    for cycle in _cycles(config.profiles):
        shown = cycle if len(cycle) <= _LONGEST_RING else [*cycle[:_LONGEST_RING], "…"]
        ring = " extends ".join(f"`{name}`" for name in [*shown, cycle[0]])
        first = config.profiles[cycle[0]]
        message = f"profiles extend each other in a circle: {ring}" if len(cycle) > 1 else f"{ring}: itself"
        yield documents[first.file].finding((*first.path, "extends"), Code.CYCLE, message, "remove one `extends`")


def written_names(paths: Iterable[str], documents: Mapping[str, Document]) -> set[tuple[str, str]] | None:
    """Return every instance and profile in the files, valid or not; None if a file cannot be read.

    Each comes with the key that may name it, `instance` or `extends`.
    """
    if any(path not in documents for path in paths):
        return None
    names: set[tuple[str, str]] = set()
    for document in documents.values():
        if document.data is None:
            return None
        for key, kind in (("instance", "instances"), ("extends", "profiles")):
            tables = document.data.get(kind)
            names.update((key, name) for name in (tables if isinstance(tables, dict) else ()))
    return names


def _cycles(profiles: Mapping[str, Declaration]) -> Iterable[list[str]]:
    """Yield every cycle of `extends` once, starting with its first member in the order of the files."""
    order = {name: index for index, name in enumerate(profiles)}
    walked: set[str] = set()
    for start in profiles:
        trail: list[str] = []
        name: str | None = start
        while name is not None and name in profiles and name not in walked:
            walked.add(name)
            trail.append(name)
            name = profiles[name].extends
        if name in trail:
            ring = trail[trail.index(name) :]
            first = ring.index(min(ring, key=order.__getitem__))
            yield ring[first:] + ring[:first]
