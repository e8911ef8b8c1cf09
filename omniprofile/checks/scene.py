"""What `doctor` looks at: the outside, and the program's own view of it, each asked when a check wants it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from omniprofile.config.paths import Places
from omniprofile.config.state import ActiveState
from omniprofile.model.declaration import Config
from omniprofile.model.provenance import Sourced
from omniprofile.model.resolution import Resolution, Selection
from omniprofile.model.stored import SecretStore


@dataclass(frozen=True)
class Scene:
    """Whatever is a function may raise an Error, and tells the same every time.

    `declared` resolves a profile by what the files say alone, `in_use` the profile in use with every override. `is_owner`
    tells whether a file that stored a secret is the one that is looked at.
    """

    environ: Mapping[str, str]
    cwd: str | None
    platform: str
    uid: int | None
    now: Callable[[], datetime]
    places: Places
    files: Callable[[], list[str]]
    config: Callable[[], Config]
    store_name: Callable[[], str]
    store: Callable[[], SecretStore]
    is_owner: Callable[[str], bool]
    lock_folders: Callable[[], list[str]]
    state: Callable[[], ActiveState]
    state_file: str
    pin_file: str | None
    pin: Callable[[], Sourced[str] | None]
    select: Callable[[], Selection]
    in_use: Callable[[], Resolution]
    declared: Callable[[str], Resolution]
    omni_config: str
    offline: bool = False
