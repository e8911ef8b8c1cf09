"""Runs every check of `doctor`: one function per check, all listed in `CHECKS`.

Each check has a time limit, and an error in one is reported without stopping the others. Only the clock check uses the network.
No program is run: it is not known what an unknown `omni` would do when started.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from omniprofile.app import App
from omniprofile.doctor import files, plain_text, secret_store, shell
from omniprofile.doctor.diagnosis import Diagnosis, problem, skipped
from omniprofile.errors import Error
from omniprofile.system.threads import start, wait

LIMIT_SECONDS = 20.0
"""The time limit of one check. The secret store has its own, shorter limit, which gives a better message."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `needs_profiles`: skip it while the profile files are invalid. `contacts`: it sends a request to an instance."""

    name: str
    look: Callable[[App], Iterable[Diagnosis]]
    needs_profiles: bool = False
    contacts: bool = False


CHECKS = (
    Check("profile-files", files.profiles),
    Check("permissions", files.permissions),
    Check("leftovers", files.leftovers),
    Check("cache", files.cache, needs_profiles=True),
    Check("selection", shell.selection, needs_profiles=True),
    Check("access", files.access, needs_profiles=True),
    Check("environment", shell.environment),
    Check("hook", shell.hook),
    Check("secret-store", secret_store.secret_store),
    Check("stored-secrets", secret_store.stored_secrets, needs_profiles=True),
    Check("omni-cli", plain_text.omni_cli),
    Check("omni-under-exec", shell.omni_under_exec),
    Check("dotenv", plain_text.dotenv),
    Check("mcp", plain_text.mcp),
    Check("backups", plain_text.backups),
    Check("clock", shell.clock, needs_profiles=True, contacts=True),
)


def examine(app: App, *, offline: bool = False, limit: float = LIMIT_SECONDS) -> Iterable[tuple[str, Diagnosis]]:
    """Run every check in order, and yield each diagnosis with its check's name. `offline` skips checks that use the network."""
    for check in CHECKS:
        if check.contacts and offline:
            yield check.name, skipped("not compared: `--offline`")
            continue
        try:
            found = wait(start(partial(_made, check, app)), limit)
        except TimeoutError:
            hint = "find out what hangs: a file system or a daemon"
            found = [problem(f"the check did not end within {limit:g} s", hint)]
        for diagnosis in found:
            yield check.name, diagnosis


def _made(check: Check, app: App) -> list[Diagnosis]:
    if check.needs_profiles:
        try:
            _ = app.config
        except Error:
            return [skipped("the profile files are invalid")]
    seen = []
    try:
        for diagnosis in check.look(app):
            seen.append(diagnosis)  # noqa: PERF402 - keep the diagnoses made before a failure
    except Error as error:
        seen.append(problem(error.message, error.hint))
    except Exception as bug:  # noqa: BLE001 - one check's bug must not hide the others' results; its text may hold a secret
        seen.append(
            problem(f"the check failed: unexpected {type(bug).__name__}", "this is a bug in omniprofile: report it")
        )
    return seen
