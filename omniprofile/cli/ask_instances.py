"""Asks the instances of profiles whose credentials they are, for `test` and `use --test`."""

from collections.abc import Callable, Sequence

from omniprofile.app import App, ProfileRequest
from omniprofile.credentials.intent import SHOWING
from omniprofile.model.live_result import LiveResult

SECONDS = 10.0
"""How long to wait for each instance."""
JOBS = 16
"""How many credentials to test at once."""


def ask_instances(
    app: App,
    requests: Sequence[ProfileRequest],
    *,
    timeout: float = SECONDS,
    jobs: int = JOBS,
    on_result: Callable[[LiveResult], None] | None = None,
    interactive: bool = False,
) -> list[LiveResult]:
    """Test the credential of each request; return results in that order. Only a lone key command may use the terminal.

    A credential is obtained when the check needs it.
    """
    from omniprofile.checks.live import Subject, check_live

    def subject(request: ProfileRequest) -> Subject:
        resolution = app.resolve(request)
        return Subject(
            resolution.profile,
            lambda: app.obtain(resolution, SHOWING, interactive=interactive and len(requests) == 1),
            resolution.expect,
            given_by=str(resolution.token.provenance) if resolution.token else None,
            renew=lambda: app.obtain(resolution, SHOWING, force_refresh=True),
        )

    subjects = [subject(request) for request in requests]
    return check_live(subjects, timeout=timeout, jobs=jobs, environ=app.environment.environ, on_result=on_result)
