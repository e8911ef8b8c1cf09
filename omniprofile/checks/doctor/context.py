"""What the checks of `doctor` may ask of the app. Whatever is asked may raise an Error, and gives the same every time."""

import os
from typing import Protocol

from omniprofile.config.paths import Places, omni_cli_config
from omniprofile.config.state import StateFile
from omniprofile.model.declaration import Config
from omniprofile.model.provenance import Sourced
from omniprofile.model.resolution import Resolution, Selection
from omniprofile.model.stored import SecretStore
from omniprofile.system.environment import Environment


class DoctorContext(Protocol):
    """The part of `App` that the checks use."""

    @property
    def environment(self) -> Environment: ...  # noqa: D102 - as `App` says
    @property
    def places(self) -> Places: ...  # noqa: D102 - as `App` says
    @property
    def config(self) -> Config: ...  # noqa: D102 - as `App` says
    @property
    def store_name(self) -> str: ...  # noqa: D102 - as `App` says
    @property
    def store(self) -> SecretStore: ...  # noqa: D102 - as `App` says
    @property
    def lock_folders(self) -> list[str]: ...  # noqa: D102 - as `App` says
    @property
    def state(self) -> StateFile: ...  # noqa: D102 - as `App` says
    def is_owner(self, file: str) -> bool: ...  # noqa: D102 - as `App` says
    def pin_file(self) -> str | None: ...  # noqa: D102 - as `App` says
    def pin(self) -> Sourced[str] | None: ...  # noqa: D102 - as `App` says
    def select(self) -> Selection: ...  # noqa: D102 - as `App` says
    def current(self) -> Resolution: ...  # noqa: D102 - as `App` says
    def declared_profile(self, name: str) -> Resolution: ...  # noqa: D102 - as `App` says


def omni_config_path(app: DoctorContext) -> str:
    """Return where the vendor's CLI looks for its config when it runs outside of `exec`."""
    environment, places = app.environment, app.places
    path = omni_cli_config(platform=environment.platform, environ=environment.environ, home=places.home)
    return os.path.normpath(os.path.join(environment.cwd or os.sep, path))
