"""The checks of `doctor` for secrets in plain text: the files of other programs, and the backups of them."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence

from omniprofile.app import App
from omniprofile.checks.mcp import check_mcp, project_files, user_files
from omniprofile.doctor.diagnosis import Diagnosis, ok, problem, skipped, warning
from omniprofile.errors import ConfigInvalid
from omniprofile.handover.real_omni import is_ours
from omniprofile.handover.rival_dotenv import find_dotenv
from omniprofile.model.names import counted, printable, printable_place, quoted_list
from omniprofile.model.rule_codes import Code
from omniprofile.model.shell_words import quoted_place
from omniprofile.system.foreign_access import others_can_write, real_path
from omniprofile.system.programs import programs
from omniprofile.transfer import foreign_file
from omniprofile.transfer.dotenv import Dotenv
from omniprofile.transfer.omni_config import OmniConfig

_MOST_KEYS = 10
"""At most this many keys are shown for one file, which may be somebody else's and of any size."""
_SCRUB = "run `omniprofile import {} --scrub`"


def omni_cli(app: App) -> Iterable[Diagnosis]:
    """Report the vendor's CLI: its path, and secrets in plain text in its config."""
    found: dict[str, str] = {}
    for path in programs("omni", app.environment.environ):
        if not is_ours(path):
            found.setdefault(real_path(path), path)
    if not found:
        yield ok("no `omni` on PATH")
    else:
        program = next(iter(found.values()))
        folder = os.path.dirname(program)
        others = f", and {len(found) - 1} more behind it" if len(found) > 1 else ""
        yield ok(f"`omni` on PATH is `{printable_place(program)}`{others} (not run)")
        status = os.stat(folder)
        if others_can_write(status) and not status.st_mode & stat.S_ISVTX:
            yield problem(
                f"anyone can replace `{printable_place(program)}`, which gets your tokens",
                f"run `chmod o-w {quoted_place(folder)}`",
            )
    yield from _omni_config(app.omni_config_path())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _omni_config(path: str) -> Iterator[Diagnosis]:
    shown = f"`{printable_place(path)}`"
    if not os.path.lexists(path):
        yield ok(f"it has no config ({shown})")
        return
    try:
        config = OmniConfig.read(path)
    except ConfigInvalid as error:
        yield problem(f"{error.message}; the CLI treats that as no config at all", error.hint)
        return
    profiles = {f"`{printable(name, 40)}`": profile for name, profile in config.profiles.items()}
    used = [name for name, profile in profiles.items() if set(profile.secrets()) - set(profile.unused_secrets())]
    unused = [name for name, profile in profiles.items() if profile.unused_secrets()]
    if used:
        yield warning(f"{shown} has secrets of {_some(used)} in plain text", _SCRUB.format("omni-cli"))
    if unused:
        keys = {key: None for name in unused for key in profiles[name].unused_secrets()}
        yield warning(
            f"{shown} has {quoted_list(keys, 'and')} of {_some(unused)} in plain text, left over from another way to log in",
            "no import takes them: remove them with an editor",
        )
    if not used and not unused:
        yield ok(f"its config {shown} has no secret")
    if config.default and config.default.is_renewed:  # `exec` shields its child from this; the exports of `env` do not
        yield warning(
            f"the default profile `{printable(config.default.name, 40)}` in {shown} is an OAuth session: once it has "
            "expired, a bare `omni` renews it and sends its token in place of every other, that of `omniprofile env` too",
            "run `omniprofile import omni-cli --scrub`, or run `omni` by `omniprofile exec -- omni …`",
        )
    if (used or unused) and config.file.can_be_read_by_others():
        yield problem(
            f"{shown} has secrets and others can read it",
            f"run `chmod 600 {quoted_place(path)}`, and replace the secrets",
        )


def backups(app: App) -> Iterable[Diagnosis]:
    """Report the backups of files changed by `import --scrub` and `export`, which still hold secrets."""
    paths = foreign_file.backups(app.places.state_folder)
    if not paths:
        yield ok("no backup of another program's file")
    for path in paths:
        yield warning(
            f"the backup `{printable_place(path)}` has the secrets that were removed", "delete it once everything works"
        )


def dotenv(app: App) -> Iterable[Diagnosis]:
    """Report secrets in the `.env` that programs find from the working directory."""
    if app.environment.cwd is None:
        yield skipped("the working directory is gone")
        return
    here = os.path.join(app.environment.cwd, ".env")
    path = find_dotenv(app.environment.cwd)
    if path is None and os.path.lexists(here):  # a virtual environment, or the pipe of a password manager
        yield skipped(f"`{printable_place(here)}` is not a regular file: it was not searched for keys")
        return
    if path is None:
        yield ok("no `.env` in this folder or above")
        return
    file = Dotenv.read(path)
    shown = f"`{printable_place(path)}`"
    names = list(dict.fromkeys(f"`{setting.name}`" for setting in file.with_secrets()))
    names += [f"a key in the comment of line {line}" for line in file.commented()]
    if names:
        yield warning(
            f"{shown} has {', '.join(names)} in plain text",
            _SCRUB.format("dotenv" if path == here else f"dotenv {quoted_place(path)}"),
        )
    if others := file.elsewhere():
        yield warning(
            f"{shown} has a key in plain text in {', '.join(others[:_MOST_KEYS])}",
            'take it out, and set the variable in the `env` of a profile: `NAME = { from = "token" }`',
        )
    if not names and not others:
        yield ok(f"{shown} has no key of Omni's")


def mcp(app: App) -> Iterable[Diagnosis]:
    """Report Omni keys in the settings of MCP clients, for this project and for all projects."""
    environment, home = app.environment, app.places.home
    paths = user_files(platform=environment.platform, environ=environment.environ, home=home)
    if environment.cwd is not None:
        paths = [*dict.fromkeys([*project_files(environment.cwd, home), *paths])]
    clean = True
    for path in paths:
        findings = check_mcp(path)
        if any(finding.code == Code.UNREADABLE for finding in findings):
            yield skipped(f"{findings[0].message}: it was not searched for keys")
            continue
        for finding in findings[:_MOST_KEYS]:
            clean = False
            yield warning(
                f"`{printable_place(path)}`, line {finding.line}: {finding.message}", finding.suggestion or ""
            )
        if len(findings) > _MOST_KEYS:
            more, word = counted(len(findings) - _MOST_KEYS, "more key"), quoted_place(path)
            yield warning(f"`{printable_place(path)}` has {more}", f"run `omniprofile lint {word}`")
    if clean:
        yield ok("no key of Omni's in the settings of an MCP client")
