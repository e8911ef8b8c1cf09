"""What `import` and `export` share: one at a time, and where the files of others are."""

import os
from contextlib import AbstractContextManager

from omniprofile.app import App
from omniprofile.config.paths import omni_cli_config
from omniprofile.errors import UsageError
from omniprofile.system import locking

_LOCK_SECONDS = 10.0


def exclusive(app: App) -> AbstractContextManager[None]:
    """Keep the user's other imports and exports out: what they read together, they write together. Raises OperationFailed."""
    busy = "another import or export is under way"
    return locking.exclusive(app.lock_folders, "transfer.lock", _LOCK_SECONDS, busy=busy)


def omni_config_path(app: App, given: str | None) -> str:
    """Return the config of the vendor's CLI: FILE, else where the CLI looks for it."""
    path = given or omni_cli_config(
        platform=app.environment.platform, environ=app.environment.environ, home=app.places.home
    )
    return absolute(app, path)


def absolute(app: App, path: str) -> str:
    """Return `path` as a whole path."""
    if not os.path.isabs(path) and app.environment.cwd is None:
        raise UsageError("the working directory is gone", hint="give the whole path of the file")
    return os.path.normpath(os.path.join(app.environment.cwd or os.sep, path))
