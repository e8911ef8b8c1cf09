"""What `import` and `export` share: one at a time, and where the files of others are."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from omniprofile.app import App
from omniprofile.errors import CheckFailed, UsageError
from omniprofile.system.files import reason
from omniprofile.system.locking import locked

_LOCK_SECONDS = 10.0


@contextmanager
def alone(app: App) -> Iterator[None]:
    """Keep the user's other imports and exports out for the body: what they read together, they must write together."""
    path = os.path.join(app.lock_folder, "transfer.lock")
    with ExitStack() as held:
        try:
            held.enter_context(locked(path, _LOCK_SECONDS))
        except TimeoutError as problem:
            raise CheckFailed("another import or export is under way", hint="try again when it is done") from problem
        except OSError as problem:
            raise CheckFailed(
                f"the lock `{path}` cannot be taken: {reason(problem)}", hint="fix or remove it"
            ) from problem
        yield


def omni_config_path(app: App, given: str | None) -> str:
    """The config of the vendor's CLI: FILE, else where the CLI looks for it."""
    from omniprofile.handover.shield import shield_path
    from omniprofile.transfer.omni_cli import config_path

    path = given or config_path(
        platform=app.outside.platform,
        environ=app.outside.environ,
        home=app.places.home,
        shield=shield_path(app.places.cache_folder),
    )
    return absolute(app, path)


def absolute(app: App, path: str) -> str:
    """`path` as a whole path."""
    if not os.path.isabs(path) and app.outside.cwd is None:
        raise UsageError("the working directory is gone", hint="give the whole path of the file")
    return os.path.normpath(os.path.join(app.outside.cwd or os.sep, path))
