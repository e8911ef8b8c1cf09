"""The profile files as a whole: their places, what they declare, the current profile, and editing them.

It imports and reads everything on first use.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, Literal, Self, TypeVar

from omniprofile.config.name_patterns import is_name, require_profile
from omniprofile.config.paths import Places, find_places, profile_files
from omniprofile.config.pin import find_pin, load_pin
from omniprofile.config.selection import select
from omniprofile.config.state import StateFile
from omniprofile.credentials.protection import decide, selected_by_pin
from omniprofile.errors import ConfigInvalid, ConfigUnreadable, UnsafePermissions, UsageError
from omniprofile.model.declaration import Config
from omniprofile.model.names import printable
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.system.environment import Environment
from omniprofile.system.files import home_in_database

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from omniprofile.config.editing.draft import Draft
    from omniprofile.config.editing.journal import Journal
    from omniprofile.credentials.protection import Use
    from omniprofile.model.resolution import Selection

T = TypeVar("T")

_EXCLUSIVE = {
    "edit": (30.0, "the profile files are being edited by another omniprofile"),
    "transfer": (10.0, "another import or export is under way"),
}
"""Seconds to wait for other processes with the same work, and the message after that. Nothing prompts with the lock held."""


class once(Generic[T]):  # noqa: N801 - a decorator
    """A cached property of an App that is computed only once, even if several threads need it at the same time.

    Before Python 3.12 `functools.cached_property` has one lock for all Apps, which a process forked in the meantime can never
    acquire.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __get__(self, app: Any, owner: type) -> T:
        with app.making:
            name = self._make.__name__
            if name not in app.__dict__:
                app.__dict__[name] = self._make(app)
            value: T = app.__dict__[name]
            return value

    def __set__(self, app: object, value: T) -> None:
        app.__dict__[self._make.__name__] = value


