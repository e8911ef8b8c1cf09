"""One profile out of sound files, while a file of `profiles.d` is broken.

A broken file is left out whole, and only where it cannot matter: it must hold no table that the profile is made of, no
settings, no `[defaults]` and no `default`, nor a misspelt one of these. What a file holds that does not parse is checked by
every word in it that stands where a key could stand.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omniprofile.config.loader import Files, read
from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.model.declaration import Config
from omniprofile.model.effective import effective
from omniprofile.model.finding import Code, Finding, errors_in
from omniprofile.model.names import distance
from omniprofile.system.files import Unreadable, read_regular

_EVERYWHERE = ("settings", "defaults", "default")
"""Keys at the top of a file that bear on every profile."""
_MISSPELT = 2
"""So many letters make a misspelt word."""
_ALL_AT_ONCE = re.compile(r"""^[ \t]*+["']?(?:profiles|instances)["']?[ \t]*+=""", re.MULTILINE)
_ESCAPE = re.compile(r"\\[uUx]")
_KEY_LIKE = re.compile(r"""(?<![A-Za-z0-9_/-])(?:"([^"\n]++)"|'([^'\n]++)'|([A-Za-z0-9_-]++))[ \t]*+[\]=.]""")
"""A word before `]`, `=` or `.`, which is where a key or a part of one stands. The `/` keeps hosts of addresses out."""
_HEAD = re.compile(r"^[ \t]*+\[++([^\]#\n]*+)", re.MULTILINE)
"""The words of a table's header, which may lack its end."""
_ALONE = re.compile(r"""^[ \t]*+["']?([A-Za-z0-9_-]++)["']?[ \t\r]*+$""", re.MULTILINE)
"""A word that has a line of its own."""
_WORD = re.compile(r"""[^\s."'\[\]=#]+""")


@dataclass(frozen=True, slots=True)
class Partial:
    """The configuration without its broken files, and the first error of each of them."""

    config: Config
    left_out: tuple[Finding, ...]


def load_for(name: str, paths: Sequence[str], *, home: str) -> Partial | None:
    """Return what profile `name` needs, or None where a broken file could have a say in it, or nothing is broken.

    A file that cannot be read, or that others may write, is never left out.
    """
    everything = read(paths, home=home)
    broken: dict[str, Finding] = {}
    for finding in errors_in(everything.findings):
        if finding.code in (Code.UNREADABLE, Code.WRITABLE) or not _is_drop_in(finding.file):
            return None
        broken.setdefault(finding.file, finding)
    rest = read([path for path in paths if path not in broken], home=home)
    names = _made_of(name, rest.config)
    if not broken or names is None or _errors_but_dangling(rest):
        return None
    if any(_may_hold(file, everything, names) for file in broken):
        return None
    return Partial(rest.config, tuple(broken.values()))


def _is_drop_in(file: str) -> bool:
    return os.path.basename(os.path.dirname(file)) == DROP_IN_FOLDER


def _errors_but_dangling(files: Files) -> bool:
    """Whether a sound file has an error that is not the loss of what a broken one holds."""
    return any(finding.code != Code.DANGLING for finding in errors_in(files.findings))


def _made_of(name: str, config: Config) -> set[str] | None:
    """Return the names of the profiles and instances that a profile is made of; None if one of them is not there."""
    try:
        effective(config, name)
    except KeyError:
        return None
    names: set[str] = set()
    link: str | None = name
    while link is not None:
        names.add(link)
        link = config.profiles[link].extends
    tables = [*(config.profiles[each] for each in names), *config.defaults]
    instances = {table.instance for table in tables if table.instance}
    return names | instances if instances <= set(config.instances) else None


def _may_hold(file: str, files: Files, names: set[str]) -> bool:
    """Whether a broken file holds, or could hold once it is fixed, what a profile made of `names` depends on."""
    document = files.documents[file]
    if document.data is not None:
        return _holds(document.data, names)
    try:
        # Without NUL, what another program wrote as UTF-16 has the same words.
        text = read_regular(file).replace(b"\0", b"").decode("utf-8", "replace")
    except (OSError, Unreadable):
        return True
    if _ALL_AT_ONCE.search(text) or _ESCAPE.search(text):
        return True
    written = {part for match in _KEY_LIKE.finditer(text) for part in match.groups() if part}
    written.update(word for head in _HEAD.findall(text) for word in _WORD.findall(head))
    written.update(_ALONE.findall(text))
    return not written.isdisjoint(names) or any(map(_bears_on_all, written)) or _is_cut_short(text, names)


def _bears_on_all(key: str) -> bool:
    """Whether a key, once it is spelt right, may be one of `_EVERYWHERE`."""
    return any(distance(key.casefold(), each) <= _MISSPELT for each in _EVERYWHERE)


def _is_cut_short(text: str, names: set[str]) -> bool:
    """Whether the text ends in the middle of a header that may have been that of one of `names`, or of `_EVERYWHERE`."""
    head = text.rpartition("\n")[2].lstrip()
    words = _WORD.findall(head)
    last = words[-1] if words and head.startswith("[") and "]" not in head else ""
    return last != "" and any(each.startswith(last) for each in (*names, *_EVERYWHERE))


def _holds(data: Mapping[str, Any], names: set[str]) -> bool:
    tables = [data.get("profiles"), data.get("instances")]
    held = {key for table in tables if isinstance(table, dict) for key in table}
    return any(map(_bears_on_all, data)) or not held.isdisjoint(names)
