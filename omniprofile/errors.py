"""All errors that omniprofile raises for its user.

An `Error` says what is wrong (`message`: one sentence, lower case, no full stop, names in backticks) and what to do next
(`hint`), and has a stable `code` in kebab case for programs. Only `cli.exit_statuses` knows the exit status of each class.
Layer: the lowest; imports nothing from the project.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar


class Error(Exception):
    """An error that the user can act on. `str()` is the message, without the hint or any secret."""

    code: "ClassVar[str]" = "error"

    def __init_subclass__(cls, *, code: str) -> None:
        cls.code = code

    def __init__(self, message: str, *, hint: "str | None" = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def lines(self) -> str:
        """The message, and in a second line the hint, as people read them after `error: `."""
        lines = [self.message, f"hint: {self.hint}"] if self.hint else [self.message]
        return "\n".join(line.replace("\n", "\\n") for line in lines)  # a file's name may hold a line break


class UsageError(Error, code="usage"):
    """The command line, or a library call, is invalid as given."""


class OperationFailed(Error, code="failed"):
    """A step failed for a reason other than the user's input, such as a full disk or a closed pipe."""

    @classmethod
    def changed_meanwhile(cls, path: str) -> "OperationFailed":
        """Return the error for a file that another program has changed, or made, since it was read."""
        hint = "nothing was written to it; run the command again"
        return cls(f"`{path}` was changed by another program meanwhile", hint=hint)


class SessionBusy(OperationFailed, code="session-busy"):
    """Another process held the session's lock for too long. Nothing was sent: a refresh without the lock may end the session."""


class NotWritten(OperationFailed, code="not-written"):
    """A profile file cannot be written: it is read-only, or the disk is full. `patch` is the change, to make by hand."""

    def __init__(self, message: str, *, hint: "str | None" = None, patch: str = "") -> None:
        super().__init__(message, hint=hint)
        self.patch = patch


class ConfigInvalid(Error, code="config-invalid"):
    """A profile file, pin or variable has an invalid value. The message begins with its place, if there is one."""


class ConfigUnreadable(ConfigInvalid, code="config-unreadable"):
    """A configuration file cannot be read: it is missing, a folder, a FIFO, too large, or not permitted."""


class NoCredential(Error, code="no-credential"):
    """The profile is valid, but no usable credential was found for it."""


class KeySourceFailed(NoCredential, code="key-source-failed"):
    """The profile's key source did not return a usable key."""


class LoginFailed(NoCredential, code="login-failed"):
    """The browser login failed: it was denied, abandoned, or answered with something other than an authorization."""


class SessionEnded(NoCredential, code="session-ended"):
    """The instance reports that the session has ended: its refresh token is no longer valid."""


class NoSuchProfile(Error, code="no-such-profile"):
    """A layer named a profile that no file defines."""


class NoProfileSelected(Error, code="no-profile-selected"):
    """No layer names a profile."""


class Refused(Error, code="refused"):
    """Refused for safety."""


class OriginMismatch(Refused, code="origin-mismatch"):
    """The credential belongs to a different origin than it would be sent to."""


class HostNotAllowed(Refused, code="host-not-allowed"):
    """The host is neither Omni's nor in `allowed_hosts`."""


class InsecureURL(Refused, code="insecure-url"):
    """The URL is plain http, and not to a loopback address for which that is allowed."""


class ProtectedProfile(Refused, code="protected-profile"):
    """A protected profile was requested without confirmation."""


class AccessLimited(Refused, code="access-limited"):
    """The profile's `access` does not allow handing out its token, or sending a request."""


class IdentityMismatch(Refused, code="identity-mismatch"):
    """whoami reports a different identity than the profile's `expect`."""


class UnsafePermissions(Refused, code="unsafe-permissions"):
    """Others can read or write a file that holds secrets or decides about them."""


class Unreachable(Error, code="unreachable"):
    """The instance cannot be reached, or the server that answers is not an Omni instance."""


class CredentialRefused(Error, code="credential-refused"):
    """The instance refuses the credential."""


class StoreUnavailable(Error, code="store-unavailable"):
    """The secret store cannot be used."""


class StoreLocked(StoreUnavailable, code="store-locked"):
    """The secret store is locked."""


class StoreTimeout(StoreUnavailable, code="store-timeout"):
    """The secret store did not answer in time."""


class CommandNotFound(Error, code="command-not-found"):
    """The command for `exec` to run was not found."""


class CommandNotRunnable(Error, code="command-not-runnable"):
    """The command for `exec` to run was found, but cannot be run."""


class Interrupted(Error, code="interrupted"):
    """The user pressed Ctrl-C or closed the input of a prompt."""


class Unexpected(Error, code="unexpected"):
    """A bug in omniprofile itself."""
