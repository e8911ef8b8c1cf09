"""The file and table that an edit changes, and the names that a new profile can have."""

import os

from omniprofile.app import App
from omniprofile.config.editing.draft import Draft
from omniprofile.config.name_patterns import require_profile
from omniprofile.config.paths import DROP_IN_FOLDER
from omniprofile.config.toml.data import NamePath
from omniprofile.config.toml.values import key_path
from omniprofile.errors import ConfigInvalid, UsageError
from omniprofile.model.declaration import Config, Declaration
from omniprofile.model.names import RULE, is_valid, nearest_valid, printable, quoted_list
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.system.foreign_access import real_path


def profile_file(draft: Draft, name: str) -> str:
    """Return the file that defines the profile. Raises NoSuchProfile, or ConfigInvalid if two files do."""
    files = draft.files_of(("profiles", name))
    if len(files) > 1:
        raise ConfigInvalid(
            f"profile `{name}` is defined in {quoted_list(files, 'and')}",
            hint="remove one of the two by hand: `omniprofile edit`",
        )
    if not files:
        names = [(each, path) for path in draft.paths for each in draft.table(path, ("profiles",))]
        known = {each: Declaration(Layer.PROFILE, each, path, 1) for each, path in names}
        require_profile(Config(profiles=known), name, Provenance(Layer.FLAG, "NAME"))
    return files[0]


def require_valid_name(name: str) -> None:
    """Raise UsageError unless `name` is a valid profile name."""
    if not name:
        raise UsageError("the profile's name is empty", hint="give it a name")
    if not is_valid(name):
        hint = f"did you mean `{nearest_valid(name)}`?"
        raise UsageError(f"`{printable(name)}` is not a valid profile name: use {RULE}", hint=hint)


def require_new_name(draft: Draft, name: str) -> None:
    """Raise UsageError unless `name` can name a new profile."""
    require_valid_name(name)
    if files := draft.files_of(("profiles", name)):
        place = draft.place(files[0], ("profiles", name))
        raise UsageError(
            f"profile `{name}` already exists ({place})",
            hint=f"choose another name; `omniprofile set {name} KEY VALUE` changes this one",
        )


def target(draft: Draft, words: list[str], how: str) -> tuple[str, NamePath]:
    """Return the file and path for the words `NAME KEY` (a profile's key), or `KEY` (from the top of the file).

    `how` is the hint, containing `NAME`, if one of the two is missing. Raises UsageError.
    """
    from omniprofile.config.schema.models import Profile, ProfilesFile

    if len(words) == 2:
        name, key = words
        return profile_file(draft, name), ("profiles", name, *key_path(key))
    names = key_path(words[0])
    if len(names) == 1 and draft.files_of(("profiles", names[0])) and not draft.files_of(names):
        raise UsageError(f"`{names[0]}` is a profile, and no key of it is named", hint=how.replace("NAME", names[0]))
    if names[0] in Profile.model_fields and names[0] not in ProfilesFile.model_fields and not draft.files_of(names[:1]):
        raise UsageError(f"`{names[0]}` is a key of a profile, and no profile is named", hint=how)
    if names[0] == "profiles" and len(names) > 1:
        return profile_file(draft, names[1]), names
    own = names[:2] if names[0] == "instances" else names[:1]
    files = draft.files_of(names) or draft.files_of(own)
    return (files or [draft.main])[0], names


def drop_in(app: App, draft: Draft, given: str | None) -> str:
    """Return the profile file for `--file`: a path, or the bare name of a file in `profiles.d`."""
    if given is None:
        return draft.main
    folder = os.path.join(app.places.config_folder, DROP_IN_FOLDER)
    if os.sep in given or (os.altsep and os.altsep in given):
        path = os.path.normpath(os.path.join(app.environment.cwd or os.sep, given))
    else:
        path = os.path.join(folder, given if given.endswith(".toml") else f"{given}.toml")
    real = {real_path(known): known for known in (draft.main, *draft.paths)}
    if real_path(path) in real:
        return real[real_path(path)]
    hidden = os.path.basename(path).startswith(".") or not os.path.normcase(path).endswith(".toml")
    if hidden or real_path(os.path.dirname(path)) != real_path(folder):
        raise UsageError(
            f"`{printable(given)}` would not be read", hint=f"name a `.toml` file in `{folder}`, or leave `--file` out"
        )
    return path
