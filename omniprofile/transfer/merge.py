"""Merging our profiles into the vendor's config, without I/O. Everything else in it stays, in its order.

An entry counts as ours if importing it would give exactly this profile. An entry with a profile's name but another endpoint or
method is not: overwriting it would give its key to another host.

OAuth sessions are never written: a refresh token is replaced on each use, so a second copy would end the session of both
programs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from omniprofile.transfer.found_profiles import Found
from omniprofile.transfer.matching import Known, plan
from omniprofile.transfer.omni_config import OmniConfig
from omniprofile.transfer.omni_format import Json

Action = Literal["added", "updated", "unchanged", "conflict"]
KeyAction = Literal["written", "replaced", "unchanged", "left", "none"]


@dataclass(frozen=True, slots=True)
class Merged:
    """The result for one profile: the name of its entry, and what happened to the entry and its key.

    `left` means that an existing key was not touched, `none` that there is no key.
    """

    profile: Found
    entry: str
    action: Action
    key: KeyAction


@dataclass(frozen=True, slots=True)
class Merge:
    """The new content and the result for each profile. `default` is the new `defaultProfile`, or None if it did not change."""

    data: Json = field(repr=False)
    results: tuple[Merged, ...]
    default: str | None


def merge(
    config: OmniConfig, outgoing: Sequence[Found], ours: Sequence[Known], *, default: str | None, now: datetime
) -> Merge:
    """Merge `outgoing`, some or all of `ours`, into `config`, including those secrets that are keys.

    `default` names the profile that becomes `defaultProfile` if the config has none.
    """
    entries = _entries_of(config, ours, now)
    existing, tables = config.profiles, dict(config.tables)
    results = []
    common = _common_format(config, outgoing, entries)
    for profile in outgoing:
        entry = entries.get(profile.name)
        if entry is None and profile.name in tables:
            results.append(Merged(profile, profile.name, "conflict", "left"))
            continue
        before = existing[entry] if entry is not None else None
        new = {"apiEndpoint": str(profile.origin), "authMethod": profile.auth}
        table: Json = dict((before and before.table) or new)
        key = _put_key(table, profile)
        there = before.output_format if before else None
        if profile.output_format and profile.output_format not in (common, there):
            table["defaultOutputFormat"] = profile.output_format
        tables[entry or profile.name] = table
        action: Action = "added" if before is None else "unchanged" if table == before.table else "updated"
        results.append(Merged(profile, entry or profile.name, action, key))
    chosen = None
    if not config.data.get("defaultProfile"):
        chosen = next((r.entry for r in results if r.profile.name == default and r.action != "conflict"), None)
    head: Json = {"defaultProfile": chosen} if chosen else {}
    if common:
        head["defaultOutputFormat"] = common
    data = {**config.data, **head, "profiles": tables}
    changed = head or any(result.action in ("added", "updated") for result in results)
    return Merge(data if changed else config.data, tuple(results), chosen)


def _common_format(config: OmniConfig, outgoing: Sequence[Found], entries: dict[str, str]) -> str | None:
    """Return the output format to set for the whole file if every profile in it is to have the same and the file has none.

    Version 1.0.4 of the CLI reads only that one, and drops a profile's own at its next save.
    """
    formats = {profile.output_format for profile in outgoing}
    alone = config.tables.keys() <= {entries.get(profile.name) for profile in outgoing}
    return formats.pop() if len(formats) == 1 and alone and not config.data.get("defaultOutputFormat") else None


def _put_key(table: Json, profile: Found) -> KeyAction:
    there = table.get("apiKey")
    if profile.auth == "oauth":
        return "none"
    if profile.secret is None:
        return "left" if there else "none"
    text = profile.secret.token.reveal()
    table["apiKey"] = text
    return "unchanged" if there == text else "replaced" if there else "written"


def _entries_of(config: OmniConfig, ours: Sequence[Known], now: datetime) -> dict[str, str]:
    """Return the existing entry of each of our profiles, by our names. Entries that could not be imported belong to none."""
    readable, _ = config.each(lambda profile: profile.found(now))
    steps = plan([Found(one.name, one.origin, one.auth) for one in readable], ours, move_sessions=False)
    return {step.profile: step.found.name for step in steps if not step.is_new}
