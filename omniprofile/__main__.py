#!/usr/bin/env python
"""Run the command line: `python -m omniprofile`, and the installed `omniprofile` script, which is this same file."""

import os
import sys


# Keep this short: Python compiles the installed script at every start.
def main() -> None:
    """Run this process's command line and end the process, without the time that the interpreter takes to free everything.

    At exit an abandoned thread could also crash in a library.
    """
    if sys.version_info < (3, 11):  # noqa: UP036 - no installer checks this for someone who runs the file itself
        sys.exit("omniprofile: error: Python 3.11 or newer is needed, and this is " + sys.version.split()[0])
    try:
        from omniprofile.cli.fast_path import run
    except KeyboardInterrupt:
        sys.exit(130)
    status = run()
    from omniprofile.cli.stream import flush  # here, because `exec` does not return

    flush(sys.stdout)
    flush(sys.stderr)
    os._exit(status if status < 1 << 31 else status - (1 << 32))  # the same 32 bits of Windows, as a C int


if __name__ == "__main__":
    main()