class Workspace:
    """The files of one run. `notify` gets each message for the user once; `warn` gets those that `-q` does not silence.

    `detail` gets the messages for `-v`. `ask` asks the user a yes-or-no question; it is None if nobody can be asked.
    """

    def __init__(
        self,
        environment: Environment,
        config_flag: str | None = None,
        notify: Callable[[str], None] = lambda _: None,
        warn: Callable[[str], None] = lambda _: None,
        ask: Callable[[str], bool] | None = None,
        detail: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.environment = environment
        self.config_flag = config_flag
        self.notify = notify
        self.warn = warn
        self.ask = ask
        self.detail = detail
        self.making = RLock()
        self._told: set[str] = set()
        self._broken: ConfigInvalid | None = None
        """The error because of which `config` has only what the named profiles need."""

    @once
    def places(self) -> Places:
        """The paths of all files."""
        return find_places(
            platform=self.environment.platform,
            environ=self.environment.environ,
            cwd=self.environment.cwd or os.sep,
            user_home=lambda: home_in_database(self.environment.uid),
            config_flag=self.config_flag,
        )

    def absolute(self, path: str) -> str:
        """Return a `path` from the command line as an absolute path. Raises UsageError if the working directory is gone."""
        if not os.path.isabs(path) and self.environment.cwd is None:
            raise UsageError("the working directory is gone", hint="give the whole path of the file")
        return os.path.normpath(os.path.join(self.environment.cwd or os.sep, path))

    @once
    def config(self) -> Config:
        """The checked configuration of all profile files. Raises ConfigInvalid."""
        from omniprofile.configuration import load_configuration

        return load_configuration(self.places)

    def config_for_all(self, patterns: Iterable[str]) -> Config:
        """Return `config`; if all `patterns` are full names, without the broken files that `config_for` leaves out for them."""
        names = list(patterns)
        if all(map(is_name, names)):
            for name in names:
                self.config_for(Sourced(name, Provenance(Layer.FLAG, "NAME")))
        return self.config

    def allow_new_file(self) -> None:
        """Treat a named profile file that does not exist as empty, since it is about to be created. Raises ConfigInvalid."""
        try:
            _ = self.config
        except ConfigUnreadable:
            if os.path.lexists(self.places.config_file):
                raise
            self.config = Config()

    def config_for(self, named: Sourced[str] | None) -> Config:
        """Return `config`; for a profile named in the call, without broken files in `profiles.d` that cannot affect it.

        Raises ConfigInvalid if a broken file could affect it.
        """
        try:
            if self._broken is None or named is None:
                return self.config
        except ConfigInvalid as problem:
            if named is None or named.provenance.layer is not Layer.FLAG:
                raise
            self._broken = problem
        from omniprofile.config.broken_files import load_for

        found = load_for(named.value, profile_files(self.places), home=self.places.home)
        if found is None:
            raise self._broken
        self.config, left_out = found
        for finding in left_out:
            self.tell(f"`{finding.file}` is left out: line {finding.line}: {finding.message}", self.warn)
        return self.config

    @once
    def state(self) -> StateFile:
        """The file that names the active profile."""
        return StateFile(self.places.state_folder, self.places.home)

    def pin_file(self) -> str | None:
        """Return the path of the nearest project pin, or None. Pins that others may write are ignored, with a notice."""

        def trusted() -> Sequence[str]:
            try:
                return self.config.settings.trusted_folders
            except (ConfigInvalid, UnsafePermissions):
                return ()  # the caller reports the error, if it needs the files

        path, ignored = find_pin(self.environment.cwd, self.places.home, trusted)
        for pin, foreign in ignored:
            what = f"it {foreign.why}" if foreign.path == pin else f"`{printable(foreign.path, 300)}` {foreign.why}"
            self.tell(
                f"the project pin `{printable(pin, 300)}` is ignored: {what}; if you trust it, add its folder to "
                "`trusted_folders` in `[settings]`"
            )
        return path

    def pin(self) -> Sourced[str] | None:
        """Return the profile that the nearest project pin names, or None without a pin. Raises ConfigInvalid for a bad pin."""
        path = self.pin_file()
        return load_pin(path) if path else None

    def select(
        self, named: Sourced[str] | None = None, *, overridden: bool = False, use: "Use" = "show"
    ) -> "Selection":
        """Return the current profile."""

        def state() -> Sourced[str] | None:
            active, _ = self.state.read()
            return Sourced(active, self.state.provenance()) if active else None

        selection = select(
            self.config_for(named),
            named=named,
            environ=self.environment.environ,
            pin=self.pin,
            state=state,
            overridden=overridden,
        )
        pinned = selection.provenance.layer is Layer.PROJECT
        if pinned and decide(use, protected=self.is_protected(selection.profile), pinned=True) == "warn":
            self.tell(selected_by_pin(selection), self.warn)
        return selection

    def require(self, name: str, provenance: Provenance | None = None) -> None:
        """Raise NoSuchProfile unless `name`, by default from the command line, is a profile."""
        provenance = provenance or Provenance(Layer.FLAG, "NAME")
        require_profile(self.config_for(Sourced(name, provenance)), name, provenance)

    def is_protected(self, name: str) -> bool:
        """Whether `protected` is true for the profile; the nearest of the profile, its parents and `[defaults]` decides."""
        from omniprofile.model.effective import effective

        return effective(self.config, name).protected.value

    def renew_prompt(self) -> None:
        """Write the file from which a prompt shows profiles. Raises OSError, and what reading the profile files raises."""
        from omniprofile.config import prompt_file

        again = self.reread()
        before = prompt_file.watch(self.places)
        config = again.config
        # If a file changed in between, `config` may be outdated.
        if prompt_file.watch(self.places) == before:
            prompt_file.write(self.places, before, config)

    @contextmanager
    def editing(self, *, dry_run: bool = False) -> "Iterator[Draft]":
        """Provide the profile files for editing, locked against other processes. The body must write the changes to keep.

        A `dry_run` writes nothing, and takes no lock.

        Raises OperationFailed if another process edits for too long, and ConfigUnreadable.
        """
        from omniprofile.checks.lint import lint
        from omniprofile.config.editing.draft import Draft

        home = self.places.home
        with nullcontext() if dry_run else self.exclusive():
            files = profile_files(self.places, may_be_new=True)
            yield Draft(
                files, self.places.config_file, lambda paths, contents: lint(paths, home=home, contents=contents), home
            )

    def exclusive(self, work: "Literal['edit', 'transfer']" = "edit") -> "AbstractContextManager[None]":
        """Hold the lock against this user's other edits, or other imports and exports. Raises OperationFailed."""
        from omniprofile.system.user_lock import exclusive

        # Not next to the user's files: their folder may be read-only, or a git repository.
        return exclusive(self.lock_folders, f"{work}.lock", *_EXCLUSIVE[work])

    @once
    def journal(self) -> "Journal":
        """The record of a rename or removal that was interrupted."""
        from omniprofile.config.editing.journal import Journal

        return Journal(self.places.state_folder, self.places.home)

    def reread(self) -> Self:
        """Return a new instance for the same environment, which reads the files again."""
        return type(self)(self.environment, self.config_flag, self.notify, self.warn, self.ask, self.detail)

    @once
    def lock_folders(self) -> list[str]:
        """The folders for locks that all of this user's processes share, whatever their environment."""
        from omniprofile.system.user_lock import user_lock_folders

        return user_lock_folders(self.environment.platform, self.environment.environ, self.environment.uid)

    def tell(self, sentence: str, to: Callable[[str], None] | None = None) -> None:
        """Pass a message for the user to `notify`, or to `to`, unless it was passed on before."""
        if sentence not in self._told:
            self._told.add(sentence)
            (to or self.notify)(sentence)
