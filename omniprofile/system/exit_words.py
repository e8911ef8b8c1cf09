"""Put into words how a process ended."""


def exit_words(status: int) -> str:
    """Return how a process with this status of `subprocess` ended: "exited with status 3", or "was ended by signal SIGTERM"."""
    if status >= 0:
        return f"exited with status {status}"
    from signal import Signals

    return f"was ended by signal {Signals(-status).name if -status in set(Signals) else -status}"
