"""A tour of commands, each run as a process of its own in a temporary home, and shown as a user would type it.

Output is shown unchanged, except for `~` for that home. A command that does not do what the tour expects ends it.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from omniprofile.cli.console import Console
from omniprofile.errors import OperationFailed
from omniprofile.system.exit_words import exit_words

BUG = "this is a bug in omniprofile, or something on this machine keeps it from working"
"""The hint for whatever the tour did not expect."""
_SECONDS_EACH = 60


class Tour(NamedTuple):
    """The tour on `console`. If it `waits`, the user presses Enter between the chapters."""

    console: Console
    home: str
    environ: dict[str, str]
    waits: bool

    def chapter(self, title: str) -> None:
        """Start a chapter, once the user has read the previous one."""
        if self.waits and not title.startswith("1."):
            self.console.ask("\nEnter goes on, Ctrl-C ends the tour ")
        self.console.data("\n" + self.console.style("bold", title) + "\n")

    def command(self, line: str) -> None:
        """Show a command line."""
        style = self.console.style
        self.console.data(f"{style('green', '$')} {style('bold', line)}\n")

    def step(
        self,
        *argv: str,
        stdin: str = "",
        status: int = 0,
        shows: str = "",
        only: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Run one command and show it with its output, or with `only` the lines that contain one of these words.

        Raises OperationFailed unless it exits with `status` and its output contains `shows`.
        """
        variables = "".join(f"{name}=… " for name in environ or {})
        piped = "printf %s … | " if stdin else ""
        self.command(f"{piped}{variables}omniprofile {' '.join(argv)}")
        text, ended = self.process(*argv, stdin=stdin, environ=environ)
        lines = [line for line in text.splitlines() if not only or any(word in line for word in only)]
        self.console.give("".join(f"{line}\n" for line in lines))
        if ended != status or shows not in text:
            expected = f"end with {status}" + (f" and to say `{shows}`" if shows else "")
            said = "; ".join(text.splitlines())
            what = f"the demo expected `omniprofile {argv[0]}` to {expected}, but it {exit_words(ended)}: {said}"
            raise OperationFailed(what, hint=BUG)

    def process(self, *argv: str, stdin: str = "", environ: Mapping[str, str] | None = None) -> tuple[str, int]:
        """Run the command without a terminal; return its combined stdout and stderr, and its exit status."""
        path = os.pathsep.join([os.path.dirname(sys.executable), self.environ.get("PATH", "")])
        try:
            done = subprocess.run(
                [sys.executable, "-m", "omniprofile", *argv],
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                env={**self.environ, "PATH": path, **(environ or {})},
                cwd=self.home,
                timeout=_SECONDS_EACH,
                check=False,
            )
        except subprocess.TimeoutExpired as problem:
            raise OperationFailed(f"`omniprofile {argv[0]}` did not end in {_SECONDS_EACH} s") from problem
        return done.stdout.replace(self.home, "~"), done.returncode
