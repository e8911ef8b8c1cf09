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

    def __init__(self, message: str, *, hint: "str | None" = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(Error):
    """The command line, or a library call, does not make sense as given."""

    code = "usage"


class OperationFailed(Error):
    """A step could not be completed though nothing was wrong with what the user wrote: a full disk, a closed pipe."""

    code = "failed"


class SessionBusy(OperationFailed):
    """Another process holds the session's lock for too long. Nothing was sent: a refresh without the lock may end it."""

    code = "session-busy"


class NotWritten(OperationFailed):
    """A profile file cannot be written, because it is read-only or the disk is full. `patch` is the change, to make by hand."""

    code = "not-written"

    def __init__(self, message: str, *, hint: "str | None" = None, patch: str = "") -> None:
        super().__init__(message, hint=hint)
        self.patch = patch


class ConfigInvalid(Error):
    """A profile file, pin or variable is not what the schema allows. The message begins with its place, if it has one."""

    code = "config-invalid"


class ConfigUnreadable(ConfigInvalid):
    """A file of the configuration cannot be read at all: missing, no permission, a folder, a FIFO, too large."""

    code = "config-unreadable"


class NoCredential(Error):
    """The profile is fine, but there is no usable credential for it."""

    code = "no-credential"


class KeySourceFailed(NoCredential):
    """The profile's key source was asked and did not give one usable key."""

    code = "key-source-failed"


class LoginFailed(NoCredential):
    """The browser login came to no end: denied, abandoned, or answered with something else than an authorization."""

    code = "login-failed"


class SessionEnded(NoCredential):
    """The instance says that the session is over: its refresh token is good for nothing any more."""

    code = "session-ended"


class NoSuchProfile(Error):
    """A layer named a profile that no file defines."""

    code = "no-such-profile"


class NoProfileSelected(Error):
    """No layer names a profile."""

    code = "no-profile-selected"


class Refused(Error):
    """Refused for safety."""

    code = "refused"


class OriginMismatch(Refused):
    """The credential belongs to another origin than the one it would be sent to."""

    code = "origin-mismatch"


class HostNotAllowed(Refused):
    """The host is neither Omni's nor in `allowed_hosts`."""

    code = "host-not-allowed"


class InsecureURL(Refused):
    """Plain http, other than to a loopback address that was allowed by name."""

    code = "insecure-url"


class ProtectedProfile(Refused):
    """A protected profile was asked for without confirmation."""

    code = "protected-profile"


class AccessLimited(Refused):
    """The profile's `access` does not let its token be handed out, or a request through."""

    code = "access-limited"


class IdentityMismatch(Refused):
    """whoami says somebody else than the profile's `expect`."""

    code = "identity-mismatch"


class UnsafePermissions(Refused):
    """A file that holds or decides about secrets can be read or written by others."""

    code = "unsafe-permissions"


class Unreachable(Error):
    """The instance cannot be reached, or what answers is not an Omni instance."""

    code = "unreachable"


class CredentialRefused(Error):
    """The instance refuses the credential."""

    code = "credential-refused"


class StoreUnavailable(Error):
    """The secret store cannot be used."""

    code = "store-unavailable"


class StoreLocked(StoreUnavailable):
    """The secret store is there, but locked."""

    code = "store-locked"


class StoreTimeout(StoreUnavailable):
    """The secret store did not answer in time."""

    code = "store-timeout"


class CommandNotFound(Error):
    """The command that `exec` was to run is not there."""

    code = "command-not-found"


class CommandNotRunnable(Error):
    """The command that `exec` was to run is there and cannot be run."""

    code = "command-not-runnable"


class Interrupted(Error):
    """The user pressed Ctrl-C or closed the input of a prompt."""

    code = "interrupted"


class Unexpected(Error):
    """A bug in omniprofile itself."""

    code = "unexpected"
