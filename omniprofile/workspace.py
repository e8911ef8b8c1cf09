"""The profile files as a whole: where they are, what they declare, which profile is the current one; and their editing.

Nothing is imported or read before it is asked for.
"""

import os
from _thread import RLock
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from omniprofile.config.paths import Places, find_pin, find_places, omni_cli_config, profile_files
from omniprofile.config.selection import require_profile, select
from omniprofile.config.state import StateFile
from omniprofile.credentials.protection import SHOW, WARN, decide, selected_by_pin
from omniprofile.errors import ConfigInvalid, ConfigUnreadable, UnsafePermissions, UsageError
from omniprofile.model.declaration import Config
from omniprofile.model.names import printable
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.system.environment import Environment

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from omniprofile.config.editing.draft import Draft
    from omniprofile.config.editing.journal import Journal
    from omniprofile.credentials.protection import Use
    from omniprofile.model.resolution import Selection
    from omniprofile.system.access import ForeignAccess

_EXCLUSIVE = {
    "edit": (30.0, "the profile files are being edited by another omniprofile"),
    "transfer": (10.0, "another import or export is under way"),
}
"""How many seconds to wait for others who do the same work, and what is said then. Nobody is asked anything meanwhile."""

if TYPE_CHECKING:
    from functools import cached_property

    once = cached_property
else:

    class once:  # noqa: N801 - a decorator
        """A cached property of an App that threads which ask for it at the same time make only once between them.

        Before Python 3.12 the standard library's has one lock for all Apps, which a process that is forked meanwhile never gets.
        """

        def __init__(self, make):
            self._make = make
            self.__doc__ = make.__doc__

        def __set_name__(self, owner, name):
            self._name = name

        def __get__(self, app, owner=None):
            if app is None:
                return self
            with app.making:
                if self._name not in app.__dict__:
                    app.__dict__[self._name] = self._make(app)
                return app.__dict__[self._name]


