"""The composition root: connects the environment to the packages that do the work.

It imports and reads everything on first use. The command line and the library are both thin layers over `App`.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from omniprofile.credentials.env_variables import environment_pair
from omniprofile.credentials.intent import KEEPING, Intent
from omniprofile.credentials.protection import decide, protected_by, selected_by_pin
from omniprofile.errors import AccessLimited, ProtectedProfile, UsageError
from omniprofile.model.names import quoted_list
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.stores import Stores
from omniprofile.system.files import reason
from omniprofile.transfer.omni_config_path import omni_config_path

if TYPE_CHECKING:
    from omniprofile.credentials.overrides import Flags
    from omniprofile.credentials.protection import Use
    from omniprofile.gateway.gateway import Gateway
    from omniprofile.model.credential import Credential
    from omniprofile.model.resolution import Resolution, Selection
    from omniprofile.system.audit import How


class ProfileRequest(NamedTuple):
    """The request of a command line or library call: a profile, with the flag or argument that named it, and overrides."""

    profile: Sourced[str] | None = None
    base_url: str | None = None
    token_file: str | None = None

    @classmethod
    def for_profile(cls, name: str, how: str = "NAME") -> "ProfileRequest":
        """Return a request for a profile named on the command line."""
        return cls(profile=Sourced(name, Provenance(Layer.FLAG, how)))


class App(Stores):
    """One run of the program: the profile files, and access to their credentials."""

    def resolve(
        self, request: ProfileRequest, use: "Use" = "show", *, explain: bool = False, tell: bool = True
    ) -> "Resolution":
        """Resolve the current profile for this call, without asking a key source.

        `use` is the use that `permit` will be asked about, if not only showing; `explain` also asks the overridden layers; `tell`
        passes on the resolution's notices.
        """
        from omniprofile.credentials.resolver import resolve

        selection = self.select(request.profile, overridden=explain, use=use)
        resolution = resolve(
            self.config,
            selection,
            environ=self.environment.environ,
            flags=self._flags(request),
            status_of=self.credential_status if explain else None,
        )
        if not tell:
            return resolution
        if not selection.named:
            self.tell(f"using profile `{selection.profile}`, selected by {selection.provenance}", self.detail)
        for notice in resolution.notices:
            self.tell(notice)
        for warning in resolution.warnings:
            self.tell(warning, self.warn)
        if resolution.pair:
            names = quoted_list(resolution.pair, "and")
            self.tell(
                f"using {names} of the environment ({resolution.origin}), not profile `{resolution.profile}`", self.warn
            )
        return resolution

    def shadowed_by(self, selection: "Selection") -> tuple[str, ...]:
        """Return the environment's own base URL and token variables if commands use them instead of the profile, else nothing.

        Warns the user about it.
        """
        environ = self.environment.environ
        pair = () if selection.named else environment_pair(selection.profile, environ)
        if pair:
            names = quoted_list(pair, "and")
            self.tell(f"`{selection.profile}` is shadowed: commands use {names} of the environment", self.warn)
        return pair

    def permit(self, resolution: "Resolution", intent: Intent) -> None:
        """Check that a protected profile may be used as intended, asking the user if needed. Raises ProtectedProfile if not."""
        protected = protected_by(resolution, self.config, self._broken)
        selection, now = resolution.selection, self.environment.now()
        pinned = protected == selection.profile and selection.provenance.layer is Layer.PROJECT
        decision = decide(intent.use, protected=protected is not None, pinned=pinned)
        if decision == "allow":
            return
        host = f" ({resolution.origin})" if resolution.origin else ""
        subject = selected_by_pin(selection, host) if pinned else f"`{protected}` is protected{host}"
        confirmed = intent.yes or decision == "warn"
        if not confirmed and (decision == "name" or self.ask is None or not intent.asks):
            raise ProtectedProfile(subject, hint=intent.hint)
        from omniprofile.credentials.confirmations import confirm, is_confirmed
        from omniprofile.system.terminal_session import terminal_session

        session = terminal_session() if intent.remember else None
        kept = self.places.state_folder, self.places.home, (str(protected), str(resolution.origin), session or "")
        if self.ask is None or confirmed or (session and is_confirmed(*kept, now)):
            if pinned:
                self.tell(selected_by_pin(selection), self.warn)
            return
        if not self.ask(f"{subject}. Really {intent.action}?"):
            raise ProtectedProfile(f"{subject}, and was not confirmed: nothing was done")
        try:
            if session:
                confirm(*kept, now)
        except OSError as problem:
            self.tell(f"this will be asked again: the answer could not be saved: {reason(problem)}")

    def obtain(
        self,
        resolution: "Resolution",
        intent: Intent,
        *,
        interactive: bool = False,
        force_refresh: bool = False,
        job: timedelta | None = None,
    ) -> "Credential":
        """Return the credential of a resolution, if the profile's `access` and `permit` allow `intent`.

        `interactive` lets a key command use the terminal. `job` is how long a command must be able to use the credential (0:
        unspecified), None if the caller can renew it. A session is refreshed accordingly; raises NoCredential if it cannot last
        that long.

        `force_refresh` replaces an access token that has time left, because the instance refused it. A key is always read again.

        Raises AccessLimited, ProtectedProfile, and what `credentials.obtain` raises.
        """
        from omniprofile.credentials.obtain import obtain

        resolution.allowed_origin()
        if resolution.access != "full" and not intent.guarded:
            raise AccessLimited(
                f"the token of `{resolution.profile}` is not handed out: its `access` is `{resolution.access}`",
                hint=f"run the program with `omniprofile exec {resolution.profile} -- COMMAND`: it gets a gateway",
            )
        self.permit(resolution, intent)
        return obtain(
            resolution,
            environ=self.environment.environ,
            stored=self.stored,
            elsewhere=lambda profile, variable: [
                account.origin for account in self.accounts(profile) if account.variable == variable
            ],
            fresh=lambda profile, held: self.sessions.fresh(profile, held, force=force_refresh, job=job),
            interactive=interactive,
            tell=lambda sentence: self.tell(sentence, self.warn),
        )

    def gateway(
        self, resolution: "Resolution", credential: "Credential", *, port: int = 0, command: str | None = None
    ) -> "Gateway":
        """Return a gateway to the origin of `credential`, which enforces the profile's `access`.

        It is a context manager, and answers requests after `start`. `port` 0 means any port; `command` is what it serves, for the
        audit log. Entering it raises OperationFailed. Raises AccessLimited if the profile's `env` would give programs a secret.
        """
        from omniprofile.credentials.held_credential import HeldCredential
        from omniprofile.gateway.gateway import Gateway

        secrets = [each.name for each in resolution.env if each.value.secret] if resolution.access != "full" else []
        if secrets:
            raise AccessLimited(
                f"`{resolution.profile}` keeps its token from programs, and would give them "
                f"the secret of {quoted_list(secrets, 'and')}",
                hint=f"remove it from `env` of `{resolution.profile}`, or move it to a separate profile",
            )

        def obtain(force_refresh: bool) -> "Credential":
            return self.obtain(resolution, KEEPING._replace(yes=True), force_refresh=force_refresh)

        return Gateway(
            profile=resolution.profile,
            origin=credential.origin,
            credential=HeldCredential(obtain, self.environment.now, credential),
            access=resolution.access,
            allow=resolution.allow,
            environ=self.environment.environ,
            record=partial(self.record, resolution, "gateway", command),
            port=port,
        )

    def record(
        self,
        resolution: "Resolution",
        how: "How",
        command: str | None = None,
        *,
        requests: Mapping[str, Mapping[str, int]] | None = None,
        refused: Mapping[str, str] | None = None,
    ) -> None:
        """Record in the audit log that the credential of a resolution was handed out, or what a gateway did with it."""
        from omniprofile.system.audit import record

        if not self.config.settings.audit:
            return
        record(
            self.places.state_folder,
            self.places.home,
            how,
            profile=None if resolution.pair else resolution.profile,
            base_url=str(resolution.origin),
            layer=Layer.ENVIRONMENT if resolution.pair else resolution.selection.provenance.layer,
            command=command,
            requests=requests,
            refused=refused,
        )

    def require_any(self) -> None:
        """Raise NoProfileSelected, which says how to define one, if no file defines a profile."""
        if not self.config.profiles:
            self.select()

    def declared(self, request: ProfileRequest, use: "Use" = "show") -> "Resolution":
        """Resolve from the files alone, ignoring base URLs and tokens from flags and variables."""
        from omniprofile.credentials.resolver import resolve

        selection = self.select(request.profile, use=use)
        return resolve(self.config, selection, environ={})

    def declared_profile(self, name: str) -> "Resolution":
        """Resolve profile `name` from the files alone."""
        return self.declared(ProfileRequest.for_profile(name))

    def current(self) -> "Resolution":
        """Resolve the current profile with every override, without passing on notices."""
        return self.resolve(ProfileRequest(), tell=False)

    def omni_config_path(self) -> str:
        """Return where the vendor's CLI looks for its config outside of `exec`. Raises what `absolute` raises."""
        there = self.environment
        return self.absolute(omni_config_path(platform=there.platform, environ=there.environ, home=self.places.home))

    def _flags(self, request: ProfileRequest) -> "Flags":
        from omniprofile.credentials.key_file import read_token_file
        from omniprofile.credentials.overrides import Flags

        if request.token_file is None:
            return Flags(request.base_url)
        return Flags(request.base_url, read_token_file(request.token_file, stdin=self.binary_stdin(), tell=self.tell))

    def binary_stdin(self) -> BinaryIO:
        """Return standard input. Raises UsageError if it is closed."""
        if self.environment.stdin is None:
            raise UsageError("standard input is closed", hint="give the input with `<` or a pipe")
        return self.environment.stdin.buffer
