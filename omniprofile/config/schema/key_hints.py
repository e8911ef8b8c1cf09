"""Hints about an unknown key: the one that was probably meant, or the table where it belongs."""

import re
from collections.abc import Mapping

from omniprofile.config.schema.forms import SOURCES, Table
from omniprofile.config.schema.keys import keys_of, type_at
from omniprofile.config.schema.models import Expect, Instance, Pin, Profile, ProfilesFile, SettingsTable
from omniprofile.config.toml.data import KeyPath, value_at
from omniprofile.model.names import printable
from omniprofile.model.near_names import did_you_mean

_OTHER_SPELLINGS = {
    "base_url": ("url", "host", "hostname", "endpoint", "server", "domain", "site", "address", "apiendpoint"),
    "auth": ("authmethod", "authtype", "method", "authenticator", "authentication"),
    "extends": ("parent", "inherits", "inherit", "sourceprofile", "include", "base"),
    "default": ("defaultprofile", "current", "active", "currentprofile"),
    "env": ("environment", "variables", "vars", "envvars"),
    "profiles": ("profile", "connections", "contexts"),
    "instances": ("instance", "hosts", "servers"),
    "tags": ("tag", "label", "labels", "group", "groups"),
    "protected": ("locked", "safe"),
    "access": ("readonly", "mode", "permissions", "permission"),
    "browser": ("webbrowser", "browsercommand", "browserprofile"),
    "allow": ("allowed", "allowlist", "permit"),
    "allowed_hosts": ("allowhosts", "allowedhost", "trustedhosts"),
    "secret_store": ("store", "backend", "keyring", "credentialstore"),
    "key_scope": ("scope",),
    "org_role": ("role",),
    "membership_id": ("membership",),
}
_TABLES: dict[str, type[Table]] = {
    "the top of the file": ProfilesFile,
    "`[settings]`": SettingsTable,
    "`[instances.NAME]`": Instance,
    "`[profiles.NAME]`": Profile,
    "`expect`": Expect,
}
_FORMS = ("from", "append", *SOURCES, "timeout")
"""The keys of all forms of a key, secret or value of `env`."""


def meant(data: object, model: type[Table], path: KeyPath) -> tuple[str | None, str | None]:
    """Return a hint about the unknown key at `path`, and the key that was certainly meant, each None if unknown."""
    above = path[:-1]
    key, value, table = str(path[-1]), value_at(data, path), type_at(model, above)
    of_source = above[-1:] == ("key",)
    known = list(keys_of(table)) if isinstance(table, type) and issubclass(table, Table) and not of_source else []
    for word in known:
        same = normalized(word) == normalized(key)
        if same or normalized(key) in _OTHER_SPELLINGS.get(word, ()):
            return f"did you mean `{word}`?", word if same and word not in value_at(data, above) else None
    if of_source or above[-2:-1] == ("env",):
        return "`timeout` belongs to a `command`" if key == "timeout" else form_near(key), None
    if model is Pin:
        return (
            'a project pin is one line, `profile = "NAME"`; profiles and instances belong in your own profile file',
            None,
        )
    if not above and isinstance(value, Mapping) and set(value) & set(Profile.model_fields):
        return f"did you mean `[profiles.{printable(key, 64)}]`?", None
    for place, other in _TABLES.items():
        if key in keys_of(other):
            return f"`{key}` belongs in {place}", None
    here = f"known here: {', '.join(f'`{word}`' for word in known)}"
    return did_you_mean(key, known, here, 1) if known else None, None


def form_near(key: str) -> str | None:
    """Return a hint about a misspelled key of a form, or None."""
    return did_you_mean(key, _FORMS, "", 1) or None


def normalized(name: str) -> str:
    """Return the letters and digits of a key, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