@dataclass
class Workspace:
    """The files of one run. `notify` gets each sentence that the user must be told, once; `warn` what no `-q` silences.

    `detail` gets what `-v` asks for. `ask` puts a yes-or-no question to a person, None where there is nobody to ask.
    """

    environment: Environment
    config_flag: str | None = None
    notify: Callable[[str], None] = lambda _: None
    warn: Callable[[str], None] = lambda _: None
    ask: Callable[[str], bool] | None = None
    detail: Callable[[str], None] = lambda _: None
    _told: set[str] = field(default_factory=set)
    _broken: ConfigInvalid | None = None
    """Why `config` is only what the named profiles need."""
    making: "RLock" = field(default_factory=RLock, repr=False, compare=False)

    @once
    def places(self) -> Places:
        """Where every file is."""
        return find_places(
            platform=self.environment.platform,
            environ=self.environment.environ,
            cwd=self.environment.cwd or os.sep,
            user_home=self.environment.user_home,
            config_flag=self.config_flag,
        )

    def absolute(self, path: str) -> str:
        """Return `path`, as the command line names it, as a whole path. Raises UsageError where the working directory is gone."""
        if not os.path.isabs(path) and self.environment.cwd is None:
            raise UsageError("the working directory is gone", hint="give the whole path of the file")
        return os.path.normpath(os.path.join(self.environment.cwd or os.sep, path))

    def omni_config_path(self) -> str:
        """Return where the vendor's CLI looks for its config when it runs outside of `exec`. Raises as `absolute`."""
        there = self.environment
        return self.absolute(omni_cli_config(platform=there.platform, environ=there.environ, home=self.places.home))

    @once
    def config(self) -> Config:
        """All profile files, checked. Raises ConfigInvalid."""
        from omniprofile.compiled import configuration

        return configuration(self.places)

    def config_for_all(self, patterns: Iterable[str]) -> Config:
        """Return `config`; where profiles are named in full, each without the files that `config_for` leaves out for it."""
        from omniprofile.config.patterns import is_name

        names = list(patterns)
        if all(map(is_name, names)):
            for name in names:
                self.config_for(Sourced(name, Provenance(Layer.FLAG, "NAME")))
        return self.config

    def allow_new_file(self) -> None:
        """Let a profile file that was named and is not there declare nothing: it is about to be made. Raises ConfigInvalid."""
        try:
            _ = self.config
        except ConfigUnreadable:
            if os.path.lexists(self.places.config_file):
                raise
            self.config = Config()

    def config_for(self, named: Sourced[str] | None) -> Config:
        """Return `config`; for a profile named in the call, without broken files of `profiles.d` that have no say in it.

        Raises ConfigInvalid where a broken file could have one.
        """
        try:
            if self._broken is None or named is None:
                return self.config
        except ConfigInvalid as problem:
            if named is None or named.provenance.layer is not Layer.FLAG:
                raise
            self._broken = problem
        from omniprofile.config.partial import load_for

        found = load_for(named.value, profile_files(self.places), home=self.places.home)
        if found is None:
            raise self._broken
        for finding in found.left_out:
            self.tell(f"`{finding.file}` is left out: line {finding.line}: {finding.message}", self.warn)
        self.config = found.config
        return found.config

    @once
    def state(self) -> StateFile:
        """The file that says which profile is active."""
        return StateFile(self.places.state_folder, self.places.home)

    def pin_file(self) -> str | None:
        """Return the project pin above the working directory. One that others may write is ignored, and said."""
        ignored: list[tuple[str, ForeignAccess]] = []

        def trusted() -> Sequence[str]:
            try:
                return self.config.settings.trusted_folders
            except (ConfigInvalid, UnsafePermissions):
                return ()  # the caller says what is wrong, if it needs the files

        path = find_pin(self.environment.cwd, self.places.home, trusted, ignored)
        for pin, foreign in ignored:
            what = f"it {foreign.why}" if foreign.path == pin else f"`{printable(foreign.path, 300)}` {foreign.why}"
            self.tell(
                f"the project pin `{printable(pin, 300)}` is ignored: {what}; if you trust it, add its folder to "
                "`trusted_folders` in `[settings]`"
            )
        return path

    def pin(self) -> Sourced[str] | None:
        """Return the project pin's profile, if a pin stands above the working directory. Raises ConfigInvalid for a bad pin."""
        path = self.pin_file()
        if path is None:
            return None
        from omniprofile.config.loader import load_pin

        return load_pin(path)

    def select(self, named: Sourced[str] | None = None, *, overridden: bool = False, use: "Use" = SHOW) -> "Selection":
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
        if pinned and decide(use, protected=self.is_protected(selection.profile), pinned=True) == WARN:
            self.tell(selected_by_pin(selection), self.warn)
        return selection

    def require(self, name: str, provenance: Provenance | None = None) -> None:
        """Raise NoSuchProfile unless `name`, by default given on the command line, is a profile."""
        provenance = provenance or Provenance(Layer.FLAG, "NAME")
        require_profile(self.config_for(Sourced(name, provenance)), name, provenance)

    def is_protected(self, name: str) -> bool:
        """Whether the profile, a parent of it or `[defaults]` says `protected = true`, the nearest deciding."""
        from omniprofile.model.effective import effective

        return effective(self.config, name).protected.value

    def renew_prompt(self) -> None:
        """Write what a prompt may show of the profiles. Raises OSError and what reading the files raises."""
        from omniprofile.config import prompt

        again = self.reread()
        before = prompt.watch(self.places)
        config = again.config
        # A change between would leave what was read for what is there.
        if prompt.watch(self.places) == before:
            prompt.write(self.places, before, config)

    @contextmanager
    def editing(self, *, dry_run: bool = False) -> "Iterator[Draft]":
        """Give the profile files, to be edited by this process alone. What is to be kept, the body has to write.

        For a `dry_run`, which writes nothing, nobody is locked out.

        Raises OperationFailed when another one edits for too long, ConfigUnreadable.
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
        """Hold the lock that keeps this user's other edits out, or other imports and exports. Raises OperationFailed."""
        from omniprofile.system.locking import exclusive

        # Not beside the user's files: those folders may be read-only, or a git repository.
        return exclusive(self.lock_folders, f"{work}.lock", *_EXCLUSIVE[work])

    @once
    def journal(self) -> "Journal":
        """What says that a rename or a removal was interrupted."""
        from omniprofile.config.editing.journal import Journal

        return Journal(self.places.state_folder, self.places.home)

    def reread(self) -> Self:
        """Return the same in the same environment, with the files read anew."""
        return type(self)(self.environment, self.config_flag, self.notify, self.warn, self.ask, self.detail)

    @once
    def lock_folders(self) -> list[str]:
        """Where locks may lie that all of this user's processes share, whatever their environment says."""
        from omniprofile.system.locking import user_lock_folders

        return user_lock_folders(self.environment.platform, self.environment.environ, self.environment.uid)

    def tell(self, sentence: str, to: Callable[[str], None] | None = None) -> None:
        """Pass a sentence for the user on to `notify`, or to `to`, the first time."""
        if sentence not in self._told:
            self._told.add(sentence)
            (to or self.notify)(sentence)
