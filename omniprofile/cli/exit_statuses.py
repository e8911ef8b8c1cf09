"""Exit statuses, and the only table of which error has which."""

from omniprofile import errors

DONE = 0
FINDINGS = 1
USAGE = 2
CONFIG_INVALID = 3
NO_CREDENTIAL = 4
NO_PROFILE = 5
REFUSED = 6
UNREACHABLE = 7
CREDENTIAL_REFUSED = 8
STORE_UNAVAILABLE = 9
COMMAND_NOT_RUNNABLE = 126  # 126 and 127 for `exec` as in env(1) and shells
COMMAND_NOT_FOUND = 127
INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a shell reports a program whose reader is gone

STATUSES: tuple[tuple[type[errors.Error], int], ...] = (
    (errors.UsageError, USAGE),
    (errors.OperationFailed, FINDINGS),
    (errors.ConfigInvalid, CONFIG_INVALID),
    (errors.NoCredential, NO_CREDENTIAL),
    (errors.NoSuchProfile, NO_PROFILE),
    (errors.NoProfileSelected, NO_PROFILE),
    (errors.Refused, REFUSED),
    (errors.Unreachable, UNREACHABLE),
    (errors.CredentialRefused, CREDENTIAL_REFUSED),
    (errors.StoreUnavailable, STORE_UNAVAILABLE),
    (errors.CommandNotRunnable, COMMAND_NOT_RUNNABLE),
    (errors.CommandNotFound, COMMAND_NOT_FOUND),
    (errors.Interrupted, INTERRUPTED),
    (errors.Unexpected, FINDINGS),
)


def status_of(error: errors.Error) -> int:
    """Return the exit status of an error: that of the first class in `STATUSES` that it belongs to."""
    return next((status for family, status in STATUSES if isinstance(error, family)), FINDINGS)
