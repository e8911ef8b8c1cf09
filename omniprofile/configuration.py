"""Loading the configuration from its snapshot if that is fresh, else from the files, writing a new snapshot.

The resolver decides here, without any overrides, what the fast path will read.
"""

import marshal
from collections import Counter
from typing import TYPE_CHECKING, Any

from omniprofile.config import snapshot
from omniprofile.config.paths import Places, profile_files
from omniprofile.config.serialize import dump, load
from omniprofile.model.declaration import Config, Identity
from omniprofile.model.effective import effective
from omniprofile.model.names import printable
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.resolution import Resolution, Selection
from omniprofile.system.garbage_collection import collection_paused

if TYPE_CHECKING:
    from omniprofile.model.compiled_profile import Env, Facts

_NAMED = Provenance(Layer.FLAG, "NAME")
_SHOWN_NAMES = 61
"""This many names, joined by commas, are longer than the text that is shown of them."""
_MOST_VARIABLES = 64
"""The most variables in a snapshot for one profile, since all profiles may inherit thousands. The full path handles more."""


@collection_paused()
def load_configuration(places: Places) -> Config:
    """Return the checked configuration of all profile files. Raises ConfigInvalid and UnsafePermissions."""
    paths = profile_files(places)
    kept = snapshot.read(places, paths, snapshot.WHOLE)
    return load(kept) or renew_snapshot(places, paths)[0]


@collection_paused()
def renew_snapshot(places: Places, paths: list[str]) -> tuple[Config, tuple[Any, Any, Any]]:
    """Read the files, write the snapshot, and return the configuration and the sections. Raises as `load_configuration`."""
    from omniprofile.config import loader

    files = loader.load(paths, home=places.home)
    config = files.config
    sections = (_quick(config), (profile_words(config), tag_words(config)), dump(config))
    if paths:
        snapshot.write(places, files.reads, sections)
    return config, sections


def profile_words(config: Config) -> str:
    """Return the output of `__complete profiles`: every profile's name and description, in the order of the files."""
    return "".join(f"{each.name}\t{printable(each.description or '', 60)}\n" for each in config.profiles.values())


def tag_words(config: Config) -> str:
    """Return the output of `__complete patterns` after the profiles: every `@TAG`, with the profiles that have it."""
    tagged: dict[str, list[str]] = {}
    shared: Counter[int] = Counter()
    for name in config.profiles:
        tags = effective(config, name).tags.value
        shared[id(tags)] += 1
        if shared[id(tags)] <= _SHOWN_NAMES:  # no more are shown of the profiles that share one parent's tags
            for tag in tags:
                tagged.setdefault(tag, []).append(name)
    return "".join(f"@{tag}\t{printable(', '.join(names), 60)}\n" for tag, names in sorted(tagged.items()))


def _quick(config: Config) -> object:
    """Return the data for the fast path: four settings, and each profile as decided by the files."""
    settings = config.settings
    return (
        config.default.value if config.default else None,
        settings.secret_store.value if settings.secret_store else None,
        settings.trusted_folders,
        settings.audit,
        {name: marshal.dumps(_facts(config, name)) for name in config.profiles},
    )


def _facts(config: Config, name: str) -> "Facts":
    """Return the data of a `CompiledProfile`."""
    from omniprofile.credentials.resolver import resolve

    resolution = resolve(config, Selection(name, _NAMED), environ={})
    origin, key = resolution.origin, resolution.key
    kind: str | None = "stored" if resolution.uses_store else key.kind
    # The full path compares the identity of a stored secret with `expect`.
    pinned = kind == "stored" and resolution.expect != Identity()
    if resolution.refusal is not None or kind == "command" or pinned or resolution.access != "full":
        kind = None
    return (
        str(origin) if origin else None,
        origin.organization_name if origin else None,
        resolution.auth,
        kind,
        key.variable or key.path if kind in ("env", "file") else None,
        resolution.protected,
        _env(resolution) if len(effective(config, name).env) <= _MOST_VARIABLES else None,
    )


def _env(resolution: Resolution) -> "Env | None":
    """Return the profile's `env` for the fast path; None if the full path must read a secret or refuse a variable."""
    found: list[tuple[str, str | tuple[str, str]]] = []
    for each in resolution.env:
        value, source = each.value, each.value.secret
        if each.refusal is not None or (source and source.kind not in ("env", "file")):
            return None
        if source:
            found.append((each.name, (source.kind, source.variable or source.path or "")))
        else:
            found.append((each.name, value.plain))
    return tuple(found)
