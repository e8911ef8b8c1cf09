"""One look at everything around the program. One function for one check, all in `CHECKS`.

Each runs bounded in time, and whatever goes wrong in it is a finding about it and no crash of the others. Only the clock
contacts anybody, and no program is run: what an unknown `omni` does when it is started is not ours to find out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from omniprofile.checks import doctor_files, doctor_secrets, doctor_shell
from omniprofile.checks.scene import Scene
from omniprofile.errors import Error
from omniprofile.model.diagnosis import Diagnosis, problem, skipped

LIMIT_SECONDS = 20.0
"""What one check may take. The store has its own, shorter, limit, which gives a better answer."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `needs_profiles`: it says nothing while the profile files are invalid."""

    name: str
    look: Callable[[Scene], Iterable[Diagnosis]]
    needs_profiles: bool = False


CHECKS = (
    Check("profile-files", doctor_files.profile_files),
    Check("permissions", doctor_files.permissions),
    Check("leftovers", doctor_files.leftovers),
    Check("cache", doctor_files.cache, needs_profiles=True),
    Check("selection", doctor_shell.selection, needs_profiles=True),
    Check("environment", doctor_shell.environment),
    Check("hook", doctor_shell.hook),
    Check("secret-store", doctor_secrets.secret_store),
    Check("stored-secrets", doctor_secrets.stored_secrets, needs_profiles=True),
    Check("omni-cli", doctor_secrets.omni_cli),
    Check("dotenv", doctor_secrets.dotenv),
    Check("clock", doctor_shell.clock, needs_profiles=True),
)


def examine(scene: Scene, *, limit: float = LIMIT_SECONDS) -> Iterable[tuple[str, Diagnosis]]:
    """Make every check, in order; what each saw comes as soon as it is done."""
    for check in CHECKS:
        for diagnosis in _bounded(check, scene, limit):
            yield check.name, diagnosis


def _bounded(check: Check, scene: Scene, limit: float) -> list[Diagnosis]:
    from omniprofile.system.threads import start, wait

    try:
        return wait(start(lambda: _made(check, scene)), limit)
    except TimeoutError:
        return [
            problem(
                f"the check did not end within {limit:g} s", "look at what it looks at: a file system or a daemon hangs"
            )
        ]


def _made(check: Check, scene: Scene) -> list[Diagnosis]:
    if check.needs_profiles:
        try:
            scene.config()
        except Error:
            return [skipped("the profile files are invalid")]
    seen = []
    try:
        for diagnosis in check.look(scene):
            seen.append(diagnosis)  # noqa: PERF402 - what it saw before it failed counts
    except Error as error:
        seen.append(problem(error.message, error.hint))
    except Exception as bug:  # noqa: BLE001 - one check's bug must not hide what the others saw; its text may hold a secret
        seen.append(
            problem(f"the check failed: unexpected {type(bug).__name__}", "this is a bug in omniprofile: report it")
        )
    return seen
