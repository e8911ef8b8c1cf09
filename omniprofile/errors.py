"""Every error that omniprofile raises for its user, flat, and nothing else.

An `Error` says what is wrong (`message`: one sentence, lower case, no full stop, names in backticks), what to do next
(`hint`), and has a stable `code` in kebab case for programs. The exit status that belongs to each class is known to
`omniprofile.cli.exits` alone. Layer: the lowest; imports nothing of the project.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Error(Exception):
    """Something the user can act on. `str()` is the message, without the hint and without any secret."""

    code: "ClassVar[str]" = "error"

    def __init_subclass__(cls, *, code: str) -> None:
        cls.code = code

    def __init__(self, message: str, *, hint: "str | None" = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(Error, code="usage"):
    """The command line, or a library call, does not make sense as given."""


class OperationFailed(Error, code="failed"):
    """A step could not be completed though nothing was wrong with what the user wrote: a full disk, a closed pipe."""


class SessionBusy(OperationFailed, code="session-busy"):
    """Another process holds the session's lock for too long. Nothing was sent: a refresh without the lock may end it."""


class NotWritten(OperationFailed, code="not-written"):
    """A profile file cannot be written, because it is read-only or the disk is full. `patch` is the change, to make by hand."""

    def __init__(self, message: str, *, hint: "str | None" = None, patch: str = "") -> None:
        super().__init__(message, hint=hint)
        self.patch = patch


class ConfigInvalid(Error, code="config-invalid"):
    """A profile file, pin or variable is not what the schema allows. The message begins with its place, if it has one."""


class ConfigUnreadable(ConfigInvalid, code="config-unreadable"):
    """A file of the configuration cannot be read at all: missing, no permission, a folder, a FIFO, too large."""


class NoCredential(Error, code="no-credential"):
    """The profile is fine, but no usable credential was found for it."""


class KeySourceFailed(NoCredential, code="key-source-failed"):
    """The profile's key source was asked and did not give one usable key."""


class LoginFailed(NoCredential, code="login-failed"):
    """The browser login came to no end: denied, abandoned, or answered with something else than an authorization."""


class SessionEnded(NoCredential, code="session-ended"):
    """The instance says that the session is over: its refresh token is good for nothing any more."""


class NoSuchProfile(Error, code="no-such-profile"):
    """A layer named a profile that no file defines."""


class NoProfileSelected(Error, code="no-profile-selected"):
    """No layer names a profile."""


class Refused(Error, code="refused"):
    """Refused for safety."""


class OriginMismatch(Refused, code="origin-mismatch"):
    """The credential belongs to another origin than the one it would be sent to."""


class HostNotAllowed(Refused, code="host-not-allowed"):
    """The host is neither Omni's nor in `allowed_hosts`."""


class InsecureURL(Refused, code="insecure-url"):
    """Plain http, other than to a loopback address that was allowed by name."""


class ProtectedProfile(Refused, code="protected-profile"):
    """A protected profile was asked for without confirmation."""


class AccessLimited(Refused, code="access-limited"):
    """The profile's `access` does not let its token be handed out, or a request through."""


class IdentityMismatch(Refused, code="identity-mismatch"):
    """whoami says somebody else than the profile's `expect`."""


class UnsafePermissions(Refused, code="unsafe-permissions"):
    """A file that holds or decides about secrets can be read or written by others."""


class Unreachable(Error, code="unreachable"):
    """The instance cannot be reached, or what answers is not an Omni instance."""


class CredentialRefused(Error, code="credential-refused"):
    """The instance refuses the credential."""


class StoreUnavailable(Error, code="store-unavailable"):
    """The secret store cannot be used."""


class StoreLocked(StoreUnavailable, code="store-locked"):
    """The secret store is there, but locked."""


class StoreTimeout(StoreUnavailable, code="store-timeout"):
    """The secret store did not answer in time."""


class CommandNotFound(Error, code="command-not-found"):
    """The command that `exec` was to run was not found."""


class CommandNotRunnable(Error, code="command-not-runnable"):
    """The command that `exec` was to run is there and cannot be run."""


class Interrupted(Error, code="interrupted"):
    """The user pressed Ctrl-C or closed the input of a prompt."""


class Unexpected(Error, code="unexpected"):
    """A bug in omniprofile itself."""
