"""Loading one profile while a file in `profiles.d` is broken.

A broken file is left out as a whole, and only if it cannot affect the profile: it has no table that the profile uses, no
settings, no `[defaults]` and no `default`, nor a misspelling of one of these. If it does not parse, every word in it that is in a
header, or not behind the last `=` of its line, is checked.
"""

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from omniprofile.config.loader import Files, read
from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.model.declaration import Config
from omniprofile.model.effective import effective
from omniprofile.model.finding import Finding, errors_in
from omniprofile.model.near_names import distance
from omniprofile.model.rule_codes import Code
from omniprofile.system.files import Unreadable, read_regular

_EVERYWHERE = ("settings", "defaults", "default")
"""Keys at the top of a file that affect every profile."""
_MISSPELT = 2
"""A word counts as misspelled if it differs by at most this many letters."""
_ALL_AT_ONCE = re.compile(r"""^[ \t]*+["']?(?:profiles|instances)["']?[ \t]*+=""", re.MULTILINE)
_ESCAPE = re.compile(r"\\[uUx]")
_HEADER = re.compile(r"\[([^\[\],]*+)(?=[\[\]]|$)")
"""The text of what may be a header. It can be anywhere in a line: after a value whose line break is missing, too."""
_QUOTED = re.compile(r"""["']([^"'\n]+)["']""")
_WORD = re.compile(r"""[^\s."'\[\]=#]+""")


def load_for(name: str, paths: Sequence[str], *, home: str) -> tuple[Config, list[Finding]] | None:
    """Return the configuration without the broken files, and the first error of each.

    Returns None if a broken file could affect the profile `name`, or no file is broken. Never leaves out a file that cannot be
    read, or that others may write.
    """
    everything = read(paths, home=home)
    broken: dict[str, Finding] = {}
    for finding in errors_in(everything.findings):
        is_drop_in = os.path.basename(os.path.dirname(finding.file)) == DROP_IN_FOLDER
        if finding.code in (Code.UNREADABLE, Code.WRITABLE) or not is_drop_in:
            return None
        broken.setdefault(finding.file, finding)
    rest = read([path for path in paths if path not in broken], home=home)
    names = _tables_used(name, rest.config)
    # A reference to something in a broken file does not matter here.
    wrong = any(finding.code != Code.DANGLING for finding in errors_in(rest.findings))
    if not broken or wrong or names is None or any(_may_affect(file, everything, names) for file in broken):
        return None
    return rest.config, list(broken.values())


def _tables_used(name: str, config: Config) -> set[str] | None:
    """Return the names of the profiles and instances that a profile uses; None if one of them does not exist."""
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


def _may_affect(file: str, files: Files, names: set[str]) -> bool:
    """Whether a broken file contains, or could contain once fixed, anything that a profile using `names` depends on."""
    document = files.documents[file]
    if document.data is not None:
        return _affects(document.data, names)
    try:
        # Without NULs, a file that another program wrote as UTF-16 has the same words.
        text = read_regular(file).replace(b"\0", b"").decode("utf-8", "replace")
    except (OSError, Unreadable):
        return True
    if _ALL_AT_ONCE.search(text) or _ESCAPE.search(text):
        return True
    lines = list(map(_without_comment, text.splitlines()))
    keys = [line.rpartition("=")[0] or line for line in lines] + [
        head for line in lines for head in _HEADER.findall(line)
    ]
    written = {word for key in keys for word in (*_WORD.findall(key), *_QUOTED.findall(key))}
    return not written.isdisjoint(names) or any(map(_affects_all, written)) or _is_cut_short(text, names)


def _without_comment(line: str) -> str:
    """Return a line without its comment, which has no quotes if it follows anything: else it may be within a string."""
    end = 0 if line.lstrip(" \t").startswith("#") else line.find("#", max(line.rfind('"'), line.rfind("'")) + 1)
    return line if end == -1 else line[:end]


def _affects_all(key: str) -> bool:
    """Whether a key, spelled correctly, may be one of `_EVERYWHERE`."""
    return any(distance(key.casefold(), each) <= _MISSPELT for each in _EVERYWHERE)


def _is_cut_short(text: str, names: set[str]) -> bool:
    """Whether the text ends within a header that may have named one of `names` or `_EVERYWHERE`."""
    head = text.rpartition("\n")[2].lstrip()
    words = _WORD.findall(head)
    last = words[-1] if words and head.startswith("[") and "]" not in head else ""
    return last != "" and any(each.startswith(last) for each in (*names, *_EVERYWHERE))


def _affects(data: Mapping[str, Any], names: set[str]) -> bool:
    tables = [data.get("profiles"), data.get("instances")]
    held = {key for table in tables if isinstance(table, dict) for key in table}
    return any(map(_affects_all, data)) or not held.isdisjoint(names)
